"""Sending signals, and the bookkeeping of pending signals and group stops.

Everything here happens at once; what a task does about a signal is in `delivery`.

Reference: kernel/signal.c (6.18): prepare_signal(), complete_signal(), recalc_sigpending(),
task_participate_group_stop(), ptrace_trap_notify(), do_notify_parent_cldstop().
"""

from __future__ import annotations

from utrace.testing.sim.siginfo import (
    CLD_CONTINUED,
    CLD_STOPPED,
    IGNORED_BY_DEFAULT,
    SIGCHLD,
    SIGCONT,
    SIGKILL,
    STOP_SIGNALS,
    SYNCHRONOUS,
    UNBLOCKABLE,
    SigInfo,
    bit,
)
from utrace.testing.sim.tasks import (
    LISTENING,
    PENDING_MASK,
    STOP_CONSUME,
    STOP_DEQUEUED,
    STOP_PENDING,
    TRAP_NOTIFY,
    SimProcess,
    SimTask,
    TaskState,
)

_WOKEN_BY_KILL = frozenset({TaskState.SLEEPING, TaskState.KILLABLE, TaskState.STOPPED, TaskState.TRACED})
_CORE_DUMPING = sum(bit(signo) for signo in (3, 4, 5, 6, 7, 8, 11, 24, 25, 31))
_FIRST_QUEUED = 32
"""Signals below are pending at most once."""


def send_signal(info: SigInfo, task: SimTask, *, group: bool) -> None:
    """Send to a task, or to its process with the task as the first candidate."""
    process = task.process
    process.machine.touched.add(process.key)
    if not _prepare(process, task, info.signo):
        return
    if info.signo != SIGKILL:
        queue = process.pending if group else task.pending
        if info.signo < _FIRST_QUEUED and any(queued.signo == info.signo for queued in queue):
            return
        queue.append(info)
    _complete(process, task, info.signo, group=group)


def force_signal(info: SigInfo, task: SimTask) -> None:
    """Send a trap of the task's own making: it can be neither blocked nor ignored."""
    process = task.process
    mask = bit(info.signo)
    if task.blocked & mask or process.ignored & mask:
        task.blocked &= ~mask
        process.ignored &= ~mask
        process.handlers.pop(info.signo, None)
    if not process.group_exit:
        task.pending.append(info)
        task.sigpending = True


def recalc_sigpending(task: SimTask) -> bool:
    """Set `sigpending` if something is to be done before user mode; never clear it."""
    blocked = task.blocked
    if (
        task.jobctl & PENDING_MASK
        or task.killed
        or any(not blocked & bit(info.signo) for info in task.pending)
        or any(not blocked & bit(info.signo) for info in task.process.pending)
    ):
        task.sigpending = True
        return True
    return False


def dequeue_signal(task: SimTask) -> SigInfo | None:
    """Take the next signal that is not blocked: own traps, then the lowest number, own before shared."""
    info = _take(task.pending, task.blocked, prefer=SYNCHRONOUS) or _take(task.process.pending, task.blocked)
    if info is not None and STOP_SIGNALS & bit(info.signo):
        task.jobctl |= STOP_DEQUEUED
    if not recalc_sigpending(task):
        task.sigpending = False
    return info


def wake_for_signal(task: SimTask, *, fatal: bool = False) -> None:
    """signal_wake_up()."""
    task.sigpending = True
    if task.state is TaskState.SLEEPING or (fatal and task.state in _WOKEN_BY_KILL):
        task.wake()


def wake_from_trap(task: SimTask, *, resume: bool) -> None:
    """ptrace_signal_wake_up(): `resume` also ends a ptrace-stop."""
    task.sigpending = True
    if task.state is TaskState.SLEEPING or (resume and task.state is TaskState.TRACED):
        task.wake()


def notify_trap(task: SimTask) -> None:
    """Make a tracee trap once more, at once if it listens (ptrace_trap_notify)."""
    task.set_jobctl(TRAP_NOTIFY)
    wake_from_trap(task, resume=bool(task.jobctl & LISTENING))


def kill_threads(process: SimProcess, spared: SimTask | None = None) -> int:
    """Give every other thread a SIGKILL (zap_other_threads); tell how many there are."""
    others = 0
    for task in process.threads:
        if task is spared:
            continue
        others += 1
        task.clear_jobctl(PENDING_MASK)
        if not task.is_zombie:
            task.killed = True
            wake_for_signal(task, fatal=True)
    return others


def participate_group_stop(task: SimTask) -> bool:
    """Count the task as stopped; True if it completes a fresh group stop."""
    process = task.process
    consume = task.jobctl & STOP_CONSUME
    task.clear_jobctl(STOP_PENDING)
    if not consume:
        return False
    process.group_stop_count = max(0, process.group_stop_count - 1)
    if process.group_stop_count == 0 and not process.stop_stopped:
        process.stop_stopped = True
        process.cld_pending = 0
        return True
    return False


def notify_parent_of_stop(process: SimProcess, why: int) -> None:
    """Send the real parent's SIGCHLD for a job-control stop or continuation."""
    status = SIGCONT if why == CLD_CONTINUED else process.group_exit_code & 0x7F
    parent = process.parent
    if parent.is_guest and not parent.ignored & bit(SIGCHLD):
        send_to_parent(SigInfo(SIGCHLD, why, process.tgid, status), process)


def send_to_parent(info: SigInfo, process: SimProcess) -> None:
    """Send to the real parent, first to the thread that made this process."""
    parent = process.parent
    maker = process.maker
    if maker is None or maker.process is not parent or maker.exiting:
        alive = [task for task in parent.threads if not task.exiting]
        if not alive:
            return
        maker = alive[0]
    send_signal(info, maker, group=True)


def is_ignored(task: SimTask, signo: int) -> bool:
    """Whether the disposition, set or default, is to do nothing."""
    process = task.process
    mask = bit(signo)
    return bool(process.ignored & mask) or (signo not in process.handlers and bool(IGNORED_BY_DEFAULT & mask))


def _prepare(process: SimProcess, task: SimTask, signo: int) -> bool:
    if process.group_exit:
        return False
    mask = bit(signo)
    if STOP_SIGNALS & mask:
        flush(process, bit(SIGCONT))
    elif signo == SIGCONT:
        _continue(process)
    if task.blocked & mask or (task.traced and signo != SIGKILL):
        return True
    return not is_ignored(task, signo)


def _continue(process: SimProcess) -> None:
    flush(process, STOP_SIGNALS)
    for task in process.threads:
        task.clear_jobctl(STOP_PENDING)
        if task.traced:
            notify_trap(task)
        elif task.state is TaskState.STOPPED:
            task.wake()
    why = 0
    if process.stop_stopped:
        why = CLD_CONTINUED
    elif process.group_stop_count:
        why = CLD_STOPPED
    if why:
        process.cld_pending = why
        process.stop_stopped = False
        process.group_stop_count = 0


def flush(process: SimProcess, mask: int) -> None:
    """Forget pending signals of these kinds."""
    for queue in (process.pending, *(task.pending for task in process.threads)):
        if queue:
            queue[:] = [info for info in queue if not mask & bit(info.signo)]


def _complete(process: SimProcess, task: SimTask, signo: int, *, group: bool) -> None:
    target = task
    if not _wants(task, signo):
        if not group:
            return
        willing = [other for other in process.threads if _wants(other, signo)]
        if not willing:
            return
        target = willing[0]
    if _is_fatal_at_once(process, task, target, signo):
        process.group_exit = True
        process.group_exit_code = signo
        process.group_stop_count = 0
        kill_threads(process)
        return
    wake_for_signal(target, fatal=signo == SIGKILL)


def _is_fatal_at_once(process: SimProcess, task: SimTask, target: SimTask, signo: int) -> bool:
    mask = bit(signo)
    if signo == SIGKILL:
        return True
    return not (
        task.traced
        or mask & (STOP_SIGNALS | IGNORED_BY_DEFAULT | _CORE_DUMPING)
        or signo in process.handlers
        or process.ignored & mask
        or target.blocked & mask
    )


def _wants(task: SimTask, signo: int) -> bool:
    if task.exiting or task.is_zombie or task.blocked & bit(signo) & ~UNBLOCKABLE:
        return False
    if signo == SIGKILL:
        return True
    if task.state in {TaskState.STOPPED, TaskState.TRACED}:
        return False
    return task.process.machine.running is task or not task.sigpending


def _take(queue: list[SigInfo], blocked: int, prefer: int = 0) -> SigInfo | None:
    ready = [info for info in queue if not blocked & bit(info.signo)]
    if not ready:
        return None
    synchronous = [info for info in ready if prefer & bit(info.signo) and info.code > 0]
    chosen = min(synchronous or ready, key=lambda info: info.signo)
    queue.remove(chosen)
    return chosen


def stop_signal_info(task: SimTask, signo: int) -> SigInfo:
    """Make the siginfo of a signal that a tracee's tracer has put in the place of another."""
    return SigInfo(signo, pid=task.machine.tracer.tgid)
