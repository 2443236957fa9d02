"""What a callback answers, and how the answers of several engines merge.

Rules of this file:

1. Answers are typed; nothing compares enum order.  Strictness is the one explicit tuple below.
2. None abstains: it adds nothing and leaves the engine's own wish to stop as it is.  Any other
   answer but STOP withdraws that wish.

Reference: include/linux/utrace.h:enum utrace_resume_action, utrace_syscall_action,
utrace_signal_action (API 20091216).
"""

from __future__ import annotations

import enum
from typing import Final, TypeAlias


class ResumeAction(enum.Enum):
    """What the task does next, as one engine wants it.  Values are the kernel API's."""

    STOP = 0
    """Keep the task stopped for me until I say otherwise."""
    INTERRUPT = 1
    """Call report_signal before user mode and before any pending signal; break a sleep."""
    REPORT = 2
    """Call me before user mode."""
    SINGLESTEP = 3
    """Run one user instruction."""
    BLOCKSTEP = 4
    """Run until the next taken branch."""
    RESUME = 5
    """Nothing special."""
    DETACH = 6
    """Remove my engine; else as RESUME."""


RESUME_STRICTNESS: Final = (
    ResumeAction.STOP,
    ResumeAction.INTERRUPT,
    ResumeAction.REPORT,
    ResumeAction.SINGLESTEP,
    ResumeAction.BLOCKSTEP,
    ResumeAction.RESUME,
)
"""Strictest first.  DETACH is not in it: it counts as RESUME for those who stay."""

_RANK: Final = {action: rank for rank, action in enumerate(RESUME_STRICTNESS)}


def strictest(one: ResumeAction, other: ResumeAction) -> ResumeAction:
    """Merge two wishes: the task does the most constrained thing anybody wants (INV-9)."""
    return one if _RANK[one] <= _RANK[other] else other


REPORTS: Final = frozenset({ResumeAction.INTERRUPT, ResumeAction.REPORT})
"""Pending actions that must be served by a pass before user mode."""

STEPS: Final = frozenset({ResumeAction.SINGLESTEP, ResumeAction.BLOCKSTEP})


class SyscallAction(enum.Enum):
    """What becomes of a system call at its entry.  The last engine called decides."""

    RUN = 0x00
    ABORT = 0x10


class SignalAction(enum.Enum):
    """What becomes of a signal.  The last engine called decides."""

    DELIVER = 0x00
    """Act on it as the task's own disposition says."""
    IGN = 0x10
    """Drop it."""
    TERM = 0x20
    """End the process as by default action."""
    CORE = 0x30
    """End the process with a core dump."""
    STOP = 0x40
    """Stop the process, as SIGSTOP does."""
    TSTP = 0x50
    """Stop the process as terminal job control does; nothing in an orphaned process group."""
    REPORT = 0x60
    """There is no signal: a report asked for, before any is dequeued."""
    HANDLER = 0x70
    """There is no signal: a handler frame has just been set up."""


class Verdict:
    """A callback's full answer; most callbacks return None or a bare `ResumeAction`.  It does not change.

    Attributes:
        resume: what the task does next; None abstains.
        syscall: at report_syscall_entry only; None leaves what engines before decided.
        result: with ABORT, the value the program gets; negative errno for an error.
        signal: at report_signal only; None echoes what engines before decided (INV-15).
        hold: at report_signal only: put the signal back, to be reported again as new.
    """

    # No NamedTuple: what a pass is sent is a verdict or a fact, and facts are tuples.
    __slots__ = ("hold", "result", "resume", "signal", "syscall")

    def __init__(
        self,
        resume: ResumeAction | None = None,
        syscall: SyscallAction | None = None,
        result: int | None = None,
        signal: SignalAction | None = None,
        *,
        hold: bool = False,
    ) -> None:
        self.resume: Final = resume
        self.syscall: Final = syscall
        self.result: Final = result
        self.signal: Final = signal
        self.hold: Final = hold

    def _parts(self) -> tuple[object, ...]:
        return self.resume, self.syscall, self.result, self.signal, self.hold

    def __eq__(self, other: object) -> bool:
        return self._parts() == other._parts() if isinstance(other, Verdict) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        names = ("resume", "syscall", "result", "signal", "hold")
        shown = ", ".join(f"{name}={part!r}" for name, part in zip(names, self._parts(), strict=True))
        return f"Verdict({shown})"


Answer: TypeAlias = Verdict | ResumeAction | None


def abort(errno_value: int) -> Verdict:
    """Answer report_syscall_entry: do not make the call, let it fail with this errno.

    Later engines of the same pass may still say RUN; report_syscall_exit follows either way.
    """
    return Verdict(syscall=SyscallAction.ABORT, result=-errno_value)


def skip(result: int) -> Verdict:
    """Answer report_syscall_entry: do not make the call, let it return `result`."""
    return Verdict(syscall=SyscallAction.ABORT, result=result)


class Outcome(enum.Enum):
    """How a call on a task that may be running ended, when nothing was refused."""

    DONE = enum.auto()
    """It is so now, and for the kernel API's 0: what was promised holds on return."""
    IN_PROGRESS = enum.auto()
    """It will be so: a callback may still be running, or the task has yet to stop."""
