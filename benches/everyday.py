"""The tracers that people use, on the programs that people trace: whole runs, alone and under each tracer.

UTRACE_BENCH_SIZE=4 makes the programs four times as long; what is said of them here holds for 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benches.candidates import UTRACE, Whole
from benches.placement import CPUS, Placement
from benches.programs import ALLOWED, BUILT, C_TRACER, LOOP
from benches.rounds import Group, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benches.rounds import Result

NEVER_SLOWER: Final = 1.0
"""utrace against strace at the same placement."""
CALLS_BUDGET: Final = 0.2
"""The same where a program does nothing but calls, bound to no CPU."""
UNMATCHED_BUDGET: Final = 1.05
"""A program of which nothing is traced, against the program alone."""

SIZE: Final = max(1, int(os.environ.get("UTRACE_BENCH_SIZE", "1")))
FEW: Final = "openat,execve,clone,vfork,clone3"
"""Calls that most programs make, and seldom."""
NEVER: Final = "swapon"
TREES: Final = BUILT / f"trees-{SIZE}"

_OWN_TIME: Final = ", its own time"

STRACE: Final = ("strace", "-f", "-o", "/dev/null")
LOOKS: Final = (str(C_TRACER), "-i")
TRACE: Final = (str(UTRACE), "trace", "-f", "-o", "/dev/null")


@dataclass(frozen=True, slots=True)
class Program:
    """Something to trace.

    Attributes:
        prepare: makes what it works on, once.
        budget: of utrace against strace, bound to no CPU.
    """

    name: str
    command: tuple[str, ...]
    prepare: Callable[[], None] | None = None
    budget: float = NEVER_SLOWER


def _worktree() -> None:
    """A repository of 1,500 files in 100 folders, all committed."""
    tree = TREES / "repository"
    if tree.exists():
        return
    for number in range(1500 * SIZE):
        path = tree / f"folder{number % 100}" / f"file{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n", encoding="ascii")
    author = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "all")):
        subprocess.run(("git", "-C", tree, *author, *words), check=True, stdout=subprocess.DEVNULL)


def _sources() -> None:
    """A makefile for six small C files and a program of them."""
    folder = TREES / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"part{number}" for number in range(6 * SIZE)]
    for name in names:
        text = f"#include <stdio.h>\n#include <stdlib.h>\nint {name}(void) {{ return puts(__FILE__); }}\n"
        (folder / f"{name}.c").write_text(text, encoding="ascii")
    (folder / "main.c").write_text("int main(void) { return 0; }\n", encoding="ascii")
    objects = " ".join(f"{name}.o" for name in (*names, "main"))
    (folder / "Makefile").write_text(f"all: {objects}\n\tgcc -o all {objects}\n", encoding="ascii")


_TESTS: Final = '''"""Tests that work with files, as many do."""

import pathlib
import tempfile
import unittest


class Files(unittest.TestCase):
    def work(self, number):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "a")
            path.write_text(str(number))
            self.assertEqual(path.read_text(), str(number))
            path.rename(path.with_name("b"))
            self.assertEqual([one.name for one in pathlib.Path(folder).iterdir()], ["b"])


for number in range(COUNT):
    setattr(Files, f"test_{number}", lambda self, number=number: self.work(number))
'''


def _tests() -> None:
    """A hundred tests."""
    folder = TREES / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test_files.py").write_text(_TESTS.replace("COUNT", str(100 * SIZE)), encoding="ascii")


def _in(folder: Path) -> str:
    return str(folder)


PROGRAMS: Final = (
    Program("getppid loop", (str(LOOP), str(20_000 * SIZE)), budget=CALLS_BUDGET),
    Program("find /usr", ("find", "/usr", "-xdev", "-maxdepth", str(2 + SIZE), "-newer", "/")),
    Program("git status", ("git", "-C", _in(TREES / "repository"), "status"), _worktree),
    Program("make -j2", ("make", "-s", "-B", "-j2", "-C", _in(TREES / "sources")), _sources),
    Program(
        "python -m unittest",
        (sys.executable, "-m", "unittest", "discover", "-q", "-s", _in(TREES / "tests")),
        _tests,
    ),
)


def group(program: Program, *, limit_s: float) -> Group:
    """Measure one program under everything."""

    def under(tracer: str, words: tuple[str, ...], placement: Placement = Placement.FREE) -> Whole:
        return Whole(tracer, words, program.command, placement)

    if program.prepare is not None:
        program.prepare()
    native, filtered = under("native", ()), under("a filter that lets all go", (str(ALLOWED),))
    strace, trace, stops = (
        under("strace", STRACE),
        under("utrace", TRACE),
        under("utrace by stops", (*TRACE, "--no-tap")),
    )
    looks, yields = (("C tracer that only looks", LOOKS), ("C tracer that yields", (*LOOKS, "-y")))
    never = under("utrace, a call never made", (*TRACE, "-e", f"trace={NEVER}"))
    few = ("-e", f"trace={FEW}")
    some, our_some = (
        under("strace --seccomp-bpf, few calls", (*STRACE, "--seccomp-bpf", *few)),
        under("utrace, few calls", (*TRACE, *few)),
    )
    rows = [
        Row(native),
        Row(strace, native),
        Row(under("perf trace", ("perf", "trace", "-o", "/dev/null", "--")), native),
        Row(under(*looks), strace),
        Row(under(*yields), strace),
        Row(trace, native),
        Row(trace, strace, program.budget),
        Row(stops, strace, NEVER_SLOWER),
        Row(some, native),
        Row(our_some, some, NEVER_SLOWER),
        Row(filtered, native),
        Row(never, filtered),
        Row(never, native, UNMATCHED_BUDGET),
    ]
    if len(CPUS) > 1:
        pinned = under("strace", STRACE, Placement.ONE)
        rows += [
            Row(pinned, native),
            Row(under(*looks, Placement.ONE), pinned),
            Row(under(*yields, Placement.ONE), pinned),
            Row(under("utrace", TRACE, Placement.ONE), pinned, NEVER_SLOWER),
            Row(under("utrace by stops", (*TRACE, "--no-tap"), Placement.ONE), pinned, NEVER_SLOWER),
        ]
    return Group(f"{program.name}{_OWN_TIME}", "ms", rows, rounds=9, limit_s=limit_s)


def groups(limit_s: float = 22) -> list[Group]:
    """List the programs whose parts are installed."""
    return [group(program, limit_s=limit_s) for program in PROGRAMS if shutil.which(program.command[0])]


def matrix(results: Mapping[str, Sequence[Result]]) -> str:
    """Draw the medians of all programs, a column for each tracer and placement; "" if none was measured."""
    found = {
        title.removesuffix(_OWN_TIME): {
            f"{row.what}, one CPU" if row.cpus == Placement.ONE.value else row.what: row.median
            for row in rows
        }
        for title, rows in results.items()
        if title.endswith(_OWN_TIME)
    }
    columns = list(dict.fromkeys(name for medians in found.values() for name in medians))
    table = [["ms, medians", *columns]]
    for program, medians in found.items():
        cells = [medians.get(column) for column in columns]
        table.append([program, *("-" if cell is None else f"{cell:.0f}" for cell in cells)])
    lines = [
        "  ".join(
            word.ljust(19) if place == 0 else word.rjust(len(columns[place - 1])) for place, word in row
        )
        for row in map(list, map(enumerate, table))
    ]
    return "\n".join(lines) if found else ""
