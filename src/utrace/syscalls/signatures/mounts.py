"""Mounts, file systems and quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts_mount as s
from utrace.syscalls.layouts import USTAT
from utrace.syscalls.packed import QUOTA_COMMAND
from utrace.syscalls.pointers import RETURNED, Array, Buffer, Out, Path, Ptr, String
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.structs import Sized

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.signature import Signature

_FD = Returns.FD
_ATTR: Final = t.Flags("mount_attr", "MOUNT_ATTR_???")
_OPEN_TREE: Final = t.Flags("open_tree", "OPEN_TREE_???")

# MS_REMOUNT, MS_BIND, MS_MOVE and the changes of propagation do not read type and data as texts.
_NO_TYPE: Final = 0x20 | 0x1000 | 0x2000 | 0x20000 | 0x40000 | 0x80000 | 0x100000
_NO_DATA: Final = _NO_TYPE & ~0x20

_PATHS: Final = "FSCONFIG_SET_PATH FSCONFIG_SET_PATH_EMPTY"
_FSCONFIG: Final[Mapping[str, t.ArgType]] = {
    "FSCONFIG_SET_STRING": String(),
    "FSCONFIG_SET_BINARY": Buffer("aux", binary=True),
    _PATHS: Path(),
}

# The command of quotactl is in the upper bytes, the type in the lowest.
_QUOTA_MASK: Final = 0xFFFFFF00
_Q_SYNC, _Q_QUOTAON, _Q_QUOTAOFF, _Q_GETFMT = 0x80000100, 0x80000200, 0x80000300, 0x80000400
_Q_GETINFO, _Q_SETINFO, _Q_GETQUOTA, _Q_SETQUOTA = 0x80000500, 0x80000600, 0x80000700, 0x80000800
_Q_GETNEXTQUOTA, _Q_XQUOTASYNC = 0x80000900, 0x00580700
_QUOTA_IDS: Final[Mapping[int, t.ArgType]] = {
    _Q_SYNC: t.MISSING,
    _Q_QUOTAOFF: t.MISSING,
    _Q_GETFMT: t.MISSING,
    _Q_GETINFO: t.MISSING,
    _Q_SETINFO: t.MISSING,
    _Q_XQUOTASYNC: t.MISSING,
    _Q_QUOTAON: t.Enum("quota_format", "QFMT_VFS_???"),
}
_QUOTA_ADDRS: Final[Mapping[int, t.ArgType]] = {
    _Q_SYNC: t.MISSING,
    _Q_QUOTAOFF: t.MISSING,
    _Q_XQUOTASYNC: t.MISSING,
    _Q_QUOTAON: Path(),
    _Q_GETFMT: Out(t.Enum("quota_format", "QFMT_VFS_???")),
    _Q_GETINFO: Out(s.DQINFO),
    _Q_SETINFO: Ptr(s.DQINFO),
    _Q_GETQUOTA: Out(s.DQBLK),
    _Q_SETQUOTA: Ptr(s.DQBLK),
    _Q_GETNEXTQUOTA: Out(s.NEXTDQBLK),
}
_QUOTA_ID: Final = t.Choice("cmd", "", _QUOTA_IDS, t.ID, _QUOTA_MASK)
_QUOTA_ADDR: Final = t.Choice("cmd", "", _QUOTA_ADDRS, t.ADDRESS, _QUOTA_MASK)
_SYSFS_ARGS: Final[Mapping[int, t.ArgType]] = {1: String(), 3: t.MISSING}
_SYSFS_BUFFERS: Final[Mapping[int, t.ArgType]] = {2: Out(String())}

CALLS: Final[Mapping[str, Signature]] = {
    "mount": sig(
        source=Path(),
        target=Path(),
        filesystemtype=t.Bits("mountflags", {_NO_TYPE: t.ADDRESS}, String()),
        mountflags=t.Flags("mount", "MS_???", "ulong"),
        data=t.Bits("mountflags", {_NO_DATA: t.ADDRESS}, String()),
    ),
    "umount2": sig(target=Path(), flags=t.Flags("umount", "MNT_???")),
    "pivot_root": sig(new_root=Path(), put_old=Path()),
    "swapon": sig(path=Path(), swapflags=t.Flags("swap", "SWAP_FLAG_???")),
    "swapoff": sig(path=Path()),
    "open_tree": sig(_FD, dirfd=t.FD, pathname=Path(), flags=_OPEN_TREE),
    "open_tree_attr": sig(
        _FD, dirfd=t.FD, pathname=Path(), flags=_OPEN_TREE, attr=Sized(s.MOUNT_ATTR, "size"), size=t.SIZE
    ),
    "move_mount": sig(
        from_dirfd=t.FD,
        from_pathname=Path(),
        to_dirfd=t.FD,
        to_pathname=Path(),
        flags=t.Flags("move_mount", "MOVE_MOUNT_???"),
    ),
    "fsopen": sig(_FD, fsname=String(), flags=t.Flags("fsopen", "FSOPEN_???")),
    "fspick": sig(_FD, dirfd=t.FD, pathname=Path(), flags=t.Flags("fspick", "FSPICK_???")),
    "fsmount": sig(_FD, fsfd=t.FD, flags=t.Flags("fsmount", "FSMOUNT_???"), attr_flags=_ATTR),
    "fsconfig": sig(
        fd=t.FD,
        cmd=t.Enum("fsconfig", "FSCONFIG_???"),
        key=String(),
        value=t.Choice("cmd", "fsconfig", _FSCONFIG, t.ADDRESS),
        aux=t.Choice("cmd", "fsconfig", {f"{_PATHS} FSCONFIG_SET_FD": t.FD}, t.INT),
    ),
    "mount_setattr": sig(
        dirfd=t.FD,
        pathname=Path(),
        flags=t.Flags("at", "AT_???"),
        attr=Sized(s.MOUNT_ATTR, "size"),
        size=t.SIZE,
    ),
    "statmount": sig(
        req=Ptr(s.STATMOUNT_REQUEST),
        buf=Out(s.STATMOUNT),
        bufsize=t.SIZE,
        flags=t.Flags("statmount_flags", "STATMOUNT_???"),
    ),
    "listmount": sig(
        req=Ptr(s.LISTMOUNT_REQUEST),
        mnt_ids=Out(Array(t.HEX64, RETURNED)),
        nr_mnt_ids=t.SIZE,
        flags=t.Flags("listmount_flags", "LISTMOUNT_???"),
    ),
    "listns": sig(
        req=Ptr(s.NS_ID_REQUEST), ns_ids=Out(Array(t.HEX64, RETURNED)), nr_ns_ids=t.SIZE, flags=t.HEX32
    ),
    "quotactl": sig(cmd=QUOTA_COMMAND, special=Path(), id=_QUOTA_ID, addr=_QUOTA_ADDR),
    "quotactl_fd": sig(fd=t.FD, cmd=QUOTA_COMMAND, id=_QUOTA_ID, addr=_QUOTA_ADDR),
    "sysfs": sig(
        option=t.HEX32,
        arg1=t.Choice("option", "", _SYSFS_ARGS, t.UINT),
        arg2=t.Choice("option", "", _SYSFS_BUFFERS, t.MISSING),
    ),
    "ustat": sig(dev=t.DEVICE, ubuf=Out(USTAT)),
}
