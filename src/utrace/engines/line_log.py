"""Records to lines in the grammar of strace.

Rules of this file:

1. A line belongs to the call that began last.  Before anything else is written it is broken off with
   `<unfinished ...>`, and its call is `resumed` when it ends.
2. Where the output is prompt (a terminal), a call is shown when it begins; elsewhere it is written as a
   whole, and what waits is written a moment later by a thread of its own, for those who look on.

Reference: strace(1) "DESCRIPTION"; the output of strace 6.1 is the oracle of the tests.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from utrace.engines.colour import paint
from utrace.engines.described import Described
from utrace.engines.line_prefix import Prefixes, seconds_text
from utrace.engines.line_style import Clock, LineStyle, PidShown
from utrace.engines.native_lines import native_lines
from utrace.engines.records import ALL_STATUSES, CallStatus
from utrace.syscalls import render as r
from utrace.tracer.side_thread import start_side_thread
from utrace.tracer.syscall import Tampering

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from utrace.engines.output import Loss, Output
    from utrace.engines.records import (
        CallRecord,
        EndRecord,
        ModeRecord,
        SignalRecord,
        StopRecord,
        SupersededRecord,
        Thread,
    )
    from utrace.kernel.recorded import Batch
    from utrace.syscalls import Style

__all__ = ["Clock", "LineLog", "LineStyle", "PidShown"]

_LOOK_S: Final = 0.1


class _Stream:
    """One sequence of lines.

    Attributes:
        open: the call whose line is the last, not yet ended.
        prefix: of that line.
        shown: how much of it is written, None if nothing.
    """

    __slots__ = ("last_ns", "open", "output", "prefix", "shown")

    def __init__(self, output: Output) -> None:
        self.output = output
        self.open: CallRecord | None = None
        self.prefix = ""
        self.shown: str | None = None
        self.last_ns = 0


class LineLog:
    """Writes lines to one output, or to one for each thread."""

    def __init__(
        self,
        output: Output | Callable[[Thread], Output],
        style: LineStyle,
        *,
        statuses: Collection[CallStatus] = ALL_STATUSES,
        notices: Output | None = None,
        accepts: Callable[[CallRecord], bool] | None = None,
    ) -> None:
        """Make one.

        Args:
            output: where to, or what makes an output for a thread; it is closed with the log.
            style: how lines look.
            statuses: how a call must end to be written.
            notices: where to tell of threads that come and go; None: nowhere.
            accepts: further, which calls are written, decided when they are over; None: all.
        """
        self._accepts = accepts
        self._style = style
        self._statuses = frozenset(statuses)
        self._whole = self._statuses != ALL_STATUSES or accepts is not None
        self._notices = notices
        self._make_output = output if callable(output) else None
        self._shared = None if callable(output) else _Stream(output)
        self._losses: list[Loss] = []
        self._streams: dict[Thread, _Stream] = {}
        self._described: dict[Thread, Described] = {}
        self._describe_fd: Callable[[int, int], str] | None = None
        self._describe_pid = None if style.processes is None else style.processes.describe
        if style.fd_details:
            from utrace.engines.descriptors import Descriptors  # noqa: PLC0415 — only with -y

            names = None if style.processes is None else style.processes.name
            self._describe_fd = Descriptors(style.fd_details, names).describe
        self._describes = self._describe_fd is not None or self._describe_pid is not None
        self._split: dict[CallRecord, str] = {}
        self._count = 0
        self._prefixes = Prefixes(style)
        shared = self._shared is not None and not self._shared.output.prompt
        native = shared and accepts is None
        self._native = native_lines(style, self._statuses, whole=self._whole) if native else None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._looker: threading.Thread | None = None

    @property
    def needs_live(self) -> bool:
        """Whether calls must be told of while the task stands in them."""
        style, values = self._style, self._style.values
        prompt = self._shared is not None and self._shared.output.prompt
        looks = (self._describes, style.numbers, style.ips, style.stacks, style.tail is not None)
        return prompt or any(looks) or values.describe_fd is not None or values.describe_pid is not None

    # -- the outputs ------------------------------------------------------------------------------

    def _stream(self, thread: Thread) -> _Stream:
        return self._streams[thread] if self._shared is None else self._shared

    def appeared(self, thread: Thread) -> None:
        """Count a thread; a child counts, and is told of, from its own first line on."""
        with self._lock:
            self._count += not thread.born
            if self._make_output is not None:
                self._streams[thread] = _Stream(self._make_output(thread))
            if self._describes:
                self._described[thread] = Described(
                    self._style.values, thread, self._describe_fd, self._describe_pid
                )
        if self._looker is None:
            self._looker = start_side_thread(self._look, "utrace-log")

    def _look(self) -> None:
        """Write what waits, now and then, for those who look at the file."""
        while not self._closing.wait(_LOOK_S):
            with self._lock:
                for stream in self._all_streams():
                    if stream.open is not None and stream.shown is None:
                        self._show(stream, stream.open)
                    if self._native is not None:
                        stream.output.write(self._native.show())
                    stream.output.flush()

    def _all_streams(self) -> list[_Stream]:
        return [*self._streams.values()] if self._shared is None else [self._shared]

    def rest(self) -> None:
        """Write what waits."""
        with self._lock:
            for stream in self._all_streams():
                stream.output.flush()

    def close(self) -> None:
        """Write what waits, and close the outputs that are ours."""
        self._closing.set()
        if self._looker is not None:
            self._looker.join()
        with self._lock:
            for stream in self._all_streams():
                self._end_stream(stream)
            self._streams.clear()

    # -- calls ------------------------------------------------------------------------------------

    def entered(self, record: CallRecord) -> None:
        """Begin a line, or remember to."""
        with self._lock:
            thread = record.thread
            stream = self._stream(thread)
            if thread.born:
                self._announce(thread, stream)
            thread.nr = record.call.nr
            if self._describes:
                self._described[thread].begin()
                self._arguments(record)
            if self._whole:
                return
            self._break_off(stream)
            stream.open = record
            if stream.output.prompt:
                self._show(stream, record)

    def _put(self, stream: _Stream, text: str) -> None:
        stream.output.write(paint(text) if self._style.colour else text)

    def _values(self, record: CallRecord) -> Style:
        return self._described[record.thread].arguments if self._describes else self._style.values

    def _values_now(self, thread: Thread) -> Style:
        return self._described[thread].result if self._describes else self._style.values

    def _entry(self, record: CallRecord) -> str:
        if record.resumes is not None:
            return f"{self._name(record)}({self._arguments(record)}"
        return r.render_entry(record.call, self._values(record))

    def _name(self, record: CallRecord) -> str:
        return r.call_name(record.call, self._style.values)

    def _arguments(self, record: CallRecord) -> str:
        if record.resumes is not None:
            return f"<... resuming interrupted {record.resumes} ...>"
        return r.render_arguments(record.call, self._values(record))

    def _show(self, stream: _Stream, record: CallRecord) -> None:
        """Write as much of the open line as is known before the call returns."""
        stream.prefix = self._prefix(stream, record.thread, record.entered_ns)
        stream.shown = self._entry(record)
        self._put(stream, stream.prefix + stream.shown)

    def _break_off(self, stream: _Stream) -> None:
        if self._native is not None:
            stream.output.write(self._native.break_off())
        record = stream.open
        if record is None:
            return
        if stream.shown is None:
            self._show(stream, record)
        self._put(stream, " <unfinished ...>\n")
        self._split[record] = stream.shown or ""
        stream.open = stream.shown = None

    def ended(self, record: CallRecord) -> None:
        """End a line, or write a whole one."""
        with self._lock:
            stream = self._stream(record.thread)
            if self._whole:
                if record.status in self._statuses and (self._accepts is None or self._accepts(record)):
                    prefix = self._prefix(stream, record.thread, record.entered_ns)
                    self._put(stream, prefix + self._line(record, len(prefix)))
                return
            if stream.open is record:
                prefix, shown = stream.prefix, stream.shown
                stream.open = stream.shown = None
                if shown is None:
                    prefix = self._prefix(stream, record.thread, record.entered_ns)
                    self._put(stream, prefix + self._line(record, len(prefix)))
                else:
                    self._put(stream, self._line(record, len(prefix), shown)[len(shown) :])
                return
            known = self._split.pop(record, None)
            if known is None:
                return
            self._break_off(stream)
            prefix = self._prefix(stream, record.thread, time.time_ns())
            self._put(stream, prefix + self._resumed(record, len(prefix), known))

    def _line(self, record: CallRecord, width: int, shown: str = "") -> str:
        """Write the whole line, which begins with what is shown already."""
        plan = record.call.plan
        if record.status is CallStatus.DETACHED:
            return f"{shown or self._entry(record)} <detached ...>\n"
        if record.status is CallStatus.UNFINISHED:
            known = shown or self._entry(record)
            head = f"{known} <unfinished ...>)" if plan.late else f"{known})"
        else:
            head = f"{self._name(record)}({self._arguments(record)})"
            if not head.startswith(shown):
                head = f"{shown})"
        return self._padded(record, head, width)

    def _resumed(self, record: CallRecord, width: int, known: str) -> str:
        call = record.call
        head = f"{r.number_prefix(call, self._style.values)}<... {call.plan.name} resumed>"
        if record.status is CallStatus.DETACHED:
            return f"{head} <detached ...>\n"
        if record.status is not CallStatus.UNFINISHED:
            arguments = f"{self._name(record)}({self._arguments(record)}"
            if arguments.startswith(known):
                head += arguments[len(known) :]
        return self._padded(record, f"{head})", width)

    def _padded(self, record: CallRecord, head: str, width: int) -> str:
        values = self._values_now(record.thread)
        line = f"{head:<{max(values.column - 1 - width, 0)}} = {r.render_result(record.call, values)}"
        if record.tampering:
            line += _tampering_text(record.tampering)
        if self._style.durations is not None and record.duration_ns is not None:
            line += f" <{seconds_text(record.duration_ns, self._style.durations)}>"
        return f"{line}\n{self._tail(record)}"

    def _tail(self, record: CallRecord) -> str:
        """Write the lines behind that of a call."""
        style = self._style
        dumped = style.tail(record) if style.tail is not None else ""
        return dumped + self._stack(record.thread) if style.stacks else dumped

    @staticmethod
    def _stack(thread: Thread) -> str:
        return "" if thread.stack is None else "".join(f" > {place}\n" for place in thread.stack.places())

    # -- calls that were recorded natively --------------------------------------------------------

    @property
    def takes_batches(self) -> bool:
        """Whether lines of this style can be written natively."""
        return self._native is not None

    def take_calls(self, batch: Batch, start: int) -> int:
        """Write calls from one on, until one of a thread that is not admitted."""
        with self._lock:
            if self._native is None or self._shared is None:
                return start
            if self._shared.open is not None:
                self._break_off(self._shared)
            self._native.set_several(self._count > 1)
            text, at = self._native.take(batch, start)
            self._shared.output.write(text)
            return at

    def admit(self, thread: Thread, arch: int) -> None:
        """Let lines of a thread be written natively."""
        with self._lock:
            if thread.born:
                self._announce(thread, self._stream(thread))
            if self._native is not None:
                self._native.admit(thread.tid, arch)

    def adopt(self, record: CallRecord) -> None:
        """Go on with the line of a call that began natively."""
        with self._lock:
            released = None if self._native is None else self._native.release(record.thread.tid)
            if released is None or self._whole:
                return
            shown, is_open, width = released
            if is_open:
                stream = self._stream(record.thread)
                stream.open, stream.shown, stream.prefix = record, shown, " " * width
            else:
                self._split[record] = shown or ""

    # -- everything else --------------------------------------------------------------------------

    def signaled(self, record: SignalRecord) -> None:
        """Write a signal."""
        stack = self._stack(record.thread) if self._style.stacks else ""
        self._tell(
            record.thread, r.render_signal(record.siginfo, self._values_now(record.thread)), tail=stack
        )

    def stopped(self, record: StopRecord) -> None:
        """Write a job control stop."""
        self._tell(record.thread, r.render_stopped(record.signo))

    def changed_mode(self, record: ModeRecord) -> None:
        """Write a change of word size."""
        if self._style.modes:
            self._tell(record.thread, f"[ Process PID={record.thread.tid} runs in {record.bits} bit mode. ]")

    def superseded(self, record: SupersededRecord) -> None:
        """Write the end of a leader by execve; its output is its heir's from now on."""
        if self._style.successions:
            self._tell(record.thread, f"+++ superseded by execve in pid {record.former_tid} +++")
        with self._lock:
            if record.heir.born:
                # Nothing was written of it under its former id.
                record.heir.born = False
                self._count += 1
            if self._shared is None:
                self._end_stream(self._streams[record.heir])
                self._streams[record.heir] = self._streams[record.thread]
            if self._native is not None:
                self._native.dismiss(record.former_tid)
            self._leave(record.thread, keep=True)

    def died(self, record: EndRecord) -> None:
        """Write a death."""
        if self._style.exits and record.shown:
            self._tell(record.thread, r.render_exit(record.wait_status), ended=True)
        with self._lock:
            self._leave(record.thread)

    def let_go(self, thread: Thread) -> None:
        """Tell that a thread goes on untraced."""
        with self._lock:
            if not thread.born:
                self._notice(self._stream(thread), f"utrace: Process {thread.tid} detached\n")
            self._leave(thread)

    def notice(self, text: str) -> None:
        """Tell of something that is not about one line."""
        with self._lock:
            if self._notices is not None:
                if self._shared is not None and self._notices is self._shared.output:
                    self._break_off(self._shared)
                self._notices.write(text + "\n")

    @property
    def losses(self) -> list[Loss]:
        """What could not be written; whole when the log is closed."""
        return [*self._losses]

    def _leave(self, thread: Thread, *, keep: bool = False) -> None:
        self._count -= not thread.born
        self._described.pop(thread, None)
        if self._native is not None:
            self._native.dismiss(thread.tid)
        stream = self._streams.pop(thread, None)
        if stream is not None and not keep:
            self._end_stream(stream)

    def _end_stream(self, stream: _Stream) -> None:
        self._break_off(stream)
        stream.output.close()
        if stream.output.loss is not None:
            self._losses.append(stream.output.loss)

    def _tell(self, thread: Thread, text: str, *, tail: str = "", ended: bool = False) -> None:
        with self._lock:
            stream = self._stream(thread)
            if thread.born:
                self._announce(thread, stream)
            self._break_off(stream)
            prefix = self._prefix(stream, thread, thread.time_ns, ended=ended)
            self._put(stream, f"{prefix}{text}\n{tail}")

    def _announce(self, thread: Thread, stream: _Stream) -> None:
        thread.born = False
        self._count += 1
        self._notice(stream, f"utrace: Process {thread.tid} attached\n")

    def _notice(self, stream: _Stream, text: str) -> None:
        if self._notices is not None:
            if self._notices is stream.output:
                self._break_off(stream)
            self._notices.write(text)

    def _prefix(self, stream: _Stream, thread: Thread, time_ns: int, *, ended: bool = False) -> str:
        style = self._style
        whose = ""
        if style.pids is not PidShown.NEVER:
            name = "" if style.processes is None else style.processes.name(thread.tid, thread.comm)
            if style.pids is PidShown.COLUMN:
                whose = f"{f'{thread.tid}{name}':<5} "
            elif style.pids is PidShown.ALWAYS or self._count > 1:
                whose = f"[pid {thread.tid:5}{name}] "
        if self._prefixes.is_empty:
            return whose
        rest = self._prefixes.text(thread, time_ns, stream.last_ns, ended=ended)
        stream.last_ns = time_ns
        return whose + rest


def _tampering_text(tampering: Tampering) -> str:
    """Say what was done to a call: ` (INJECTED: args, retval) (DELAYED)`."""
    text = ""
    if tampering & Tampering.ARGUMENTS:
        text = " (INJECTED: args, retval)" if tampering & Tampering.RESULT else " (INJECTED: args)"
    elif tampering & Tampering.RESULT:
        text = " (INJECTED)"
    return f"{text} (DELAYED)" if tampering & Tampering.DELAY else text
