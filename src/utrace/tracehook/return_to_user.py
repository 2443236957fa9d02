"""The last point before user mode, and the ways to get there.

Rules of this file:

1. A syscall-exit-stop and a TRAP are such points: what is pending is served in them, in place.
2. At an earlier stop, an interrupt issued now brings a TRAP before the next user instruction; but
   where a syscall-exit-stop follows anyway it is left to that one, since any ptrace-stop uses a
   pending interrupt up.

Reference: the spec's section 7.2, "Deferred STOP/REPORT"; Linux 6.18 kernel/signal.c:get_signal(),
do_jobctl_trap().
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.arch import of_regset, syscall_abi
from utrace.arch.description import RestartCode
from utrace.core.events import SYSCALL, SYSCALL_EXIT
from utrace.core.signals import NOTHING_TO_DELIVER, report_resume, take_step
from utrace.core.verdicts import REPORTS, ResumeAction
from utrace.tracehook.signal_decision import SIGINFO_BYTES, SignalOccurrence, deliver_made_up
from utrace.tracehook.tracee import CONT_REQUEST, SYSCALL_REQUEST

if TYPE_CHECKING:
    from utrace.arch import Registers, SyscallAbi
    from utrace.arch.description import Arch
    from utrace.core.reporting import Pass
    from utrace.tracehook.tracee import Tracee

EINTR: Final = 4
MENDED: Final = {
    0xC000003E: frozenset({232, 281, 441, 128, 220, 45}),
    0x40000003: frozenset({256, 319, 441, 177, 421, 420, 371}),
    0xC00000B7: frozenset({22, 441, 137, 192, 207}),
}
"""epoll_wait, epoll_pwait, epoll_pwait2, rt_sigtimedwait, semtimedop and recvfrom, by audit arch:
the calls that a mere stop makes fail with EINTR (spec 7.4)."""


def return_to_user(
    tracee: Tracee, *, handler: bool = False, begun: ResumeAction = ResumeAction.RESUME
) -> Pass:
    """Serve what is pending, then choose how the tracee runs on, or let it go for good.

    `begun`: the step under way, which goes on if nobody is told anything here (INV-11).
    """
    task = tracee.task
    if task.pending is not ResumeAction.RESUME or task.is_wanted_stopped():
        occurrence = SignalOccurrence(bytes(SIGINFO_BYTES))
        task.occurrence = occurrence
        if (yield from report_resume(task, handler=handler)):
            return
        if occurrence.edited and task.signal_action not in NOTHING_TO_DELIVER:
            deliver_made_up(tracee, occurrence, task.signal_action)
        enter_user_mode(tracee)
    else:
        go_on(tracee, begun)
    if not task.engines:
        leave(tracee)


def go_on(tracee: Tracee, begun: ResumeAction, *, handler: bool = False) -> None:
    """Run on as before, nobody having been told anything: by the step under way, if there is one (INV-11).

    `handler`: the signal that is delivered now has one; a step put off to the entry of a call is over there.
    """
    put_off = tracee.stepping
    if put_off is ResumeAction.RESUME:
        tracee.run_by(begun)
    elif handler:
        tracee.stepping = ResumeAction.RESUME
        tracee.run_by(put_off)
    else:
        tracee.request = SYSCALL_REQUEST


def enter_user_mode(tracee: Tracee) -> None:
    """Choose how to run on in user mode.

    A step shows no syscall-stops.  One that would be over the instruction of a system call, where
    calls are traced, is first let run to the entry stop and armed there.
    """
    task = tracee.task
    step = take_step(task)
    if step is not ResumeAction.RESUME and task.mask & SYSCALL and _is_at_syscall(tracee):
        # Also a call that a filter lets pass: its entry is where the step is armed.
        tracee.stepping = step
        tracee.request = SYSCALL_REQUEST
    else:
        tracee.stepping = ResumeAction.RESUME
        tracee.run_by(step)


def _is_at_syscall(tracee: Tracee) -> bool:
    place = _place(tracee)
    if place is None:
        return False
    arch, registers, abi = place
    if -abi.result(registers) in _RESTARTED and abi.nr(registers) >= 0:
        # The kernel puts it before its call again, on the way to user mode.
        return True
    instructions = arch.syscall_instructions
    length = max(map(len, instructions))
    return tracee.kernel.read_memory(tracee.tid, registers.pc, length).startswith(instructions)


_RESTARTED: Final = frozenset(RestartCode)


def before_user_mode(tracee: Tracee, *, told: bool) -> None:
    """Choose how to run on from an event stop inside a system call.

    A step over the call goes on behind an event that nobody was told of (INV-25); where engines were, it
    is up to them (INV-10).
    """
    task = tracee.task
    tracee.signo = 0
    if not task.engines:
        leave(tracee)
        return
    step = take_step(task)
    if step is ResumeAction.RESUME and task.pending is ResumeAction.RESUME and not told:
        step = tracee.step_begun()
    tracee.run_by(step)
    if tracee.request == CONT_REQUEST and task.mask & SYSCALL_EXIT:
        # Which call it is in may not be known; its exit stop tells.
        tracee.request = SYSCALL_REQUEST
    if tracee.request == CONT_REQUEST and (task.pending in REPORTS or task.is_wanted_stopped()):
        interrupt(tracee)


def interrupt(tracee: Tracee) -> None:
    """Make the tracee come to a TRAP, unless another ptrace-stop comes first."""
    tracee.nudged = True
    tracee.kernel.interrupt(tracee.tid)


def leave(tracee: Tracee) -> None:
    """Let the tracee go for good, with the signal it was about to get.

    One with a filter is kept, without engines: untraced, its calls would fail with ENOSYS.
    """
    if tracee.filter is not None:
        tracee.request = CONT_REQUEST
        return
    tracee.let_go()


def may_be_broken(tracee: Tracee) -> bool:
    """Tell whether the registers are those of a call that failed with EINTR, or cannot be read."""
    place = _place(tracee)
    if place is None:
        return True
    _, registers, abi = place
    return abi.result(registers) == -EINTR


def is_in_call(tracee: Tracee) -> bool:
    """Tell whether a stopped tracee came into the kernel by a system call, as far as its registers tell."""
    place = _place(tracee)
    if place is None:
        return False
    _, registers, abi = place
    return abi.nr(registers) >= 0


def _place(tracee: Tracee) -> tuple[Arch, Registers, SyscallAbi] | None:
    """Read where a stopped tracee is, and how its kind of program makes calls; None if it is gone."""
    regset = tracee.kernel.get_regs(tracee.tid)
    if regset is None:
        return None
    arch = of_regset(len(regset))
    registers = arch.registers(regset)
    return arch, registers, syscall_abi(arch.audit, type(registers))


def mend(tracee: Tracee) -> None:
    """Undo an -EINTR that our interrupt, or an ignored signal, alone has caused (DEC-4)."""
    before = tracee.kernel.get_regs(tracee.tid)
    if tracee.kernel.syscall_restart(tracee.tid, MENDED):
        after = tracee.kernel.get_regs(tracee.tid)
        if before is not None and after is not None:
            tracee.mended = (before, after)


def undo_mending(tracee: Tracee) -> None:
    """Let a call fail with EINTR after all: a handler is about to run (signal(7))."""
    if tracee.mended is not None:
        before, after = tracee.mended
        # Others than these are of another stop, or an engine's.
        if tracee.kernel.get_regs(tracee.tid) == after:
            tracee.kernel.set_regs(tracee.tid, before)
        tracee.mended = None
