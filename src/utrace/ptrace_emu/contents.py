"""What a tracer asks about a stopped tracee's memory, registers, signals' masks and filters.

Rules of this file:

1. What the kernel knows is asked of the kernel itself, which really holds the tracee in that very stop.
2. What each tracer sees in its own way is answered so: breakpoints, debug registers, the call it is in.
3. A function here answers one request; its result is that of the system call.

Reference: ptrace(2); Linux 6.18 kernel/ptrace.c:ptrace_request(), arch/x86/kernel/ptrace.c:arch_ptrace().
"""

from __future__ import annotations

import ctypes
import errno
import struct
from typing import TYPE_CHECKING, Final

from utrace.engines.ptrace_stops import SIGTRAP, TRAP_HWBKPT, PtraceEvent, code_of, is_trap, signo_of
from utrace.errors import UtraceError
from utrace.ptrace_emu import i386
from utrace.ptrace_emu.debug_registers import DR6, SINGLE_STEP, register_at
from utrace.tracehook.signal_decision import pending

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.ptrace_emu.request import Request

WORD: Final = 8
SIGINFO_BYTES: Final = 128


def peek(request: Request) -> int:
    """PTRACE_PEEKTEXT, PEEKDATA: a word of memory as this tracer sees it."""
    link, length = request.link, request.word
    word = request.registry.breakpoints.read(link.tracee, link.tracer_pid, request.addr, length)
    return request.give(word) if len(word) == length else -errno.EIO


def poke(request: Request) -> int:
    """PTRACE_POKETEXT, POKEDATA."""
    link, word = request.link, request.data.to_bytes(request.word, "little")
    try:
        request.registry.write_memory(link, request.addr, word)
    except UtraceError:
        return -errno.EIO
    return 0


def peek_user(request: Request) -> int:
    """PTRACE_PEEKUSER: registers of the kernel, but debug registers of this tracer's own."""
    number = register_at(request.addr, is_i386=request.is_i386)
    if number is None:
        return get(WORD, i386.WORD)(request)
    link = request.link
    value = request.registry.debug_registers(link).read(link.tracer_pid, number)
    if number == DR6 and value >= 0 and link.stop is not None and is_trap(link.stop.siginfo, TRAP_HWBKPT):
        # The step was another tracer's.
        value &= ~SINGLE_STEP
    return value if value < 0 else request.give(value.to_bytes(WORD, "little")[: request.word])


def poke_user(request: Request) -> int:
    """PTRACE_POKEUSER."""
    number = register_at(request.addr, is_i386=request.is_i386)
    if number is None:
        return pass_number(request)
    registers = request.registry.debug_registers(request.link)
    return registers.write(request.link.tracer_pid, number, request.data)


def get(length: int, of_i386: int | None = None) -> Callable[[Request], int]:
    """Make a request that fills a buffer of this length, which may be another for i386."""

    def get(request: Request) -> int:
        size = of_i386 if request.is_i386 and of_i386 is not None else length
        result, filled = request.ask(bytes(size))
        return result if result < 0 else request.give(filled) or result

    return get


def put(length: int, of_i386: int | None = None) -> Callable[[Request], int]:
    """Make a request that takes a buffer of this length, which may be another for i386."""

    def put(request: Request) -> int:
        taken = request.take(of_i386 if request.is_i386 and of_i386 is not None else length)
        return -errno.EFAULT if taken is None else request.ask(taken)[0]

    return put


def pass_number(request: Request) -> int:
    """Pass a request whose data is a number."""
    return request.ask_by_number()


def arch_prctl(request: Request) -> int:
    """PTRACE_ARCH_PRCTL: `data` is the code, and `addr` a value, or where the kernel stores one.

    Reference: Linux 6.18 arch/x86/kernel/process_64.c:do_arch_prctl_64().
    """
    if request.data in _ARCH_SETS:
        return pass_number(request)
    if request.data not in _ARCH_GETS:
        # Others concern the caller, which would be utrace.
        return -errno.EINVAL
    here = ctypes.create_string_buffer(WORD)
    result = request.loop.kernel.request_number(
        request.number, request.link.tracee.tid, ctypes.addressof(here), request.data
    )
    return result if result < 0 else request.give_at(request.addr, here.raw)


_ARCH_SETS: Final = frozenset({0x1001, 0x1002, 0x5001, 0x5002, 0x5003, 0x5004})
"""ARCH_SET_GS, SET_FS; SHSTK_ENABLE, DISABLE, LOCK, UNLOCK."""
_ARCH_GETS: Final = frozenset({0x1003, 0x1004, 0x4001, 0x4003, 0x5005})
"""ARCH_GET_FS, GET_GS, GET_UNTAG_MASK, GET_MAX_TAG_BITS, SHSTK_STATUS."""


def _vector(request: Request) -> tuple[int, int] | None:
    head = request.take(2 * request.word)
    return None if head is None else struct.unpack("<II" if request.is_i386 else "<QQ", head)


def get_regset(request: Request) -> int:
    """PTRACE_GETREGSET."""
    vector = _vector(request)
    if vector is None:
        return -errno.EFAULT
    base, length = vector
    regset = _read_regset(request, length)
    if isinstance(regset, int):
        return regset
    return request.give_at(base, regset) or request.give_at(
        request.data + request.word, len(regset).to_bytes(request.word, "little")
    )


def _read_regset(request: Request, length: int) -> bytes | int:
    """Read a regset, or tell what is wrong with its kind or length."""
    try:
        regset = request.loop.kernel.get_regset(request.link.tracee.tid, request.addr, length)
    except OSError as error:
        return -(error.errno or errno.EINVAL)
    return -errno.ESRCH if regset is None else regset


def set_regset(request: Request) -> int:
    """PTRACE_SETREGSET."""
    vector = _vector(request)
    if vector is None:
        return -errno.EFAULT
    base, length = vector
    taken = request.tracer.memory.read(base, min(length, 1 << 16))
    if len(taken) != min(length, 1 << 16):
        # What is wrong with the request is told first.
        found = _read_regset(request, length)
        return found if isinstance(found, int) else -errno.EFAULT
    try:
        done = request.loop.kernel.set_regset(request.link.tracee.tid, request.addr, taken)
    except OSError as error:
        return -(error.errno or errno.EINVAL)
    return 0 if done else -errno.ESRCH


def get_syscall_info(request: Request) -> int:
    """Tell of the call as this tracer sees it: the kernel's own stop may be of another kind.

    Reference: kernel/ptrace.c:ptrace_get_syscall_info_op().
    """
    result, filled = request.loop.kernel.request_buffer(
        request.number, request.link.tracee.tid, INFO_SIZE, bytes(INFO_SIZE)
    )
    if result < 0:
        return result
    stop, op = request.link.stop, 0
    if stop is not None and stop.siginfo is not None:
        # Not by the options, which may have been set in this very stop.
        code = code_of(stop.siginfo)
        op = request.link.message if code == _CALL_STOP else 3 if code == _SECCOMP_STOP else 0
        op = op if op in _OPS else 0
    told = filled[0]
    if op != told and not (op in _OF_ENTRY and told in _OF_ENTRY):
        op = 0
    size = result if op == told else _INFO_SIZES[op]
    info = op.to_bytes(1, "little") + filled[1:size].ljust(size - 1, b"\0")
    return request.give(info[: request.addr]) or size


INFO_SIZE: Final = 88
_INFO_SIZES: Final = (24, 80, 33, 84)
_OF_ENTRY: Final = frozenset({1, 3})
_OPS: Final = frozenset({1, 2, 3})
_CALL_STOP: Final = SIGTRAP | 0x80
_SECCOMP_STOP: Final = SIGTRAP | PtraceEvent.SECCOMP << 8


def peek_siginfo(request: Request) -> int:
    """PTRACE_PEEKSIGINFO: what is pending for this tracer's tracee, not by what it is carried."""
    arguments = request.tracer.memory.read(request.addr, 2 * WORD)
    if len(arguments) != 2 * WORD:
        return -errno.EFAULT
    offset, flags, count = struct.unpack("<QIi", arguments)
    # The kernel reads the arguments where `addr` points: in this process.
    whole = struct.pack("<QIi", 0, flags, min(count, 0) or _PEEKED_AT_ONCE)
    here = ctypes.create_string_buffer(whole, 2 * WORD)
    room = bytes(_PEEKED_AT_ONCE * SIGINFO_BYTES)
    result, filled = request.loop.kernel.request_buffer(
        request.number, request.link.tracee.tid, ctypes.addressof(here), room
    )
    if result < 0:
        return result
    queued = [filled[at : at + SIGINFO_BYTES] for at in range(0, result * SIGINFO_BYTES, SIGINFO_BYTES)]
    found = _pending(request, queued, for_all=bool(flags & _PEEK_SHARED))[offset : offset + count]
    told = b"".join(map(i386.narrow_siginfo, found) if request.is_i386 else found)
    return (told and request.give(told)) or len(found)


def _pending(request: Request, queued: Sequence[bytes], *, for_all: bool) -> Sequence[bytes]:
    """Tell what is pending: of the kernel's queue, with what is carried in the place of its carriers."""
    tracee = request.loop.tracees.by_tid.get(request.link.tracee.tid)
    if tracee is None:
        return queued
    found = list(pending(tracee, queued, for_all=for_all))
    alone = None if for_all else request.link.pending_stop
    if alone is not None and signo_of(alone) not in map(signo_of, found):
        found.append(alone)
    return found


_PEEK_SHARED: Final = 1
_PEEKED_AT_ONCE: Final = 256


def get_sized(request: Request) -> int:
    """PTRACE_GET_RSEQ_CONFIGURATION: `addr` bytes at most; the whole size is returned."""
    result, filled = request.ask(bytes(min(request.addr, 1 << 12)))
    return result if result < 0 else request.give(filled[: min(request.addr, result)]) or result


def set_sized(least: int, most: int) -> Callable[[Request], int]:
    """Make a request that takes `addr` bytes, so many at least and at most."""

    def set_sized(request: Request) -> int:
        if not least <= request.addr <= most:
            return -errno.EINVAL
        taken = request.take(min(request.addr, 1 << 12))
        return -errno.EFAULT if taken is None else request.ask(taken)[0]

    return set_sized


def _filters_of_ours(request: Request) -> int | None:
    """Count the filters before the tracee's own: the session's is the oldest.  None: it has none."""
    tracee = request.loop.tracees.by_tid.get(request.link.tracee.tid)
    if tracee is None or tracee.filter is None:
        return 0
    number = _SECCOMP_GET_FILTER
    own, _ = request.loop.kernel.request_buffer(number, tracee.tid, 1, b"")
    return 1 if own >= 0 else None


def get_filter_metadata(request: Request) -> int:
    """PTRACE_SECCOMP_GET_METADATA."""
    ours = _filters_of_ours(request)
    if ours is None or request.addr < WORD:
        return -errno.EINVAL
    taken = request.take(WORD)
    if taken is None:
        return -errno.EFAULT
    length = min(request.addr, 2 * WORD)
    index = int.from_bytes(taken, "little")
    asked = (index + ours).to_bytes(WORD, "little").ljust(length, b"\0")
    result, filled = request.loop.kernel.request_buffer(
        request.number, request.link.tracee.tid, length, asked
    )
    if result < 0:
        return result
    return request.give(taken + filled[WORD:result]) or result


_SECCOMP_GET_FILTER: Final = 0x420C


def get_filter(request: Request) -> int:
    """PTRACE_SECCOMP_GET_FILTER."""
    ours = _filters_of_ours(request)
    if ours is None:
        return -errno.EINVAL
    length = 8 * 4096 if request.data else 0
    result, filled = request.loop.kernel.request_buffer(
        request.number, request.link.tracee.tid, request.addr + ours, bytes(length)
    )
    if result < 0 or not request.data:
        return result
    return request.give(filled[: 8 * result]) or result
