"""Mounts and file systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.layouts import MOUNT_ATTR
from utrace.syscalls.pointers import Path, String
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.structs import Sized

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.signature import Signature

_FD = Returns.FD
_ATTR: Final = t.Flags("mount_attr", "MOUNT_ATTR_???")

CALLS: Final[Mapping[str, Signature]] = {
    "mount": sig(
        source=Path(),
        target=Path(),
        filesystemtype=String(),
        mountflags=t.Flags("mount", "MS_???", "ulong"),
        data=String(),
    ),
    "umount2": sig(target=Path(), flags=t.Flags("umount", "MNT_???")),
    "pivot_root": sig(new_root=Path(), put_old=Path()),
    "swapon": sig(path=Path(), swapflags=t.Flags("swap", "SWAP_FLAG_???")),
    "swapoff": sig(path=Path()),
    "open_tree": sig(_FD, dirfd=t.FD, pathname=Path(), flags=t.Flags("open_tree", "OPEN_TREE_???")),
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
        fd=t.FD, cmd=t.Enum("fsconfig", "FSCONFIG_???"), key=String(), value=t.ADDRESS, aux=t.INT
    ),
    "mount_setattr": sig(
        dirfd=t.FD,
        pathname=Path(),
        flags=t.Flags("at", "AT_???"),
        attr=Sized(MOUNT_ATTR, "size"),
        size=t.SIZE,
    ),
}
