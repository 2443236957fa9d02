"""execve, also by a thread that is not the leader.

Reference: fs/exec.c:begin_new_exec(), de_thread(), exec_binprm() (6.18).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.testing.sim import deaths, signals, stops
from utrace.testing.sim.births import finish_vfork
from utrace.testing.sim.image import ENTRY
from utrace.testing.sim.registers import ORIG_RAX, RAX, RIP, new_registers
from utrace.testing.sim.tasks import ExitState, SimTask, TaskState

if TYPE_CHECKING:
    from collections.abc import Generator

EAGAIN = 11
ENOENT = 2


def execute(task: SimTask, program: str) -> Generator[None, None, int]:
    """Become another program; give 0, or a negative errno with nothing or the threads lost."""
    image = task.machine.images.get(program)
    if image is None:
        task.launch_error = ENOENT
        return -ENOENT
    former = task.tid
    if not (yield from _shed_threads(task)):
        return -EAGAIN
    process = task.process
    finish_vfork(task)
    process.memory = image.memory()
    process.handlers = {}
    process.threads_made = []
    number, result = task.registers[ORIG_RAX], task.registers[RAX]
    task.registers = new_registers()
    task.registers[ORIG_RAX], task.registers[RAX], task.registers[RIP] = number, result, ENTRY
    task.frames = []
    task.image_next = image.code
    yield from stops.event(task, stops.EVENT_EXEC, former)
    return 0


def _shed_threads(task: SimTask) -> Generator[None, None, bool]:
    """Kill the other threads and wait until they are gone; become the leader (de_thread)."""
    process = task.process
    if process.is_empty:
        return True
    if process.group_exit or process.exec_task is not None:
        return False
    process.exec_task = task
    process.notify_count = signals.kill_threads(process, spared=task)
    if not task.is_leader:
        process.notify_count -= 1
    while process.notify_count > 0:
        yield from _sleep(task)
        if task.killed:
            return _give_up(task)
    if not task.is_leader:
        process.notify_count = -1
        while process.leader is not None and process.leader.exit_state is ExitState.ALIVE:
            yield from _sleep(task)
            if task.killed:
                return _give_up(task)
        _take_leadership(task)
    process.exec_task = None
    process.notify_count = 0
    return True


def _sleep(task: SimTask) -> Generator[None, None, None]:
    task.state = TaskState.KILLABLE
    yield
    task.acted = False


def _give_up(task: SimTask) -> bool:
    task.process.exec_task = None
    task.process.notify_count = 0
    return False


def _take_leadership(task: SimTask) -> None:
    process = task.process
    leader = process.leader
    process.leader = task
    if leader is not None:
        deaths.release(leader)
    task.machine.retid_task(task, process.tgid)
