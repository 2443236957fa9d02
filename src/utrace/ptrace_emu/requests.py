"""Every request of ptrace(2), answered as the kernel answers it.

Rules of this file:

1. `REQUESTS` is the whole list.  A request that is not in it is EIO, as in the kernel.
2. What concerns the tracee's registers is asked of the kernel itself, which really holds the tracee in
   that very stop; what concerns stops, signals and resuming is answered from the link.
3. The result is what the system call returns: 0 or more, or a negative errno.  PTRACE_PEEK… at this
   level stores the word where `data` points.

Reference: ptrace(2); Linux 6.18 kernel/ptrace.c:ptrace_request(), arch/x86/kernel/ptrace.c:arch_ptrace().
"""

from __future__ import annotations

import ctypes
import errno
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.core.verdicts import ResumeAction
from utrace.engines.ptrace_stops import Option, PtraceEvent, StopKind
from utrace.errors import UtraceError
from utrace.kernel import procfs
from utrace.ptrace_emu.debug_registers import register_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from utrace.engines.ptrace import PtraceEngine
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import Loop
    from utrace.tracer.task import Task

_NSIG: Final = 64
_WORD: Final = 8
_SIGINFO: Final = 128
_OPTIONS: Final = int(
    Option.TRACESYSGOOD
    | Option.TRACEFORK
    | Option.TRACEVFORK
    | Option.TRACECLONE
    | Option.TRACEEXEC
    | Option.TRACEVFORKDONE
    | Option.TRACEEXIT
    | Option.TRACESECCOMP
    | Option.EXITKILL
)
_SIGKILL: Final = 9

TRACEME: Final = 0
ATTACH: Final = 16
SEIZE: Final = 0x4206
KILL: Final = 8
INTERRUPT: Final = 0x4207
TOO_EARLY: Final = -513
"""The stop has been told, but is not reached yet: the call is to be made again (INV-47)."""
_FREE_OF_STOPS: Final = frozenset({KILL, INTERRUPT})


@dataclass(frozen=True, slots=True)
class Request:
    """One ptrace call on a tracee that has a link.

    Attributes:
        tracer: who asks; its memory is where `data` points.
    """

    registry: Registry
    loop: Loop
    link: PtraceEngine
    tracer: Task
    number: int
    addr: int
    data: int

    def give(self, data: bytes) -> int:
        """Write to the tracer's memory at `data`."""
        return self.give_at(self.data, data)

    def give_at(self, address: int, data: bytes) -> int:
        """Write to the tracer's memory; 0 or -EFAULT."""
        try:
            self.tracer.memory.write(address, data)
        except UtraceError:
            return -errno.EFAULT
        return 0

    def take(self, length: int) -> bytes | None:
        """Read from the tracer's memory at `data`; None: EFAULT."""
        found = self.tracer.memory.read(self.data, length)
        return found if len(found) == length else None


def answer(
    registry: Registry, loop: Loop, tracer: Task, number: int, pid: int, addr: int, data: int
) -> int | None:
    """Answer one ptrace call; None: it concerns a task outside of the session: let the kernel."""
    if number == TRACEME:
        return _traceme(registry, tracer)
    tracee = loop.tracees.by_tid.get(pid)
    if tracee is None or tracee.task.is_dead():
        return None
    task = tracee.handle
    if number in {ATTACH, SEIZE}:
        return _attach(registry, tracer, task, number, addr, data)
    link = registry.find(tracer.pid, task)
    if link is None or link.tracer_tid != tracer.tid:
        return -errno.ESRCH
    return _not_now(link, number) or _handle(Request(registry, loop, link, tracer, number, addr, data))


def _not_now(link: PtraceEngine, number: int) -> int:
    """Tell what a request gets that the tracee stands in no stop for; 0: it does."""
    task = link.tracee
    if number in _FREE_OF_STOPS or (link.stop is not None and task.is_held):
        return 0
    return -errno.ESRCH if link.stop is None or task.is_exiting else TOO_EARLY


def _handle(request: Request) -> int:
    handler = REQUESTS.get(request.number)
    if handler is None:
        return -errno.EIO
    try:
        return handler(request)
    except UtraceError:
        # Killed meanwhile (ptrace(2), "Death under ptrace").
        return -errno.ESRCH


def _traceme(registry: Registry, tracee: Task) -> int:
    parent = registry.parents.get(tracee.id.generation)
    if parent is None or not parent.is_alive or registry.find(parent.pid, tracee) is not None:
        return -errno.EPERM
    registry.link(parent, tracee, seized=False, options=0)
    return 0


def _attach(registry: Registry, tracer: Task, tracee: Task, number: int, addr: int, data: int) -> int:
    seized = number == SEIZE
    if seized and (addr or data & ~(_OPTIONS | Option.SUSPEND_SECCOMP)):
        return -errno.EIO
    if seized and data & ~_OPTIONS:
        return -errno.EINVAL
    if tracee.pid == tracer.pid or tracee.is_exiting or registry.find(tracer.pid, tracee) is not None:
        return -errno.EPERM
    if registry.would_be_cycle(tracer.pid, tracee) or not _may(tracer, tracee):
        return -errno.EPERM
    link = registry.link(tracer, tracee, seized=seized, options=data if seized else 0)
    if not seized:
        # A stop of this tracer's own: a real SIGSTOP would be seen by the others too.
        link.stop_at_attach()
    elif link.engine.task.jctl:
        link.stop_with_group()
    return 0


def _may(tracer: Task, tracee: Task) -> bool:
    """Tell whether the kernel would let one trace the other, as far as users tell (ptrace(2))."""
    mine, its = procfs.read_status(tracer.tid), procfs.read_status(tracee.tid)
    if mine is None or its is None:
        return False
    cap_sys_ptrace = 1 << 19
    return bool(mine.capabilities & cap_sys_ptrace) or {*its.uids, *its.gids} <= {mine.uids[0], mine.gids[0]}


# -- memory and registers ------------------------------------------------------------------------------


def _peek(request: Request) -> int:
    link = request.link
    word = request.registry.breakpoints.read(link.tracee, link.tracer_pid, request.addr, _WORD)
    return request.give(word) if len(word) == _WORD else -errno.EIO


def _poke(request: Request) -> int:
    link, word = request.link, request.data.to_bytes(_WORD, "little")
    try:
        request.registry.write_memory(link, request.addr, word)
    except UtraceError:
        return -errno.EIO
    return 0


def _peek_user(request: Request) -> int:
    number = register_at(request.addr)
    if number is None:
        return _get(_WORD)(request)
    value = request.registry.debug_registers(request.link).read(request.link.tracer_pid, number)
    return value if value < 0 else request.give(value.to_bytes(_WORD, "little"))


def _poke_user(request: Request) -> int:
    number = register_at(request.addr)
    if number is None:
        return _number(request)
    registers = request.registry.debug_registers(request.link)
    return registers.write(request.link.tracer_pid, number, request.data)


def _get(length: int) -> Callable[[Request], int]:
    """Make a request that fills a buffer of this length."""

    def get(request: Request) -> int:
        result, filled = request.loop.kernel.request_buffer(
            request.number, request.link.tracee.tid, request.addr, bytes(length)
        )
        return result if result < 0 else request.give(filled) or result

    return get


def _set(length: int) -> Callable[[Request], int]:
    """Make a request that takes a buffer of this length."""

    def put(request: Request) -> int:
        taken = request.take(length)
        if taken is None:
            return -errno.EFAULT
        return request.loop.kernel.request_buffer(
            request.number, request.link.tracee.tid, request.addr, taken
        )[0]

    return put


def _number(request: Request) -> int:
    """Pass a request whose data is a number."""
    return request.loop.kernel.request_number(
        request.number, request.link.tracee.tid, request.addr, request.data
    )


def _vector(request: Request) -> tuple[int, int] | None:
    head = request.take(2 * _WORD)
    return None if head is None else struct.unpack("<QQ", head)


def _get_regset(request: Request) -> int:
    vector = _vector(request)
    if vector is None:
        return -errno.EFAULT
    base, length = vector
    if length % _WORD:
        return -errno.EINVAL
    try:
        regset = request.loop.kernel.get_regset(request.link.tracee.tid, request.addr)
    except OSError as error:
        return -(error.errno or errno.EINVAL)
    if regset is None:
        return -errno.ESRCH
    given = regset[:length]
    return request.give_at(base, given) or request.give_at(
        request.data + _WORD, len(given).to_bytes(_WORD, "little")
    )


def _set_regset(request: Request) -> int:
    vector = _vector(request)
    if vector is None:
        return -errno.EFAULT
    base, length = vector
    if length % _WORD:
        return -errno.EINVAL
    taken = request.tracer.memory.read(base, min(length, 1 << 16))
    if len(taken) != min(length, 1 << 16):
        return -errno.EFAULT
    try:
        done = request.loop.kernel.set_regset(request.link.tracee.tid, request.addr, taken)
    except OSError as error:
        return -(error.errno or errno.EINVAL)
    return 0 if done else -errno.ESRCH


def _get_syscall_info(request: Request) -> int:
    """Tell of the call as this tracer sees it: the kernel's own stop may be of another kind.

    Reference: kernel/ptrace.c:ptrace_get_syscall_info_op().
    """
    result, filled = request.loop.kernel.request_buffer(
        request.number, request.link.tracee.tid, _INFO_SIZE, bytes(_INFO_SIZE)
    )
    if result < 0:
        return result
    stop = request.link.stop
    op = _OPS.get(stop.kind, 0) if stop is not None else 0
    if stop is not None and stop.kind is StopKind.EVENT:
        op = 3 if stop.code >> 8 == PtraceEvent.SECCOMP else 0
    elif not request.link.options & Option.TRACESYSGOOD:
        op = 0
    told = filled[0]
    if op != told and not (op in _OF_ENTRY and told in _OF_ENTRY):
        op = 0
    size = result if op == told else _INFO_SIZES[op]
    info = op.to_bytes(1, "little") + filled[1:size].ljust(size - 1, b"\0")
    return request.give(info[: request.addr]) or size


_INFO_SIZE: Final = 88
_INFO_SIZES: Final = (24, 80, 33, 84)
_OF_ENTRY: Final = frozenset({1, 3})
_OPS: Final = {StopKind.SYSCALL_ENTRY: 1, StopKind.SYSCALL_EXIT: 2}


def _peek_siginfo(request: Request) -> int:
    arguments = request.tracer.memory.read(request.addr, 2 * _WORD)
    if len(arguments) != 2 * _WORD:
        return -errno.EFAULT
    _, _, count = struct.unpack("<QIi", arguments)
    # The kernel reads the arguments where `addr` points: in this process.
    count = min(count, _PEEKED_AT_ONCE)
    here = ctypes.create_string_buffer(arguments[:12] + struct.pack("<i", count), 2 * _WORD)
    length = max(0, count) * _SIGINFO
    result, filled = request.loop.kernel.request_buffer(
        request.number, request.link.tracee.tid, ctypes.addressof(here), bytes(length)
    )
    if result <= 0:
        return result
    return request.give(filled[: result * _SIGINFO]) or result


_PEEKED_AT_ONCE: Final = 256


def _sized(request: Request) -> int:
    """PTRACE_GET_SYSCALL_INFO and its kin: `addr` bytes at most; the whole size is returned."""
    result, filled = request.loop.kernel.request_buffer(
        request.number, request.link.tracee.tid, request.addr, bytes(min(request.addr, 1 << 12))
    )
    return result if result < 0 else request.give(filled[: min(request.addr, result)]) or result


def _set_sized(request: Request) -> int:
    taken = request.take(min(request.addr, 1 << 12))
    if taken is None:
        return -errno.EFAULT
    return request.loop.kernel.request_buffer(request.number, request.link.tracee.tid, request.addr, taken)[0]


def _filters_of_ours(request: Request) -> int | None:
    """Count the filters before the tracee's own: the session's is the oldest.  None: it has none."""
    tracee = request.loop.tracees.by_tid.get(request.link.tracee.tid)
    if tracee is None or tracee.filter is None:
        return 0
    number = _SECCOMP_GET_FILTER
    own, _ = request.loop.kernel.request_buffer(number, tracee.tid, 1, b"")
    return 1 if own >= 0 else None


def _get_filter_metadata(request: Request) -> int:
    ours = _filters_of_ours(request)
    if ours is None or request.addr < _WORD:
        return -errno.EINVAL
    taken = request.take(_WORD)
    if taken is None:
        return -errno.EFAULT
    length = min(request.addr, 2 * _WORD)
    index = int.from_bytes(taken, "little")
    asked = (index + ours).to_bytes(_WORD, "little").ljust(length, b"\0")
    result, filled = request.loop.kernel.request_buffer(
        request.number, request.link.tracee.tid, length, asked
    )
    if result < 0:
        return result
    return request.give(taken + filled[_WORD:result]) or result


_SECCOMP_GET_FILTER: Final = 0x420C


def _get_filter(request: Request) -> int:
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


# -- stops and signals -----------------------------------------------------------------------------------


def _set_options(request: Request) -> int:
    if request.data & ~_OPTIONS:
        return -errno.EINVAL
    request.link.options = Option(request.data)
    return 0


def _get_message(request: Request) -> int:
    return request.give(request.link.message.to_bytes(_WORD, "little"))


def _get_siginfo(request: Request) -> int:
    stop = request.link.stop
    if stop is None or stop.siginfo is None:
        return -errno.EINVAL
    return request.give(stop.siginfo)


def _set_siginfo(request: Request) -> int:
    stop = request.link.stop
    if stop is None or stop.siginfo is None:
        return -errno.EINVAL
    siginfo = request.take(_SIGINFO)
    if siginfo is None:
        return -errno.EFAULT
    request.link.set_siginfo(siginfo)
    return 0


def _resume(
    *, syscalls: bool = False, sysemu: bool = False, step: ResumeAction = ResumeAction.RESUME
) -> Callable[[Request], int]:
    def resume(request: Request) -> int:
        if request.data > _NSIG:
            return -errno.EIO
        request.link.resume(syscalls=syscalls, sysemu=sysemu, step=step, signo=request.data)
        return 0

    return resume


def _listen(request: Request) -> int:
    stop = request.link.stop
    if not request.link.seized or stop is None or stop.kind is not StopKind.GROUP:
        return -errno.EIO
    request.link.listen()
    return 0


def _interrupt(request: Request) -> int:
    if not request.link.seized:
        return -errno.EIO
    request.link.interrupt()
    return 0


def _kill(request: Request) -> int:
    request.loop.kernel.kill(request.link.tracee.tid, _SIGKILL)
    return 0


def _detach(request: Request) -> int:
    if request.data > _NSIG:
        return -errno.EIO
    request.link.detach(request.data)
    return 0


#: Total over the requests of Linux 6.18 on x86-64, but for TRACEME, ATTACH and SEIZE, which make the link.
REQUESTS: Final[Mapping[int, Callable[[Request], int]]] = {
    1: _peek,
    2: _peek,
    3: _peek_user,
    4: _poke,
    5: _poke,
    6: _poke_user,
    7: _resume(),
    KILL: _kill,
    9: _resume(step=ResumeAction.SINGLESTEP),
    12: _get(27 * _WORD),  # GETREGS
    13: _set(27 * _WORD),
    14: _get(512),  # GETFPREGS
    15: _set(512),
    17: _detach,
    24: _resume(syscalls=True),
    25: _get(16),  # GET_THREAD_AREA
    26: _set(16),
    30: _number,  # ARCH_PRCTL
    31: _resume(syscalls=True, sysemu=True),
    32: _resume(syscalls=True, sysemu=True, step=ResumeAction.SINGLESTEP),
    33: _resume(step=ResumeAction.BLOCKSTEP),
    21: _set_options,  # OLDSETOPTIONS
    0x4200: _set_options,
    0x4201: _get_message,
    0x4202: _get_siginfo,
    0x4203: _set_siginfo,
    0x4204: _get_regset,
    0x4205: _set_regset,
    INTERRUPT: _interrupt,
    0x4208: _listen,
    0x4209: _peek_siginfo,
    0x420A: _get(_WORD),  # GETSIGMASK
    0x420B: _set(_WORD),
    0x420C: _get_filter,
    0x420D: _get_filter_metadata,  # SECCOMP_GET_METADATA
    0x420E: _get_syscall_info,  # GET_SYSCALL_INFO
    0x420F: _sized,  # GET_RSEQ_CONFIGURATION
    0x4210: _set_sized,  # SET_SYSCALL_USER_DISPATCH_CONFIG
    0x4211: _sized,
    0x4212: _set_sized,  # SET_SYSCALL_INFO
}
