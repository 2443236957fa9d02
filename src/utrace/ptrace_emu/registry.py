"""Who traces whom inside a session.

Rules of this file:

1. One link, a `PtraceEngine`, for each pair of tracer process and tracee.  Several tracers may have
   links to one tracee; one tracer has at most one.
2. All of it is used by the tracer thread of the session alone: there are no locks.
"""

from __future__ import annotations

import contextlib
import enum
from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.core.events import SIGNAL_ALL
from utrace.core.verdicts import ResumeAction
from utrace.engines.ptrace import PtraceEngine
from utrace.engines.ptrace_stops import SI_KERNEL, Option, PtraceStop, Trap, is_trap
from utrace.errors import TaskGone, UtraceError
from utrace.kernel import procfs
from utrace.ptrace_emu.breakpoints import Breakpoints
from utrace.ptrace_emu.dead_children import DeadChildren
from utrace.ptrace_emu.debug_registers import DebugRegisters, user_words
from utrace.ptrace_emu.ends import CLD_TRAPPED, SIGCHLD, Ended, child_siginfo, early_end, is_first
from utrace.ptrace_emu.leftovers import Leftovers, is_gone
from utrace.ptrace_emu.traps import Traps
from utrace.ptrace_emu.turns import end_turn
from utrace.ptrace_emu.usage import Usage
from utrace.tracehook.group_stop import CLD_CONTINUED, CLD_STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.engines.ptrace_link import PtraceLink
    from utrace.ptrace_emu.births import UntracedBirth
    from utrace.tracer.engine import Engine
    from utrace.tracer.task import Task

SIGKILL: Final = 9
SIGCONT: Final = 18
SIGSTOP: Final = 19
_SIGCONT_BIT: Final = 1 << SIGCONT - 1


_SIGTIMEDWAIT: Final = frozenset({128, 177, 421})
"""rt_sigtimedwait of x86-64 and i386: what it waits for is blocked, but not while it waits."""


class Waiter(NamedTuple):
    """A thread that waits: of which process, for whom, and what wakes it."""

    pid: int
    wants: Callable[[int], bool]
    wake: Callable[[], None]
    blocked: bool


class ChildAction(enum.Enum):
    """What a process does with SIGCHLD, if it does not block it."""

    DEFAULT = enum.auto()
    IGNORED = enum.auto()
    CAUGHT = enum.auto()


class Registry:
    """Links, dead tracees, and who waits.

    Attributes:
        links: those of one tracee, by its task's generation, in the order of their attaching.
        ended: dead tracees to be waited for, oldest first.
        parents: the tracing of each task's maker: its generation to its parent's task handle.
    """

    def __init__(self) -> None:
        self.links: dict[int, list[PtraceEngine]] = {}
        self._by_tracer: dict[int, list[PtraceEngine]] = {}
        self._links_made = 0
        self.ended: list[Ended] = []
        self.untraced_births: dict[int, UntracedBirth] = {}
        """By the generation of a task in a clone with CLONE_UNTRACED."""
        self.usage = Usage()
        self.chosen_tracers: dict[int, int] = {}
        """By pid, what it gave to PR_SET_PTRACER."""
        self.stop_signals: dict[int, int] = {}
        """By pid: what has stopped the process."""
        self.parents: dict[int, Task] = {}
        self.traced_from_outside: set[int] = set()
        """Generations of tasks that asked to be traced by a parent outside of the session."""
        self.wants_no_stops: set[int] = set()
        """Processes whose SIGCHLD action has SA_NOCLDSTOP."""
        self.child_action: dict[int, ChildAction] = {}
        """What processes do with SIGCHLD, as far as it was looked at since they last said."""
        self._waiters: dict[int, Waiter] = {}
        self.when_linked: Callable[[PtraceLink], None] = lambda _link: None
        self.breakpoints = Breakpoints()
        self._debug_registers: dict[int, DebugRegisters] = {}
        self.dead_children = DeadChildren()
        self._held_up: set[int] = set()
        """Generations of tasks whose wait is to last until a tracer has been told of an end."""
        self._stops = 0
        self._batches: dict[int, int] = {}
        """By tracer's pid, how many of the stops are told before all later ones."""
        self._traps = Traps(self)

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
        self._add(made)
        return made

    def _add(self, link: PtraceEngine) -> None:
        self._links_made += 1
        link.number = self._links_made
        self.links.setdefault(link.tracee.id.generation, []).append(link)
        self._by_tracer.setdefault(link.tracer_pid, []).append(link)
        self.when_linked(link)

    def find(self, tracer_pid: int, tracee: Task) -> PtraceEngine | None:
        """Find the link of a tracer to a tracee."""
        for link in self.links.get(tracee.id.generation, ()):
            if link.tracer_pid == tracer_pid:
                return link
        return None

    def of_tracer(self, tracer_pid: int) -> list[PtraceEngine]:
        """List the links of one tracer."""
        return list(self._by_tracer.get(tracer_pid, ()))

    def tracers_of(self, tracee: Task) -> list[PtraceEngine]:
        """List the links to one tracee."""
        return list(self.links.get(tracee.id.generation, ()))

    def traces_own_child(self, tracer_pid: int) -> bool:
        """Tell whether a process traces a child of its own: then it has a child."""
        return any(self.is_child_of(link.tracee, tracer_pid) for link in self.of_tracer(tracer_pid))

    def others_trace_child_of(self, pid: int) -> bool:
        """Tell whether a child of a process has another tracer, who is to be told of its end first.

        The kernel tells the parent as soon as utrace itself has waited.
        """
        return any(
            link.tracer_pid != pid and self.is_child_of(link.tracee, pid)
            for links in self.links.values()
            for link in links
        )

    def is_child_of(self, task: Task, pid: int) -> bool:
        """Tell whether a task's real parent is this process."""
        parent = self.parents.get(task.id.generation)
        return parent is not None and parent.pid == pid and task.tid == task.pid

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

    def stopped(self, link: PtraceLink) -> None:
        """A stop has begun: SIGCHLD, and whoever waits looks again."""
        if link.stop is not None:
            link.stop.is_early = link.tracee.id.generation in self._held_up
            self.number(link.stop)
        end_turn(self, link)
        if link.engine.task.held:
            for other in self.tracers_of(link.tracee):
                other.stand_still_too()
        if link.stop is not None and not link.stop.is_early:
            self._tell(link, *link.stop.child_signal)

    def died(self, link: PtraceEngine, status: int, *, delayed: bool) -> None:
        """Note an end, unless the tracer is the real parent: its own wait tells it."""
        if link.engine.loop.tracees.by_tid.get(link.tracee.tid, link.engine).task is not link.engine.task:
            # A leader whose tid an execve has given to another thread leaves no status (ptrace(2)).
            return
        parent = self.parents.get(link.tracee.id.generation)
        thread = link.tracee.tid != link.tracee.pid
        if thread or parent is None or parent.pid != link.tracer_pid:
            ended = Ended(link, link.tracer_pid, status, ready=not delayed, parent=parent)
            self.ended.append(ended)
            if ended.ready:
                self.number(ended)
                self._tell_end(ended)

    def group_died(self, pid: int) -> None:
        """Tell of the end of a leader that died before its threads."""
        for ended in self.ended:
            if ended.pid == pid and not ended.ready and ended.after is None:
                ended.ready = True
                self.number(ended)
                self._tell_end(ended)

    def first_end(self, parent: Task, pid: int) -> Ended | None:
        """Find the end of a child that another process, its tracer, is to be told of first."""
        return next((ended for ended in self.ended if ended.pid == pid and is_first(ended, parent)), None)

    def is_early(self, task: Task, siginfo: bytes) -> bool:
        """Tell whether a SIGCHLD tells a parent of an end of which the tracer has yet to be told."""
        return early_end(self.ended, task, siginfo) is not None

    def withhold(self, task: Task, siginfo: bytes) -> bool:
        """Keep such a SIGCHLD for when the tracer has been told; tell whether it is one."""
        first = early_end(self.ended, task, siginfo)
        if first is not None:
            first.signal = siginfo
        return first is not None

    def hold_up(self, parent: Task, first: Ended, let_go: Callable[[], None]) -> None:
        """Let a wait of a real parent's, which the kernel has ended, last until the tracer has been told."""

        def go_on() -> None:
            self._held_up.discard(parent.id.generation)
            for link in self.tracers_of(parent):
                if link.stop is not None and link.stop.is_early:
                    link.stop.is_early = False
                    self.number(link.stop)
                    self._tell(link, *link.stop.child_signal)
            let_go()

        self._held_up.add(parent.id.generation)
        first.holds_up(go_on)

    def hold_back(self, parent: Task, first: Ended) -> None:
        """Keep from a real parent the end of a child that the tracer has yet to wait for."""
        held = Ended(first.link, parent.pid, first.status, ready=False)
        held.after = first
        self.ended.append(held)
        if first.signal is None and self._notices(parent.pid, parent.tid):
            first.signal = first.siginfo

    def told(self, ended: Ended) -> None:
        """Forget an end that has been waited for, or never will be; who waits behind is next."""
        self.ended.remove(ended)
        if ended.hand_on(self.ended):
            return
        for let_go in ended.held_up:
            let_go()
        for held in self.ended:
            if held.after is ended:
                held.ready, held.after = True, None
                self.number(held)
                self.wake(held.tracer_pid, held.pid)
        if ended.signal is not None and ended.parent is not None:
            loop = ended.link.engine.loop
            parent = loop.tracees.by_tid.get(ended.parent.tid)
            if parent is not None and parent.handle.id == ended.parent.id:
                loop.send_to_process(parent, ended.signal)

    def _tell_end(self, ended: Ended) -> None:
        self._tell(ended.link, *ended.news)

    def continued(self, task: Task) -> None:
        """A group-stop is over: SIGCHLD for a leader's tracers, as for its parent; who waits looks again."""
        for link in [link for links in self.links.values() for link in links if link.tracee.pid == task.pid]:
            if link.tracee.tid == task.pid and not self.is_child_of(link.tracee, link.tracer_pid):
                self._tell(link, CLD_CONTINUED, SIGCONT)
            else:
                self.wake(link.tracer_pid, link.tracee.tid)

    def gone(self, link: PtraceEngine) -> None:
        """Drop a link."""
        end_turn(self, link)
        links = self.links.get(link.tracee.id.generation, [])
        mine = self._by_tracer.get(link.tracer_pid, [])
        if link in links:
            links.remove(link)
            mine.remove(link)
        if not links:
            self.links.pop(link.tracee.id.generation, None)
            if not link.tracee.is_alive:
                self._debug_registers.pop(link.tracee.id.generation, None)
        if not mine:
            self._by_tracer.pop(link.tracer_pid, None)
        self.wake(link.tracer_pid, link.tracee.tid)

    def child(self, link: PtraceEngine, child: Task) -> None:
        """Trace a child as its parent is."""
        made = PtraceEngine(
            self, link.tracer_tid, link.tracer_pid, seized=link.seized, options=int(link.options)
        )
        made.is_debugger = link.is_debugger
        engine = child.attach(made)
        made.hold(child, engine)
        self._add(made)
        self.breakpoints.inherit(link.tracee.pid, child.pid, link.tracer_pid)
        made.stop_at_birth()

    def debug_registers(self, link: PtraceLink) -> DebugRegisters:
        """Find the debug registers of a tracee."""
        tid, kernel = link.tracee.tid, link.engine.loop.kernel
        return self._debug_registers.setdefault(
            link.tracee.id.generation, DebugRegisters(user_words(kernel, tid))
        )

    def write_memory(self, link: PtraceEngine, address: int, data: bytes) -> None:
        """Write a tracee's memory as its tracer sees it.

        Raises:
            BadAddress: it cannot be written.
        """
        others = (other for other in self.tracers_of(link.tracee) if other.is_debugger and other is not link)
        self.breakpoints.write(link.tracee, link.tracer_pid, address, data, alone=next(others, None) is None)

    def whose(self, link: PtraceEngine, siginfo: bytes) -> Trap:
        """Tell whose a SIGTRAP is: a breakpoint's, a watchpoint's, or that of a step."""
        return self._traps.whose(link, siginfo)

    def is_hit(self, link: PtraceLink) -> bool:
        """Tell whether a tracer has a watchpoint that the tracee's last trap was about."""
        return link.tracer_pid in self.debug_registers(link).owners()

    def send(self, link: PtraceLink, siginfo: bytes) -> None:
        """Send a tracee a signal that has this siginfo."""
        tracee = link.engine.loop.tracees.by_tid.get(link.tracee.tid)
        if tracee is not None:
            link.engine.loop.send_signal(tracee, siginfo)

    def is_untraced_birth(self, task: Task) -> bool:
        """Tell whether the task's present clone was made with CLONE_UNTRACED."""
        return task.id.generation in self.untraced_births

    def group_stop_signal(self, link: PtraceLink) -> int:
        """Tell which signal has stopped a tracee's group."""
        return self.stop_signals.get(link.tracee.pid, SIGSTOP)

    def stopped_by(self, link: PtraceLink) -> int:
        """Tell which signal has stopped a tracee's group, if no SIGCONT has come since; 0 if none."""
        signo = self.stop_signals.get(link.tracee.pid, 0)
        disposition = link.engine.loop.kernel.disposition(link.tracee.tid) if signo else None
        is_continued = disposition is None or (disposition.queued | disposition.shared) & _SIGCONT_BIT
        return 0 if is_continued else signo

    def continues(self, link: PtraceLink) -> int:
        """Tell how many SIGCONTs have been sent to a tracee or its process: delivered, or pending."""
        loop = link.engine.loop
        tracee = loop.tracees.by_tid.get(link.tracee.tid)
        disposition = loop.kernel.disposition(link.tracee.tid)
        if tracee is None or disposition is None:
            return 0
        return tracee.process.continues + bool((disposition.queued | disposition.shared) & _SIGCONT_BIT)

    # -- waiting ----------------------------------------------------------------------------------

    def wait(
        self, task: Task, wants: Callable[[int], bool], wake: Callable[[], None], *, blocked: bool
    ) -> None:
        """Note that a thread is about to wait for the tasks it wants; `blocked`: it blocks SIGCHLD."""
        self._waiters[task.tid] = Waiter(task.pid, wants, wake, blocked)

    def is_signalled(self, task: Task) -> bool:
        """Tell whether a stop of a tracee of this thread would be more to it than an end of a wait."""
        return task.pid not in self.wants_no_stops and self._notices(task.pid, task.tid)

    def number(self, news: PtraceStop | Ended) -> None:
        """Note which stop or end came when."""
        self._stops += 1
        news.nth = self._stops

    def is_idle(self) -> bool:
        """Tell whether nobody traces anybody: every wait is the kernel's affair."""
        return not self.links and not self.ended

    def let_run_lean(self, pid: int) -> bool:
        """Tell whether an EXEC of a process may go untold, and forget what that would make void."""
        if pid in self.wants_no_stops:
            return False
        self.child_action.pop(pid, None)
        return True

    def begin_batch(self, tracer_pid: int) -> None:
        """Let the stops and ends that are untold now be told before all later ones."""
        self._batches[tracer_pid] = self._stops

    def is_later(self, found: PtraceEngine | Ended) -> bool:
        """Tell whether a stop or an end has to wait for those that came before it."""
        nth = found.nth if isinstance(found, Ended) else found.stop.nth if found.stop is not None else 0
        return nth > self._batches.get(found.tracer_pid, 0)

    def has_ended(self, tracer_pid: int) -> bool:
        """Tell whether a dead tracee waits to be told to a process."""
        return any(ended.tracer_pid == tracer_pid for ended in self.ended)

    def _notices(self, tracer_pid: int, tracer_tid: int) -> bool:
        """Tell whether a SIGCHLD is anything to a thread: it catches it, or blocks it to look for it.

        Nothing happens otherwise, and a stop of the tracer's is saved.
        """
        bit = 1 << (SIGCHLD - 1)
        action = self.child_action.get(tracer_pid)
        waiter = self._waiters.get(tracer_tid)
        if action is ChildAction.DEFAULT and waiter is not None:
            return waiter.blocked
        if action in {ChildAction.CAUGHT, ChildAction.IGNORED}:
            return action is ChildAction.CAUGHT
        disposition = procfs.disposition(tracer_tid)
        if disposition is None:
            return False
        caught, ignored = bool(disposition.caught & bit), bool(disposition.ignored & bit)
        action = ChildAction.CAUGHT if caught else ChildAction.IGNORED if ignored else ChildAction.DEFAULT
        self.child_action[tracer_pid] = action
        if action is not ChildAction.DEFAULT:
            return caught
        return bool(disposition.blocked & bit) or procfs.blocked_syscall(tracer_tid) in _SIGTIMEDWAIT

    def waits_no_more(self, task: Task) -> None:
        """Forget that it waits."""
        self._waiters.pop(task.tid, None)

    def wake(self, tracer_pid: int, tid: int) -> None:
        """Let every thread of a process that waits for this task look again, once."""
        for waiting, waiter in list(self._waiters.items()):
            if waiter.pid == tracer_pid and waiter.wants(tid):
                del self._waiters[waiting]
                waiter.wake()

    def _tell(self, link: PtraceLink, code: int, status: int) -> None:
        loop = link.engine.loop
        tracer = loop.tracees.by_tid.get(link.tracer_tid)
        stopped = code in {CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED}
        if (
            tracer is not None
            and not (stopped and link.tracer_pid in self.wants_no_stops)
            and (tracer.task.mask & SIGNAL_ALL or self._notices(link.tracer_pid, tracer.tid))
        ):
            tid = link.tracee.tid
            uid, ticks = link.identity[1], link.times
            if stopped:
                uid, ticks = procfs.real_uid(tid), procfs.times(tid, of_group=False)
            loop.send_to_process(tracer, child_siginfo(code, tid, uid, status & 0xFF, ticks))
        self.wake(link.tracer_pid, link.tracee.tid)

    def tracer_died(self, tracer_pid: int) -> None:
        """Let go of what a dead tracer traced, or kill it (PTRACE_O_EXITKILL)."""
        for link in self.of_tracer(tracer_pid):
            self._clear_up(link)
        for link in self.of_tracer(tracer_pid):
            if link.options & Option.EXITKILL:
                link.engine.loop.kernel.kill(link.tracee.tid, SIGKILL)
            try:
                link.detach(0)
            except UtraceError:
                self.gone(link)
        for ended in [ended for ended in self.ended if ended.tracer_pid == tracer_pid]:
            self.told(ended)
        self._batches.pop(tracer_pid, None)

    def _clear_up(self, link: PtraceEngine) -> None:
        """Take out what a dead tracer has left in a tracee, which could not go on with it."""
        tracee = link.tracee
        registers = self._debug_registers.get(tracee.id.generation)
        if registers is not None:
            registers.leave(link.tracer_pid)
        self.breakpoints.leave(tracee, link.tracer_pid)
        try:
            tracee.attach(Leftovers(self.breakpoints, registers))
            if link.stop is not None and tracee.is_held:
                if registers is not None:
                    registers.settle()
                if is_trap(link.stop.siginfo, SI_KERNEL):
                    is_gone(self.breakpoints, tracee)
        except UtraceError:
            # It is dead, too.
            return


def interrupter(engine: Engine, action: ResumeAction = ResumeAction.INTERRUPT) -> Callable[[], None]:
    """Make what wakes a thread that waits: an interrupt, which ends the call it sleeps in; or lets it run."""

    def wake() -> None:
        with contextlib.suppress(TaskGone):
            if engine.state is engine.state.ATTACHED:
                engine.control(action)

    return wake
