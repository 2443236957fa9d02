"""wait4(2) and waitid(2) of a tracer: its own children, which the kernel tells of, and its tracees.

Rules of this file:

1. A wait that an emulated stop or death answers never reaches the kernel.
2. A wait that must block really blocks in the kernel, so that signals and the tracer's own children end
   it as ever: in the call itself if the tracer has children, else in pause(2), whose end is turned into
   what the wait would have returned.
3. What is found when a blocked wait ends is decided anew then: another thread may have been quicker.

Reference: wait(2), wait4(2); Linux 6.18 kernel/exit.c:do_wait(), wait_task_stopped().
"""

from __future__ import annotations

import contextlib
import enum
import errno
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.errors import UtraceError
from utrace.kernel import procfs
from utrace.ptrace_emu import i386
from utrace.ptrace_emu.ends import (
    CLD_DUMPED,
    CLD_EXITED,
    CLD_KILLED,
    CLD_TRAPPED,
    Ended,
    child_siginfo,
)
from utrace.tracehook.group_stop import CLD_CONTINUED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from utrace.engines.ptrace import PtraceEngine
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import Loop
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

CALLS: Final = frozenset({"wait4", "waitid", "?waitpid"})
NAMES: Final = frozenset(name.removeprefix("?") for name in CALLS)
WNOHANG: Final = 1
WSTOPPED: Final = 2
WEXITED: Final = 4
WCONTINUED: Final = 8
WNOWAIT: Final = 0x01000000
WNOTHREAD: Final = 0x20000000
WCLONE: Final = 0x80000000
UNUSUAL: Final = WSTOPPED | WCLONE
"""With these the kernel's answer about a tracee's own child is not what its tracer is to see."""
WALL: Final = 0x40000000
_WAIT4_OPTIONS: Final = WNOHANG | WSTOPPED | WCONTINUED | WNOTHREAD | WCLONE | WALL
_WAITID_OPTIONS: Final = _WAIT4_OPTIONS | WEXITED | WNOWAIT
_INT_MASK: Final = (1 << 32) - 1
_INT_MIN: Final = -(1 << 31)
_CONTINUED: Final = 0xFFFF
"""The status of a task that a SIGCONT has continued."""


class Kind(enum.IntEnum):
    """What waitid waits for: its first argument."""

    P_ALL = 0
    P_PID = 1
    P_PGID = 2
    P_PIDFD = 3


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait call, whichever of the two it is.

    Attributes:
        pid: >0 a tid; -1 any; other values are process groups, as in wait4.
        status_at: where wait4 stores the status, 0 for nowhere; `siginfo_at` for waitid.
        ends: whether ends are waited for.  A tracee's stops always are (wait_task_stopped()).
        by_descriptor: through a pidfd that does not block: EAGAIN where another would block.
        is_i386: by an i386 call, whose structures are smaller.
    """

    pid: int
    options: int
    status_at: int
    siginfo_at: int
    rusage_at: int
    ends: bool
    is_waitid: bool
    by_descriptor: bool = False
    is_i386: bool = False

    @property
    def may_block(self) -> bool:
        """Whether it waits for what has not happened."""
        return not (self.options & WNOHANG or self.by_descriptor)

    def wants(self, tid: int, group: int | None = None) -> bool:
        """Tell whether it is about this task; `group`: its process group, if it is gone by now."""
        if self.pid > 0:
            return self.pid == tid
        if self.pid == -1:
            return True
        group = procfs.process_group(tid) if group is None else group
        return group is not None and group == abs(self.pid)

    def wants_ended(self, ended: Ended) -> bool:
        """Tell whether it may be answered by this end, now or later."""
        # A dead leader of living threads may still be continued (wait_consider_task()).
        looks = self.ends or (not ended.ready and bool(self.options & WCONTINUED))
        return looks and self.wants(ended.pid, ended.group)


def parse(call: Syscall, caller: Task) -> Wait | None:
    """Read the arguments of wait4 or waitid; None: they are wrong, as the kernel will say."""
    return _parse_waitid(call, caller) if call.name == "waitid" else _parse_wait4(call, caller)


def _parse_wait4(call: Syscall, caller: Task) -> Wait | None:
    pid, status_at, options, rusage_at = call.raw[:4]
    pid, options = _signed(pid), options & _INT_MASK
    if options & ~_WAIT4_OPTIONS or pid == _INT_MIN:
        return None
    if call.name == "waitpid":
        # waitpid(2) of i386 has three arguments.
        rusage_at = 0
    if pid == 0:
        pid = _own_group(caller)
    return Wait(
        pid,
        options,
        status_at,
        0,
        rusage_at,
        ends=True,
        is_waitid=False,
        is_i386=call.arch == i386.AUDIT,
    )


def _parse_waitid(call: Syscall, caller: Task) -> Wait | None:
    kind, ident, siginfo_at, options, rusage_at = call.raw[:5]
    ident, options = _signed(ident), options & _INT_MASK
    if options & ~_WAITID_OPTIONS or not options & (WEXITED | WSTOPPED | WCONTINUED):
        return None
    by_descriptor = False
    match kind & _INT_MASK:
        case Kind.P_ALL:
            pid = -1
        case Kind.P_PID if ident > 0:
            pid = ident
        case Kind.P_PGID if ident >= 0:
            pid = -ident if ident else _own_group(caller)
        case Kind.P_PIDFD if ident >= 0:
            found = procfs.pid_file(caller.tid, ident)
            if found is None or found.pid <= 0:
                return None
            pid = found.pid
            by_descriptor = found.is_nonblocking and not options & WNOHANG
        case _:
            return None
    return Wait(
        pid,
        options,
        0,
        siginfo_at,
        rusage_at,
        ends=bool(options & WEXITED),
        is_waitid=True,
        by_descriptor=by_descriptor,
        is_i386=call.arch == i386.AUDIT,
    )


def _signed(word: int) -> int:
    """Take an argument for the int that it is."""
    return (word & _INT_MASK) - (1 << 32 if word & 0x80000000 else 0)


def _own_group(caller: Task) -> int:
    return -(procfs.process_group(caller.tid) or 1)


def _links(registry: Registry, caller: Task, wait: Wait) -> Iterator[PtraceEngine]:
    """Give the tracees that a wait is about."""
    own = wait.options & WNOTHREAD
    for link in registry.of_tracer(caller.pid):
        if wait.wants(link.tracee.tid) and not (own and link.tracer_tid != caller.tid):
            yield link


def find(registry: Registry, caller: Task, wait: Wait) -> PtraceEngine | Ended | None:
    """Find what answers a wait now: a tracee's end, or a stop that has not been told.

    It is the kernel's first; but a stop that came later than others has to wait for those: a tracee that
    stops again and again must not keep its tracer from hearing of the others.
    """
    found: list[PtraceEngine | Ended] = [
        link
        for link in _links(registry, caller, wait)
        if link.stop is not None and not link.stop.waited and not link.stop.is_early
    ]
    if wait.ends:
        found += (
            ended
            for ended in registry.ended
            if ended.tracer_pid == caller.pid and ended.ready and wait.wants_ended(ended)
        )
    if len(found) > 1:
        before = [one for one in found if not registry.is_later(one)]
        if not before:
            registry.begin_batch(caller.pid)
        return min(before or found, key=lambda one: place(registry, caller, one))
    return found[0] if found else None


def place(registry: Registry, caller: Task, found: PtraceEngine | Ended) -> tuple[bool, bool, int]:
    """Tell where the kernel's lists have a tracee: the caller's own before those of its other threads.

    A thread's children come, oldest first, before its other tracees, whose list begins with the one that was
    attached to last (do_wait(), __ptrace_link()).
    """
    link = found.link if isinstance(found, Ended) else found
    is_child = registry.is_child_of(link.tracee, caller.pid)
    is_anothers = link.tracer_pid == caller.pid and link.tracer_tid != caller.tid
    return is_anothers, not is_child, link.tracee.id.generation if is_child else -link.number


def dead_children_first(
    registry: Registry, caller: Task, wait: Wait, found: PtraceEngine | Ended | Continued
) -> bool:
    """Tell whether the kernel is to tell of a dead child of the caller's before this is told."""
    if not wait.ends:
        return False
    link = found.link if isinstance(found, Ended | Continued) else found
    age = link.tracee.id.generation if registry.is_child_of(link.tracee, caller.pid) else None
    return registry.dead_children.come_before(caller.pid, wait.wants, link.tracee.tid, age)


def may_come(registry: Registry, caller: Task, wait: Wait) -> bool:
    """Tell whether something emulated may answer the wait later."""
    return any(True for _ in _links(registry, caller, wait)) or any(
        ended.tracer_pid == caller.pid and wait.wants_ended(ended) for ended in registry.ended
    )


def is_about_own_child(registry: Registry, caller: Task, wait: Wait) -> bool:
    """Tell whether a wait is about a tracee that is a child to the kernel's own wait, too."""
    return any(registry.is_child_of(link.tracee, caller.pid) for link in _links(registry, caller, wait))


def told_first(registry: Registry, caller: Task, wait: Wait, result: int) -> Ended | None:
    """Find whether what the kernel told is an end that another process, its tracer, is to be told of first.

    The kernel lets a real parent wait once the tracer has; but that was utrace's own wait.
    """
    if not registry.ended or wait.options & WNOWAIT:
        return None
    pid = result
    if wait.is_waitid and wait.siginfo_at:
        at = wait.siginfo_at + (i386.SI_PID_AT if wait.is_i386 else _SI_PID)
        pid = int.from_bytes(caller.memory.read(at, 4), "little")
    return registry.first_end(caller, pid)


_SI_PID: Final = 16


def is_hidden(registry: Registry, caller: Task, wait: Wait, pid: int) -> bool:
    """Tell whether what the kernel told is the group-stop of a tracee of the caller's own.

    Such stops are ptrace-stops to it, told by `find` (wait_task_stopped()).
    """
    if wait.is_waitid or not wait.status_at:
        return False
    status = caller.memory.read(wait.status_at, 4)
    return status[:1] == b"\x7f" and any(link.tracee.tid == pid for link in registry.of_tracer(caller.pid))


@dataclass(frozen=True, slots=True)
class Continued:
    """A tracee whose group-stop a SIGCONT has ended."""

    link: PtraceEngine


def find_continued(registry: Registry, loop: Loop, caller: Task, wait: Wait) -> Continued | None:
    """Find a tracee that has been continued, and take that from the kernel's record unless WNOWAIT.

    The kernel has one note of it, for a tracer and the real parent together: whoever waits first has it.
    """
    if not wait.options & WCONTINUED:
        return None
    for link in _links(registry, caller, wait):
        if loop.kernel.was_continued(link.tracee.tid, forget=not wait.options & WNOWAIT):
            return Continued(link)
    return None


def tell(registry: Registry, caller: Task, wait: Wait, found: PtraceEngine | Ended | Continued) -> int:
    """Answer a wait: write what it asked for, take the event unless WNOWAIT; what the call returns."""
    if isinstance(found, Ended):
        tid, uid, status = found.pid, found.uid, found.status
        usage = found.usage
    else:
        link = found.link if isinstance(found, Continued) else found
        tid, uid = link.tracee.tid, procfs.real_uid(link.tracee.tid)
        status = link.stop.status if link is found and link.stop is not None else _CONTINUED
        usage = registry.usage.of_process(link.tracee.pid) if wait.rusage_at else b""
    try:
        if wait.status_at:
            caller.memory.write(wait.status_at, struct.pack("<i", status))
        if wait.rusage_at:
            caller.memory.write(wait.rusage_at, i386.narrow_usage(usage) if wait.is_i386 else usage)
        if wait.siginfo_at:
            _write_siginfo(caller, wait, siginfo_of(tid, uid, status, ended=isinstance(found, Ended)))
        written = True
    except UtraceError:
        # What could not be written is told all the same (do_wait(), then put_user()).
        written = False
    if not wait.options & WNOWAIT:
        if isinstance(found, Ended):
            registry.told(found)
        elif not isinstance(found, Continued) and found.stop is not None:
            found.stop.waited = True
    if not written:
        return -errno.EFAULT
    return 0 if wait.is_waitid else tid


def tell_nothing(caller: Task, wait: Wait) -> int:
    """Answer a wait that finds nothing and does not block; what the call returns.

    A waitid tells that there is no signal and no pid (waitid(2)).
    """
    if wait.siginfo_at:
        with contextlib.suppress(UtraceError):
            _write_siginfo(caller, wait, bytes(i386.SIGINFO_BYTES))
    return -errno.EAGAIN if wait.by_descriptor else 0


_SIGINFO_TOLD: Final = 28
_SIGINFO_TOLD_I386: Final = 24
_SIGINFO_HOLE: Final = slice(12, 16)


def _write_siginfo(caller: Task, wait: Wait, siginfo: bytes) -> None:
    """Write the fields that a waitid fills, and nothing else.

    Raises:
        BadAddress: there is no room.
    """
    if wait.is_i386:
        caller.memory.write(wait.siginfo_at, i386.narrow_siginfo(siginfo)[:_SIGINFO_TOLD_I386])
        return
    caller.memory.write(wait.siginfo_at, siginfo[: _SIGINFO_HOLE.start])
    caller.memory.write(wait.siginfo_at + _SIGINFO_HOLE.stop, siginfo[_SIGINFO_HOLE.stop : _SIGINFO_TOLD])


def siginfo_of(tid: int, uid: int, status: int, *, ended: bool) -> bytes:
    """Make what waitid tells of a status."""
    if status == _CONTINUED:
        code, value = CLD_CONTINUED, _SIGCONT
    elif not ended:
        code, value = CLD_TRAPPED, status >> 8
    elif status & 0x7F:
        code, value = CLD_DUMPED if status & 0x80 else CLD_KILLED, status & 0x7F
    else:
        code, value = CLD_EXITED, status >> 8
    return child_siginfo(code, tid, uid, value)


_SIGCONT: Final = 18


def has_real_children(loop: Loop, caller: Task, wait: Wait) -> bool:
    """Tell whether the kernel's own wait has something to wait for."""
    if wait.pid > 0:
        return procfs.parentage(wait.pid) == (wait.pid, caller.pid)
    return any(
        wait.pid == -1 or wait.wants(child)
        for tid in loop.kernel.threads(caller.pid)
        for child in procfs.children(tid)
    )
