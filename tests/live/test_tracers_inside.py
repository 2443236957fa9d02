"""What an unmodified tracer sees beside other engines is what really happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tracees import build

HERE = Path(__file__).parent
UTRACE = Path(sys.executable).with_name("utrace")
DEADLINE_S = 60
ROUNDS = 300


def traced(tmp_path: Path, *options: str) -> list[str]:
    """Run the program under strace under the session; give strace's lines."""
    log = tmp_path / "log"
    words: list[str | Path] = [
        "strace",
        "-e",
        "trace=getuid,getpid,getppid",
        "-o",
        log,
        build("who"),
        str(ROUNDS),
    ]
    subprocess.run([UTRACE, "run", *options, "--", *words], check=True, timeout=DEADLINE_S)
    return log.read_text().splitlines()


@pytest.mark.requires("strace", "gcc")
@pytest.mark.law("INV-47")
def test_no_stop_of_many_is_gone_when_strace_asks_for_it(tmp_path: Path) -> None:
    lines = traced(tmp_path)
    assert [line for line in lines if line.startswith("getpid()")] == lines[1 : ROUNDS + 1]
    assert lines[-1] == "+++ exited with 0 +++"


@pytest.mark.requires("strace", "gcc")
@pytest.mark.law("INV-44", "INV-14")
def test_strace_shows_the_call_that_an_engine_ahead_of_it_has_made_of_it(tmp_path: Path) -> None:
    lines = traced(tmp_path, "--engine", f"{HERE / 'late_rewriter.py'}:Late")
    assert lines[0].startswith("getuid()")
    assert {line.partition("(")[0] for line in lines[1:-1]} == {"getppid"}
    assert len(lines) == ROUNDS + 2
