"""Whether ptrace-stops, signals and steps are here as utrace expects them.

The laws rest on each of these expectations: where one fails, so do they.  The numbers are those of
docs/kernel-quirks.md.

Reference: ptrace(2).
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

from utrace.kernel.api import FactKind, ResumeRequest
from utrace.kernel.probe_program import NATIVE, ProbeProgram
from utrace.kernel.probe_trial import DoesNotWork, Finding, Trial, make_trial

if TYPE_CHECKING:
    from utrace.kernel.probe_trial import Attempt

_CONT: Final = ResumeRequest.CONT
_SIGCODE: Final = slice(8, 12)
_TRAP_BRKPT: Final = 1


def _interrupt_before_user_mode(trial: Trial, program: ProbeProgram) -> str:
    start = trial.begin(program)
    trial.kernel.interrupt(trial.tid)
    trial.expect(trial.next(_CONT), FactKind.TRAP)
    if trial.pc() != start:
        message = "the child ran before it stopped"
        raise DoesNotWork(message)
    return "asked for at a syscall-exit-stop it stops the child before its next instruction"


def _interrupt_used_up(trial: Trial, program: ProbeProgram) -> str:
    trial.launch(program)
    trial.kernel.interrupt(trial.tid)
    trial.expect(trial.next(ResumeRequest.SYSCALL), FactKind.SYSCALL_EXIT)
    trial.expect(trial.next(_CONT), FactKind.EXIT)
    return "the next ptrace-stop, whichever it is, uses it up (Q-8)"


def _exit_after_event(trial: Trial, program: ProbeProgram) -> str:
    trial.launch(program, _CONT)
    trial.expect(trial.next(ResumeRequest.SYSCALL), FactKind.SYSCALL_EXIT, 0)
    return "PTRACE_SYSCALL from there shows the end of the call (Q-17)"


def _step_over_call(trial: Trial, program: ProbeProgram) -> str:
    trial.launch(program)
    fact = trial.next(ResumeRequest.SINGLESTEP)
    trial.expect(fact, FactKind.SIGNAL, signal.SIGTRAP)
    start = trial.pc()
    siginfo = fact[3]
    if not isinstance(siginfo, bytes) or int.from_bytes(siginfo[_SIGCODE], "little") != _TRAP_BRKPT:
        message = "its SIGTRAP is not TRAP_BRKPT"
        raise DoesNotWork(message)
    trial.expect(trial.next(ResumeRequest.SINGLESTEP), FactKind.SIGNAL, signal.SIGTRAP)
    if trial.pc() != start + program.step:
        message = "it stopped somewhere else than behind the call"
        raise DoesNotWork(message)
    return "it traps once, behind the call (INV-25)"


def _ignored_signal(trial: Trial, program: ProbeProgram) -> str:
    trial.begin(program)
    trial.kernel.kill(trial.tid, signal.SIGWINCH)
    trial.expect(trial.next(_CONT), FactKind.SIGNAL, signal.SIGWINCH)
    return "it stops a tracee all the same (Q-12)"


def _stop_group(trial: Trial, program: ProbeProgram) -> None:
    """Bring the child into a group-stop, and let it listen."""
    trial.begin(program)
    trial.kernel.kill(trial.tid, signal.SIGSTOP)
    trial.expect(trial.next(_CONT), FactKind.SIGNAL, signal.SIGSTOP)
    trial.expect(trial.next(_CONT, signal.SIGSTOP), FactKind.GROUP_STOP)
    trial.kernel.resume(trial.tid, ResumeRequest.LISTEN, 0)


def _listening(trial: Trial, program: ProbeProgram) -> str:
    _stop_group(trial, program)
    if trial.kernel.get_regs(trial.tid) is not None:
        message = "its registers can be read"
        raise DoesNotWork(message)
    trial.kernel.interrupt(trial.tid)
    trial.expect(trial.wait(), FactKind.GROUP_STOP, signal.SIGSTOP)
    return "it takes no requests until an interrupt makes it trap again (Q-11)"


def _continued(trial: Trial, program: ProbeProgram) -> str:
    _stop_group(trial, program)
    trial.kernel.kill(trial.tid, signal.SIGCONT)
    trial.expect(trial.wait(), FactKind.TRAP)
    trial.expect(trial.next(_CONT), FactKind.SIGNAL, signal.SIGCONT)
    return "a listening tracee tells by a PTRACE_EVENT_STOP, and then of the signal"


def _continued_running(trial: Trial, program: ProbeProgram) -> str:
    trial.begin(program)
    trial.kernel.kill(trial.tid, signal.SIGCONT)
    trial.expect(trial.next(_CONT), FactKind.TRAP)
    trial.expect(trial.next(_CONT), FactKind.SIGNAL, signal.SIGCONT)
    return "a tracee that was not stopped tells the same (Q-9)"


def _killed(trial: Trial, program: ProbeProgram) -> str:
    trial.begin(program)
    trial.kernel.kill(trial.tid, signal.SIGKILL)
    trial.expect(trial.wait(), FactKind.EXIT, signal.SIGKILL)
    if trial.kernel.get_regs(trial.tid) is None:
        message = "its registers cannot be read"
        raise DoesNotWork(message)
    return "the tracee leaves its stop and stands in PTRACE_EVENT_EXIT (Q-4)"


EXPECTATIONS: Final[tuple[tuple[str, Attempt], ...]] = (
    ("PTRACE_INTERRUPT before user mode", _interrupt_before_user_mode),
    ("PTRACE_INTERRUPT before a stop", _interrupt_used_up),
    ("PTRACE_SYSCALL at an event", _exit_after_event),
    ("a step over a system call", _step_over_call),
    ("a signal that is ignored", _ignored_signal),
    ("a tracee that listens", _listening),
    ("SIGCONT after a group-stop", _continued),
    ("SIGCONT without a group-stop", _continued_running),
    ("SIGKILL in a stop", _killed),
)


def check_expectations() -> list[Finding]:
    """Try all of them; none where utrace does not know the machine."""
    program = NATIVE.get(os.uname().machine)
    if program is None:
        return []
    return [make_trial(name, attempt, program) for name, attempt in EXPECTATIONS]
