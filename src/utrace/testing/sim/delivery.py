"""What a task does about its signals and traps on the way to user mode.

Reference: kernel/signal.c:get_signal(), do_signal_stop(), do_jobctl_trap(), ptrace_signal();
arch/x86/kernel/signal.c:arch_do_signal_or_restart(), handle_signal() (6.18).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.testing.sim import signals, stops
from utrace.testing.sim.registers import MASK, ORIG_RAX, RAX, RDI, RIP, signed
from utrace.testing.sim.siginfo import (
    CLD_STOPPED,
    IGNORED_BY_DEFAULT,
    SIGKILL,
    SIGTRAP,
    STOP_SIGNALS,
    SigInfo,
    bit,
)
from utrace.testing.sim.tasks import (
    STOP_CONSUME,
    STOP_DEQUEUED,
    STOP_PENDING,
    STOP_SIGMASK,
    TRAP_MASK,
    TRAP_STOP,
    Frame,
    Handler,
    Life,
    SimTask,
    TaskExit,
    TaskState,
)

if TYPE_CHECKING:
    from collections.abc import Generator

EINTR: Final = 4
ERESTARTSYS: Final = 512
ERESTARTNOINTR: Final = 513
ERESTARTNOHAND: Final = 514
ERESTART_RESTARTBLOCK: Final = 516
NR_RESTART_SYSCALL: Final = 219

_RESTARTS: Final = frozenset({-ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND})
_NEVER_WITH_HANDLER: Final = frozenset({-ERESTART_RESTARTBLOCK, -ERESTARTNOHAND})


def deliver_signals(task: SimTask) -> Life:
    """Stand every stop that is due and set up a frame for each handled signal.

    Raises:
        TaskExit: a signal is fatal.
    """
    while task.sigpending:
        info = yield from _get_signal(task)
        if info is None:
            _restart(task)
        else:
            yield from _set_up_handler(task, info, task.process.handlers[info.signo])


def _get_signal(task: SimTask) -> Generator[None, None, SigInfo | None]:
    process = task.process
    while True:
        if process.cld_pending:
            why, process.cld_pending = process.cld_pending, 0
            signals.notify_parent_of_stop(process, why)
        if process.group_exit or process.exec_task is not None:
            task.killed = False
            raise TaskExit(SIGKILL, group=True)
        if task.jobctl & STOP_PENDING and (yield from _signal_stop(task, 0)):
            continue
        if task.jobctl & TRAP_MASK:
            yield from _trap(task)
            continue
        info = signals.dequeue_signal(task)
        if info is None:
            return None
        if task.traced:
            info = yield from _report_signal(task, info)
            if info is None:
                continue
        if (yield from _act(task, info)):
            return info


def _report_signal(task: SimTask, info: SigInfo) -> Generator[None, None, SigInfo | None]:
    """Make the signal-delivery-stop; give what is left of the signal."""
    signo = yield from stops.ptrace_stop(task, info.signo, 0, info)
    if signo == 0:
        return None
    if task.stop_info is not None:
        info = task.stop_info  # the tracer may have put another in its place
    if signo != info.signo:
        info = signals.stop_signal_info(task, signo)
    if task.blocked & bit(signo) or task.killed:
        signals.send_signal(info, task, group=False)
        return None
    return info


def _act(task: SimTask, info: SigInfo) -> Generator[None, None, bool]:
    """Do what the disposition says; True if a handler is to run."""
    process = task.process
    signo = info.signo
    mask = bit(signo)
    if process.ignored & mask:
        return False
    if signo in process.handlers:
        return True
    if mask & IGNORED_BY_DEFAULT:
        return False
    if mask & STOP_SIGNALS:
        yield from _signal_stop(task, signo)
        return False
    raise TaskExit(signo, group=True)


def _signal_stop(task: SimTask, signo: int) -> Generator[None, None, bool]:
    """Begin or join a group stop; True if the task slept in it (untraced only)."""
    process = task.process
    if not task.jobctl & STOP_PENDING:
        if not task.jobctl & STOP_DEQUEUED or process.group_exit or process.exec_task is not None:
            return False
        _begin_group_stop(task, signo)
    if task.traced:
        task.set_jobctl(TRAP_STOP)
        return False
    completes = signals.participate_group_stop(task)
    task.state = TaskState.STOPPED
    if completes:
        signals.notify_parent_of_stop(process, CLD_STOPPED)
    yield
    task.acted = False
    return True


def _begin_group_stop(task: SimTask, signo: int) -> None:
    process = task.process
    pending = signo | STOP_PENDING | STOP_CONSUME
    if not process.stop_stopped:
        process.group_exit_code = signo
    process.group_stop_count = 0
    if task.set_jobctl(pending):
        process.group_stop_count += 1
    for other in process.threads:
        if other is task or other.state is TaskState.STOPPED or not other.set_jobctl(pending):
            continue
        process.group_stop_count += 1
        if other.traced:
            signals.notify_trap(other)
        else:
            signals.wake_for_signal(other)


def _trap(task: SimTask) -> Life:
    process = task.process
    signo = task.jobctl & STOP_SIGMASK
    if not process.group_stop_count and not process.stop_stopped:
        signo = SIGTRAP
    status = stops.EVENT_STOP << 8 | signo
    yield from stops.ptrace_stop(task, status, 0, SigInfo(signo, status, task.tid), joins_group_stop=True)


def _restart(task: SimTask) -> None:
    registers = task.registers
    if signed(registers[ORIG_RAX]) == -1:
        return
    result = signed(registers[RAX])
    if result in _RESTARTS:
        registers[RAX] = registers[ORIG_RAX]
        registers[RIP] -= 2
    elif result == -ERESTART_RESTARTBLOCK:
        registers[RAX] = NR_RESTART_SYSCALL
        registers[RIP] -= 2


def _set_up_handler(task: SimTask, info: SigInfo, handler: Handler) -> Life:
    registers = task.registers
    if signed(registers[ORIG_RAX]) != -1:
        result = signed(registers[RAX])
        if result in _NEVER_WITH_HANDLER or (result == -ERESTARTSYS and not handler.restart):
            registers[RAX] = -EINTR & MASK
        elif result in _RESTARTS:
            registers[RAX] = registers[ORIG_RAX]
            registers[RIP] -= 2
    task.frames.append(Frame(registers.copy(), task.blocked, handler))
    task.blocked |= bit(info.signo)
    registers[RDI] = info.signo
    registers[RAX] = 0
    registers[RIP] = handler.address
    signals.recalc_sigpending(task)
    if task.single_step:
        task.single_step = False
        yield from stops.notify(task, SIGTRAP)
