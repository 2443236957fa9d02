"""fork, vfork and clone: the making of tasks and the events that tell of it.

Reference: kernel/fork.c:kernel_clone(), copy_process(); include/linux/ptrace.h:ptrace_init_task();
kernel/signal.c:task_join_group_stop() (6.18).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.testing.guest import Fork, Thread, VFork
from utrace.testing.sim import signals, stops
from utrace.testing.sim.delivery import EINTR, ERESTARTNOINTR
from utrace.testing.sim.registers import MASK, ORIG_RAX, RAX
from utrace.testing.sim.tasks import (
    STOP_CONSUME,
    STOP_PENDING,
    STOP_SIGMASK,
    TRAP_STOP,
    SimProcess,
    SimTask,
    TaskState,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from utrace.testing.sim.image import Code

_EVENTS = {Fork: stops.EVENT_FORK, VFork: stops.EVENT_VFORK, Thread: stops.EVENT_CLONE}


def clone(task: SimTask, code: Code) -> Generator[None, None, int]:
    """Make a child that runs the step's body; give its tid or a negative errno."""
    if task.sigpending and signals.recalc_sigpending(task):
        return -ERESTARTNOINTR
    if task.killed:
        return -EINTR
    kind = type(code.step)
    number = _EVENTS[kind]
    traced = task.traced
    child = _copy(task, code.body, is_thread=kind is Thread)
    if kind is VFork:
        child.vfork_parent = task
        child.process.memory = task.process.memory
    yield  # RACE: the child may run, and a SIGKILL may hide the event, before the parent goes on
    tid = child.tid
    if traced:
        yield from stops.event(task, number, tid)
    if kind is VFork and (yield from _wait_for_vfork(task, child)):
        yield from stops.event(task, stops.EVENT_VFORK_DONE, tid)
    return tid


def finish_vfork(task: SimTask) -> None:
    """Let the parent of a vfork go on: the child has left its memory (complete_vfork_done)."""
    parent = task.vfork_parent
    task.vfork_parent = None
    if parent is not None:
        task.machine.touched.add(parent.process.key)
        if parent.state is TaskState.KILLABLE:
            parent.wake()


def _wait_for_vfork(task: SimTask, child: SimTask) -> Generator[None, None, bool]:
    while child.vfork_parent is task:
        if task.killed:
            child.vfork_parent = None
            return False
        task.state = TaskState.KILLABLE
        yield
        task.acted = False
    return True


def _copy(task: SimTask, body: list[Code], *, is_thread: bool) -> SimTask:
    machine = task.machine
    machine.touched.add("tids")
    tid = machine.new_tid()
    process = task.process if is_thread else _copy_process(task, tid)
    child = SimTask(machine, tid, process, body)
    child.registers = task.registers.copy()
    child.registers[RAX] = 0
    child.registers[ORIG_RAX] = MASK
    child.blocked = task.blocked
    if is_thread:
        process.threads_made.append(tid)
        _join_group_stop(task, child)
    else:
        task.process.children_made.append(tid)
        process.leader = child
    if task.traced:
        child.traced = True
        child.exit_kill = task.exit_kill
        child.set_jobctl(TRAP_STOP)
    signals.recalc_sigpending(child)
    machine.add_task(child)
    machine.births.append((task.tid, tid, child.traced))
    return child


def _copy_process(task: SimTask, tid: int) -> SimProcess:
    parent = task.process
    process = SimProcess(task.machine, tid, parent)
    process.maker = task
    process.ignored = parent.ignored
    process.handlers = parent.handlers.copy()
    process.memory = parent.memory.copy()
    return process


def _join_group_stop(task: SimTask, child: SimTask) -> None:
    process = task.process
    mask = task.jobctl & STOP_SIGMASK
    if process.group_stop_count:
        process.group_stop_count += 1
        mask |= STOP_CONSUME
    elif not process.stop_stopped:
        return
    child.set_jobctl(mask | STOP_PENDING)
