"""Engines' logs of the combined scenarios: SimKernel against Linux, through the whole stack of each.

Linux is right: where the two differ the simulation, or what a row calls guaranteed, is to be mended.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import pytest

from tests.conformance.playing import Play
from tests.simulation.scenarios_of_the_spec import ROWS
from utrace.testing import DepthFirst, RunCut, Scheduler, Uneven
from utrace.testing.explore import silence
from utrace.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.simulation.logs import Log
    from tests.simulation.spec_rows import Row

EXHAUSTIVE_RUNS: Final = 150
LINES_OF_THE_TABLE: Final = range(1, 19)


def schedulers(row: Row) -> Iterator[Scheduler]:
    if row.seeds > 1:
        explorer = DepthFirst()
        for number in explorer.runs():
            if number == EXHAUSTIVE_RUNS:
                break
            yield explorer
    for seed in range(row.seeds):
        yield Uneven(seed)


def simulated_logs(row: Row) -> set[Log]:
    logs = set()
    for scheduler in schedulers(row):
        world = World(row.scenario, scheduler)
        with silence():
            try:
                world.run()
            except RunCut:
                continue
        logs.add(row.guaranteed.of(world.log, world.tids))
    return logs


def linux_logs(row: Row, text: Path) -> set[Log]:
    lots = random.Random(1)  # noqa: S311
    logs = set()
    for _ in range(row.runs):
        play = Play(row.scenario, text, lots)
        play.run()
        logs.add(row.guaranteed.of(play.log, play.names))
    return logs


def show(logs: set[Log]) -> str:
    return "\n  or\n".join("\n".join(log) for log in sorted(logs))


@pytest.mark.law("INV-4", "INV-5", "INV-6", "INV-8", "INV-12", "INV-14", "INV-20", "INV-25", "INV-27")
@pytest.mark.law("INV-32", "INV-33", "INV-49", "LB-5")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.scenario.name)
def test_engines_are_told_the_same_by_both_kernels(row: Row, tmp_path: Path) -> None:
    text = tmp_path / "guest.txt"
    text.write_text(row.scenario.text)
    simulated, real = simulated_logs(row), linux_logs(row, text)
    assert real <= simulated, f"only on Linux:\n{show(real - simulated)}\nsimulated:\n{show(simulated)}"
    if row.same:
        assert len(simulated) == 1, show(simulated)
    if row.lines:
        assert simulated == {row.lines}, show(simulated)


def test_every_line_of_the_table_is_there() -> None:
    assert {row.number for row in ROWS} - {0} == set(LINES_OF_THE_TABLE)
