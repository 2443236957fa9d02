"""ioctl by command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.pointers import Out, Ptr

if TYPE_CHECKING:
    from collections.abc import Mapping

IOCTL_COMMAND: Final = t.IoctlCommand()

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
    "BLKGETSIZE64": Out(t.U64),
}

IOCTL_ARGUMENT: Final = t.Choice("request", "ioctl", _CASES, t.ADDRESS)
