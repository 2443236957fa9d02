"""Colours of a terminal."""

from __future__ import annotations

import os
import re

import pytest

from utrace.engines.colour import is_wanted, paint

LINES = (
    'openat(AT_FDCWD, "/x", O_RDONLY)        = -1 ENOENT (No such file or directory) (INJECTED)\n'
    "[pid    17] close(3 <unfinished ...>\n"
    "[pid    17] <... close resumed>)                 = 0\n"
    "--- SIGCHLD {si_signo=SIGCHLD} ---\n"
    "+++ exited with 0 +++\n"
)


def test_the_text_stays_as_it_is() -> None:
    painted = paint(LINES)
    assert re.sub(r"\x1b\[\d+m", "", painted) == LINES
    assert painted != LINES


@pytest.mark.parametrize(
    ("piece", "colour"),
    [
        ("openat", 36),
        ("-1 ENOENT (No such file or directory)", 31),
        (" (INJECTED)", 35),
        ("--- SIGCHLD {si_signo=SIGCHLD} ---", 33),
        ("+++ exited with 0 +++", 1),
        (" <unfinished ...>", 2),
        ("close", 36),
    ],
)
def test_pieces_have_their_colours(piece: str, colour: int) -> None:
    assert f"\x1b[{colour}m{piece}\x1b[0m" in paint(LINES)


def test_only_a_terminal_is_coloured_by_itself() -> None:
    here, there = os.openpty()
    try:
        assert is_wanted("auto", there, {"TERM": "xterm"})
        assert not is_wanted("auto", there, {"TERM": "dumb"})
        assert not is_wanted("auto", there, {"TERM": "xterm", "NO_COLOR": "1"})
        assert not is_wanted("never", there, {"TERM": "xterm"})
        assert is_wanted("always", -1, {})
        assert not is_wanted("auto", -1, {"TERM": "xterm"})
    finally:
        os.close(here)
        os.close(there)
