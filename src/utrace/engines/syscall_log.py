"""The engine behind `utrace trace`: every system call, signal and death of a task, as records.

Rules of this file:

1. It makes records and keeps no text: listeners write (D9).
2. It never changes what a task does: every callback answers None.

Reference: strace(1); the spec's section 2 for the events.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from utrace.core.events import Event
from utrace.core.task_life import TaskLife
from utrace.engines.line_log import LineLog, LineStyle
from utrace.engines.netlink_sockets import netlink_protocol
from utrace.engines.output import Output
from utrace.engines.records import (
    ALL_STATUSES,
    BatchListener,
    CallRecord,
    CallStatus,
    EndRecord,
    ModeRecord,
    SignalRecord,
    StopRecord,
    SupersededRecord,
    Thread,
    Writer,
)
from utrace.errors import TaskGone, UtraceError
from utrace.kernel import procfs
from utrace.kernel.screens import passes
from utrace.syscalls import DecodedCall, Limits, Result, Style, decode, decode_siginfo
from utrace.syscalls.abi import abi_of
from utrace.syscalls.recorded import RecordedMemory
from utrace.syscalls.values import Text
from utrace.tracehook.deaths import DELAYED_LEADER
from utrace.tracehook.group_stop import CLD_STOPPED
from utrace.tracer.batches import BatchLimits
from utrace.tracer.ops import EngineOps
from utrace.tracer.syscall import UNTOUCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from utrace.core.verdicts import Answer
    from utrace.engines.output import Loss, TextStream
    from utrace.engines.records import CallScreening, LogListener, StackNoter
    from utrace.syscalls.recorded import RecordedStop
    from utrace.tracehook.group_stop import JobControl
    from utrace.tracer.batches import CallBatch
    from utrace.tracer.engine import Engine
    from utrace.tracer.signal import SignalReport
    from utrace.tracer.syscall import Syscall, Tampering
    from utrace.tracer.task import Task

#: All that a log shows.  JCTL is for job control stops, CLONE for the children's beginnings.
LOG_EVENTS: Final = (
    Event.SYSCALL | Event.SIGNAL_ALL | Event.CLONE | Event.EXEC | Event.EXIT | Event.DEATH | Event.JCTL
)

#: What may be told late, where nothing is looked at in the stop.
_LATE: Final = LOG_EVENTS & ~(Event.SYSCALL | Event.JCTL)
_ANY_SIGNAL: Final = frozenset(range(65))
_TERMSIG: Final = 0x7F
_NO_NAME: Final = "?"
_RESTART: Final = "restart_syscall"
_PRCTL: Final = "prctl"
_PR_SET_NAME: Final = 15
_COMM_MAX: Final = 15


def thread_cpu_ns(tid: int) -> int:
    """Read the CPU time a thread has used, of any process; 0 if it is gone.

    The clocks of pthread_getcpuclockid(3) are for threads of one's own process alone.

    Reference: proc_pid_schedstat in proc(5).
    """
    try:
        text = procfs.read_file(f"{procfs.PROC}/{tid}/schedstat")
    except OSError:
        return 0
    return 0 if text is None else int(text.split()[0])


class SyscallLog(EngineOps):
    """Logs system calls, signals and ends, by default as lines in the grammar of strace.

        with SyscallLog("calls.txt") as log, utrace.Session() as session:
            session.spawn(["make"], engines=[log])
            session.run()

    Nothing that happens to the output disturbs what is traced: see `losses`.
    """

    events = LOG_EVENTS

    def __init__(  # noqa: PLR0913 — each is a choice of its own, by name
        self,
        to: str | Path | TextStream | None = None,
        *,
        style: LineStyle | None = None,
        listeners: Collection[LogListener] = (),
        text_max: int = 32,
        syscalls: Collection[str] | None = None,
        signals: Collection[int] = _ANY_SIGNAL,
        statuses: Collection[CallStatus] = ALL_STATUSES,
        follow: bool = True,
        cpu_times: bool = False,
        selects: Callable[[Task, DecodedCall], bool] | None = None,
        screening: CallScreening | None = None,
        stacks: StackNoter | None = None,
        ips: bool = False,
        numbers: bool = False,
    ) -> None:
        """Make a log.

        Args:
            to: a file, which is emptied, or a stream to write lines to; None: only `listeners`.
            style: how lines look.
            listeners: who else is told of every record.
            text_max: how many bytes of strings and elements of lists records have.
            syscalls: names and sets of system calls (`EngineOps.syscalls`); None for all.
            signals: numbers of the signals that are logged.
            statuses: how a call must end to be logged.
            follow: children are logged too.
            cpu_times: measure the CPU time of every call, for sums.
            selects: which calls are logged, decided at their entry.
            screening: further, which are, decided from arch, number and registers before anything is read.
            stacks: notes the stack of each call and signal, for those who show it.
            ips: note where in the program each call and signal was.
            numbers: note the number of the last call also of signals and ends, where it is not logged itself.

        Raises:
            OSError: the file cannot be opened.
        """
        self.listeners: list[LogListener] = list(listeners)
        style = style or LineStyle(values=Style(text_max))
        if to is not None:
            output = Output.to_file(to) if isinstance(to, (str, os.PathLike)) else Output.to_stream(to)
            self.listeners.append(LineLog(output, style, statuses=statuses))
        self.syscalls = syscalls
        self.follow = follow
        self._signals = frozenset(signals)
        self._limits = Limits(max(text_max, 1), max(text_max, 1))
        self._cpu_times = cpu_times
        self._selects = selects
        self._screening = screening
        self.screen = None if screening is None else screening.screen
        self.ending = None if screening is None else screening.ending
        self._stacks = stacks
        self._ips = ips
        self._numbers = numbers
        self._threads: dict[Task, Thread] = {}
        self._groups: dict[int, dict[Task, Thread]] = {}
        self._by_generation: dict[int, Task] = {}
        self._in_calls: dict[Thread, RecordedStop] = {}
        looks = (selects is not None, stacks is not None, ips)
        needs_live = any(looks) or any(getattr(one, "needs_live", False) for one in self.listeners)
        self.batches = None if needs_live else BatchLimits(self._limits, cpu_times)
        self.late_events = Event(0) if needs_live or numbers else _LATE
        takers = [one for one in self.listeners if isinstance(one, BatchListener) and one.takes_batches]
        self._taker = takers[0] if len(self.listeners) == len(takers) == 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is still waiting, and close the file.  Call it when the session is closed.

        Without it everything is in the file when the last task has ended.
        """
        for listener in self.listeners:
            listener.close()

    @property
    def losses(self) -> list[Loss]:
        """What could not be written, a disk being full or a pipe closed; whole when the log is closed."""
        writers = [listener for listener in self.listeners if isinstance(listener, Writer)]
        return [loss for writer in writers for loss in writer.losses]

    # -- threads ----------------------------------------------------------------------------------

    def _thread_of(self, task: Task) -> Thread:
        thread = self._threads.get(task)
        return self._begin(task) if thread is None else thread

    def _begin(self, task: Task, maker: Task | None = None) -> Thread:
        parent = None if maker is None else self._thread_of(maker)
        if parent is None:
            comm = procfs.comm(task.tid) or ""
            thread = Thread(task.tid, born=False, bits=64, pid=task.pid, comm=comm)
        else:
            thread = Thread(task.tid, born=True, bits=parent.bits, pid=task.pid, comm=parent.comm)
        thread.time_ns = (maker or task).time_ns
        self._threads[task] = thread
        self._groups.setdefault(task.pid, {})[task] = thread
        self._by_generation[task.id.generation] = task
        for listener in self.listeners:
            listener.appeared(thread)
        return thread

    def _forget(self, task: Task) -> None:
        del self._threads[task]
        del self._by_generation[task.id.generation]
        pid = task.pid
        group = self._groups[pid]
        del group[task]
        if not group:
            del self._groups[pid]
            if self._stacks is not None:
                self._stacks.forget(pid)
        if not self._threads:
            for listener in self.listeners:
                listener.rest()

    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        """Begin with a child."""
        if self.follow and child not in self._threads:
            self._begin(child, task)
        return None

    # -- calls ------------------------------------------------------------------------------------

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Record a call's beginning, with what it may overwrite."""
        thread = self._threads.get(task)
        if thread is None:
            thread = self._begin(task)
        in_call = self._call_in(thread) is not None
        if (in_call and call.resumed) or not self._may_be_wanted(call):
            return None
        decoded = decode(call.arch, call.nr, call.raw, task.memory, None, self._limits, call.sp)
        decoded.netlink = partial(netlink_protocol, task.pid, task.tid)
        decoded.capture()
        if self._selects is not None and not self._selects(task, decoded):
            return None
        self._set_mode(thread, decoded.abi.word * 8)
        record = thread.call = CallRecord(thread, decoded, time.time_ns(), time.monotonic_ns())
        if decoded.plan.name == _RESTART:
            record.resumes = thread.interrupted
        if self._ips:
            thread.ip = call.ip
        if self._stacks is not None:
            thread.stack = self._stacks.of(task)
        if self._cpu_times:
            record.entered_cpu_ns = thread_cpu_ns(thread.tid)
        for listener in self.listeners:
            listener.entered(record)
        return None

    def _may_be_wanted(self, call: Syscall) -> bool:
        """Tell whether the registers of a call pass its screen."""
        if self._screening is None:
            return True
        passed = passes(self._screening.screen(call.arch, call.nr), call.raw)
        self._screening.count(1, passed)
        return passed

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        """Record a call's end; that of one whose beginning was not seen is left out."""
        thread = self._threads.get(task)
        if thread is None or self._call_in(thread) is None:
            return None
        cpu_ns = thread_cpu_ns(thread.tid) if self._cpu_times else 0
        if thread.call is not None:
            # A recorded entry has copies of what was there; what the call has written is in the task.
            thread.call.call.memory = task.memory
        self._finish(thread, call.result or 0, time.monotonic_ns(), cpu_ns, call.tampering)
        return None

    def _finish(
        self, thread: Thread, value: int, ended_ns: int, cpu_ns: int, tampering: Tampering = UNTOUCHED
    ) -> None:
        record, thread.call = thread.call, None
        if record is None:
            return
        record.duration_ns = ended_ns - record.started_ns
        record.cpu_ns = cpu_ns - record.entered_cpu_ns
        result = Result(value)
        record.call.finish(result)
        if result.is_restart and record.resumes is None:
            thread.interrupted = record.call.name
        record.status = CallStatus.FAILED if result.is_error else CallStatus.SUCCESSFUL
        if record.call.plan.name == _PRCTL and record.call.raw[0] == _PR_SET_NAME:
            # A recorded call was made a moment ago: the thread may be gone.
            name = record.call.value(1)
            if isinstance(name, Text) and not name.is_cut:
                thread.comm = os.fsdecode(name[:_COMM_MAX])
            else:
                thread.comm = procfs.comm(thread.tid) or thread.comm
        record.tampering = tampering
        for listener in self.listeners:
            listener.ended(record)

    # -- recorded calls ---------------------------------------------------------------------------

    def report_calls(self, calls: CallBatch) -> None:
        """Record calls that were recorded natively, one by one, or all at once if the listener can."""
        if self._screening is not None:
            self._screening.count(*calls.native.screened())
        if self._taker is None:
            for index in range(len(calls.native)):
                self._replay(calls.native.event(index), calls)
            return
        at = 0
        while at < len(calls.native):
            at = self._taker.take_calls(calls.native, at)
            if at < len(calls.native):
                tid, arch = calls.native.whose(at)
                thread = self._thread_of(calls.task_of(tid))
                self._set_mode(thread, abi_of(arch).word * 8)
                self._taker.admit(thread, arch)
        for tid, entry in calls.native.in_progress():
            thread = self._thread_of(calls.task_of(tid))
            if entry is None:
                self._in_calls.pop(thread, None)
            else:
                self._in_calls[thread] = calls.native.event(entry)

    def _replay(self, event: RecordedStop, calls: CallBatch) -> None:
        tid, _, monotonic_ns, cpu_ns, copies, value, entry = event
        thread = self._thread_of(calls.task_of(tid))
        if entry is not None:
            self._set_mode(thread, abi_of(entry[0]).word * 8)
            record = self._recorded(thread, event)
            for listener in self.listeners:
                listener.entered(record)
        elif thread.call is not None:
            memory = thread.call.call.memory
            if isinstance(memory, RecordedMemory):
                memory.add(copies)
            self._finish(thread, value, monotonic_ns, cpu_ns)

    def _recorded(self, thread: Thread, event: RecordedStop) -> CallRecord:
        """Make the record of a call from its recorded entry."""
        _, time_ns, monotonic_ns, cpu_ns, copies, _, entry = event
        arch, nr, raw = entry or (0, -1, ())
        decoded = DecodedCall(abi_of(arch), nr, raw, RecordedMemory(copies), None, self._limits)
        decoded.capture()
        record = thread.call = CallRecord(thread, decoded, time_ns, monotonic_ns)
        record.entered_cpu_ns = cpu_ns
        if decoded.plan.name == _RESTART:
            record.resumes = thread.interrupted
        return record

    def _call_in(self, thread: Thread) -> CallRecord | None:
        """Give the call that a thread is in, also if only its recorded entry is known."""
        event = self._in_calls.pop(thread, None)
        if event is not None and self._taker is not None:
            self._taker.adopt(self._recorded(thread, event))
        return thread.call

    def _set_mode(self, thread: Thread, bits: int) -> None:
        if thread.bits != bits:
            self._change_mode(thread, bits)

    def _change_mode(self, thread: Thread, bits: int) -> None:
        thread.bits = bits
        thread.time_ns = time.time_ns()
        record = ModeRecord(thread, bits)
        for listener in self.listeners:
            listener.changed_mode(record)

    def _end_call(self, thread: Thread, status: CallStatus) -> None:
        record, thread.call = self._call_in(thread), None
        if record is not None:
            record.status = status
            for listener in self.listeners:
                listener.ended(record)

    # -- signals and stops ------------------------------------------------------------------------

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        """Record a signal that is being delivered, also one that will be ignored."""
        if signal.signo in self._signals and signal.signo and not signal.is_report:
            thread = self._thread_of(task)
            if self._ips:
                with suppress(TaskGone):
                    thread.ip = task.regs.pc
            self._note_number(thread, task)
            if self._stacks is not None:
                thread.stack = self._stacks.of(task)
            thread.time_ns = task.time_ns
            record = SignalRecord(thread, decode_siginfo(signal.siginfo))
            for listener in self.listeners:
                listener.signaled(record)
        return None

    def _note_number(self, thread: Thread, task: Task) -> None:
        """Note the last call of a task that stands in a stop: it may be one that is not logged."""
        if self._numbers:
            call = task.read_call()
            # Where something else than a call interrupted the program, there is none.
            if call is not None and call[1] >= 0:
                thread.nr = call[1]

    def report_jctl(self, task: Task, job_control: JobControl) -> Answer:
        """Record that a thread stops for job control."""
        if job_control.type == CLD_STOPPED and job_control.signo in self._signals:
            record = StopRecord(self._thread_of(task), job_control.signo)
            record.thread.time_ns = task.time_ns
            for listener in self.listeners:
                listener.stopped(record)
        return None

    # -- programs and ends ------------------------------------------------------------------------

    def report_exec(self, task: Task) -> Answer:
        """Follow a thread to its leader's id, and note its new name."""
        thread = self._thread_of(task)
        name = task.name
        if name != _NO_NAME:
            thread.comm = name
        return None

    def report_exit(self, task: Task, code: int) -> Answer:
        """End the call that a dying task is in."""
        self._note_number(self._thread_of(task), task)
        self._end_call(self._thread_of(task), CallStatus.UNFINISHED)
        return None

    def report_death(self, task: Task, group_dead: bool, signal: int) -> Answer:  # noqa: FBT001 — utrace.h's
        """Record a death; a leader's whose group lives on when the group is dead."""
        if signal == DELAYED_LEADER:
            with suppress(UtraceError):
                task.engine(self).set_events(self.events | Event.REAP)
            return None
        self._die(task)
        return None

    def report_reap(self, task: Task) -> None:
        """Record the death of a leader that waited for its group."""
        self._die(task)

    def _die(self, task: Task) -> None:
        thread = self._threads.get(task)
        if thread is None:
            return
        thread.time_ns = task.time_ns
        self._end_call(thread, CallStatus.UNFINISHED)
        heir = self._heir(task)
        if heir is not None:
            self._call_in(heir)
            record = SupersededRecord(thread, heir, heir.tid)
            heir.tid = thread.tid
            for listener in self.listeners:
                listener.superseded(record)
        else:
            status = task.wait_status or 0
            signo = status & _TERMSIG
            end = EndRecord(thread, status, shown=not signo or signo in self._signals)
            for listener in self.listeners:
                listener.died(end)
        self._forget(task)

    def _heir(self, task: Task) -> Thread | None:
        """Find the thread that has just taken over the id of this leader by execve."""
        tid = task.tid
        for other, thread in self._groups[task.pid].items():
            if thread.tid != tid and other.tid == tid:
                return thread
        return None

    def release(self, engine: Engine) -> None:
        """Record that a living task was let go, also one of which nothing was reported."""
        task = self._by_generation.get(engine.task.id.generation)
        if task is not None:
            thread = self._threads[task]
            self._end_call(thread, CallStatus.DETACHED)
        elif engine.task.life is TaskLife.ALIVE:
            tid = engine.task.id.tid
            tgid, _ = procfs.parentage(tid) or (tid, 0)
            thread = Thread(tid, born=False, bits=64, pid=tgid, comm=procfs.comm(tid) or "")
            for listener in self.listeners:
                listener.appeared(thread)
        else:
            return
        for listener in self.listeners:
            listener.let_go(thread)
        if task is not None:
            self._forget(task)
