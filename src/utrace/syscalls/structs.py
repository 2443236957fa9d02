"""Struct types: fields declared in order, offsets computed for each convention."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, runtime_checkable

from utrace.syscalls.argtypes import Phase
from utrace.syscalls.values import ABSENT, Address, Items, Record, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import ArgType
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import BytesDecoder
    from utrace.syscalls.values import Value

    Step: TypeAlias = Callable[[Sequence[int], bytes, DecodedCall], Value]


@runtime_checkable
class Embedded(Protocol):
    """A field that is more than one number: a struct, an array, a signal set."""

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        ...

    def align(self, abi: Abi) -> int:
        """Alignment of its first byte."""
        ...

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        ...


Field: TypeAlias = "ArgType | Embedded"


class Chars:
    """A fixed array of characters that ends at its first NUL."""

    def __init__(self, length: int) -> None:
        self._length = length

    def size(self, _abi: Abi) -> int:
        """Bytes it takes."""
        return self._length

    def align(self, _abi: Abi) -> int:
        """Alignment inside a struct."""
        return 1

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        return lambda data, _call: Text(data.split(b"\0", 1)[0], is_string=True)


class Bytes:
    """A fixed array of bytes."""

    def __init__(self, length: int) -> None:
        self._length = length

    def size(self, _abi: Abi) -> int:
        """Bytes it takes."""
        return self._length

    def align(self, _abi: Abi) -> int:
        """Alignment inside a struct."""
        return 1

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        return lambda data, _call: Text(data)


class Pad:
    """Bytes that nobody shows.

    Args:
        length: how many.
        align: alignment of the first.
        length_32: how many where a word has 32 bits, if that differs.
    """

    def __init__(self, length: int, align: int = 1, length_32: int | None = None) -> None:
        self._length, self._align = length, align
        self._length_32 = length if length_32 is None else length_32

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        return self._length if abi.word == 8 else self._length_32

    def align(self, _abi: Abi) -> int:
        """Alignment inside a struct."""
        return self._align

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        return lambda _data, _call: ABSENT


class Repeat:
    """A fixed array of numbers."""

    def __init__(self, kind: ArgType, count: int) -> None:
        self._kind, self._count = kind, count

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        return abi.layout(self._kind.ctype)[1] * self._count

    def align(self, abi: Abi) -> int:
        """Alignment inside a struct."""
        return abi.align(abi.layout(self._kind.ctype)[1])

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        unpack = struct.Struct(f"<{self._count}{abi.layout(self._kind.ctype)[0]}").unpack
        decode = self._kind.bind(abi, ())

        def read(data: bytes, call: DecodedCall) -> Value:
            numbers: tuple[int, ...] = unpack(data)
            return Items([decode(number, numbers, call) for number in numbers])

        return read


class Struct:
    """A C struct with natural alignment.

    Args:
        brief: names of the fields that abbreviated text shows; "" shows all.
        fields: every field in the order of the declaration; names that begin with an underscore are
            not shown, but siblings may count on them.
    """

    def __init__(self, brief: str = "", /, **fields: Field) -> None:
        self.fields: Final = fields
        self.brief: Final = frozenset(brief.split()) or None

    def offsets(self, abi: Abi) -> dict[str, int]:
        """Offset of each field, and the size of the whole under the name ""."""
        offset, widest = 0, 1
        found: dict[str, int] = {}
        for name, kind in self.fields.items():
            size, align = _extent(kind, abi)
            offset = -(-offset // align) * align
            found[name] = offset
            offset += size
            widest = max(widest, align)
        found[""] = -(-offset // widest) * widest
        return found

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        return self.offsets(abi)[""]

    def align(self, abi: Abi) -> int:
        """Alignment inside another struct."""
        return max((_extent(kind, abi)[1] for kind in self.fields.values()), default=1)

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a `Record`."""
        offsets = self.offsets(abi)
        numbers = [name for name, kind in self.fields.items() if not isinstance(kind, Embedded)]
        unpack = struct.Struct(_format(self, abi, offsets)).unpack
        shown: list[str] = []
        steps: list[Step] = []
        for name, kind in self.fields.items():
            if not name.startswith("_"):
                shown.append(name)
                steps.append(_step(kind, abi, numbers, name, offsets[name]))
        names, brief = tuple(shown), self.brief

        def read(data: bytes, call: DecodedCall) -> Value:
            raw: tuple[int, ...] = unpack(data)
            return Record(names, [step(raw, data, call) for step in steps], brief)

        return read


def _extent(kind: Field, abi: Abi) -> tuple[int, int]:
    if isinstance(kind, Embedded):
        return kind.size(abi), kind.align(abi)
    size = abi.layout(kind.ctype)[1]
    return size, abi.align(size)


def _format(kind: Struct, abi: Abi, offsets: dict[str, int]) -> str:
    code, at = "<", 0
    for name, field in kind.fields.items():
        if isinstance(field, Embedded):
            continue
        offset = offsets[name]
        letter, size, _ = abi.layout(field.ctype)
        code += f"{offset - at}x{letter}"
        at = offset + size
    return code + f"{offsets[''] - at}x"


def _step(kind: Field, abi: Abi, numbers: Sequence[str], name: str, offset: int) -> Step:
    if isinstance(kind, Embedded):
        read = kind.bind_bytes(abi)
        end = offset + kind.size(abi)
        return lambda _raw, data, call: read(data[offset:end], call)
    decode = kind.bind(abi, numbers)
    index = numbers.index(name)
    return lambda raw, _data, call: decode(raw[index], raw, call)


class Sized:
    """A pointer to a struct whose size the caller tells: newer kernels append fields.

    Fields beyond the told size are not shown.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, pointee: Struct, size: str) -> None:
        self._pointee, self._size = pointee, size

    def bind(self, abi: Abi, names: Sequence[str]) -> Callable[[int, Sequence[int], DecodedCall], Value]:
        """Make the decoding function."""
        offsets = self._pointee.offsets(abi)
        whole = offsets[""]
        read = self._pointee.bind_bytes(abi)
        index = names.index(self._size)
        ends = [offsets[name] for name in self._pointee.fields if not name.startswith("_")]

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            told = min(peers[index] & abi.mask, whole)
            data = call.memory.read(raw, told)
            if len(data) < told or not told:
                return Address(raw)
            record = read(data.ljust(whole, b"\0"), call)
            if told < whole and isinstance(record, Record):
                count = sum(offset < told for offset in ends)
                return Record(record.names[:count], record.values[:count], record.brief)
            return record

        return decode
