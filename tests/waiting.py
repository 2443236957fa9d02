"""Waiting for a state, with a deadline: no test sleeps and hopes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_S: Final = 0.002


def wait_until(predicate: Callable[[], object], deadline_s: float, what: str) -> None:
    """Return once `predicate` holds; fail, naming `what`, if it does not within `deadline_s` seconds."""
    end = time.monotonic() + deadline_s
    while not predicate():
        if time.monotonic() > end:
            message = f"not within {deadline_s:g} s: {what}"
            raise AssertionError(message)
        time.sleep(POLL_S)


def task_state(tid: int) -> str:
    """Give the state letter of a task from /proc/TID/stat (proc(5)): R S D T t Z X; empty if it is gone."""
    try:
        stat = Path(f"/proc/{tid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return stat.rpartition(")")[2].split()[0]


def status_field(tid: int, field: str) -> str:
    """Give one field of /proc/TID/status, empty if the task is gone or has no such field."""
    try:
        status = Path(f"/proc/{tid}/status").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return value.strip()
    return ""


def tracer_pid(tid: int) -> int:
    """Give the pid of who traces a task, 0 if nobody does or the task is gone."""
    return int(status_field(tid, "TracerPid") or 0)


def wait_for_state(tid: int, letters: str, deadline_s: float = 10.0) -> None:
    """Wait until a task's state is one of `letters`."""
    wait_until(
        lambda: task_state(tid) in letters,
        deadline_s,
        f"task {tid} in a state of {letters!r}; it is in {task_state(tid)!r}",
    )
