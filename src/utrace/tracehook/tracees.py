"""All tracees of a session: which fact is whose.

Rules of this file:

1. A bare tid becomes an identity here and nowhere else (D13).
2. A fact about an unknown tid is kept until the birth of that tid is known (INV-29): the wait
   delivers a child's first stop before its parent's event in some of the forks.
3. `route` gives the facts to feed, in order; it never feeds.

Reference: the spec's sections 1.5, 7.2 and 7.3.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from utrace.core.attach import inherit_engines
from utrace.core.task_life import Need, TaskId, TaskLife, TracedTask
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import Fact, FactKind
from utrace.tracehook.return_to_user import MENDED, interrupt
from utrace.tracehook.tracee import SYSCALL_REQUEST, Process, Tracee

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.core.engine_life import Engine
    from utrace.kernel.api import Kernel

T = TypeVar("T", bound=Tracee)

_EXEC: Final = int(FactKind.EXEC)
_REAPED: Final = int(FactKind.REAPED)
_DEATH: Final = int(FactKind.DEATH)
_CLONE: Final = int(FactKind.CLONE)
_ENDS: Final = frozenset({int(FactKind.EXIT), _DEATH})


class WhenBlocked(enum.Enum):
    """What a report or stop does that is asked of a task asleep in a system call (DEC-3)."""

    INTERRUPT = "interrupt"
    """It is made at once, by an interrupt: the call is restarted, or mended (DEC-4)."""
    LAZY = "lazy"
    """It waits for the end of the call, where calls are traced; else as INTERRUPT."""
    AUTO = "auto"
    """As LAZY for the calls that would have to be mended, as INTERRUPT for all others."""


class Tracees(Generic[T]):
    """The tracees of one tracer thread.

    Attributes:
        by_tid: those that live, by their present tid.
        ready: facts about new children whose birth has now been reported; feed and clear them.
        needs: what tasks ask of whoever moves them (`TracedTask.need`).
        lost_births: children whose parent could not be told of them (spec 7.3).
    """

    def __init__(
        self,
        kernel: Kernel,
        make: Callable[[Kernel, Tracees[T], TracedTask, Process, bool], T],
        follows: Callable[[object], bool],
        *,
        serial: bool = False,
        blocked: WhenBlocked = WhenBlocked.AUTO,
    ) -> None:
        self.kernel = kernel
        self.by_tid: dict[int, T] = {}
        self.ready: list[tuple[T, Fact]] = []
        self.needs: list[tuple[TracedTask, Need, Engine | None]] = []
        self.lost_births = 0
        self._make = make
        self._follows = follows
        self._serial = serial
        self._blocked = blocked
        self._by_id: dict[int, T] = {}
        self._unreaped: dict[int, T] = {}
        self._early: dict[int, list[Fact]] = {}
        self._early_parents: dict[int, tuple[int, int]] = {}
        self._processes: dict[int, Process] = {}
        self._generation = 0

    def adopt(self, tid: int, tgid: int, *, own_child: bool) -> T:
        """Make the record of a task that is now traced.  It is complete before its tid is (P7)."""
        self._generation += 1
        task = TracedTask(TaskId(tid, self._generation), self.needs)
        task.serial = self._serial
        process = self._processes.get(tgid)
        if process is None:
            process = self._processes[tgid] = Process(tgid)
        if tid == tgid:
            process.own_child = own_child
        tracee = self._make(self.kernel, self, task, process, own_child)
        self._by_id[id(task)] = tracee
        self.by_tid[tid] = tracee
        return tracee

    def follows(self, engine: Engine) -> bool:
        """Tell whether an engine goes to children, too."""
        return self._follows(engine.ops)

    def of_task(self, task: TracedTask) -> T | None:
        """Find the tracee of a task; None once it is no longer traced."""
        return self._by_id.get(id(task))

    def everyone(self) -> list[T]:
        """List the tracees, also the dead ones that are not reaped."""
        return list(self._by_id.values())

    def is_empty(self) -> bool:
        """Tell whether no task is left to report on."""
        return not self._by_id and not self._early

    def route(self, fact: Fact) -> list[tuple[T, Fact]]:
        """Tell whose a fact is; the slow half of the loop's own look into `by_tid`."""
        tid, kind, value, _ = fact
        if kind == _REAPED:
            dead = self._unreaped.pop(tid, None)
            return [] if dead is None else [(dead, fact)]
        if kind == _EXEC and value != tid:
            return self._route_exec(fact)
        tracee = self.by_tid.get(tid)
        if tracee is None:
            return self._keep_early(fact)
        if kind in _ENDS and tracee.is_leader() and len(tracee.process.tracees) > 1:
            return self._route_end_of_leader(tracee, fact)
        return [(tracee, fact)]

    def _route_end_of_leader(self, leader: T, fact: Fact) -> list[tuple[T, Fact]]:
        """Tell whose the end of a leader is that comes while other threads are known.

        A second EXIT is that of a thread that called execve, took over the leader's tid and was killed
        before it could tell.  A DEATH comes when no thread is left: whoever is known went untold.
        """
        tid, kind, value, _ = fact
        others = [self.by_tid[other] for other in leader.process.tracees if other != tid]
        if kind == _DEATH:
            return [*((other, (other.tid, _DEATH, value, None)) for other in others), (leader, fact)]
        if leader.task.life is TaskLife.ALIVE:
            return [(leader, fact)]
        *ended, (caller, _) = self._route_exec((tid, _EXEC, others[-1].tid, None))
        return [*ended, (caller, fact)]

    def _route_exec(self, fact: Fact) -> list[tuple[T, Fact]]:
        """Hand the leader's tid to the thread that called execve; end the old leader (INV-6)."""
        tid, _, former, _ = fact
        caller = self.by_tid.pop(former, None)
        leader = self.by_tid.pop(tid, None)
        fed: list[tuple[T, Fact]] = []
        if leader is not None:
            leader.own_child = True
            leader.process.tracees.pop(tid, None)
            fed.append((leader, (tid, _DEATH, leader.exit_status or 0, None)))
        if caller is not None:
            caller.process.tracees.pop(former, None)
            caller.tid = tid
            caller.own_child = caller.process.own_child
            caller.process.tracees[tid] = caller
            caller.task.id = TaskId(tid, caller.task.id.generation)
            self.by_tid[tid] = caller
            fed.append((caller, fact))
        return fed

    def _keep_early(self, fact: Fact) -> list[tuple[T, Fact]]:
        tid, kind, _, _ = fact
        if tid not in self._early:
            parentage = self.kernel.parentage(tid)
            tgid, ppid = parentage if parentage is not None else (0, 0)
            mother = self._processes.get(tgid if tgid != tid else ppid)
            if kind == _DEATH and parentage is None and mother is None:
                return []
            self._early[tid] = []
            self._early_parents[tid] = (tgid, ppid)
        self._early[tid].append(fact)
        return []

    def born(self, parent: Tracee, tid: int, kind: int, tgid: int | None = None) -> Tracee | None:
        """Make the record of a child, a thread of `tgid` if that is known; None: its birth was reported."""
        if tid in self.by_tid:
            return None
        if tgid is None:
            tgid = self._group_of(parent, tid, kind)
        child = self.adopt(tid, tgid, own_child=tgid != tid)
        child.exit_kill = parent.exit_kill
        child.filter = parent.filter
        child.screens = parent.screens
        child.tapped = parent.tapped
        child.installers = parent.installers
        child.is_refiltered = parent.is_refiltered
        return child

    def _group_of(self, parent: Tracee, tid: int, kind: int) -> int:
        """Find the id of the process that a child is a thread of."""
        if kind != _CLONE:
            return tid
        parentage = self.kernel.parentage(tid) or self._early_parents.get(tid)
        return int(parentage[0]) if parentage is not None else parent.process.tgid

    def let_start(self, parent: Tracee, child: Tracee) -> None:
        """Give a child its inherited engines and let its first stop be worked on."""
        inherit_engines(parent.task, child.task, self._follows)
        record = self.by_tid.get(child.tid)
        self._early_parents.pop(child.tid, None)
        if record is not None:
            self.ready.extend((record, fact) for fact in self._early.pop(child.tid, ()))

    def hidden_children(self, parent: Tracee) -> list[int]:
        """Tids of tracees that a killed parent made without the kernel's telling."""
        tgid = parent.process.tgid
        early = [tid for tid, (its_tgid, ppid) in self._early_parents.items() if (tgid in {its_tgid, ppid})]
        listed = [int(tid) for tid in self.kernel.children(parent.tid) if tid not in self.by_tid]
        return sorted({*early, *listed})

    def forget(self, tracee: Tracee) -> None:
        """Drop the record of a tracee that is no longer traced, or gone."""
        self._by_id.pop(id(tracee.task), None)
        if self.by_tid.get(tracee.tid) is tracee:
            del self.by_tid[tracee.tid]
        process = tracee.process
        if process.tracees.get(tracee.tid) is tracee:
            del process.tracees[tracee.tid]
        if not process.tracees:
            self._processes.pop(process.tgid, None)

    def bury(self, tracee: Tracee) -> None:
        """Keep a dead tracee until its real parent reaps it; its tid is free for another."""
        record = self.by_tid.pop(tracee.tid)
        record.process.tracees.pop(tracee.tid, None)
        if not record.process.tracees:
            self._processes.pop(record.process.tgid, None)
        self._unreaped[tracee.tid] = record

    def take_interrupts(self, *, but: TracedTask) -> list[tuple[TracedTask, Need, Engine | None]]:
        """Take whom a callback of one task asked to interrupt: that has happened when the task runs on."""
        needs = self.needs
        taken = [
            asked
            for asked in needs
            if self._is_due(asked)
            and asked[0] is not but
            and all(self._is_due(other) for other in needs if other[0] is asked[0])
        ]
        for asked in taken:
            needs.remove(asked)
        return taken

    def _is_due(self, asked: tuple[TracedTask, Need, Engine | None]) -> bool:
        task, need, _ = asked
        if need is Need.ATTENTION:
            tracee = self.of_task(task)
            return tracee is not None and tracee.lean
        return need is Need.INTERRUPT

    def end_leanness(self, task: TracedTask) -> None:
        """Have a task stop at all events again that runs lean: more is wanted of it."""
        tracee = self.of_task(task)
        if tracee is not None and tracee.lean:
            task.need(Need.ATTENTION)

    def any_runs_lean(self) -> bool:
        """Tell whether a task of which something is asked runs lean: it is to be interrupted at once."""
        return any(self._is_due(asked) for asked in self.needs if asked[1] is Need.ATTENTION)

    def attend(self, tracee: Tracee, *, break_in: bool) -> None:
        """Bring a running tracee to a stop, if something still waits for it there.

        `break_in`: a blocked system call is meant to fail or restart as by a signal; otherwise an
        -EINTR that the stop alone causes is undone (DEC-4, INV-19).
        """
        task = tracee.task
        if not tracee.running or tracee.nudged:
            tracee.mend = tracee.mend and not break_in
            return
        if (
            task.pending is not ResumeAction.RESUME
            or (not task.engines and tracee.filter is None)
            or task.is_wanted_stopped()
            or tracee.lean
            or (tracee.free_run() == SYSCALL_REQUEST and tracee.request != SYSCALL_REQUEST)
        ) and task.life is TaskLife.ALIVE:
            if not break_in and task.engines and self._waits_for_a_stop(tracee):
                return
            tracee.mend = not break_in
            interrupt(tracee)

    def _waits_for_a_stop(self, tracee: Tracee) -> bool:
        """Tell whether a report waits until the call a tracee sleeps in is over (DEC-3)."""
        if tracee.request != SYSCALL_REQUEST or self._blocked is WhenBlocked.INTERRUPT:
            return False
        nr = self.kernel.blocked_syscall(tracee.tid)
        if self._blocked is WhenBlocked.LAZY:
            return nr is not None
        return nr in MENDED.get(tracee.arch, ())
