"""Struct types: fields declared in order, offsets computed for each convention."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.syscalls.argtypes import Phase
from utrace.syscalls.fields import is_embedded
from utrace.syscalls.tables import constant_values
from utrace.syscalls.values import ABSENT, Address, HiddenItems, Items, Record, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import ArgType, Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.fields import Field
    from utrace.syscalls.pointers import BytesDecoder
    from utrace.syscalls.values import Value

    Step: TypeAlias = Callable[[Sequence[int], bytes, DecodedCall], Value]


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


class Union:
    """A union inside a struct: another field of the struct says which member is meant.

    Args:
        peer: the field.
        constants: the set that the names of the cases come from; "" if they are keyed by number.
        cases: names of values of the field, or numbers, to members.
        default: the member for all other values.
        mask: bits of the field that count.
        size: bytes of the whole, where it has members that are not declared.
    """

    def __init__(
        self,
        peer: str,
        constants: str,
        cases: Mapping[str, Field] | Mapping[int, Field],
        default: Field,
        mask: int = 0xFFFFFFFF,
        size: int = 0,
    ) -> None:
        self._peer, self._constants, self._cases = peer, constants, cases
        self._default, self._mask, self._size = default, mask, size

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        align = self.align(abi)
        widest = max(self._size, *(_extent(kind, abi)[0] for kind in (self._default, *self._cases.values())))
        return -(-widest // align) * align

    def align(self, abi: Abi) -> int:
        """Alignment of the strictest member."""
        return max(_extent(kind, abi)[1] for kind in (self._default, *self._cases.values()))

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function for the default, where the field is not known."""
        return _member(self._default, abi)

    def bind_member(self, abi: Abi, numbers: Sequence[str]) -> Callable[[Sequence[int]], BytesDecoder]:
        """Make the function from the numbers of the struct to what decodes the member they choose."""
        values = constant_values(abi, self._constants) if self._constants else {}
        table: dict[int, BytesDecoder] = {}
        for keys, kind in self._cases.items():
            member = _member(kind, abi)
            found = (
                (keys,) if isinstance(keys, int) else (values[key] for key in keys.split() if key in values)
            )
            table |= {key & 0xFFFFFFFF: member for key in found}
        default, mask, index = _member(self._default, abi), self._mask, numbers.index(self._peer)
        return lambda raw: table.get(raw[index] & mask, default)


class Spliced(Union):
    """A union without a name: the fields of the member stand among those of the struct."""


def _member(kind: Field, abi: Abi) -> BytesDecoder:
    if is_embedded(kind):
        whole = kind.size(abi)
        read = kind.bind_bytes(abi)
        return lambda data, call: read(data[:whole], call)
    size = abi.layout(kind.ctype)[1]
    unpack = abi.unpacker(kind.ctype).unpack
    decode = kind.bind(abi, ())

    def read_number(data: bytes, call: DecodedCall) -> Value:
        number: int = unpack(data[:size])[0]
        return decode(number, (), call)

    return read_number


class Wide:
    """A pointer kept in 64 bits whatever a word has."""

    ctype: Final = "u64"

    def __init__(self, pointer: ArgType) -> None:
        self._pointer = pointer
        self.phase = pointer.phase

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        return self._pointer.bind(abi, names)


class BitFields(Spliced):
    """A word of 32 or 64 bits that is divided into fields: (name, bits) in the order of the declaration.

    Names that begin with an underscore are not shown.

    Args:
        ctype: C type of the word.
        sparse: fields that are 0 are not shown.
        widths: bits of each field.
    """

    def __init__(self, ctype: str = "u32", /, *, sparse: bool = False, **widths: int) -> None:
        self._ctype, self._sparse, self._widths = ctype, sparse, widths

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        return abi.layout(self._ctype)[1]

    def align(self, abi: Abi) -> int:
        """Alignment inside a struct."""
        return abi.align(self.size(abi))

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        shown = tuple(name for name in self._widths if not name.startswith("_"))
        places: list[tuple[int, int]] = []
        at = 0
        for name, width in self._widths.items():
            if name in shown:
                places.append((at, (1 << width) - 1))
            at += width

        sparse = self._sparse

        def read(data: bytes, _call: DecodedCall) -> Value:
            word = int.from_bytes(data, "little")
            values = [word >> shift & mask for shift, mask in places]
            if not sparse:
                return Record(shown, values)
            found = [(name, value) for name, value in zip(shown, values, strict=True) if value]
            return Record(tuple(name for name, _ in found), [value for _, value in found])

        return read

    def bind_member(self, abi: Abi, _numbers: Sequence[str]) -> Callable[[Sequence[int]], BytesDecoder]:
        """Make the function of which every struct has but one."""
        read = self.bind_bytes(abi)
        return lambda _raw: read


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
        numbers = [name for name, kind in self.fields.items() if not is_embedded(kind)]
        unpack = struct.Struct(_format(self, abi, offsets)).unpack
        shown: list[str] = []
        steps: list[Step] = []
        for name, kind in self.fields.items():
            if not name.startswith("_"):
                shown.append(name)
                steps.append(_step(kind, abi, numbers, name, offsets[name]))
        names, brief = tuple(shown), self.brief
        spliced = frozenset(name for name, kind in self.fields.items() if isinstance(kind, Spliced))

        def read(data: bytes, call: DecodedCall) -> Value:
            raw: tuple[int, ...] = unpack(data)
            values = [step(raw, data, call) for step in steps]
            return Record(names, values, brief) if not spliced else _flat(names, values, spliced, brief)

        return read


def _flat(
    names: tuple[str, ...], values: list[Value], spliced: frozenset[str], brief: frozenset[str] | None
) -> Record:
    fields: list[tuple[str, Value]] = []
    for name, value in zip(names, values, strict=True):
        if name not in spliced:
            fields.append((name, value))
        elif isinstance(value, Record):
            fields += value.items()
            if brief is not None and name in brief:
                brief |= frozenset(value.names)
    return Record(tuple(name for name, _ in fields), [value for _, value in fields], brief)


def _extent(kind: Field, abi: Abi) -> tuple[int, int]:
    if is_embedded(kind):
        return kind.size(abi), kind.align(abi)
    size = abi.layout(kind.ctype)[1]
    return size, abi.align(size)


def _format(kind: Struct, abi: Abi, offsets: dict[str, int]) -> str:
    code, at = "<", 0
    for name, field in kind.fields.items():
        if is_embedded(field):
            continue
        offset = offsets[name]
        letter, size, _ = abi.layout(field.ctype)
        code += f"{offset - at}x{letter}"
        at = offset + size
    return code + f"{offsets[''] - at}x"


def _step(kind: Field, abi: Abi, numbers: Sequence[str], name: str, offset: int) -> Step:
    if is_embedded(kind):
        end = offset + kind.size(abi)
        if isinstance(kind, Union):
            choose = kind.bind_member(abi, numbers)
            return lambda raw, data, call: choose(raw)(data[offset:end], call)
        read = kind.bind_bytes(abi)
        return lambda _raw, data, call: read(data[offset:end], call)
    decode = kind.bind(abi, numbers)
    index = numbers.index(name)
    return lambda raw, _data, call: decode(raw[index], raw, call)


class Packed(Struct):
    """A struct without padding."""

    def offsets(self, abi: Abi) -> dict[str, int]:
        """Offset of each field, and the size of the whole under the name ""."""
        offset = 0
        found: dict[str, int] = {}
        for name, kind in self.fields.items():
            found[name] = offset
            offset += _extent(kind, abi)[0]
        found[""] = offset
        return found


class Ordered(Struct):
    """A struct whose fields are shown in another order, and perhaps not all.

    Args:
        order: the names in the order of text.
        fields: as of a `Struct`.
    """

    def __init__(self, order: str, /, **fields: Field) -> None:
        super().__init__(**fields)
        self._order = tuple(order.split())

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a `Record`."""
        read = super().bind_bytes(abi)
        order = self._order

        def read_ordered(data: bytes, call: DecodedCall) -> Value:
            record = read(data, call)
            return Record(order, [record[name] for name in order]) if isinstance(record, Record) else record

        return read_ordered


class Hidden:
    """A pointer to elements that brief text does not follow."""

    def __init__(self, array: ArgType) -> None:
        self._array = array
        self.ctype, self.phase = array.ctype, array.phase

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        decode = self._array.bind(abi, names)

        def decode_hidden(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            value = decode(raw, peers, call)
            if not isinstance(value, Items):
                return value
            hidden = HiddenItems(value, is_cut=value.is_cut, tail=value.tail)
            hidden.address = raw
            return hidden

        return decode_hidden


class SelfSized:
    """A pointer to a struct with its size in a field of that name.

    Args:
        pointee: the struct.
        least: the size below which nothing is shown but the size, where it is the first field.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, pointee: Struct, least: int) -> None:
        self._pointee, self._least = pointee, least

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        read = Sized(self._pointee, "size").bind(abi, ("size",))
        at = self._pointee.offsets(abi)["size"]
        least = self._least

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            head = call.memory.read(raw + at, 4) if raw else b""
            if len(head) < 4:
                return Address(raw)
            size = int.from_bytes(head, "little")
            if size < least:
                return Address(raw) if at else Record(("size",), (size,))
            return read(raw, (size,), call)

        return decode


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
