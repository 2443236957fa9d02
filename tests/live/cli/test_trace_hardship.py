"""`utrace trace` of the many, the quick and the hostile: nothing lost, nothing disturbed, bounded memory."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.live.cli.oracle import TRACE, lines_of
from tests.tracees import build

pytestmark = pytest.mark.requires("gcc")

KIB_TO_MIB: Final = 1 / 1024
#: What Python, the tables of system calls and a few tasks take; a task more must not leave anything behind.
MEMORY_MIB: Final = 120

PROCESSES: Final = int(os.environ.get("UTRACE_SHORT_LIVES", "1500"))
THREADS: Final = PROCESSES // 2
HARD_CALLS: Final = int(os.environ.get("UTRACE_HARD_CALLS", "5000"))
DEADLINE_S: Final = 300 + (PROCESSES + HARD_CALLS) // 500
LOOK_S: Final = 0.02


def traced(log: Path, *words: str | Path) -> tuple[int, float]:
    """Trace a command into a file: its exit status, and the most memory that the tracer had, in MiB.

    Looked at again and again: what wait4(2) tells has the memory of the test, which forked, in it.
    """
    command = [*TRACE, "-f", "-o", log, *words]
    with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL) as tracer:
        most_kib = 0
        while True:
            most_kib = max(most_kib, peak_kib(tracer.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                return tracer.wait(LOOK_S), most_kib * KIB_TO_MIB


def peak_kib(pid: int) -> int:
    """Read the most memory that the program of a process has had; 0 once it is dead."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


@pytest.mark.timeout(DEADLINE_S)
def test_short_lives_are_all_written_and_leave_nothing_behind(tmp_path: Path) -> None:
    program = build("short_lives")
    status, memory_mib = traced(tmp_path / "log", program, str(PROCESSES), str(THREADS))
    assert status == 0
    lines = lines_of((tmp_path / "log").read_text())
    calls = collections.Counter(line.call for line in lines)
    ends = collections.Counter(line.text for line in lines if line.text.startswith("+++"))
    assert calls["getppid"] == PROCESSES + THREADS
    assert ends == {"+++ exited with 7 +++": PROCESSES, "+++ exited with 0 +++": THREADS + 1}
    # A SIGCHLD makes fork() begin anew: ERESTARTNOINTR.
    born = [line for line in lines if line.call in {"clone", "clone3", "fork"} and line.outcome == "ok"]
    assert len(born) == PROCESSES + THREADS
    assert memory_mib < MEMORY_MIB


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.parametrize("what", ["strings", "lengths", "changes", "signals", "execs", "traces"])
def test_hostile_programs_are_neither_disturbed_nor_a_danger(what: str, tmp_path: Path) -> None:
    count = HARD_CALLS // 50 if what == "execs" else HARD_CALLS
    status, memory_mib = traced(tmp_path / "log", build("hostile"), what, str(count))
    assert status == 0
    lines = lines_of((tmp_path / "log").read_text("utf-8", "surrogateescape"))
    assert lines[-1].text == "+++ exited with 0 +++"
    counted = collections.Counter(line.text.split(" {")[0] for line in lines if line.text.startswith("---"))
    calls = collections.Counter(line.call for line in lines)
    if what == "signals":
        assert counted["--- SIGUSR1"] == calls["tgkill"] == calls["rt_sigreturn"] == count
    elif what == "execs":
        assert sum(line.text.startswith("+++ superseded by execve in pid ") for line in lines) == count
    elif what == "changes":
        assert calls["writev"] == count
    assert memory_mib < MEMORY_MIB


def test_a_disk_that_fills_costs_lines_and_says_how_many() -> None:
    done = subprocess.run(
        [*TRACE, "-f", "-o", "/dev/full", build("short_lives"), "50", "0"],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0
    assert "lines lost" in done.stderr
    assert "No space left on device" in done.stderr
