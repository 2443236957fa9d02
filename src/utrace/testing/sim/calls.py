"""The system calls of guest steps: number, arguments, effect.

Reference: the calls' manual pages; kernel/exit.c:do_wait(); kernel/signal.c:do_sigaction() (6.18).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from utrace.testing import guest
from utrace.testing.sim import births, deaths, execve, signals
from utrace.testing.sim.delivery import (
    EINTR,
    ERESTART_RESTARTBLOCK,
    ERESTARTNOHAND,
    ERESTARTSYS,
)
from utrace.testing.sim.image import HANDLER, Code
from utrace.testing.sim.registers import RDI, RDX, RSI
from utrace.testing.sim.siginfo import (
    SI_TKILL,
    SI_USER,
    SIGCHLD,
    UNBLOCKABLE,
    SigInfo,
    bit,
)
from utrace.testing.sim.tasks import Handler, Life, SimTask, TaskExit, TaskState

Course: TypeAlias = Generator[None, None, int]

_ECHILD: Final = 10
_NOBODY: Final = 0x3FFF_FFFF
_ESRCH: Final = 3
_ENOSYS: Final = 38
_FORK_FLAGS: Final = SIGCHLD
_VFORK_FLAGS: Final = 0x4100 | SIGCHLD
_THREAD_FLAGS: Final = 0x50F00

_INTERRUPTED: Final = {
    guest.Restart.RESTARTS: -ERESTARTSYS,
    guest.Restart.RESTART_BLOCK: -ERESTART_RESTARTBLOCK,
    guest.Restart.EINTR: -EINTR,
}


@dataclass(frozen=True, slots=True)
class Call:
    """How a kind of step is made as a system call.

    Exactly one of `effect`, for calls that happen at once, and `course` is given.  They take what the
    tracer may have changed from the registers, and the rest from the step.
    """

    number: int
    """-1: the step's own."""
    args: Callable[[SimTask, Code], tuple[int, ...]]
    effect: Callable[[SimTask, Code], int | None] | None = None
    course: Callable[[SimTask, Code], Course] | None = None


def other_call(task: SimTask, number: int) -> int | None:
    """Make a call that the tracer has put in the place of the program's; None: none at all."""
    if number == -1:
        return None
    natural = _NATURAL.get(number)
    return -_ENOSYS if natural is None else natural(task)


_NATURAL: Final[Mapping[int, Callable[[SimTask], int]]] = {
    guest.SYSCALL_NUMBERS["getpid"]: lambda task: task.process.tgid,
    guest.SYSCALL_NUMBERS["gettid"]: lambda task: task.tid,
    guest.SYSCALL_NUMBERS["getppid"]: lambda task: task.process.parent.tgid,
    guest.SYSCALL_NUMBERS["getuid"]: lambda _task: 0,
    guest.SYSCALL_NUMBERS["sched_yield"]: lambda _task: 0,
}


def _plain(task: SimTask, code: Code) -> Course:
    step = code.step
    if not isinstance(step, guest.Syscall):
        return -_ENOSYS
    if step.blocking is not None:
        yield from _sleep_until_signal(task)
        return _INTERRUPTED[step.blocking]
    if step.result is not None:
        return step.result
    natural = _NATURAL.get(code.number)
    return 0 if natural is None else natural(task)


def _pause(task: SimTask, _code: Code) -> Course:
    yield from _sleep_until_signal(task)
    return -ERESTARTNOHAND


def _sleep_until_signal(task: SimTask) -> Life:
    while not task.sigpending:
        task.state = TaskState.SLEEPING
        yield
        task.acted = False


def _wait(task: SimTask, _code: Code) -> Course:
    process = task.process
    while True:
        children = [
            child
            for child in task.machine.tasks.values()
            if child.is_leader and child.process.parent is process
        ]
        for child in children:
            if deaths.is_waitable(child) and not child.traced:
                deaths.release(child)
                return child.process.tgid
        if not children:
            return -_ECHILD
        if task.sigpending:
            return -ERESTARTSYS
        task.waits_for_children = True
        task.state = TaskState.SLEEPING
        yield
        task.acted = False
        task.waits_for_children = False


def _execute(task: SimTask, code: Code) -> Course:
    step = code.step
    return (yield from execve.execute(task, step.program if isinstance(step, guest.Exec) else ""))


def _exit(task: SimTask, code: Code) -> Course:
    status = (task.registers[RDI] & 0xFF) << 8
    yield  # RACE: a sibling's exit_group that arrives here hides the exit event
    raise TaskExit(status, group=isinstance(code.step, guest.ExitGroup))


def _kill(task: SimTask, _code: Code) -> int | None:
    registers = task.registers
    return _send(task, registers[RDI], registers[RSI], SI_USER)


def _tgkill(task: SimTask, _code: Code) -> int | None:
    registers = task.registers
    return _send(task, registers[RSI], registers[RDX], SI_TKILL)


def _send(task: SimTask, tid: int, signo: int, code: int) -> int:
    target = task.machine.tasks.get(tid)
    if target is None:
        return -_ESRCH
    if signo:
        signals.send_signal(SigInfo(signo, code, task.process.tgid), target, group=code == SI_USER)
    return 0


def resolve(task: SimTask, target: str) -> int:
    """Give the tid that a step's target names; `_NOBODY` if there is none."""
    process = task.process
    match target:
        case "self":
            return task.tid
        case "leader":
            return process.tgid
        case "parent":
            return process.parent.tgid
        case _:
            pass
    made = process.threads_made if target.startswith("thread") else process.children_made
    index = int(target.removeprefix("thread").removeprefix("child")) - 1
    return made[index] if 0 <= index < len(made) else _NOBODY


def _set_disposition(task: SimTask, code: Code) -> int | None:
    process = task.process
    step = code.step
    if isinstance(step, guest.Handle | guest.Ignore | guest.Default):
        mask = bit(step.signo)
        process.handlers.pop(step.signo, None)
        process.ignored &= ~mask
        if isinstance(step, guest.Handle):
            process.handlers[step.signo] = Handler(code.address + HANDLER, code.body, step.restart)
        elif isinstance(step, guest.Ignore):
            process.ignored |= mask
        if signals.is_ignored(task, step.signo):
            signals.flush(process, mask)
    return 0


def _set_mask(task: SimTask, code: Code) -> int | None:
    step = code.step
    if isinstance(step, guest.Block):
        task.blocked |= bit(step.signo) & ~UNBLOCKABLE
    elif isinstance(step, guest.Unblock):
        task.blocked &= ~bit(step.signo)
    if not signals.recalc_sigpending(task):
        task.sigpending = False
    return 0


def _own_args(_task: SimTask, code: Code) -> tuple[int, ...]:
    return code.args


def _exit_code(_task: SimTask, code: Code) -> tuple[int, ...]:
    return (getattr(code.step, "code", 0),)


def _signo(_task: SimTask, code: Code) -> tuple[int, ...]:
    return (getattr(code.step, "signo", 0),)


def _kill_args(task: SimTask, code: Code) -> tuple[int, ...]:
    step = code.step
    return (resolve(task, step.target), step.signo) if isinstance(step, guest.Kill) else ()


def _tgkill_args(task: SimTask, code: Code) -> tuple[int, ...]:
    step = code.step
    if not isinstance(step, guest.Tgkill):
        return ()
    return (task.process.tgid, resolve(task, step.target), step.signo)


def _with(*args: int) -> Callable[[SimTask, Code], tuple[int, ...]]:
    return lambda _task, _code: args


_SET_DISPOSITION: Final = Call(13, _signo, _set_disposition)

CALLS: Final[Mapping[type[guest.Step], Call]] = {
    guest.Syscall: Call(-1, _own_args, course=_plain),
    guest.Fork: Call(56, _with(_FORK_FLAGS), course=births.clone),
    guest.VFork: Call(56, _with(_VFORK_FLAGS), course=births.clone),
    guest.Thread: Call(56, _with(_THREAD_FLAGS), course=births.clone),
    guest.Exec: Call(59, _own_args, course=_execute),
    guest.Exit: Call(60, _exit_code, course=_exit),
    guest.ExitGroup: Call(231, _exit_code, course=_exit),
    guest.Kill: Call(62, _kill_args, _kill),
    guest.Tgkill: Call(234, _tgkill_args, _tgkill),
    guest.Handle: _SET_DISPOSITION,
    guest.Ignore: _SET_DISPOSITION,
    guest.Default: _SET_DISPOSITION,
    guest.Block: Call(14, _with(0), _set_mask),
    guest.Unblock: Call(14, _with(1), _set_mask),
    guest.Wait: Call(61, _with(-1, 0, 0, 0), course=_wait),
    guest.Pause: Call(34, _with(), course=_pause),
}
