"""pread and pwrite of a tracer on /proc/PID/mem, and the SIGSTOPs it sends to its tracees' threads.

Rules of this file:

1. A call that concerns no breakpoint, and no tracee, is left to the kernel.
2. Only the calls of processes that attached without PTRACE_SEIZE, as debuggers do, are looked at: others
   plant no breakpoints.

Reference: proc_pid_mem(5), tgkill(2).
"""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING, Final

from utrace.errors import UtraceError
from utrace.kernel import procfs
from utrace.ptrace_emu.breakpoints import INT3

if TYPE_CHECKING:
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import Loop
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

CALLS: Final = frozenset({"pread64", "pwrite64", "tkill", "tgkill"})
_AT_ONCE: Final = 1 << 20
_X86_64: Final = 0xC000003E
_SIGSTOP: Final = 19
_SI_TKILL: Final = -6
_INT_MASK: Final = (1 << 32) - 1


def answer(registry: Registry, loop: Loop, tracer: Task, call: Syscall) -> int | None:
    """Answer one of `CALLS`; None: let the kernel."""
    if call.name in {"tkill", "tgkill"}:
        return _stop_thread(registry, loop, tracer, call)
    return _transfer(registry, loop, tracer, call)


def _stop_thread(registry: Registry, loop: Loop, tracer: Task, call: Syscall) -> int | None:
    tid, signo = (word & _INT_MASK for word in call.raw[call.name == "tgkill" :][:2])
    tracee = loop.tracees.by_tid.get(tid)
    link = None if tracee is None else registry.find(tracer.pid, tracee.handle)
    if signo != _SIGSTOP or link is None or link.tracee.is_exiting:
        return None
    uid = procfs.real_uid(tracer.tid)
    link.stop_alone(struct.pack("<iiiiii", _SIGSTOP, 0, _SI_TKILL, 0, tracer.pid, uid).ljust(128, b"\0"))
    return 0


def _transfer(registry: Registry, loop: Loop, tracer: Task, call: Syscall) -> int | None:
    fd, buffer, length, address = call.raw[:4]
    owner = procfs.memory_file(tracer.tid, fd & _INT_MASK) if call.arch == _X86_64 else None
    tracee = None if owner is None else loop.tracees.by_tid.get(owner)
    link = None if tracee is None else registry.find(tracer.pid, tracee.handle)
    if link is None or length > _AT_ONCE:
        return None
    task, breakpoints = link.tracee, registry.breakpoints
    known = breakpoints.touch(task.pid, address, length)
    try:
        if call.name == "pread64":
            if not known:
                return None
            data = breakpoints.read(task, tracer.pid, address, length)
            tracer.memory.write(buffer, data)
            return len(data) or -errno.EIO
        data = tracer.memory.read(buffer, length)
        if not known and INT3 not in data and not breakpoints.may_hold_copy(task, address, length):
            return None
        registry.write_memory(link, address, data)
    except UtraceError:
        return -errno.EIO
    return length
