"""Sets of constants: errors, signals, files, descriptors, memory, terminals."""

from __future__ import annotations

from typing import Final

from constant_kinds import EnumSet, FlagSet, enum, flags

_SLOW: Final = "0 50 75 110 134 150 200 300 600 1200 1800 2400 4800 9600 19200 38400"
_FAST: Final = (
    "OTHER 57600 115200 230400 460800 500000 576000 921600 1000000 1152000 1500000 2000000 2500000 3000000"
    " 3500000 4000000"
)
#: Speeds of terminals, which the headers have as macros of the same names.
_BAUDS: Final = {
    rate: bits
    for rates, first in ((_SLOW, 0), (_FAST, 0o10000))
    for bits, rate in enumerate(rates.split(), first)
}

SETS: Final[dict[str, FlagSet | EnumSet]] = {
    "errno": enum("linux/errno.h", r"E[A-Z0-9]+", "EWOULDBLOCK|EDEADLOCK"),
    "signal": enum(
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
    "fd_flags": flags("linux/fcntl.h", "FD_CLOEXEC"),
    "o_cloexec": FlagSet(
        ("asm/fcntl.h",),
        "O_CREAT O_EXCL O_NOCTTY O_TRUNC O_APPEND O_NONBLOCK O_SYNC O_DSYNC O_DIRECT O_LARGEFILE O_NOFOLLOW"
        " O_NOATIME O_CLOEXEC O_PATH O_TMPFILE O_DIRECTORY FASYNC",
        same_everywhere=False,
    ),
    "at": flags(
        "linux/fcntl.h",
        r"AT_[A-Z_]+",
        "AT_FDCWD|AT_EACCESS|AT_STATX_.*|AT_HANDLE_.*|AT_RENAME_.*|AT_EXECVE_CHECK",
    ),
    "exec_at": flags("linux/fcntl.h", "AT_SYMLINK_NOFOLLOW AT_EMPTY_PATH AT_EXECVE_CHECK"),
    "statx_at": FlagSet(
        ("linux/fcntl.h",),
        "AT_SYMLINK_NOFOLLOW AT_REMOVEDIR AT_SYMLINK_FOLLOW AT_NO_AUTOMOUNT AT_EMPTY_PATH AT_RECURSIVE",
        fields=((0x6000, "AT_STATX_SYNC_AS_STAT AT_STATX_FORCE_SYNC AT_STATX_DONT_SYNC"),),
    ),
    "access_at": flags("linux/fcntl.h", "AT_SYMLINK_NOFOLLOW AT_EACCESS AT_EMPTY_PATH"),
    "access": flags("linux/fcntl.h", "", R_OK=4, W_OK=2, X_OK=1),
    "unlink_at": flags("linux/fcntl.h", "AT_REMOVEDIR"),
    "resolve": flags("linux/openat2.h", r"RESOLVE_\w+"),
    "whence": enum("linux/fs.h", r"SEEK_[A-Z]+", "SEEK_MAX"),
    "fcntl": EnumSet(
        ("asm/fcntl.h", "linux/fcntl.h"),
        r"F_[A-Z0-9_]+",
        r"F_(RDLCK|WRLCK|UNLCK|EXLCK|SHLCK|SEAL_.*|OWNER_.*)",
        same_everywhere=False,
    ),
    "lock_type": enum("asm/fcntl.h", "F_RDLCK F_WRLCK F_UNLCK F_EXLCK F_SHLCK"),
    "rw_hint": enum("linux/fcntl.h", r"RWH_WRITE_LIFE_\w+"),
    "fs_flags": flags("linux/fs.h", r"FS_[A-Z0-9_]+_FL", "FS_RESERVED_FL|FS_BTREE_FL"),
    "perf_ioctl": flags("linux/perf_event.h", "PERF_IOC_FLAG_GROUP"),
    "fs_xflags": flags("linux/fs.h", r"FS_XFLAG_\w+"),
    "quota_command": enum("linux/quota.h linux/dqblk_xfs.h", r"Q_X?[A-Z]+", "Q_XQM"),
    "quota_type": enum("linux/quota.h", "USRQUOTA GRPQUOTA PRJQUOTA"),
    "quota_format": enum("linux/quota.h", r"QFMT_\w+"),
    "quota_valid": flags("linux/quota.h", "QIF_BLIMITS QIF_SPACE QIF_ILIMITS QIF_INODES QIF_BTIME QIF_ITIME"),
    "quota_info_valid": flags("linux/quota.h", "IIF_BGRACE IIF_IGRACE IIF_FLAGS"),
    "quota_info_flags": flags("linux/quota.h", "", DQF_ROOT_SQUASH=1, DQF_SYS_FILE=0x10000),
    "seals": flags("linux/fcntl.h", r"F_SEAL_\w+"),
    "notify": flags("linux/fcntl.h", r"DN_[A-Z]+"),
    "owner_type": enum("asm/fcntl.h", "F_OWNER_TID F_OWNER_PID F_OWNER_PGRP"),
    "flock": flags("asm/fcntl.h", "LOCK_SH LOCK_EX LOCK_NB LOCK_UN LOCK_MAND LOCK_RW LOCK_READ LOCK_WRITE"),
    "rename": flags("linux/fs.h", r"RENAME_\w+"),
    "rwf": flags("linux/fs.h", r"RWF_\w+", "RWF_SUPPORTED"),
    "fallocate": flags("linux/falloc.h", r"FALLOC_FL_\w+"),
    "fadvise": enum("linux/fadvise.h", r"POSIX_FADV_\w+"),
    "splice": flags(
        "linux/fcntl.h", "", SPLICE_F_MOVE=1, SPLICE_F_NONBLOCK=2, SPLICE_F_MORE=4, SPLICE_F_GIFT=8
    ),
    "sync_range": flags("linux/fs.h", r"SYNC_FILE_RANGE_\w+", "SYNC_FILE_RANGE_WRITE_AND_WAIT"),
    "close_range": flags("linux/close_range.h", r"CLOSE_RANGE_\w+"),
    "file_type": enum("linux/stat.h", "S_IFSOCK S_IFLNK S_IFREG S_IFBLK S_IFDIR S_IFCHR S_IFIFO"),
    "statx_mask": flags("linux/stat.h", r"STATX_[A-Z_]+", r"STATX__RESERVED|STATX_ATTR.*"),
    "statx_attr": flags("linux/stat.h", r"STATX_ATTR_\w+"),
    "dirent_type": enum(
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
    "statfs_type": enum(
        "linux/magic.h",
        r"\w+_MAGIC|\w+_SUPER_MAGIC",
        "FUTEXFS_SUPER_MAGIC",
        XFS_SUPER_MAGIC=0x58465342,
        FUSE_SUPER_MAGIC=0x65735546,
        CIFS_MAGIC_NUMBER=0xFF534D42,
    ),
    "statfs_flags": flags(
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
    "inotify_mask": flags(
        "linux/inotify.h", r"IN_[A-Z_]+", "IN_CLOSE|IN_MOVE|IN_ALL_EVENTS|IN_CLOEXEC|IN_NONBLOCK"
    ),
    "inotify_init": flags("linux/inotify.h", "IN_NONBLOCK IN_CLOEXEC"),
    "xattr": flags("linux/xattr.h", "XATTR_CREATE XATTR_REPLACE"),
    "mount": flags("linux/mount.h", r"MS_[A-Z0-9_]+", "MS_MGC_.*|MS_RMT_MASK|MS_VERBOSE", MS_SILENT=32768),
    "umount": flags("linux/fs.h", "", MNT_FORCE=1, MNT_DETACH=2, MNT_EXPIRE=4, UMOUNT_NOFOLLOW=8),
    "memfd": FlagSet(
        ("linux/memfd.h",),
        "MFD_CLOEXEC MFD_ALLOW_SEALING MFD_HUGETLB MFD_NOEXEC_SEAL MFD_EXEC",
        extra={"MFD_NOEXEC_SEAL": 8, "MFD_EXEC": 16},
    ),
    "getrandom": flags("linux/random.h", r"GRND_[A-Z]+"),
    # Memory.
    "prot": flags("asm/mman.h", r"PROT_[A-Z]+", "PROT_NONE", PROT_SEM=8),
    "mempolicy_flags": flags(
        "linux/mempolicy.h", "MPOL_F_STATIC_NODES MPOL_F_RELATIVE_NODES MPOL_F_NUMA_BALANCING"
    ),
    "mempolicy_get": flags("linux/mempolicy.h", "MPOL_F_NODE MPOL_F_ADDR MPOL_F_MEMS_ALLOWED"),
    "mempolicy_move": flags("linux/mempolicy.h", "MPOL_MF_STRICT MPOL_MF_MOVE MPOL_MF_MOVE_ALL"),
    "shadow_stack": flags("asm/mman.h", "", SHADOW_STACK_SET_TOKEN=1, SHADOW_STACK_SET_MARKER=2),
    "pkey": flags("asm/mman.h", "PKEY_DISABLE_ACCESS PKEY_DISABLE_WRITE", PKEY_DISABLE_EXECUTE=4),
    "userfaultfd": FlagSet(
        ("linux/fcntl.h", "linux/userfaultfd.h"), "UFFD_USER_MODE_ONLY O_NONBLOCK O_CLOEXEC"
    ),
    "delete_module": flags("linux/fcntl.h", "O_NONBLOCK O_TRUNC"),
    "prctl_vma": enum("linux/prctl.h", "PR_SET_VMA_ANON_NAME"),
    "map": FlagSet(
        ("linux/mman.h",),
        "MAP_FIXED MAP_ANONYMOUS MAP_32BIT MAP_NORESERVE MAP_POPULATE MAP_NONBLOCK MAP_GROWSDOWN"
        " MAP_DENYWRITE"
        " MAP_EXECUTABLE MAP_LOCKED MAP_STACK MAP_HUGETLB MAP_SYNC MAP_FIXED_NOREPLACE",
        fields=((15, "MAP_SHARED MAP_PRIVATE MAP_SHARED_VALIDATE"),),
        same_everywhere=False,
    ),
    "mremap": flags("linux/mman.h", r"MREMAP_[A-Z]+"),
    "madvise": enum("asm/mman.h", r"MADV_[A-Z0-9_]+"),
    "msync": flags("asm/mman.h", "MS_SYNC MS_ASYNC MS_INVALIDATE"),
    "mlock": flags("asm/mman.h", "MLOCK_ONFAULT"),
    "mlockall": flags("asm/mman.h", r"MCL_[A-Z]+"),
    "mempolicy": enum("linux/mempolicy.h", r"MPOL_(DEFAULT|PREFERRED|BIND|INTERLEAVE|LOCAL|PREFERRED_MANY)"),
    "membarrier": enum(
        "linux/membarrier.h", r"MEMBARRIER_CMD_[A-Z_]+", "MEMBARRIER_CMD_SHARED|MEMBARRIER_CMD_FLAG_CPU"
    ),
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
        r"|BTRFS_IOC|RTC_|WDIOC_|KVM_|DM_|FICLONE|FIDEDUPE|FIBMAP|FIGETBSZ|FITRIM|FIFREEZE|FITHAW)[A-Z0-9_]*",
        r"BTRFS_IOC_CLONE(_RANGE)?|KD_FONT_.*|BTRFS_IOCTL_.*|DM_IOCTL|SIOCINQ|SIOCOUTQ|SIOCGSTAMP(NS)?|TIOCINQ|TIOCPKT_.*|TIOCSER_TEMT|TIOCM_.*"
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
    "ioctl_others": enum(
        "linux/soundcard.h linux/btrfs.h",
        "SNDCTL_TMR_START SNDCTL_TMR_STOP SNDCTL_TMR_CONTINUE BTRFS_IOC_CLONE BTRFS_IOC_CLONE_RANGE"
        " BTRFS_IOC_FILE_EXTENT_SAME",
    ),
    "termios_iflag": flags(
        "asm/termbits.h",
        "IGNBRK BRKINT IGNPAR PARMRK INPCK ISTRIP INLCR IGNCR ICRNL IUCLC IXON IXANY IXOFF IMAXBEL IUTF8",
    ),
    "termios_oflag": FlagSet(
        ("asm/termbits.h",),
        "OPOST OLCUC ONLCR OCRNL ONOCR ONLRET OFILL OFDEL",
        fields=(
            (0o400, "NL0 NL1"),
            (0o3000, "CR0 CR1 CR2 CR3"),
            (0o14000, "TAB0 TAB1 TAB2 XTABS"),
            (0o20000, "BS0 BS1"),
            (0o40000, "VT0 VT1"),
            (0o100000, "FF0 FF1"),
        ),
    ),
    "termios_cflag": FlagSet(
        ("asm/termbits.h",),
        "CSTOPB CREAD PARENB PARODD HUPCL CLOCAL CMSPAR CRTSCTS",
        fields=(
            (0o10017, " ".join(f"B{baud}={bits}" for baud, bits in _BAUDS.items())),
            (
                0o10017 << 16,
                " ".join(f"B{baud}<<IBSHIFT={bits << 16}" for baud, bits in _BAUDS.items() if bits),
            ),
            (0o60, "CS5 CS6 CS7 CS8"),
        ),
    ),
    "termios_lflag": flags(
        "asm/termbits.h",
        "ISIG ICANON XCASE ECHO ECHOE ECHOK ECHONL NOFLSH IEXTEN ECHOCTL ECHOPRT ECHOKE FLUSHO PENDIN TOSTOP"
        " EXTPROC",
    ),
    "termios_cc": enum("asm/termbits.h", r"V[A-Z0-9]+", r"VT\d|VTDLY"),
    "line_discipline": enum("linux/tty.h", r"N_[A-Z0-9_]+"),
    "tcflush": enum("asm/termbits.h", "TCIFLUSH TCOFLUSH TCIOFLUSH"),
    "tcflow": enum("asm/termbits.h", "TCOOFF TCOON TCIOFF TCION"),
}
