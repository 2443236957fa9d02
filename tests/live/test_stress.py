"""A few seconds of tools/stress.py: random engines, calls, signals and kills over storms of tasks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.tree import ROOT

SECONDS = 8
DEADLINE_S = 110


@pytest.mark.requires("gcc")
@pytest.mark.parametrize("seed", [20091116, 20091220])
def test_storms_break_no_law(seed: int) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "stress.py", "--seconds", str(SECONDS), "--seed", str(seed)],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 laws broken" in done.stdout
