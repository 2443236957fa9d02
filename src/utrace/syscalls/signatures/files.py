"""Files and descriptors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls import layouts_mount as m
from utrace.syscalls.packed import NodeDevice
from utrace.syscalls.pointers import RETURNED, Array, Buffer, InOut, Out, Path, Ptr, String
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.signatures.ioctls import IOCTL_ARGUMENT, IOCTL_COMMAND, ioctl_note
from utrace.syscalls.special import FileHandle
from utrace.syscalls.structs import Sized
from utrace.syscalls.tables import enum_names, flags_decoder
from utrace.syscalls.values import Named
from utrace.syscalls.vectors import ENTRIES, OLD_ENTRIES, IoVector, Unless

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.signature import Note, Signature

_OPEN: Final = t.Flags("open", "O_???")
_CLOEXEC: Final = t.Flags("o_cloexec", "O_???")
# With a size of 0 the call tells how much room it takes, and writes nothing.
_LISTED: Final = Unless(Out(Buffer(RETURNED)), zero="size")
_AT: Final = t.Flags("at", "AT_???")
_ACCESS: Final = t.ACCESS_MODE
_RWF: Final = t.Flags("rwf", "RWF_???")
_SPLICE: Final = t.Flags("splice", "SPLICE_F_???")
_XATTR: Final = t.Flags("xattr", "XATTR_???")
_RENAME: Final = t.Flags("rename", "RENAME_???")
# O_CREAT and the bit of O_TMPFILE that is not O_DIRECTORY: equal on all three architectures.
_OPEN_MODE: Final = t.When("flags", 0o20000100, t.MODE)
_STAT: Final = Out(s.STAT)
_NODE_DEVICE: Final = NodeDevice("mode")
_FD = Returns.FD

_READ_IOV: Final = Out(IoVector("iovcnt", RETURNED))
_WRITE_IOV: Final = IoVector("iovcnt")

_FCNTL_LOCK: Final = "F_SETLK F_SETLKW"
_FCNTL_LOCK64: Final = "F_SETLK64 F_SETLKW64 F_OFD_SETLK F_OFD_SETLKW"

_FCNTL: Final[Mapping[str, t.ArgType]] = {
    "F_GETFD F_GETFL F_GETOWN F_GETSIG F_GETLEASE F_GETPIPE_SZ F_GET_SEALS": t.MISSING,
    "F_DUPFD F_DUPFD_CLOEXEC": t.INT,
    "F_SETFD": t.Flags("fd_flags", "FD_???"),
    "F_SETFL": _OPEN,
    "F_SETOWN": t.PID,
    "F_SETSIG": t.SIGNAL,
    "F_SETLEASE": t.Enum("lock_type", "F_???"),
    "F_SETPIPE_SZ": t.INT,
    "F_SET_RW_HINT F_SET_FILE_RW_HINT": Ptr(t.Enum("rw_hint", "RWH_???", "u64")),
    "F_GET_RW_HINT F_GET_FILE_RW_HINT": Out(t.Enum("rw_hint", "RWH_???", "u64")),
    "F_DUPFD_QUERY": t.FD,
    "F_CREATED_QUERY": t.MISSING,
    "F_GETDELEG": Out(s.DELEGATION),
    "F_SETDELEG": Ptr(s.DELEGATION),
    "F_NOTIFY": t.Flags("notify", "DN_???"),
    "F_ADD_SEALS": t.Flags("seals", "F_SEAL_???"),
    "F_SETOWN_EX": Ptr(s.OWNER),
    "F_GETOWN_EX": Out(s.OWNER),
    _FCNTL_LOCK: Ptr(s.FLOCK_SHORT),
    "F_GETLK": Out(s.FLOCK),
    _FCNTL_LOCK64: Ptr(s.FLOCK64_SHORT),
    "F_GETLK64 F_OFD_GETLK": Out(s.FLOCK64),
}


# What a success returns: F_GETFD, F_GETFL, F_GET_SEALS; F_GETSIG, F_GETLEASE.
_F_GETFL: Final = 3
_FCNTL_FLAGS: Final = {1: ("flags", "fd_flags"), _F_GETFL: ("flags", "open"), 1034: ("seals", "seals")}
_FCNTL_ENUMS: Final = {11: "signal", 1025: "lock_type"}
#: F_DUPFD and F_DUPFD_CLOEXEC give a descriptor; the others of these flags.
_FCNTL_RETURNS: Final = {0: Returns.FD, 1030: Returns.FD} | dict.fromkeys(
    (1, _F_GETFL, 1025, 1034), Returns.HEX
)


def _fcntl_note(call: DecodedCall) -> list[Note]:
    command = call.raw[1] & 0xFFFFFFFF
    result = call.result
    if result is None:
        return []
    if command in _FCNTL_ENUMS and result.value in (names := enum_names(call.abi, _FCNTL_ENUMS[command])):
        return [("", Named(result.value, names[result.value]))]
    if command not in _FCNTL_FLAGS or (not result.value and command != _F_GETFL):
        return []
    label, constants = _FCNTL_FLAGS[command]
    return [(label, flags_decoder(call.abi, constants)(result.value))]


def _fcntl_returns(call: DecodedCall) -> Returns:
    return _FCNTL_RETURNS.get(call.raw[1] & 0xFFFFFFFF, Returns.DECIMAL)


CALLS: Final[Mapping[str, Signature]] = {
    "open": sig(_FD, pathname=Path(), flags=_OPEN, mode=_OPEN_MODE),
    "openat": sig(_FD, dirfd=t.FD, pathname=Path(), flags=_OPEN, mode=_OPEN_MODE),
    "openat2": sig(_FD, dirfd=t.FD, pathname=Path(), how=Sized(s.OPEN_HOW, "size"), size=t.SIZE),
    "creat": sig(_FD, pathname=Path(), mode=t.MODE),
    "close": sig(fd=t.FD),
    "close_range": sig(first=t.UINT, last=t.UINT, flags=t.Flags("close_range", "CLOSE_RANGE_???")),
    "read": sig(fd=t.FD, buf=Out(Buffer(RETURNED)), count=t.SIZE),
    "write": sig(fd=t.FD, buf=Buffer("count"), count=t.SIZE),
    "pread64": sig(fd=t.FD, buf=Out(Buffer(RETURNED)), count=t.SIZE, offset=t.OFFSET),
    "pwrite64": sig(fd=t.FD, buf=Buffer("count"), count=t.SIZE, offset=t.OFFSET),
    "readv": sig(fd=t.FD, iov=_READ_IOV, iovcnt=t.ULONG),
    "writev": sig(fd=t.FD, iov=_WRITE_IOV, iovcnt=t.ULONG),
    "preadv": sig(fd=t.FD, iov=_READ_IOV, iovcnt=t.ULONG, offset=t.OFFSET, _high=t.MISSING),
    "pwritev": sig(fd=t.FD, iov=_WRITE_IOV, iovcnt=t.ULONG, offset=t.OFFSET, _high=t.MISSING),
    "preadv2": sig(fd=t.FD, iov=_READ_IOV, iovcnt=t.ULONG, offset=t.OFFSET, _high=t.MISSING, flags=_RWF),
    "pwritev2": sig(fd=t.FD, iov=_WRITE_IOV, iovcnt=t.ULONG, offset=t.OFFSET, _high=t.MISSING, flags=_RWF),
    "lseek": sig(fd=t.FD, offset=t.OFFSET, whence=t.Enum("whence", "SEEK_???")),
    "stat": sig(pathname=Path(), statbuf=_STAT),
    "lstat": sig(pathname=Path(), statbuf=_STAT),
    "fstat": sig(fd=t.FD, statbuf=_STAT),
    "newfstatat": sig(dirfd=t.FD, pathname=Path(), statbuf=_STAT, flags=_AT),
    "statx": sig(
        dirfd=t.FD,
        pathname=Path(),
        flags=t.Flags("statx_at", "AT_???"),
        mask=t.Flags("statx_mask", "STATX_???"),
        statxbuf=Out(s.STATX),
    ),
    "statfs": sig(pathname=Path(), buf=Out(s.STATFS)),
    "fstatfs": sig(fd=t.FD, buf=Out(s.STATFS)),
    "access": sig(pathname=Path(), mode=_ACCESS),
    "faccessat": sig(dirfd=t.FD, pathname=Path(), mode=_ACCESS),
    "faccessat2": sig(dirfd=t.FD, pathname=Path(), mode=_ACCESS, flags=t.Flags("access_at", "AT_???")),
    "pipe": sig(pipefd=Out(Array(t.FD, 2))),
    "pipe2": sig(pipefd=Out(Array(t.FD, 2)), flags=_CLOEXEC),
    "dup": sig(_FD, oldfd=t.FD),
    "dup2": sig(_FD, oldfd=t.FD, newfd=t.FD),
    "dup3": sig(_FD, oldfd=t.FD, newfd=t.FD, flags=_CLOEXEC),
    "fcntl": sig(
        _fcntl_returns,
        _fcntl_note,
        fd=t.FD,
        cmd=t.Enum("fcntl", "F_???"),
        arg=t.Choice("cmd", "fcntl", _FCNTL, t.HEX),
    ),
    "flock": sig(fd=t.FD, operation=t.Flags("flock", "LOCK_???")),
    "ioctl": sig(Returns.DECIMAL, ioctl_note, fd=t.FD, request=IOCTL_COMMAND, argp=IOCTL_ARGUMENT),
    "truncate": sig(pathname=Path(), length=t.ULONG),
    "ftruncate": sig(fd=t.FD, length=t.ULONG),
    "fallocate": sig(fd=t.FD, mode=t.Flags("fallocate", "FALLOC_FL_???"), offset=t.OFFSET, len=t.OFFSET),
    "fadvise64": sig(fd=t.FD, offset=t.OFFSET, len=t.SIZE, advice=t.Enum("fadvise", "POSIX_FADV_???")),
    "readahead": sig(fd=t.FD, offset=t.OFFSET, count=t.SIZE),
    "fsync": sig(fd=t.FD),
    "fdatasync": sig(fd=t.FD),
    "syncfs": sig(fd=t.FD),
    "sync_file_range": sig(
        fd=t.FD, offset=t.OFFSET, nbytes=t.OFFSET, flags=t.Flags("sync_range", "SYNC_FILE_RANGE_???")
    ),
    "sendfile": sig(out_fd=t.FD, in_fd=t.FD, offset=InOut(t.LONG), count=t.SIZE),
    "splice": sig(
        fd_in=t.FD, off_in=InOut(t.I64), fd_out=t.FD, off_out=InOut(t.I64), len=t.SIZE, flags=_SPLICE
    ),
    "tee": sig(fd_in=t.FD, fd_out=t.FD, len=t.SIZE, flags=_SPLICE),
    "vmsplice": sig(fd=t.FD, iov=IoVector("nr_segs"), nr_segs=t.ULONG, flags=_SPLICE),
    "copy_file_range": sig(
        fd_in=t.FD, off_in=InOut(t.I64), fd_out=t.FD, off_out=InOut(t.I64), len=t.SIZE, flags=t.UINT
    ),
    "getdents": sig(fd=t.FD, dirp=Out(OLD_ENTRIES), count=t.UINT),
    "getdents64": sig(fd=t.FD, dirp=Out(ENTRIES), count=t.UINT),
    "getcwd": sig(buf=Out(String()), size=t.SIZE),
    "chdir": sig(pathname=Path()),
    "fchdir": sig(fd=t.FD),
    "chroot": sig(pathname=Path()),
    "rename": sig(oldpath=Path(), newpath=Path()),
    "renameat": sig(olddirfd=t.FD, oldpath=Path(), newdirfd=t.FD, newpath=Path()),
    "renameat2": sig(olddirfd=t.FD, oldpath=Path(), newdirfd=t.FD, newpath=Path(), flags=_RENAME),
    "mkdir": sig(pathname=Path(), mode=t.MODE),
    "mkdirat": sig(dirfd=t.FD, pathname=Path(), mode=t.MODE),
    "rmdir": sig(pathname=Path()),
    "mknod": sig(pathname=Path(), mode=t.FILE_MODE, dev=_NODE_DEVICE),
    "mknodat": sig(dirfd=t.FD, pathname=Path(), mode=t.FILE_MODE, dev=_NODE_DEVICE),
    "link": sig(oldpath=Path(), newpath=Path()),
    "linkat": sig(olddirfd=t.FD, oldpath=Path(), newdirfd=t.FD, newpath=Path(), flags=_AT),
    "symlink": sig(target=Path(), linkpath=Path()),
    "symlinkat": sig(target=Path(), newdirfd=t.FD, linkpath=Path()),
    "unlink": sig(pathname=Path()),
    "unlinkat": sig(dirfd=t.FD, pathname=Path(), flags=_AT),
    "readlink": sig(pathname=Path(), buf=Out(Buffer(RETURNED)), bufsiz=t.SIZE),
    "readlinkat": sig(dirfd=t.FD, pathname=Path(), buf=Out(Buffer(RETURNED)), bufsiz=t.SIZE),
    "chmod": sig(pathname=Path(), mode=t.MODE),
    "fchmod": sig(fd=t.FD, mode=t.MODE),
    "fchmodat": sig(dirfd=t.FD, pathname=Path(), mode=t.MODE),
    "fchmodat2": sig(dirfd=t.FD, pathname=Path(), mode=t.MODE, flags=_AT),
    "chown": sig(pathname=Path(), owner=t.ID, group=t.ID),
    "lchown": sig(pathname=Path(), owner=t.ID, group=t.ID),
    "fchown": sig(fd=t.FD, owner=t.ID, group=t.ID),
    "fchownat": sig(dirfd=t.FD, pathname=Path(), owner=t.ID, group=t.ID, flags=_AT),
    "umask": sig(Returns.OCTAL, mask=t.MODE),
    "utime": sig(filename=Path(), times=Ptr(s.UTIMBUF)),
    "utimes": sig(filename=Path(), times=Array(s.TIME_OF_DAY, 2)),
    "futimesat": sig(dirfd=t.FD, pathname=Path(), times=Array(s.TIME_OF_DAY, 2)),
    "utimensat": sig(dirfd=t.FD, pathname=Path(), times=Array(s.UTIMENS, 2), flags=_AT),
    "inotify_init": sig(_FD),
    "inotify_init1": sig(_FD, flags=t.Flags("inotify_init", "IN_???")),
    "inotify_add_watch": sig(fd=t.FD, pathname=Path(), mask=t.Flags("inotify_mask", "IN_???")),
    "inotify_rm_watch": sig(fd=t.FD, wd=t.INT),
    "fanotify_init": sig(
        _FD, flags=t.Flags("fanotify_init", "FAN_???"), event_f_flags=t.Flags("open", "O_???")
    ),
    "fanotify_mark": sig(
        fanotify_fd=t.FD,
        flags=t.Flags("fanotify_mark", "FAN_MARK_???"),
        mask=t.Flags("fanotify_mask", "FAN_???", "u64"),
        dirfd=t.Enum("fanotify_fd", "", "i32", otherwise=t.FD),
        pathname=Path(),
    ),
    "setxattr": sig(pathname=Path(), name=String(), value=Buffer("size"), size=t.SIZE, flags=_XATTR),
    "lsetxattr": sig(pathname=Path(), name=String(), value=Buffer("size"), size=t.SIZE, flags=_XATTR),
    "fsetxattr": sig(fd=t.FD, name=String(), value=Buffer("size"), size=t.SIZE, flags=_XATTR),
    "getxattr": sig(pathname=Path(), name=String(), value=Out(Buffer(RETURNED)), size=t.SIZE),
    "lgetxattr": sig(pathname=Path(), name=String(), value=Out(Buffer(RETURNED)), size=t.SIZE),
    "fgetxattr": sig(fd=t.FD, name=String(), value=Out(Buffer(RETURNED)), size=t.SIZE),
    "listxattr": sig(pathname=Path(), list=_LISTED, size=t.SIZE),
    "llistxattr": sig(pathname=Path(), list=_LISTED, size=t.SIZE),
    "flistxattr": sig(fd=t.FD, list=_LISTED, size=t.SIZE),
    "removexattr": sig(pathname=Path(), name=String()),
    "lremovexattr": sig(pathname=Path(), name=String()),
    "fremovexattr": sig(fd=t.FD, name=String()),
    "setxattrat": sig(
        dirfd=t.FD, pathname=Path(), at_flags=_AT, name=String(), args=Ptr(m.XATTR_ARGS), size=t.SIZE
    ),
    "getxattrat": sig(
        dirfd=t.FD, pathname=Path(), at_flags=_AT, name=String(), args=Ptr(m.XATTR_ROOM), size=t.SIZE
    ),
    "listxattrat": sig(dirfd=t.FD, pathname=Path(), at_flags=_AT, list=Out(Buffer(RETURNED)), size=t.SIZE),
    "removexattrat": sig(dirfd=t.FD, pathname=Path(), at_flags=_AT, name=String()),
    "file_getattr": sig(
        dirfd=t.FD, pathname=Path(), attr=Out(Sized(m.FILE_ATTR, "size")), size=t.SIZE, at_flags=_AT
    ),
    "file_setattr": sig(
        dirfd=t.FD, pathname=Path(), attr=Sized(m.FILE_ATTR, "size"), size=t.SIZE, at_flags=_AT
    ),
    "cachestat": sig(fd=t.FD, cstat_range=Ptr(m.CACHESTAT_RANGE), cstat=Out(m.CACHESTAT), flags=t.HEX32),
    "memfd_secret": sig(_FD, flags=_CLOEXEC),
    "memfd_create": sig(
        _FD, name=String(), flags=t.Flags("memfd", "MFD_???", shift=("MFD_HUGE_SHIFT", 26, 63))
    ),
    "eventfd": sig(_FD, initval=t.UINT),
    "eventfd2": sig(_FD, initval=t.UINT, flags=t.Flags("eventfd", "EFD_???")),
    "name_to_handle_at": sig(
        dirfd=t.FD,
        pathname=Path(),
        handle=InOut(FileHandle(filled=True), merged=True),
        mount_id=Out(t.INT),
        flags=t.Flags("handle_at", "AT_???"),
    ),
    "open_by_handle_at": sig(_FD, mount_fd=t.FD, handle=FileHandle(filled=False), flags=_OPEN),
}
