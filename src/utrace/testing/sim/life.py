"""The course of a task: user mode, system calls, signal handlers, the end.

Reference: kernel/entry/common.c:syscall_trace_enter(), syscall_exit_work(),
exit_to_user_mode_loop(); arch/x86/kernel/step.c (6.18).
"""

from __future__ import annotations

from typing import Final

from utrace.testing import guest
from utrace.testing.sim import calls, deaths, signals, stops
from utrace.testing.sim.delivery import NR_RESTART_SYSCALL, deliver_signals
from utrace.testing.sim.image import END, SIGRETURN, Code
from utrace.testing.sim.registers import ARGUMENTS, MASK, ORIG_RAX, RAX, RIP, signed
from utrace.testing.sim.siginfo import SIGTRAP, TRAP_BRKPT, TRAP_TRACE, SigInfo
from utrace.testing.sim.tasks import Life, NewImage, SimTask, TaskExit

_ENOSYS: Final = 38
_END: Final = [Code(guest.ExitGroup(0), END, 231, (0,), [])]
_END_THREAD: Final = [Code(guest.Exit(0), END, 60, (0,), [])]


def live(task: SimTask) -> Life:
    """Run a task from its first trap, if any, to its end."""
    try:
        yield from _return_to_user(task)
        while True:
            try:
                yield from _run(task, task.code)
                yield from _run(task, _END if task.is_leader else _END_THREAD)
            except NewImage:
                continue
    except TaskExit as end:
        task.exit_code = deaths.group_exit(task, end.code) if end.group else end.code
        task.acted = True
    yield from deaths.end_task(task)


def _run(task: SimTask, body: list[Code]) -> Life:
    for code in body:
        step = code.step
        if isinstance(step, guest.User):
            for index in range(step.count):
                yield from _instruction(task, code.address + index)
        elif isinstance(step, guest.Loop):
            for _ in range(step.count):
                yield from _run(task, code.body)
        elif isinstance(step, guest.Store):
            yield from _instruction(task, code.address, step)
        else:
            if task.acted:
                yield
                task.acted = False
            yield from _handle_pending(task)
            yield from _system_call(task, code, calls.CALLS[type(step)])


def _instruction(task: SimTask, address: int, store: guest.Store | None = None) -> Life:
    task.registers[RIP] = address
    if task.acted:
        yield
        task.acted = False
    yield from _handle_pending(task)
    task.acted = True
    task.user_steps += 1
    task.registers[RIP] = address + 1
    if store is not None:
        task.process.memory.map(store.address, len(store.data))
        task.process.memory.write(store.address, store.data)
    if task.single_step:
        task.registers[ORIG_RAX] = MASK
        signals.force_signal(SigInfo(SIGTRAP, TRAP_TRACE, address=address + 1), task)
        yield from _return_to_user(task)


def _handle_pending(task: SimTask) -> Life:
    """Enter the kernel for whatever came up while in user mode."""
    if task.sigpending:
        task.registers[ORIG_RAX] = MASK
        yield from _return_to_user(task)


def _system_call(task: SimTask, code: Code, call: calls.Call) -> Life:
    number = code.number if call.number < 0 else call.number
    registers = task.registers
    registers[RIP] = code.address
    registers[RAX] = number & MASK
    for index, arg in zip(ARGUMENTS, call.args(task, code), strict=False):
        registers[index] = arg & MASK
    start = code.address
    while registers[RIP] == start:
        task.user_steps += 1
        registers[RIP] = start + 2
        registers[ORIG_RAX] = registers[RAX]
        registers[RAX] = -_ENOSYS & MASK
        if not task.syscall_trace or (yield from stops.report_syscall(task, stops.ENTRY_MESSAGE)):
            yield from _dispatch(task, code, number, call)
            registers = task.registers
        task.acted = True
        if task.single_step:
            signals.force_signal(SigInfo(SIGTRAP, TRAP_BRKPT, address=registers[RIP]), task)
        elif task.syscall_trace:
            yield from stops.report_syscall(task, stops.EXIT_MESSAGE)
        yield from _return_to_user(task)
        registers = task.registers
    if task.image_next is not None:
        task.code, task.image_next = task.image_next, None
        raise NewImage


def _dispatch(task: SimTask, code: Code, number: int, call: calls.Call) -> Life:
    wanted = signed(task.registers[ORIG_RAX])
    result: int | None = None
    if wanted not in {number, NR_RESTART_SYSCALL}:
        result = calls.other_call(task, wanted)
    elif call.course is not None:
        result = yield from call.course(task, code)
    elif call.effect is not None:
        result = call.effect(task, code)
    if result is not None:
        task.registers[RAX] = result & MASK
    if call.effect is not None and call is not _SIGRETURN:
        yield  # RACE: another thread may take the signal that this call sent or unblocked


def _return_to_user(task: SimTask) -> Life:
    """Do all that is pending, then run the handlers that were set up, the last one first."""
    depth = len(task.frames)
    while task.sigpending:
        yield from deliver_signals(task)
    while len(task.frames) > depth:
        handler = task.frames[-1].handler
        task.acted = True
        yield from _run(task, handler.body)
        yield from _system_call(task, _TRAMPOLINE, _SIGRETURN)


def _sigreturn(task: SimTask, _code: Code) -> int | None:
    frame = task.frames.pop()
    task.registers = frame.registers
    task.registers[ORIG_RAX] = MASK
    task.blocked = frame.blocked
    signals.recalc_sigpending(task)
    return None


_TRAMPOLINE: Final = Code(guest.User(0), SIGRETURN, 15, (), [])
_SIGRETURN: Final = calls.Call(15, lambda _task, _code: (), _sigreturn)
