"""The search for a planted bug: the CI budget, spent in the same order whatever is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from tests.simulation.scenarios import HARSH, SMALL
from utrace.testing.explore import Budget, Exhaustive, Seeded, explore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from utrace.testing.explore import Strategy
    from utrace.testing.scenario import Scenario


class Found(TypedDict):
    """What a search found, if anything; `runs` are all interleavings until then."""

    found: bool
    scheduler: str
    scenario: str
    runs: int
    error: str


ROUNDS: Final[tuple[tuple[tuple[Scenario, ...], Callable[[], Strategy], int], ...]] = (
    (SMALL, lambda: Seeded("random", 1), 8),
    (SMALL, lambda: Seeded("pct 3", 1), 16),
    (SMALL, lambda: Seeded("uneven", 1), 16),
    (HARSH, lambda: Seeded("uneven", 1), 12),
    (SMALL, Exhaustive, 60),
    (SMALL, lambda: Seeded("random", 1000), 60),
    (SMALL, Exhaustive, 150),
)
"""Each is what scenarios get, a strategy, and how many runs of it."""


def searches() -> Iterator[tuple[Scenario, Strategy, int]]:
    for scenarios, make, runs in ROUNDS:
        for scenario in scenarios:
            yield scenario, make(), runs


def search() -> Found:
    """Look until something is found or the budget is used up."""
    total = 0
    for scenario, strategy, runs in searches():
        report = explore(scenario, strategy, Budget(runs=runs))
        total += report.runs
        if report.failure is not None:
            error = f"{type(report.failure.error).__name__}: {report.failure.error}".splitlines()[0][:100]
            return Found(found=True, scheduler=strategy.name, scenario=scenario.name, runs=total, error=error)
    return Found(found=False, scheduler="", scenario="", runs=total, error="")
