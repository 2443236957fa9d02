"""What netlink messages are made of: bodies and attributes by protocol and type.

Reference: rtnetlink(7), sock_diag(7); include/uapi/linux/rtnetlink.h, if_link.h, if_addr.h, neighbour.h,
genetlink.h, inet_diag.h and unix_diag.h (Linux 6.19).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from utrace.syscalls import argtypes as t
from utrace.syscalls.layouts_options import INTERFACE
from utrace.syscalls.sockets import inet6_text
from utrace.syscalls.structs import Pad, Repeat, Struct
from utrace.syscalls.tables import enum_decoder, flags_decoder
from utrace.syscalls.values import BinaryText, HardwareAddress, InterfaceIndex, Items, Macro, Record, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.values import Value

    Kind: TypeAlias = Callable[[bytes, DecodedCall], "Value | None"]
    """Bytes of an attribute -> its value; None if it is too short."""

_INET6_SIZE: Final = 16


class Attributes(NamedTuple):
    """The attributes of one kind of message.

    Attributes:
        constants: the set of their names.
        hint: the family of these names.
        kinds: name -> type; the others are bytes.
    """

    constants: str
    hint: str
    kinds: Mapping[str, Kind | Attributes]


class Body(NamedTuple):
    """What follows the head of a message."""

    struct: Struct
    attributes: Attributes | None = None


def _number(size: int) -> Kind:
    return lambda data, _call: int.from_bytes(data[:size], "little") if len(data) >= size else None


def _named(constants: str, hint: str, size: int) -> Kind:
    def read(data: bytes, call: DecodedCall) -> Value | None:
        number = int.from_bytes(data[:size], "little")
        return enum_decoder(call.abi, constants, hint)(number) if len(data) >= size else None

    return read


def _flags(constants: str, hint: str, size: int) -> Kind:
    def read(data: bytes, call: DecodedCall) -> Value | None:
        number = int.from_bytes(data[:size], "little")
        return flags_decoder(call.abi, constants, hint)(number) if len(data) >= size else None

    return read


def _struct(layout: Struct) -> Kind:
    def read(data: bytes, call: DecodedCall) -> Value | None:
        size = layout.size(call.abi)
        return layout.bind_bytes(call.abi)(data[:size], call) if len(data) >= size else None

    return read


def _text(data: bytes, _call: DecodedCall) -> Value:
    return Text(data.split(b"\0", 1)[0], is_string=True)


def _card(data: bytes, _call: DecodedCall) -> Value:
    return HardwareAddress(data)


def _interface(data: bytes, _call: DecodedCall) -> Value | None:
    return InterfaceIndex(int.from_bytes(data[:4], "little")) if len(data) >= 4 else None


def _address(data: bytes, _call: DecodedCall) -> Value | None:
    """Decode an internet address: its length tells the family."""
    if len(data) == 4:
        return Macro("inet_addr", ".".join(map(str, data)))
    return Macro("inet_pton", inet6_text(data)) if len(data) == _INET6_SIZE else None


_U8, _U16, _U32, _U64 = (_number(size) for size in (1, 2, 4, 8))


def _each(kinds: Mapping[str, Kind | Attributes]) -> dict[str, Kind | Attributes]:
    return {name: kind for names, kind in kinds.items() for name in names.split()}


_FAMILY: Final = t.Enum("family", "AF_???", "u8")

# -- links ------------------------------------------------------------------------------------------

_COUNTERS: Final = (
    "rx_packets tx_packets rx_bytes tx_bytes rx_errors tx_errors rx_dropped tx_dropped multicast collisions"
    " rx_length_errors rx_over_errors rx_crc_errors rx_frame_errors rx_fifo_errors rx_missed_errors"
    " tx_aborted_errors tx_carrier_errors tx_fifo_errors tx_heartbeat_errors tx_window_errors rx_compressed"
    " tx_compressed rx_nohandler"
)
_MAP: Final = Struct(
    mem_start=t.HEX64, mem_end=t.HEX64, base_addr=t.HEX64, irq=t.U16, dma=t.U8, port=t.U8, _pad=Pad(4)
)
_LINK_INFO: Final = Attributes(
    "link_info_attr", "IFLA_INFO_???", _each({"IFLA_INFO_KIND IFLA_INFO_SLAVE_KIND": _text})
)
_XDP: Final = Attributes(
    "link_xdp_attr", "IFLA_XDP_???", {"IFLA_XDP_ATTACHED": _named("xdp_attached", "XDP_ATTACHED_???", 1)}
)
_LINK: Final = Body(
    Struct(
        ifi_family=_FAMILY,
        _pad=t.U8,
        ifi_type=t.Enum("link_type", "ARPHRD_???", "u16"),
        ifi_index=INTERFACE,
        ifi_flags=t.Flags("interface_flags", "IFF_???"),
        ifi_change=t.Flags("interface_flags", "IFF_???"),
    ),
    Attributes(
        "ifinfo_attr",
        "IFLA_???",
        _each(
            {
                "IFLA_ADDRESS IFLA_BROADCAST IFLA_PERM_ADDRESS": _card,
                "IFLA_IFNAME IFLA_QDISC IFLA_IFALIAS IFLA_PHYS_PORT_NAME IFLA_PARENT_DEV_NAME"
                " IFLA_PARENT_DEV_BUS_NAME IFLA_ALT_IFNAME": _text,
                "IFLA_MTU IFLA_TXQLEN IFLA_WEIGHT IFLA_GROUP IFLA_PROMISCUITY IFLA_NUM_TX_QUEUES IFLA_MIN_MTU"
                " IFLA_NUM_RX_QUEUES IFLA_CARRIER_CHANGES IFLA_GSO_MAX_SEGS IFLA_GSO_MAX_SIZE IFLA_MAX_MTU"
                " IFLA_CARRIER_UP_COUNT IFLA_CARRIER_DOWN_COUNT IFLA_GRO_MAX_SIZE IFLA_TSO_MAX_SIZE"
                " IFLA_TSO_MAX_SEGS IFLA_ALLMULTI IFLA_GSO_IPV4_MAX_SIZE IFLA_GRO_IPV4_MAX_SIZE"
                " IFLA_NET_NS_PID IFLA_NET_NS_FD IFLA_NUM_VF IFLA_MAX_PACING_OFFLOAD_HORIZON": _U32,
                "IFLA_OPERSTATE IFLA_LINKMODE IFLA_CARRIER IFLA_PROTO_DOWN IFLA_NETNS_IMMUTABLE": _U8,
                "IFLA_HEADROOM IFLA_TAILROOM": _U16,
                "IFLA_LINK IFLA_MASTER IFLA_NEW_IFINDEX": _interface,
                "IFLA_EXT_MASK": _flags("link_filter", "RTEXT_FILTER_???", 4),
                "IFLA_STATS64": _struct(
                    Struct(**dict.fromkeys(f"{_COUNTERS} rx_otherhost_dropped".split(), t.U64))
                ),
                "IFLA_STATS": _struct(Struct(**dict.fromkeys(_COUNTERS.split(), t.UINT))),
                "IFLA_MAP": _struct(_MAP),
                "IFLA_LINKINFO": _LINK_INFO,
                "IFLA_XDP": _XDP,
            }
        ),
    ),
)

# -- addresses, routes, neighbours ------------------------------------------------------------------

_ADDRESS_CACHE: Final = Struct(ifa_prefered=t.UINT, ifa_valid=t.UINT, cstamp=t.UINT, tstamp=t.UINT)
_INTERNET_ADDRESS: Final = Body(
    Struct(
        ifa_family=_FAMILY,
        ifa_prefixlen=t.U8,
        ifa_flags=t.Flags("ifaddr_flags", "IFA_F_???", "u8"),
        ifa_scope=t.Enum("route_scope", "RT_SCOPE_???", "u8"),
        ifa_index=t.Number("u32", InterfaceIndex),
    ),
    Attributes(
        "ifaddr_attr",
        "IFA_???",
        _each(
            {
                "IFA_ADDRESS IFA_LOCAL IFA_BROADCAST IFA_ANYCAST IFA_MULTICAST": _address,
                "IFA_LABEL": _text,
                "IFA_FLAGS": _flags("ifaddr_flags", "IFA_F_???", 4),
                "IFA_CACHEINFO": _struct(_ADDRESS_CACHE),
                "IFA_RT_PRIORITY IFA_TARGET_NETNSID": _U32,
                "IFA_PROTO": _U8,
            }
        ),
    ),
)
_ROUTE_CACHE: Final = Struct(
    rta_clntref=t.UINT,
    rta_lastuse=t.UINT,
    rta_expires=t.INT,
    rta_error=t.UINT,
    rta_used=t.UINT,
    rta_id=t.HEX32,
    rta_ts=t.UINT,
    rta_tsage=t.UINT,
)
_ROUTE: Final = Body(
    Struct(
        rtm_family=_FAMILY,
        rtm_dst_len=t.U8,
        rtm_src_len=t.U8,
        rtm_tos=t.HEX8,
        rtm_table=t.Enum("route_table", ctype="u8"),
        rtm_protocol=t.Enum("route_protocol", "RTPROT_???", "u8"),
        rtm_scope=t.Enum("route_scope", "RT_SCOPE_???", "u8"),
        rtm_type=t.Enum("route_type", "RTN_???", "u8"),
        rtm_flags=t.Flags("route_flags", "RTM_F_???"),
    ),
    Attributes(
        "route_attr",
        "RTA_???",
        _each(
            {
                "RTA_DST RTA_SRC RTA_GATEWAY RTA_PREFSRC RTA_NEWDST": _address,
                "RTA_IIF RTA_OIF": _interface,
                "RTA_PRIORITY RTA_FLOW RTA_MARK RTA_UID RTA_EXPIRES RTA_NH_ID": _U32,
                "RTA_TABLE": _named("route_table", "", 4),
                "RTA_PREF RTA_IP_PROTO RTA_TTL_PROPAGATE": _U8,
                "RTA_SPORT RTA_DPORT": _U16,
                "RTA_CACHEINFO": _struct(_ROUTE_CACHE),
            }
        ),
    ),
)
_NEIGHBOUR_CACHE: Final = Struct(ndm_confirmed=t.UINT, ndm_used=t.UINT, ndm_updated=t.UINT, ndm_refcnt=t.UINT)
_NEIGHBOUR: Final = Body(
    Struct(
        ndm_family=_FAMILY,
        _pad1=t.U8,
        _pad2=t.U16,
        ndm_ifindex=INTERFACE,
        ndm_state=t.Flags("neighbour_state", "NUD_???", "u16"),
        ndm_flags=t.Flags("neighbour_flags", "NTF_???", "u8"),
        ndm_type=t.Enum("route_type", "RTN_???", "u8"),
    ),
    Attributes(
        "neighbour_attr",
        "NDA_???",
        _each(
            {
                "NDA_DST": _address,
                "NDA_LLADDR": _card,
                "NDA_IFINDEX NDA_MASTER": _interface,
                "NDA_PROBES NDA_VNI NDA_LINK_NETNSID NDA_SRC_VNI": _U32,
                "NDA_CACHEINFO": _struct(_NEIGHBOUR_CACHE),
            }
        ),
    ),
)

#: Types come in fours: new, delete, get, set.
_ROUTE_BODIES: Final = {0: _LINK, 1: _INTERNET_ADDRESS, 2: _ROUTE, 3: _NEIGHBOUR}
_RTM_BASE: Final = 16


def route_body(kind: int) -> Body | None:
    """Find the body of a message of NETLINK_ROUTE."""
    return _ROUTE_BODIES.get((kind - _RTM_BASE) >> 2)


# -- generic netlink --------------------------------------------------------------------------------

_GENERIC_ID_CTRL: Final = 16
_CONTROL: Final = Body(
    Struct(cmd=t.Enum("ctrl_command", "CTRL_CMD_???", "u8"), version=t.U8, _reserved=t.U16),
    Attributes(
        "ctrl_attr",
        "CTRL_ATTR_???",
        _each(
            {
                "CTRL_ATTR_FAMILY_NAME": _text,
                "CTRL_ATTR_FAMILY_ID": _U16,
                "CTRL_ATTR_VERSION CTRL_ATTR_HDRSIZE CTRL_ATTR_MAXATTR CTRL_ATTR_OP": _U32,
            }
        ),
    ),
)
_GENERIC: Final = Body(Struct(cmd=t.U8, version=t.U8, _reserved=t.U16))

# -- sockets about sockets --------------------------------------------------------------------------

_STATES: Final = t.Flags("tcp_states", "1<<TCP_???")
_COOKIE: Final = Repeat(t.UINT, 2)
_UNIX_REQUEST: Final = Body(
    Struct(
        sdiag_family=_FAMILY,
        sdiag_protocol=t.U8,
        _pad=t.U16,
        udiag_states=_STATES,
        udiag_ino=t.UINT,
        udiag_show=t.Flags("unix_diag_show", "UDIAG_SHOW_???"),
        udiag_cookie=_COOKIE,
    )
)
_UNIX_ANSWER: Final = Body(
    Struct(
        udiag_family=_FAMILY,
        udiag_type=t.Enum("socket_kind", "SOCK_???", "u8"),
        udiag_state=t.Enum("tcp_state", "TCP_???", "u8"),
        _pad=t.U8,
        udiag_ino=t.UINT,
        udiag_cookie=_COOKIE,
    ),
    Attributes("unix_diag_attr", "UNIX_DIAG_???", _each({"UNIX_DIAG_PEER": _U32, "UNIX_DIAG_SHUTDOWN": _U8})),
)


class _Ends:
    """The inet_diag_sockid of a socket."""

    def __init__(self, *, six: bool) -> None:
        self._six = six

    def size(self, _abi: object) -> int:
        return 48

    def align(self, _abi: object) -> int:
        return 4

    def bind_bytes(self, _abi: object) -> Callable[[bytes, DecodedCall], Value]:
        six = self._six

        def read(data: bytes, _call: DecodedCall) -> Value:
            size = _INET6_SIZE if six else 4
            ends = [
                _address(data[at : at + size], _call) or BinaryText(data[at : at + size]) for at in (4, 20)
            ]
            return Record(
                ("idiag_sport", "idiag_dport", "idiag_src", "idiag_dst", "idiag_if", "idiag_cookie"),
                (
                    Macro("htons", int.from_bytes(data[:2], "big")),
                    Macro("htons", int.from_bytes(data[2:4], "big")),
                    *ends,
                    InterfaceIndex(int.from_bytes(data[36:40], "little")),
                    Items([int.from_bytes(data[at : at + 4], "little") for at in (40, 44)]),
                ),
            )

        return read


def _internet(*, six: bool) -> tuple[Body, Body]:
    request = Struct(
        sdiag_family=_FAMILY,
        sdiag_protocol=t.Enum("ipproto", "IPPROTO_???", "u8"),
        idiag_ext=t.HEX8,
        _pad=t.U8,
        idiag_states=_STATES,
        id=_Ends(six=six),
    )
    answer = Struct(
        idiag_family=_FAMILY,
        idiag_state=t.Enum("tcp_state", "TCP_???", "u8"),
        idiag_timer=t.U8,
        idiag_retrans=t.U8,
        id=_Ends(six=six),
        idiag_expires=t.UINT,
        idiag_rqueue=t.UINT,
        idiag_wqueue=t.UINT,
        idiag_uid=t.UINT,
        idiag_inode=t.UINT,
    )
    return Body(request), Body(answer, Attributes("inet_diag_attr", "INET_DIAG_???", {}))


_DIAG_BY_FAMILY: Final = 20
#: Family -> request and answer.
_SOCKET_BODIES: Final = {
    1: (_UNIX_REQUEST, _UNIX_ANSWER),
    2: _internet(six=False),
    10: _internet(six=True),
}


def socket_body(kind: int, data: bytes, *, asks: bool) -> Body | None:
    """Find the body of a message of NETLINK_SOCK_DIAG by its family, which is its first byte."""
    bodies = _SOCKET_BODIES.get(data[0]) if kind == _DIAG_BY_FAMILY and data else None
    return None if bodies is None else bodies[not asks]


def generic_body(kind: int) -> Body:
    """Find the body of a message of NETLINK_GENERIC."""
    return _CONTROL if kind == _GENERIC_ID_CTRL else _GENERIC
