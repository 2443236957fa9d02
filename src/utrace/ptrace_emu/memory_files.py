"""pread and pwrite of a tracer on /proc/PID/mem, and the SIGSTOPs it sends to its tracees' threads.

Rules of this file:

1. A call that concerns no tracee is left to the kernel.  All others are answered here, also where no
   breakpoint is near: another tracer may plant one before the kernel would come to it.
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

if TYPE_CHECKING:
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import Loop
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

CALLS: Final = frozenset({"pread64", "pwrite64", "tkill", "tgkill"})
_AT_ONCE: Final = 1 << 20
_X86_64: Final = 0xC000003E
_SIGCONT: Final = 18
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
    if link is None or link.tracee.is_exiting:
        return None
    if signo == _SIGCONT and link.take_back_stop():
        return 0
    if signo != _SIGSTOP:
        return None
    uid = procfs.real_uid(tracer.tid)
    link.stop_alone(struct.pack("<iiiiii", _SIGSTOP, 0, _SI_TKILL, 0, tracer.pid, uid).ljust(128, b"\0"))
    return 0


def _transfer(registry: Registry, loop: Loop, tracer: Task, call: Syscall) -> int | None:
    fd, buffer, length, address = call.raw[:4]
    owner = procfs.memory_file(tracer.tid, fd & _INT_MASK) if call.arch == _X86_64 else None
    tracee = None if owner is None else loop.tracees.by_tid.get(owner)
    link = None if tracee is None else registry.find(tracer.pid, tracee.handle)
    if link is None:
        return None
    # A long transfer is cut short, as the kernel may do.
    length = min(length, _AT_ONCE)
    try:
        if call.name == "pwrite64":
            registry.write_memory(link, address, tracer.memory.read_exact(buffer, length))
            return length
        data = registry.breakpoints.read(link.tracee, tracer.pid, address, length)
        tracer.memory.write(buffer, data)
    except UtraceError:
        return -errno.EIO
    return len(data) or None
