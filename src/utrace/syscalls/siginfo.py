"""siginfo_t: raw bytes to a value, and changes back into raw bytes.

The kernel's 128 bytes begin with si_signo, si_errno and si_code; which member of the union follows is
told by the signal and the code.

Reference: include/uapi/asm-generic/siginfo.h, kernel/signal.c:siginfo_layout() (Linux 6.1).
"""

from __future__ import annotations

import enum
import struct
from typing import TYPE_CHECKING, Final

from utrace.errors import Misuse
from utrace.syscalls.abi import X86_64
from utrace.syscalls.plain import to_data
from utrace.syscalls.tables import enum_names
from utrace.syscalls.values import Address, Named, Pid, SignalNumber, Ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.values import Data, Value

SIGINFO_SIZE: Final = 128
_HEAD_SIZE: Final = 12

_REALTIME_MIN: Final = 32
_SIGNAL_MAX: Final = 64

#: Every signal by number; the real-time ones as strace writes them: SIGRTMIN, SIGRT_1 ...
SIGNAL_NAMES: Final[dict[int, str]] = dict(enum_names(X86_64, "signal")) | {
    number: "SIGRTMIN" if number == _REALTIME_MIN else f"SIGRT_{number - _REALTIME_MIN}"
    for number in range(_REALTIME_MIN, _SIGNAL_MAX + 1)
}
SIGNAL_NUMBERS: Final[dict[str, int]] = {name: number for number, name in SIGNAL_NAMES.items()} | {
    "SIGIOT": 6,
    "SIGCLD": 17,
    "SIGPOLL": 29,
}

_ILL, _TRAP, _BUS, _FPE, _SEGV, _CHLD, _IO, _SYS = 4, 5, 7, 8, 11, 17, 29, 31
_SI_USER, _SI_KERNEL, _SI_TIMER, _SI_SIGIO, _SI_TKILL = 0, 128, -2, -5, -6

#: Sets of the codes that belong to one signal.
_CODE_SETS: Final = {
    _ILL: "si_code_SIGILL",
    _FPE: "si_code_SIGFPE",
    _SEGV: "si_code_SIGSEGV",
    _BUS: "si_code_SIGBUS",
    _TRAP: "si_code_SIGTRAP",
    _CHLD: "si_code_SIGCHLD",
    _IO: "si_code_SIGPOLL",
    _SYS: "si_code_SIGSYS",
}


class SigInfoKind(enum.Enum):
    """Which member of the union is meant: its fields, their struct codes on 64 and on 32 bits.

    Each value is ((name, code64, code32), ...); codes are of `struct`, with the padding before.
    """

    # Not (): Python 3.11.2 makes something else of an enumerator that is an empty tuple.
    NONE = None
    KILL = (("si_pid", "i", "i"), ("si_uid", "I", "I"))
    QUEUE = (("si_pid", "i", "i"), ("si_uid", "I", "I"), ("si_value", "Q", "I"))
    TIMER = (("si_timerid", "i", "i"), ("si_overrun", "i", "i"), ("si_value", "Q", "I"))
    FAULT = (("si_addr", "Q", "I"),)
    MEMORY_ERROR = (("si_addr", "Q", "I"), ("si_addr_lsb", "h", "h"))
    BOUNDS = (("si_addr", "Q", "I"), ("si_lower", "8xQ", "4xI"), ("si_upper", "Q", "I"))
    PROTECTION_KEY = (("si_addr", "Q", "I"), ("si_pkey", "8xI", "4xI"))
    PERF = (
        ("si_addr", "Q", "I"),
        ("si_perf_data", "Q", "I"),
        ("si_perf_type", "I", "I"),
        ("si_perf_flags", "I", "I"),
    )
    CHILD = (
        ("si_pid", "i", "i"),
        ("si_uid", "I", "I"),
        ("si_status", "i", "i"),
        ("si_utime", "4xq", "i"),
        ("si_stime", "q", "i"),
    )
    POLL = (("si_band", "q", "i"), ("si_fd", "i", "i"))
    SYSCALL = (("si_call_addr", "Q", "I"), ("si_syscall", "i", "i"), ("si_arch", "I", "I"))


_FAULTS: Final = frozenset({_ILL, _FPE, _SEGV, _BUS, _TRAP})
_KIND_BY_SIGNAL: Final = {
    _CHLD: SigInfoKind.CHILD,
    _IO: SigInfoKind.POLL,
    _SYS: SigInfoKind.SYSCALL,
} | dict.fromkeys(_FAULTS, SigInfoKind.FAULT)
#: BUS_MCEERR_AR and _AO, SEGV_BNDERR and _PKUERR, TRAP_PERF tell more than an address.
_KIND_BY_SIGNAL_AND_CODE: Final = {
    (_BUS, 4): SigInfoKind.MEMORY_ERROR,
    (_BUS, 5): SigInfoKind.MEMORY_ERROR,
    (_SEGV, 3): SigInfoKind.BOUNDS,
    (_SEGV, 4): SigInfoKind.PROTECTION_KEY,
    (_TRAP, 6): SigInfoKind.PERF,
}
_KIND_BY_CODE: Final = {
    _SI_TIMER: SigInfoKind.TIMER,
    _SI_SIGIO: SigInfoKind.POLL,
    _SI_USER: SigInfoKind.KILL,
    _SI_TKILL: SigInfoKind.KILL,
}


def _kind(signo: int, code: int) -> SigInfoKind:
    by_code = _KIND_BY_CODE.get(code)
    if by_code is not None:
        return by_code
    if code < 0:
        return SigInfoKind.QUEUE
    if code == _SI_KERNEL:
        return SigInfoKind.FAULT if signo in _FAULTS else SigInfoKind.NONE
    by_both = _KIND_BY_SIGNAL_AND_CODE.get((signo, code))
    if by_both is not None:
        return by_both
    return _KIND_BY_SIGNAL.get(signo, SigInfoKind.KILL)


class SigInfo:
    """What the kernel tells about one signal.

    Fields are attributes by their C names: `info.si_pid`, `info.si_addr`.  A field that this kind of
    signal does not have raises AttributeError.

    Attributes:
        raw: the 128 bytes.
        word: bytes of a long of the task (the union is aligned to it).
    """

    __slots__ = ("_fields", "kind", "raw", "si_code", "si_errno", "si_signo", "word")

    def __init__(self, raw: bytes, word: int = 8) -> None:
        self.raw: Final = raw.ljust(SIGINFO_SIZE, b"\0")[:SIGINFO_SIZE]
        self.word: Final = word
        signo, errno, code = struct.unpack_from("<3i", self.raw)
        self.si_signo: Final[int] = signo
        self.si_errno: Final[int] = errno
        self.si_code: Final[int] = code
        self.kind: Final = _kind(signo, code)
        names, layout = _LAYOUTS[self.kind, word]
        numbers: tuple[int, ...] = layout.unpack_from(self.raw)
        self._fields: Final = dict(zip(names, numbers, strict=True))

    @property
    def signal(self) -> Named:
        """The signal with its name."""
        return SignalNumber(self.si_signo, SIGNAL_NAMES.get(self.si_signo))

    @property
    def code(self) -> Named:
        """The code with its name: SI_USER, CLD_EXITED, SEGV_MAPERR."""
        name = enum_names(X86_64, "si_code").get(self.si_code)
        own = _CODE_SETS.get(self.si_signo)
        if name is None and own is not None and self.si_code > 0:
            name = enum_names(X86_64, own).get(self.si_code)
        return Named(self.si_code, name)

    def __getattr__(self, name: str) -> int:
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(f"{self.signal.name} with {self.code.name} has no {name}") from None

    def items(self) -> Iterator[tuple[str, Value]]:
        """Pairs of C name and value, as strace shows them."""
        yield "si_signo", self.signal
        yield "si_code", self.code
        if self.si_errno:
            yield "si_errno", Named(self.si_errno, enum_names(X86_64, "errno").get(self.si_errno))
        for name, number in self._fields.items():
            if name == "si_value":
                yield "si_int", (number & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
                yield "si_ptr", Address(number)
            else:
                yield name, self._value(name, number)

    def _value(self, name: str, number: int) -> Value:
        if name == "si_pid":
            return Pid(number)
        if name in {"si_utime", "si_stime"}:
            return Ticks(number)
        if name in {"si_addr", "si_call_addr", "si_lower", "si_upper"}:
            return Address(number)
        # A status is a signal unless the child exited.
        if name == "si_status" and self.code.name != "CLD_EXITED":
            return SignalNumber(number, SIGNAL_NAMES.get(number))
        return number

    def with_changes(self, **changes: int) -> SigInfo:
        """Copy with fields replaced.

        si_signo, si_errno and si_code are changed first: they decide which other fields there are.

        Raises:
            Misuse: there is no such field in this kind of signal, or the value does not fit.
        """
        raw = bytearray(self.raw)
        try:
            for offset, name in ((0, "si_signo"), (4, "si_errno"), (8, "si_code")):
                if name in changes:
                    struct.pack_into("<i", raw, offset, changes.pop(name))
            changed = SigInfo(bytes(raw), self.word)
            fields = dict(changed._fields)
            for name, value in changes.items():
                if name not in fields:
                    known = ", ".join(fields) or "no further fields"
                    raise Misuse(f"{changed.signal.name} with {changed.code.name} has no {name}: {known}")
                fields[name] = value
            _, layout = _LAYOUTS[changed.kind, self.word]
            # Packing writes zeros over the pad before the union: the head is put back.
            head = bytes(raw[:_HEAD_SIZE])
            layout.pack_into(raw, 0, *fields.values())
            raw[:_HEAD_SIZE] = head
        except struct.error as error:
            raise Misuse(f"siginfo: {error}") from error
        return SigInfo(bytes(raw), self.word)

    def to_data(self) -> dict[str, Data]:
        """Give what JSON can say."""
        return {name: to_data(value) for name, value in self.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SigInfo) and self.raw == other.raw and self.word == other.word

    def __hash__(self) -> int:
        return hash((self.raw, self.word))

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name}={value!r}" for name, value in self.items()) + "}"


def _compile(kind: SigInfoKind, word: int) -> tuple[tuple[str, ...], struct.Struct]:
    column = 1 if word == 8 else 2
    # The union begins after three ints, aligned to a long.
    fields = kind.value or ()
    codes = ("16x" if word == 8 else "12x") + "".join(field[column] for field in fields)
    return tuple(field[0] for field in fields), struct.Struct("<" + codes)


_LAYOUTS: Final = {(kind, word): _compile(kind, word) for kind in SigInfoKind for word in (4, 8)}


def decode_siginfo(raw: bytes, abi: Abi | None = None) -> SigInfo:
    """Decode what PTRACE_GETSIGINFO gave.

    Args:
        raw: 128 bytes (fewer are filled with zeros).
        abi: the layout; None: that of a 64-bit tracer, which the kernel uses whatever the task is.
    """
    return SigInfo(raw, 8 if abi is None else abi.word)


def encode_siginfo(signo: int, code: int = _SI_USER, **fields: int) -> SigInfo:
    """Make a siginfo from nothing, with fields by their C names.

    Raises:
        Misuse: this kind of signal has no such field.
    """
    return SigInfo(struct.pack("<3i", signo, 0, code)).with_changes(**fields)
