"""Signal-delivery-stops: what a signal is, and how the engines' decision is put into effect.

Rules of this file:

1. A signal that no engine could be told of passes through untouched and unlooked-at.
2. The trap of a step that utrace armed never kills: where no engine decides otherwise it is
   dropped, since it is no doing of the program's.

Reference: ptrace(2) "Signal-delivery-stop"; the spec's sections 3.5 and 7.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.core.events import QUIESCE, SIGNAL_ALL, SYSCALL
from utrace.core.signals import CORE_SIGNALS, SIGSTOP, classify, report_signal, take_step
from utrace.core.verdicts import REPORTS, STEPS, SignalAction
from utrace.tracehook.return_to_user import enter_user_mode, interrupt, leave
from utrace.tracehook.syscalls import stepped_over
from utrace.tracehook.tracee import CONT_REQUEST, SYSCALL_REQUEST

if TYPE_CHECKING:
    from utrace.core.reporting import Pass
    from utrace.kernel.api import Disposition, Fact
    from utrace.tracehook.tracee import Tracee

SIGQUIT: Final = 3
SIGTRAP: Final = 5
SIGKILL: Final = 9
SIGTERM: Final = 15
SIGTSTP: Final = 20

_STEP_CODES: Final = frozenset({1, 2, SIGTRAP})
"""TRAP_BRKPT after a system call, TRAP_TRACE after an instruction, SIGTRAP at a handler's entry."""

_REPRESENTATIVES: Final = {
    SignalAction.TERM: (SIGTERM, 1, 2, 13, 14, 15),
    SignalAction.CORE: (SIGQUIT, *sorted(CORE_SIGNALS)),
    SignalAction.STOP: (SIGSTOP,),
    SignalAction.TSTP: (SIGTSTP, 21, 22),
}
"""Signals whose default action is the one decided, in order of preference."""

_FALLBACK: Final = {SignalAction.TERM: SIGKILL, SignalAction.CORE: SIGKILL, SignalAction.TSTP: SIGSTOP}


@dataclass(slots=True)
class SignalOccurrence:
    """The signal being decided; engines edit it in place.

    Attributes:
        signo: its number at dequeue time.
        siginfo: the raw siginfo_t; si_signo in it is the number that will be delivered.
        edited: somebody changed `siginfo`.
        disposition: the task's signal masks at dequeue time.
    """

    signo: int
    siginfo: bytes
    disposition: Disposition
    edited: bool = False

    def delivered(self) -> int:
        """Return the number to deliver."""
        return int.from_bytes(self.siginfo[:4], "little")


def signal_stop(tracee: Tracee, fact: Fact) -> Pass:
    """Decide a signal-delivery-stop."""
    task = tracee.task
    _, _, signo, siginfo = fact
    stepped = signo == SIGTRAP and tracee.request not in _FREE_RUNS and _is_step_trap(siginfo)
    if stepped and tracee.in_syscall:
        yield from stepped_over(tracee)
    tracee.signo = 0 if stepped else signo
    if not task.mask & SIGNAL_ALL or not isinstance(siginfo, bytes):
        _run_on(tracee)
        return
    disposition = tracee.kernel.disposition(tracee.tid)
    if disposition is None:
        return
    bit = 1 << (signo - 1)
    caught = bool(disposition.caught & bit)
    event, action = classify(signo, ignored=bool(disposition.ignored & bit), caught=caught)
    if not task.mask & (event | QUIESCE):
        _run_on(tracee, caught=caught)
        return
    occurrence = SignalOccurrence(signo, siginfo, disposition)
    task.occurrence = occurrence
    if (yield from report_signal(task, event, SignalAction.IGN if stepped else action)):
        return
    tracee.signo = _signo_for(task.signal_action, occurrence)
    if tracee.signo and occurrence.edited:
        tracee.kernel.set_siginfo(tracee.tid, occurrence.siginfo)
    delivered = tracee.signo
    _run_on(tracee, caught=bool(delivered and disposition.caught & (1 << (delivered - 1))))


_FREE_RUNS: Final = frozenset({CONT_REQUEST, SYSCALL_REQUEST})


def _is_step_trap(siginfo: object) -> bool:
    return isinstance(siginfo, bytes) and int.from_bytes(siginfo[8:12], "little", signed=True) in _STEP_CODES


def _signo_for(action: SignalAction, occurrence: SignalOccurrence) -> int:
    """Tell which signal, delivered, has the effect decided; 0 for none.

    TERM, CORE, STOP and TSTP take effect through a signal that has them as its default action: the
    reported one if that is so, else a representative; the exit status then shows that one.
    """
    signo = occurrence.delivered()
    match action:
        case SignalAction.IGN | SignalAction.REPORT | SignalAction.HANDLER:
            return 0
        case SignalAction.DELIVER:
            return signo
        case SignalAction.TERM | SignalAction.CORE | SignalAction.STOP | SignalAction.TSTP:
            special = occurrence.disposition.ignored | occurrence.disposition.caught
            for candidate in (signo, *_REPRESENTATIVES[action]):
                if not special & (1 << (candidate - 1)) and (
                    classify(candidate, ignored=False, caught=False)[1] is action
                ):
                    return candidate
            return _FALLBACK[action]


def _run_on(tracee: Tracee, *, caught: bool = False) -> None:
    """Choose how to run on, `tracee.signo` being what is delivered."""
    task = tracee.task
    if not task.engines:
        leave(tracee)
        return
    if tracee.signo or task.pending not in STEPS:
        tracee.run_by(take_step(task), task.mask & SYSCALL)
    else:
        enter_user_mode(tracee)
    if task.pending in REPORTS or task.is_wanted_stopped():
        # The handler frame is set up first; the TRAP comes at the handler's first instruction.
        tracee.handler_due = caught
        interrupt(tracee)
