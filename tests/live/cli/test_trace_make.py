"""A build traced by us and by strace: the same calls with the same outcome, program by program."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import pytest

from tests.live.cli.oracle import STRACE, TRACE, by_program, logged

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.requires("strace", "gcc")

_MAKEFILE: Final = """\
OBJECTS = main.o square.o

prog: $(OBJECTS)
\t$(CC) -o $@ $(OBJECTS)
\t./prog

%.o: %.c square.h
\t$(CC) -O1 -c -o $@ $<
"""
#: glibc's mkstemp() draws again, at random, in one of some twenty cases.
_DICE: Final = "getrandom"

_FILES: Final = {
    "Makefile": _MAKEFILE,
    "square.h": "int square(int);\n",
    "square.c": '#include "square.h"\nint square(int n) { return n * n; }\n',
    "main.c": '#include "square.h"\nint main(void) { return square(7) != 49; }\n',
}
_CHANGES: Final = {
    "good": {},
    "syntax error": {"square.c": '#include "square.h"\nint square(int n) { return n *; }\n'},
    "failing program": {"main.c": '#include "square.h"\nint main(void) { return square(2); }\n'},
    "killed program": {"main.c": "#include <stdlib.h>\nint main(void) { abort(); }\n"},
}


def _project(where: Path, change: str) -> Path:
    # The same place both times: the length of a path decides about memory asked for.
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir()
    for name, text in (_FILES | _CHANGES[change]).items():
        (where / name).write_text(text)
    return where


@pytest.mark.parametrize("change", _CHANGES)
def test_a_build_makes_the_same_calls_under_both(change: str, tmp_path: Path) -> None:
    # Without address space randomisation malloc() asks for memory equally often in each run.
    command = ("setarch", "-R", "make", "-j1")
    place = tmp_path / "project"
    ours = logged(TRACE, tmp_path / "ours", *command, cwd=_project(place, change))
    theirs = logged(STRACE, tmp_path / "theirs", *command, cwd=_project(place, change))
    assert ours[0] == theirs[0] == (0 if change == "good" else 2)
    mine, other = (by_program(line for line in lines if line.call != _DICE) for _, lines in (ours, theirs))
    assert {"make", "cc1", "as"} <= {program for program, _, _ in mine}
    assert (mine - other, other - mine) == ({}, {})


def test_a_build_that_dies_by_a_signal_dies_so_under_both(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all:\n\t@kill -KILL $$PPID\n")
    statuses = [logged(tool, tmp_path / "log", "make", cwd=tmp_path)[0] for tool in (TRACE, STRACE)]
    assert statuses == [-9, -9]
