"""Records to a file of events, in one of the formats of `utrace.engines.formats`.

Rules of this file:

1. A call is one event, made when it is over.
2. What an encoder or the disk does is no harm to what is traced.

Reference: docs/events.md for what an event says.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

from utrace.engines import events
from utrace.engines.formats import encoder_of
from utrace.engines.record_output import RecordOutput
from utrace.tracer.side_thread import start_side_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from utrace.engines.events import Event
    from utrace.engines.formats import Encoder
    from utrace.engines.output import Loss
    from utrace.engines.record_output import ByteStream
    from utrace.engines.records import (
        CallRecord,
        EndRecord,
        ModeRecord,
        SignalRecord,
        StopRecord,
        SupersededRecord,
        Thread,
    )

_LOOK_S: Final = 0.1


class EventLog:
    """Listens to a `SyscallLog` and writes what it is told as data.

        events = EventLog("calls.jsonl")
        log = SyscallLog(listeners=[events], text_max=1024)

    What waits is in the file a tenth of a second later, for those who look on, except in the formats
    that are written as a whole: folded, parquet.
    """

    def __init__(
        self,
        to: str | Path | ByteStream | RecordOutput,
        encoder: str | Encoder = "jsonl",
        *,
        accepts: Callable[[CallRecord], bool] | None = None,
    ) -> None:
        """Make one.

        Args:
            to: a file, which is emptied, or a binary stream.
            encoder: the name of a format (`utrace.engines.formats.FORMATS`), or something that encodes.
            accepts: which calls are written; None: all.  Of what is no call everything is.

        Raises:
            OSError: the file cannot be opened.
            MissingExtra: the format needs a library that is not installed.
            Misuse: there is no such format.
        """
        self._encoder = encoder_of(encoder) if isinstance(encoder, str) else encoder
        if isinstance(to, RecordOutput):
            self._output = to
        elif isinstance(to, (str, os.PathLike)):
            self._output = RecordOutput.to_file(to)
        else:
            self._output = RecordOutput.to_binary(to)
        self._accepts = accepts
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._looker: threading.Thread | None = None
        self._closed = False
        self._put(self._encoder.begin())

    def _put(self, data: bytes) -> None:
        if data:
            self._output.write_record(data)

    def _write(self, event: Event) -> None:
        with self._lock:
            self._put(self._encoder.encode(event))

    def _look(self) -> None:
        while not self._closing.wait(_LOOK_S):
            self.rest()

    @property
    def losses(self) -> list[Loss]:
        """What could not be written; whole when the log is closed."""
        loss = self._output.loss
        return [] if loss is None else [loss]

    def rest(self) -> None:
        """Write what waits."""
        with self._lock:
            self._output.flush()

    def close(self) -> None:
        """Write the end, and close the file if it is ours."""
        self._closing.set()
        if self._looker is not None:
            self._looker.join()
        with self._lock:
            if not self._closed:
                self._closed = True
                self._put(self._encoder.end())
                self._output.close()

    # -- what a log is told -----------------------------------------------------------------------

    def appeared(self, thread: Thread) -> None:
        """Write that a thread is traced from now on."""
        if self._looker is None:
            self._looker = start_side_thread(self._look, "utrace-events")
        self._write(events.begin_event(thread, thread.time_ns))

    def entered(self, record: CallRecord) -> None:
        """Wait for its end."""

    def ended(self, record: CallRecord) -> None:
        """Write a call."""
        if self._accepts is None or self._accepts(record):
            self._write(events.call_event(record))

    def signaled(self, record: SignalRecord) -> None:
        """Write a signal."""
        self._write(events.signal_event(record, record.thread.time_ns))

    def stopped(self, record: StopRecord) -> None:
        """Write a job control stop."""
        self._write(events.stop_event(record, record.thread.time_ns))

    def changed_mode(self, record: ModeRecord) -> None:
        """Write a change of word size."""
        self._write(events.mode_event(record, record.thread.time_ns))

    def superseded(self, record: SupersededRecord) -> None:
        """Write the end of a leader by execve."""
        self._write(events.superseded_event(record, record.thread.time_ns))

    def died(self, record: EndRecord) -> None:
        """Write a death."""
        if record.shown:
            self._write(events.exit_event(record, record.thread.time_ns))

    def let_go(self, thread: Thread) -> None:
        """Write that a thread goes on untraced."""
        self._write(events.detach_event(thread, time.time_ns()))
