"""ioctl by command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.layouts_tasks import SECCOMP_NOTIF, SECCOMP_NOTIF_ADDFD, SECCOMP_NOTIF_RESP
from utrace.syscalls.pointers import Out, Ptr
from utrace.syscalls.structs import Chars, Pad, Struct
from utrace.syscalls.tables import flags_decoder
from utrace.syscalls.values import Fd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.signature import Note

# A descriptor kept in 64 bits.
_WIDE_FD: Final = t.Number("i64", Fd)

IOCTL_COMMAND: Final = t.IoctlCommand()

_FSXATTR: Final = Struct(
    fsx_xflags=t.Flags("fs_xflags", "FS_XFLAG_???"),
    fsx_extsize=t.UINT,
    fsx_nextents=t.UINT,
    fsx_projid=t.UINT,
    fsx_cowextsize=t.UINT,
    _pad=Pad(8),
)
_CLONE_RANGE: Final = Struct(src_fd=_WIDE_FD, src_offset=t.U64, src_length=t.U64, dest_offset=t.U64)

_CASES: Final[Mapping[str, t.ArgType]] = {
    "TCGETS": Out(s.TERMIOS),
    "TCSETS TCSETSW TCSETSF": Ptr(s.TERMIOS),
    "TIOCGWINSZ": Out(s.WINSIZE),
    "TIOCSWINSZ": Ptr(s.WINSIZE),
    "TIOCGPGRP TIOCGSID": Out(t.PID),
    "TIOCSPGRP": Ptr(t.PID),
    "FIONBIO FIOASYNC TIOCSPTLCK": Ptr(t.INT),
    "FIONREAD TIOCOUTQ TIOCGPTN TIOCGPTLCK TIOCGETD TIOCMGET BLKSSZGET BLKROGET": Out(t.INT),
    "TIOCSETD TIOCMSET TIOCMBIS TIOCMBIC": Ptr(t.INT),
    "TIOCSCTTY TCSBRK TCSBRKP": t.INT,
    "TCFLSH": t.Enum("tcflush", "TC???FLUSH"),
    "TCXONC": t.Enum("tcflow", "TC???"),
    "FIOCLEX FIONCLEX TIOCNOTTY TIOCEXCL TIOCNXCL TIOCSBRK TIOCCBRK": t.MISSING,
    "FICLONE": t.FD,
    "BLKGETSIZE64 PERF_EVENT_IOC_ID": Out(t.U64),
    "BLKGETSIZE": Out(t.ULONG),
    "FIGETBSZ FS_IOC_GETVERSION RNDGETENTCNT NS_GET_PID_FROM_PIDNS": Out(t.INT),
    "FS_IOC_SETVERSION": Ptr(t.INT),
    "FS_IOC_GETFLAGS": Out(t.Flags("fs_flags", "FS_???_FL")),
    "FS_IOC_SETFLAGS": Ptr(t.Flags("fs_flags", "FS_???_FL")),
    "FS_IOC_FSGETXATTR": Out(_FSXATTR),
    "FS_IOC_FSSETXATTR": Ptr(_FSXATTR),
    "FICLONERANGE": Ptr(_CLONE_RANGE),
    "SIOCGIFINDEX": Out(Struct(ifr_name=Chars(16), ifr_ifindex=t.INT)),
    "SIOCGIFMTU": Out(Struct(ifr_name=Chars(16), ifr_mtu=t.INT)),
    "NS_GET_OWNER_UID": Out(t.ID),
    "NS_GET_NSTYPE NS_GET_USERNS NS_GET_PARENT": t.MISSING,
    "NS_GET_MNTNS_ID NS_GET_ID": Out(t.HEX64),
    "PERF_EVENT_IOC_ENABLE PERF_EVENT_IOC_DISABLE PERF_EVENT_IOC_RESET": t.Flags(
        "perf_ioctl", "PERF_IOC_FLAG_???", "ulong"
    ),
    "PERF_EVENT_IOC_SET_OUTPUT PERF_EVENT_IOC_SET_BPF": t.FD,
    "PERF_EVENT_IOC_PERIOD": Ptr(t.U64),
    "LOOP_SET_FD LOOP_CHANGE_FD": t.FD,
    "LOOP_CLR_FD LOOP_CTL_GET_FREE": t.MISSING,
    "SECCOMP_IOCTL_NOTIF_RECV": Out(SECCOMP_NOTIF),
    "SECCOMP_IOCTL_NOTIF_SEND": Ptr(SECCOMP_NOTIF_RESP),
    "SECCOMP_IOCTL_NOTIF_ID_VALID": Ptr(t.HEX64),
    "SECCOMP_IOCTL_NOTIF_ADDFD": Ptr(SECCOMP_NOTIF_ADDFD),
}

IOCTL_ARGUMENT: Final = t.Choice("request", "ioctl", _CASES, t.ADDRESS)

_NS_GET_NSTYPE: Final = 0xB703


def ioctl_note(call: DecodedCall) -> list[Note]:
    """Name the type of a namespace, which one command returns."""
    result = call.result
    if result is None or call.raw[1] & 0xFFFFFFFF != _NS_GET_NSTYPE:
        return []
    return [("", flags_decoder(call.abi, "namespaces")(result.value))]
