"""Why the kernel does not let us trace a task.

The kernel only says EPERM.  The causes are looked at in the order in which it would meet them, and
the first found is named with its cure.

Reference: ptrace(2) "Ptrace access mode checking"; Linux 6.18 kernel/ptrace.c:ptrace_attach(),
__ptrace_may_access(); Documentation/admin-guide/LSM/Yama.rst.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from utrace.errors import NotPermitted
from utrace.kernel.procfs import PROC, TaskStatus, read_file, read_status

if TYPE_CHECKING:
    from collections.abc import Callable

CAP_SYS_PTRACE: Final = 19
YAMA: Final = f"{PROC}/sys/kernel/yama/ptrace_scope"


def explain_refusal(pid: int) -> str:
    """Name, in one line, what stands in the way of tracing `pid` and how to remove it.

    A look at a moment: what is named may have changed since the refusal.
    """
    status = read_status(pid)
    if status is None:
        return f"no process or thread has the id {pid}"
    ours = read_status(os.getpid())
    caller = status if ours is None else ours
    causes = (cause(pid, status, caller) for cause in _CAUSES)
    why = next((found for found in causes if found is not None), _UNKNOWN)
    return f"{pid} ({status.name}): {why}"


def check_is_no_ancestor(pid: int) -> None:
    """Refuse to trace who waits for us: stopped, it would hang us, and we it.

    The kernel allows it; a callback that writes to a pipe or terminal which that process reads ends in
    a deadlock that only SIGKILL resolves.

    Raises:
        NotPermitted: `pid` is a process that this one descends from.
    """
    target = read_status(pid)
    above = read_status(os.getpid())
    while target is not None and above is not None and above.ppid:
        if above.ppid == target.tgid:
            message = f"{pid} ({target.name}): it is an ancestor of this process; trace it from elsewhere"
            raise NotPermitted(message)
        above = read_status(above.ppid)


def _dead(_pid: int, task: TaskStatus, _caller: TaskStatus) -> str | None:
    if task.state not in "ZX":
        return None
    return f"it is dead already; its parent {task.ppid} has not waited for it"


def _kernel_thread(_pid: int, task: TaskStatus, _caller: TaskStatus) -> str | None:
    return "it is a kernel thread; only programs can be traced" if task.is_kernel_thread else None


def _ourselves(_pid: int, task: TaskStatus, caller: TaskStatus) -> str | None:
    if task.tgid != caller.tgid:
        return None
    return "it is a thread of this very process; trace it from another process"


def _other_tracer(_pid: int, task: TaskStatus, _caller: TaskStatus) -> str | None:
    if task.tracer == 0:
        return None
    tracer = read_status(task.tracer)
    name = "" if tracer is None else f" ({tracer.name})"
    return f"it is already traced by {task.tracer}{name}; end that tracer first"


def _foreign_user(_pid: int, task: TaskStatus, caller: TaskStatus) -> str | None:
    uid, gid = caller.uids[0], caller.gids[0]
    if _is_capable(caller) or (set(task.uids) == {uid} and set(task.gids) == {gid}):
        return None
    return (
        f"it runs as uid {_ids(task.uids)} gid {_ids(task.gids)}, we as uid {uid} gid {gid}; "
        "trace as that user, or as root (CAP_SYS_PTRACE)"
    )


def _not_dumpable(pid: int, task: TaskStatus, caller: TaskStatus) -> str | None:
    if _is_capable(caller) or task.uids[1] == 0:
        return None
    try:
        # The files of a process that is not dumpable belong to root.
        owner = os.stat(f"{PROC}/{pid}/stat").st_uid
    except OSError:
        return None
    if owner == task.uids[1]:
        return None
    return "it is not dumpable (it changed its user, or asked for that); trace as root (CAP_SYS_PTRACE)"


def _more_capable(_pid: int, task: TaskStatus, caller: TaskStatus) -> str | None:
    if _is_capable(caller) or not task.capabilities & ~caller.capabilities:
        return None
    return "it has capabilities that we lack; trace as root (CAP_SYS_PTRACE)"


def _yama(pid: int, _task: TaskStatus, caller: TaskStatus) -> str | None:
    scope = yama_scope()
    if scope == 1 and not _is_capable(caller):
        return (
            f"{YAMA} is 1: only descendants may be traced; launch the program under utrace, let it call "
            f"prctl(PR_SET_PTRACER, {os.getpid()}), trace as root, or set that file to 0"
        )
    if scope == 2 and not _is_capable(caller):
        return f"{YAMA} is 2: only root (CAP_SYS_PTRACE) may attach; trace as root, or launch the program"
    if scope == 3:
        return f"{YAMA} is 3: nothing may be attached to until the next boot; launch {pid} under utrace"
    return None


def yama_scope() -> int:
    """Read Yama's setting; 0, which lets everything pass, where the kernel is without it."""
    try:
        return int(read_file(YAMA) or b"")
    except (OSError, ValueError):
        return 0


def _is_capable(caller: TaskStatus) -> bool:
    return bool(caller.capabilities >> CAP_SYS_PTRACE & 1)


def _ids(ids: tuple[int, int, int]) -> str:
    return "/".join(str(one) for one in dict.fromkeys(ids))


_CAUSES: Final[tuple[Callable[[int, TaskStatus, TaskStatus], str | None], ...]] = (
    _dead,
    _kernel_thread,
    _ourselves,
    _other_tracer,
    _foreign_user,
    _not_dumpable,
    _more_capable,
    _yama,
)

_UNKNOWN: Final = (
    "nothing in /proc stands in the way; a security module, a container's seccomp policy or another "
    "user namespace may: run outside of it, or give it CAP_SYS_PTRACE"
)
