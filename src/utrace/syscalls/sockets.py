"""Argument types of the socket calls: addresses, messages, options."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.argtypes import Phase
from utrace.syscalls.layouts import TIMEVAL
from utrace.syscalls.pointers import RETURNED, bind_count
from utrace.syscalls.structs import Struct
from utrace.syscalls.tables import enum_decoder, flags_decoder
from utrace.syscalls.values import Address, Fd, Hex, Items, Macro, PathText, Pid, Record, Text, Value
from utrace.syscalls.vectors import IoVector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import AnyCount

_SOCKADDR_MAX: Final = 128
_FAMILY_SIZE: Final = 2
_CONTROL_MAX: Final = 4096

_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK, _AF_PACKET, _AF_VSOCK = 1, 2, 10, 16, 17, 40


def _unix(data: bytes) -> list[tuple[str, Value]]:
    path = data[2:]
    if not path:
        return []
    if path[0]:
        return [("sun_path", PathText(path.split(b"\0", 1)[0], is_string=True))]
    # Abstract names begin with NUL and may hold more of them.
    return [("sun_path", Macro("@", PathText(path[1:])))]


def _inet(data: bytes) -> list[tuple[str, Value]]:
    if len(data) < 8:
        return _other(data)
    port = int.from_bytes(data[2:4], "big")
    return [
        ("sin_port", Macro("htons", port)),
        ("sin_addr", Macro("inet_addr", str(ipaddress.IPv4Address(data[4:8])))),
    ]


def _inet6(data: bytes) -> list[tuple[str, Value]]:
    if len(data) < 24:
        return _other(data)
    fields: list[tuple[str, Value]] = [
        ("sin6_port", Macro("htons", int.from_bytes(data[2:4], "big"))),
        ("sin6_flowinfo", Macro("htonl", int.from_bytes(data[4:8], "big"))),
        ("sin6_addr", Macro("inet_pton", inet6_text(data[8:24]))),
    ]
    if len(data) >= 28:
        fields.append(("sin6_scope_id", int.from_bytes(data[24:28], "little")))
    return fields


def inet6_text(data: bytes) -> str:
    """Write an IPv6 address as inet_ntop does: mapped IPv4 addresses with dots."""
    address = ipaddress.IPv6Address(data)
    return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped is not None else str(address)


def _netlink(data: bytes) -> list[tuple[str, Value]]:
    if len(data) < 12:
        return _other(data)
    pid, groups = struct.unpack_from("<II", data, 4)
    return [("nl_pid", Pid(pid)), ("nl_groups", Macro("%08x", groups))]


def _vsock(data: bytes) -> list[tuple[str, Value]]:
    if len(data) < 16:
        return _other(data)
    port, cid = struct.unpack_from("<II", data, 4)
    return [("svm_cid", Hex(cid)), ("svm_port", Hex(port))]


def _other(data: bytes) -> list[tuple[str, Value]]:
    return [("sa_data", PathText(data[2:]))] if len(data) > _FAMILY_SIZE else []


_BODIES: Final[dict[int, Callable[[bytes], list[tuple[str, Value]]]]] = {
    _AF_UNIX: _unix,
    _AF_INET: _inet,
    _AF_INET6: _inet6,
    _AF_NETLINK: _netlink,
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
    if len(data) < wanted:
        return Address(address)
    family = int.from_bytes(data[:2], "little")
    name = enum_decoder(call.abi, "family", "AF_???")(family)
    fields = [("sa_family", name), *_BODIES.get(family, _other)(data)]
    return Record(tuple(field for field, _ in fields), [value for _, value in fields])


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


class Protocol:
    """The protocol of a socket: its names depend on the family."""

    ctype: Final = "u32"
    phase: Final = Phase.EARLY

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index("domain")
        internet = enum_decoder(abi, "ipproto", "IPPROTO_???")
        netlink = enum_decoder(abi, "netlink_proto", "NETLINK_???")
        by_family = {_AF_INET: internet, _AF_INET6: internet, _AF_NETLINK: netlink}

        def decode(raw: int, peers: Sequence[int], _call: DecodedCall) -> Value:
            names_of = by_family.get(peers[index] & 0xFFFFFFFF)
            return names_of(raw) if names_of is not None else raw

        return decode


_SOL_IP, _SOL_SOCKET, _SOL_TCP, _SOL_UDP, _SOL_IPV6, _SOL_PACKET, _SOL_NETLINK = 0, 1, 6, 17, 41, 263, 270
_OPTIONS: Final = {
    _SOL_IP: ("ip_opt", "IP_???"),
    _SOL_SOCKET: ("so", "SO_???"),
    _SOL_TCP: ("tcp_opt", "TCP_???"),
    _SOL_UDP: ("udp_opt", "UDP_???"),
    _SOL_IPV6: ("ipv6_opt", "IPV6_???"),
    _SOL_PACKET: ("packet_opt", "PACKET_???"),
    _SOL_NETLINK: ("netlink_opt", "NETLINK_???"),
}


class SocketOption:
    """The name of a socket option, by level."""

    ctype: Final = "u32"
    phase: Final = Phase.EARLY

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index("level")
        decoders = {level: enum_decoder(abi, *names_of) for level, names_of in _OPTIONS.items()}

        def decode(raw: int, peers: Sequence[int], _call: DecodedCall) -> Value:
            names_of = decoders.get(peers[index] & 0xFFFFFFFF)
            return names_of(raw) if names_of is not None else raw

        return decode


_LINGER: Final = Struct(l_onoff=t.INT, l_linger=t.INT)
_UCRED: Final = Struct(pid=t.PID, uid=t.ID, gid=t.ID)
_MREQ: Final = Struct(imr_multiaddr=t.INET_ADDRESS, imr_interface=t.INET_ADDRESS)

#: (level, option) -> the struct it has instead of an int.
_OPTION_STRUCTS: Final = {
    (_SOL_SOCKET, 13): _LINGER,
    (_SOL_SOCKET, 17): _UCRED,
    (_SOL_SOCKET, 20): TIMEVAL,
    (_SOL_SOCKET, 21): TIMEVAL,
    (_SOL_IP, 35): _MREQ,
    (_SOL_IP, 36): _MREQ,
}
#: Options whose value is text: SO_BINDTODEVICE, TCP_CONGESTION, TCP_ULP.
_OPTION_TEXTS: Final = frozenset({(_SOL_SOCKET, 25), (_SOL_TCP, 13), (_SOL_TCP, 31)})
_INT_SIZE: Final = 4


class OptionValue:
    """What setsockopt passes and getsockopt gets: an int, or what the option says."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, length: AnyCount) -> None:
        self._length = length

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        counter = bind_count(self._length, abi, names)
        level, option = names.index("level"), names.index("optname")
        structs = {key: (kind.size(abi), kind.bind_bytes(abi)) for key, kind in _OPTION_STRUCTS.items()}

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            length = counter(peers, call)
            if length < 0 or length > _CONTROL_MAX:
                return Address(raw)
            data = call.memory.read(raw, length)
            if len(data) < length:
                return Address(raw)
            key = (peers[level] & 0xFFFFFFFF, peers[option] & 0xFFFFFFFF)
            known = structs.get(key)
            if known is not None and length >= known[0]:
                return known[1](data[: known[0]], call)
            if length == _INT_SIZE and key not in _OPTION_TEXTS:
                return Items((int.from_bytes(data, "little", signed=True),))
            return Text(data, raw)

        return decode


class MessageHeader:
    """A pointer to a msghdr, with address, data and control messages.

    Args:
        total: how many bytes of data were moved; None: as many as the lengths tell.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, total: AnyCount | None = None) -> None:
        self._total = total

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        size, read = bind_header(abi, names, self._total)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            data = call.memory.read(raw, size)
            return Address(raw) if len(data) < size else read(data, peers, call)

        return decode


class ReceivedHeader:
    """The msghdr of recvmsg: filled on success; only the size of the address otherwise."""

    ctype: Final = "ulong"
    phase: Final = Phase.LATE

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        size, read = bind_header(abi, names, RETURNED)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw or call.result is None:
                return Address(raw)
            data = call.memory.read(raw, size)
            if len(data) < size:
                return Address(raw)
            if call.result.is_error:
                return Record(("msg_namelen",), (int.from_bytes(data[abi.word : abi.word + 4], "little"),))
            return read(data, peers, call)

        return decode


def bind_header(
    abi: Abi, names: Sequence[str], total: AnyCount | None
) -> tuple[int, Callable[[bytes, Sequence[int], DecodedCall], Value]]:
    """Make the function from the bytes of a msghdr to a value; gives its size too."""
    layout = struct.Struct("<QI4xQQQQI4x" if abi.word == 8 else "<7I")
    flags_of = flags_decoder(abi, "msg", "MSG_???")
    # The vector counts on the siblings of the whole call, and on the two fields of this struct.
    vector = IoVector("msg_iovlen", total).bind(abi, ("msg_iovlen", *names))

    def read(data: bytes, peers: Sequence[int], call: DecodedCall) -> Value:
        name, name_length, iov, count, control, control_length, flags = layout.unpack(data)
        messages = read_control(control, control_length, call) if control_length else None
        fields: list[tuple[str, Value]] = [
            ("msg_name", read_address(name, name_length, call) if name_length else Address(name)),
            ("msg_namelen", name_length),
            ("msg_iov", vector(iov, (count, *peers), call)),
            ("msg_iovlen", count),
        ]
        if messages is not None:
            fields.append(("msg_control", messages))
        fields += [("msg_controllen", control_length), ("msg_flags", flags_of(flags))]
        return Record(tuple(label for label, _ in fields), [value for _, value in fields])

    return layout.size, read


class MessageArray:
    """The array of mmsghdr of sendmmsg and recvmmsg."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, count: AnyCount) -> None:
        self._count = count

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        size, read = bind_header(abi, names, None)
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
            records: list[Value] = []
            for at in range(0, whole * stride, stride):
                length = int.from_bytes(data[at + size : at + size + 4], "little")
                header = read(data[at : at + size], peers, call)
                if call.result is None:
                    records.append(Record(("msg_hdr",), (header,)))
                else:
                    records.append(Record(("msg_hdr", "msg_len"), (header, length)))
            return Items(records, is_cut=count > whole)

        return decode


_SCM_RIGHTS, _SCM_CREDENTIALS = 1, 2


def read_control(address: int, length: int, call: DecodedCall) -> Value:
    """Read control messages."""
    if not address:
        return Address(0)
    word = call.abi.word
    head = struct.Struct("<Qii" if word == 8 else "<Iii")
    data = call.memory.read(address, min(length, _CONTROL_MAX))
    if len(data) < head.size:
        return Address(address)
    level_of = enum_decoder(call.abi, "sol", "SOL_???")
    type_of = enum_decoder(call.abi, "scm", "SCM_???")
    messages: list[Value] = []
    at = 0
    while at + head.size <= len(data):
        size, level, kind = head.unpack_from(data, at)
        if size < head.size:
            break
        body = data[at + head.size : at + size]
        kind_value: Value = type_of(kind) if level == _SOL_SOCKET else Hex(kind & 0xFFFFFFFF)
        messages.append(
            Record(
                ("cmsg_len", "cmsg_level", "cmsg_type", "cmsg_data"),
                (size, level_of(level & 0xFFFFFFFF), kind_value, _control_data(level, kind, body)),
            )
        )
        at += -(-size // word) * word
    return Items(messages)


def _control_data(level: int, kind: int, body: bytes) -> Value:
    if level == _SOL_SOCKET and kind == _SCM_RIGHTS:
        count = len(body) // 4
        return Items([Fd(fd) for fd in struct.unpack(f"<{count}i", body[: count * 4])])
    if level == _SOL_SOCKET and kind == _SCM_CREDENTIALS and len(body) >= 12:
        pid, uid, gid = struct.unpack_from("<iII", body)
        return Record(("pid", "uid", "gid"), (Pid(pid), uid, gid))
    return Text(body)
