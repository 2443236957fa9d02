"""Ptrace-stops: how a task enters and leaves one, and the fact that a stop's status is told as.

Reference: kernel/signal.c:ptrace_stop(), ptrace_do_notify(); include/linux/ptrace.h:
ptrace_report_syscall(), ptrace_event() (6.18).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.kernel.api import Fact, FactKind
from utrace.testing.sim import signals
from utrace.testing.sim.registers import ARGUMENTS, ORIG_RAX, RAX, RIP, RSP, signed
from utrace.testing.sim.siginfo import CLD_STOPPED, SIGTRAP, SigInfo
from utrace.testing.sim.tasks import (
    LISTENING,
    STOP_PENDING,
    TRAP_NOTIFY,
    TRAP_STOP,
    SimTask,
    TaskState,
)

if TYPE_CHECKING:
    from collections.abc import Generator

AUDIT_ARCH_X86_64: Final = 0xC000_003E
SYSCALL_STOP: Final = SIGTRAP | 0x80
ENTRY_MESSAGE: Final = 1
EXIT_MESSAGE: Final = 2
EVENT_FORK: Final = 1
EVENT_VFORK: Final = 2
EVENT_CLONE: Final = 3
EVENT_EXEC: Final = 4
EVENT_VFORK_DONE: Final = 5
EVENT_EXIT: Final = 6
EVENT_STOP: Final = 128

_EVENT_FACTS: Final = {
    EVENT_FORK: FactKind.FORK,
    EVENT_VFORK: FactKind.VFORK,
    EVENT_CLONE: FactKind.CLONE,
    EVENT_EXEC: FactKind.EXEC,
    EVENT_VFORK_DONE: FactKind.VFORK_DONE,
    EVENT_EXIT: FactKind.EXIT,
}
_ERRNO_MAX: Final = 4095


def ptrace_stop(
    task: SimTask, status: int, message: int, info: SigInfo, *, joins_group_stop: bool = False
) -> Generator[None, None, int]:
    """Stand in a ptrace-stop until resumed or killed; give the signal it was resumed with.

    A task that is killed already does not stop at all: that is how events get lost.
    """
    if not task.traced or task.killed:
        return 0
    task.state = TaskState.TRACED
    task.message = message
    task.stop_info = info
    task.stop_code = task.stop_kind = status
    completes = joins_group_stop and bool(task.jobctl & STOP_PENDING) and signals.participate_group_stop(task)
    task.clear_jobctl(TRAP_STOP)
    if status >> 8 == EVENT_STOP:
        task.clear_jobctl(TRAP_NOTIFY)
    if completes and not task.is_own_child:
        signals.notify_parent_of_stop(task.process, CLD_STOPPED)
    yield
    task.acted = False
    signo = task.stop_code
    task.message = task.stop_code = task.stop_kind = 0
    task.jobctl &= ~LISTENING
    signals.recalc_sigpending(task)
    return signo


def notify(task: SimTask, status: int, message: int = 0) -> Generator[None, None, int]:
    """Stop with a status of the kernel's making (ptrace_notify)."""
    return ptrace_stop(task, status, message, SigInfo(SIGTRAP, status, task.tid))


def event(task: SimTask, number: int, message: int) -> Generator[None, None, int]:
    """Stop with a ptrace event; every option is set on every tracee."""
    return notify(task, number << 8 | SIGTRAP, message)


def report_syscall(task: SimTask, message: int) -> Generator[None, None, bool]:
    """Make a syscall-stop; False if the task was killed there.  A resuming signal is sent to it."""
    signo = yield from notify(task, SYSCALL_STOP, message)
    if signo and not task.killed:
        signals.send_signal(signals.stop_signal_info(task, signo), task, group=False)
    return not task.killed


def is_waiting(task: SimTask) -> bool:
    """Whether the tracer's wait would return a stop of this task now."""
    return task.state is TaskState.TRACED and task.stop_code != 0 and not task.jobctl & LISTENING


def stop_fact(task: SimTask) -> Fact:
    """Tell the stop as a fact."""
    status = task.stop_kind
    number = status >> 8
    if number == EVENT_STOP:
        signo = status & 0xFF
        if signo == SIGTRAP:
            return (task.tid, FactKind.TRAP, 0, None)
        return (task.tid, FactKind.GROUP_STOP, signo, None)
    if number:
        return (task.tid, _EVENT_FACTS[number], task.message, None)
    if status == SYSCALL_STOP:
        return _syscall_fact(task)
    info = task.stop_info
    return (task.tid, FactKind.SIGNAL, status, b"" if info is None else info.encode())


def _syscall_fact(task: SimTask) -> Fact:
    registers = task.registers
    place = (AUDIT_ARCH_X86_64, registers[RIP], registers[RSP])
    if task.message == ENTRY_MESSAGE:
        args = tuple(registers[index] for index in ARGUMENTS)
        return (task.tid, FactKind.SYSCALL_ENTRY, signed(registers[ORIG_RAX]), place + args)
    result = signed(registers[RAX])
    return (task.tid, FactKind.SYSCALL_EXIT, result, (*place, -_ERRNO_MAX <= result < 0))
