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
from utrace.core.events import SYSCALL, SYSCALL_EXIT
from utrace.core.signals import NOTHING_TO_DELIVER, report_resume, take_step
from utrace.core.verdicts import REPORTS, ResumeAction
from utrace.tracehook.group_stop import report_continued
from utrace.tracehook.signal_decision import SIGINFO_BYTES, SignalOccurrence, deliver_made_up
from utrace.tracehook.tracee import CONT_REQUEST, LISTEN_REQUEST, SYSCALL_REQUEST

if TYPE_CHECKING:
    from utrace.core.reporting import Pass
    from utrace.kernel.api import Fact
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


def go_on(tracee: Tracee, begun: ResumeAction) -> None:
    """Run on as before, nobody having been told anything: by the step under way, if there is one (INV-11)."""
    put_off = tracee.stepping
    if put_off is ResumeAction.RESUME:
        tracee.run_by(begun)
    elif tracee.signo:
        # Before the call comes a handler, or nothing any more.
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
    regset = tracee.kernel.get_regs(tracee.tid)
    if regset is None:
        return False
    arch = of_regset(len(regset))
    instructions = arch.syscall_instructions
    length = max(map(len, instructions))
    return tracee.kernel.read_memory(tracee.tid, arch.registers(regset).pc, length).startswith(instructions)


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
    regset = tracee.kernel.get_regs(tracee.tid)
    if regset is None:
        return True
    arch = of_regset(len(regset))
    registers = arch.registers(regset)
    return syscall_abi(arch.audit, type(registers)).result(registers) == -EINTR


def is_in_call(tracee: Tracee) -> bool:
    """Tell whether a stopped tracee came into the kernel by a system call, as far as its registers tell."""
    regset = tracee.kernel.get_regs(tracee.tid)
    if regset is None:
        return False
    arch = of_regset(len(regset))
    registers = arch.registers(regset)
    return syscall_abi(arch.audit, type(registers)).nr(registers) >= 0


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


def _is_continued(tracee: Tracee) -> bool:
    """Tell whether a SIGCONT is on its way that this thread has not told of: it does before it is delivered.

    Reference: Linux 6.18 kernel/signal.c:prepare_signal(), ptrace_trap_notify().
    """
    if tracee.told_of == tracee.process.continues:
        return False
    disposition = tracee.kernel.disposition(tracee.tid)
    return disposition is not None and bool((disposition.queued | disposition.shared) & _SIGCONT_BIT)


_SIGCONT_BIT: Final = 1 << 18 - 1


def trap_stop(tracee: Tracee, fact: Fact, *, nudged: bool) -> Pass:
    """Decide an EVENT_STOP with SIGTRAP: our interrupt (`nudged`), a SIGCONT, or a first stop.

    A SIGCONT to a task that was not stopped comes here too.  It is told to engines that stop at events,
    as by a ptrace-stop, in a quiesce; to others it means nothing by itself.
    """
    task = tracee.task
    # What a report made here is about is no signal, also if the last stop was one.
    task.occurrence = fact
    tracee.signo = 0
    begun = tracee.step_begun()
    is_noticed = any(engine.stops_at_events for engine in task.engines) and (
        tracee.listening
        # Nobody has asked for the interrupt of one that ran lean.
        or ((not nudged or tracee.lean) and (task.listens > 0 or _is_continued(tracee)))
    )
    if is_noticed:
        tracee.told_of = tracee.process.continues
    if tracee.listening or (is_noticed and tracee.process.stopped):
        tracee.listening = False
        begun = ResumeAction.RESUME
        yield from report_continued(tracee)
    elif tracee.mend:
        mend(tracee)
    if is_noticed:
        task.notices += 1
        task.pend(ResumeAction.REPORT)
    tracee.mend = False
    handler, tracee.handler_due = tracee.handler_due, False
    task.in_trap = True
    yield from return_to_user(tracee, handler=handler, begun=begun)
    task.in_trap = False
    if task.listens and not tracee.over:
        tracee.request = LISTEN_REQUEST
