"""Structs of socket options.

Reference: socket(7), ip(7), ipv6(7), tcp(7), packet(7); include/uapi/linux/tcp.h (Linux 6.19).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.layouts import TIMEVAL, TIMEVAL64
from utrace.syscalls.pointers import Array, Cell
from utrace.syscalls.programs import SOCKET_INSTRUCTION
from utrace.syscalls.sockets import AnyAddress, decode_address, inet6_text
from utrace.syscalls.structs import BitFields, Hidden, Struct
from utrace.syscalls.tables import enum_decoder
from utrace.syscalls.values import HardwareAddress, InterfaceIndex, Items, Macro, Record, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import BytesDecoder, Pointee
    from utrace.syscalls.values import Value

INTERFACE: Final = t.Number("i32", InterfaceIndex)

LINGER: Final = Struct(l_onoff=t.INT, l_linger=t.INT)
UCRED: Final = Struct(pid=t.PID, uid=t.ID, gid=t.ID)
_FILTER: Final = Struct(len=t.U16, filter=Hidden(Array(SOCKET_INSTRUCTION, "len")))
_MREQ: Final = Struct(imr_multiaddr=t.INET_ADDRESS, imr_interface=t.INET_ADDRESS)
_SOURCE: Final = Struct(
    imr_multiaddr=t.INET_ADDRESS, imr_interface=t.INET_ADDRESS, imr_sourceaddr=t.INET_ADDRESS
)


class Inet6Address:
    """An in6_addr inside a struct."""

    def size(self, _abi: Abi) -> int:
        """Bytes it takes."""
        return 16

    def align(self, _abi: Abi) -> int:
        """Alignment inside a struct."""
        return 4

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        return lambda data, _call: Macro("inet_pton", inet6_text(data))


_IPV6_MREQ: Final = Struct(ipv6mr_multiaddr=Inet6Address(), ipv6mr_interface=INTERFACE)
_GROUP: Final = Struct(gr_interface=INTERFACE, gr_group=AnyAddress(128))
_GROUP_SOURCE: Final = Struct(gsr_interface=INTERFACE, gsr_group=AnyAddress(128), gsr_source=AnyAddress(128))


class _PacketMembership:
    """A packet_mreq: as much of the address as it says."""

    _LAYOUT: Final = struct.Struct("<iHH8s")

    def size(self, _abi: Abi) -> int:
        return self._LAYOUT.size

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        type_of = enum_decoder(abi, "packet_membership", "PACKET_MR_???")

        def read(data: bytes, _call: DecodedCall) -> Value:
            index, kind, length, address = self._LAYOUT.unpack(data)
            return Record(
                ("mr_ifindex", "mr_type", "mr_alen", "mr_address"),
                (InterfaceIndex(index), type_of(kind), length, HardwareAddress(address[:length])),
            )

        return read


_RING: Final = Struct(tp_block_size=t.UINT, tp_block_nr=t.UINT, tp_frame_size=t.UINT, tp_frame_nr=t.UINT)
_STATISTICS: Final = Struct(tp_packets=t.UINT, tp_drops=t.UINT)

_TCP_INFO_BYTES: Final = "tcpi_state tcpi_ca_state tcpi_retransmits tcpi_probes tcpi_backoff tcpi_options"
_TCP_INFO_INTS: Final = (
    "tcpi_rto tcpi_ato tcpi_snd_mss tcpi_rcv_mss tcpi_unacked tcpi_sacked tcpi_lost tcpi_retrans tcpi_fackets"
    " tcpi_last_data_sent tcpi_last_ack_sent tcpi_last_data_recv tcpi_last_ack_recv tcpi_pmtu"
    " tcpi_rcv_ssthresh tcpi_rtt tcpi_rttvar tcpi_snd_ssthresh tcpi_snd_cwnd tcpi_advmss tcpi_reordering"
    " tcpi_rcv_rtt tcpi_rcv_space tcpi_total_retrans"
)
TCP_INFO: Final = Struct(
    "tcpi_state tcpi_rtt tcpi_snd_cwnd tcpi_unacked tcpi_total_retrans",
    **{
        name: t.Enum("tcp_state", "TCP_???", "u8") if name == "tcpi_state" else t.U8
        for name in _TCP_INFO_BYTES.split()
    },
    scales=BitFields("u8", tcpi_snd_wscale=4, tcpi_rcv_wscale=4),
    flags=BitFields("u8", tcpi_delivery_rate_app_limited=1, tcpi_fastopen_client_fail=2, _rest=5),
    **dict.fromkeys(_TCP_INFO_INTS.split(), t.UINT),
)


class _Texts:
    """Bytes that are text."""

    def size(self, _abi: Abi) -> int:
        return 0

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        return lambda data, _call: Text(data)


class _Numbers:
    """As many numbers of 32 bits as there are."""

    def size(self, _abi: Abi) -> int:
        return 0

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        def read(data: bytes, _call: DecodedCall) -> Value:
            count = len(data) // 4
            return Items(struct.unpack(f"<{count}I", data[: count * 4]))

        return read


class _Name(_Texts):
    """The address of a socket."""

    def bind_bytes(self, _abi: Abi) -> BytesDecoder:
        return decode_address


#: The sets whose options are ints if they say nothing else, and those of other sizes among them.
INTS: Final = frozenset({"so", "netlink_opt"})
OTHERS: Final = (
    "SO_TYPE SO_ERROR SO_PEERCRED SO_SECURITY_AUTHENTICATION SO_SECURITY_ENCRYPTION_TRANSPORT"
    " SO_SECURITY_ENCRYPTION_NETWORK SO_PEERSEC SO_PROTOCOL SO_DOMAIN SO_MAX_PACING_RATE SO_BPF_EXTENSIONS"
    " SO_ATTACH_BPF SO_ATTACH_REUSEPORT_EBPF SO_MEMINFO SO_COOKIE SO_PEERGROUPS SO_TXTIME SO_BINDTOIFINDEX"
    " SO_NETNS_COOKIE SO_BUF_LOCK"
)

KINDS: Final[Mapping[str, Mapping[str, Pointee]]] = {
    "so": {
        "SO_LINGER": LINGER,
        "SO_PEERCRED": UCRED,
        "SO_RCVTIMEO_OLD SO_SNDTIMEO_OLD": TIMEVAL,
        "SO_RCVTIMEO_NEW SO_SNDTIMEO_NEW": TIMEVAL64,
        "SO_MAX_PACING_RATE": Cell(t.ULONG),
        "SO_BINDTODEVICE": _Texts(),
        "SO_ATTACH_FILTER SO_ATTACH_REUSEPORT_CBPF": _FILTER,
        "SO_PEERNAME": _Name(),
        "SO_PEERGROUPS SO_MEMINFO": _Numbers(),
    },
    "ip_opt": {
        "IP_ADD_MEMBERSHIP IP_DROP_MEMBERSHIP": _MREQ,
        "IP_ADD_SOURCE_MEMBERSHIP IP_DROP_SOURCE_MEMBERSHIP IP_BLOCK_SOURCE IP_UNBLOCK_SOURCE": _SOURCE,
        "MCAST_JOIN_GROUP MCAST_LEAVE_GROUP": _GROUP,
        "MCAST_JOIN_SOURCE_GROUP MCAST_LEAVE_SOURCE_GROUP MCAST_BLOCK_SOURCE MCAST_UNBLOCK_SOURCE": (
            _GROUP_SOURCE
        ),
    },
    "ipv6_opt": {
        "IPV6_ADD_MEMBERSHIP IPV6_DROP_MEMBERSHIP IPV6_JOIN_ANYCAST IPV6_LEAVE_ANYCAST": _IPV6_MREQ,
        "MCAST_JOIN_GROUP MCAST_LEAVE_GROUP": _GROUP,
        "MCAST_JOIN_SOURCE_GROUP MCAST_LEAVE_SOURCE_GROUP MCAST_BLOCK_SOURCE MCAST_UNBLOCK_SOURCE": (
            _GROUP_SOURCE
        ),
    },
    "tcp_opt": {"TCP_INFO": TCP_INFO, "TCP_CONGESTION TCP_ULP TCP_FASTOPEN_KEY": _Texts()},
    "packet_opt": {
        "PACKET_ADD_MEMBERSHIP PACKET_DROP_MEMBERSHIP": _PacketMembership(),
        "PACKET_RX_RING PACKET_TX_RING": _RING,
        "PACKET_STATISTICS": _STATISTICS,
    },
    "netlink_opt": {"NETLINK_LIST_MEMBERSHIPS": _Numbers()},
}
