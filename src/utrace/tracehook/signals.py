"""Signal-delivery-stops: what a signal is, and how the engines' decision is put into effect.

Rules of this file:

1. A signal that no engine could be told of passes through untouched.
2. The trap of a step that utrace armed never kills: where no engine decides otherwise it is
   dropped, since it is no doing of the program's.
3. A signal that the program ignores breaks no system call (DEC-4): untraced, the task would not have
   been woken for it.

Reference: ptrace(2) "Signal-delivery-stop"; the spec's sections 3.5 and 7.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import QUIESCE, SIGNAL_ALL
from utrace.core.signals import classify, report_signal, take_step
from utrace.core.verdicts import REPORTS, STEPS, ResumeAction, SignalAction
from utrace.tracehook.return_to_user import (
    enter_user_mode,
    go_on,
    interrupt,
    is_in_call,
    leave,
    may_be_broken,
    mend,
    undo_mending,
)
from utrace.tracehook.signal_decision import (
    CarriedSignal,
    SignalOccurrence,
    put_back,
    signo_for,
    unload,
)
from utrace.tracehook.syscalls import stepped_over
from utrace.tracehook.tracee import CONT_REQUEST, SYSCALL_REQUEST

if TYPE_CHECKING:
    from utrace.core.reporting import Pass
    from utrace.kernel.api import Fact
    from utrace.tracehook.tracee import Tracee

SIGTRAP: Final = 5
_SIGCONT: Final = 18
_SIGSTOP: Final = 19
_SI_KERNEL: Final = 0x80

_STEP_CODES: Final = frozenset({1, 2, SIGTRAP})
"""TRAP_BRKPT after a system call, TRAP_TRACE after an instruction, SIGTRAP at a handler's entry."""


def signal_stop(tracee: Tracee, fact: Fact) -> Pass:
    """Decide a signal-delivery-stop."""
    if _is_of_a_tap(tracee, fact):
        tracee.signo = 0
        _run_on(tracee, begun=tracee.step_begun())
    else:
        yield from _signal(tracee, fact)


def _signal(tracee: Tracee, fact: Fact) -> Pass:
    task = tracee.task
    carried: CarriedSignal | None = None
    if tracee.carried or tracee.process.carried:
        fact, carried = unload(tracee, fact)
    _, _, signo, siginfo = fact
    tracee.process.continues += signo == _SIGCONT
    stepped = signo == SIGTRAP and tracee.request not in _FREE_RUNS and _is_step_trap(siginfo)
    if stepped and tracee.in_syscall:
        yield from stepped_over(tracee)
    tracee.signo = 0 if stepped else signo
    if not stepped and carried is None and _is_nobodys(tracee):
        _run_on(tracee)
        return
    disposition = tracee.kernel.disposition(tracee.tid)
    if disposition is None or not isinstance(siginfo, bytes):
        _run_on(tracee)
        return
    bit = 1 << (signo - 1)
    caught = bool(disposition.caught & bit)
    event, action = classify(signo, ignored=bool(disposition.ignored & bit), caught=caught)
    ignored = action is SignalAction.IGN and not stepped
    asked = task.mask & (event | QUIESCE) and (carried or task.mask & SIGNAL_ALL)
    if (carried is not None and carried.decided) or not asked:
        if carried is not None:
            tracee.kernel.set_siginfo(tracee.tid, siginfo)
        # A blocked one is queued again, and breaks no call.
        queued = carried is not None and bool(disposition.blocked & bit)
        begun = _RESUME if stepped else tracee.step_begun()
        _run_on(
            tracee,
            caught=caught and not queued,
            ignored=queued or (ignored and carried is None),
            begun=begun,
        )
        return
    occurrence = SignalOccurrence(siginfo, disposition, edited=carried is not None)
    task.occurrence = occurrence
    if (yield from report_signal(task, event, SignalAction.IGN if stepped else action)):
        return
    if task.signal_hold and occurrence.delivered():
        put_back(tracee, occurrence.siginfo)
    delivered = tracee.signo = signo_for(task.signal_action, occurrence)
    if delivered and occurrence.edited:
        tracee.kernel.set_siginfo(tracee.tid, occurrence.siginfo)
    caught = bool(delivered and disposition.caught & (1 << (delivered - 1)))
    _run_on(tracee, caught=caught, ignored=ignored and not delivered)


def _is_of_a_tap(tracee: Tracee, fact: Fact) -> bool:
    """Tell whether a tap sent a signal for its task to wait, which has left the tap meanwhile (D21).

    The trap of a breakpoint has the same code, but comes in user mode, where there is no call.
    """
    _, _, signo, siginfo = fact
    if tracee.tapped is None or not isinstance(siginfo, bytes):
        return False
    if int.from_bytes(siginfo[8:12], "little", signed=True) != _SI_KERNEL:
        return False
    return signo == _SIGSTOP or (signo == SIGTRAP and is_in_call(tracee))


def _is_nobodys(tracee: Tracee) -> bool:
    """Tell whether a signal is the program's affair alone, whatever it does with it.

    Nobody is told, no report is to come, and no call was broken that it might not have broken (rule 3).
    Asking what the program does with it would cost more than all the rest.
    """
    task = tracee.task
    return (
        not task.mask & (SIGNAL_ALL | QUIESCE)
        and task.pending is _RESUME
        and tracee.mended is None
        and not task.is_wanted_stopped()
        and not may_be_broken(tracee)
    )


_RESUME: Final = ResumeAction.RESUME
_FREE_RUNS: Final = frozenset({CONT_REQUEST, SYSCALL_REQUEST})


def _is_step_trap(siginfo: object) -> bool:
    return isinstance(siginfo, bytes) and int.from_bytes(siginfo[8:12], "little", signed=True) in _STEP_CODES


def _run_on(
    tracee: Tracee, *, caught: bool = False, ignored: bool = False, begun: ResumeAction | None = None
) -> None:
    """Choose how to run on, `tracee.signo` being what is delivered.

    `ignored`: without effect; `begun`: the step under way, or RESUME, if nobody was told anything.
    """
    task = tracee.task
    if ignored:
        mend(tracee)
    elif caught:
        undo_mending(tracee)
    if not task.engines:
        leave(tracee)
        return
    if begun is not None and task.pending is _RESUME:
        go_on(tracee, begun, handler=caught)
    elif tracee.signo or task.pending not in STEPS:
        tracee.stepping = _RESUME
        tracee.run_by(take_step(task))
    else:
        enter_user_mode(tracee)
    if task.pending in REPORTS or task.is_wanted_stopped():
        # The handler frame is set up first; the TRAP comes at the handler's first instruction.
        tracee.handler_due = caught
        interrupt(tracee)
