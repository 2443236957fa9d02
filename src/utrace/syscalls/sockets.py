"""Argument types of the socket calls: addresses and messages."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from utrace.syscalls.argtypes import Enum, Phase
from utrace.syscalls.pointers import bind_count, read_text
from utrace.syscalls.tables import enum_decoder, enum_names, flags_decoder
from utrace.syscalls.values import (
    Address,
    Hex,
    InterfaceIndex,
    Items,
    Macro,
    Named,
    PathText,
    Pid,
    Record,
    Text,
    Value,
)
from utrace.syscalls.vectors import IoVector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import AnyCount, BytesDecoder

_SOCKADDR_MAX: Final = 128
_SOCKADDR_SIZE: Final = 16
_FAMILY_SIZE: Final = 2

_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK, AF_PACKET, _AF_ALG, _AF_VSOCK = 1, 2, 10, 16, 17, 38, 40


def _unix(data: bytes, _abi: Abi) -> list[tuple[str, Value]]:
    path = data[2:]
    if not path:
        return []
    if path[0]:
        return [("sun_path", PathText(path.split(b"\0", 1)[0], is_string=True))]
    # Abstract names begin with NUL and may hold more of them.
    return [("sun_path", Macro("@", PathText(path[1:])))]


def _inet(data: bytes, _abi: Abi) -> list[tuple[str, Value]]:
    if len(data) < 8:
        return _other(data)
    port = int.from_bytes(data[2:4], "big")
    return [
        ("sin_port", Macro("htons", port)),
        ("sin_addr", Macro("inet_addr", ".".join(map(str, data[4:8])))),
    ]


def _inet6(data: bytes, _abi: Abi) -> list[tuple[str, Value]]:
    if len(data) < 24:
        return _other(data)
    fields: list[tuple[str, Value]] = [
        ("sin6_port", Macro("htons", int.from_bytes(data[2:4], "big"))),
        ("sin6_flowinfo", Macro("htonl", int.from_bytes(data[4:8], "big"))),
        ("sin6_addr", Macro("inet_pton", inet6_text(data[8:24]))),
    ]
    if len(data) >= 28:
        scope = int.from_bytes(data[24:28], "little")
        # Only there is the scope an interface: fe80::/10 and ff02::/16.
        is_local = int.from_bytes(data[8:10], "big") & 0xFFC0 == 0xFE80 or data[8:10] == b"\xff\x02"
        fields.append(("sin6_scope_id", InterfaceIndex(scope) if is_local else scope))
    return fields


def inet6_text(data: bytes) -> str:
    """Write an IPv6 address as inet_ntop does: mapped IPv4 addresses with dots."""
    import ipaddress  # noqa: PLC0415 — for those alone that have such an address

    address = ipaddress.IPv6Address(data)
    return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped is not None else str(address)


def _netlink(data: bytes, _abi: Abi) -> list[tuple[str, Value]]:
    if len(data) < 12:
        return _other(data)
    pid, groups = struct.unpack_from("<II", data, 4)
    return [("nl_pid", Pid(pid)), ("nl_groups", Macro("%08x", groups))]


def _packet(data: bytes, abi: Abi) -> list[tuple[str, Value]]:
    if len(data) < 20:
        return _other(data)
    protocol, index, card, kind, length = struct.unpack_from("<2xHiHBB", data)
    return [
        ("sll_protocol", ethertype(protocol, abi)),
        ("sll_ifindex", InterfaceIndex(index)),
        ("sll_hatype", enum_decoder(abi, "link_type", "ARPHRD_???")(card)),
        ("sll_pkttype", enum_decoder(abi, "packet_type", "PACKET_???")(kind)),
        ("sll_halen", length),
        ("sll_addr", Items([Hex(byte) for byte in data[12 : 12 + min(length, 8)]])),
    ]


def ethertype(number: int, abi: Abi) -> Macro:
    """Name a protocol of network cards, which is kept in the order of the network."""
    protocol = (number & 0xFF) << 8 | number >> 8 & 0xFF
    return Macro("htons", enum_decoder(abi, "ethertype", "ETH_P_???")(protocol))


def _alg(data: bytes, _abi: Abi) -> list[tuple[str, Value]]:
    if len(data) < 25:
        return _other(data)
    kind, features, mask = struct.unpack_from("<2x14sII", data)
    return [
        ("salg_type", Text(kind.split(b"\0", 1)[0], is_string=True)),
        ("salg_feat", Hex(features)),
        ("salg_mask", Hex(mask)),
        ("salg_name", Text(data[24:].split(b"\0", 1)[0], is_string=True)),
    ]


def _vsock(data: bytes, abi: Abi) -> list[tuple[str, Value]]:
    if len(data) < 16:
        return _other(data)
    port, cid, flags = struct.unpack_from("<4xIIB", data)
    name = enum_names(abi, "vm_cid").get(cid)
    return [
        ("svm_cid", Hex(cid) if name is None else Named(cid, name)),
        ("svm_port", Hex(port)),
        ("svm_flags", flags_decoder(abi, "vm_flags", "VMADDR_FLAG_???")(flags)),
    ]


def _other(data: bytes, _abi: Abi | None = None) -> list[tuple[str, Value]]:
    return [("sa_data", PathText(data[2:]))] if len(data) > _FAMILY_SIZE else []


_BODIES: Final[dict[int, Callable[[bytes, Abi], list[tuple[str, Value]]]]] = {
    _AF_UNIX: _unix,
    _AF_INET: _inet,
    _AF_INET6: _inet6,
    _AF_NETLINK: _netlink,
    AF_PACKET: _packet,
    _AF_ALG: _alg,
    _AF_VSOCK: _vsock,
}


def read_address(address: int, length: int, call: DecodedCall) -> Value:
    """Read a socket address; the pointer if it is unreadable or too short for a family."""
    if not address:
        return Address(0)
    wanted = min(length, _SOCKADDR_MAX)
    if wanted < _FAMILY_SIZE:
        return Address(address)
    data = call.memory.read(address, wanted)
    return decode_address(data, call) if len(data) == wanted else Address(address)


def decode_address(data: bytes, call: DecodedCall) -> Value:
    """Decode the bytes of a socket address, at least of its family."""
    family = int.from_bytes(data[:2], "little")
    name = enum_decoder(call.abi, "family", "AF_???")(family)
    fields = [("sa_family", name), *_BODIES.get(family, _other)(data, call.abi)]
    return Record(tuple(field for field, _ in fields), [value for _, value in fields])


class AnyAddress:
    """A sockaddr inside a struct.

    Args:
        size: bytes that it takes; more than a sockaddr: a sockaddr_storage.
    """

    def __init__(self, size: int) -> None:
        self._size = size

    def size(self, _abi: Abi) -> int:
        """Bytes it takes."""
        return self._size

    def align(self, abi: Abi) -> int:
        """Alignment inside a struct."""
        return abi.word if self._size > _SOCKADDR_SIZE else 2

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        return decode_address


class SocketAddress:
    """A pointer to a sockaddr."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, length: AnyCount) -> None:
        self._length = length

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        counter = bind_count(self._length, abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            length = counter(peers, call) & 0xFFFFFFFF
            return read_address(raw, length if length < 1 << 31 else 0, call)

        return decode


_INTERNET: Final = Enum("ipproto", "IPPROTO_???")
PROTOCOLS: Final = {
    _AF_INET: _INTERNET,
    _AF_INET6: _INTERNET,
    _AF_NETLINK: Enum("netlink_proto", "NETLINK_???"),
}
"""What names the protocols of a family."""


class Protocol:
    """The protocol of a socket: its names depend on the family."""

    ctype: Final = "u32"
    phase: Final = Phase.EARLY

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index("domain")
        by_family = {family: protocols.bind(abi, ()) for family, protocols in PROTOCOLS.items()}

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if peers[index] & 0xFFFFFFFF == AF_PACKET:
                return ethertype(raw, abi)
            names_of = by_family.get(peers[index] & 0xFFFFFFFF)
            return names_of(raw, (), call) if names_of is not None else raw

        return decode


def read_data(address: int, size: int, call: DecodedCall) -> Value:
    """Read what a socket sends or receives: messages where it is a netlink one."""
    protocol = call.netlink(call.raw[0] & 0xFFFFFFFF) if call.netlink is not None else None
    if protocol is None:
        return read_text(address, size, call)
    from utrace.syscalls.netlink import read_messages  # noqa: PLC0415 - few sockets are

    return read_messages(address, size, call, protocol)


class SocketData:
    """Bytes that the socket `sockfd` sends or receives, by `read_data`.

    Args:
        size: how many.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, size: AnyCount) -> None:
        self._size = size

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        counter = bind_count(self._size, abi, names)
        return lambda raw, peers, call: read_data(raw, counter(peers, call), call) if raw else Address(0)


class MessageHeader:
    """A pointer to a msghdr, with address, data and control messages."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        size, read = bind_header(abi)

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            data = call.memory.read(raw, size) if raw else b""
            return Address(raw) if len(data) < size else read(data, None, call)

        return decode


class ReceivedHeader:
    """The msghdr of recvmsg: filled on success; only the size of the address before, and otherwise."""

    ctype: Final = "ulong"
    phase: Final = Phase.MERGED
    #: What is known at the entry, of which text shows nothing.
    _BEFORE: Final = frozenset({"msg_namelen"})

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        size, read = bind_header(abi)

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            data = call.memory.read(raw, size) if raw else b""
            if len(data) < size:
                return Address(raw)
            result = call.result
            if result is not None and not result.is_error:
                return read(data, result.value, call)
            length = int.from_bytes(data[abi.word : abi.word + 4], "little")
            unshown = self._BEFORE if result is None else frozenset()
            return Record(("msg_namelen",), (length,), None, unshown)

        return decode


def _control(address: int, length: int, call: DecodedCall) -> Value:
    from utrace.syscalls.control_messages import read_control  # noqa: PLC0415 - few messages have any

    return read_control(address, length, call)


def bind_header(abi: Abi) -> tuple[int, Callable[[bytes, int | None, DecodedCall], Value]]:
    """Make the function from the bytes of a msghdr, and how many bytes of data moved, to a value.

    None: as many as the lengths tell.  Gives the size of a msghdr too.
    """
    layout = struct.Struct("<QI4xQQQQI4x" if abi.word == 8 else "<7I")
    flags_of = flags_decoder(abi, "msg", "MSG_???")
    whole = IoVector("msg_iovlen", read=read_data).bind(abi, ("msg_iovlen",))
    part = IoVector("msg_iovlen", "moved", read=read_data).bind(abi, ("msg_iovlen", "moved"))

    def read(data: bytes, moved: int | None, call: DecodedCall) -> Value:
        name, name_length, iov, count, control, control_length, flags = layout.unpack(data)
        vector = whole(iov, (count,), call) if moved is None else part(iov, (count, moved), call)
        fields: list[tuple[str, Value]] = [
            ("msg_name", read_address(name, name_length, call) if name_length else Address(name)),
            ("msg_namelen", name_length),
            ("msg_iov", vector),
            ("msg_iovlen", count),
        ]
        if control_length:
            fields.append(("msg_control", _control(control, control_length, call)))
        fields += [("msg_controllen", control_length), ("msg_flags", flags_of(flags))]
        return Record(tuple(label for label, _ in fields), [value for _, value in fields])

    return layout.size, read


class MessageArray:
    """The array of mmsghdr of sendmmsg and recvmmsg, with what moved of each once it has.

    Args:
        count: how many there are.
        fills: the data is what the call wrote.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, count: AnyCount, *, fills: bool) -> None:
        self._count, self._fills = count, fills

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        size, read = bind_header(abi)
        stride = size + (8 if abi.word == 8 else 4)
        counter = bind_count(self._count, abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            count = counter(peers, call) & 0xFFFFFFFF
            wanted = min(count, call.limits.items)
            data = call.memory.read(raw, wanted * stride)
            whole = len(data) // stride
            if wanted and not whole:
                return Address(raw)
            moved = call.result.value if call.result is not None and not call.result.is_error else 0
            records: list[Value] = []
            for index, at in enumerate(range(0, whole * stride, stride)):
                length = int.from_bytes(data[at + size : at + size + 4], "little")
                header = read(data[at : at + size], length if self._fills else None, call)
                if index < moved:
                    records.append(Record(("msg_hdr", "msg_len"), (header, length)))
                else:
                    records.append(Record(("msg_hdr",), (header,)))
            return Items(records, is_cut=count > whole)

        return decode
