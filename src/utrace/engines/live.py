"""A summary of a running trace, kept at the bottom of a terminal.

The lines above it scroll as ever: the terminal is told to scroll only those (DECSTBM), so that what the
traced programs write does not run into it.

Rules of this file:

1. Whatever happens, the terminal is given back: the end, an exception, a signal that ends us.
2. What is written is built by one function from values; painting is the only I/O.

Reference: ECMA-48; the VT100's DECSTBM, DECSC and DECRC, which terminals of today all have.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.engines.records import CallStatus, QuietListener
from utrace.tracer.side_thread import start_side_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.engines.records import CallRecord, EndRecord, SupersededRecord, Thread

_EVERY_S: Final = 0.25
_ROWS: Final = 8
_ROWS_LEAST: Final = _ROWS + 4
_COLUMNS_LEAST: Final = 40
_RETURNED: Final = frozenset({CallStatus.SUCCESSFUL, CallStatus.FAILED})
_SAVE, _RESTORE = "\x1b7", "\x1b8"
_WHOLE_SCREEN: Final = "\x1b[r"
_CLEAR_LINE: Final = "\x1b[2K"
_BOLD, _RED, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[0m"


class Slowest(NamedTuple):
    """The call that took longest."""

    duration_ns: int
    name: str
    tid: int
    detail: str


class ProcessSum:
    """What one process has done so far."""

    __slots__ = ("calls", "comm", "errors", "time_ns")

    def __init__(self, comm: str) -> None:
        self.comm = comm
        self.calls = 0
        self.errors = 0
        self.time_ns = 0


class LiveSums(QuietListener):
    """Adds up what a summary shows.

    Attributes:
        calls: how many returned.
        errors: how many of them failed.
        by_call: calls and errors by name.
        processes: by process id, also those that have ended.
        slowest: the call that took longest, None as long as none returned.
        living: how many threads are traced now.
    """

    def __init__(self, accepts: Callable[[CallRecord], bool] | None = None) -> None:
        self.calls = 0
        self.errors = 0
        self.by_call: dict[str, list[int]] = {}
        self.processes: dict[int, ProcessSum] = {}
        self.slowest: Slowest | None = None
        self.living = 0
        self._accepts = accepts
        self._started_ns = time.monotonic_ns()

    def appeared(self, thread: Thread) -> None:
        """Count a thread."""
        self.living += 1

    def died(self, record: EndRecord) -> None:
        """Count a thread less."""
        self.living -= 1

    def superseded(self, record: SupersededRecord) -> None:
        """Count a thread less."""
        self.living -= 1

    def let_go(self, thread: Thread) -> None:
        """Count a thread less."""
        self.living -= 1

    def ended(self, record: CallRecord) -> None:
        """Add a call that returned."""
        if record.status not in _RETURNED or (self._accepts is not None and not self._accepts(record)):
            return
        failed = record.status is CallStatus.FAILED
        took = record.duration_ns or 0
        thread, name = record.thread, record.call.name
        self.calls += 1
        self.errors += failed
        of_name = self.by_call.setdefault(name, [0, 0])
        of_name[0] += 1
        of_name[1] += failed
        process = self.processes.get(thread.pid)
        if process is None:
            process = self.processes[thread.pid] = ProcessSum(thread.comm)
        process.comm = thread.comm or process.comm
        process.calls += 1
        process.errors += failed
        process.time_ns += took
        if self.slowest is None or took > self.slowest.duration_ns:
            self.slowest = Slowest(took, name, thread.tid, record.call.path or "")

    def lines(self, *, rows: int = _ROWS, columns: int = 80, colour: bool = False) -> list[str]:
        """Write the summary: a head, and the processes with most calls beside the calls made most.

        Args:
            rows: how many lines at most.
            columns: how wide each is at most.
            colour: with escape sequences for colours.
        """
        seconds = (time.monotonic_ns() - self._started_ns) / 1e9
        head = f" {self.calls} calls  {self.errors} errors  {self.living} threads  {seconds:.1f} s"
        slowest = " slowest: -"
        if self.slowest is not None:
            one = self.slowest
            slowest = f" slowest: {one.duration_ns / 1e6:.3f} ms {one.name} {_shown(one.detail)} [{one.tid}]"
        processes = sorted(self.processes.items(), key=lambda item: -item[1].calls)
        calls = sorted(self.by_call.items(), key=lambda item: -item[1][0])
        left = ["     pid comm                calls   errors"]
        left += [f"{pid:8} {_shown(one.comm):16.16} {one.calls:8} {one.errors:8}" for pid, one in processes]
        right = ["call                calls   errors"]
        right += [f"{name:16.16} {count:8} {errors:8}" for name, (count, errors) in calls]
        body = _beside(left[: rows - 2], right[: rows - 2])
        marks = [_BOLD, _RED if self.errors else "", _BOLD] if colour else []
        return [
            _marked(line[:columns], marks[i] if i < len(marks) else "")
            for i, line in enumerate([head, slowest, *body])
        ]


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _marked(line: str, mark: str) -> str:
    return f"{mark}{line}{_PLAIN}" if mark else line


def _beside(left: Sequence[str], right: Sequence[str]) -> list[str]:
    count = max(len(left), len(right))
    padded = [*left, *[""] * (count - len(left))], [*right, *[""] * (count - len(right))]
    return [f"{one:45}  {other}".rstrip() for one, other in zip(*padded, strict=True)]


class LivePanel:
    """Paints sums at the bottom of a terminal, several times a second, by a thread of its own."""

    def __init__(self, sums: LiveSums, fd: int, *, colour: bool = True) -> None:
        """Make one.

        Args:
            sums: what is shown.
            fd: the terminal.
            colour: use colours.
        """
        self._sums = sums
        self._fd = fd
        self._colour = colour
        self._size = os.terminal_size((0, 0))
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._painter: threading.Thread | None = None

    def start(self) -> None:
        """Begin to paint."""
        atexit.register(self.close)
        self._paint()
        self._painter = start_side_thread(self._paint_on, "utrace-live")

    def close(self) -> None:
        """Give the terminal back, with the last summary as ordinary lines."""
        if self._ending.is_set():
            return
        self._ending.set()
        atexit.unregister(self.close)
        if self._painter is not None:
            self._painter.join()
        with self._lock:
            columns = self._size.columns or 80
            self._write(self._cleared() + "\r")
            lines = self._sums.lines(columns=columns, colour=self._colour)
            self._write("".join(f"{line}\r\n" for line in lines))

    def _paint_on(self) -> None:
        while not self._ending.wait(_EVERY_S):
            self._paint()

    def _paint(self) -> None:
        with self._lock:
            text = ""
            size = os.get_terminal_size(self._fd)
            if size != self._size:
                text += self._reserve(size)
            if self._size.lines >= _ROWS_LEAST and self._size.columns >= _COLUMNS_LEAST:
                lines = self._sums.lines(columns=self._size.columns, colour=self._colour)
                lines += [""] * (_ROWS - len(lines))
                first = self._size.lines - _ROWS + 1
                rows = "".join(f"\x1b[{first + i};1H{_CLEAR_LINE}{line}" for i, line in enumerate(lines))
                text += f"{_SAVE}{rows}{_RESTORE}"
            self._write(text)

    def _reserve(self, size: os.terminal_size) -> str:
        """Keep the bottom rows from scrolling, in a terminal that is large enough; it was of another size."""
        text = self._cleared() if self._size.lines else ""
        self._size = size
        if size.lines < _ROWS_LEAST or size.columns < _COLUMNS_LEAST:
            return text
        # Make room first, so that nothing is painted over; the cursor must be in what scrolls.
        room = "\n" * _ROWS + f"\x1b[{_ROWS}A"
        return f"{text}{room}{_SAVE}\x1b[1;{size.lines - _ROWS}r{_RESTORE}"

    def _cleared(self) -> str:
        """Take the summary away, and let all rows scroll again."""
        first = self._size.lines - _ROWS + 1
        if first < 1:
            return _WHOLE_SCREEN
        rows = "".join(f"\x1b[{first + i};1H{_CLEAR_LINE}" for i in range(_ROWS))
        return f"{_SAVE}{rows}{_WHOLE_SCREEN}{_RESTORE}"

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            # The terminal is gone, and with it everybody who could look.
            self._ending.set()
