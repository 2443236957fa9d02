"""Sets of constants that few programs need: netlink messages, and the values of socket options."""

from __future__ import annotations

from typing import Final

from constant_kinds import EnumSet, FlagSet, enum, flags

_REQUEST: Final = "NLM_F_REQUEST NLM_F_MULTI NLM_F_ACK NLM_F_ECHO NLM_F_DUMP_INTR NLM_F_DUMP_FILTERED"
_LINK_PARTS: Final = (
    r"IFLA_(MAX|INET6?_.*|BR_.*|BRPORT_.*|INFO_.*|VLAN_.*|MACVLAN_.*|VRF_.*|MACSEC_.*|XFRM_.*|IPVLAN_.*"
    r"|NETKIT_.*|VXLAN_.*|GENEVE_.*|BAREUDP_.*|PPP_.*|GTP_.*|BOND_.*|VF_.*|PORT_.*|IPOIB_.*|HSR_.*|STATS_.*"
    r"|OFFLOAD_.*|XDP_.*|EVENT_.*|TUN_.*|RMNET_.*|MCTP_.*|DSA_.*|OVPN_.*|AMT_.*|CAN_.*|VTI_.*|GRE_.*"
    r"|IPTUN_.*|FOU_.*|BATADV_.*)"
)
_AUDIT_PARTS: Final = (
    r"AUDIT_(ARCH.*|FILTER.*|FEATURE_(?!CHANGE).*|STATUS_.*|FAIL_.*|MAX_.*|BITMASK_.*|PERM(_.*)?|MSGTYPE|PID"
    r"|UID|EUID|SUID|FSUID|GID|EGID|SGID|FSGID|LOGINUID.*|PERS|SUBJ_.*|PPID|OBJ_(?!PID).*|SESSIONID|FSTYPE"
    r"|DEVMAJOR|DEVMINOR|INODE|EXIT|SUCCESS|WATCH|DIR|FILETYPE|ARG\d|FIELD_COMPARE|EXE|SADDR_FAM|NEGATE"
    r"|BIT_.*|LESS_.*|GREATER_.*|NOT_EQUAL|EQUAL|OPERATORS|COMPARE_.*|NEVER|POSSIBLE|ALWAYS|UNUSED_BITS"
    r"|WORD.*|KEY_.*|VERSION.*|CLASS_.*|(FIRST|LAST)_.*|.*_MSG\d)"
)
#: include/net/tcp_states.h, which is not for user space.
_TCP_STATES: Final = (
    "TCP_ESTABLISHED TCP_SYN_SENT TCP_SYN_RECV TCP_FIN_WAIT1 TCP_FIN_WAIT2 TCP_TIME_WAIT TCP_CLOSE"
    " TCP_CLOSE_WAIT TCP_LAST_ACK TCP_LISTEN TCP_CLOSING TCP_NEW_SYN_RECV"
)
#: include/uapi/linux/sctp.h, which does not compile by itself.
_SCTP_OPTIONS: Final = (
    "SCTP_RTOINFO SCTP_ASSOCINFO SCTP_INITMSG SCTP_NODELAY SCTP_AUTOCLOSE"
    " SCTP_SET_PEER_PRIMARY_ADDR SCTP_PRIMARY_ADDR SCTP_ADAPTATION_LAYER SCTP_DISABLE_FRAGMENTS"
    " SCTP_PEER_ADDR_PARAMS SCTP_DEFAULT_SEND_PARAM SCTP_EVENTS SCTP_I_WANT_MAPPED_V4_ADDR"
    " SCTP_MAXSEG SCTP_STATUS SCTP_GET_PEER_ADDR_INFO SCTP_DELAYED_SACK SCTP_CONTEXT"
    " SCTP_FRAGMENT_INTERLEAVE SCTP_PARTIAL_DELIVERY_POINT SCTP_MAX_BURST SCTP_AUTH_CHUNK"
    " SCTP_HMAC_IDENT SCTP_AUTH_KEY SCTP_AUTH_ACTIVE_KEY SCTP_AUTH_DELETE_KEY SCTP_PEER_AUTH_CHUNKS"
    " SCTP_LOCAL_AUTH_CHUNKS SCTP_GET_ASSOC_NUMBER SCTP_GET_ASSOC_ID_LIST SCTP_AUTO_ASCONF"
    " SCTP_PEER_ADDR_THLDS SCTP_RECVRCVINFO SCTP_RECVNXTINFO SCTP_DEFAULT_SNDINFO"
    " SCTP_AUTH_DEACTIVATE_KEY SCTP_REUSE_PORT SCTP_PEER_ADDR_THLDS_V2"
)

#: include/uapi/linux/errqueue.h, for the same reason.
_ERROR_ORIGINS: Final = (
    "SO_EE_ORIGIN_NONE SO_EE_ORIGIN_LOCAL SO_EE_ORIGIN_ICMP SO_EE_ORIGIN_ICMP6 SO_EE_ORIGIN_TXSTATUS"
    " SO_EE_ORIGIN_ZEROCOPY SO_EE_ORIGIN_TXTIME"
)


def _numbered(names: str, first: int = 0) -> dict[str, int]:
    """Number names one by one."""
    return {name: number for number, name in enumerate(names.split(), first)}


SETS: Final[dict[str, FlagSet | EnumSet]] = {
    # Heads of netlink messages.
    "nlmsg_type": enum("linux/netlink.h", "NLMSG_NOOP NLMSG_ERROR NLMSG_DONE NLMSG_OVERRUN"),
    "nlmsg_flags": flags("linux/netlink.h", _REQUEST),
    "nlmsg_get": flags("linux/netlink.h", f"{_REQUEST} NLM_F_DUMP NLM_F_ROOT NLM_F_MATCH NLM_F_ATOMIC"),
    "nlmsg_new": flags("linux/netlink.h", f"{_REQUEST} NLM_F_REPLACE NLM_F_EXCL NLM_F_CREATE NLM_F_APPEND"),
    "nlmsg_delete": flags("linux/netlink.h", f"{_REQUEST} NLM_F_NONREC NLM_F_BULK"),
    "nlmsg_ack": flags("linux/netlink.h", f"{_REQUEST} NLM_F_CAPPED NLM_F_ACK_TLVS"),
    "nlmsgerr_attr": enum("linux/netlink.h", r"NLMSGERR_ATTR_\w+", ".*_MAX"),
    # Routes, links, addresses and neighbours.
    "rtm_type": enum("linux/rtnetlink.h", r"RTM_[A-Z0-9]+", "RTM_(BASE|MAX|FAM|NR_.*)|RTM_.*_(MAX|FAM).*"),
    "ifinfo_attr": enum("linux/if_link.h", r"IFLA_[A-Z0-9_]+", _LINK_PARTS),
    "ifaddr_attr": enum("linux/if_addr.h", r"IFA_[A-Z_]+", r"IFA_(MAX|F_.*)"),
    "ifaddr_flags": flags("linux/if_addr.h", r"IFA_F_\w+", "IFA_F_TEMPORARY"),
    "route_attr": enum("linux/rtnetlink.h", r"RTA_[A-Z0-9_]+", "RTA_(MAX|ALIGNTO)"),
    "route_type": enum("linux/rtnetlink.h", r"RTN_[A-Z]+", "RTN_MAX"),
    "route_protocol": enum("linux/rtnetlink.h", r"RTPROT_[A-Z0-9]+"),
    "route_scope": enum("linux/rtnetlink.h", r"RT_SCOPE_[A-Z]+"),
    "route_table": enum("linux/rtnetlink.h", r"RT_TABLE_[A-Z]+", "RT_TABLE_MAX"),
    "route_flags": flags("linux/rtnetlink.h", r"RTM_F_\w+"),
    "neighbour_attr": enum("linux/neighbour.h", r"NDA_[A-Z0-9_]+", "NDA_MAX|NDA_VNI_.*"),
    "neighbour_state": flags("linux/neighbour.h", r"NUD_[A-Z]+", "NUD_NONE"),
    "neighbour_flags": flags("linux/neighbour.h", r"NTF_[A-Z_]+", "NTF_EXT.*"),
    "link_filter": flags("linux/rtnetlink.h", r"RTEXT_FILTER_\w+"),
    "link_info_attr": enum("linux/if_link.h", r"IFLA_INFO_[A-Z_]+", "IFLA_INFO_MAX"),
    "link_xdp_attr": enum("linux/if_link.h", r"IFLA_XDP_[A-Z_]+", "IFLA_XDP_MAX"),
    "xdp_attached": enum("linux/if_link.h", r"XDP_ATTACHED_[A-Z]+"),
    "link_type": enum("linux/if_arp.h", r"ARPHRD_[A-Z0-9_]+"),
    "interface_flags": flags("linux/if.h", r"IFF_[A-Z0-9_]+"),
    # Generic netlink.
    # Families get their numbers when they are registered, but for the one that tells them.
    "genl_type": enum("linux/fs.h", "", nlctrl=16),
    "ctrl_command": enum("linux/genetlink.h", r"CTRL_CMD_[A-Z_]+"),
    "ctrl_attr": enum(
        "linux/genetlink.h", r"CTRL_ATTR_[A-Z0-9_]+", "CTRL_ATTR_(OP_|MCAST_GRP_|POLICY_D).*|.*_MAX"
    ),
    # Sockets about sockets.
    "diag_type": enum(
        "linux/sock_diag.h linux/inet_diag.h",
        "SOCK_DIAG_BY_FAMILY SOCK_DESTROY",
        TCPDIAG_GETSOCK=18,
        DCCPDIAG_GETSOCK=19,
    ),
    "tcp_states": FlagSet(
        ("linux/fs.h",), "", extra={f"1<<{name}": 1 << bit for name, bit in _numbered(_TCP_STATES, 1).items()}
    ),
    "unix_diag_show": flags("linux/unix_diag.h", r"UDIAG_SHOW_\w+"),
    "unix_diag_attr": enum("linux/unix_diag.h", r"UNIX_DIAG_\w+", "UNIX_DIAG_MAX"),
    "inet_diag_attr": enum("linux/inet_diag.h", r"INET_DIAG_[A-Z0-9_]+", r"INET_DIAG_(MAX|BC_.*|REQ_.*)"),
    "audit_type": enum("linux/audit.h", r"AUDIT_[A-Z0-9_]+", _AUDIT_PARTS),
    # Asynchronous I/O, and the next kernel.
    "iocb_cmd": enum("linux/aio_abi.h", r"IOCB_CMD_\w+"),
    "iocb_flags": flags("linux/aio_abi.h", r"IOCB_FLAG_\w+"),
    "kexec": FlagSet(
        ("linux/kexec.h",),
        r"KEXEC_(ON_CRASH|PRESERVE_CONTEXT|UPDATE_ELFCOREHDR|CRASH_HOTPLUG_SUPPORT)",
        fields=((0xFFFF0000, r"KEXEC_ARCH_(?!MASK)[A-Z0-9_]+"),),
    ),
    "kexec_file": flags("linux/kexec.h", r"KEXEC_FILE_[A-Z_]+"),
    # Socket options.
    "so": enum(
        "asm/socket.h",
        r"SO_[A-Z0-9_]+",
        r"SO_(GET_FILTER|.*_NEW|TIMESTAMP|TIMESTAMPNS|TIMESTAMPING|RCVTIMEO|SNDTIMEO)",
        SO_RCVTIMEO_OLD=20,
        SO_SNDTIMEO_OLD=21,
        SO_TIMESTAMP_OLD=29,
        SO_TIMESTAMPNS_OLD=35,
        SO_TIMESTAMPING_OLD=37,
        SO_TIMESTAMP_NEW=63,
        SO_TIMESTAMPNS_NEW=64,
        SO_TIMESTAMPING_NEW=65,
        SO_RCVTIMEO_NEW=66,
        SO_SNDTIMEO_NEW=67,
    ),
    "ip_opt": enum(
        "linux/in.h",
        r"(IP|MCAST)_[A-Z0-9_]+",
        r"IP_(RETRECVOPTS|PMTUDISC_.*|DEFAULT_.*|MAX_.*|MSFILTER_SIZE)|MCAST_(IN|EX)CLUDE",
    ),
    "ipv6_opt": enum(
        "linux/in6.h linux/in.h",
        r"(IPV6|MCAST)_[A-Z0-9_]+",
        r"IPV6_(PMTUDISC_.*|FL_.*|PRIORITY_.*|TLV_.*|PREFER_.*|FLOWINFO_(FLOW|PRI).*|RECVORIGDSTADDR)"
        r"|MCAST_(IN|EX)CLUDE",
        IPV6_USE_MIN_MTU=63,
    ),
    "tcp_opt": enum(
        "linux/tcp.h",
        r"TCP_[A-Z0-9_]+",
        r"TCP_(MSS_.*|FLAG_.*|DATA_OFFSET|REPAIR_O.*|NO_QUEUE|RECV_QUEUE|SEND_QUEUE|QUEUES_NR"
        r"|RECEIVE_ZEROCOPY_.*|NLA_.*|MD5SIG_(?!EXT$).*|AO_.*|TIMESTAMP_.*|.*_STATE|CA_.*|FASTOPEN_UNSPEC|COOKIE_.*)",
        TCP_TIMESTAMP=24,
        TCP_COOKIE_TRANSACTIONS=15,
        TCP_REPAIR_OPTIONS=22,
    ),
    "udp_opt": enum("linux/udp.h", r"UDP_(CORK|ENCAP|NO_CHECK6_TX|NO_CHECK6_RX|SEGMENT|GRO)"),
    "packet_opt": enum(
        "linux/if_packet.h",
        r"PACKET_(ADD_MEMBERSHIP|DROP_MEMBERSHIP|RECV_OUTPUT|RX_RING|STATISTICS|COPY_THRESH|AUXDATA"
        r"|ORIGDEV|VERSION|HDRLEN|RESERVE|TX_RING|LOSS|VNET_HDR|TX_TIMESTAMP|TIMESTAMP|FANOUT|TX_HAS_OFF"
        r"|QDISC_BYPASS|ROLLOVER_STATS|FANOUT_DATA|IGNORE_OUTGOING)",
    ),
    "netlink_opt": enum(
        "linux/netlink.h",
        r"NETLINK_(ADD_MEMBERSHIP|DROP_MEMBERSHIP|PKTINFO|BROADCAST_ERROR|NO_ENOBUFS|RX_RING|TX_RING"
        r"|LISTEN_ALL_NSID|LIST_MEMBERSHIPS|CAP_ACK|EXT_ACK|GET_STRICT_CHK)",
    ),
    "so_get": enum("linux/fs.h", "", SO_GET_FILTER=26),
    "ip_opt_get": enum(
        "linux/fs.h",
        "",
        IPT_SO_GET_INFO=64,
        IPT_SO_GET_ENTRIES=65,
        IPT_SO_GET_REVISION_MATCH=66,
        IPT_SO_GET_REVISION_TARGET=67,
    ),
    "ip_opt_set": enum(
        "linux/fs.h", "", IPT_SO_SET_REPLACE=64, IPT_SO_SET_ADD_COUNTERS=65, EBT_SO_SET_ENTRIES=128
    ),
    "ipv6_opt_get": enum(
        "linux/fs.h",
        "",
        IP6T_SO_GET_INFO=64,
        IP6T_SO_GET_ENTRIES=65,
        IP6T_SO_GET_REVISION_MATCH=68,
        IP6T_SO_GET_REVISION_TARGET=69,
    ),
    "ipv6_opt_set": enum("linux/fs.h", "", IP6T_SO_SET_REPLACE=64, IP6T_SO_SET_ADD_COUNTERS=65),
    "sctp_opt": EnumSet(("linux/fs.h",), "", extra=_numbered(_SCTP_OPTIONS)),
    "raw_opt": enum("linux/fs.h", "", ICMP_FILTER=1),
    "tipc_opt": enum(
        "linux/tipc.h",
        "TIPC_IMPORTANCE TIPC_SRC_DROPPABLE TIPC_DEST_DROPPABLE TIPC_CONN_TIMEOUT TIPC_NODE_RECVQ_DEPTH"
        " TIPC_SOCK_RECVQ_DEPTH TIPC_MCAST_BROADCAST TIPC_MCAST_REPLICAST TIPC_GROUP_JOIN TIPC_GROUP_LEAVE"
        " TIPC_SOCK_RECVQ_USED TIPC_NODELAY",
    ),
    "bluetooth_opt": enum(
        "linux/fs.h",
        "",
        BT_SECURITY=4,
        BT_DEFER_SETUP=7,
        BT_FLUSHABLE=8,
        BT_POWER=9,
        BT_CHANNEL_POLICY=10,
        BT_VOICE=11,
        BT_SNDMTU=12,
        BT_RCVMTU=13,
        BT_PHY=14,
        BT_MODE=15,
        BT_PKT_STATUS=16,
        BT_ISO_QOS=17,
        BT_CODEC=19,
    ),
    "alg_opt": enum("linux/if_alg.h", r"ALG_SET_[A-Z_]+"),
    "tls_opt": enum("linux/tls.h", r"TLS_(TX|RX|TX_ZEROCOPY_RO|RX_EXPECT_NO_PAD)"),
    "xdp_opt": enum(
        "linux/if_xdp.h",
        "XDP_MMAP_OFFSETS XDP_RX_RING XDP_TX_RING XDP_UMEM_REG XDP_UMEM_FILL_RING XDP_UMEM_COMPLETION_RING"
        " XDP_STATISTICS XDP_OPTIONS",
    ),
    "tcp_state": EnumSet(("linux/fs.h",), "", extra=_numbered(_TCP_STATES, 1)),
    # Control messages.
    "scm": enum(
        "linux/fs.h",
        "",
        SCM_RIGHTS=1,
        SCM_CREDENTIALS=2,
        SCM_SECURITY=3,
        SCM_PIDFD=4,
        SO_TIMESTAMP_OLD=29,
        SO_TIMESTAMPNS_OLD=35,
        SO_TIMESTAMPING_OLD=37,
        SO_RXQ_OVFL=40,
        SCM_WIFI_STATUS=41,
        SCM_TIMESTAMPING_OPT_STATS=54,
        SCM_TIMESTAMPING_PKTINFO=58,
        SCM_TXTIME=61,
        SO_TIMESTAMP_NEW=63,
        SO_TIMESTAMPNS_NEW=64,
        SO_TIMESTAMPING_NEW=65,
    ),
    "ip_message": enum(
        "linux/in.h",
        "IP_TOS IP_TTL IP_RECVOPTS IP_RETOPTS IP_PKTINFO IP_RECVERR IP_ORIGDSTADDR IP_CHECKSUM"
        " IP_RECVFRAGSIZE",
        SCM_SECURITY=3,
    ),
    "udp_message": enum("linux/udp.h", "UDP_SEGMENT UDP_GRO"),
    "error_origin": EnumSet(("linux/fs.h",), "", extra=_numbered(_ERROR_ORIGINS)),
    "vm_cid": enum("linux/vm_sockets.h", r"VMADDR_CID_[A-Z]+"),
    "vm_flags": flags("linux/vm_sockets.h", r"VMADDR_FLAG_[A-Z_]+"),
    # Values of socket options.
    "packet_type": enum(
        "linux/if_packet.h", r"PACKET_(HOST|BROADCAST|MULTICAST|OTHERHOST|OUTGOING|LOOPBACK|USER|KERNEL)"
    ),
    "packet_membership": enum("linux/if_packet.h", r"PACKET_MR_\w+"),
    "ethertype": enum("linux/if_ether.h", r"ETH_P_[A-Z0-9_]+"),
}
