"""What is other for a tracer that calls as an i386 program: smaller words, registers, structures.

Rules of this file:

1. It goes by the call, not by the program: a 64-bit one may call so, too (Q-20).
2. Layouts that the kernel knows are asked of the kernel, by the same i386 call; siginfo that is utrace's own,
   of a stop, a wait or a signal, is translated here.

Reference: Linux 6.18 arch/x86/kernel/ptrace.c:ia32_arch_ptrace(), kernel/ptrace.c:compat_ptrace_request(),
kernel/signal.c:copy_siginfo_to_external32(), siginfo_layout().
"""

from __future__ import annotations

import enum
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AUDIT: Final = 0x40000003
WORD: Final = 4
RUSAGE_BYTES: Final = 72
SIGINFO_BYTES: Final = 128
USER_AREA: Final = 284
"""Bytes of struct user32."""
DEBUG_REGISTERS_AT: Final = 252
SI_PID_AT: Final = 12

_HEAD: Final = 12
"""si_signo, si_errno, si_code: the same in both."""
_SI_USER, _SI_KERNEL, _SI_TIMER, _SI_SIGIO = 0, 0x80, -2, -5
_SIGTRAP: Final = 5
_SIGCHLD: Final = 17
_SIGPOLL: Final = 29
_SIGSYS: Final = 31
_POLL_CODES: Final = 6


class _Layout(enum.Enum):
    """Which fields follow the head."""

    KILL = enum.auto()
    TIMER = enum.auto()
    POLL = enum.auto()
    FAULT = enum.auto()
    CHILD = enum.auto()
    RT = enum.auto()
    SYS = enum.auto()


#: Fields as (offset, size) in the 64-bit structure, and in the 32-bit one.
_FIELDS: Final[Mapping[_Layout, Sequence[tuple[int, int, int, int]]]] = {
    _Layout.KILL: ((16, 4, 12, 4), (20, 4, 16, 4)),
    _Layout.TIMER: ((16, 4, 12, 4), (20, 4, 16, 4), (24, 8, 20, 4)),
    _Layout.POLL: ((16, 8, 12, 4), (24, 4, 16, 4)),
    _Layout.FAULT: ((16, 8, 12, 4), (24, 2, 16, 2), (32, 8, 20, 4), (40, 8, 24, 4)),
    _Layout.CHILD: ((16, 4, 12, 4), (20, 4, 16, 4), (24, 4, 20, 4), (32, 8, 24, 4), (40, 8, 28, 4)),
    _Layout.RT: ((16, 4, 12, 4), (20, 4, 16, 4), (24, 8, 20, 4)),
    _Layout.SYS: ((16, 8, 12, 4), (24, 4, 16, 4), (28, 4, 20, 4)),
}

#: Signals whose own codes, from 1 to this, mean a layout.
_OF_SIGNALS: Final[Mapping[int, tuple[int, _Layout]]] = {
    4: (11, _Layout.FAULT),
    _SIGTRAP: (6, _Layout.FAULT),
    7: (5, _Layout.FAULT),
    8: (15, _Layout.FAULT),
    11: (10, _Layout.FAULT),
    _SIGCHLD: (6, _Layout.CHILD),
    _SIGPOLL: (_POLL_CODES, _Layout.POLL),
    _SIGSYS: (2, _Layout.SYS),
}


def _layout(signo: int, code: int) -> _Layout:
    """Tell which fields a siginfo has (siginfo_layout())."""
    if _SI_USER < code < _SI_KERNEL:
        most, layout = _OF_SIGNALS.get(signo, (0, _Layout.KILL))
        if code <= most:
            return layout
        return _Layout.POLL if code <= _POLL_CODES else _Layout.KILL
    if code == _SI_TIMER:
        return _Layout.TIMER
    if code == _SI_SIGIO:
        return _Layout.POLL
    return _Layout.RT if code < 0 else _Layout.KILL


def narrow_siginfo(siginfo: bytes) -> bytes:
    """Make the 32-bit structure of a 64-bit one."""
    signo, _, code = struct.unpack_from("<iii", siginfo)
    narrow = bytearray(SIGINFO_BYTES)
    narrow[:_HEAD] = siginfo[:_HEAD]
    for from_at, _, to_at, size in _FIELDS[_layout(signo, code)]:
        narrow[to_at : to_at + size] = siginfo[from_at : from_at + size]
    return bytes(narrow)


def widen_siginfo(siginfo: bytes) -> bytes:
    """Make the 64-bit structure of a 32-bit one; what is a pointer is unsigned, what is a time is signed."""
    signo, _, code = struct.unpack_from("<iii", siginfo)
    layout = _layout(signo, code)
    wide = bytearray(SIGINFO_BYTES)
    wide[:_HEAD] = siginfo[:_HEAD]
    for to_at, to_size, from_at, size in _FIELDS[layout]:
        is_signed = layout is _Layout.CHILD
        value = int.from_bytes(siginfo[from_at : from_at + size], "little", signed=is_signed)
        wide[to_at : to_at + to_size] = value.to_bytes(to_size, "little", signed=is_signed)
    return bytes(wide)


def narrow_usage(usage: bytes) -> bytes:
    """Make the struct rusage of an i386 program of a 64-bit one: every member is a word."""
    words = struct.unpack(f"<{len(usage) // 8}Q", usage)
    return struct.pack(f"<{len(words)}I", *(word & 0xFFFFFFFF for word in words))
