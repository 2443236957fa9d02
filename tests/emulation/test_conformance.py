"""ptrace(2) and wait(2) under a session: what the kernel does is right.

Each case of tests/programs/ptrace_*.c runs on the kernel and under `utrace run`; what it says, and how it
ends, is to be the same.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from tests.tracees import build

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.core

PROGRAMS: Final = (
    "ptrace_stops",
    "ptrace_births",
    "ptrace_waits",
    "ptrace_calls",
    "ptrace_signals",
    "ptrace_seccomp",
    "ptrace_follow",
)
DEADLINE_S: Final = 25


def cases() -> list[tuple[str, str]]:
    return [(program, case) for program in PROGRAMS for case in _cases_of(program)]


@functools.cache
def _cases_of(program: str) -> tuple[str, ...]:
    listed = subprocess.run([build(program)], capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    return tuple(listed.stdout.split())


def run(command: list[str | Path]) -> tuple[int, list[str]]:
    """Run to the end: the exit status, and what was said, each process' lines by themselves."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=DEADLINE_S
    )
    lines = done.stdout.splitlines()
    return done.returncode, sorted(lines, key=lambda line: line.startswith("> "))


@pytest.mark.parametrize(("program", "case"), cases())
def test_as_on_the_kernel(program: str, case: str) -> None:
    path = build(program)
    with ThreadPoolExecutor(2) as pool:
        native, served = pool.map(run, ([path, case], [sys.executable, "-m", "utrace", "run", path, case]))
    assert native[1]
    assert served == native
