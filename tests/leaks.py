"""What a test may leave behind: nothing.  Processes, threads and descriptors that outlive it are leaks.

Our processes are known by a variable in their environment, which children inherit, so that one whose
parent is gone is found too.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.waiting import status_field, task_state, tracer_pid, wait_until

MARK: Final = "UTRACE_TEST_RUN"
GRACE_S: Final = 5.0


def mark_descendants() -> None:
    """Have every process started from here on carry our mark."""
    os.environ[MARK] = f"{os.getpid()}-{time.monotonic_ns()}"


def processes() -> set[int]:
    """Give the pids of living processes that carry our mark, and of our own dead, unreaped children."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        pid = int(entry.name)
        try:
            if is_own_zombie(pid) or mark in (entry / "environ").read_bytes().split(b"\0"):
                found.add(pid)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def is_own_zombie(pid: int) -> bool:
    """Say whether this is a dead child of ours that nobody has waited for."""
    return task_state(pid) == "Z" and status_field(pid, "PPid") == str(os.getpid())


def descriptors() -> dict[int, str]:
    """Give our open descriptors and what they lead to."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found[int(entry.name)] = str(entry.readlink())
        except FileNotFoundError:
            continue
    return found


def describe(pid: int) -> str:
    """Say in one line what a survivor is."""
    try:
        command = (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        )
    except (FileNotFoundError, ProcessLookupError):
        command = ""
    return f"pid {pid} state {task_state(pid) or '-'} tracer {tracer_pid(pid)}: {command or '(dead)'}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What existed before a test."""

    processes: frozenset[int]
    descriptors: frozenset[int]
    threads: frozenset[int]

    @classmethod
    def take(cls) -> Snapshot:
        """Look around."""
        return cls(
            processes=frozenset(processes()),
            descriptors=frozenset(descriptors()),
            threads=frozenset(thread.ident for thread in threading.enumerate() if thread.ident is not None),
        )

    def leaked(self) -> list[str]:
        """Give a line for everything new, after a time of grace; kill such processes."""
        gc.collect()
        try:
            wait_until(lambda: not self._new(), GRACE_S, "the end of everything the test started")
        except AssertionError:
            lines = self._new()
            for pid in processes() - self.processes:
                if task_state(pid) not in {"", "Z"}:
                    os.kill(pid, signal.SIGKILL)
            return lines
        return []

    def _new(self) -> list[str]:
        lines = [describe(pid) for pid in sorted(processes() - self.processes)]
        lines += [
            f"thread {thread.name}"
            for thread in threading.enumerate()
            if thread.ident not in self.threads and thread.is_alive()
        ]
        lines += [
            f"descriptor {fd} -> {target}"
            for fd, target in descriptors().items()
            if fd not in self.descriptors
        ]
        return lines
