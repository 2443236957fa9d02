"""Structs of the kernel's user-space interface, as the decoders see them.

The offsets follow from the order and the C types; a test compares them with the compiler's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.abi import AARCH64, I386, X86_64
from utrace.syscalls.pointers import Buffer, SignalMask
from utrace.syscalls.structs import Bytes, Chars, Pad, Repeat, Struct, Union
from utrace.syscalls.tables import enum_names
from utrace.syscalls.values import Hex, Mode, Named, Record, Seconds, Slots, Timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import BytesDecoder
    from utrace.syscalls.values import Value

#: tv_nsec of a utimensat that is none.
_UTIME_SPECIAL: Final = {
    (1 << 30) - 1: Named((1 << 30) - 1, "UTIME_NOW"),
    (1 << 30) - 2: Named((1 << 30) - 2, "UTIME_OMIT"),
}

TIMESPEC: Final = Struct(tv_sec=t.LONG, tv_nsec=t.LONG)
TIMESPEC64: Final = Struct(tv_sec=t.I64, tv_nsec=t.I64)
TIMEVAL: Final = Struct(tv_sec=t.LONG, tv_usec=t.LONG)
TIMEVAL64: Final = Struct(tv_sec=t.I64, tv_usec=t.I64)
ITIMERSPEC: Final = Struct(it_interval=TIMESPEC, it_value=TIMESPEC)
ITIMERSPEC64: Final = Struct(it_interval=TIMESPEC64, it_value=TIMESPEC64)
ITIMERVAL: Final = Struct(it_interval=TIMEVAL, it_value=TIMEVAL)
TIMEZONE: Final = Struct(tz_minuteswest=t.INT, tz_dsttime=t.INT)


class _Utimens:
    """An element of utimensat: a time, or one of the two special nanoseconds alone."""

    def __init__(self, timespec: Struct) -> None:
        self._timespec = timespec

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        return self._timespec.size(abi)

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        read = self._timespec.bind_bytes(abi)

        def read_time(data: bytes, call: DecodedCall) -> Value:
            record = read(data, call)
            if not isinstance(record, Record):
                return record
            special = _UTIME_SPECIAL.get(record.tv_nsec) if isinstance(record.tv_nsec, int) else None
            return special if special is not None else Timestamp(record.names, record.values)

        return read_time


UTIMENS: Final = _Utimens(TIMESPEC)
UTIMENS64: Final = _Utimens(TIMESPEC64)
UTIMBUF: Final = Struct(actime=t.SECONDS_LONG, modtime=t.SECONDS_LONG)
USTAT: Final = Struct(f_tfree=t.LONG, f_tinode=t.ULONG, _f_fname=Pad(6), _f_fpack=Pad(6))


class Moment:
    """A time of day.

    Args:
        time: the struct that it is.
    """

    def __init__(self, time: Struct) -> None:
        self._time = time

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        return self._time.size(abi)

    def align(self, abi: Abi) -> int:
        """Alignment inside another struct."""
        return self._time.align(abi)

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        read = self._time.bind_bytes(abi)

        def read_time(data: bytes, call: DecodedCall) -> Value:
            record = read(data, call)
            return Timestamp(record.names, record.values) if isinstance(record, Record) else record

        return read_time


TIME_OF_DAY: Final = Moment(TIMEVAL)
TMS: Final = Struct(tms_utime=t.LONG, tms_stime=t.LONG, tms_cutime=t.LONG, tms_cstime=t.LONG)


class PerAbi:
    """A struct that architectures declare differently."""

    def __init__(self, structs: Mapping[Abi, Struct]) -> None:
        self.structs: Final = structs

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        return self.structs[abi].size(abi)

    def align(self, abi: Abi) -> int:
        """Alignment inside another struct."""
        return self.structs[abi].align(abi)

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        return self.structs[abi].bind_bytes(abi)


_STAT_BRIEF: Final = frozenset({"st_mode", "st_size"})
_DEVICE_BRIEF: Final = frozenset({"st_mode", "st_rdev"})
_S_IFMT, _S_IFCHR, _S_IFBLK = 0o170000, 0o020000, 0o060000


#: The order of text: the size of a file, the number of a device.
_STAT_ORDER: Final = (
    "st_dev st_ino st_mode st_nlink st_uid st_gid st_blksize st_blocks {} st_atime st_atime_nsec st_mtime"
    " st_mtime_nsec st_ctime st_ctime_nsec"
)
_FILE_ORDER: Final = tuple(_STAT_ORDER.format("st_size st_rdev").split())
_DEVICE_ORDER: Final = tuple(_STAT_ORDER.format("st_rdev st_size").split())


class _Stat(Struct):
    """A stat: text shows the size, or of a device its number."""

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        read = super().bind_bytes(abi)

        def read_stat(data: bytes, call: DecodedCall) -> Value:
            record = read(data, call)
            if not isinstance(record, Record):
                return record
            found = dict(record.items())
            for name in ("st_atime", "st_mtime", "st_ctime"):
                seconds, nanoseconds = found[name], found[f"{name}_nsec"]
                if isinstance(seconds, int) and isinstance(nanoseconds, int):
                    found[name] = time = Seconds(seconds)
                    time.nanoseconds = nanoseconds
            mode = found["st_mode"]
            is_device = isinstance(mode, int) and mode & _S_IFMT in {_S_IFCHR, _S_IFBLK}
            names, unshown = (_DEVICE_ORDER, "st_size") if is_device else (_FILE_ORDER, "st_rdev")
            brief = _DEVICE_BRIEF if is_device else _STAT_BRIEF
            return Record(names, [found[name] for name in names], brief, frozenset({unshown}))

        return read_stat


#: struct stat as newstat writes it.
STAT: Final = PerAbi(
    {
        X86_64: _Stat(
            st_dev=t.DEVICE64,
            st_ino=t.U64,
            st_nlink=t.U64,
            st_mode=t.FILE_MODE32,
            st_uid=t.UINT,
            st_gid=t.UINT,
            _pad=t.UINT,
            st_rdev=t.DEVICE64,
            st_size=t.I64,
            st_blksize=t.I64,
            st_blocks=t.I64,
            st_atime=t.SECONDS,
            st_atime_nsec=t.I64,
            st_mtime=t.SECONDS,
            st_mtime_nsec=t.I64,
            st_ctime=t.SECONDS,
            st_ctime_nsec=t.I64,
            _unused=Pad(24),
        ),
        AARCH64: _Stat(
            st_dev=t.DEVICE64,
            st_ino=t.U64,
            st_mode=t.FILE_MODE32,
            st_nlink=t.UINT,
            st_uid=t.UINT,
            st_gid=t.UINT,
            st_rdev=t.DEVICE64,
            _pad1=t.U64,
            st_size=t.I64,
            st_blksize=t.INT,
            _pad2=t.INT,
            st_blocks=t.I64,
            st_atime=t.SECONDS,
            st_atime_nsec=t.I64,
            st_mtime=t.SECONDS,
            st_mtime_nsec=t.I64,
            st_ctime=t.SECONDS,
            st_ctime_nsec=t.I64,
            _unused=Pad(8),
        ),
        I386: _Stat(
            st_dev=t.DEVICE,
            st_ino=t.UINT,
            st_mode=t.FILE_MODE,
            st_nlink=t.U16,
            st_uid=t.U16,
            st_gid=t.U16,
            st_rdev=t.DEVICE,
            st_size=t.UINT,
            st_blksize=t.UINT,
            st_blocks=t.UINT,
            st_atime=t.UINT,
            st_atime_nsec=t.UINT,
            st_mtime=t.UINT,
            st_mtime_nsec=t.UINT,
            st_ctime=t.UINT,
            st_ctime_nsec=t.UINT,
            _unused=Pad(8),
        ),
    }
)

#: struct stat64 of i386.
STAT64: Final = _Stat(
    st_dev=t.DEVICE64,
    _pad0=t.UINT,
    _ino32=t.UINT,
    st_mode=t.FILE_MODE32,
    st_nlink=t.UINT,
    st_uid=t.UINT,
    st_gid=t.UINT,
    st_rdev=t.DEVICE64,
    _pad3=t.UINT,
    st_size=t.I64,
    st_blksize=t.UINT,
    st_blocks=t.U64,
    st_atime=t.UINT,
    st_atime_nsec=t.UINT,
    st_mtime=t.UINT,
    st_mtime_nsec=t.UINT,
    st_ctime=t.UINT,
    st_ctime_nsec=t.UINT,
    st_ino=t.U64,
)

_STATX_BTIME, _STATX_DIOALIGN = 0x800, 0x2000
STATX_TIMESTAMP: Final = Moment(Struct(tv_sec=t.I64, tv_nsec=t.UINT, _reserved=t.INT))
STATX: Final = Struct(
    "stx_mask stx_attributes stx_mode stx_size",
    stx_mask=t.Flags("statx_mask", "STATX_???"),
    stx_blksize=t.UINT,
    stx_attributes=t.Flags("statx_attr", "STATX_ATTR_???", "u64"),
    stx_nlink=t.UINT,
    stx_uid=t.UINT,
    stx_gid=t.UINT,
    stx_mode=t.FILE_MODE,
    _spare0=t.U16,
    stx_ino=t.U64,
    stx_size=t.U64,
    stx_blocks=t.U64,
    stx_attributes_mask=t.Flags("statx_attr", "STATX_ATTR_???", "u64"),
    stx_atime=STATX_TIMESTAMP,
    stx_btime=Union("stx_mask", "", {0: Pad(16, 8)}, STATX_TIMESTAMP, _STATX_BTIME),
    stx_ctime=STATX_TIMESTAMP,
    stx_mtime=STATX_TIMESTAMP,
    stx_rdev_major=t.UINT,
    stx_rdev_minor=t.UINT,
    stx_dev_major=t.UINT,
    stx_dev_minor=t.UINT,
    stx_mnt_id=t.HEX64,
    stx_dio_mem_align=t.When("stx_mask", _STATX_DIOALIGN, t.UINT),
    stx_dio_offset_align=t.When("stx_mask", _STATX_DIOALIGN, t.UINT),
    _spare3=Pad(96),
)

STATFS: Final = Struct(
    f_type=t.Enum("statfs_type", "", "long"),
    f_bsize=t.LONG,
    f_blocks=t.ULONG,
    f_bfree=t.ULONG,
    f_bavail=t.ULONG,
    f_files=t.ULONG,
    f_ffree=t.ULONG,
    f_fsid=Struct(val=Repeat(t.HEX32, 2)),
    f_namelen=t.LONG,
    f_frsize=t.LONG,
    f_flags=t.Flags("statfs_flags", "ST_???", "long"),
    _spare=Repeat(t.LONG, 4),
)
STATFS64: Final = Struct(
    f_type=t.Enum("statfs_type"),
    f_bsize=t.UINT,
    f_blocks=t.U64,
    f_bfree=t.U64,
    f_bavail=t.U64,
    f_files=t.U64,
    f_ffree=t.U64,
    f_fsid=Struct(val=Repeat(t.HEX32, 2)),
    f_namelen=t.UINT,
    f_frsize=t.UINT,
    f_flags=t.Flags("statfs_flags", "ST_???"),
    _spare=Repeat(t.UINT, 4),
)

OPEN_HOW: Final = Struct(
    flags=t.Flags("open", "O_???", "u64"),
    mode=t.When("flags", 0o20000100, t.Number("u64", Mode)),
    resolve=t.Flags("resolve", "RESOLVE_???", "u64"),
)

FLOCK: Final = Struct(
    l_type=t.Enum("lock_type", "F_???", "i16"),
    l_whence=t.Enum("whence", "SEEK_???", "i16"),
    l_start=t.LONG,
    l_len=t.LONG,
    l_pid=t.PID,
)
FLOCK_SHORT: Final = Struct(
    l_type=t.Enum("lock_type", "F_???", "i16"),
    l_whence=t.Enum("whence", "SEEK_???", "i16"),
    l_start=t.LONG,
    l_len=t.LONG,
    _pid=t.PID,
)
FLOCK64: Final = Struct(
    l_type=t.Enum("lock_type", "F_???", "i16"),
    l_whence=t.Enum("whence", "SEEK_???", "i16"),
    l_start=t.I64,
    l_len=t.I64,
    l_pid=t.PID,
)
FLOCK64_SHORT: Final = Struct(
    l_type=t.Enum("lock_type", "F_???", "i16"),
    l_whence=t.Enum("whence", "SEEK_???", "i16"),
    l_start=t.I64,
    l_len=t.I64,
    _pid=t.PID,
)
DELEGATION: Final = Struct(d_flags=t.UINT, d_type=t.Enum("lock_type", "F_???", "u16"), _pad=t.U16)
OWNER: Final = Struct(type=t.Enum("owner_type", "F_OWNER_???"), pid=t.PID)

IOVEC: Final = Struct(iov_base=Buffer("iov_len"), iov_len=t.ULONG)

REMOTE_IOVEC: Final = Struct(iov_base=t.ADDRESS, iov_len=t.ULONG)

CAP_HEADER: Final = Struct(version=t.Enum("cap_version", "_LINUX_CAPABILITY_VERSION_???"), pid=t.PID)
CAP_DATA: Final = Struct(effective=t.HEX32, permitted=t.HEX32, inheritable=t.HEX32)

RLIMIT64: Final = Struct(rlim_cur=t.RLIMIT64, rlim_max=t.RLIMIT64)
RLIMIT: Final = Struct(rlim_cur=t.RLIMIT, rlim_max=t.RLIMIT)
RLIMIT32: Final = Struct(rlim_cur=t.RLIMIT32, rlim_max=t.RLIMIT32)

RUSAGE: Final = Struct(
    "ru_utime ru_stime",
    ru_utime=TIMEVAL,
    ru_stime=TIMEVAL,
    ru_maxrss=t.LONG,
    ru_ixrss=t.LONG,
    ru_idrss=t.LONG,
    ru_isrss=t.LONG,
    ru_minflt=t.LONG,
    ru_majflt=t.LONG,
    ru_nswap=t.LONG,
    ru_inblock=t.LONG,
    ru_oublock=t.LONG,
    ru_msgsnd=t.LONG,
    ru_msgrcv=t.LONG,
    ru_nsignals=t.LONG,
    ru_nvcsw=t.LONG,
    ru_nivcsw=t.LONG,
)

UTSNAME: Final = Struct(
    "sysname nodename",
    sysname=Chars(65),
    nodename=Chars(65),
    release=Chars(65),
    version=Chars(65),
    machine=Chars(65),
    domainname=Chars(65),
)

SYSINFO: Final = Struct(
    uptime=t.LONG,
    loads=Repeat(t.ULONG, 3),
    totalram=t.ULONG,
    freeram=t.ULONG,
    sharedram=t.ULONG,
    bufferram=t.ULONG,
    totalswap=t.ULONG,
    freeswap=t.ULONG,
    procs=t.U16,
    _pad=t.U16,
    totalhigh=t.ULONG,
    freehigh=t.ULONG,
    mem_unit=t.UINT,
    _f=Pad(0, length_32=8),
)

_ANY: Final = (1 << 64) - 1
_CLONE_PIDFD, _CLONE_SETTLS, _CLONE_PARENT_SETTID = 0x1000, 0x80000, 0x100000
_CLONE_CHILD_CLEARTID, _CLONE_CHILD_SETTID, _CLONE_INTO_CGROUP = 0x200000, 0x1000000, 0x200000000

CLONE_ARGS: Final = Struct(
    flags=t.Flags("clone3", "CLONE_???", "u64"),
    pidfd=t.When("flags", _CLONE_PIDFD, t.POINTER64),
    child_tid=t.When("flags", _CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID, t.POINTER64),
    parent_tid=t.When("flags", _CLONE_PARENT_SETTID, t.POINTER64),
    exit_signal=t.Number("u64", t.signal_name),
    stack=t.POINTER64,
    stack_size=t.HEX64,
    tls=t.When("flags", _CLONE_SETTLS, t.POINTER64),
    set_tid=t.When("set_tid", _ANY, t.POINTER64),
    set_tid_size=t.When("set_tid_size", _ANY, t.U64),
    cgroup=t.When("flags", _CLONE_INTO_CGROUP, t.U64),
)

SEMBUF: Final = Struct(sem_num=t.U16, sem_op=t.I16, sem_flg=t.Flags("sem_flags", "SEM_???", "u16"))

SCHED_PARAM: Final = Struct(sched_priority=t.INT)
SCHED_ATTR: Final = Struct(
    size=t.UINT,
    sched_policy=t.Flags("sched_policy", "SCHED_???"),
    sched_flags=t.Flags("sched_attr_flags", "SCHED_FLAG_???", "u64"),
    sched_nice=t.INT,
    sched_priority=t.UINT,
    sched_runtime=t.U64,
    sched_deadline=t.U64,
    sched_period=t.U64,
    sched_util_min=t.UINT,
    sched_util_max=t.UINT,
)

POLLFD: Final = Struct(
    fd=t.FD, events=t.Flags("poll", "POLL???", "u16"), revents=t.Flags("poll", "POLL???", "u16")
)

SIGALTSTACK: Final = Struct(ss_sp=t.ADDRESS, ss_flags=t.Flags("sigaltstack", "SS_???"), ss_size=t.SIZE)
SIGACTION_X86_64: Final = Struct(
    sa_handler=t.HANDLER,
    sa_flags=t.Flags("sa_flags", "SA_???", "ulong"),
    sa_restorer=t.ADDRESS,
    sa_mask=SignalMask(),
)


class NamedBytes(Bytes):
    """The same, each with a name of one constant set: the special characters of a terminal."""

    def __init__(self, constants: str, length: int) -> None:
        super().__init__(length)
        self._constants = constants

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        known = enum_names(abi, self._constants)
        names = tuple(known.get(i, str(i)) for i in range(self._length))
        return lambda data, _call: Slots(names, [Hex(byte) for byte in data])


_TERMIOS_BRIEF: Final = "c_iflag c_oflag c_cflag c_lflag"


def _termios(ctype: str, characters: int, speeds: Mapping[str, t.ArgType] | None = None) -> Struct:
    """Declare the modes of a terminal with flags of one C type."""
    return Struct(
        _TERMIOS_BRIEF,
        c_iflag=t.Flags("termios_iflag", ctype=ctype),
        c_oflag=t.Flags("termios_oflag", ctype=ctype),
        c_cflag=t.Flags("termios_cflag", ctype=ctype),
        c_lflag=t.Flags("termios_lflag", ctype=ctype),
        c_line=t.Enum("line_discipline", "N_???", "u8"),
        c_cc=NamedBytes("termios_cc", characters),
        **speeds or {},
    )


TERMIOS: Final = _termios("u32", 19)
TERMIOS2: Final = _termios("u32", 19, {"c_ispeed": t.UINT, "c_ospeed": t.UINT})
TERMIO: Final = _termios("u16", 8)
WINSIZE: Final = Struct(ws_row=t.U16, ws_col=t.U16, ws_xpixel=t.U16, ws_ypixel=t.U16)

ITIMER_SIGEVENT: Final = Struct(sigev_value=t.HEX, sigev_signo=t.SIGNAL, sigev_notify=t.INT, _rest=Pad(48, 4))
