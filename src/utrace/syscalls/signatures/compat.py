"""What i386 and aarch64 declare otherwise: other orders, split 64-bit numbers, old forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.pointers import RETURNED, Array, Buffer, InOut, Out, Path, Ptr, Signals
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.signatures import files, process, space, waiting
from utrace.syscalls.vectors import WAIT_STATUS, Remaining

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.signature import Signature

_clone: Final = process.CALLS["clone"]
# CONFIG_CLONE_BACKWARDS: tls before child_tid.
_CLONE_BACKWARDS: Final = sig(
    _clone.returns,
    None,
    _clone.labels,
    **{name: _clone.arguments[name] for name in ("flags", "stack", "parent_tid", "tls", "child_tid")},
)

_CLOCK: Final = t.Enum("clockid", "CLOCK_???")
_TIMER_FLAGS: Final = t.Flags("timer_flags", "TIMER_???")
_STAT64: Final = Out(s.STAT64)
_WIDE_LEFT: Final = InOut(s.TIMESPEC64, noted=True)
_poll, _select = waiting.CALLS["ppoll"], waiting.CALLS["pselect6"]

#: 32-bit ids under the names that i386 gave them when its own had 16.
_ID_CALLS: Final = [
    "getuid",
    "getgid",
    "geteuid",
    "getegid",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "getresuid",
    "getresgid",
    "setfsuid",
    "setfsgid",
    "getgroups",
    "setgroups",
]

_I386: Final[Mapping[str, Signature]] = {
    "clone": _CLONE_BACKWARDS,
    **{f"{name}32": process.CALLS[name] for name in _ID_CALLS},
    **{f"{name}32": files.CALLS[name] for name in ("chown", "lchown", "fchown")},
    "mmap": sig(Returns.ADDRESS, args=t.ADDRESS),
    "mmap2": space.CALLS["mmap"],
    "stat64": sig(pathname=Path(), statbuf=_STAT64),
    "lstat64": sig(pathname=Path(), statbuf=_STAT64),
    "fstat64": sig(fd=t.FD, statbuf=_STAT64),
    "fstatat64": sig(dirfd=t.FD, pathname=Path(), statbuf=_STAT64, flags=t.Flags("at", "AT_???")),
    "statfs64": sig(path=Path(), sz=t.SIZE, buf=Out(s.STATFS64)),
    "fstatfs64": sig(fd=t.FD, sz=t.SIZE, buf=Out(s.STATFS64)),
    "fcntl64": files.CALLS["fcntl"],
    "_llseek": sig(
        fd=t.FD, offset_high=t.UINT, offset_low=t.UINT, result=Out(t.I64), whence=t.Enum("whence", "SEEK_???")
    ),
    "sendfile64": sig(out_fd=t.FD, in_fd=t.FD, offset=InOut(t.I64), count=t.SIZE),
    "pread64": sig(fd=t.FD, buf=Out(Buffer(RETURNED)), count=t.SIZE, pos_lo=t.UINT, pos_hi=t.UINT),
    "pwrite64": sig(fd=t.FD, buf=Buffer("count"), count=t.SIZE, pos_lo=t.UINT, pos_hi=t.UINT),
    "truncate64": sig(path=Path(), length_lo=t.UINT, length_hi=t.UINT),
    "ftruncate64": sig(fd=t.FD, length_lo=t.UINT, length_hi=t.UINT),
    "fallocate": sig(
        fd=t.FD,
        mode=t.Flags("fallocate", "FALLOC_FL_???"),
        offset_lo=t.UINT,
        offset_hi=t.UINT,
        len_lo=t.UINT,
        len_hi=t.UINT,
    ),
    "readahead": sig(fd=t.FD, offset_lo=t.UINT, offset_hi=t.UINT, count=t.SIZE),
    "fadvise64": sig(
        fd=t.FD, offset_lo=t.UINT, offset_hi=t.UINT, len=t.SIZE, advice=t.Enum("fadvise", "POSIX_FADV_???")
    ),
    "sync_file_range": sig(
        fd=t.FD,
        offset_lo=t.UINT,
        offset_hi=t.UINT,
        len_lo=t.UINT,
        len_hi=t.UINT,
        flags=t.Flags("sync_range", "SYNC_FILE_RANGE_???"),
    ),
    "fanotify_mark": sig(
        fanotify_fd=t.FD,
        flags=t.Flags("fanotify_mark", "FAN_MARK_???"),
        mask_lo=t.HEX32,
        mask_hi=t.HEX32,
        dirfd=t.FD,
        pathname=Path(),
    ),
    "_newselect": waiting.CALLS["select"],
    "select": sig(args=t.ADDRESS),
    "waitpid": sig(Returns.PID, pid=t.PID, wstatus=Out(WAIT_STATUS), options=t.Flags("wait", "W???")),
    "ugetrlimit": process.CALLS["getrlimit"],
    "signal": sig(Returns.ADDRESS, signum=t.SIGNAL, handler=t.HANDLER),
    "sigprocmask": sig(how=t.Enum("sigprocmask", "SIG_???"), set=Signals(4), oldset=Out(Signals(4))),
    "socketcall": sig(call=t.Enum("socketcall", "SYS_???"), args=t.ADDRESS),
    "futex_time64": waiting.futex(Ptr(s.TIMESPEC64)),
    "clock_gettime64": sig(clockid=_CLOCK, tp=Out(s.TIMESPEC64)),
    "clock_settime64": sig(clockid=_CLOCK, tp=Ptr(s.TIMESPEC64)),
    "clock_getres_time64": sig(clockid=_CLOCK, res=Out(s.TIMESPEC64)),
    "clock_nanosleep_time64": sig(
        clockid=_CLOCK, flags=_TIMER_FLAGS, request=Ptr(s.TIMESPEC64), remain=Remaining(s.TIMESPEC64)
    ),
    "timerfd_settime64": sig(
        fd=t.FD,
        flags=t.Flags("timerfd_settime", "TFD_???"),
        new_value=Ptr(s.ITIMERSPEC64),
        old_value=Out(s.ITIMERSPEC64),
    ),
    "timerfd_gettime64": sig(fd=t.FD, curr_value=Out(s.ITIMERSPEC64)),
    "ppoll_time64": sig(_poll.returns, _poll.note, **dict(_poll.arguments) | {"tmo_p": _WIDE_LEFT}),
    "pselect6_time64": sig(
        _select.returns, _select.note, **dict(_select.arguments) | {"timeout": _WIDE_LEFT}
    ),
    "utimensat_time64": sig(
        dirfd=t.FD, pathname=Path(), times=Array(s.UTIMENS64, 2), flags=t.Flags("at", "AT_???")
    ),
}

#: Convention -> what it declares otherwise.
BY_ABI: Final[Mapping[str, Mapping[str, Signature]]] = {
    "i386": _I386,
    "aarch64": {"clone": _CLONE_BACKWARDS},
}
