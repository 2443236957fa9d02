"""Control messages of sendmsg and recvmsg.

Reference: cmsg(3), unix(7), ip(7), ipv6(7), socket(7); include/uapi/linux/errqueue.h (Linux 6.19).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.layouts import TIMESPEC, TIMESPEC64, TIMEVAL, TIMEVAL64
from utrace.syscalls.layouts_options import INTERFACE, UCRED, Inet6Address
from utrace.syscalls.sockets import decode_address
from utrace.syscalls.structs import Struct
from utrace.syscalls.tables import enum_decoder, enum_names
from utrace.syscalls.values import Address, Fd, Hex, Items, Named, Record, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import BytesDecoder, Pointee
    from utrace.syscalls.values import Value

_CONTROL_MAX: Final = 4096
_FAMILY_SIZE: Final = 2
_IP, _SOCKET, _UDP, _IPV6, _ALG = 0, 1, 17, 41, 279
#: Level -> the names of its messages.
_TYPES: Final = {_SOCKET: "scm", _IP: "ip_message", _IPV6: "ipv6_opt", _UDP: "udp_message", _ALG: "alg_opt"}


class _Array:
    """As many numbers as there are.

    Args:
        code: of the struct module.
        kind: what each is.
    """

    def __init__(self, code: str, kind: type[int]) -> None:
        self._one = struct.Struct(f"<{code}")
        self._kind = kind

    def size(self, _abi: Abi) -> int:
        return self._one.size

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        def read(data: bytes, _call: DecodedCall) -> Value:
            whole = len(data) // self._one.size * self._one.size
            return Items([self._kind(number) for (number,) in self._one.iter_unpack(data[:whole])])

        return read


class _Text:
    """Text."""

    def size(self, _abi: Abi) -> int:
        return 0

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        return lambda data, _call: Text(data)


class _SocketAddress(_Text):
    """An address."""

    def size(self, _abi: Abi) -> int:
        return 2

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        return decode_address


class _Times:
    """Three times: of the software, unused, of the hardware."""

    def __init__(self, time: Struct) -> None:
        self._time = time

    def size(self, abi: Abi) -> int:
        return 3 * self._time.size(abi)

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        size, read = self._time.size(abi), self._time.bind_bytes(abi)
        return lambda data, call: Items([read(data[i * size : (i + 1) * size], call) for i in range(3)])


class _Error:
    """A sock_extended_err, and the address of who sent it."""

    _LAYOUT: Final = struct.Struct("<IBBBxII")
    _NAMES: Final = ("ee_errno", "ee_origin", "ee_type", "ee_code", "ee_info", "ee_data", "offender")

    def size(self, _abi: Abi) -> int:
        return self._LAYOUT.size

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        origin_of = enum_decoder(abi, "error_origin", "SO_EE_ORIGIN_???")
        errors = enum_names(abi, "errno")

        def read(data: bytes, call: DecodedCall) -> Value:
            number, origin, kind, code, info, more = self._LAYOUT.unpack_from(data)
            error = Named(number, errors.get(number))
            values: list[Value] = [error, origin_of(origin), kind, code, info, more]
            sender = data[self._LAYOUT.size :]
            if len(sender) > _FAMILY_SIZE:
                values.append(decode_address(sender, call))
            return Record(self._NAMES[: len(values)], values)

        return read


_DESCRIPTORS: Final = _Array("i", Fd)
_NUMBER: Final = _Array("I", int)
_BYTES: Final = _Array("B", Hex)
_PACKET: Final = Struct(ipi_ifindex=INTERFACE, ipi_spec_dst=t.INET_ADDRESS, ipi_addr=t.INET_ADDRESS)
_PACKET6: Final = Struct(ipi6_addr=Inet6Address(), ipi6_ifindex=INTERFACE)

#: Level -> set of names -> type.
_KINDS: Final[Mapping[int, Mapping[str, Pointee]]] = {
    _SOCKET: {
        "SCM_RIGHTS SCM_PIDFD": _DESCRIPTORS,
        "SCM_CREDENTIALS": UCRED,
        "SCM_SECURITY": _Text(),
        "SO_TIMESTAMP_OLD": TIMEVAL,
        "SO_TIMESTAMPNS_OLD": TIMESPEC,
        "SO_TIMESTAMPING_OLD": _Times(TIMESPEC),
        "SO_TIMESTAMP_NEW": TIMEVAL64,
        "SO_TIMESTAMPNS_NEW": TIMESPEC64,
        "SO_TIMESTAMPING_NEW": _Times(TIMESPEC64),
        "SO_RXQ_OVFL SO_MARK": _NUMBER,
    },
    _IP: {
        "IP_PKTINFO": _PACKET,
        "IP_TTL IP_CHECKSUM": _NUMBER,
        "IP_TOS IP_RECVOPTS IP_RETOPTS": _BYTES,
        "IP_RECVERR": _Error(),
        "IP_ORIGDSTADDR": _SocketAddress(),
        "SCM_SECURITY": _Text(),
    },
    _IPV6: {
        "IPV6_PKTINFO IPV6_2292PKTINFO": _PACKET6,
        "IPV6_HOPLIMIT IPV6_2292HOPLIMIT IPV6_TCLASS IPV6_FLOWINFO": _NUMBER,
        "IPV6_RECVERR": _Error(),
        "IPV6_ORIGDSTADDR": _SocketAddress(),
    },
    _UDP: {"UDP_SEGMENT": _Array("H", int), "UDP_GRO": _NUMBER},
    _ALG: {"ALG_SET_OP ALG_SET_AEAD_ASSOCLEN": _NUMBER},
}


def _kind_of(level: int, name: str | None) -> Pointee | None:
    return next((kind for names, kind in _KINDS.get(level, {}).items() if name in names.split()), None)


def read_control(address: int, length: int, call: DecodedCall) -> Value:
    """Read control messages; the pointer if there are none that can be read."""
    word = call.abi.word
    head = struct.Struct("<Qii" if word == 8 else "<Iii")
    data = call.memory.read(address, min(length, _CONTROL_MAX)) if address else b""
    if len(data) < head.size:
        return Address(address)
    level_of = enum_decoder(call.abi, "sol", "SOL_???")
    messages: list[Value] = []
    at = 0
    while at + head.size <= len(data):
        size, level, kind = head.unpack_from(data, at)
        fields: list[tuple[str, Value]] = [
            ("cmsg_len", size),
            ("cmsg_level", level_of(level & 0xFFFFFFFF)),
        ]
        body = data[at + head.size : at + size] if at + size <= len(data) else b""
        fields += _body(level, kind & 0xFFFFFFFF, body, call)
        # Bytes that nobody understands are values, but no text.
        names = tuple(name for name, _ in fields)
        messages.append(Record(names, [value for _, value in fields], None, frozenset({"cmsg_bytes"})))
        at += max(-(-size // word) * word, head.size)
        if size < head.size:
            return Items(messages, tail=Address(address + at) if at < len(data) else None)
    return Items(messages)


def _body(level: int, kind: int, body: bytes, call: DecodedCall) -> list[tuple[str, Value]]:
    constants = _TYPES.get(level)
    if constants is None:
        return [("cmsg_type", Hex(kind)), ("cmsg_bytes", Text(body))]
    hint = "SCM_???" if level == _SOCKET else ""
    name = enum_names(call.abi, constants).get(kind)
    shown: Value = Named(kind, name, hint) if name is not None or hint else Hex(kind)
    pointee = _kind_of(level, name)
    if pointee is None or not body or len(body) < pointee.size(call.abi):
        return [("cmsg_type", shown), ("cmsg_bytes", Text(body))]
    return [("cmsg_type", shown), ("cmsg_data", pointee.bind_bytes(call.abi)(body, call))]
