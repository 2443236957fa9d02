"""Ends of tracees: told to the tracer first, and to the real parent when the tracer has waited.

utrace itself has waited by then, so the kernel tells the parent at once, by a wait and by SIGCHLD.  Rules of
this file:

1. A wait of the parent's that ended so lasts on: its thread stays where it is, of which no tracer is told.
2. A SIGCHLD that comes so is withheld where it can be; where it is blocked the parent has it, and what it
   then looks for in vain is told by another.

Reference: ptrace(2), "Death under ptrace"; Linux 6.18 kernel/exit.c:wait_consider_task(), wait_task_zombie().
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from utrace.engines.ptrace import PtraceEngine
    from utrace.tracer.task import Task

SIGCHLD: Final = 17
CLD_EXITED: Final = 1
CLD_KILLED: Final = 2
CLD_DUMPED: Final = 3
CLD_TRAPPED: Final = 4
_ENDS: Final = frozenset({CLD_EXITED, CLD_KILLED, CLD_DUMPED})
RUSAGE_BYTES: Final = 144
_HEAD: Final = struct.Struct("<4i")


def child_siginfo(code: int, pid: int, uid: int, status: int, ticks: tuple[int, int] = (0, 0)) -> bytes:
    """Make the siginfo of a SIGCHLD, and of a waitid, which does not tell times."""
    return struct.pack("<7i4x2q", SIGCHLD, 0, code, 0, pid, uid, status, *ticks).ljust(128, b"\0")


class Ended:
    """A dead tracee that its tracer has not waited for.

    Attributes:
        ready: it may be waited for: a leader's end is told after those of its threads, and a real
            parent is told after the tracer.
        after: what is told before it, to another.
        pid: who it was; `group` its process group, `uid` its real user, `parent` its real parent.
        usage: its struct rusage.
        nth: the how many-th of its session it is, of the stops and ends.
        signal: the SIGCHLD that its real parent gets when this has been told.
    """

    __slots__ = (
        "after",
        "group",
        "held_up",
        "link",
        "nth",
        "parent",
        "pid",
        "ready",
        "signal",
        "status",
        "tracer_pid",
        "uid",
        "usage",
    )

    def __init__(
        self, link: PtraceEngine, tracer_pid: int, status: int, *, ready: bool, parent: Task | None = None
    ) -> None:
        self.link = link
        self.ready = ready
        self.nth = 0
        self.after: Ended | None = None
        self.held_up: list[Callable[[], None]] = []
        self.parent = parent
        self.signal: bytes | None = None
        self.tracer_pid = tracer_pid
        self.pid = link.tracee.tid
        self.group, self.uid = link.identity
        self.usage = link.tracee.usage or bytes(RUSAGE_BYTES)
        self.status = status

    def holds_up(self, let_go: Callable[[], None]) -> None:
        """Note a real parent that is held until the tracer has waited."""
        self.held_up.append(let_go)

    @property
    def news(self) -> tuple[int, int]:
        """The code and status of the SIGCHLD for it."""
        signal = self.status & 0x7F
        code = CLD_EXITED if not signal else CLD_DUMPED if self.status & 0x80 else CLD_KILLED
        return code, signal or self.status >> 8

    @property
    def siginfo(self) -> bytes:
        """The SIGCHLD for it."""
        code, status = self.news
        return child_siginfo(code, self.pid, self.uid, status & 0xFF, self.link.times)

    def hand_on(self, others: Iterable[Ended]) -> bool:
        """Leave who waits behind it to another tracer's end of the same task; tell whether there is one."""
        for other in others:
            if other.pid == self.pid and other.after is None:
                other.held_up += self.held_up
                other.signal = other.signal or self.signal
                return True
        return False


def early_end(ended: Iterable[Ended], task: Task, siginfo: bytes) -> Ended | None:
    """Find the end that a SIGCHLD tells a parent of before the tracer has been told; None: there is none."""
    _, _, code, _ = _HEAD.unpack_from(siginfo)
    if code not in _ENDS:
        return None
    pid = int.from_bytes(siginfo[16:20], "little")
    return next((end for end in ended if end.pid == pid and is_first(end, task)), None)


def is_first(end: Ended, parent: Task) -> bool:
    """Tell whether an end is to be told to another process before its real parent."""
    return end.after is None and end.tracer_pid != parent.pid
