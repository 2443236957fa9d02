"""What an engine author writes.

Reference: include/linux/utrace.h:struct utrace_engine_ops (API 20091216).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.core.events import Event

if TYPE_CHECKING:
    from collections.abc import Collection

    from utrace.core.verdicts import Answer
    from utrace.kernel.screens import ScreenOf
    from utrace.tracehook.group_stop import JobControl
    from utrace.tracer.batches import BatchLimits, CallBatch
    from utrace.tracer.engine import Engine
    from utrace.tracer.signal import SignalReport
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task


class EngineOps:
    """One client of a session.  Subclass it, say which events, and override their callbacks.

    One object serves every task it is attached to; what is told apart by task is told apart by the
    `task` argument.  Callbacks run on the session's own tracer thread, one at a time in a session,
    while the task they are about stands in a ptrace-stop.  They must not block for long: everything
    traced waits.  To wait for something, answer STOP and call `control(RESUME)` when it has come.

    Every callback answers None (no objection, and no change of a stop already asked for), a
    `ResumeAction`, or a `Verdict`.  A callback that raises detaches its engine from that task (the
    session's `on_engine_fault` says so); the task and the other engines go on.
    """

    events: Event = Event(0)
    """What to be told of, from attach on.  `Engine.set_events` changes it at run time."""

    syscalls: Collection[str] | None = None
    """Names, or sets in `-e trace=` grammar such as "%file", that SYSCALL_ENTRY and SYSCALL_EXIT are
    wanted for; None for all."""

    screen: ScreenOf | None = None
    """What argument registers of a call must pass for it to be wanted, by its audit arch and number; None:
    nothing.  It saves stops where it can be asked cheaply; others are reported all the same."""

    ending: ScreenOf | None = None
    """The same for calls that are over, by their result and duration too; only recorded ones are asked."""

    follow: bool = True
    """Whether children get this engine too, with the mask it then has on the parent."""

    has_last_word: bool = False
    """Whether it answers calls in the kernel's place.  Where a call shows two stops before it is made, it is
    told of the entry in the second too; in the first `task.more_to_come` is True."""

    batches: BatchLimits | None = None
    """Set it if the engine only observes: its system calls may then come later, by `report_calls`, where
    it is the only engine that wants them.  It says how much of memory is copied for it."""

    late_events: Event = Event(0)
    """Events, with `batches`, whose reports may come when the task has gone on already: then it is
    `task.synthetic`, and `task.time_ns` says when it was.  An answer takes effect when it is given.  CLONE,
    EXEC, EXIT with DEATH, and all signals together can be told so."""

    vital: bool = False
    """Whether the session ends when a callback of this engine raises, since the programs could not go on
    without it; otherwise only the engine leaves the task."""

    def report_quiesce(self, task: Task, event: Event) -> Answer:
        """The task is about to report `event`, or, with event 0, about to return to user mode."""
        return None

    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        """The task made `child`, which has not run yet; attach to it here.

        `clone_flags` are those of the call, SIGCHLD for fork; -1 if they could not be read.
        """
        return None

    def report_exec(self, task: Task) -> Answer:
        """The task runs a new program: memory and registers are the new ones."""
        return None

    def report_exit(self, task: Task, code: int) -> Answer:
        """The task is about to exit with the wait status `code`; STOP holds it here.

        `task.synthetic` if the kernel skipped the stop in a kill race: nothing is left to examine.
        """
        return None

    def report_death(self, task: Task, group_dead: bool, signal: int) -> Answer:  # noqa: FBT001 — utrace.h's
        """The task is dead.  DETACH spares this engine the REAP report.

        `signal` is what the parent was sent: SIGCHLD; -1 for a thread; -2 for a leader whose group
        lives on.
        """
        return None

    def report_reap(self, task: Task) -> None:
        """The task is gone; the engine is detached when this returns."""

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """The task entered a system call.  The last attached engine is told first.

        Edit `call`, answer `utrace.abort(errno)` or `utrace.skip(result)`, or STOP to hold it here.
        """
        return None

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        """The system call is over; `call.result` may be changed."""
        return None

    def report_calls(self, calls: CallBatch) -> None:
        """System calls were recorded, each in place of its two reports; see `batches`.

        All other reports keep their place among them: what was recorded before comes before.
        """

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        """A signal was dequeued, or, with `signal.signo` 0, a report was asked for."""
        return None

    def report_jctl(self, task: Task, job_control: JobControl) -> Answer:
        """The task joins a job control stop, or wakes from one."""
        return None

    def describe(self) -> str:
        """Tell in a few words who this is, for `utrace who`."""
        return type(self).__name__

    def describe_stop(self, engine: Engine) -> str:
        """Tell in a few words in which stop it keeps the task, for `utrace who`; empty: none of its own."""
        return ""

    def release(self, engine: Engine) -> None:
        """The engine has left its task for good, and no callback of it is running: clean up."""
