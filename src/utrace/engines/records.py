"""What a log is told, as values: each rendering listens to the same records.

Rule of this file: nothing here knows how a record is written down.
"""

from __future__ import annotations

import enum
import time
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

from utrace.tracer.syscall import UNTOUCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from utrace.engines.output import Loss
    from utrace.kernel.recorded import Batch
    from utrace.kernel.screens import Screen
    from utrace.syscalls import DecodedCall, SigInfo
    from utrace.tracer.syscall import Tampering
    from utrace.tracer.task import Task


class CallStatus(enum.Enum):
    """How a system call ended; the names of strace's `-e status=`."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    UNFINISHED = "unfinished"
    """It never returns: exit, or the task died in it."""
    UNAVAILABLE = "unavailable"
    """It returned, and nobody can tell what."""
    DETACHED = "detached"
    """It was in progress when the task was let go."""


ALL_STATUSES: Final = frozenset(CallStatus)


class Place(NamedTuple):
    """Where one frame of a stack is.

    Attributes:
        path: the file, "" if the address is in none.
        address: in the file, or, without one, in memory.
        function: the function's name, None if it has none.
        offset: of the address in the function.
        source: the source file, None if it is not known.
        line: in the source file.
    """

    path: str
    address: int
    function: str | None
    offset: int
    source: str | None
    line: int

    def __str__(self) -> str:
        name = "" if self.function is None else f"{self.function}+{self.offset:#x}"
        text = f"{self.path}({name}) [{self.address:#x}]"
        return text if self.source is None else f"{text} {self.source}:{self.line}"


class Stack(Protocol):
    """The frames of a thread as they were when it was noted; what they are called is found out when asked."""

    def places(self) -> Iterable[Place]:
        """Name each frame, the innermost first."""


class StackNoter(Protocol):
    """What notes stacks; `utrace.engines.stacks.Stacks` is one."""

    def of(self, task: Task) -> Stack | None:
        """Note the stack of a task that stands in a stop; None if it has none that can be told."""

    def forget(self, pid: int) -> None:
        """Forget what is known of a process that is gone."""


class CallScreening(Protocol):
    """Tells which calls a log wants by their registers, and counts."""

    def screen(self, arch: int, nr: int) -> Screen:
        """Give what registers of a call must pass."""

    def ending(self, arch: int, nr: int) -> Screen:
        """Give what they must pass when the call is over, with its result and duration."""

    def count(self, looked_at: int, passed: int, dropped: int = 0) -> None:
        """Note how many calls were looked at, how many passed, and how many of these ended unwanted."""


class Thread:
    """A traced thread as a log knows it.

    Attributes:
        tid: its thread id, which an execve may change.
        pid: the id of its process.
        comm: its name, as it was at the last execve or prctl(PR_SET_NAME) that was seen; "" if unknown.
        call: the system call it is in.
        born: it was made by a traced thread; nothing was reported of it yet.
        bits: word size of the convention by which it makes calls.
        interrupted: the name of the call that restart_syscall(2) would go on with.
        nr: the number of its last call, -1 without one.
        ip: where in the program it made that call, or, with a signal, where it was; 0 if not known.
        stack: of its last call or signal, where a log notes stacks; None elsewhere.
        time_ns: CLOCK_REALTIME of the last thing told of it that is no call.
    """

    __slots__ = ("bits", "born", "call", "comm", "interrupted", "ip", "nr", "pid", "stack", "tid", "time_ns")

    def __init__(self, tid: int, *, born: bool, bits: int, pid: int = 0, comm: str = "") -> None:
        self.tid = tid
        self.pid = pid or tid
        self.comm = comm
        self.born = born
        self.bits = bits
        self.call: CallRecord | None = None
        self.interrupted = "system call"
        self.nr = -1
        self.ip = 0
        self.stack: Stack | None = None
        self.time_ns = time.time_ns()


class CallRecord:
    """One system call, from its entry to its end.

    Attributes:
        thread: who makes it.
        call: name, arguments, result.
        entered_ns: CLOCK_REALTIME at the entry.
        entered_cpu_ns: CPU time that the thread had then used, 0 where nobody asked.
        duration_ns: from entry to end, by a monotonic clock; None until then.
        cpu_ns: CPU time used in it.
        status: how it ended; None until then.
        resumes: if it is restart_syscall(2): what it goes on with.
        tampering: what engines did to it.
    """

    __slots__ = (
        "call",
        "cpu_ns",
        "duration_ns",
        "entered_cpu_ns",
        "entered_ns",
        "resumes",
        "started_ns",
        "status",
        "tampering",
        "thread",
    )

    def __init__(self, thread: Thread, call: DecodedCall, entered_ns: int, started_ns: int) -> None:
        self.thread = thread
        self.call = call
        self.entered_ns = entered_ns
        self.started_ns = started_ns
        self.entered_cpu_ns = 0
        self.duration_ns: int | None = None
        self.cpu_ns = 0
        self.status: CallStatus | None = None
        self.resumes: str | None = None
        self.tampering: Tampering = UNTOUCHED


class SignalRecord(NamedTuple):
    """A signal is being delivered."""

    thread: Thread
    siginfo: SigInfo


class StopRecord(NamedTuple):
    """A thread joined a job control stop."""

    thread: Thread
    signo: int


class EndRecord(NamedTuple):
    """A thread is dead.

    Attributes:
        thread: which one.
        wait_status: how it ended.
        shown: false if a signal killed it that is not to be logged.
    """

    thread: Thread
    wait_status: int
    shown: bool = True


class SupersededRecord(NamedTuple):
    """A thread group's leader was replaced by a thread that called execve and took over its id."""

    thread: Thread
    heir: Thread
    former_tid: int


class ModeRecord(NamedTuple):
    """A thread makes calls by another convention than before: of 32 bits, or of 64."""

    thread: Thread
    bits: int


class LogListener(Protocol):
    """Something that turns records into text, data or sums.  All calls come from one thread."""

    def appeared(self, thread: Thread) -> None:
        """Tell that a thread is traced from now on."""

    def entered(self, record: CallRecord) -> None:
        """Tell of a call that begins."""

    def ended(self, record: CallRecord) -> None:
        """Tell of a call that is over; `status` says how."""

    def signaled(self, record: SignalRecord) -> None:
        """Tell of a signal."""

    def stopped(self, record: StopRecord) -> None:
        """Tell of a job control stop."""

    def changed_mode(self, record: ModeRecord) -> None:
        """Tell of a change of word size."""

    def superseded(self, record: SupersededRecord) -> None:
        """Tell of the end of a leader by another thread's execve."""

    def died(self, record: EndRecord) -> None:
        """Tell of a death."""

    def let_go(self, thread: Thread) -> None:
        """Tell that a living thread is no longer traced."""

    def rest(self) -> None:
        """Tell that nothing is traced any more, for now."""

    def close(self) -> None:
        """Finish: nothing more will come."""


@runtime_checkable
class Writer(Protocol):
    """A listener that writes somewhere."""

    @property
    def losses(self) -> list[Loss]:
        """What could not be written; whole when it is closed."""


class QuietListener:
    """A listener that does nothing: a base for those that care for some records."""

    def appeared(self, thread: Thread) -> None:
        """Do nothing."""

    def entered(self, record: CallRecord) -> None:
        """Do nothing."""

    def ended(self, record: CallRecord) -> None:
        """Do nothing."""

    def signaled(self, record: SignalRecord) -> None:
        """Do nothing."""

    def stopped(self, record: StopRecord) -> None:
        """Do nothing."""

    def changed_mode(self, record: ModeRecord) -> None:
        """Do nothing."""

    def superseded(self, record: SupersededRecord) -> None:
        """Do nothing."""

    def died(self, record: EndRecord) -> None:
        """Do nothing."""

    def let_go(self, thread: Thread) -> None:
        """Do nothing."""

    def rest(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class OnlyCalls(QuietListener):
    """Tells another listener of the ends of some calls, and of nothing else: for one that counts."""

    def __init__(self, listener: LogListener, accepts: Callable[[CallRecord], bool]) -> None:
        self._listener = listener
        self._accepts = accepts

    def ended(self, record: CallRecord) -> None:
        """Tell of it, if it is accepted."""
        if self._accepts(record):
            self._listener.ended(record)


@runtime_checkable
class BatchListener(Protocol):
    """A listener that can take recorded calls many at once, without a record of each."""

    @property
    def takes_batches(self) -> bool:
        """Whether it can, as it was made."""

    def take_calls(self, batch: Batch, start: int) -> int:
        """Take calls from one on; the number of the first of a thread that it must be told of before."""

    def admit(self, thread: Thread, arch: int) -> None:
        """Tell that calls of a thread follow, made by this convention."""

    def adopt(self, record: CallRecord) -> None:
        """Tell that a call whose entry was taken goes on as a record."""
