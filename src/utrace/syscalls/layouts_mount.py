"""Structs of mounts, quotas, and of the youngest calls on files."""

from __future__ import annotations

from typing import Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.pointers import Buffer
from utrace.syscalls.structs import Pad, Struct, Wide

_MOUNT_ATTR: Final = t.Flags("mount_attr", "MOUNT_ATTR_???", "u64")
_STATMOUNT: Final = t.Flags("statmount", "STATMOUNT_???", "u64")

MOUNT_ATTR: Final = Struct(
    attr_set=_MOUNT_ATTR,
    attr_clr=_MOUNT_ATTR,
    propagation=t.Flags("mount", "MS_???", "u64"),
    userns_fd=t.U64,
)

#: What statmount and listmount ask for; the meaning of `param` is the call's.
STATMOUNT_REQUEST: Final = Struct(
    size=t.UINT, mnt_ns_fd=t.UINT, mnt_id=t.HEX64, param=_STATMOUNT, mnt_ns_id=t.HEX64
)
LISTMOUNT_REQUEST: Final = Struct(
    size=t.UINT,
    mnt_ns_fd=t.UINT,
    mnt_id=t.Enum("listmount_id", "", "i64", otherwise=t.HEX64),
    param=t.HEX64,
    mnt_ns_id=t.HEX64,
)

#: The texts that the offsets mean stand behind it in memory.
STATMOUNT: Final = Struct(
    "size mask mnt_id fs_type mnt_root mnt_point",
    size=t.UINT,
    mnt_opts=t.UINT,
    mask=_STATMOUNT,
    sb_dev_major=t.UINT,
    sb_dev_minor=t.UINT,
    sb_magic=t.Enum("statfs_type", "", "u64"),
    sb_flags=t.Flags("mount", "MS_???"),
    fs_type=t.UINT,
    mnt_id=t.HEX64,
    mnt_parent_id=t.HEX64,
    mnt_id_old=t.UINT,
    mnt_parent_id_old=t.UINT,
    mnt_attr=_MOUNT_ATTR,
    mnt_propagation=t.Flags("mount", "MS_???", "u64"),
    mnt_peer_group=t.U64,
    mnt_master=t.U64,
    propagate_from=t.U64,
    mnt_root=t.UINT,
    mnt_point=t.UINT,
    mnt_ns_id=t.HEX64,
    fs_subtype=t.UINT,
    sb_source=t.UINT,
    opt_num=t.UINT,
    opt_array=t.UINT,
    opt_sec_num=t.UINT,
    opt_sec_array=t.UINT,
    supported_mask=_STATMOUNT,
    mnt_uidmap_num=t.UINT,
    mnt_uidmap=t.UINT,
    mnt_gidmap_num=t.UINT,
    mnt_gidmap=t.UINT,
    _spare2=Pad(43 * 8),
)

NS_ID_REQUEST: Final = Struct(
    size=t.UINT,
    _spare=t.UINT,
    ns_id=t.HEX64,
    ns_type=t.Flags("namespaces", "CLONE_NEW???"),
    _spare2=t.UINT,
    user_ns_id=t.HEX64,
)

CACHESTAT_RANGE: Final = Struct(off=t.U64, len=t.U64)
CACHESTAT: Final = Struct(
    nr_cache=t.U64, nr_dirty=t.U64, nr_writeback=t.U64, nr_evicted=t.U64, nr_recently_evicted=t.U64
)
XATTR_ARGS: Final = Struct(value=Wide(Buffer("size")), size=t.UINT, flags=t.Flags("xattr", "XATTR_???"))
#: The same where the call fills the buffer.
XATTR_ROOM: Final = Struct(value=t.POINTER64, size=t.UINT, flags=t.Flags("xattr", "XATTR_???"))
FILE_ATTR: Final = Struct(
    fa_xflags=t.Flags("fs_xflags", "FS_XFLAG_???", "u64"),
    fa_extsize=t.UINT,
    fa_nextents=t.UINT,
    fa_projid=t.UINT,
    fa_cowextsize=t.UINT,
)

DQBLK: Final = Struct(
    "dqb_bhardlimit dqb_bsoftlimit dqb_curspace dqb_ihardlimit dqb_isoftlimit dqb_curinodes",
    dqb_bhardlimit=t.U64,
    dqb_bsoftlimit=t.U64,
    dqb_curspace=t.U64,
    dqb_ihardlimit=t.U64,
    dqb_isoftlimit=t.U64,
    dqb_curinodes=t.U64,
    dqb_btime=t.U64,
    dqb_itime=t.U64,
    dqb_valid=t.Flags("quota_valid", "QIF_???"),
)
NEXTDQBLK: Final = Struct(
    "dqb_bhardlimit dqb_bsoftlimit dqb_curspace dqb_ihardlimit dqb_isoftlimit dqb_curinodes dqb_id",
    dqb_bhardlimit=t.U64,
    dqb_bsoftlimit=t.U64,
    dqb_curspace=t.U64,
    dqb_ihardlimit=t.U64,
    dqb_isoftlimit=t.U64,
    dqb_curinodes=t.U64,
    dqb_btime=t.U64,
    dqb_itime=t.U64,
    dqb_valid=t.Flags("quota_valid", "QIF_???"),
    dqb_id=t.UINT,
)
DQINFO: Final = Struct(
    dqi_bgrace=t.U64,
    dqi_igrace=t.U64,
    dqi_flags=t.Flags("quota_info_flags", "DQF_???"),
    dqi_valid=t.Flags("quota_info_valid", "IIF_???"),
)
