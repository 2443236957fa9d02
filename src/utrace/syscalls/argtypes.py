"""Argument types: small objects that a signature is composed of.

A type is bound once for a convention, which gives a plain function from the raw number to a value;
decoding a call is then a walk along those functions.  Nothing here raises for anything that a program
may pass: what cannot be read or named stays a number.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

from utrace.syscalls.tables import MEMO_MAX, constant_values, enum_decoder, enum_names, flags_decoder
from utrace.syscalls.values import (
    ABSENT,
    Address,
    Device,
    Fd,
    FileMode,
    FlagSet,
    Hex,
    Joined,
    Macro,
    Mode,
    Named,
    Pid,
    Rlimit,
    Seconds,
    ShortRlimit,
    SignalNumber,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.values import Value

    Decoder: TypeAlias = Callable[[int, Sequence[int], DecodedCall], Value]
    """(raw value, raw values of all its siblings, the call) -> value."""

    PhaseOf: TypeAlias = "Callable[[Sequence[int]], Phase]"
    Narrow: TypeAlias = Callable[[int], int]


_T = TypeVar("_T")


class Phase(enum.IntEnum):
    """When an argument can be decoded."""

    PURE = 0
    """Any time, from its number alone."""
    EARLY = 1
    """At the entry: the kernel may overwrite, or an exec replace, what it points to."""
    LATE = 2
    """After a successful call, which wrote it."""
    BOTH = 3
    """Read and written: decoded at the entry and again after."""
    MERGED = 4
    """The same, for a struct of which each field that changed shows both values, after errors too."""
    MIXED = 5
    """Any of these, as another argument says."""


class ArgType(Protocol):
    """How one number, an argument or a field of a struct, is decoded."""

    @property
    def ctype(self) -> str:
        """C type that the number has."""
        ...

    @property
    def phase(self) -> Phase:
        """When it can be decoded."""
        ...

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function.

        Args:
            abi: the convention.
            names: the siblings, in the order of the decoder's second argument.
        """
        ...


def narrow(abi: Abi, ctype: str) -> Narrow | None:
    """Make the function from a 64-bit register to the number of a C type; None: nothing to do."""
    _, size, signed = abi.layout(ctype)
    bits = size * 8
    mask = (1 << bits) - 1
    if not signed:
        return (lambda raw: raw & mask) if size < 8 else None
    top = 1 << (bits - 1)
    return lambda raw: ((raw & mask) ^ top) - top


def bind_argument(kind: ArgType, abi: Abi, names: Sequence[str]) -> Decoder:
    """Bind a type to a register: narrow the register to the C type first."""
    decode = kind.bind(abi, names)
    to_ctype = narrow(abi, kind.ctype)
    if kind.phase is not Phase.PURE:
        if to_ctype is None:
            return decode
        convert = to_ctype
        return lambda raw, peers, call: decode(convert(raw), peers, call)
    memo: dict[int, Value] = {}

    def remembered(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
        value = memo.get(raw)
        if value is None:
            if len(memo) >= MEMO_MAX:
                memo.clear()
            number = raw if to_ctype is None else to_ctype(raw)
            value = memo[raw] = decode(number, peers, call)
        return value

    return remembered


def phase_of(kind: ArgType, abi: Abi, names: Sequence[str]) -> PhaseOf:
    """Make the function from the raw arguments to the phase that a type has with them."""
    if isinstance(kind, Choice | Deferred):
        return kind.bind_phase(abi, names)
    phase = kind.phase
    return lambda _peers: phase


class Number:
    """A number shown as it is, or as one of the `int` classes of `values`."""

    phase: Final = Phase.PURE

    def __init__(self, ctype: str, wrap: Callable[[int], Value] | None = None) -> None:
        self.ctype = ctype
        self._wrap = wrap
        #: Its value is the number itself, whatever it is called.
        self.is_plain: Final = wrap is None or (isinstance(wrap, type) and issubclass(wrap, int))

    def bind(self, _abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        wrap = self._wrap
        if wrap is None:
            return lambda raw, _peers, _call: raw
        convert = wrap
        return lambda raw, _peers, _call: convert(raw)


class Pointer:
    """An address that is not followed."""

    ctype: Final = "ulong"
    # Addresses seldom repeat: remembering them would only push the others out.
    phase: Final = Phase.EARLY

    def bind(self, _abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        return lambda raw, _peers, _call: Address(raw)


class Flags:
    """Bits with the names of one constant set.

    Args:
        constants: the set.
        hint: the family of names, for values of which no bit is known.
        ctype: C type of the number.
        zero: the name that stands for no bits.
        shift: (name, position, mask) of a number kept among the bits: 21<<MAP_HUGE_SHIFT.
    """

    phase: Final = Phase.PURE

    def __init__(
        self,
        constants: str,
        hint: str = "",
        ctype: str = "u32",
        *,
        zero: str = "",
        shift: tuple[str, int, int] | None = None,
    ) -> None:
        self.ctype = ctype
        self.constants, self._hint, self.zero, self._shift = constants, hint, zero, shift

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        decode = flags_decoder(abi, self.constants, self._hint)
        zero = FlagSet(0, (self.zero,)) if self.zero else decode(0)
        shift = self._shift
        if shift is None:
            return lambda raw, _peers, _call: decode(raw) if raw else zero
        name, position, mask = shift

        def decode_shifted(raw: int, _peers: Sequence[int], _call: DecodedCall) -> Value:
            number = raw >> position & mask
            if not number:
                return decode(raw) if raw else zero
            flags = decode(raw & ~(mask << position))
            return FlagSet(raw, (*flags.names, f"{number}<<{name}"), flags.unknown, self._hint)

        return decode_shifted


class Enum:
    """One value of a constant set.

    Args:
        constants: the set.
        hint: the family of names, for values without one.
        ctype: C type of the number.
        otherwise: how a value without a name is decoded; None: by itself, with the hint.
    """

    phase: Final = Phase.PURE

    def __init__(
        self, constants: str, hint: str = "", ctype: str = "u32", *, otherwise: ArgType | None = None
    ) -> None:
        self.ctype = ctype
        self.constants, self._hint, self.otherwise = constants, hint, otherwise

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        decode = enum_decoder(abi, self.constants, self._hint)
        if self.otherwise is None:
            return lambda raw, _peers, _call: decode(raw)
        known = enum_names(abi, self.constants)
        other = self.otherwise.bind(abi, names)
        return lambda raw, peers, call: decode(raw) if raw in known else other(raw, peers, call)


class Special:
    """A number of which one value has a name."""

    phase: Final = Phase.PURE

    def __init__(self, name: str, value: int, ctype: str = "u32") -> None:
        self.ctype = ctype
        self._name, self._value = name, value

    def bind(self, _abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        named = Named(self._value, self._name)
        return lambda raw, _peers, _call: named if raw == named else Hex(raw)


class When:
    """An argument that is passed only when bits of another are set; otherwise ABSENT."""

    def __init__(self, peer: str, bits: int, kind: ArgType) -> None:
        self.ctype = kind.ctype
        self.phase = max(kind.phase, Phase.EARLY)
        self._peer, self._bits, self._kind = peer, bits, kind

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index(self._peer)
        bits = self._bits
        decode = self._kind.bind(abi, names)
        return lambda raw, peers, call: decode(raw, peers, call) if peers[index] & bits else ABSENT


class Bits:
    """A type chosen by bits of another argument: the first case of which one bit is set.

    Args:
        peer: the argument that chooses.
        cases: bits to types.
        default: for the rest.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, peer: str, cases: Mapping[int, ArgType], default: ArgType) -> None:
        self._peer, self._cases, self._default = peer, cases, default

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index(self._peer)
        cases = [(bits, bind_argument(kind, abi, names)) for bits, kind in self._cases.items()]
        default = bind_argument(self._default, abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            chosen = next((decoder for bits, decoder in cases if peers[index] & bits), default)
            return chosen(raw, peers, call)

        return decode


class Missing:
    """A register that the call does not use with these arguments."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def bind(self, _abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        return lambda _raw, _peers, _call: ABSENT


class Choice:
    """A type chosen by the value of another argument: the third argument of fcntl.

    Args:
        peer: the argument that chooses.
        constants: the set that its names come from; "" if the cases are keyed by number.
        cases: names, or several separated by spaces, to types.
        default: for the rest.
        mask: bits of the peer that count.
    """

    ctype: str = "ulong"

    def __init__(
        self,
        peer: str,
        constants: str,
        cases: Mapping[str, ArgType] | Mapping[int, ArgType],
        default: ArgType,
        mask: int = 0xFFFFFFFF,
    ) -> None:
        self._peer, self._constants, self._cases = peer, constants, cases
        self._default, self._mask = default, mask
        late = any(kind.phase >= Phase.LATE for kind in (default, *cases.values()))
        self.phase = Phase.MIXED if late else Phase.EARLY

    def bind_phase(self, abi: Abi, names: Sequence[str]) -> PhaseOf:
        """Make the function from the raw arguments to the phase of the case they choose."""
        index = names.index(self._peer)
        mask = self._mask
        table = self._table(abi, lambda kind: phase_of(kind, abi, names))
        default = phase_of(self._default, abi, names)
        return lambda peers: table.get(peers[index] & mask, default)(peers)

    def _table(self, abi: Abi, make: Callable[[ArgType], _T]) -> dict[int, _T]:
        values = constant_values(abi, self._constants) if self._constants else {}
        table: dict[int, _T] = {}
        for keys, kind in self._cases.items():
            made = make(kind)
            if isinstance(keys, int):
                table[keys] = made
            else:
                # A command that an architecture does not have is no case there.
                table |= {values[key] & 0xFFFFFFFF: made for key in keys.split() if key in values}
        return table

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function; a case is bound when it is first chosen."""
        index = names.index(self._peer)
        mask = self._mask
        default = bind_argument(self._default, abi, names)
        cases = self._table(abi, lambda kind: kind)
        bound: dict[int, Decoder] = {}

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            key = peers[index] & mask
            chosen = bound.get(key)
            if chosen is None:
                kind = cases.get(key)
                if kind is None:
                    return default(raw, peers, call)
                chosen = bound[key] = bind_argument(kind, abi, names)
            return chosen(raw, peers, call)

        return decode


class Deferred:
    """A type declared in a module that is imported when a call first needs it: what few programs do.

    Args:
        find: imports it.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.MIXED

    def __init__(self, find: Callable[[], ArgType]) -> None:
        self._find = find

    def bind_phase(self, abi: Abi, names: Sequence[str]) -> PhaseOf:
        """Make the function from the raw arguments to the phase that the type has with them."""
        found: list[PhaseOf] = []

        def phase(peers: Sequence[int]) -> Phase:
            if not found:
                found.append(phase_of(self._find(), abi, names))
            return found[0](peers)

        return phase

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        found: list[Decoder] = []

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not found:
                found.append(bind_argument(self._find(), abi, names))
            return found[0](raw, peers, call)

        return decode


class WideChoice(Choice):
    """The same for a field of 64 bits."""

    ctype = "u64"


class _Device:
    phase: Final = Phase.PURE

    def __init__(self, ctype: str) -> None:
        self.ctype = ctype

    def bind(self, _abi: Abi, _names: Sequence[str]) -> Decoder:
        return lambda raw, _peers, _call: Device(raw)


def _signal(raw: int) -> Value:
    return signal_name(raw)


def signal_name(number: int) -> Named:
    """Name a signal: SIGINT, SIGRT_3, or no name (0 is the null signal)."""
    from utrace.syscalls.siginfo import SIGNAL_NAMES  # noqa: PLC0415 - siginfo needs these types

    return SignalNumber(number, SIGNAL_NAMES.get(number))


def _inet_address(raw: int) -> Value:
    return Macro("inet_addr", ".".join(str(byte) for byte in raw.to_bytes(4, "little")))


def _version(raw: int) -> Value:
    parts = (SignalNumber(raw >> 16), SignalNumber(raw >> 8 & 0xFF), SignalNumber(raw & 0xFF))
    return Joined(raw, parts, macro="KERNEL_VERSION")


def handler(raw: int) -> Value:
    """Name what a signal does; the address of a function otherwise."""
    return Named(raw, ("SIG_DFL", "SIG_IGN")[raw]) if raw < 2 else Address(raw)


INT: Final = Number("i32")
UINT: Final = Number("u32")
LONG: Final = Number("long")
ULONG: Final = Number("ulong")
SIZE: Final = Number("ulong")
I64: Final = Number("i64")
U64: Final = Number("u64")
U8: Final = Number("u8")
U16: Final = Number("u16")
I16: Final = Number("i16")
OFFSET: Final = Number("long")
#: A place in a file in pages, shown in bytes as other calls take it.
PAGES: Final = Number("ulong", lambda raw: Hex(raw * 4096))
HEX: Final = Number("ulong", Hex)
HEX8: Final = Number("u8", Hex)
HEX16: Final = Number("u16", Hex)
HEX32: Final = Number("u32", Hex)
HEX64: Final = Number("u64", Hex)
MODE: Final = Number("u16", Mode)
MODE32: Final = Number("u32", Mode)
FILE_MODE: Final = Number("u16", FileMode)
FILE_MODE32: Final = Number("u32", FileMode)
FD: Final = Number("i32", Fd)
PID: Final = Number("i32", Pid)
# An id of -1 means "leave it": shown as -1, like the others of 32 bits unsigned.
ID: Final = Number("u32", lambda raw: -1 if raw == 0xFFFFFFFF else raw)
ID16: Final = Number("u16", lambda raw: -1 if raw == 0xFFFF else raw)
SIGNAL: Final = Number("i32", _signal)
RLIMIT: Final = Number("ulong", Rlimit)
RLIMIT32: Final = Number("u32", ShortRlimit)
RLIMIT64: Final = Number("u64", Rlimit)
HANDLER: Final = Number("ulong", handler)
SECONDS_LONG: Final = Number("long", Seconds)
SECONDS: Final = Number("i64", Seconds)
PADDED_HEX: Final = Number("u32", lambda raw: Macro("%08x", raw))
POINTER64: Final = Number("u64", Address)
#: The same in memory, and in structs.
POINTER: Final = Number("ulong", Address)
ADDRESS: Final = Pointer()
MISSING: Final = Missing()
DEVICE: Final = _Device("u32")
VERSION: Final = Number("u32", _version)
INET_ADDRESS: Final = Number("u32", _inet_address)
ACCESS_MODE: Final = Flags("access", "?_OK", zero="F_OK")
MAP_FLAGS: Final = Flags("map", "MAP_???", shift=("MAP_HUGE_SHIFT", 26, 63))
DEVICE64: Final = _Device("u64")
DEVICE_LONG: Final = _Device("ulong")
