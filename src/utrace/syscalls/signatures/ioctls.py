"""ioctl by command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.packed import IoctlCommand
from utrace.syscalls.pointers import Out, Ptr
from utrace.syscalls.tables import flags_decoder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.signature import Note

IOCTL_COMMAND: Final = IoctlCommand()


#: What ordinary programs ask.
_CASES: Final[Mapping[str, t.ArgType]] = {
    "TCGETS": Out(s.TERMIOS),
    "TCSETS TCSETSW TCSETSF": Ptr(s.TERMIOS),
    "TIOCGWINSZ": Out(s.WINSIZE),
    "TIOCSWINSZ": Ptr(s.WINSIZE),
    "TIOCGPGRP TIOCGSID": Out(t.PID),
    "TIOCSPGRP": Ptr(t.PID),
    "FIONBIO FIOASYNC TIOCSPTLCK TIOCSETD": Ptr(t.INT),
    "FIONREAD TIOCOUTQ TIOCGPTN TIOCGPTLCK TIOCGETD FIGETBSZ FS_IOC_GETVERSION": Out(t.INT),
    "TIOCSCTTY TCSBRK TCSBRKP": t.INT,
    "TCFLSH": t.Enum("tcflush", "TC???"),
    "TCXONC": t.Enum("tcflow", "TC???"),
    "FIOCLEX FIONCLEX TIOCNOTTY TIOCEXCL TIOCNXCL TIOCSBRK TIOCCBRK": t.MISSING,
    "FICLONE": t.FD,
    "FS_IOC_GETFLAGS": Out(t.Flags("fs_flags", "FS_???_FL")),
}


def _rest() -> t.ArgType:
    from utrace.syscalls.signatures.devices import REST  # noqa: PLC0415 - few programs ask more

    return REST


IOCTL_ARGUMENT: Final = t.Choice("request", "ioctl", _CASES, t.Deferred(_rest))

_NS_GET_NSTYPE: Final = 0xB703


def ioctl_note(call: DecodedCall) -> list[Note]:
    """Name the type of a namespace, which one command returns."""
    result = call.result
    if result is None or call.raw[1] & 0xFFFFFFFF != _NS_GET_NSTYPE:
        return []
    return [("", flags_decoder(call.abi, "namespaces")(result.value))]
