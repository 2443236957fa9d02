"""wait4(2) and waitid(2) of a tracer: its own children, which the kernel tells of, and its tracees.

Rules of this file:

1. A wait that an emulated stop or death answers never reaches the kernel.
2. A wait that must block really blocks in the kernel, so that signals and the tracer's own children end
   it as ever: in the call itself if the tracer has children, else in pause(2), whose end is turned into
   what the wait would have returned.
3. What is found when a blocked wait ends is decided anew then: another thread may have been quicker.

Reference: wait(2), wait4(2); Linux 6.18 kernel/exit.c:do_wait(), wait_task_stopped().
"""

from __future__ import annotations

import contextlib
import errno
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.errors import UtraceError
from utrace.kernel import procfs
from utrace.ptrace_emu.registry import CLD_DUMPED, CLD_EXITED, CLD_KILLED, CLD_TRAPPED, Ended, child_siginfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from utrace.engines.ptrace import PtraceEngine
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import Loop
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

WNOHANG: Final = 1
WSTOPPED: Final = 2
WEXITED: Final = 4
WNOWAIT: Final = 0x01000000
WNOTHREAD: Final = 0x20000000
WCLONE: Final = 0x80000000
UNUSUAL: Final = WSTOPPED | WCLONE
"""With these the kernel's answer about a tracee's own child is not what its tracer is to see."""
P_ALL, P_PID, P_PGID, P_PIDFD = range(4)
_RUSAGE: Final = 144


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait call, whichever of the two it is.

    Attributes:
        pid: >0 a tid; -1 any; other values are process groups, as in wait4.
        status_at: where wait4 stores the status, 0 for nowhere; `siginfo_at` for waitid.
        ends: whether ends are waited for.  A tracee's stops always are (wait_task_stopped()).
    """

    pid: int
    options: int
    status_at: int
    siginfo_at: int
    rusage_at: int
    ends: bool
    is_waitid: bool

    @property
    def may_block(self) -> bool:
        """Whether it waits for what has not happened."""
        return not self.options & WNOHANG

    def wants(self, tid: int) -> bool:
        """Tell whether it is about this task."""
        if self.pid > 0:
            return self.pid == tid
        if self.pid == -1:
            return True
        group = procfs.process_group(tid)
        return group is not None and group == abs(self.pid)


def parse(call: Syscall, caller: Task) -> Wait:
    """Read the arguments of wait4 or waitid."""
    first, second, third, fourth, fifth = call.raw[:5]
    if call.name == "waitid":
        kind, ident = first & 0xFFFFFFFF, second & 0xFFFFFFFF
        pid = {P_ALL: -1, P_PID: ident, P_PGID: -ident if ident else 0}.get(kind, -1)
        options = fourth & 0xFFFFFFFF
        ends, status_at, siginfo_at, rusage_at = bool(options & WEXITED), 0, third, fifth
    else:
        pid = (first & 0xFFFFFFFF) - (1 << 32 if first & 0x80000000 else 0)
        options = third & 0xFFFFFFFF
        # waitpid(2) of i386 has three arguments.
        ends, status_at, siginfo_at, rusage_at = True, second, 0, 0 if call.name == "waitpid" else fourth
    if pid == 0:
        pid = -(procfs.process_group(caller.tid) or 1)
    return Wait(pid, options, status_at, siginfo_at, rusage_at, ends, call.name == "waitid")


def _links(registry: Registry, caller: Task, wait: Wait) -> Iterator[PtraceEngine]:
    """Give the tracees that a wait is about."""
    own = wait.options & WNOTHREAD
    for link in registry.of_tracer(caller.pid):
        if wait.wants(link.tracee.tid) and not (own and link.tracer_tid != caller.tid):
            yield link


def find(registry: Registry, caller: Task, wait: Wait) -> PtraceEngine | Ended | None:
    """Find what answers a wait now: a tracee's end, or a stop that has not been told."""
    if wait.ends:
        for ended in registry.ended:
            if ended.tracer_pid == caller.pid and ended.ready and wait.wants(ended.pid):
                return ended
    for link in _links(registry, caller, wait):
        if link.stop is not None and not link.stop.waited:
            return link
    return None


def may_come(registry: Registry, caller: Task, wait: Wait) -> bool:
    """Tell whether something emulated may answer the wait later."""
    return any(True for _ in _links(registry, caller, wait)) or any(
        ended.tracer_pid == caller.pid and wait.wants(ended.pid) for ended in registry.ended
    )


def told_first(registry: Registry, caller: Task, wait: Wait, result: int) -> Ended | None:
    """Find whether what the kernel told is an end that another process, its tracer, is to be told of first.

    The kernel lets a real parent wait once the tracer has; but that was utrace's own wait.
    """
    if not registry.ended or wait.options & WNOWAIT:
        return None
    pid = result
    if wait.is_waitid and wait.siginfo_at:
        pid = int.from_bytes(caller.memory.read(wait.siginfo_at + 12, 4), "little")
    return next(
        (ended for ended in registry.ended if ended.pid == pid and ended.tracer_pid != caller.pid), None
    )


def is_hidden(registry: Registry, caller: Task, wait: Wait, pid: int) -> bool:
    """Tell whether what the kernel told is the group-stop of a tracee of the caller's own.

    Such stops are ptrace-stops to it, told by `find` (wait_task_stopped()).
    """
    if wait.is_waitid or not wait.status_at:
        return False
    status = caller.memory.read(wait.status_at, 4)
    return status[:1] == b"\x7f" and any(link.tracee.tid == pid for link in registry.of_tracer(caller.pid))


def tell(registry: Registry, caller: Task, wait: Wait, found: PtraceEngine | Ended) -> int:
    """Answer a wait: write what it asked for, take the event unless WNOWAIT; what the call returns."""
    if isinstance(found, Ended):
        tid, status = found.pid, found.status
    else:
        tid, status = found.tracee.tid, found.stop.status if found.stop is not None else 0
    try:
        if wait.status_at:
            caller.memory.write(wait.status_at, struct.pack("<i", status))
        if wait.siginfo_at:
            caller.memory.write(
                wait.siginfo_at, siginfo_of(tid, status, stopped=not isinstance(found, Ended))
            )
        if wait.rusage_at:
            caller.memory.write(wait.rusage_at, bytes(_RUSAGE))
        written = True
    except UtraceError:
        # What could not be written is told all the same (do_wait(), then put_user()).
        written = False
    if not wait.options & WNOWAIT:
        if isinstance(found, Ended):
            registry.told(found)
        elif found.stop is not None:
            found.stop.waited = True
    if not written:
        return -errno.EFAULT
    return 0 if wait.is_waitid else tid


def tell_nothing(caller: Task, wait: Wait) -> None:
    """Answer a waitid with WNOHANG that finds nothing: no signal, no pid (waitid(2))."""
    if wait.siginfo_at:
        with contextlib.suppress(UtraceError):
            caller.memory.write(wait.siginfo_at, bytes(28))


def siginfo_of(tid: int, status: int, *, stopped: bool) -> bytes:
    """Make what waitid tells of a status."""
    if stopped:
        code, value = CLD_TRAPPED, status >> 8 & 0xFF
        if status >> 16:
            value = status >> 8
    elif status & 0x7F:
        code, value = CLD_DUMPED if status & 0x80 else CLD_KILLED, status & 0x7F
    else:
        code, value = CLD_EXITED, status >> 8
    return child_siginfo(code, tid, procfs.real_uid(tid), value)


def real_children(loop: Loop, caller: Task) -> bool:
    """Tell whether the kernel's own wait has something to wait for."""
    return any(procfs.children(tid) for tid in loop.kernel.threads(caller.pid))
