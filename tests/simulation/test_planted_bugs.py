"""The exploration is tested by bugs it has to find: all of them, and none where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.planted import NOTHING
from tests.simulation.planted_table import search_for_all, show
from tests.simulation.totals import TABLES

if TYPE_CHECKING:
    from tests.simulation.search import Found

LEAST: Final = 24


@pytest.fixture(scope="module")
def table() -> dict[str, Found]:
    return search_for_all()


@pytest.mark.timeout(600)
def test_every_planted_bug_is_found(table: dict[str, Found]) -> None:
    TABLES.append(show(table))
    assert len(MUTANTS) >= LEAST
    assert not [name for name, found in table.items() if not found["found"] and name != NOTHING], show(table)


@pytest.mark.timeout(600)
def test_without_a_planted_bug_the_same_search_finds_nothing(table: dict[str, Found]) -> None:
    assert not table[NOTHING]["found"], table[NOTHING]


def test_a_bug_that_cannot_be_planted_is_an_error() -> None:
    mutant = Mutant("gone", "utrace.core.control", "no such text", "")
    with pytest.raises(ValueError, match="0 places"):
        mutant.apply("source")


def test_names_of_planted_bugs_are_unique() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
