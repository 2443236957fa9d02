"""Structs that ioctl passes to terminals, interfaces, files and devices."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.argtypes import Phase
from utrace.syscalls.sockets import AnyAddress, decode_address
from utrace.syscalls.structs import Bytes, Chars, Pad, Repeat, Struct
from utrace.syscalls.tables import enum_decoder
from utrace.syscalls.values import Address, Fd, HardwareAddress, Items, Multiple, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.fields import Field
    from utrace.syscalls.pointers import BytesDecoder
    from utrace.syscalls.values import Value

#: A descriptor kept in 64 bits.
WIDE_FD: Final = t.Number("i64", Fd)

# -- network interfaces -----------------------------------------------------------------------------

_NAME_SIZE: Final = 16


class _HardwareAddress(AnyAddress):
    """A sockaddr that holds the address of a card."""

    #: Types of cards with addresses of six bytes.
    _ETHERNET: Final = frozenset({1, 772})
    _ETHERNET_SIZE: Final = 6

    def __init__(self) -> None:
        super().__init__(16)

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        type_of = enum_decoder(abi, "link_type", "ARPHRD_???")

        def read(data: bytes, _call: DecodedCall) -> Value:
            kind = int.from_bytes(data[:2], "little")
            shown = data[2 : 2 + self._ETHERNET_SIZE] if kind in self._ETHERNET else data[2:16]
            return Record(("sa_family", "sa_data"), (type_of(kind), HardwareAddress(shown)))

        return read


SOCKET_ADDRESS: Final = AnyAddress(16)
HARDWARE_ADDRESS: Final = _HardwareAddress()
INTERFACE_NAME: Final = Chars(_NAME_SIZE)
INTERFACE_MAP: Final = Struct(
    mem_start=t.HEX, mem_end=t.HEX, base_addr=t.HEX16, irq=t.HEX8, dma=t.HEX8, port=t.HEX8, _pad=Pad(3)
)


INTERFACE_FLAGS: Final = t.Flags("interface_flags", "IFF_???", "u16")
TUN_FLAGS: Final = t.Flags("tun_flags", "IFF_???")
TUN_REQUEST: Final = Struct(ifr_name=INTERFACE_NAME, ifr_flags=t.Flags("tun_flags", "IFF_???", "u16"))
ONE_CHARACTER: Final = Bytes(1)


class InterfaceRequest:
    """The ifreq of one request: who is asked about, and the answer once there is one.

    Args:
        given: the field that says who, and its type; its name is first.
        found: the field of the answer.
        asks: the kernel fills in `found`; otherwise it is passed.
    """

    ctype: Final = "ulong"

    def __init__(self, given: tuple[str, Field], found: tuple[str, Field], *, asks: bool) -> None:
        self._given, self._found, self._asks = given, found, asks
        self.phase = Phase.MERGED if asks else Phase.EARLY

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        names = (self._given[0], self._found[0])
        by_index = not isinstance(self._given[1], Chars)
        places = ((_NAME_SIZE, self._given[1]), (0, self._found[1]))
        if not by_index:
            places = ((0, self._given[1]), (_NAME_SIZE, self._found[1]))
        parts = [(at, *bound(kind, abi)) for at, kind in places]
        size = max(at + length for at, length, _ in parts)

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            data = call.memory.read(raw, size) if raw else b""
            if len(data) < size:
                return Address(raw)
            answered = not self._asks or (call.result is not None and not call.result.is_error)
            shown = parts if answered else parts[:1]
            values = [read(data[at : at + length], call) for at, length, read in shown]
            return Record(names[: len(values)], values)

        return decode


def bound(kind: Field, abi: Abi) -> tuple[int, BytesDecoder]:
    """Give the size of a field that stands alone, and what decodes its bytes."""
    record = Struct(field=kind)
    size, read = record.size(abi), record.bind_bytes(abi)

    def read_field(data: bytes, call: DecodedCall) -> Value:
        value = read(data, call)
        return value["field"] if isinstance(value, Record) else value

    return size, read_field


def by_name(field: str, kind: Field, *, asks: bool) -> InterfaceRequest:
    """Declare a request about an interface by its name."""
    return InterfaceRequest(("ifr_name", INTERFACE_NAME), (field, kind), asks=asks)


class InterfaceList:
    """The ifconf of SIOCGIFCONF: how much room there is, then all interfaces that have an address."""

    ctype: Final = "ulong"
    phase: Final = Phase.MERGED

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        layout = struct.Struct("<i4xQ" if abi.word == 8 else "<iI")
        one = _NAME_SIZE + 24 if abi.word == 8 else _NAME_SIZE + 16
        read_name = INTERFACE_NAME.bind_bytes(abi)

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            data = call.memory.read(raw, layout.size) if raw else b""
            if len(data) < layout.size:
                return Address(raw)
            length, buffer = layout.unpack(data)
            room = Multiple(length, one, "struct ifreq")
            answered = call.result is not None and not call.result.is_error
            if not answered and buffer:
                return Record(("ifc_len",), (room,))
            found: Value = Address(buffer)
            if buffer and length >= 0:
                count = min(length // one, call.limits.items)
                held = call.memory.read(buffer, count * one)
                found = Items(
                    [
                        Record(
                            ("ifr_name", "ifr_addr"),
                            (
                                read_name(held[at : at + _NAME_SIZE], call),
                                decode_address(held[at + _NAME_SIZE : at + _NAME_SIZE + 16], call),
                            ),
                        )
                        for at in range(0, len(held) - one + 1, one)
                    ],
                    is_cut=length // one > count,
                )
            return Record(("ifc_len", "ifc_buf"), (room, found))

        return decode


# -- files ------------------------------------------------------------------------------------------

_EXTENT: Final = Struct(
    fe_logical=t.U64,
    fe_physical=t.U64,
    fe_length=t.U64,
    _reserved64=Pad(16, 8),
    fe_flags=t.Flags("fiemap_extent", "FIEMAP_EXTENT_???"),
    _reserved=Pad(12, 4),
)
_DEDUPED: Final = Struct(
    dest_fd=WIDE_FD,
    dest_offset=t.U64,
    bytes_deduped=t.U64,
    status=t.Enum("dedupe_status", ctype="i32", otherwise=t.INT),
    _reserved=t.UINT,
)


class Listed:
    """A struct with an array behind it: what was asked before the call, what came after.

    Args:
        head: the fields before the array.
        element: of the array.
        count: the field that says how many there are, before the call and after.
        before: the fields that were asked; a name of the array with those of its elements.
        after: the fields that came.
        brief: the fields that came that brief text shows.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.BOTH

    def __init__(
        self,
        head: Struct,
        element: Struct,
        array: str,
        *,
        count: tuple[str, str],
        before: str,
        after: str,
        elements: tuple[str, str],
        brief: str = "",
    ) -> None:
        self._head, self._element, self._array, self._count = head, element, array, count
        self._shown = (tuple(before.split()), tuple(after.split()))
        self._elements = (tuple(elements[0].split()), tuple(elements[1].split()))
        self._brief = frozenset(brief.split()) or None

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        head_size, read_head = self._head.size(abi), self._head.bind_bytes(abi)
        size, read = self._element.size(abi), self._element.bind_bytes(abi)

        def elements(raw: int, count: int, names: tuple[str, ...], call: DecodedCall) -> Value:
            wanted = min(count, call.limits.items)
            held = call.memory.read(raw, wanted * size)
            found = [read(held[at : at + size], call) for at in range(0, len(held) - size + 1, size)]
            values = [_picked(one, names) for one in found if isinstance(one, Record)]
            return Items(values, is_cut=count > wanted)

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            data = call.memory.read(raw, head_size) if raw else b""
            head = read_head(data, call) if len(data) == head_size else None
            if not isinstance(head, Record):
                return Address(raw)
            came = call.result is not None and not call.result.is_error
            shown = _picked(head, self._shown[came])
            room, count = head[self._count[0]], head[self._count[came]]
            if not (self._elements[came] and isinstance(room, int) and isinstance(count, int)):
                return shown
            array = elements(raw + head_size, min(count, room), self._elements[came], call)
            brief = self._brief if came else None
            return Record((*shown.names, self._array), [*shown.values, array], brief)

        return decode


def _picked(record: Record, names: tuple[str, ...]) -> Record:
    return Record(names, [record[name] for name in names])


FIEMAP: Final = Listed(
    Struct(
        fm_start=t.U64,
        fm_length=t.U64,
        fm_flags=t.Flags("fiemap_flags", "FIEMAP_FLAG_???"),
        fm_mapped_extents=t.UINT,
        fm_extent_count=t.UINT,
        _reserved=t.UINT,
    ),
    _EXTENT,
    "fm_extents",
    count=("fm_extent_count", "fm_mapped_extents"),
    before="fm_start fm_length fm_flags fm_extent_count",
    after="fm_flags fm_mapped_extents",
    elements=("", "fe_logical fe_physical fe_length fe_flags"),
    brief="fm_flags fm_mapped_extents",
)
DEDUPE: Final = Listed(
    Struct(src_offset=t.U64, src_length=t.U64, dest_count=t.U16, _reserved1=t.U16, _reserved2=t.UINT),
    _DEDUPED,
    "info",
    count=("dest_count", "dest_count"),
    before="src_offset src_length dest_count",
    after="",
    elements=("dest_fd dest_offset", "bytes_deduped status"),
)
TRIM: Final = Struct(start=t.U64, len=t.U64, minlen=t.U64)

_LOOP_FLAGS: Final = t.Flags("loop_flags", "LO_FLAGS_???")
_LOOP_CRYPT: Final = t.Enum("loop_crypt", "LO_CRYPT_???")
LOOP_INFO: Final = Struct(
    "lo_number lo_offset lo_flags lo_name",
    lo_number=t.INT,
    lo_device=t.DEVICE_LONG,
    lo_inode=t.ULONG,
    lo_rdevice=t.DEVICE_LONG,
    lo_offset=t.INT,
    lo_encrypt_type=_LOOP_CRYPT,
    lo_encrypt_key_size=t.INT,
    lo_flags=_LOOP_FLAGS,
    lo_name=Chars(64),
    lo_encrypt_key=Chars(32),
    lo_init=Repeat(t.HEX, 2),
    reserved=Repeat(t.HEX8, 4),
)
LOOP_INFO64: Final = Struct(
    "lo_offset lo_number lo_flags lo_file_name",
    lo_device=t.DEVICE64,
    lo_inode=t.U64,
    lo_rdevice=t.DEVICE64,
    lo_offset=t.HEX64,
    lo_sizelimit=t.U64,
    lo_number=t.UINT,
    lo_encrypt_type=_LOOP_CRYPT,
    lo_encrypt_key_size=t.UINT,
    lo_flags=_LOOP_FLAGS,
    lo_file_name=Chars(64),
    lo_crypt_name=Chars(64),
    lo_encrypt_key=Chars(32),
    lo_init=Repeat(t.HEX64, 2),
)
LOOP_CONFIG: Final = Struct(fd=t.FD, block_size=t.UINT, info=LOOP_INFO64, _reserved=Pad(64, 8))

# -- clocks, page faults, watchdogs, input devices --------------------------------------------------

RTC_TIME: Final = Struct(
    "tm_sec tm_min tm_hour tm_mday tm_mon tm_year",
    tm_sec=t.INT,
    tm_min=t.INT,
    tm_hour=t.INT,
    tm_mday=t.INT,
    tm_mon=t.INT,
    tm_year=t.INT,
    tm_wday=t.INT,
    tm_yday=t.INT,
    tm_isdst=t.INT,
)
RTC_ALARM: Final = Struct(enabled=t.U8, pending=t.U8, time=RTC_TIME)


class Filled(Struct):
    """A struct of which the kernel fills in the last field.

    Args:
        fields: as of a `Struct`.
    """

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a `Record`."""
        read = super().bind_bytes(abi)

        def read_filled(data: bytes, call: DecodedCall) -> Value:
            record = read(data, call)
            answered = call.result is not None and not call.result.is_error
            if answered or not isinstance(record, Record):
                return record
            return Record(record.names[:-1], record.values[:-1])

        return read_filled


_RANGE: Final = Struct(start=t.HEX64, len=t.HEX64)
_UFFD_IOCTLS: Final = t.Flags("uffd_ioctls", "1<<_UFFDIO_???", "u64")
UFFD_RANGE: Final = _RANGE
UFFD_API: Final = Filled(
    api=t.HEX64, features=t.Flags("uffd_features", "UFFD_FEATURE_???", "u64"), ioctls=_UFFD_IOCTLS
)
UFFD_REGISTER: Final = Filled(
    range=_RANGE, mode=t.Flags("uffd_register", "UFFDIO_REGISTER_MODE_???", "u64"), ioctls=_UFFD_IOCTLS
)
UFFD_COPY: Final = Filled(
    dst=t.HEX64,
    src=t.HEX64,
    len=t.HEX64,
    mode=t.Flags("uffd_copy", "UFFDIO_COPY_MODE_???", "u64"),
    copy=t.HEX64,
)
UFFD_ZEROPAGE: Final = Filled(
    range=_RANGE, mode=t.Flags("uffd_zeropage", "UFFDIO_ZEROPAGE_MODE_???", "u64"), zeropage=t.HEX64
)
UFFD_WRITEPROTECT: Final = Struct(
    range=_RANGE, mode=t.Flags("uffd_writeprotect", "UFFDIO_WRITEPROTECT_MODE_???", "u64")
)


INPUT_ID: Final = Struct(bustype=t.HEX16, vendor=t.HEX16, product=t.HEX16, version=t.HEX16)
INPUT_AXIS: Final = Struct(
    value=t.INT, minimum=t.INT, maximum=t.INT, fuzz=t.INT, flat=t.INT, resolution=t.INT
)
WATCHDOG_INFO: Final = Struct(
    options=t.Flags("watchdog_flags", "WDIOF_???"), firmware_version=t.UINT, identity=Chars(32)
)
SERIAL_COUNTS: Final = Struct(
    cts=t.INT,
    dsr=t.INT,
    rng=t.INT,
    dcd=t.INT,
    rx=t.INT,
    tx=t.INT,
    frame=t.INT,
    overrun=t.INT,
    parity=t.INT,
    brk=t.INT,
    buf_overrun=t.INT,
    _reserved=Repeat(t.INT, 9),
)
