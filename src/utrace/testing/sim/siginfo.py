"""Signal numbers and siginfo_t of the simulated kernel.

Reference: include/uapi/asm-generic/siginfo.h, include/linux/signal.h (6.18).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

SIGTRAP: Final = 5
SIGKILL: Final = 9
SIGCHLD: Final = 17
SIGCONT: Final = 18
SIGSTOP: Final = 19

SI_USER: Final = 0
SI_TKILL: Final = -6
TRAP_BRKPT: Final = 1
TRAP_TRACE: Final = 2
CLD_EXITED: Final = 1
CLD_KILLED: Final = 2
CLD_DUMPED: Final = 3
CLD_STOPPED: Final = 5
CLD_CONTINUED: Final = 6


def bit(signo: int) -> int:
    """Give a signal's bit in a mask."""
    return 1 << (signo - 1)


def _mask(*signos: int) -> int:
    return sum(bit(signo) for signo in signos)


STOP_SIGNALS: Final = _mask(19, 20, 21, 22)
IGNORED_BY_DEFAULT: Final = _mask(17, 18, 23, 28)
SYNCHRONOUS: Final = _mask(4, 5, 7, 8, 11, 31)
UNBLOCKABLE: Final = _mask(SIGKILL, SIGSTOP)

_SIGINFO_BYTES: Final = 128
_HEAD: Final = struct.Struct("<iii4xiii")
_FAULT: Final = struct.Struct("<iii4xQ")


@dataclass(frozen=True, slots=True)
class SigInfo:
    """What comes with a signal; `raw` if a tracer has put its own in the place."""

    signo: int
    code: int = SI_USER
    pid: int = 0
    status: int = 0
    address: int = 0
    raw: bytes | None = None

    def encode(self) -> bytes:
        """Give the 128 bytes of the siginfo_t."""
        if self.raw is not None:
            return self.raw
        if self.signo == SIGTRAP and self.code > 0:
            return _FAULT.pack(self.signo, 0, self.code, self.address).ljust(_SIGINFO_BYTES, b"\0")
        head = _HEAD.pack(self.signo, 0, self.code, self.pid, 0, self.status)
        return head.ljust(_SIGINFO_BYTES, b"\0")

    @classmethod
    def from_bytes(cls, raw: bytes) -> SigInfo:
        """Read a tracer's siginfo_t.

        Raises:
            struct.error: shorter than 128 bytes are.
        """
        signo, _errno, code, pid, _uid, status = _HEAD.unpack_from(raw)
        return cls(signo, code, pid, status, raw=raw[:_SIGINFO_BYTES].ljust(_SIGINFO_BYTES, b"\0"))
