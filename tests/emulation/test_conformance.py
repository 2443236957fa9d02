"""ptrace(2) and wait(2) under a session: what the kernel does is right.

Each case of tests/programs/ptrace_*.c runs on the kernel and under `utrace run`; what it says, and how it
ends, is to be the same.  The cases of one program share a session, one after the other.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.tracees import build

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

pytestmark = pytest.mark.core

PROGRAMS: Final = (
    "ptrace_stops",
    "ptrace_notices",
    "ptrace_births",
    "ptrace_waits",
    "ptrace_lists",
    "ptrace_order",
    "ptrace_access",
    "ptrace_calls",
    "ptrace_i386",
    "ptrace_rows",
    "ptrace_signals",
    "ptrace_seccomp",
    "ptrace_follow",
    "ptrace_late",
    "ptrace_found",
    "ptrace_proc",
)
OPTIONS: Final = {"ptrace_proc": ("--hide",)}
SHOWN_TO_DEBUGGERS: Final = ("of_tracee", "of_stopped", "by_folder")
"""Cases of ptrace_proc in which a debugger looks, as others may with --hide."""
DEADLINE_S: Final = 25
DEADLINE_OF_ALL_S: Final = 180
UTRACE: Final = (sys.executable, "-m", "utrace", "run")
EACH: Final = """
program=$1; shift
for case; do "$program" $case > $case.said 2>&1; echo $? > $case.status; done
"""


def cases() -> list[tuple[str, str]]:
    return [(program, case) for program in PROGRAMS for case in cases_of(program)]


@functools.cache
def cases_of(program: str) -> tuple[str, ...]:
    listed = subprocess.run([build(program)], capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    return tuple(listed.stdout.split())


def run_cases(
    prefix: Sequence[str | Path], program: str, names: Sequence[str]
) -> Mapping[str, tuple[str, list[str]]]:
    """Run cases of a program: the exit status of each, and what was said, each process by itself."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(
            [*prefix, "sh", "-c", EACH, "sh", build(program), *names],
            check=True,
            cwd=name,
            env={**os.environ, "EXITS32": str(build("exits32", bits=32))},
            timeout=DEADLINE_OF_ALL_S,
            # In an orphaned group, as that of a test run that is its own session, SIGTSTP stops nobody.
            process_group=0,
        )
        return {
            case: (
                Path(name, f"{case}.status").read_text(),
                sorted(
                    Path(name, f"{case}.said").read_text().splitlines(), key=lambda line: line[:2] == "> "
                ),
            )
            for case in names
        }


@functools.cache
def told(program: str) -> tuple[Mapping[str, tuple[str, list[str]]], ...]:
    """Tell what all cases of a program say, natively and in a session."""
    session = (*UTRACE, *OPTIONS.get(program, ()), "--")
    with ThreadPoolExecutor(2) as pool:
        return tuple(pool.map(lambda prefix: run_cases(prefix, program, cases_of(program)), ((), session)))


@pytest.mark.parametrize(("program", "case"), cases())
def test_as_on_the_kernel(program: str, case: str) -> None:
    native, served = told(program)
    assert native[case][1]
    assert served[case] == native[case]


def test_debuggers_see_themselves_in_proc_also_without_hiding() -> None:
    native, _ = told("ptrace_proc")
    served = run_cases((*UTRACE, "--"), "ptrace_proc", SHOWN_TO_DEBUGGERS)
    assert served == {case: native[case] for case in SHOWN_TO_DEBUGGERS}


def test_the_first_program_asks_to_be_traced_as_on_the_kernel() -> None:
    asks = (build("ptrace_access"), "ask_twice")
    native, served = (
        subprocess.run(
            [*prefix, *asks], capture_output=True, text=True, check=True, timeout=DEADLINE_S
        ).stdout
        for prefix in ((), (*UTRACE, "--"))
    )
    assert served == native == "TRACEME: ok\nTRACEME: EPERM\n"
