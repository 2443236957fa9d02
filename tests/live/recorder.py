"""An engine that writes down what it is told, for tests to wait for and to compare."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from tests.tracees import LineReader
from tests.waiting import wait_until
from utrace import Answer, Engine, EngineOps, Event, JobControl, SignalReport, Syscall, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

DEADLINE_S = 15.0


class Recorder(EngineOps):
    """Notes every callback as a line, by tid; a subclass answers.

    Lines: "quiesce EVENT", "clone CHILD", "exec", "exit CODE", "death SIGNAL", "reap", "entry NAME",
    "return NAME RESULT", "signal NUMBER ACTION", "jctl TYPE NOTIFY".
    """

    def __init__(
        self, events: Event, *, syscalls: Collection[str] | None = None, follow: bool = True, name: str = ""
    ) -> None:
        self.events = events
        self.syscalls = syscalls
        self.follow = follow
        self.name = name
        self.log: list[tuple[int, str]] = []
        self.released: list[Engine] = []
        self.threads: set[int] = set()

    def note(self, task: Task, line: str) -> None:
        self.threads.add(threading.get_ident())
        self.log.append((task.tid, line))

    def lines(self, tid: int | None = None, *, starting: str = "") -> list[str]:
        """Give the lines so far, of one task or of all."""
        return [
            line for its_tid, line in list(self.log) if tid in {None, its_tid} and line.startswith(starting)
        ]

    def wait_for(self, start: str, count: int = 1, deadline_s: float = DEADLINE_S) -> None:
        """Wait for so many lines that start so."""
        wait_until(
            lambda: len(self.lines(starting=start)) >= count,
            deadline_s,
            f"{count} x {start!r} in the log",
        )

    def report_quiesce(self, task: Task, event: Event) -> Answer:
        self.note(task, f"quiesce {event.name or 0}")
        return None

    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        self.note(task, f"clone {child.tid}")
        return None

    def report_exec(self, task: Task) -> Answer:
        self.note(task, "exec")
        return None

    def report_exit(self, task: Task, code: int) -> Answer:
        self.note(task, f"exit {code}")
        return None

    def report_death(self, task: Task, group_dead: bool, signal: int) -> Answer:
        self.note(task, f"death {signal}")
        return None

    def report_reap(self, task: Task) -> None:
        self.note(task, "reap")

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        self.note(task, f"entry {call.name}")
        return None

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        self.note(task, f"return {call.name} {call.result}")
        return None

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        self.note(task, f"signal {signal.signo} {signal.action.name}")
        return None

    def report_jctl(self, task: Task, job_control: JobControl) -> Answer:
        self.note(task, f"jctl {job_control.type} {job_control.notify}")
        return None

    def release(self, engine: Engine) -> None:
        self.released.append(engine)


@contextlib.contextmanager
def output() -> Iterator[tuple[int, LineReader]]:
    """Give a descriptor for a launched program to write to, and the reader of its lines."""
    read_end, write_end = os.pipe()
    reader = LineReader(read_end)
    try:
        yield write_end, reader
    finally:
        os.close(write_end)
        reader.close()


@contextlib.contextmanager
def input_pipe() -> Iterator[tuple[int, Callable[[bytes], object]]]:
    """Give a descriptor for a launched program to read from, and how to write to it."""
    read_end, write_end = os.pipe()
    try:
        yield read_end, lambda data: os.write(write_end, data)
    finally:
        os.close(read_end)
        os.close(write_end)
