"""What is known of one tracee: a thread under ptrace.

Rule of this file: a `Tracee` knows how the thread stands with the kernel, its `TracedTask` how it
stands with the engines; neither repeats the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from utrace.arch import of_regset
from utrace.core.events import SYSCALL, SYSCALL_EXIT
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import ResumeRequest
from utrace.kernel.screens import passes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from utrace.core.engine_life import Engine
    from utrace.core.reporting import Pause, Reply
    from utrace.core.task_life import TracedTask
    from utrace.kernel.api import Fact, Kernel, Passed
    from utrace.kernel.screens import Screen
    from utrace.tracehook.signal_decision import CarriedSignal

_STEP_REQUEST = {
    ResumeAction.SINGLESTEP: int(ResumeRequest.SINGLESTEP),
    ResumeAction.BLOCKSTEP: int(ResumeRequest.SINGLEBLOCK),
}
_STEP_OF_REQUEST = {request: action for action, request in _STEP_REQUEST.items()}
SYSCALL_REQUEST = int(ResumeRequest.SYSCALL)
CONT_REQUEST = int(ResumeRequest.CONT)
LISTEN_REQUEST = int(ResumeRequest.LISTEN)


class Kin(Protocol):
    """What one tracee's life may ask about the others; `Tracees` is it."""

    def born(self, parent: Tracee, tid: int, kind: int, tgid: int | None = None) -> Tracee | None:
        """Make the record of a child, a thread of `tgid` if that is known; None: its birth was reported."""
        ...

    def follows(self, engine: Engine) -> bool:
        """Tell whether an engine goes to children, too."""
        ...

    def let_start(self, parent: Tracee, child: Tracee) -> None:
        """Give a child its inherited engines and let its first stop be worked on."""
        ...

    def hidden_children(self, parent: Tracee) -> list[int]:
        """Tids of tracees that a killed parent made without the kernel's telling."""
        ...

    def forget(self, tracee: Tracee) -> None:
        """Drop the record of a tracee that is no longer traced, or gone."""
        ...

    def bury(self, tracee: Tracee) -> None:
        """Keep a dead tracee until its real parent reaps it; its tid is free for another."""
        ...


class Screens(NamedTuple):
    """What a seccomp filter asks of argument registers.

    Attributes:
        by_call: by audit arch and number.
        agreed: the clients that were asked, and the calls they then wanted.
    """

    by_call: Mapping[tuple[int, int], Screen]
    agreed: dict[object, Mapping[int, frozenset[int]] | None]

    def are_agreed(self, engines: Iterable[Engine]) -> bool:
        """Tell whether nobody else wants system calls, and nobody others."""
        return all(
            engine.ops in self.agreed and engine.syscalls == self.agreed[engine.ops]
            for engine in engines
            if engine.mask & SYSCALL
        )

    def lets_pass(self, arch: int, nr: int, args: Sequence[int]) -> bool:
        """Tell whether the filter lets a call of these numbers pass without a stop."""
        return not passes(self.by_call.get((arch, nr), ()), args)


class Process:
    """A thread group, as far as its traced threads tell.

    Attributes:
        tgid: its id; kept across execve.
        tracees: its traced threads by tid.
        stopped: a job control stop is in force, and its end has not been reported.
        own_child: its parent is the tracer, whose wait for the leader reaps it.
        carried: signals of ours under way to this thread, by the number of their carrier.
        continues: how many SIGCONTs its threads were about to get.
    """

    __slots__ = ("carried", "continues", "own_child", "stopped", "tgid", "tracees")

    def __init__(self, tgid: int) -> None:
        self.tgid = tgid
        self.tracees: dict[int, Tracee] = {}
        self.carried: dict[int, list[CarriedSignal]] = {}
        self.stopped = False
        self.continues = 0
        self.own_child = False


class Tracee:
    """One thread under ptrace.

    Attributes:
        request: how it is to be resumed next, and `signo` with which signal.
        running: resumed, or seized while running; only a ptrace-stop ends that.
        lean: it runs without stops at an EXEC, an EXIT and the end of a vfork (`kernel.api.LEAN`).
        nudged: interrupted by us, and not stopped since: any ptrace-stop uses the interrupt up.
        mend: an -EINTR found at the next TRAP is our doing and is to be undone (DEC-4).
        mended: the registers before and after an -EINTR was undone: a handler, if one runs now, is to
            find it as it was.
        listening: in a group stop, let go by LISTEN.
        told_of: which of its process's SIGCONTs, counted from 0, has shown as a stop of its own;
            `told_when_nudged`: in the stop of an interrupt of ours.
        at_entry: its syscall-entry-stop was seen, so that a seccomp stop may be of the same call.
        more_to_come: before the call it is entering is made there is a seccomp stop still to be worked on.
        in_syscall: its last syscall-stop was an entry.
        entry: the fact of the entry of its last system call; `nr` and `arch` are of it.
        abort_result: what the aborted call in progress is to return.
        stepping: the step asked for is over a system call that is to be reported: armed at its entry.
        carried: signals of ours under way to this thread, by the number of their carrier.
        filter: the only calls that stop it at all, by audit arch, if a seccomp filter was installed.
        screens: what else the filter asks of them, and for whom.
        tapped: calls that the filter lets go because a tap records them, by audit arch.
        is_tapped: the tap records its calls as it runs.
        installers: calls by which it may put a filter of its own in force, by audit arch, if that matters.
        is_refiltered: it has such a filter, which may answer a call so that ours does not stop it.
        superseded: a newer fact that came while a stop was being worked on: the stop is broken.
        own_child: waiting for it reaps it, or it is not a group leader.
        exit_kill: it was launched to die with the tracer (PTRACE_O_EXITKILL), or its ancestor was.
        handler_due: its next TRAP is at the first instruction of a handler.
        exit_status: the wait status it will have, once EVENT_EXIT has told.
        usage: the raw struct rusage of a dead one, as far as it was told.
        told: what the report in progress is about, if that comes late.
        gone: dead; nothing is left to resume.
        over: no longer traced, or gone for good.
    """

    __slots__ = (
        "__weakref__",
        "_covered",
        "abort_result",
        "arch",
        "at_entry",
        "carried",
        "entry",
        "exit_kill",
        "exit_status",
        "filter",
        "gone",
        "handler_due",
        "in_syscall",
        "installers",
        "is_refiltered",
        "is_tapped",
        "kernel",
        "kin",
        "lean",
        "listening",
        "mend",
        "mended",
        "more_to_come",
        "nr",
        "nudged",
        "over",
        "own_child",
        "process",
        "request",
        "running",
        "screens",
        "send",
        "signo",
        "stepping",
        "superseded",
        "tapped",
        "task",
        "tid",
        "told",
        "told_of",
        "told_when_nudged",
        "usage",
    )

    send: Callable[[Fact | Reply], Engine | Pause]

    def __init__(
        self, kernel: Kernel, kin: Kin, task: TracedTask, process: Process, *, own_child: bool
    ) -> None:
        self.kernel = kernel
        self.kin = kin
        self.task = task
        self.tid = int(task.id.tid)
        self.process = process
        self.own_child = own_child
        self.request = CONT_REQUEST
        self.signo = 0
        self.running = True
        self.lean = False
        self.nudged = False
        self.mend = False
        self.mended: tuple[bytes, bytes] | None = None
        self.listening = False
        self.told_of = -1
        self.told_when_nudged = False
        self.in_syscall = False
        self.at_entry = self.more_to_come = False
        self.carried: dict[int, list[CarriedSignal]] = {}
        self.stepping = ResumeAction.RESUME
        self.entry: Fact | None = None
        self.nr = -1
        self.arch = 0
        self.abort_result: int | None = None
        self.superseded: Fact | None = None
        self.handler_due = False
        self.exit_kill = False
        self.filter: Mapping[int, frozenset[int]] | None = None
        self.screens: Screens | None = None
        self.tapped: Mapping[int, frozenset[int]] | None = None
        self.is_tapped = False
        self.installers: Mapping[int, frozenset[int]] | None = None
        self.is_refiltered = False
        self._covered: Mapping[int, frozenset[int]] | None = None
        self.exit_status: int | None = None
        self.usage: bytes | None = None
        self.told: Passed | None = None
        self.gone = False
        self.over = False
        process.tracees[self.tid] = self

    def begin(self, life: Generator[Engine | Pause, Fact | Reply, None]) -> None:
        """Start its life, up to the first wait."""
        self.send = life.send
        next(life)

    def is_leader(self) -> bool:
        """Tell whether it is its group's leader."""
        return self.tid == self.process.tgid

    def let_go(self) -> None:
        """Detach from it: its life as a tracee ends here.

        If it was killed meanwhile it cannot be let go, and its end is still to come, to no engine.
        """
        self.over = self.kernel.detach(self.tid, self.signo)
        if self.over:
            self.kin.forget(self)
        else:
            self.request = CONT_REQUEST

    def run_by(self, action: ResumeAction) -> None:
        """Choose how it is resumed: by a step, or as `free_run` says."""
        if action is ResumeAction.BLOCKSTEP and not self._has_block_step():
            action = ResumeAction.SINGLESTEP
        step = _STEP_REQUEST.get(action)
        self.request = self.free_run() if step is None else step

    def step_begun(self) -> ResumeAction:
        """Tell by which step it was resumed last; RESUME if by none."""
        return _STEP_OF_REQUEST.get(self.request, ResumeAction.RESUME)

    def _has_block_step(self) -> bool:
        regset = self.kernel.get_regs(self.tid)
        return regset is None or of_regset(len(regset)).has_block_step

    def wants_exit(self) -> bool:
        """Tell whether somebody wants to see the exit of its present system call."""
        task = self.task
        return bool(task.mask & SYSCALL_EXIT) and (
            task.syscalls is None or self.nr in task.syscalls.get(self.arch, ())
        )

    def free_run(self) -> int:
        """Tell the request by which it runs to the next system call anybody wants to see.

        A filter that lets all of those stop makes it CONT, at the price of one stop a call less.
        """
        task = self.task
        if not task.mask & SYSCALL:
            return CONT_REQUEST
        if self.filter is None or self.is_refiltered:
            return SYSCALL_REQUEST
        wanted = task.syscalls
        tapped = None if task.batcher is None else self.tapped
        if wanted is None:
            # A filter that names no call stops all that are not tapped.
            return CONT_REQUEST if tapped and not self.filter else SYSCALL_REQUEST
        if wanted is not self._covered:
            told = self.filter if tapped is None else _united(self.filter, tapped)
            if any(numbers - told.get(arch, frozenset()) for arch, numbers in wanted.items()):
                return SYSCALL_REQUEST
            if self.screens is not None and not self.screens.are_agreed(task.engines):
                return SYSCALL_REQUEST
            self._covered = wanted
        return CONT_REQUEST

    def has_own_filter(self) -> None:
        """See all its calls by stops from here on: its own filter may answer those that ours is to tell."""
        self.is_refiltered = True
        self.installers = None

    def stop_at_all(self) -> None:
        """See its calls by stops, since it cannot be tapped, and choose anew how it runs in user mode."""
        self.tapped = self._covered = None
        self.request = self.free_run()


def _united(
    some: Mapping[int, frozenset[int]], others: Mapping[int, frozenset[int]]
) -> Mapping[int, frozenset[int]]:
    nobody: frozenset[int] = frozenset()
    return {arch: some.get(arch, nobody) | others.get(arch, nobody) for arch in {*some, *others}}
