"""Argument types that read the task's memory: strings, buffers, arrays, and out-parameters."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from utrace.syscalls.argtypes import Phase
from utrace.syscalls.values import Address, BinaryText, Environment, FdSet, Items, PathText, SignalSet, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import ArgType, Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.values import Value

    BytesDecoder: TypeAlias = Callable[[bytes, DecodedCall], Value]
    Counter: TypeAlias = Callable[[Sequence[int], DecodedCall], int]

PATH_MAX: Final = 4096


class Pointee(Protocol):
    """Something of fixed size in memory."""

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        ...

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        ...


class Cell:
    """One number in memory."""

    def __init__(self, kind: ArgType) -> None:
        self.kind = kind

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        return abi.layout(self.kind.ctype)[1]

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        unpack = abi.unpacker(self.kind.ctype).unpack
        decode = self.kind.bind(abi, ())

        def read(data: bytes, call: DecodedCall) -> Value:
            number: int = unpack(data)[0]
            return decode(number, (), call)

        return read


class Count(Protocol):
    """How many elements or bytes: a number, the name of a sibling, or one of the classes below."""

    def bind_count(self, abi: Abi, names: Sequence[str]) -> Counter:
        """Make the function that counts."""
        ...


class Returned:
    """As many as the call returned."""

    def bind_count(self, _abi: Abi, _names: Sequence[str]) -> Counter:
        """Make the function that counts."""
        return lambda _peers, call: call.result.value if call.result is not None else 0


class At:
    """As many as the integer says that a sibling points to."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def bind_count(self, _abi: Abi, names: Sequence[str]) -> Counter:
        """Make the function that counts."""
        index = names.index(self._peer)

        def count(peers: Sequence[int], call: DecodedCall) -> int:
            data = call.memory.read(peers[index], 4)
            return int.from_bytes(data, "little", signed=True) if len(data) == 4 else 0

        return count


class Chunks:
    """As many as it takes to hold what a sibling tells: words of a mask of bits, pages of a range.

    Args:
        peer: the sibling.
        size: how much one holds.
    """

    def __init__(self, peer: str, size: int) -> None:
        self._peer, self._size = peer, size

    def bind_count(self, _abi: Abi, names: Sequence[str]) -> Counter:
        """Make the function that counts."""
        index, size = names.index(self._peer), self._size
        return lambda peers, _call: -(-peers[index] // size)


RETURNED: Final = Returned()

AnyCount: TypeAlias = "int | str | Count"


def bind_count(count: AnyCount, abi: Abi, names: Sequence[str]) -> Counter:
    """Make the function that counts."""
    if isinstance(count, int):
        fixed = count
        return lambda _peers, _call: fixed
    if isinstance(count, str):
        index = names.index(count)
        mask = abi.mask
        return lambda peers, _call: peers[index] & mask
    return count.bind_count(abi, names)


class String:
    """A NUL-terminated string, read up to the limit of the call."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def bind(self, _abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            limit = call.limits.text
            data, terminated = call.memory.read_cstring(raw, limit + 1)
            if terminated:
                return Text(data, raw, is_string=True)
            if len(data) <= limit:
                return Address(raw)
            return Text(data[:limit], raw, is_cut=True, is_string=True)

        return decode


class TaskName:
    """The name of a thread: the kernel reads 15 bytes of it, and text shows as many."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _LENGTH: Final = 15

    def bind(self, _abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            data, terminated = call.memory.read_cstring(raw, self._LENGTH + 1) if raw else (b"", False)
            if not terminated and len(data) <= self._LENGTH:
                return Address(raw)
            return Text(data[: self._LENGTH], raw, is_cut=not terminated, is_string=True)

        return decode


class Path:
    """A file name: always read whole."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def bind(self, _abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            data, terminated = call.memory.read_cstring(raw, PATH_MAX)
            if terminated:
                return PathText(data, raw, is_string=True)
            if len(data) < PATH_MAX:
                return Address(raw)
            return PathText(data[: PATH_MAX - 1], raw, is_cut=True, is_string=True)

        return decode


class Buffer:
    """Bytes whose number another argument or the result tells.

    Args:
        count: how many.
        binary: they are no text: shown as hexadecimal escapes.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, count: AnyCount, *, binary: bool = False) -> None:
        self._count, self._binary = count, binary

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        counter = bind_count(self._count, abi, names)
        binary = self._binary

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            value = read_text(raw, counter(peers, call), call)
            if binary and isinstance(value, Text):
                return BinaryText(value, raw, is_cut=value.is_cut)
            return value

        return decode


def read_text(address: int, size: int, call: DecodedCall) -> Value:
    """Read bytes up to the limit of the call; the address if they cannot be read."""
    limit = call.limits.text
    wanted = min(size, limit)
    if wanted <= 0:
        return Text(b"", address)
    data = call.memory.read(address, wanted)
    if len(data) < wanted:
        return Address(address)
    return Text(data, address, is_cut=size > limit)


class Ptr:
    """A pointer to something of fixed size: a struct, or one number (then an array of one)."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, pointee: Pointee | ArgType) -> None:
        self._pointee = pointee

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        single = hasattr(self._pointee, "ctype")
        pointee = as_pointee(self._pointee)
        size = pointee.size(abi)
        read = pointee.bind_bytes(abi)

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            data = call.memory.read(raw, size)
            if len(data) < size:
                return Address(raw)
            value = read(data, call)
            return Items((value,)) if single else value

        return decode


def as_pointee(kind: Pointee | ArgType) -> Pointee:
    """Take a struct as it is, and a number as the cell that holds it."""
    return kind if hasattr(kind, "bind_bytes") else Cell(kind)  # type: ignore[return-value]


class Array:
    """Several things of fixed size, one after the other."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, element: Pointee | ArgType, count: AnyCount, *, exact: bool = False) -> None:
        self._element, self._count, self._exact = element, count, exact

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        element = as_pointee(self._element)
        size = element.size(abi)
        read = element.bind_bytes(abi)
        counter = bind_count(self._count, abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            count = counter(peers, call)
            if count <= 0:
                return Items()
            wanted = min(count, call.limits.items)
            data = call.memory.read(raw, wanted * size)
            whole = len(data) // size
            if not whole:
                return Address(raw)
            values = [read(data[i * size : (i + 1) * size], call) for i in range(whole)]
            tail = Address(raw + whole * size) if whole < wanted else None
            return Items(values, is_cut=tail is None and count > wanted, tail=tail)

        return decode


class StringArray:
    """argv: pointers to strings, ended by NULL."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        word = abi.word
        string = String().bind(abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            limit = call.limits.items
            pointers, ended = read_pointers(raw, limit + 1, word, call)
            if not pointers and not ended:
                return Address(raw)
            is_cut = len(pointers) > limit
            values = [string(pointer, peers, call) for pointer in pointers[:limit]]
            tail = None if ended or is_cut else Address(raw + len(pointers) * word)
            return Items(values, is_cut=is_cut, tail=tail)

        return decode


class EnvArray:
    """envp: counted, and read as far as the limits of the call allow."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _MAX: Final = 1 << 16

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        word = abi.word
        strings = StringArray().bind(abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            pointers, ended = read_pointers(raw, self._MAX, word, call)
            if not ended and not pointers:
                return Environment(raw)
            variables = strings(raw, peers, call)
            return Environment(raw, len(pointers), variables if isinstance(variables, Items) else None)

        return decode


def read_pointers(address: int, count_max: int, word: int, call: DecodedCall) -> tuple[list[int], bool]:
    """Read pointers up to a NULL; tell whether the NULL was reached."""
    found: list[int] = []
    code = "Q" if word == 8 else "I"
    chunk = 32
    while len(found) < count_max:
        wanted = min(chunk, count_max - len(found))
        data = call.memory.read(address + len(found) * word, wanted * word)
        whole = len(data) // word
        pointers: tuple[int, ...] = struct.unpack(f"<{whole}{code}", data[: whole * word])
        if 0 in pointers:
            found += pointers[: pointers.index(0)]
            return found, True
        found += pointers
        if whole < wanted:
            return found, False
        chunk *= 4
    return found, False


class Signals:
    """A signal set of the size the kernel uses."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, size: int = 8) -> None:
        self._size = size

    def bind(self, _abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        size = self._size

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            data = call.memory.read(raw, size)
            if len(data) < size:
                return Address(raw)
            return signal_set(int.from_bytes(data, "little"))

        return decode


def signal_set(bits: int) -> SignalSet:
    """Turn the kernel's mask (bit n-1 is signal n) into a set."""
    return SignalSet(i + 1 for i in range(bits.bit_length()) if bits >> i & 1)


class SignalMask:
    """A signal set inside a struct."""

    def __init__(self, size: int = 8) -> None:
        self._size = size

    def size(self, _abi: Abi) -> int:
        """Bytes it takes."""
        return self._size

    def align(self, abi: Abi) -> int:
        """Alignment inside a struct."""
        return abi.word

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        return lambda data, _call: signal_set(int.from_bytes(data, "little"))


class Descriptors:
    """An fd_set of `count` bits."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _MAX: Final = 1024 * 64

    def __init__(self, count: str) -> None:
        self._count = count

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index(self._count)
        word = abi.word

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            bits = min(peers[index] & 0xFFFFFFFF, self._MAX)
            size = -(-bits // (word * 8)) * word
            data = call.memory.read(raw, size)
            if len(data) < size:
                return Address(raw)
            mask = int.from_bytes(data, "little") & ((1 << bits) - 1)
            return FdSet(i for i in range(mask.bit_length()) if mask >> i & 1)

        return decode


def _pointer_to(inner: Pointee | ArgType) -> ArgType:
    """Take a type that reads memory as it is; anything else is what the pointer points to."""
    phase: Phase = getattr(inner, "phase", Phase.PURE)
    return Ptr(inner) if phase is Phase.PURE else inner  # type: ignore[return-value]


class Out:
    """What the call writes: an address until it has returned successfully."""

    phase: Final = Phase.LATE
    ctype: Final = "ulong"

    def __init__(self, inner: Pointee | ArgType, *, also_on_error: bool = False) -> None:
        self._inner = _pointer_to(inner)
        self._also_on_error = also_on_error

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        decode_inner = self._inner.bind(abi, names)
        also_on_error = self._also_on_error

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            result = call.result
            if result is None or (result.is_error and not also_on_error):
                return Address(raw)
            return decode_inner(raw, peers, call)

        return decode


class InOut:
    """What the call reads and writes.

    Attributes:
        noted: text shows the value after the call beside the result, not among the arguments.
    """

    ctype: Final = "ulong"

    def __init__(self, inner: Pointee | ArgType, *, noted: bool = False, merged: bool = False) -> None:
        self._inner = _pointer_to(inner)
        self.noted = noted
        self.phase = Phase.MERGED if merged else Phase.BOTH

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function; `DecodedCall` applies it before and after."""
        return self._inner.bind(abi, names)
