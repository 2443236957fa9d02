"""Socket options: their names by level, and what they pass and tell.

Reference: socket(7), ip(7), ipv6(7), tcp(7), udp(7), packet(7), netlink(7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.argtypes import Phase
from utrace.syscalls.pointers import Cell, bind_count
from utrace.syscalls.tables import constant_values, enum_decoder, enum_names
from utrace.syscalls.values import Address, BinaryText, Items, Named, Record, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import AnyCount, BytesDecoder, Pointee
    from utrace.syscalls.values import Value

    Kinds = Mapping[int, Pointee]

_VALUE_MAX: Final = 4096
_INT_SIZE: Final = 4

_IP, _SOCKET, _IPV6, _NETLINK = 0, 1, 41, 270
#: Level -> the set of its names, and their family.
_NAMES: Final = {
    _IP: ("ip_opt", "IP_???"),
    _SOCKET: ("so", "SO_???"),
    6: ("tcp_opt", "TCP_???"),
    17: ("udp_opt", "UDP_???"),
    _IPV6: ("ipv6_opt", "IPV6_???"),
    132: ("sctp_opt", "SCTP_???"),
    255: ("raw_opt", "RAW_???"),
    263: ("packet_opt", "PACKET_???"),
    _NETLINK: ("netlink_opt", "NETLINK_???"),
    271: ("tipc_opt", "TIPC_???"),
    274: ("bluetooth_opt", "BT_???"),
    279: ("alg_opt", "ALG_???"),
    282: ("tls_opt", "TLS_???"),
    283: ("xdp_opt", "XDP_???"),
}
#: Numbers that mean one thing to setsockopt, another to getsockopt.
_ONE_WAY: Final = {
    (_SOCKET, False): "so_get",
    (_IP, False): "ip_opt_get",
    (_IP, True): "ip_opt_set",
    (_IPV6, False): "ipv6_opt_get",
    (_IPV6, True): "ipv6_opt_set",
}


class SocketOption:
    """The name of a socket option, by level.

    Args:
        sets: of setsockopt.
    """

    ctype: Final = "u32"
    phase: Final = Phase.EARLY

    def __init__(self, *, sets: bool) -> None:
        self._sets = sets

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index("level")

        def decode(raw: int, peers: Sequence[int], _call: DecodedCall) -> Value:
            level = peers[index] & 0xFFFFFFFF
            names_of = _NAMES.get(level)
            if names_of is None:
                return raw
            one_way = _ONE_WAY.get((level, self._sets))
            name = enum_names(abi, one_way).get(raw) if one_way is not None else None
            return Named(raw, name) if name is not None else enum_decoder(abi, *names_of)(raw)

        return decode


def _kinds(abi: Abi, level: int) -> Kinds:
    """Give the structs of the options of a level."""
    from utrace.syscalls.layouts_options import INTS, KINDS, OTHERS  # noqa: PLC0415 - few options are structs

    constants = _NAMES[level][0] if level in _NAMES else None
    if constants is None:
        return {}
    values = constant_values(abi, constants)
    found: dict[int, Pointee] = {}
    if constants in INTS:
        found |= dict.fromkeys(enum_names(abi, constants), Cell(t.INT))
        for name in OTHERS.split():
            found.pop(values.get(name, -1), None)
    for names, kind in KINDS.get(constants, {}).items():
        found |= {values[name]: kind for name in names.split() if name in values}
    return found


class OptionValue:
    """What setsockopt passes and getsockopt gets: an int, or what the option says.

    Args:
        length: how many bytes.
        sets: of setsockopt.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, length: AnyCount, *, sets: bool) -> None:
        self._length, self._sets = length, sets

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        counter = bind_count(self._length, abi, names)
        level, option = names.index("level"), names.index("optname")
        reader_of = _readers(abi)
        sets = self._sets

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            length = counter(peers, call)
            if not raw or not 0 <= length <= _VALUE_MAX or (not length and not sets):
                return Address(raw)
            data = call.memory.read(raw, length)
            if len(data) < length:
                return Address(raw)
            size, read = reader_of(peers[level] & 0xFFFFFFFF, peers[option] & 0xFFFFFFFF)
            if read is None:
                return _plain(data, raw, sets=sets)
            if len(data) < size:
                return Address(raw) if sets else _part(data, raw, read, size, call)
            value = read(data[:size] if size else data, call)
            return Items((value,)) if isinstance(value, int) else value

        return decode


def _readers(abi: Abi) -> Callable[[int, int], tuple[int, BytesDecoder | None]]:
    """Make the function from level and option to the size of the value, 0 for any, and what decodes it."""
    levels: dict[int, Kinds] = {}
    bound: dict[tuple[int, int], tuple[int, BytesDecoder | None]] = {}

    def reader_of(level: int, option: int) -> tuple[int, BytesDecoder | None]:
        if level not in _NAMES:
            return 0, None
        if level not in levels:
            levels[level] = _kinds(abi, level)
        kind = levels[level].get(option)
        if kind is None:
            return 0, None
        if (level, option) not in bound:
            bound[level, option] = kind.size(abi), kind.bind_bytes(abi)
        return bound[level, option]

    return reader_of


def _part(data: bytes, address: int, read: BytesDecoder, size: int, call: DecodedCall) -> Value:
    """Decode as much of a struct as the program has room for, where that is whole words."""
    words, rest = divmod(len(data), _INT_SIZE)
    value = read(data.ljust(size, b"\0"), call)
    if not words or rest or not isinstance(value, Record) or len(value.names) * _INT_SIZE != size:
        return _plain(data, address, sets=False)
    return Record(value.names[:words], value.values[:words])


def _plain(data: bytes, address: int, *, sets: bool) -> Value:
    if len(data) == _INT_SIZE:
        return Items((int.from_bytes(data, "little", signed=True),))
    short = not sets and len(data) < _INT_SIZE
    return BinaryText(data, address) if short else Text(data, address)
