"""Sets of constants: sockets, and the younger subsystems of the kernel."""

from __future__ import annotations

from typing import Final

from constant_kinds import EnumSet, FlagSet, enum, flags

SETS: Final[dict[str, FlagSet | EnumSet]] = {
    # io_uring, perf, bpf, landlock, keys.
    "io_uring_setup": flags("linux/io_uring.h", r"IORING_SETUP_\w+"),
    "io_uring_enter": flags("linux/io_uring.h", r"IORING_ENTER_\w+"),
    "io_uring_register": enum(
        "linux/io_uring.h",
        r"IORING_(UN)?REGISTER_\w+",
        "IORING_REGISTER_LAST|IORING_REGISTER_FILES_SKIP|IORING_REGISTER_USE_REGISTERED_RING",
    ),
    "perf_open": flags("linux/perf_event.h", r"PERF_FLAG_\w+"),
    "bpf": enum(
        "linux/bpf.h",
        r"BPF_(MAP_(CREATE|LOOKUP_ELEM|UPDATE_ELEM|DELETE_ELEM|GET_NEXT_KEY|GET_NEXT_ID|GET_FD_BY_ID"
        r"|FREEZE|LOOKUP_AND_DELETE_ELEM|LOOKUP_BATCH|LOOKUP_AND_DELETE_BATCH|UPDATE_BATCH|DELETE_BATCH)"
        r"|PROG_(LOAD|ATTACH|DETACH|TEST_RUN|GET_NEXT_ID|GET_FD_BY_ID|QUERY|BIND_MAP)|OBJ_(PIN|GET"
        r"|GET_INFO_BY_FD)|RAW_TRACEPOINT_OPEN|BTF_(LOAD|GET_FD_BY_ID|GET_NEXT_ID)|TASK_FD_QUERY"
        r"|LINK_(CREATE|UPDATE|GET_FD_BY_ID|GET_NEXT_ID|DETACH)|ENABLE_STATS|ITER_CREATE)",
    ),
    "io_uring_features": flags("linux/io_uring.h", r"IORING_FEAT_\w+"),
    "futex2": FlagSet(
        ("linux/futex.h",),
        "FUTEX2_NUMA FUTEX2_MPOL FUTEX2_PRIVATE",
        fields=((3, "FUTEX2_SIZE_U8 FUTEX2_SIZE_U16 FUTEX2_SIZE_U32 FUTEX2_SIZE_U64"),),
    ),
    "bpf_map_type": enum("linux/bpf.h", r"BPF_MAP_TYPE_\w+", "BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED"),
    "bpf_map_flags": flags(
        "linux/bpf.h",
        "BPF_F_NO_PREALLOC BPF_F_NO_COMMON_LRU BPF_F_NUMA_NODE BPF_F_RDONLY BPF_F_WRONLY BPF_F_STACK_BUILD_ID"
        " BPF_F_ZERO_SEED BPF_F_RDONLY_PROG BPF_F_WRONLY_PROG BPF_F_CLONE BPF_F_MMAPABLE BPF_F_PRESERVE_ELEMS"
        " BPF_F_INNER_MAP BPF_F_LINK BPF_F_PATH_FD BPF_F_VTYPE_BTF_OBJ_FD BPF_F_TOKEN_FD",
    ),
    "bpf_element_flags": enum("linux/bpf.h", "BPF_ANY BPF_NOEXIST BPF_EXIST BPF_F_LOCK"),
    "bpf_prog_type": enum("linux/bpf.h", r"BPF_PROG_TYPE_\w+"),
    "bpf_prog_flags": flags(
        "linux/bpf.h",
        "BPF_F_STRICT_ALIGNMENT BPF_F_ANY_ALIGNMENT BPF_F_TEST_RND_HI32 BPF_F_TEST_STATE_FREQ BPF_F_SLEEPABLE"
        " BPF_F_XDP_HAS_FRAGS BPF_F_XDP_DEV_BOUND_ONLY BPF_F_TEST_REG_INVARIANTS",
    ),
    "bpf_attach_flags": flags("linux/bpf.h", "BPF_F_ALLOW_OVERRIDE BPF_F_ALLOW_MULTI BPF_F_REPLACE"),
    "bpf_attach_type": enum(
        "linux/bpf.h",
        r"BPF_(CGROUP|SK|LIRC|FLOW|TRACE|MODIFY|LSM|XDP|PERF_EVENT|NETFILTER|TCX|STRUCT_OPS|NETKIT)[A-Z0-9_]*",
        r"BPF_(SK_(DROP|PASS|LOOKUP_F.*|STORAGE.*)|LSM_(?!MAC|CGROUP).*|CGROUP_ITER.*|PERF_EVENT_.*)",
    ),
    "bpf_register": enum("linux/bpf.h", r"BPF_REG_\d+"),
    "bpf_size": enum("linux/bpf.h linux/bpf_common.h", "BPF_W BPF_H BPF_B BPF_DW"),
    "bpf_mode": enum(
        "linux/bpf.h linux/bpf_common.h", "BPF_IMM BPF_ABS BPF_IND BPF_MEM BPF_MEMSX BPF_ATOMIC"
    ),
    "bpf_source": enum("linux/bpf_common.h", "BPF_K BPF_X"),
    "bpf_operation": enum(
        "linux/bpf.h linux/bpf_common.h",
        "BPF_ADD BPF_SUB BPF_MUL BPF_DIV BPF_OR BPF_AND BPF_LSH BPF_RSH BPF_NEG BPF_MOD BPF_XOR BPF_MOV"
        " BPF_ARSH BPF_END",
    ),
    "bpf_jump": enum(
        "linux/bpf.h linux/bpf_common.h",
        "BPF_JA BPF_JEQ BPF_JGT BPF_JGE BPF_JSET BPF_JNE BPF_JSGT BPF_JSGE BPF_CALL BPF_EXIT BPF_JLT BPF_JLE"
        " BPF_JSLT BPF_JSLE",
    ),
    "perf_type": enum("linux/perf_event.h", r"PERF_TYPE_\w+", "PERF_TYPE_MAX"),
    "perf_size": enum("linux/perf_event.h", r"PERF_ATTR_SIZE_VER\d"),
    "perf_hardware": enum(
        "linux/perf_event.h", r"PERF_COUNT_HW_\w+", r"PERF_COUNT_HW_(CACHE_(?!REF|MISS)\w+|MAX)"
    ),
    "perf_software": enum("linux/perf_event.h", r"PERF_COUNT_SW_\w+", "PERF_COUNT_SW_MAX"),
    "perf_sample": flags(
        "linux/perf_event.h", r"PERF_SAMPLE_[A-Z_]+", r"PERF_SAMPLE_(BRANCH|REGS_ABI|MAX|WEIGHT_TYPE).*"
    ),
    "perf_read": flags("linux/perf_event.h", r"PERF_FORMAT_\w+", "PERF_FORMAT_MAX"),
    "landlock_fs": flags("linux/landlock.h", r"LANDLOCK_ACCESS_FS_\w+"),
    "landlock_net": flags("linux/landlock.h", r"LANDLOCK_ACCESS_NET_\w+"),
    "landlock_scope": flags("linux/landlock.h", r"LANDLOCK_SCOPE_\w+"),
    "landlock_restrict": flags("linux/landlock.h", r"LANDLOCK_RESTRICT_SELF_\w+"),
    "key_reqkey": enum("linux/keyctl.h", r"KEY_REQKEY_DEFL_\w+"),
    "key_move": flags("linux/keyctl.h", "KEYCTL_MOVE_EXCL"),
    # include/linux/key.h, which is not for user space.
    "key_perm": FlagSet(
        ("linux/fs.h",),
        "",
        extra={
            f"KEY_{who}_{right}": bit << shift
            for shift, who in ((24, "POS"), (16, "USR"), (8, "GRP"), (0, "OTH"))
            for bit, right in (
                (1, "VIEW"),
                (2, "READ"),
                (4, "WRITE"),
                (8, "SEARCH"),
                (16, "LINK"),
                (32, "SETATTR"),
            )
        },
    ),
    "landlock_rule": enum("linux/landlock.h", r"LANDLOCK_RULE_\w+"),
    "landlock_create": flags("linux/landlock.h", r"LANDLOCK_CREATE_\w+", ".*_ERRATA"),
    "keyctl": enum("linux/keyctl.h", r"KEYCTL_[A-Z0-9_]+", r"KEYCTL_(SUPPORTS|CAPS\d|KDF|MOVE_EXCL).*"),
    "key_spec": enum("linux/keyctl.h", r"KEY_SPEC_\w+"),
    "statmount": flags("linux/mount.h", r"STATMOUNT_\w+", "STATMOUNT_BY_FD"),
    "statmount_flags": flags("linux/mount.h", "", STATMOUNT_BY_FD=1),
    "listmount_flags": flags("linux/mount.h", "LISTMOUNT_REVERSE"),
    "listmount_id": enum("linux/mount.h", "LSMT_ROOT"),
    "open_tree": flags(
        "linux/mount.h linux/fcntl.h",
        "OPEN_TREE_CLONE OPEN_TREE_CLOEXEC AT_SYMLINK_NOFOLLOW AT_REMOVEDIR AT_SYMLINK_FOLLOW"
        " AT_NO_AUTOMOUNT AT_EMPTY_PATH AT_RECURSIVE",
    ),
    "move_mount": flags("linux/mount.h", r"MOVE_MOUNT_\w+", "MOVE_MOUNT__MASK"),
    "fsopen": flags("linux/mount.h", "FSOPEN_CLOEXEC"),
    "fspick": flags("linux/mount.h", r"FSPICK_\w+"),
    "fsmount": flags("linux/mount.h", "FSMOUNT_CLOEXEC"),
    "mount_attr": flags("linux/mount.h", r"MOUNT_ATTR_\w+", "MOUNT_ATTR_RELATIME|MOUNT_ATTR__ATIME"),
    "fsconfig": enum("linux/mount.h", r"FSCONFIG_\w+"),
    "fanotify_init": FlagSet(
        ("linux/fanotify.h",),
        r"FAN_(CLOEXEC|NONBLOCK|UNLIMITED_\w+|ENABLE_AUDIT|REPORT_\w+)",
        "FAN_REPORT_DFID_.*",
        fields=((12, "FAN_CLASS_NOTIF FAN_CLASS_CONTENT FAN_CLASS_PRE_CONTENT"),),
    ),
    "fanotify_fd": enum("linux/fanotify.h", "FAN_NOFD"),
    "fanotify_mark": flags(
        "linux/fanotify.h",
        "FAN_MARK_ADD FAN_MARK_REMOVE FAN_MARK_DONT_FOLLOW FAN_MARK_ONLYDIR FAN_MARK_MOUNT"
        " FAN_MARK_IGNORED_MASK FAN_MARK_IGNORED_SURV_MODIFY FAN_MARK_FLUSH FAN_MARK_FILESYSTEM"
        " FAN_MARK_EVICTABLE FAN_MARK_IGNORE",
    ),
    "fanotify_mask": flags(
        "linux/fanotify.h",
        r"FAN_(ACCESS|MODIFY|ATTRIB|CLOSE_WRITE|CLOSE_NOWRITE|OPEN|MOVED_FROM|MOVED_TO|CREATE|DELETE"
        r"|DELETE_SELF|MOVE_SELF|OPEN_EXEC|Q_OVERFLOW|FS_ERROR|OPEN_PERM|ACCESS_PERM|OPEN_EXEC_PERM|ONDIR"
        r"|EVENT_ON_CHILD|RENAME)",
    ),
    "module_init": flags("linux/module.h", r"MODULE_INIT_\w+"),
    "ipc_flags": flags("linux/ipc.h", "IPC_CREAT IPC_EXCL IPC_NOWAIT"),
    "shm_flags": flags("linux/ipc.h", "IPC_CREAT IPC_EXCL", SHM_HUGETLB=0o4000, SHM_NORESERVE=0o10000),
    "msg_flags": flags(
        "linux/ipc.h", "", MSG_NOERROR=0o10000, MSG_EXCEPT=0o20000, MSG_COPY=0o40000, IPC_NOWAIT=0o4000
    ),
    "shmat": flags(
        "linux/fs.h", "", SHM_RDONLY=0o10000, SHM_RND=0o20000, SHM_REMAP=0o40000, SHM_EXEC=0o100000
    ),
    "shm_cmd": enum(
        "linux/ipc.h",
        "IPC_RMID IPC_SET IPC_STAT IPC_INFO",
        SHM_LOCK=11,
        SHM_UNLOCK=12,
        SHM_STAT=13,
        SHM_INFO=14,
        SHM_STAT_ANY=15,
    ),
    "sem_cmd": enum(
        "linux/sem.h linux/ipc.h",
        "IPC_RMID IPC_SET IPC_STAT IPC_INFO GETPID GETVAL GETALL GETNCNT GETZCNT SETVAL SETALL SEM_STAT"
        " SEM_INFO SEM_STAT_ANY",
    ),
    "msg_cmd": enum(
        "linux/msg.h linux/ipc.h", "IPC_RMID IPC_SET IPC_STAT IPC_INFO MSG_STAT MSG_INFO MSG_STAT_ANY"
    ),
    "sem_flags": flags("linux/sem.h linux/ipc.h", "SEM_UNDO IPC_NOWAIT"),
    # Sockets.  The kernel's own headers leave families and types to the C library: written out.
    "family": enum(
        "linux/fs.h",
        "",
        AF_UNSPEC=0,
        AF_UNIX=1,
        AF_INET=2,
        AF_AX25=3,
        AF_IPX=4,
        AF_APPLETALK=5,
        AF_NETROM=6,
        AF_BRIDGE=7,
        AF_ATMPVC=8,
        AF_X25=9,
        AF_INET6=10,
        AF_ROSE=11,
        AF_DECnet=12,
        AF_NETBEUI=13,
        AF_SECURITY=14,
        AF_KEY=15,
        AF_NETLINK=16,
        AF_PACKET=17,
        AF_ASH=18,
        AF_ECONET=19,
        AF_ATMSVC=20,
        AF_RDS=21,
        AF_SNA=22,
        AF_IRDA=23,
        AF_PPPOX=24,
        AF_WANPIPE=25,
        AF_LLC=26,
        AF_IB=27,
        AF_MPLS=28,
        AF_CAN=29,
        AF_TIPC=30,
        AF_BLUETOOTH=31,
        AF_IUCV=32,
        AF_RXRPC=33,
        AF_ISDN=34,
        AF_PHONET=35,
        AF_IEEE802154=36,
        AF_CAIF=37,
        AF_ALG=38,
        AF_NFC=39,
        AF_VSOCK=40,
        AF_KCM=41,
        AF_QIPCRTR=42,
        AF_SMC=43,
        AF_XDP=44,
        AF_MCTP=45,
    ),
    "socket_type": flags("linux/fs.h", "", SOCK_CLOEXEC=0o2000000, SOCK_NONBLOCK=0o4000),
    "socket_kind": enum(
        "linux/net.h",
        "",
        SOCK_STREAM=1,
        SOCK_DGRAM=2,
        SOCK_RAW=3,
        SOCK_RDM=4,
        SOCK_SEQPACKET=5,
        SOCK_DCCP=6,
        SOCK_PACKET=10,
    ),
    "ipproto": enum(
        "linux/in.h linux/in6.h",
        r"IPPROTO_\w+",
        "IPPROTO_(MAX|HOPOPTS|ROUTING|FRAGMENT|ICMPV6|NONE|DSTOPTS|MH)",
        IPPROTO_ICMPV6=58,
    ),
    "netlink_proto": enum(
        "linux/netlink.h",
        r"NETLINK_(ROUTE|UNUSED|USERSOCK|FIREWALL|SOCK_DIAG|NFLOG|XFRM|SELINUX|ISCSI|AUDIT|FIB_LOOKUP"
        r"|CONNECTOR|NETFILTER|IP6_FW|DNRTMSG|KOBJECT_UEVENT|GENERIC|SCSITRANSPORT|ECRYPTFS|RDMA|CRYPTO|SMC)",
    ),
    "sol": enum(
        "linux/fs.h",
        "",
        SOL_IP=0,
        SOL_SOCKET=1,
        SOL_TCP=6,
        SOL_UDP=17,
        SOL_IPV6=41,
        SOL_ICMPV6=58,
        SOL_CAN_BASE=100,
        SOL_CAN_RAW=101,
        SOL_SCTP=132,
        SOL_UDPLITE=136,
        SOL_RAW=255,
        SOL_IPX=256,
        SOL_AX25=257,
        SOL_ATALK=258,
        SOL_NETROM=259,
        SOL_ROSE=260,
        SOL_DECNET=261,
        SOL_X25=262,
        SOL_PACKET=263,
        SOL_ATM=264,
        SOL_AAL=265,
        SOL_IRDA=266,
        SOL_NETBEUI=267,
        SOL_LLC=268,
        SOL_DCCP=269,
        SOL_NETLINK=270,
        SOL_TIPC=271,
        SOL_RXRPC=272,
        SOL_PPPOL2TP=273,
        SOL_BLUETOOTH=274,
        SOL_PNPIPE=275,
        SOL_RDS=276,
        SOL_IUCV=277,
        SOL_CAIF=278,
        SOL_ALG=279,
        SOL_NFC=280,
        SOL_KCM=281,
        SOL_TLS=282,
        SOL_XDP=283,
        SOL_MPTCP=284,
        SOL_MCTP=285,
        SOL_SMC=286,
        SOL_VSOCK=287,
    ),
    "msg": flags(
        "linux/fs.h",
        "",
        MSG_OOB=1,
        MSG_PEEK=2,
        MSG_DONTROUTE=4,
        MSG_CTRUNC=8,
        MSG_PROBE=0x10,
        MSG_TRUNC=0x20,
        MSG_DONTWAIT=0x40,
        MSG_EOR=0x80,
        MSG_WAITALL=0x100,
        MSG_FIN=0x200,
        MSG_SYN=0x400,
        MSG_CONFIRM=0x800,
        MSG_RST=0x1000,
        MSG_ERRQUEUE=0x2000,
        MSG_NOSIGNAL=0x4000,
        MSG_MORE=0x8000,
        MSG_WAITFORONE=0x10000,
        MSG_SENDPAGE_NOTLAST=0x20000,
        MSG_BATCH=0x40000,
        MSG_NO_SHARED_FRAGS=0x80000,
        MSG_ZEROCOPY=0x4000000,
        MSG_FASTOPEN=0x20000000,
        MSG_CMSG_CLOEXEC=0x40000000,
        MSG_CMSG_COMPAT=0x80000000,
    ),
    "shutdown": enum("linux/fs.h", "", SHUT_RD=0, SHUT_WR=1, SHUT_RDWR=2),
    "socketcall": enum("linux/net.h", r"SYS_[A-Z0-9]+"),
    "ipc_call": enum("linux/ipc.h", r"SEM[A-Z]+|MSG[A-Z]+|SHM[A-Z]+"),
}
