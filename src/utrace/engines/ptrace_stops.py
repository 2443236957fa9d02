"""The vocabulary of ptrace(2): options, events, stops, and the siginfo of a stop.

Reference: ptrace(2); include/uapi/linux/ptrace.h (Linux 6.18).
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Final

from utrace.kernel.api import FactKind
from utrace.tracehook.group_stop import CLD_STOPPED

CLD_TRAPPED: Final = 4
SIGTRAP: Final = 5
SIGCHLD: Final = 17
TRAP_BRKPT: Final = 1
TRAP_TRACE: Final = 2
TRAP_HWBKPT: Final = 4
SI_KERNEL: Final = 0x80
"""Of a signal that the kernel made, an int3's SIGTRAP among them."""


class Option(enum.IntFlag):
    """What PTRACE_SETOPTIONS sets: PTRACE_O_…."""

    TRACESYSGOOD = 0x1
    TRACEFORK = 0x2
    TRACEVFORK = 0x4
    TRACECLONE = 0x8
    TRACEEXEC = 0x10
    TRACEVFORKDONE = 0x20
    TRACEEXIT = 0x40
    TRACESECCOMP = 0x80
    EXITKILL = 0x100000
    SUSPEND_SECCOMP = 0x200000


class PtraceEvent(enum.IntEnum):
    """What an event stop is about: PTRACE_EVENT_…."""

    FORK = 1
    VFORK = 2
    CLONE = 3
    EXEC = 4
    VFORK_DONE = 5
    EXIT = 6
    SECCOMP = 7
    STOP = 128


class StopKind(enum.Enum):
    """The kinds of ptrace-stop, by ptrace(2)'s names."""

    SIGNAL_DELIVERY = enum.auto()
    SYSCALL_ENTRY = enum.auto()
    SYSCALL_EXIT = enum.auto()
    EVENT = enum.auto()
    GROUP = enum.auto()


@dataclass(slots=True)
class PtraceStop:
    """One ptrace-stop.

    Attributes:
        kind: what it is.
        code: the upper part of the wait status: signal in the low byte, event above it.
        siginfo: what PTRACE_GETSIGINFO gives; None: EINVAL, as in a group-stop.
        waited: the tracer's wait has taken it.
        is_early: on the kernel it would not have come yet: nobody is to know of it.
        nth: the how many-th stop of its session it is.
    """

    kind: StopKind
    code: int
    siginfo: bytes | None
    waited: bool = False
    is_early: bool = False
    nth: int = 0

    def describe(self) -> str:
        """Name it as ptrace(2) does, and what it is about."""
        event = self.code >> 8
        if self.kind is StopKind.EVENT and event:
            what = f" {PtraceEvent(event).name}"
        elif self.kind is StopKind.SIGNAL_DELIVERY:
            what = f" of signal {self.code & 0x7F}"
        else:
            what = ""
        waited = "" if self.waited else ", not waited for"
        return f"{self.kind.name.lower().replace('_', '-')}-stop{what}{waited}"

    @property
    def status(self) -> int:
        """The wait status."""
        return self.code << 8 | 0x7F

    @property
    def child_signal(self) -> tuple[int, int]:
        """The code and status of the SIGCHLD for it.

        Reference: Linux 6.18 kernel/signal.c:do_jobctl_trap(), do_notify_parent_cldstop().
        """
        signo = self.code & 0x7F
        if self.code >> 8 == PtraceEvent.STOP or self.kind is StopKind.GROUP:
            return CLD_STOPPED, signo if self.kind is StopKind.GROUP else 0
        return CLD_TRAPPED, signo


class Trap(enum.Enum):
    """Whose a SIGTRAP is that a breakpoint, a watchpoint or a step has made."""

    MINE = enum.auto()
    MY_WATCHPOINT = enum.auto()
    """Hit in a step of another tracer's, which the trap tells of, too."""
    OF_OTHERS = enum.auto()
    NOBODYS = enum.auto()
    """What made it is there no more; the task has been put where it would be without it."""


CLONE_PTRACE: Final = 0x2000
CLONE_UNTRACED: Final = 0x800000
BIRTH_OPTIONS: Final = {
    PtraceEvent.FORK: Option.TRACEFORK,
    PtraceEvent.VFORK: Option.TRACEVFORK,
    PtraceEvent.CLONE: Option.TRACECLONE,
}


def birth_event(clone_flags: int) -> PtraceEvent:
    """Tell which event a birth is (kernel/fork.c:kernel_clone())."""
    if clone_flags >= 0 and clone_flags & _CLONE_VFORK:
        return PtraceEvent.VFORK
    if clone_flags >= 0 and clone_flags & _CSIGNAL != SIGCHLD:
        return PtraceEvent.CLONE
    return PtraceEvent.FORK


_CLONE_VFORK: Final = 0x4000
_CSIGNAL: Final = 0xFF


def is_trap(siginfo: bytes | None, code: int) -> bool:
    """Tell whether a signal is a SIGTRAP of this si_code."""
    return siginfo is not None and (signo_of(siginfo), code_of(siginfo)) == (SIGTRAP, code)


def signo_of(siginfo: bytes) -> int:
    """Give si_signo."""
    return int.from_bytes(siginfo[:4], "little", signed=True)


def code_of(siginfo: bytes) -> int:
    """Give si_code."""
    return int.from_bytes(siginfo[8:12], "little", signed=True)


def event_stop(event: PtraceEvent, tid: int) -> PtraceStop:
    """Make the stop of an event; `tid`: the tracee's own (kernel/signal.c:ptrace_do_notify())."""
    code = event << 8 | SIGTRAP
    return PtraceStop(StopKind.EVENT, code, trap_siginfo(code, tid))


def group_stop(signo: int, tid: int, *, seized: bool) -> PtraceStop:
    """Make the stop of a tracee whose group is stopped, by this signal."""
    if not seized:
        return PtraceStop(StopKind.GROUP, signo, None)
    code = PtraceEvent.STOP << 8 | signo
    return PtraceStop(StopKind.GROUP, code, signal_siginfo(signo, code, tid))


def syscall_stop(kind: StopKind, options: Option, tid: int) -> PtraceStop:
    """Make the stop at the entry or the exit of a call."""
    code = SIGTRAP | (0x80 if options & Option.TRACESYSGOOD else 0)
    return PtraceStop(kind, code, trap_siginfo(code, tid))


def signal_stop(siginfo: bytes) -> PtraceStop:
    """Make the stop in which a signal is to be delivered."""
    return PtraceStop(StopKind.SIGNAL_DELIVERY, signo_of(siginfo), siginfo)


def seccomp_data(occurrence: object) -> int | None:
    """Tell what the filter said, if what a quiesce is about is a seccomp stop."""
    if type(occurrence) is tuple and occurrence[1] == FactKind.SECCOMP:
        return int(occurrence[3][-1])
    return None


def vforked_child(occurrence: object) -> int:
    """Tell whose vfork is over, if a quiesce is about that; else 0."""
    if type(occurrence) is tuple and occurrence[1] == FactKind.VFORK_DONE:
        return int(occurrence[2])
    return 0


def as_watchpoint_hit(siginfo: bytes) -> bytes:
    """Make the siginfo of a step that of a watchpoint (arch/x86/include/asm/traps.h:get_si_code())."""
    return siginfo[:8] + TRAP_HWBKPT.to_bytes(4, "little") + siginfo[12:]


def signal_siginfo(signo: int, code: int, pid: int = 0) -> bytes:
    """Make the siginfo of a signal."""
    return struct.pack("<iiiiii", signo, 0, code, 0, pid, 0).ljust(128, b"\0")


def trap_siginfo(code: int, pid: int = 0, uid: int = 0) -> bytes:
    """Make the siginfo of a stop that is no signal: SIGTRAP with the stop code as si_code."""
    return struct.pack("<iiiiii", SIGTRAP, 0, code, 0, pid, uid).ljust(128, b"\0")
