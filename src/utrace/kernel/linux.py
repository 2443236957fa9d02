"""The real kernel.

Rules of this file:

1. `utrace._native` is mechanism; what it answers is only given its type here.
2. Nothing is forwarded: a method that the native tracer has as `Kernel` wants it is inherited.

SIGURG belongs to the ring: it ends a wait of the tracer thread.  That thread should have every other
signal blocked, so that they go to the host's own threads.

Reference: ptrace(2); Linux 6.18 kernel/ptrace.c.
"""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING, Self

from utrace import _native
from utrace.kernel import procfs
from utrace.kernel.api import Disposition, SeizeOutcome, Spawn, Tid
from utrace.kernel.seccomp import filter_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.kernel.tap_program import Plan


class LinuxKernel(_native.Tracer):
    """`Kernel` on Linux, for one tracer thread: the first thread that asks.

    As long as a REAPED fact is to come, `next_fact` waits for it also without tracees, and only
    tells NO_TRACEES when there is nothing at all to wait for.
    """

    def __new__(cls, signal_mask: int | None = None, /) -> Self:
        """Make one; nothing is asked of the kernel yet.

        Args:
            signal_mask: blocked signals that launched programs begin with, bit n-1 for signal n;
                by default those of this process' main thread.
        """
        if signal_mask is None:
            mine = procfs.disposition(os.getpid())
            signal_mask = 0 if mine is None else mine.blocked
        return super().__new__(cls, signal_mask)

    @property
    def recorder(self) -> Self:
        """The recording tier: this."""
        return self

    def seize(self, tid: int, *, exit_kill: bool) -> SeizeOutcome:
        """Seize a task with every option at once (see `Kernel.seize`)."""
        error = self.seize_tid(tid, exit_kill)
        if error == 0:
            return SeizeOutcome.SEIZED
        if error == errno.ESRCH:
            return SeizeOutcome.GONE
        if error != errno.EPERM:
            raise OSError(error, os.strerror(error))
        status = procfs.read_status(tid)
        if status is None or status.state in "ZX":
            # A dead leader of a group that lives, or a thread that died just now.
            return SeizeOutcome.GONE
        if status.tracer == threading.get_native_id():
            return SeizeOutcome.ALREADY_OURS
        return SeizeOutcome.REFUSED

    def spawn(self, program: Spawn, *, exit_kill: bool) -> Tid:
        """Launch a program, stopped before its execve (see `Kernel.spawn`)."""
        who = program.credentials
        return Tid(
            self.launch(
                program.path,
                program.argv,
                program.env,
                program.cwd,
                program.stdio,
                program.new_session,
                program.parent_death_signal,
                None if who is None else (who.uid, who.gid, who.groups),
                b""
                if program.filter is None
                else filter_program(program.filter, program.screens, program.tapped),
                exit_kill,
            )
        )

    def tap(self, sink: int, plans: Mapping[int, Plan], /) -> bool:
        """Record calls without stops (see `Recorder.tap`)."""
        from utrace.kernel.tap_program import SCRATCH_BYTES, Offsets, programs, table  # noqa: PLC0415 - few want it

        found = _native.tap_offsets()
        if found is None:
            return False
        return self.open_tap(sink, *programs(Offsets(*found)), table(plans), SCRATCH_BYTES) == 0

    def pending_fact(self, tid: int, /) -> bool:
        """Tell whether a stopped tracee has moved on (see `Kernel.pending_fact`).

        Killed, it first runs, and only then stands in another stop that a wait tells of.
        """
        return procfs.state(tid) not in {"t", ""} or super().pending_fact(tid)

    def threads(self, tgid: int, /) -> list[Tid]:
        """List the tids of a group."""
        return procfs.threads(tgid)

    def children(self, tid: int, /) -> list[Tid]:
        """List tracees of this thread that `tid` may have made: its children, its group's threads."""
        group = procfs.parentage(tid)
        siblings = [] if group is None else [other for other in procfs.threads(group[0]) if other != tid]
        tracer = threading.get_native_id()
        return [
            other
            for other in procfs.children(tid) + siblings
            if (status := procfs.read_status(other)) is not None and status.tracer == tracer
        ]

    def blocked_syscall(self, tid: int, /) -> int | None:
        """Tell which system call a running task sleeps in."""
        return procfs.blocked_syscall(tid)

    def parentage(self, tid: int, /) -> tuple[Tid, Tid] | None:
        """Tell (tgid, ppid) of a task."""
        return procfs.parentage(tid)

    def disposition(self, tid: int, /) -> Disposition | None:
        """Tell the blocked, ignored and caught signals of a task."""
        return procfs.disposition(tid)

    def syscall_restart(self, tid: int, nrs: Mapping[int, frozenset[int]], /) -> bool:
        """Undo an -EINTR that only our interrupt caused (see `Kernel.syscall_restart`)."""
        interrupted = self.interrupted_syscall(tid)
        if interrupted is None:
            return False
        arch, nr = interrupted
        return nr in nrs.get(arch, ()) and self.rewind_syscall(tid)

    read_memory = staticmethod(_native.read_memory)
    read_cstring = staticmethod(_native.read_cstring)
    write_memory = staticmethod(_native.write_memory)

    def is_own_child(self, tid: int, /) -> bool:
        """Tell whether the tracer's waiting for `tid` reaps it.

        It does for every thread but a leader, and for a leader that is this process' child; a task
        that is gone has been reaped.  Reference: Linux 6.18 kernel/exit.c:wait_task_zombie().
        """
        family = procfs.parentage(tid)
        return family is None or family[0] != tid or family[1] == os.getpid()
