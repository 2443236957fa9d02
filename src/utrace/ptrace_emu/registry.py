"""Who traces whom inside a session.

Rules of this file:

1. One link, a `PtraceEngine`, for each pair of tracer process and tracee.  Several tracers may have
   links to one tracee; one tracer has at most one.
2. All of it is used by the tracer thread of the session alone: there are no locks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.verdicts import ResumeAction
from utrace.engines.ptrace import Option, PtraceEngine
from utrace.errors import UtraceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.tracer.engine import Engine
    from utrace.tracer.loop import Loop
    from utrace.tracer.task import Task

CLD_EXITED: Final = 1
CLD_KILLED: Final = 2
CLD_DUMPED: Final = 3
CLD_TRAPPED: Final = 4
SIGKILL: Final = 9


class Ended:
    """A dead tracee that its tracer has not waited for."""

    __slots__ = ("pid", "status", "tracer_pid")

    def __init__(self, tracer_pid: int, pid: int, status: int) -> None:
        self.tracer_pid = tracer_pid
        self.pid = pid
        self.status = status


class Registry:
    """Links, dead tracees, and who waits.

    Attributes:
        links: those of one tracee, by its task's generation, in the order of their attaching.
        ended: dead tracees to be waited for, oldest first.
        parents: the tracing of each task's maker: its generation to its parent's task handle.
    """

    def __init__(self) -> None:
        self.links: dict[int, list[PtraceEngine]] = {}
        self.ended: list[Ended] = []
        self.parents: dict[int, Task] = {}
        self.waiters: dict[int, Callable[[], None]] = {}
        """By the tid of a thread that waits: what wakes it."""
        self._waiting_pids: dict[int, int] = {}

    # -- links ------------------------------------------------------------------------------------

    def link(
        self, tracer: Task, tracee: Task, *, seized: bool, options: int, tracer_tid: int | None = None
    ) -> PtraceEngine:
        """Make a link; the caller has checked that it may be."""
        made = PtraceEngine(
            self, tracer.tid if tracer_tid is None else tracer_tid, tracer.pid, seized=seized, options=options
        )
        engine = tracee.attach(made)
        made.hold(tracee, engine)
        self.links.setdefault(tracee.id.generation, []).append(made)
        return made

    def find(self, tracer_pid: int, tracee: Task) -> PtraceEngine | None:
        """Find the link of a tracer to a tracee."""
        for link in self.links.get(tracee.id.generation, ()):
            if link.tracer_pid == tracer_pid:
                return link
        return None

    def of_tracer(self, tracer_pid: int) -> list[PtraceEngine]:
        """List the links of one tracer."""
        return [link for links in self.links.values() for link in links if link.tracer_pid == tracer_pid]

    def tracers_of(self, tracee: Task) -> list[PtraceEngine]:
        """List the links to one tracee."""
        return list(self.links.get(tracee.id.generation, ()))

    def would_be_cycle(self, tracer_pid: int, tracee: Task) -> bool:
        """Tell whether the tracee traces the tracer, through however many others."""
        seen: set[int] = set()
        front = {tracer_pid}
        while front:
            if tracee.pid in front:
                return True
            seen |= front
            front = {
                link.tracer_pid for links in self.links.values() for link in links if link.tracee.pid in front
            } - seen
        return False

    # -- what a link tells (engines.ptrace.Tracer) ---------------------------------------------------

    def stopped(self, link: PtraceEngine) -> None:
        """A stop has begun: SIGCHLD, and whoever waits looks again."""
        self._tell(link.engine.loop, link, CLD_TRAPPED, (link.stop.code if link.stop else 0) & 0x7F)

    def died(self, link: PtraceEngine, status: int) -> None:
        """Note an end, unless the tracer is the real parent: its own wait tells it."""
        parent = self.parents.get(link.tracee.id.generation)
        thread = link.tracee.tid != link.tracee.pid
        if thread or parent is None or parent.pid != link.tracer_pid:
            self.ended.append(Ended(link.tracer_pid, link.tracee.tid, status))
            signal = status & 0x7F
            code = CLD_EXITED if not signal else CLD_DUMPED if status & 0x80 else CLD_KILLED
            self._tell(link.engine.loop, link, code, signal or status >> 8)

    def gone(self, link: PtraceEngine) -> None:
        """Drop a link."""
        links = self.links.get(link.tracee.id.generation, [])
        if link in links:
            links.remove(link)
        if not links:
            self.links.pop(link.tracee.id.generation, None)
        self.wake(link.tracer_pid)

    def child(self, link: PtraceEngine, child: Task) -> None:
        """Trace a child as its parent is."""
        made = PtraceEngine(
            self, link.tracer_tid, link.tracer_pid, seized=link.seized, options=int(link.options)
        )
        engine = child.attach(made)
        made.hold(child, engine)
        self.links.setdefault(child.id.generation, []).append(made)
        made.stop_at_birth()

    # -- waiting ----------------------------------------------------------------------------------

    def wait(self, task: Task, wake: Callable[[], None]) -> None:
        """Note that a thread is about to wait."""
        self.waiters[task.tid] = wake
        self._waiting_pids[task.tid] = task.pid

    def waits_no_more(self, task: Task) -> None:
        """Forget that it waits."""
        self.waiters.pop(task.tid, None)
        self._waiting_pids.pop(task.tid, None)

    def wake(self, tracer_pid: int) -> None:
        """Let every waiting thread of a process look again."""
        for tid, pid in list(self._waiting_pids.items()):
            if pid == tracer_pid:
                self.waiters[tid]()

    def _tell(self, loop: Loop, link: PtraceEngine, code: int, status: int) -> None:
        tracee = loop.tracees.by_tid.get(link.tracer_tid)
        if tracee is not None:
            loop.send_child_signal(tracee, code=code, pid=link.tracee.tid, status=status)
        self.wake(link.tracer_pid)

    def tracer_died(self, tracer_pid: int) -> None:
        """Let go of what a dead tracer traced, or kill it (PTRACE_O_EXITKILL)."""
        for link in self.of_tracer(tracer_pid):
            if link.options & Option.EXITKILL:
                link.engine.loop.kernel.kill(link.tracee.tid, SIGKILL)
            try:
                link.detach(0)
            except UtraceError:
                self.gone(link)
        self.ended = [ended for ended in self.ended if ended.tracer_pid != tracer_pid]


def interrupter(engine: Engine) -> Callable[[], None]:
    """Make what wakes a thread that waits: an interrupt, which ends the call it sleeps in."""

    def wake() -> None:
        if engine.state is engine.state.ATTACHED:
            engine.control(ResumeAction.INTERRUPT)

    return wake
