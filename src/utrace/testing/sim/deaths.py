"""exit, exit_group, zombies, and who waits for them.

Reference: kernel/exit.c:do_exit(), do_group_exit(), synchronize_group_exit(), exit_notify(),
wait_task_zombie(), release_task(); kernel/signal.c:do_notify_parent(), exit_signals() (6.18).
"""

from __future__ import annotations

from utrace.testing.sim import signals, stops
from utrace.testing.sim.births import finish_vfork
from utrace.testing.sim.siginfo import (
    CLD_DUMPED,
    CLD_EXITED,
    CLD_KILLED,
    CLD_STOPPED,
    SIGCHLD,
    SigInfo,
    bit,
)
from utrace.testing.sim.tasks import (
    STOP_PENDING,
    TRAP_MASK,
    ExitState,
    Life,
    SimProcess,
    SimTask,
    TaskState,
)


def group_exit(task: SimTask, code: int) -> int:
    """Begin the end of the whole process, unless it has begun; give the code it ends with."""
    process = task.process
    if process.group_exit:
        return process.group_exit_code
    if process.exec_task is not None:
        return 0
    process.group_exit = True
    process.group_exit_code = code
    process.group_stop_count = 0
    signals.kill_threads(process, spared=task)
    return code


def end_task(task: SimTask) -> Life:
    """Bring one task to its end, with the code it has."""
    process = task.process
    code = task.exit_code
    process.quick_threads -= 1
    if process.quick_threads == 0 and not process.group_exit:
        process.group_exit = True
        process.group_exit_code = code
        process.group_stop_count = 0
    yield  # RACE: a SIGKILL that arrives here hides the exit event
    task.acted = False
    task.stood_at_exit = task.traced and not task.killed
    yield from stops.event(task, stops.EVENT_EXIT, code)
    _leave_group_stop(task)
    finish_vfork(task)
    process.live -= 1
    if process.live == 0:
        _orphan_children(process)
    _notify_exit(task)


def wait_status(task: SimTask) -> int:
    """Give the status that a wait for this zombie tells."""
    process = task.process
    return process.group_exit_code if process.group_exit else task.exit_code


def is_waitable(task: SimTask) -> bool:
    """Whether a wait by whoever may see the zombie would return it."""
    return task.exit_state is ExitState.ZOMBIE and not task.is_delayed_leader


def consume_by_tracer(task: SimTask) -> None:
    """Do what the tracer's wait for a zombie does: reap it, or hand it to its real parent."""
    if task.is_leader and task.traced and not task.is_own_child:
        untrace_zombie(task)
    else:
        release(task)


def untrace_zombie(task: SimTask) -> None:
    """Give an adopted process back to its real parent, dead."""
    task.traced = False
    if not task.is_delayed_leader and _notify_parent(task):
        release(task)


def release(task: SimTask) -> None:
    """Forget a dead task (release_task)."""
    process = task.process
    machine = task.machine
    machine.touched.add(process.key)
    task.exit_state = ExitState.RELEASED
    task.traced = False
    process.threads.remove(task)
    machine.remove_task(task)
    if process.notify_count > 0:
        process.notify_count -= 1
        if process.notify_count == 0 and process.exec_task is not None:
            process.exec_task.wake()
    leader = process.leader
    is_last = leader is not None and leader is not task and is_waitable(leader) and not leader.traced
    if leader is not None and is_last and _notify_parent(leader):
        release(leader)


def detach(task: SimTask) -> None:
    """Undo the tracing of a task, wherever it stands (__ptrace_unlink)."""
    process = task.process
    task.traced = False
    task.syscall_trace = False
    task.exit_kill = False
    task.clear_jobctl(TRAP_MASK)
    if not task.exiting and (process.stop_stopped or process.group_stop_count):
        task.jobctl |= STOP_PENDING
    if task.jobctl & STOP_PENDING or task.state is TaskState.TRACED:
        signals.wake_from_trap(task, resume=True)


def _leave_group_stop(task: SimTask) -> None:
    process = task.process
    task.exiting = True
    if process.group_exit or len(process.threads) <= 1:
        return
    if task.jobctl & STOP_PENDING and signals.participate_group_stop(task):
        signals.notify_parent_of_stop(process, CLD_STOPPED)


def _orphan_children(process: SimProcess) -> None:
    machine = process.machine
    for child in list(machine.tasks.values()):
        if child.is_leader and child.process.parent is process:
            machine.touched.add(child.process.key)
            child.process.parent = machine.init


def _notify_exit(task: SimTask) -> None:
    process = task.process
    task.state = TaskState.ENDED
    task.exit_state = ExitState.ZOMBIE
    if not task.traced and (not task.is_leader or (process.is_empty and _notify_parent(task))):
        release(task)
    if process.notify_count < 0 and process.exec_task is not None:
        process.exec_task.wake()


def _notify_parent(leader: SimTask) -> bool:
    """Tell the real parent of a process's death; True if it does not want to wait for it."""
    process = leader.process
    parent = process.parent
    process.machine.touched.add(parent.key)
    if not parent.is_guest:
        return False
    for task in parent.threads:
        if task.waits_for_children and task.state is TaskState.SLEEPING:
            task.wake()
    status = wait_status(leader)
    if status & 0x7F:
        info = SigInfo(SIGCHLD, CLD_DUMPED if status & 0x80 else CLD_KILLED, process.tgid, status & 0x7F)
    else:
        info = SigInfo(SIGCHLD, CLD_EXITED, process.tgid, status >> 8 & 0xFF)
    if parent.ignored & bit(SIGCHLD):
        return True
    signals.send_to_parent(info, process)
    return False
