"""What two tracers of one program are told of each other's steps (INV-44, D12)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.emulation.test_gdb import outcome
from tests.tracees import build

if TYPE_CHECKING:
    from pathlib import Path

BY_THE_OTHER = (
    "thread 1 stopped by SIGTRAP event none\nthread 1: SIGTRAP code 4, hits 0x1, step 0, watched 1\n"
)
BY_WHO_STEPS = (
    "> thread 1 stopped by SIGTRAP event none\n> thread 1: SIGTRAP code 2, hits 0, step 1, watched 1\n"
)


@pytest.mark.core
@pytest.mark.parametrize(
    ("case", "before"), [("step_over", ""), ("lent_step", "thread 2 stopped by SIGTRAP event none\n")]
)
def test_a_watchpoint_hit_in_anothers_step_is_told(case: str, before: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "utrace", "run", "--", str(build("two_tracers")), case]
    told = outcome(argv, tmp_path / "run")
    lines = sorted(told.splitlines(keepends=True), key=lambda line: line.startswith("> "))
    assert "".join(lines) == f"{before}{BY_THE_OTHER}exit status 0{BY_WHO_STEPS}", told
