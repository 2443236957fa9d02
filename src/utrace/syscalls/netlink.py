"""Netlink messages: heads, bodies and attributes, by the protocol of the socket.

Reference: netlink(7); include/uapi/linux/netlink.h (Linux 6.19).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from utrace.syscalls.netlink_layouts import Attributes, generic_body, route_body, socket_body
from utrace.syscalls.pointers import read_text
from utrace.syscalls.tables import enum_decoder, enum_names, flags_decoder
from utrace.syscalls.values import (
    ABSENT,
    Address,
    BinaryText,
    Bracketed,
    Chain,
    Named,
    Pid,
    Record,
    Text,
)

if TYPE_CHECKING:
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.netlink_layouts import Body
    from utrace.syscalls.values import Value

_BYTES_MAX: Final = 1 << 16
_HEAD: Final = struct.Struct("<IHHII")
_ATTRIBUTE: Final = struct.Struct("<HH")
_ATTRIBUTE_TYPE: Final = 0x3FFF
_PARTS: Final = ("head", "body", "attributes")

_ROUTE, _SOCKETS, _AUDIT, _UEVENT, _GENERIC = 0, 4, 9, 15, 16
_NOOP, _ERROR, _DONE, _OVERRUN = 1, 2, 3, 4
_REQUEST, _CAPPED = 0x1, 0x100
_FIRST_TYPE: Final = 16
#: Protocol -> names of types, and their family.
_TYPES: Final = {
    _ROUTE: ("rtm_type", "RTM_???"),
    _SOCKETS: ("diag_type", "SOCK_DIAG_???"),
    _AUDIT: ("audit_type", "AUDIT_???"),
    _GENERIC: ("genl_type", "NLMSG_???"),
}
#: What a type of NETLINK_ROUTE does, its rest by four -> names of flags: new, delete, get, set.
_ROUTE_FLAGS: Final = ("nlmsg_new", "nlmsg_delete", "nlmsg_get", "nlmsg_flags")


def read_messages(address: int, length: int, call: DecodedCall, protocol: int) -> Value:
    """Read what is sent to, or came from, a netlink socket; text where it is none."""
    if not address or length <= 0:
        return Address(address) if not address else Text(b"", address)
    if protocol == _UEVENT:
        return read_text(address, length, call)
    data = call.memory.read(address, min(length, _BYTES_MAX))
    if len(data) < min(length, _BYTES_MAX):
        return Address(address)
    if len(data) < _HEAD.size:
        return BinaryText(data, address)
    return _messages(data, call, protocol)


def _messages(data: bytes, call: DecodedCall, protocol: int) -> Chain:
    found: list[Value] = []
    at = 0
    while at + _HEAD.size <= len(data):
        if len(found) >= call.limits.items:
            return Chain(found, is_cut=True)
        length, *_ = _HEAD.unpack_from(data, at)
        found.append(_message(data[at : at + max(length, _HEAD.size)], call, protocol))
        if length < _HEAD.size:
            break
        at += length + 3 & ~3
    return Chain(found)


def _message(data: bytes, call: DecodedCall, protocol: int) -> Value:
    length, kind, flags, sequence, port = _HEAD.unpack_from(data)
    head = Record(
        ("nlmsg_len", "nlmsg_type", "nlmsg_flags", "nlmsg_seq", "nlmsg_pid"),
        (length, _type(kind, call, protocol), _flags(kind, flags, call, protocol), sequence, Pid(port)),
    )
    body = data[_HEAD.size : length]
    parts = [head, *_parts(kind, flags, body, call, protocol)] if body else [head]
    return Bracketed(_PARTS[: len(parts)], parts)


def _type(kind: int, call: DecodedCall, protocol: int) -> Value:
    if kind < _FIRST_TYPE or protocol not in _TYPES:
        return enum_decoder(call.abi, "nlmsg_type", "NLMSG_???")(kind)
    return enum_decoder(call.abi, *_TYPES[protocol])(kind)


def _flags(kind: int, flags: int, call: DecodedCall, protocol: int) -> Value:
    constants = "nlmsg_flags"
    if kind in {_ERROR, _DONE}:
        constants = "nlmsg_ack"
    elif protocol == _ROUTE and kind >= _FIRST_TYPE:
        constants = _ROUTE_FLAGS[kind & 3]
    elif protocol in {_SOCKETS, _GENERIC} and kind >= _FIRST_TYPE:
        constants = "nlmsg_get"
    return flags_decoder(call.abi, constants, "NLM_F_???")(flags)


def _parts(kind: int, flags: int, data: bytes, call: DecodedCall, protocol: int) -> list[Value]:
    """Decode what follows the head: the body, and what comes behind it."""
    if kind in {_ERROR, _DONE}:
        return [_result(kind, flags, data, call, protocol)]
    body = None
    if kind >= _FIRST_TYPE:
        body = _body(kind, flags, data, protocol)
        if body is None and protocol == _ROUTE:
            family = enum_decoder(call.abi, "family", "AF_???")(data[0])
            rest = _bytes(data[1:], call)
            return [Record(("family", "data")[: 1 + bool(data[1:])], (family, rest)[: 1 + bool(data[1:])])]
    if body is None:
        return [Text(data) if protocol == _AUDIT else _bytes(data, call)]
    size = body.struct.size(call.abi)
    record = body.struct.bind_bytes(call.abi)(data[:size].ljust(size, b"\0"), call)
    if len(data) < size and isinstance(record, Record):
        # The family alone will do for many requests.
        return [Record(record.names, record.values, frozenset(record.names[:1]))]
    rest = data[size:]
    if not rest:
        return [record]
    return [
        record,
        _bytes(rest, call) if body.attributes is None else _attributes(rest, body.attributes, call),
    ]


def _body(kind: int, flags: int, data: bytes, protocol: int) -> Body | None:
    if protocol == _ROUTE:
        return route_body(kind)
    if protocol == _SOCKETS:
        return socket_body(kind, data, asks=bool(flags & _REQUEST))
    return generic_body(kind) if protocol == _GENERIC else None


def _result(kind: int, flags: int, data: bytes, call: DecodedCall, protocol: int) -> Value:
    """Decode how a request ended: NLMSG_ERROR quotes it."""
    if len(data) < 4:
        return _bytes(data, call)
    code = int.from_bytes(data[:4], "little", signed=True)
    error = enum_names(call.abi, "errno").get(-code)
    number: Value = Named(code, f"-{error}") if error is not None else code
    if kind == _DONE or len(data) < 4 + _HEAD.size:
        return number
    quoted = data[4:]
    length = int.from_bytes(quoted[:4], "little")
    size = _HEAD.size if flags & _CAPPED else max(min(length, len(quoted)), _HEAD.size)
    record = Record(("error", "msg"), (number, _message(quoted[:size], call, protocol)))
    rest = quoted[size:]
    return Bracketed(("result", "rest"), (record, _bytes(rest, call))) if rest else record


def _attributes(data: bytes, attributes: Attributes, call: DecodedCall) -> Chain:
    found: list[Value] = []
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        name = enum_decoder(call.abi, attributes.constants, attributes.hint)(kind & _ATTRIBUTE_TYPE)
        head = Record(("nla_len", "nla_type"), (length, name))
        value = data[at + _ATTRIBUTE.size : at + length]
        shown = _value(name, value, attributes, call) if value else ABSENT
        found.append(Bracketed(("nla", "value"), (head, shown)))
        if length < _ATTRIBUTE.size:
            break
        at += length + 3 & ~3
    return Chain(found)


def _value(name: Named, data: bytes, attributes: Attributes, call: DecodedCall) -> Value:
    kind = attributes.kinds.get(name.name or "")
    if isinstance(kind, Attributes):
        return _attributes(data, kind, call)
    value = kind(data, call) if kind is not None else None
    return _bytes(data, call) if value is None else value


def _bytes(data: bytes, call: DecodedCall) -> Value:
    limit = call.limits.text
    return BinaryText(data[:limit], is_cut=len(data) > limit)
