"""Syscall-stops: entry, exit, abort.

Rules of this file:

1. This is the path whose cost is felt: what nobody asked for is decided by one test, and the
   functions taken at every stop are plain ones that hand back the generator of the report, if any.
2. Which call an exit belongs to is remembered from its entry; an exit without one is normal.

Reference: ptrace(2) "Syscall-stops", PTRACE_GET_SYSCALL_INFO; the spec's sections 3.4 and 7.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.arch import Registers, SyscallAbi, of_regset, syscall_abi
from utrace.arch.description import ERRNO_MAX
from utrace.core.events import SYSCALL, SYSCALL_ENTRY, SYSCALL_EXIT
from utrace.core.reporting import Pass, Stop, report_syscall_entry, report_syscall_exit
from utrace.core.signals import take_step
from utrace.core.task_life import Need
from utrace.core.verdicts import ResumeAction, SyscallAction
from utrace.kernel.api import FactKind
from utrace.kernel.seccomp import installs, is_for_all_threads
from utrace.tracehook.return_to_user import leave, mend, return_to_user
from utrace.tracehook.tracee import CONT_REQUEST, SYSCALL_REQUEST

if TYPE_CHECKING:
    from utrace.kernel.api import Fact
    from utrace.tracehook.tracee import Tracee

ENOSYS: Final = 38
_NO_CALL: Final = -1

# As in core/reporting: what every stop looks at has a name here (D14).
_RESUME: Final = ResumeAction.RESUME
_RUN: Final = SyscallAction.RUN
_ABORT: Final = SyscallAction.ABORT
_SYSCALL_ENTRY: Final = int(FactKind.SYSCALL_ENTRY)
_SYSCALL_EXIT: Final = int(FactKind.SYSCALL_EXIT)
_SECCOMP: Final = int(FactKind.SECCOMP)


def entry_stop(tracee: Tracee, fact: Fact) -> Stop | None:
    """Decide a syscall-entry-stop, or a seccomp stop that stands for one; None: nobody is to be told."""
    task = tracee.task
    detail = fact[3]
    tracee.arch = arch = detail[0] if isinstance(detail, tuple) else 0
    tracee.nr = nr = fact[2]
    tracee.entry = fact
    tracee.in_syscall = True
    tracee.signo = 0
    tracee.at_entry = at_entry = fact[1] == _SYSCALL_ENTRY
    tracee.more_to_come = at_entry and tracee.filter is not None and _has_seccomp_stop(tracee, fact)
    if tracee.installers is not None and nr in tracee.installers.get(arch, ()):
        _heed_filter(tracee, fact)
    if task.mask & SYSCALL_ENTRY and (task.syscalls is None or nr in task.syscalls.get(arch, ())):
        task.occurrence = fact
        report = report_syscall_entry(task, arch, nr)
        return report if tracee.stepping is _RESUME else _in_a_step(tracee, report)
    return None


def _heed_filter(tracee: Tracee, fact: Fact) -> None:
    """See to it that calls which a filter of the program's own will answer are still seen.

    Of several filters the strictest answer counts: a call that fails by theirs is not stopped by ours.
    Reference: seccomp(2) "Filters"; Linux 6.18 kernel/seccomp.c:seccomp_run_filters().
    """
    nr, detail = fact[2], fact[3]
    if not isinstance(detail, tuple) or not installs(tracee.arch, nr, detail[3:9]):
        return
    tracee.has_own_filter()
    tracee.task.need(Need.ORDINARY)
    if is_for_all_threads(tracee.arch, nr, detail[3:9]):
        for other in tracee.process.tracees.values():
            if other is not tracee:
                other.has_own_filter()
                other.task.need(Need.ATTENTION)


def _in_a_step(tracee: Tracee, report: Stop) -> Stop:
    """Report the entry that a step was put off to; stopped there, a task goes on as is said then (INV-10)."""
    task = tracee.task
    killed = yield from report
    if task.action is ResumeAction.STOP or task.resumed:
        tracee.stepping = take_step(task)
    return killed


def _has_seccomp_stop(tracee: Tracee, fact: Fact) -> bool:
    """Tell whether our filter makes a call stop once more, as it stands at its entry."""
    if tracee.filter is None:
        return False
    nr, detail = fact[2], fact[3]
    arch, args = (detail[0], detail[3:9]) if isinstance(detail, tuple) else (0, ())
    if nr not in tracee.filter.get(arch, (nr,)) or (tracee.tapped and nr in tracee.tapped.get(arch, ())):
        return False
    return tracee.screens is None or not tracee.screens.lets_pass(arch, nr, args)


def learn_of_call(tracee: Tracee, fact: Fact) -> None:
    """Take over from `Kernel.serve`: the tracee is in this call, or in none (IN_CALL)."""
    _, _, nr, detail = fact
    tracee.in_syscall = tracee.at_entry = isinstance(detail, tuple)
    tracee.more_to_come = False
    if isinstance(detail, tuple):
        tracee.arch, tracee.nr = detail[0], nr
        tracee.entry = (tracee.tid, int(FactKind.SYSCALL_ENTRY), nr, detail)


def leave_entry(tracee: Tracee) -> None:
    """Run on from a syscall-entry-stop whose report, if there was one, is over."""
    task = tracee.task
    if task.syscall_action is _ABORT:
        task.syscall_action = _RUN
        tracee.kernel.set_syscall(tracee.tid, _NO_CALL, None)
        result = -ENOSYS if task.syscall_result is None else task.syscall_result
        if _is_over_here(tracee):
            tracee.kernel.set_result(tracee.tid, result)
            tracee.in_syscall = False
            tracee.request = tracee.free_run()
            return
        tracee.abort_result = result
        _run_to_exit(tracee, _armed_step(tracee))
    elif not task.engines:
        leave(tracee)
    elif tracee.stepping is not _RESUME:
        _run_to_exit(tracee, _armed_step(tracee))
    elif task.pending is not _RESUME:
        # It is served at the exit stop, which uses an interrupt issued here up; but that breaks a call that
        # would block, as a pending signal does.
        if task.pending is ResumeAction.INTERRUPT:
            tracee.kernel.interrupt(tracee.tid)
        _run_to_exit(tracee, take_step(task))
    elif tracee.filter is None:
        # By CONT there would be no exit stop, but no next entry either.
        tracee.request = SYSCALL_REQUEST if task.mask & SYSCALL else CONT_REQUEST
    elif tracee.wants_exit():
        tracee.request = SYSCALL_REQUEST
    else:
        tracee.request = tracee.free_run()
    if tracee.request == CONT_REQUEST:
        # Its end will not be told, so that the next exit stop may be of another call.
        tracee.in_syscall = False


def _is_over_here(tracee: Tracee) -> bool:
    """Tell whether an aborted call needs no exit stop: at a seccomp stop its result is put in place at once.

    Reference: Linux 6.18 kernel/seccomp.c:__seccomp_filter(), a SECCOMP_RET_TRACE skipped.
    """
    task = tracee.task
    return (
        not tracee.at_entry
        and bool(task.engines)
        and task.pending is _RESUME
        and tracee.stepping is _RESUME
        and not tracee.mend
        and not tracee.wants_exit()
    )


def _run_to_exit(tracee: Tracee, step: ResumeAction) -> None:
    if step is _RESUME:
        tracee.request = SYSCALL_REQUEST
    else:
        tracee.run_by(step)


def _armed_step(tracee: Tracee) -> ResumeAction:
    """Take the step that was put off to this entry."""
    step, tracee.stepping = tracee.stepping, _RESUME
    return step


def exit_stop(tracee: Tracee, fact: Fact) -> Pass | None:
    """Decide a syscall-exit-stop; None if nobody is to be told."""
    task = tracee.task
    if not tracee.in_syscall:
        _learn_call(tracee, fact)
    tracee.in_syscall = tracee.at_entry = tracee.more_to_come = False
    tracee.signo = 0
    if tracee.abort_result is not None:
        fact = _put_result(tracee, fact, tracee.abort_result)
    arch, nr = tracee.arch, tracee.nr
    if task.mask & SYSCALL_EXIT and (task.syscalls is None or nr in task.syscalls.get(arch, ())):
        task.occurrence = fact
        return report_syscall_exit(task, arch, nr)
    return None


def leave_exit(tracee: Tracee) -> Pass | None:
    """Run on from a syscall-exit-stop, the last point before user mode; None if that is all."""
    task = tracee.task
    if tracee.mend:
        # Our interrupt ended the call; this stop has used the interrupt up.
        tracee.mend = False
        mend(tracee)
    if task.pending is _RESUME and task.engines:
        if tracee.filter is None:
            tracee.request = SYSCALL_REQUEST if task.mask & SYSCALL else CONT_REQUEST
        else:
            tracee.request = tracee.free_run()
        return None
    return return_to_user(tracee)


def stepped_over(tracee: Tracee) -> Pass:
    """Report the exit of a call that was stepped over: its trap stands for the exit stop.

    Resumed by a step from inside a call, a tracee shows one SIGTRAP after it and no
    syscall-exit-stop (spec 6.5).
    """
    tracee.in_syscall = False
    read = _registers(tracee)
    if read is None:
        return
    registers, abi = read
    result = abi.result(registers)
    detail = (tracee.arch, registers.pc, registers.sp, int(-ERRNO_MAX <= result < 0))
    fact: Fact = (tracee.tid, _SYSCALL_EXIT, result, detail)
    if tracee.abort_result is not None:
        fact = _put_result(tracee, fact, tracee.abort_result)
    task = tracee.task
    if tracee.wants_exit():
        task.occurrence = fact
        yield from report_syscall_exit(task, tracee.arch, tracee.nr)


def _put_result(tracee: Tracee, fact: Fact, result: int) -> Fact:
    """Give an aborted call its result, which a seccomp filter may have replaced (spec 7.1)."""
    tracee.abort_result = None
    tracee.kernel.set_result(tracee.tid, result)
    # The call was left out by its number, which is to be seen no more.
    tracee.kernel.set_syscall(tracee.tid, tracee.nr, None)
    detail = fact[3]
    if isinstance(detail, tuple):
        detail = (*detail[:3], int(-ERRNO_MAX <= result < 0))
    return (fact[0], fact[1], result, detail)


def _learn_call(tracee: Tracee, fact: Fact) -> None:
    """Find out which call ended whose entry was not seen: the registers still tell.

    On aarch64 the first argument has been overwritten by the result.
    """
    detail = fact[3]
    tracee.arch = detail[0] if isinstance(detail, tuple) else 0
    read = _registers(tracee)
    if read is None:
        tracee.nr, tracee.entry = _NO_CALL, None
        return
    registers, abi = read
    tracee.nr = abi.nr(registers)
    entered = (tracee.arch, registers.pc, registers.sp, *abi.args(registers))
    tracee.entry = (tracee.tid, _SYSCALL_ENTRY, tracee.nr, entered)


def current_number(tracee: Tracee) -> int:
    """Tell which call the stopped tracee is about to make: a tracer may have changed it in a stop."""
    read = _registers(tracee)
    return _NO_CALL if read is None else read[1].nr(read[0])


def _registers(tracee: Tracee) -> tuple[Registers, SyscallAbi] | None:
    """Read the registers, and how the call in progress uses them; None if the tracee is gone."""
    regset = tracee.kernel.get_regs(tracee.tid)
    if regset is None:
        return None
    registers = of_regset(len(regset)).registers(regset)
    return registers, syscall_abi(tracee.arch, type(registers))
