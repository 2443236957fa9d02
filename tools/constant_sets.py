"""Which macro or enumerator of which header belongs to which set of constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class FlagSet:
    """Bits, and fields of several bits that hold one of some values."""

    headers: tuple[str, ...]
    names: str
    exclude: str = ""
    fields: tuple[tuple[int, str], ...] = ()
    extra: dict[str, int] = field(default_factory=dict)
    same_everywhere: bool = True


@dataclass(frozen=True)
class EnumSet:
    """One of some values."""

    headers: tuple[str, ...]
    names: str
    exclude: str = ""
    extra: dict[str, int] = field(default_factory=dict)
    same_everywhere: bool = True


def _flags(header: str, names: str, exclude: str = "", **extra: int) -> FlagSet:
    return FlagSet(tuple(header.split()), names, exclude, extra=extra)


def _enum(header: str, names: str, exclude: str = "", **extra: int) -> EnumSet:
    return EnumSet(tuple(header.split()), names, exclude, extra=extra)


SETS: Final[dict[str, FlagSet | EnumSet]] = {
    "errno": _enum("linux/errno.h", r"E[A-Z0-9]+", "EWOULDBLOCK|EDEADLOCK"),
    "signal": _enum(
        "linux/signal.h",
        r"SIG[A-Z0-9]+",
        "SIGRTMIN|SIGRTMAX|SIGIOT|SIGPOLL|SIGSTKSZ|SIGUNUSED|SIGLOST|SIGCLD",
    ),
    # Files and descriptors.
    "open": FlagSet(
        ("asm/fcntl.h",),
        "O_CREAT O_EXCL O_NOCTTY O_TRUNC O_APPEND O_NONBLOCK O_SYNC O_DSYNC O_DIRECT O_LARGEFILE O_NOFOLLOW"
        " O_NOATIME O_CLOEXEC O_PATH O_TMPFILE O_DIRECTORY FASYNC",
        fields=((3, "O_RDONLY O_WRONLY O_RDWR O_ACCMODE"),),
        same_everywhere=False,
    ),
    "fd_flags": _flags("linux/fcntl.h", "FD_CLOEXEC"),
    "o_cloexec": FlagSet(
        ("asm/fcntl.h",),
        "O_CREAT O_EXCL O_NOCTTY O_TRUNC O_APPEND O_NONBLOCK O_SYNC O_DSYNC O_DIRECT O_LARGEFILE O_NOFOLLOW"
        " O_NOATIME O_CLOEXEC O_PATH O_TMPFILE O_DIRECTORY FASYNC",
        same_everywhere=False,
    ),
    "at": _flags("linux/fcntl.h", r"AT_[A-Z_]+", "AT_FDCWD|AT_EACCESS|AT_STATX_.*|AT_HANDLE_FID"),
    "statx_at": FlagSet(
        ("linux/fcntl.h",),
        "AT_SYMLINK_NOFOLLOW AT_REMOVEDIR AT_SYMLINK_FOLLOW AT_NO_AUTOMOUNT AT_EMPTY_PATH AT_RECURSIVE",
        fields=((0x6000, "AT_STATX_SYNC_AS_STAT AT_STATX_FORCE_SYNC AT_STATX_DONT_SYNC"),),
    ),
    "access_at": _flags("linux/fcntl.h", "AT_SYMLINK_NOFOLLOW AT_EACCESS AT_EMPTY_PATH"),
    "access": _flags("linux/fcntl.h", "", R_OK=4, W_OK=2, X_OK=1),
    "unlink_at": _flags("linux/fcntl.h", "AT_REMOVEDIR"),
    "resolve": _flags("linux/openat2.h", r"RESOLVE_\w+"),
    "whence": _enum("linux/fs.h", r"SEEK_[A-Z]+", "SEEK_MAX"),
    "fcntl": _enum(
        "asm/fcntl.h linux/fcntl.h",
        r"F_[A-Z0-9_]+",
        r"F_(RDLCK|WRLCK|UNLCK|EXLCK|SHLCK|SEAL_.*|OWNER_.*)",
    ),
    "lock_type": _enum("asm/fcntl.h", "F_RDLCK F_WRLCK F_UNLCK F_EXLCK F_SHLCK"),
    "seals": _flags("linux/fcntl.h", r"F_SEAL_\w+"),
    "notify": _flags("linux/fcntl.h", r"DN_[A-Z]+"),
    "owner_type": _enum("asm/fcntl.h", "F_OWNER_TID F_OWNER_PID F_OWNER_PGRP"),
    "flock": _flags("asm/fcntl.h", "LOCK_SH LOCK_EX LOCK_NB LOCK_UN LOCK_MAND LOCK_RW LOCK_READ LOCK_WRITE"),
    "rename": _flags("linux/fs.h", r"RENAME_\w+"),
    "rwf": _flags("linux/fs.h", r"RWF_\w+", "RWF_SUPPORTED"),
    "fallocate": _flags("linux/falloc.h", r"FALLOC_FL_\w+"),
    "fadvise": _enum("linux/fadvise.h", r"POSIX_FADV_\w+"),
    "splice": _flags(
        "linux/fcntl.h", "", SPLICE_F_MOVE=1, SPLICE_F_NONBLOCK=2, SPLICE_F_MORE=4, SPLICE_F_GIFT=8
    ),
    "sync_range": _flags("linux/fs.h", r"SYNC_FILE_RANGE_\w+", "SYNC_FILE_RANGE_WRITE_AND_WAIT"),
    "close_range": _flags("linux/close_range.h", r"CLOSE_RANGE_\w+"),
    "file_type": _enum("linux/stat.h", "S_IFSOCK S_IFLNK S_IFREG S_IFBLK S_IFDIR S_IFCHR S_IFIFO"),
    "statx_mask": _flags("linux/stat.h", r"STATX_[A-Z_]+", r"STATX__RESERVED|STATX_ATTR.*"),
    "statx_attr": _flags("linux/stat.h", r"STATX_ATTR_\w+"),
    "dirent_type": _enum(
        "linux/fs.h",
        "",
        DT_UNKNOWN=0,
        DT_FIFO=1,
        DT_CHR=2,
        DT_DIR=4,
        DT_BLK=6,
        DT_REG=8,
        DT_LNK=10,
        DT_SOCK=12,
        DT_WHT=14,
    ),
    "statfs_type": _enum(
        "linux/magic.h",
        r"\w+_MAGIC|\w+_SUPER_MAGIC",
        "FUTEXFS_SUPER_MAGIC",
        XFS_SUPER_MAGIC=0x58465342,
        FUSE_SUPER_MAGIC=0x65735546,
        CIFS_MAGIC_NUMBER=0xFF534D42,
    ),
    "statfs_flags": _flags(
        "linux/fs.h",
        "",
        ST_RDONLY=1,
        ST_NOSUID=2,
        ST_NODEV=4,
        ST_NOEXEC=8,
        ST_SYNCHRONOUS=16,
        ST_VALID=32,
        ST_MANDLOCK=64,
        ST_NOATIME=1024,
        ST_NODIRATIME=2048,
        ST_RELATIME=4096,
        ST_NOSYMFOLLOW=8192,
    ),
    "inotify_mask": _flags(
        "linux/inotify.h", r"IN_[A-Z_]+", "IN_CLOSE|IN_MOVE|IN_ALL_EVENTS|IN_CLOEXEC|IN_NONBLOCK"
    ),
    "inotify_init": _flags("linux/inotify.h", "IN_NONBLOCK IN_CLOEXEC"),
    "xattr": _flags("linux/xattr.h", "XATTR_CREATE XATTR_REPLACE"),
    "mount": _flags("linux/mount.h", r"MS_[A-Z0-9_]+", "MS_MGC_.*|MS_RMT_MASK|MS_VERBOSE", MS_SILENT=32768),
    "umount": _flags("linux/fs.h", "", MNT_FORCE=1, MNT_DETACH=2, MNT_EXPIRE=4, UMOUNT_NOFOLLOW=8),
    "memfd": FlagSet(
        ("linux/memfd.h",),
        "MFD_CLOEXEC MFD_ALLOW_SEALING MFD_HUGETLB MFD_NOEXEC_SEAL MFD_EXEC",
        extra={"MFD_NOEXEC_SEAL": 8, "MFD_EXEC": 16},
    ),
    "getrandom": _flags("linux/random.h", r"GRND_[A-Z]+"),
    # Memory.
    "prot": _flags("asm/mman.h", r"PROT_[A-Z]+", "PROT_NONE", PROT_SEM=8),
    "pkey": _flags("asm/mman.h", "PKEY_DISABLE_ACCESS PKEY_DISABLE_WRITE"),
    "userfaultfd": _flags("linux/fcntl.h", "O_NONBLOCK O_CLOEXEC", UFFD_USER_MODE_ONLY=1),
    "delete_module": _flags("linux/fcntl.h", "O_NONBLOCK O_TRUNC"),
    "prctl_vma": _enum("linux/prctl.h", "PR_SET_VMA_ANON_NAME"),
    "map": FlagSet(
        ("linux/mman.h",),
        "MAP_FIXED MAP_ANONYMOUS MAP_32BIT MAP_NORESERVE MAP_POPULATE MAP_NONBLOCK MAP_GROWSDOWN"
        " MAP_DENYWRITE"
        " MAP_EXECUTABLE MAP_LOCKED MAP_STACK MAP_HUGETLB MAP_SYNC MAP_FIXED_NOREPLACE",
        fields=((15, "MAP_SHARED MAP_PRIVATE MAP_SHARED_VALIDATE"),),
        same_everywhere=False,
    ),
    "mremap": _flags("linux/mman.h", r"MREMAP_[A-Z]+"),
    "madvise": _enum("asm/mman.h", r"MADV_[A-Z0-9_]+"),
    "msync": _flags("asm/mman.h", "MS_SYNC MS_ASYNC MS_INVALIDATE"),
    "mlock": _flags("asm/mman.h", "MLOCK_ONFAULT"),
    "mlockall": _flags("asm/mman.h", r"MCL_[A-Z]+"),
    "mempolicy": _enum("linux/mempolicy.h", r"MPOL_(DEFAULT|PREFERRED|BIND|INTERLEAVE|LOCAL|PREFERRED_MANY)"),
    "membarrier": _enum(
        "linux/membarrier.h", r"MEMBARRIER_CMD_[A-Z_]+", "MEMBARRIER_CMD_SHARED|MEMBARRIER_CMD_FLAG_CPU"
    ),
    # Processes.
    "clone": _flags(
        "linux/sched.h",
        r"CLONE_[A-Z_]+",
        "CLONE_ARGS.*|CLONE_NEWTIME|CLONE_CLEAR_SIGHAND|CLONE_INTO_CGROUP|CLONE_DETACHED",
    ),
    "clone3": _flags("linux/sched.h", r"CLONE_[A-Z_]+", "CLONE_ARGS.*"),
    "unshare": _flags(
        "linux/sched.h",
        "CLONE_NEWTIME CLONE_VM CLONE_FS CLONE_FILES CLONE_SIGHAND CLONE_THREAD CLONE_NEWNS CLONE_SYSVSEM"
        " CLONE_NEWCGROUP CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID CLONE_NEWNET",
    ),
    "namespaces": _flags(
        "linux/sched.h",
        "CLONE_NEWTIME CLONE_NEWNS CLONE_NEWCGROUP CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID"
        " CLONE_NEWNET",
    ),
    "handle_at": _flags("linux/fcntl.h", "AT_SYMLINK_FOLLOW AT_EMPTY_PATH"),
    "wait": _flags(
        "linux/wait.h", "WNOHANG WUNTRACED WEXITED WCONTINUED WNOWAIT __WCLONE __WALL __WNOTHREAD"
    ),
    "waitid": _flags(
        "linux/wait.h", "WNOHANG WEXITED WSTOPPED WCONTINUED WNOWAIT __WCLONE __WALL __WNOTHREAD"
    ),
    "id_type": _enum("linux/wait.h", "P_ALL P_PID P_PGID P_PIDFD"),
    "rlimit": _enum("linux/resource.h", r"RLIMIT_[A-Z]+"),
    "rusage_who": _enum("linux/resource.h", r"RUSAGE_[A-Z]+"),
    "priority_which": _enum("linux/resource.h", r"PRIO_(PROCESS|PGRP|USER)"),
    "prctl": _enum(
        "linux/prctl.h",
        r"PR_(SET|GET|CAPBSET|CAP_AMBIENT|MCE|TASK|SVE|SME|PAC|MPX|SCHED|RSEQ)[A-Z_0-9]*",
        r"PR_SET_VMA_.*|PR_PAC_AP.*|PR_SET_MM_.*|PR_(SVE|SME)_(VL|SET_VL)_.*|PR_CAP_AMBIENT_.*"
        r"|PR_SCHED_CORE_.*|PR_MCE_KILL_.*|PR_SET_PTRACER_ANY|PR_TASK_PERF.*_.*X",
    ),
    "prctl_dumpable": _enum("linux/fs.h", "", SUID_DUMP_DISABLE=0, SUID_DUMP_USER=1, SUID_DUMP_ROOT=2),
    "arch_prctl": _enum("asm/prctl.h", r"ARCH_[A-Z0-9_]+"),
    "cap": _enum("linux/capability.h", r"CAP_[A-Z_]+", "CAP_LAST_CAP|CAP_TO_.*"),
    "cap_version": _enum("linux/capability.h", r"_LINUX_CAPABILITY_VERSION_\d"),
    "personality": _enum("linux/personality.h", r"PER_[A-Z0-9_]+", "PER_MASK"),
    "personality_flags": FlagSet(
        ("linux/personality.h",),
        "UNAME26 ADDR_NO_RANDOMIZE FDPIC_FUNCPTRS MMAP_PAGE_ZERO ADDR_COMPAT_LAYOUT READ_IMPLIES_EXEC"
        " ADDR_LIMIT_32BIT"
        " SHORT_INODE WHOLE_SECONDS STICKY_TIMEOUTS ADDR_LIMIT_3GB",
        fields=((255, r"PER_(LINUX|LINUX32|SVR4|BSD|SUNOS|HPUX|UW7|OSR5|SOLARIS|RISCOS|XENIX|IRIX32)"),),
    ),
    "sched_policy": FlagSet(
        ("linux/sched.h",),
        "",
        fields=((0xBFFFFFFF, "SCHED_OTHER=0 SCHED_FIFO SCHED_RR SCHED_BATCH SCHED_IDLE SCHED_DEADLINE"),),
        extra={"SCHED_RESET_ON_FORK": 0x40000000},
    ),
    "sched_attr_flags": _flags(
        "linux/sched.h", r"SCHED_FLAG_[A-Z_]+", "SCHED_FLAG_KEEP_ALL|SCHED_FLAG_UTIL_CLAMP|SCHED_FLAG_ALL"
    ),
    "rseq": _flags("linux/rseq.h", "RSEQ_FLAG_UNREGISTER"),
    "pidfd_open": _flags("linux/pidfd.h", "", PIDFD_NONBLOCK=0o4000, PIDFD_THREAD=0o200),
    "seccomp_op": _enum("linux/seccomp.h", r"SECCOMP_(SET_MODE|GET)_\w+"),
    "seccomp_mode": _enum("linux/seccomp.h", r"SECCOMP_MODE_\w+"),
    "seccomp_filter": _flags("linux/seccomp.h", r"SECCOMP_FILTER_FLAG_\w+"),
    "seccomp_action": _enum(
        "linux/seccomp.h", r"SECCOMP_RET_(KILL_PROCESS|KILL_THREAD|TRAP|ERRNO|USER_NOTIF|TRACE|LOG|ALLOW)"
    ),
    "ptrace": _enum(
        "linux/ptrace.h asm/ptrace-abi.h",
        r"PTRACE_(?!O_|EVENT|SI_|SYSCALL_INFO|PEEKSIGINFO_SHARED|SYSEMU_).*",
    ),
    "ptrace_options": _flags("linux/ptrace.h", r"PTRACE_O_[A-Z]+", "PTRACE_O_MASK"),
    "kcmp": _enum("linux/kcmp.h", r"KCMP_[A-Z_]+", "KCMP_TYPES"),
    "reboot_magic": _enum("linux/reboot.h", r"LINUX_REBOOT_MAGIC\w+"),
    "reboot": _enum("linux/reboot.h", r"LINUX_REBOOT_CMD_\w+"),
    "syslog": _enum(
        "linux/fs.h",
        "",
        SYSLOG_ACTION_CLOSE=0,
        SYSLOG_ACTION_OPEN=1,
        SYSLOG_ACTION_READ=2,
        SYSLOG_ACTION_READ_ALL=3,
        SYSLOG_ACTION_READ_CLEAR=4,
        SYSLOG_ACTION_CLEAR=5,
        SYSLOG_ACTION_CONSOLE_OFF=6,
        SYSLOG_ACTION_CONSOLE_ON=7,
        SYSLOG_ACTION_CONSOLE_LEVEL=8,
        SYSLOG_ACTION_SIZE_UNREAD=9,
        SYSLOG_ACTION_SIZE_BUFFER=10,
    ),
    # Signals.
    "sigprocmask": _enum("linux/signal.h", "SIG_BLOCK SIG_UNBLOCK SIG_SETMASK"),
    "sa_flags": FlagSet(
        ("linux/signal.h",), r"SA_[A-Z0-9_]+", "SA_NOMASK|SA_ONESHOT|SA_UNSUPPORTED", same_everywhere=False
    ),
    "sigaltstack": _flags("linux/signal.h", "SS_ONSTACK SS_DISABLE SS_AUTODISARM"),
    "si_code": _enum("asm/siginfo.h", r"SI_[A-Z]+", "SI_MAX_SIZE|SI_PAD_SIZE"),
    "si_code_SIGILL": _enum("asm/siginfo.h", r"ILL_[A-Z]+|__ILL_[A-Z]+"),
    "si_code_SIGFPE": _enum("asm/siginfo.h", r"FPE_[A-Z]+"),
    "si_code_SIGSEGV": _enum("asm/siginfo.h", r"SEGV_[A-Z]+"),
    "si_code_SIGBUS": _enum("asm/siginfo.h", r"BUS_[A-Z_]+"),
    "si_code_SIGTRAP": _enum("asm/siginfo.h", r"TRAP_[A-Z]+", "TRAP_PERF_FLAG.*"),
    "si_code_SIGCHLD": _enum("asm/siginfo.h", r"CLD_[A-Z]+"),
    "si_code_SIGPOLL": _enum("asm/siginfo.h", r"POLL_[A-Z]+"),
    "si_code_SIGSYS": _enum("asm/siginfo.h", r"SYS_(SECCOMP|USER_DISPATCH)"),
    "signalfd": _flags("linux/fcntl.h", "", SFD_CLOEXEC=0o2000000, SFD_NONBLOCK=0o4000),
    # Waiting and time.
    "poll": _flags("asm/poll.h", r"POLL[A-Z]+", "POLLFREE|POLL_BUSY_LOOP"),
    "epoll_create": _flags("linux/eventpoll.h", "EPOLL_CLOEXEC"),
    "epoll_ctl": _enum("linux/eventpoll.h", r"EPOLL_CTL_[A-Z]+"),
    "epoll_events": _flags("linux/eventpoll.h", r"EPOLL[A-Z]+", "EPOLLNVAL", EPOLLIN=1, EPOLLNVAL=32),
    "eventfd": _flags("linux/fs.h", "", EFD_SEMAPHORE=1, EFD_CLOEXEC=0o2000000, EFD_NONBLOCK=0o4000),
    "futex_op": _enum(
        "linux/futex.h",
        r"FUTEX_(WAIT|WAKE|FD|REQUEUE|CMP_REQUEUE|WAKE_OP|LOCK_PI|UNLOCK_PI|TRYLOCK_PI"
        r"|WAIT_BITSET|WAKE_BITSET|WAIT_REQUEUE_PI|CMP_REQUEUE_PI|LOCK_PI2)(_PRIVATE)?",
    ),
    "futex_op_flags": _flags("linux/futex.h", "FUTEX_PRIVATE_FLAG FUTEX_CLOCK_REALTIME"),
    "swap": _flags(
        "linux/fs.h",
        "",
        SWAP_FLAG_PREFER=0x8000,
        SWAP_FLAG_DISCARD=0x10000,
        SWAP_FLAG_DISCARD_ONCE=0x20000,
        SWAP_FLAG_DISCARD_PAGES=0x40000,
    ),
    "membarrier_flags": _flags("linux/membarrier.h", "MEMBARRIER_CMD_FLAG_CPU"),
    "clockid": _enum("linux/time.h", r"CLOCK_[A-Z_]+"),
    "timer_flags": _flags("linux/time.h", "TIMER_ABSTIME"),
    "timerfd_create": _flags(
        "linux/fs.h",
        "",
        TFD_TIMER_ABSTIME=1,
        TFD_TIMER_CANCEL_ON_SET=2,
        TFD_CLOEXEC=0o2000000,
        TFD_NONBLOCK=0o4000,
    ),
    "timerfd_settime": _flags(
        "linux/fs.h",
        "",
        TFD_TIMER_ABSTIME=1,
        TFD_TIMER_CANCEL_ON_SET=2,
        TFD_CLOEXEC=0o2000000,
        TFD_NONBLOCK=0o4000,
    ),
    "itimer": _enum("linux/time.h", r"ITIMER_[A-Z]+"),
    "adjtimex": _flags("linux/timex.h", r"ADJ_[A-Z]+"),
    # io_uring, perf, bpf, landlock, keys.
    "io_uring_setup": _flags("linux/io_uring.h", r"IORING_SETUP_\w+"),
    "io_uring_enter": _flags("linux/io_uring.h", r"IORING_ENTER_\w+"),
    "io_uring_register": _enum(
        "linux/io_uring.h",
        r"IORING_(UN)?REGISTER_\w+",
        "IORING_REGISTER_LAST|IORING_REGISTER_FILES_SKIP|IORING_REGISTER_USE_REGISTERED_RING",
    ),
    "perf_open": _flags("linux/perf_event.h", r"PERF_FLAG_\w+"),
    "bpf": _enum(
        "linux/bpf.h",
        r"BPF_(MAP_(CREATE|LOOKUP_ELEM|UPDATE_ELEM|DELETE_ELEM|GET_NEXT_KEY|GET_NEXT_ID|GET_FD_BY_ID"
        r"|FREEZE|LOOKUP_AND_DELETE_ELEM|LOOKUP_BATCH|LOOKUP_AND_DELETE_BATCH|UPDATE_BATCH|DELETE_BATCH)"
        r"|PROG_(LOAD|ATTACH|DETACH|TEST_RUN|GET_NEXT_ID|GET_FD_BY_ID|QUERY|BIND_MAP)|OBJ_(PIN|GET"
        r"|GET_INFO_BY_FD)|RAW_TRACEPOINT_OPEN|BTF_(LOAD|GET_FD_BY_ID|GET_NEXT_ID)|TASK_FD_QUERY"
        r"|LINK_(CREATE|UPDATE|GET_FD_BY_ID|GET_NEXT_ID|DETACH)|ENABLE_STATS|ITER_CREATE)",
    ),
    "landlock_rule": _enum("linux/landlock.h", r"LANDLOCK_RULE_\w+"),
    "landlock_create": _flags("linux/landlock.h", r"LANDLOCK_CREATE_\w+", ".*_ERRATA"),
    "keyctl": _enum("linux/keyctl.h", r"KEYCTL_[A-Z0-9_]+", r"KEYCTL_(SUPPORTS|CAPS\d|KDF|MOVE_EXCL).*"),
    "key_spec": _enum("linux/keyctl.h", r"KEY_SPEC_\w+"),
    "open_tree": _flags(
        "linux/mount.h linux/fcntl.h",
        "OPEN_TREE_CLONE OPEN_TREE_CLOEXEC AT_SYMLINK_NOFOLLOW AT_REMOVEDIR AT_SYMLINK_FOLLOW"
        " AT_NO_AUTOMOUNT AT_EMPTY_PATH AT_RECURSIVE",
    ),
    "move_mount": _flags("linux/mount.h", r"MOVE_MOUNT_\w+", "MOVE_MOUNT__MASK"),
    "fsopen": _flags("linux/mount.h", "FSOPEN_CLOEXEC"),
    "fspick": _flags("linux/mount.h", r"FSPICK_\w+"),
    "fsmount": _flags("linux/mount.h", "FSMOUNT_CLOEXEC"),
    "mount_attr": _flags("linux/mount.h", r"MOUNT_ATTR_\w+", "MOUNT_ATTR_RELATIME|MOUNT_ATTR__ATIME"),
    "fsconfig": _enum("linux/mount.h", r"FSCONFIG_\w+"),
    "fanotify_init": _flags(
        "linux/fanotify.h",
        r"FAN_(CLOEXEC|NONBLOCK|UNLIMITED_\w+|ENABLE_AUDIT|REPORT_\w+|CLASS_CONTENT|CLASS_PRE_CONTENT)",
        "FAN_REPORT_DFID_.*",
    ),
    "fanotify_mark": _flags(
        "linux/fanotify.h",
        "FAN_MARK_ADD FAN_MARK_REMOVE FAN_MARK_DONT_FOLLOW FAN_MARK_ONLYDIR FAN_MARK_MOUNT"
        " FAN_MARK_IGNORED_MASK FAN_MARK_IGNORED_SURV_MODIFY FAN_MARK_FLUSH FAN_MARK_FILESYSTEM"
        " FAN_MARK_EVICTABLE FAN_MARK_IGNORE",
    ),
    "fanotify_mask": _flags(
        "linux/fanotify.h",
        r"FAN_(ACCESS|MODIFY|ATTRIB|CLOSE_WRITE|CLOSE_NOWRITE|OPEN|MOVED_FROM|MOVED_TO|CREATE|DELETE"
        r"|DELETE_SELF|MOVE_SELF|OPEN_EXEC|Q_OVERFLOW|FS_ERROR|OPEN_PERM|ACCESS_PERM|OPEN_EXEC_PERM|ONDIR"
        r"|EVENT_ON_CHILD|RENAME)",
    ),
    "module_init": _flags("linux/module.h", r"MODULE_INIT_\w+"),
    "ipc_flags": _flags("linux/ipc.h", "IPC_CREAT IPC_EXCL"),
    "shm_flags": _flags("linux/ipc.h", "IPC_CREAT IPC_EXCL", SHM_HUGETLB=0o4000, SHM_NORESERVE=0o10000),
    "msg_flags": _flags(
        "linux/ipc.h", "", MSG_NOERROR=0o10000, MSG_EXCEPT=0o20000, MSG_COPY=0o40000, IPC_NOWAIT=0o4000
    ),
    "shmat": _flags(
        "linux/fs.h", "", SHM_RDONLY=0o10000, SHM_RND=0o20000, SHM_REMAP=0o40000, SHM_EXEC=0o100000
    ),
    "ipc_cmd": _enum("linux/ipc.h", "IPC_RMID IPC_SET IPC_STAT IPC_INFO"),
    # Sockets.  The kernel's own headers leave families and types to the C library: written out.
    "family": _enum(
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
    "socket_type": _flags("linux/fs.h", "", SOCK_CLOEXEC=0o2000000, SOCK_NONBLOCK=0o4000),
    "socket_kind": _enum(
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
    "ipproto": _enum(
        "linux/in.h linux/in6.h",
        r"IPPROTO_\w+",
        "IPPROTO_(MAX|HOPOPTS|ROUTING|FRAGMENT|ICMPV6|NONE|DSTOPTS|MH)",
        IPPROTO_ICMPV6=58,
    ),
    "netlink_proto": _enum(
        "linux/netlink.h",
        r"NETLINK_(ROUTE|UNUSED|USERSOCK|FIREWALL|SOCK_DIAG|NFLOG|XFRM|SELINUX|ISCSI|AUDIT|FIB_LOOKUP"
        r"|CONNECTOR|NETFILTER|IP6_FW|DNRTMSG|KOBJECT_UEVENT|GENERIC|SCSITRANSPORT|ECRYPTFS|RDMA|CRYPTO|SMC)",
    ),
    "sol": _enum(
        "linux/fs.h",
        "",
        SOL_IP=0,
        SOL_SOCKET=1,
        SOL_TCP=6,
        SOL_UDP=17,
        SOL_IPV6=41,
        SOL_ICMPV6=58,
        SOL_SCTP=132,
        SOL_RAW=255,
        SOL_PACKET=263,
        SOL_NETLINK=270,
        SOL_TLS=282,
        SOL_XDP=283,
        SOL_MPTCP=284,
        SOL_ALG=279,
        SOL_BLUETOOTH=274,
    ),
    "so": _enum(
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
    "ip_opt": _enum(
        "linux/in.h",
        r"(IP|MCAST)_[A-Z0-9_]+",
        r"IP_(RETRECVOPTS|PMTUDISC_.*|DEFAULT_.*|MAX_.*|MSFILTER_SIZE)|MCAST_(IN|EX)CLUDE",
    ),
    "ipv6_opt": _enum(
        "linux/in6.h",
        r"(IPV6|MCAST)_[A-Z0-9_]+",
        r"IPV6_(PMTUDISC_.*|FL_.*|PRIORITY_.*|TLV_.*|PREFER_.*|FLOWINFO_.*)|IPV6_ADD_MEMBERSHIP"
        r"|IPV6_DROP_MEMBERSHIP",
    ),
    "tcp_opt": _enum(
        "linux/tcp.h",
        r"TCP_[A-Z0-9_]+",
        r"TCP_(MSS_.*|FLAG_.*|DATA_OFFSET|REPAIR_.*|NO_QUEUE|RECV_QUEUE|SEND_QUEUE|QUEUES_NR"
        r"|RECEIVE_ZEROCOPY_.*|NLA_.*|MD5SIG_.*|AO_.*|TIMESTAMP_.*|.*_STATE|CA_.*|FASTOPEN_UNSPEC)",
        TCP_TIMESTAMP=24,
    ),
    "udp_opt": _enum("linux/udp.h", r"UDP_(CORK|ENCAP|NO_CHECK6_TX|NO_CHECK6_RX|SEGMENT|GRO)"),
    "packet_opt": _enum(
        "linux/if_packet.h",
        r"PACKET_(ADD_MEMBERSHIP|DROP_MEMBERSHIP|RECV_OUTPUT|RX_RING|STATISTICS|COPY_THRESH|AUXDATA"
        r"|ORIGDEV|VERSION|HDRLEN|RESERVE|TX_RING|LOSS|VNET_HDR|TX_TIMESTAMP|TIMESTAMP|FANOUT|TX_HAS_OFF"
        r"|QDISC_BYPASS|ROLLOVER_STATS|FANOUT_DATA|IGNORE_OUTGOING)",
    ),
    "netlink_opt": _enum(
        "linux/netlink.h",
        r"NETLINK_(ADD_MEMBERSHIP|DROP_MEMBERSHIP|PKTINFO|BROADCAST_ERROR|NO_ENOBUFS|RX_RING|TX_RING"
        r"|LISTEN_ALL_NSID|LIST_MEMBERSHIPS|CAP_ACK|EXT_ACK|GET_STRICT_CHK)",
    ),
    "msg": _flags(
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
    "shutdown": _enum("linux/fs.h", "", SHUT_RD=0, SHUT_WR=1, SHUT_RDWR=2),
    "scm": _enum("linux/fs.h", "", SCM_RIGHTS=1, SCM_CREDENTIALS=2, SCM_SECURITY=3, SCM_PIDFD=4),
    "socketcall": _enum("linux/net.h", r"SYS_[A-Z0-9]+"),
    "ipc_call": _enum("linux/ipc.h", r"SEM[A-Z]+|MSG[A-Z]+|SHM[A-Z]+"),
    # Terminals.
    "ioctl": EnumSet(
        (
            "asm/ioctls.h",
            "asm/termbits.h",
            "linux/termios.h",
            "linux/sockios.h",
            "linux/fs.h",
            "linux/vt.h",
            "linux/kd.h",
            "linux/random.h",
            "linux/if_tun.h",
            "linux/loop.h",
            "linux/perf_event.h",
            "linux/nsfs.h",
            "linux/fiemap.h",
            "linux/userfaultfd.h",
            "linux/seccomp.h",
            "linux/btrfs.h",
            "linux/rtc.h",
            "linux/watchdog.h",
            "linux/kvm.h",
            "linux/dm-ioctl.h",
        ),
        r"(TC|TIOC|FIO|SIOC|BLK|FS_IOC|VT_|KD|RND|TUN|LOOP_|PERF_EVENT_IOC_|NS_GET|UFFDIO_|SECCOMP_IOCTL"
        r"|BTRFS_IOC|RTC_|WDIOC_|KVM_|DM_|FICLONE|FIDEDUPE|FIBMAP|FIGETBSZ|FITRIM|FIFREEZE|FITHAW)[A-Z0-9_]+",
        r"KD_FONT_.*|BTRFS_IOCTL_.*|DM_IOCTL|SIOCINQ|SIOCOUTQ|TIOCINQ|TIOCPKT_.*|TIOCSER_TEMT|TIOCM_.*"
        r"|TCSA.*|TCO[FN]+|TCI[FN]+|TC[IO]*FLUSH|TCOOFF|TCOON|TCIOFF|TCION|.*_MAX(_.*)?|SIOCDEVPRIVATE"
        r"|SIOCPROTOPRIVATE|SIOCSRARP_.*"
        r"|VT_(AUTO|PROCESS|ACKACQ|MAX.*|EVENT_.*)|KDGKBTYPE_.*|LOOP_(SET_STATUS_.*|CONFIGURE_.*|MAJOR)"
        r"|KVM_(?!CREATE_VM$|RUN$|GET_API_VERSION$|CHECK_EXTENSION$|CREATE_VCPU$|GET_VCPU_MMAP_SIZE$"
        r"|SET_USER_MEMORY_REGION$|GET_REGS$|SET_REGS$|GET_SREGS$|SET_SREGS$).*"
        r"|UFFDIO_(?!API$|REGISTER$|UNREGISTER$|WAKE$|COPY$|ZEROPAGE$|WRITEPROTECT$|CONTINUE$).*"
        r"|DM_(?!.*_CMD$)[A-Z_]*_(FLAG|LEN|NAME).*|UI_(?!DEV_|SET_|GET_).*|TUN_.*|RTC_(?!.*_(ON|OFF|READ"
        r"|SET)$).*|FS_IOC_FS.*LABEL_.*|DM_.*_CMD|DM_(MAX.*|NAME_LEN|DIR|CONTROL_NODE|UUID_LEN"
        r"|VERSION_(MAJOR|MINOR|PATCHLEVEL|EXTRA)|DRIVER.*)|BLK_ZONE.*|BLKTRACE.*|BLK_TC.*|BLK_TA.*"
        r"|BLK_TN.*|KD_(TEXT|GRAPHICS).*|TCQ.*",
        same_everywhere=False,
    ),
    "termios_iflag": _flags(
        "asm/termbits.h",
        "IGNBRK BRKINT IGNPAR PARMRK INPCK ISTRIP INLCR IGNCR ICRNL IUCLC IXON IXANY IXOFF IMAXBEL IUTF8",
    ),
    "termios_lflag": _flags(
        "asm/termbits.h",
        "ISIG ICANON XCASE ECHO ECHOE ECHOK ECHONL NOFLSH TOSTOP ECHOCTL ECHOPRT ECHOKE FLUSHO PENDIN"
        " IEXTEN EXTPROC",
    ),
    "termios_baud": _enum("asm/termbits.h", r"B\d+"),
    "tcflush": _enum("asm/termbits.h", "TCIFLUSH TCOFLUSH TCIOFLUSH"),
    "tcflow": _enum("asm/termbits.h", "TCOOFF TCOON TCIOFF TCION"),
}
