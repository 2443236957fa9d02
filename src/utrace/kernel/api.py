"""The seam: requests down, facts up, values only.

Rules of this file:

1. Everything that utrace asks of a kernel is a method of `Kernel`; everything a kernel tells is
   a `Fact`.  `kernel.linux` and `testing.simkernel` implement it; `core` and `tracehook` speak it.
2. A request names a bare tid.  Identity (`TaskId`) begins above `tracehook` (D13).
3. ESRCH is never raised.  A tracee may be killed at any moment (D5): a request that finds it gone
   answers `False` or `None`, and a fact about its end follows from `next_fact`.

Reference: ptrace(2), wait(2); Linux 6.18 kernel/ptrace.c, kernel/signal.c:ptrace_stop().
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple, NewType, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from utrace.kernel.recorder import Recorder
    from utrace.kernel.screens import Screen

Tid = NewType("Tid", int)
"""A thread id as the kernel prints it.  Recycled: not an identity."""


class FactKind(enum.IntEnum):
    """What happened to one tracee.  The comment gives `Fact`'s value and detail."""

    SYSCALL_ENTRY = 1
    """value: syscall number; detail: (arch, ip, sp, a0 … a5), unsigned."""
    SYSCALL_EXIT = 2
    """value: return value, signed; detail: (arch, ip, sp, is_error)."""
    SECCOMP = 3
    """value: syscall number; detail: (arch, ip, sp, a0 … a5, ret_data)."""
    SIGNAL = 4
    """Signal-delivery-stop.  value: signal number; detail: the raw siginfo_t, 128 bytes."""
    GROUP_STOP = 5
    """PTRACE_EVENT_STOP with a stop signal.  value: that signal."""
    TRAP = 6
    """PTRACE_EVENT_STOP with SIGTRAP: an interrupt, a SIGCONT, or a new tracee's first stop."""
    FORK = 7
    """value: the child's tid.  The same for VFORK and CLONE."""
    VFORK = 8
    CLONE = 9
    VFORK_DONE = 10
    """value: the child's tid."""
    EXEC = 11
    """value: the tid the task had before it took over the leader's."""
    EXIT = 12
    """PTRACE_EVENT_EXIT, state alive.  value: the wait status the task will have."""
    DEATH = 13
    """The wait for the end succeeded.  value: the wait status; detail: the raw struct rusage, None where an
    EXIT did not come before."""
    ZOMBIE_LEADER = 14
    """A group leader is dead while other threads live; no wait status comes yet."""
    REAPED = 15
    """The real parent has waited for an adopted task that died earlier."""
    BELL = 16
    """tid 0: `ring` was called."""
    NO_TRACEES = 17
    """tid 0: nothing to wait for (ECHILD)."""
    IN_CALL = 18
    """A tracee that was served (`Kernel.serve`) is in this call.  value: its number, -1 for none; detail: as
    at its SYSCALL_ENTRY, which was not told."""
    WAITED = 19
    """The stop just told of has been waited for already.  value: the tid of the served tracer."""
    LATE = 20
    """A task was let go on from a plain stop (`PLAIN`) before this was told.  value: as that stop's;
    detail: its kind: FORK, VFORK, TRAP, EXEC, EXIT or DEATH.  Of a recorded task it is a `Passed`."""
    UNTAUGHT = 21
    """A call that did not stop was tapped, and nothing was said about calls of its number.  value, detail:
    as at its SYSCALL_ENTRY.  `kernel.recorder`'s `teach` lets what was recorded behind it go on."""


Fact: TypeAlias = tuple[int, int, int, object]
"""(tid, kind, value, detail).  A plain tuple: one is made for every stop (D14)."""


class Passed(NamedTuple):
    """What was passed on of a recorded task's life: the detail of a LATE.

    Attributes:
        kind: which fact it was.
        detail: of that.
        time_ns: CLOCK_REALTIME.
    """

    kind: int
    detail: object
    time_ns: int


class ResumeRequest(enum.IntEnum):
    """How a stopped tracee goes on; the values are ptrace(2)'s request numbers."""

    CONT = 7
    SINGLESTEP = 9
    SYSCALL = 24
    SINGLEBLOCK = 33
    LISTEN = 0x4208


PEEK_FIRST: Final = 0x10000
"""Add it to a `ResumeRequest`: if a newer status waits, the tracee is not resumed.

A tracee killed in its stop goes on to its exit stop, and a resume meant for the first would use up the
second unseen.  A look before narrows that window to nearly nothing, at the price of one system call.
"""


PLAIN: Final = 0x20000
"""Add it to CONT: the task runs on plainly, as its children do, at stops that nobody has anything to say at.

These are signals, where no call may have been broken; births but those of threads; the end of a vfork; an
EXEC; an EXIT by itself; DEATH of a task that was not told of; and the calls that `pass_on` names.  Before
another fact is told they are, as LATE; but no whole lives from birth to being waited for.  A kernel may
tell all as ever.
"""

LEAN: Final = 0x40000
"""Add it to CONT and PLAIN: the task, and its children, do not even stop at EXEC, EXIT and VFORK_DONE.

An EXEC is not told at all, and of an end there is only the DEATH.  Once a stop of the task is told, it stops
at all of them again.  One that is interrupted meanwhile shows, in place of the TRAP, the EXEC or VFORK_DONE
of the call that it was in.  A kernel may tell all as ever.
"""

ADDED: Final = PEEK_FIRST | PLAIN | LEAN
"""All that may be added to a `ResumeRequest`."""


class Disposition(NamedTuple):
    """Signal masks of one thread from /proc/TID/status; bit n-1 stands for signal n.

    Attributes:
        queued: pending for this thread alone; `shared` for the whole process.
    """

    blocked: int
    ignored: int
    caught: int
    queued: int = 0
    shared: int = 0


class Credentials(NamedTuple):
    """Who a program is to run as: real, effective and saved ids alike."""

    uid: int
    gid: int
    groups: Sequence[int]


class Spawn(NamedTuple):
    """A program to launch.  `path` is already resolved; nothing is looked up in PATH again."""

    path: bytes
    argv: Sequence[bytes]
    env: Sequence[bytes]
    cwd: bytes | None = None
    stdio: tuple[int, int, int] = (0, 1, 2)
    """Descriptors of ours that become 0, 1, 2 of the program; all others are closed on exec."""
    new_session: bool = False
    parent_death_signal: int = 0
    credentials: Credentials | None = None
    """Taken on before the execve; None for those we have."""
    filter: Mapping[int, frozenset[int]] | None = None
    """By audit arch, the only system calls that are to stop at all: a seccomp filter lets the others
    run at full speed.  It is inherited, cannot be taken away, and without a tracer its calls fail with
    ENOSYS, so that a filtered program is never let go.  None for no filter."""
    screens: Mapping[tuple[int, int], Screen] | None = None
    """By audit arch and number, what argument registers must pass for a call in `filter` to stop."""
    tapped: Mapping[int, frozenset[int]] | None = None
    """By audit arch, calls that do not stop, but are recorded by a tap.  All calls of an arch that is here
    and not in `filter` stop but these."""
    installers: Mapping[int, frozenset[int]] | None = None
    """By audit arch, calls that stop because by them a program puts a filter of its own in force.  All its
    calls stop from there on, since that filter may answer them instead of this one.  None: no matter."""


class SeizeOutcome(enum.Enum):
    """How an attempt to seize a task ended."""

    SEIZED = enum.auto()
    ALREADY_OURS = enum.auto()
    """Auto-attached to this very tracer thread already: its birth is on the way."""
    GONE = enum.auto()
    REFUSED = enum.auto()
    """EPERM: another tracer, or no permission; `utrace.kernel.access` finds out which."""


NO_TID: Final = Tid(0)


class Kernel(Protocol):
    """What one tracer thread may ask.

    Every method but `ring` must be called from the thread that made the first `spawn` or `seize`:
    ptrace belongs to that thread (D3).
    """

    @property
    def recorder(self) -> Recorder | None:
        """The recording tier; None: there is none.  When its batch is full, `next_fact` gives a BELL."""
        ...

    def next_fact(self, tid: int, request: int, signo: int, /) -> Fact:
        """Resume one tracee, then wait for the next fact about any.

        One trip down for a stop (D14).  `request` is a `ResumeRequest`, perhaps with PEEK_FIRST; tid 0
        resumes nobody.  A tid that cannot be resumed because it was killed meanwhile is passed over: its
        death is a fact of its own.  Blocks, with the GIL released, until there is a fact; `ring` ends the
        wait with a BELL.
        """
        ...

    def serve(
        self,
        tracer: int,
        tracees: Sequence[int],
        is_childless: bool,  # noqa: FBT001 — positional, as all of the seam
        reserved: Sequence[tuple[int, int]],
        /,
    ) -> None:
        """Offer to have a tracer's ptrace and wait calls answered without us, until the next fact.

        Only what follows from this alone is: `tracees` run to their next syscall-stop, resumed by
        PTRACE_SYSCALL with PTRACE_O_TRACESYSGOOD, and `tracer` is the one thread that is told of it.
        Before any fact the rest comes as facts: a stop that one of them stands in, the call that the
        tracer stands at, IN_CALL and WAITED.  A kernel may decline.

        Args:
            tracer: a tracee of ours, resumed by CONT, whose filter stops its ptrace and wait calls.
            tracees: its tracees, in the order in which a wait looks at them.
            is_childless: it has no child of its own to wait for; otherwise one of `tracees` is its child.
            reserved: (audit arch, number) of tracees' calls that are facts all the same.
        """
        ...

    def pass_on(
        self,
        waits: Sequence[tuple[int, int]],
        births: Sequence[tuple[int, int]],
        opens: Sequence[tuple[tuple[int, int], int]],
        /,
    ) -> None:
        """Name the calls, by audit arch and number, at whose entry by a seccomp stop a `PLAIN` task goes on.

        Args:
            waits: those by which it waits for others.
            births: clone3, unless CLONE_UNTRACED is among its flags.
            opens: with the argument that is a path, unless that ends with "stat" or "status".
        """
        ...

    def pass_on_no_more(self) -> list[int]:
        """End what `PLAIN` began, for all tasks; give those whose last stop was at a wait."""
        ...

    def ring(self) -> None:
        """Make the current or the next `next_fact` return BELL.  Any thread; never lost."""
        ...

    def resume(self, tid: int, request: int, signo: int, /) -> bool:
        """Resume without waiting.  False: the tracee was killed."""
        ...

    def pending_fact(self, tid: int, /) -> bool:
        """Tell whether a stopped tracee has moved on: it runs, or a newer status waits (WNOWAIT)."""
        ...

    def interrupt(self, tid: int, /) -> bool:
        """PTRACE_INTERRUPT.  False: gone."""
        ...

    def was_continued(self, tid: int, /, *, forget: bool) -> bool:
        """Tell whether a SIGCONT has ended a stop of the tracee's group, and no wait has taken that.

        `forget`: take it, so that a wait of the real parent's with WCONTINUED will not find it.
        """
        ...

    def detach(self, tid: int, signo: int, /) -> bool:
        """PTRACE_DETACH from a ptrace-stop.  False: gone."""
        ...

    def seize(self, tid: int, *, exit_kill: bool) -> SeizeOutcome:
        """PTRACE_SEIZE with every option at once (D4)."""
        ...

    def spawn(self, program: Spawn, *, exit_kill: bool) -> Tid:
        """Fork a child that is seized and will execute `program`.

        The child is left in a TRAP stop already consumed, before its execve, with nothing of the
        launch left to do in user mode but that one call: the caller resumes it, typically by SYSCALL,
        and the first syscall-entry-stop with the number of execve is the program's own.

        Raises:
            OSError: fork or the set-up failed.
        """
        ...

    def spawn_error(self, tid: int, /) -> int:
        """Errno of the failed execve of a spawned child, 0 if it has not failed."""
        ...

    def threads(self, tgid: int, /) -> list[Tid]:
        """Tids in /proc/TGID/task, empty if the process is gone."""
        ...

    def children(self, tid: int, /) -> list[Tid]:
        """Tracees of this tracer that `tid` may have made: its children, and its group's threads.

        Only asked when a killed parent may have hidden a birth (spec 7.3).
        """
        ...

    def parentage(self, tid: int, /) -> tuple[Tid, Tid] | None:
        """(tgid, ppid) of a task, None if gone."""
        ...

    def disposition(self, tid: int, /) -> Disposition | None:
        """Blocked, ignored and caught signals, None if gone."""
        ...

    def set_siginfo(self, tid: int, siginfo: bytes, /) -> bool:
        """PTRACE_SETSIGINFO at a signal-delivery-stop."""
        ...

    def set_syscall(self, tid: int, nr: int, args: Sequence[int] | None, /) -> bool:
        """Change the syscall at its entry stop; nr -1 skips it; args None leaves them."""
        ...

    def set_result(self, tid: int, value: int, /) -> bool:
        """Change the return value at a syscall-exit-stop."""
        ...

    def get_regs(self, tid: int, /) -> bytes | None:
        """NT_PRSTATUS regset: its length tells the task's bitness.  None: gone or not stopped."""
        ...

    def set_regs(self, tid: int, regset: bytes, /) -> bool:
        """Write the regset.  False: gone or not stopped."""
        ...

    def request_buffer(self, request: int, tid: int, addr: int, buffer: bytes, /) -> tuple[int, bytes]:
        """Make any ptrace request whose data is a buffer; what it returned, and the buffer after it.

        A negative number is an errno.  For requests that utrace itself has no use for.
        """
        ...

    def request_number(self, request: int, tid: int, addr: int, data: int, /) -> int:
        """Make any ptrace request whose data is a number; a negative result is an errno."""
        ...

    def request_i386(
        self, request: int, tid: int, addr: int, data: int, buffer: bytes, /
    ) -> tuple[int, bytes]:
        """Make any ptrace request as an i386 tracer does, whose structures are smaller.

        What it returned, and the buffer after it; `data` counts where the buffer is empty.
        """
        ...

    def get_regset(self, tid: int, kind: int, length: int | None = None, /) -> bytes | None:
        """Read a register set, or its first `length` bytes, by its ELF note type.  None: gone, not stopped.

        Raises:
            OSError: there is no such set, or it cannot be cut there.
        """
        ...

    def set_regset(self, tid: int, kind: int, regset: bytes, /) -> bool:
        """Write a register set.  False: gone, not stopped."""
        ...

    def syscall_restart(self, tid: int, nrs: Mapping[int, frozenset[int]], /) -> bool:
        """At a TRAP: undo an -EINTR that only our interrupt caused (DEC-4).

        If the stop is at the end of a syscall whose number is in `nrs` (keyed by audit arch) and
        whose result is -EINTR, rewind the program counter so that it is made again.
        """
        ...

    def watch_reap(self, tid: int, /) -> bool:
        """Ask for a REAPED fact when the real parent reaps `tid`.  False: reaped already."""
        ...

    def watch_zombie(self, tid: int, /) -> None:
        """Ask for a ZOMBIE_LEADER fact when this leader is dead though its group lives."""
        ...

    def is_own_child(self, tid: int, /) -> bool:
        """Whether the waiting for `tid` by this tracer reaps it."""
        ...

    def kill(self, tid: int, signo: int, /) -> bool:
        """Send a signal to the process of `tid`, from any thread.  False: gone."""
        ...

    def tgkill(self, tid: int, signo: int, /) -> bool:
        """Send a signal to the one thread `tid`, from any thread.  False: gone."""
        ...

    def blocked_syscall(self, tid: int, /) -> int | None:
        """Give the number of the system call that a running tracee sleeps in; None: it does not.

        The number is of the task's own architecture.  Reference: /proc/PID/syscall in proc(5).
        """
        ...

    def read_memory(self, tid: int, address: int, length: int, /) -> bytes:
        """Read up to `length` bytes, from any thread; fewer, down to none, where memory ends."""
        ...

    def read_cstring(self, tid: int, address: int, limit: int, /) -> tuple[bytes, bool]:
        """Read up to a NUL, from any thread; whether one was found within `limit` bytes."""
        ...

    def write_memory(self, tid: int, address: int, data: bytes, /) -> int:
        """Write, from any thread, also to read-only pages; how many bytes were written."""
        ...

    def close(self) -> None:
        """End; the tracees go on, or die if they were seized with `exit_kill`."""
        ...
