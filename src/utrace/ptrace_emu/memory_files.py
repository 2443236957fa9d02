"""How a tracer reads and writes memory without ptrace, and the SIGSTOPs it sends to its tracees' threads.

Rules of this file:

1. A call that concerns no tracee is left to the kernel.  All others are answered here, also where no
   breakpoint is near: another tracer may plant one before the kernel would come to it.
2. Only the calls of debuggers are looked at, who attached without PTRACE_SEIZE, or have written a tracee's
   memory by ptrace: others plant no breakpoints, and strace's reading of arguments is not to be slow.

Reference: proc_pid_mem(5), process_vm_readv(2), tgkill(2).
"""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.errors import UtraceError
from utrace.kernel import procfs
from utrace.ptrace_emu import i386

if TYPE_CHECKING:
    from utrace.engines.ptrace import PtraceEngine
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import Loop
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

CALLS: Final = frozenset({"pread64", "pwrite64", "process_vm_readv", "process_vm_writev", "tkill", "tgkill"})
_AT_ONCE: Final = 1 << 20
_SIGCONT: Final = 18
_SIGSTOP: Final = 19
_SI_TKILL: Final = -6
_INT_MASK: Final = (1 << 32) - 1


def answer(registry: Registry, loop: Loop, tracer: Task, call: Syscall) -> int | None:
    """Answer one of `CALLS`; None: let the kernel."""
    if call.name in {"tkill", "tgkill"}:
        return _stop_thread(registry, loop, tracer, call)
    if call.name in {"process_vm_readv", "process_vm_writev"}:
        return _transfer_vectors(registry, loop, tracer, call)
    return _transfer(registry, loop, tracer, call)


def _link(registry: Registry, loop: Loop, tracer: Task, tid: int) -> PtraceEngine | None:
    tracee = loop.tracees.by_tid.get(tid)
    return None if tracee is None else registry.find(tracer.pid, tracee.handle)


def _stop_thread(registry: Registry, loop: Loop, tracer: Task, call: Syscall) -> int | None:
    tid, signo = (word & _INT_MASK for word in call.raw[call.name == "tgkill" :][:2])
    link = _link(registry, loop, tracer, tid)
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
    if call.arch == i386.AUDIT:
        # pread64 of i386 has the offset in two registers.
        address |= call.raw[4] << 32
    owner = procfs.memory_file(tracer.tid, fd & _INT_MASK)
    link = None if owner is None else _link(registry, loop, tracer, owner)
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


def _transfer_vectors(registry: Registry, loop: Loop, tracer: Task, call: Syscall) -> int | None:
    """Answer a process_vm_readv, or a process_vm_writev to where there may be breakpoints."""
    pid, own_at, own_count, remote_at, remote_count, flags = call.raw
    link = _link(registry, loop, tracer, pid & _INT_MASK)
    counts = own_count, remote_count
    vector = _VECTOR_OF_I386 if call.arch == i386.AUDIT else _VECTOR
    if link is None or flags or max(counts) > _VECTORS_MAX:
        return None
    try:
        own, remote = (
            list(vector.iter_unpack(tracer.memory.read_exact(at, count * vector.size)))
            for at, count in zip((own_at, remote_at), counts, strict=True)
        )
        if max(sum(length for _, length in vectors) for vectors in (own, remote)) > _AT_ONCE:
            return None
        if call.name == "process_vm_readv":
            return _read_vectors(registry, link, tracer, own, remote)
        return _write_vectors(registry, link, tracer, own, remote)
    except UtraceError:
        return -errno.EFAULT


_VECTOR: Final = struct.Struct("<QQ")
_VECTOR_OF_I386: Final = struct.Struct("<II")
_VECTORS_MAX: Final = 1024
"""UIO_MAXIOV."""
_Vectors: TypeAlias = "list[tuple[int, ...]]"


def _read_vectors(
    registry: Registry, link: PtraceEngine, tracer: Task, own: _Vectors, remote: _Vectors
) -> int:
    """Read, as far as both sides go; what is not mapped ends it.

    Raises:
        BadAddress: nothing could be read, or written to the tracer's memory.
    """
    data = b""
    room = sum(length for _, length in own)
    for address, length in remote:
        wanted = min(length, room - len(data))
        read = registry.breakpoints.read(link.tracee, tracer.pid, address, wanted)
        data += read
        if len(read) < wanted:
            break
    if not data and room and any(length for _, length in remote):
        return -errno.EFAULT
    at = 0
    for address, length in own:
        if at < len(data):
            tracer.memory.write(address, data[at : at + length])
        at += length
    return len(data)


def _write_vectors(
    registry: Registry, link: PtraceEngine, tracer: Task, own: _Vectors, remote: _Vectors
) -> int | None:
    """Write to memory that the tracee may execute and write; None: the kernel is to write, or to refuse.

    Raises:
        BadAddress: of what is to be written, or of where, part is not mapped.
    """
    rights = [procfs.rights(link.tracee.tid, address) for address, length in remote if length]
    if not all("x" in one and "w" in one for one in rights):
        return None
    data = b"".join(tracer.memory.read_exact(address, length) for address, length in own)
    written = 0
    for address, length in remote:
        part = data[written : written + length]
        if part:
            registry.write_memory(link, address, part)
        written += len(part)
    return written
