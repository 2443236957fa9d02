"""The headline: strace, two gdbs and an engine in Python on one threaded server, each leaving in turn."""

from __future__ import annotations

import sys
from itertools import permutations, product
from pathlib import Path
from typing import Final

import pytest

from tests.emulation.test_gdb import outcome
from tests.tracees import build

HERE: Final = Path(__file__).parent
WAYS: Final = (("quit", "kill", "quit"), ("kill", "quit", "kill"))
"""Over all orders, each tracer leaves first, second and last, and in both ways."""
LEAVING: Final = [
    " ".join(f"{name}:{way}" for name, way in zip(order, ways, strict=True))
    for order, ways in product(permutations(("strace", "gdb1", "gdb2")), WAYS)
]

IN_CI: Final = (LEAVING[0], LEAVING[7])


@pytest.mark.requires("gdb", "strace")
@pytest.mark.parametrize(
    "leaving",
    [pytest.param(order, marks=[pytest.mark.core] if order in IN_CI else []) for order in LEAVING],
)
def test_tracers_and_an_engine_share_one_server(leaving: str, tmp_path: Path) -> None:
    session = [sys.executable, "-m", "utrace", "run", "--engine", str(HERE / "refuses.py"), "--"]
    driver = [sys.executable, str(HERE / "tracers_on_one.py"), str(build("serves")), str(tmp_path)]
    told = outcome([*session, *driver, *leaving.split()], tmp_path / "run")
    assert told == "the server serves on\nexit status 0", told
