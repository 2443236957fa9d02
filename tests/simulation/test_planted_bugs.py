"""The exploration is tested by bugs it has to find: all of them, and none where there is none."""

from __future__ import annotations

import concurrent.futures
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.planted import NOTHING
from utrace.errors import invariant

if TYPE_CHECKING:
    from tests.simulation.search import Found

PROGRAM: Final = Path(__file__).with_name("planted.py")
DEADLINE_S: Final = 100
AT_ONCE: Final = 2
LEAST: Final = 24


def search_in_a_process(name: str) -> Found:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), name], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    invariant(done.returncode == 0, "a search ends", name=name, stderr=done.stderr)
    found: Found = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def table() -> dict[str, Found]:
    """Search for every planted bug, and for none, two at a time."""
    names = [NOTHING, *(mutant.name for mutant in MUTANTS)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as processes:
        return dict(zip(names, processes.map(search_in_a_process, names), strict=True))


def show(table: dict[str, Found]) -> str:
    return "\n".join(
        f"{name:58} {found['scheduler']:12} {found['scenario']:36} {found['runs']:6}"
        for name, found in table.items()
    )


@pytest.mark.timeout(200)
def test_every_planted_bug_is_found(table: dict[str, Found]) -> None:
    sys.stdout.write(show(table) + "\n")
    assert len(MUTANTS) >= LEAST
    assert not [name for name, found in table.items() if not found["found"] and name != NOTHING], show(table)


@pytest.mark.timeout(200)
def test_without_a_planted_bug_the_same_search_finds_nothing(table: dict[str, Found]) -> None:
    assert not table[NOTHING]["found"], table[NOTHING]


def test_a_bug_that_cannot_be_planted_is_an_error() -> None:
    mutant = Mutant("gone", "utrace.core.control", "no such text", "")
    with pytest.raises(ValueError, match="0 places"):
        mutant.apply("source")


def test_names_of_planted_bugs_are_unique() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
