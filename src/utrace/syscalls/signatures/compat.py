"""What i386 and aarch64 declare otherwise: other orders, split 64-bit numbers, old forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.layouts_tasks import THREAD_AREA
from utrace.syscalls.multiplexed import IPC, SOCKETCALL, unfold_block
from utrace.syscalls.packed import Pair
from utrace.syscalls.pointers import RETURNED, Array, Buffer, InOut, Out, Path, Ptr, Signals
from utrace.syscalls.signature import Returns, Signature, sig
from utrace.syscalls.signatures import files, ipc, net, process, signals, space, waiting
from utrace.syscalls.values import ABSENT, Change, Named, Record
from utrace.syscalls.vectors import OLD_SIGACTION, WAIT_STATUS, Remaining

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.multiplexed import Unfold
    from utrace.syscalls.signature import Note

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

_MSG: Final = t.Flags("msg", "MSG_???")
_ADVICE: Final = t.Enum("fadvise", "POSIX_FADV_???")
_OFFSET: Final = Pair("_offset_high", t.I64)
_LENGTH: Final = Pair("_len_high", t.I64)
_READ_IOV, _WRITE_IOV = (files.CALLS[name].arguments["iov"] for name in ("readv", "writev"))
_RWF: Final = files.CALLS["preadv2"].arguments["flags"]
#: Calls that write ids, or read many.
_LIST_CALLS: Final = frozenset({"getresuid", "getresgid", "getgroups", "setgroups"})


def _short_ids(signature: Signature) -> Signature:
    """Declare the form of a call that has ids of 16 bits."""
    arguments = {name: t.ID16 if kind is t.ID else kind for name, kind in signature.arguments.items()}
    return signature._replace(arguments=arguments)


def _with(signature: Signature, **arguments: t.ArgType) -> Signature:
    """Declare a call that differs in some arguments."""
    return signature._replace(arguments=dict(signature.arguments) | arguments)


def _signal_note(call: DecodedCall) -> list[Note]:
    before = t.handler(call.result.value & call.abi.mask) if call.result is not None else None
    return [("", before)] if isinstance(before, Named) else []


def _area_note(call: DecodedCall) -> list[Note]:
    area = call.value(0)
    after = area.after if isinstance(area, Change) else None
    number = after.entry_number if isinstance(after, Record) else None
    return [(f"entry_number={number}", ABSENT)] if isinstance(number, int) else []


def _folded(unfold: Unfold, returns: Returns = Returns.DECIMAL, /, **arguments: t.ArgType) -> Signature:
    """Declare a call behind which there are others: what is left if they cannot be told."""
    return Signature(arguments, returns, unfold=unfold)


_I386: Final[Mapping[str, Signature]] = {
    "clone": _CLONE_BACKWARDS,
    **{f"{name}32": process.CALLS[name] for name in _ID_CALLS},
    **{name: _short_ids(process.CALLS[name]) for name in _ID_CALLS if name not in _LIST_CALLS},
    "getresuid": sig(ruid=Out(t.ID16), euid=Out(t.ID16), suid=Out(t.ID16)),
    "getresgid": sig(rgid=Out(t.ID16), egid=Out(t.ID16), sgid=Out(t.ID16)),
    "getgroups": sig(size=t.INT, list=Out(Array(t.ID16, RETURNED))),
    "setgroups": sig(size=t.INT, list=Array(t.ID16, "size")),
    **{f"{name}32": files.CALLS[name] for name in ("chown", "lchown", "fchown")},
    **{name: _short_ids(files.CALLS[name]) for name in ("chown", "lchown", "fchown")},
    "mmap": _folded(unfold_block("old_mmap", 6), Returns.ADDRESS, args=t.ADDRESS),
    "old_mmap": space.CALLS["mmap"],
    "mmap2": sig(Returns.ADDRESS, **dict(space.CALLS["mmap"].arguments) | {"offset": t.PAGES}),
    "stat64": sig(pathname=Path(), statbuf=_STAT64),
    "lstat64": sig(pathname=Path(), statbuf=_STAT64),
    "fstat64": sig(fd=t.FD, statbuf=_STAT64),
    "fstatat64": sig(dirfd=t.FD, pathname=Path(), statbuf=_STAT64, flags=t.Flags("at", "AT_???")),
    "statfs64": sig(path=Path(), sz=t.SIZE, buf=Out(s.STATFS64)),
    "fstatfs64": sig(fd=t.FD, sz=t.SIZE, buf=Out(s.STATFS64)),
    "fcntl64": files.CALLS["fcntl"],
    "_llseek": sig(
        fd=t.FD,
        _offset_high=t.MISSING,
        offset=Pair("_offset_high", t.I64),
        result=Out(t.I64),
        whence=t.Enum("whence", "SEEK_???"),
    ),
    "sendfile64": sig(out_fd=t.FD, in_fd=t.FD, offset=InOut(t.I64), count=t.SIZE),
    "pread64": sig(fd=t.FD, buf=Out(Buffer(RETURNED)), count=t.SIZE, offset=_OFFSET, _offset_high=t.MISSING),
    "pwrite64": sig(fd=t.FD, buf=Buffer("count"), count=t.SIZE, offset=_OFFSET, _offset_high=t.MISSING),
    "preadv": sig(fd=t.FD, iov=_READ_IOV, iovcnt=t.ULONG, offset=_OFFSET, _offset_high=t.MISSING),
    "pwritev": sig(fd=t.FD, iov=_WRITE_IOV, iovcnt=t.ULONG, offset=_OFFSET, _offset_high=t.MISSING),
    "preadv2": sig(
        fd=t.FD, iov=_READ_IOV, iovcnt=t.ULONG, offset=_OFFSET, _offset_high=t.MISSING, flags=_RWF
    ),
    "pwritev2": sig(
        fd=t.FD, iov=_WRITE_IOV, iovcnt=t.ULONG, offset=_OFFSET, _offset_high=t.MISSING, flags=_RWF
    ),
    "truncate64": sig(path=Path(), length=Pair("_length_high", t.U64), _length_high=t.MISSING),
    "ftruncate64": sig(fd=t.FD, length=Pair("_length_high", t.U64), _length_high=t.MISSING),
    "fallocate": sig(
        fd=t.FD,
        mode=t.Flags("fallocate", "FALLOC_FL_???"),
        offset=_OFFSET,
        _offset_high=t.MISSING,
        len=_LENGTH,
        _len_high=t.MISSING,
    ),
    "readahead": sig(fd=t.FD, offset=_OFFSET, _offset_high=t.MISSING, count=t.SIZE),
    "fadvise64": sig(fd=t.FD, offset=_OFFSET, _offset_high=t.MISSING, len=t.SIZE, advice=_ADVICE),
    "fadvise64_64": sig(
        fd=t.FD, offset=_OFFSET, _offset_high=t.MISSING, len=_LENGTH, _len_high=t.MISSING, advice=_ADVICE
    ),
    "sync_file_range": sig(
        fd=t.FD,
        offset=_OFFSET,
        _offset_high=t.MISSING,
        len=_LENGTH,
        _len_high=t.MISSING,
        flags=t.Flags("sync_range", "SYNC_FILE_RANGE_???"),
    ),
    "fanotify_mark": sig(
        fanotify_fd=t.FD,
        flags=t.Flags("fanotify_mark", "FAN_MARK_???"),
        mask=Pair("_mask_high", t.Flags("fanotify_mask", "FAN_???", "u64")),
        _mask_high=t.MISSING,
        dirfd=t.FD,
        pathname=Path(),
    ),
    "_newselect": waiting.CALLS["select"],
    "select": _folded(unfold_block("old_select", 5), args=t.ADDRESS),
    "old_select": waiting.CALLS["select"],
    "waitpid": sig(Returns.PID, pid=t.PID, wstatus=Out(WAIT_STATUS), options=t.Flags("wait", "W???")),
    "getrlimit": sig(resource=t.Enum("rlimit", "RLIMIT_???"), rlim=Out(s.RLIMIT32)),
    "setrlimit": sig(resource=t.Enum("rlimit", "RLIMIT_???"), rlim=Ptr(s.RLIMIT32)),
    "ugetrlimit": sig(resource=t.Enum("rlimit", "RLIMIT_???"), rlim=Out(s.RLIMIT32)),
    "readdir": sig(fd=t.FD, dirp=t.ADDRESS, _count=t.MISSING, _a4=t.MISSING, _a5=t.MISSING, _a6=t.MISSING),
    "umount": sig(target=Path()),
    "stime": sig(tptr=Ptr(t.SECONDS_LONG)),
    "signal": sig(Returns.HEX, _signal_note, signum=t.SIGNAL, handler=t.HANDLER),
    "sigaction": sig(signum=t.SIGNAL, act=Ptr(OLD_SIGACTION), oldact=Out(OLD_SIGACTION)),
    "sigpending": sig(set=Out(Signals(4))),
    "sigprocmask": sig(how=t.Enum("sigprocmask", "SIG_???"), set=Signals(4), oldset=Out(Signals(4))),
    "socketcall": _folded(SOCKETCALL, call=t.Enum("socketcall"), args=t.ADDRESS),
    "send": sig(sockfd=t.FD, buf=Buffer("len"), len=t.SIZE, flags=_MSG),
    "recv": sig(sockfd=t.FD, buf=Out(Buffer(RETURNED)), len=t.SIZE, flags=_MSG),
    "ipc": _folded(
        IPC,
        call=t.Enum("ipc_call"),
        first=t.HEX,
        second=t.HEX,
        third=t.HEX,
        ptr=t.ADDRESS,
        fifth=t.HEX,
    ),
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
    "old_semctl": sig(semid=t.INT, semnum=t.INT, cmd=ipc.SEM_COMMAND, arg=Ptr(t.HEX)),
    "semtimedop_time64": _with(ipc.CALLS["semtimedop"], timeout=Ptr(s.TIMESPEC64)),
    "recvmmsg_time64": _with(net.CALLS["recvmmsg"], timeout=InOut(s.TIMESPEC64, noted=True)),
    "timer_settime64": _with(
        waiting.CALLS["timer_settime"], new_value=Ptr(s.ITIMERSPEC64), old_value=Out(s.ITIMERSPEC64)
    ),
    "timer_gettime64": _with(waiting.CALLS["timer_gettime"], curr_value=Out(s.ITIMERSPEC64)),
    "sched_rr_get_interval_time64": _with(process.CALLS["sched_rr_get_interval"], interval=Out(s.TIMESPEC64)),
    "rt_sigtimedwait_time64": _with(signals.CALLS["rt_sigtimedwait"], timeout=Ptr(s.TIMESPEC64)),
    "mq_timedsend_time64": _with(ipc.CALLS["mq_timedsend"], abs_timeout=Ptr(s.TIMESPEC64)),
    "mq_timedreceive_time64": _with(ipc.CALLS["mq_timedreceive"], abs_timeout=Ptr(s.TIMESPEC64)),
    "set_thread_area": sig(Returns.DECIMAL, _area_note, u_info=InOut(THREAD_AREA, noted=True)),
    "get_thread_area": sig(u_info=Out(THREAD_AREA)),
    "utimensat_time64": sig(
        dirfd=t.FD, pathname=Path(), times=Array(s.UTIMENS64, 2), flags=t.Flags("at", "AT_???")
    ),
}

#: Convention -> what it declares otherwise.
BY_ABI: Final[Mapping[str, Mapping[str, Signature]]] = {
    "i386": _I386,
    "aarch64": {"clone": _CLONE_BACKWARDS},
}
