"""Every scenario under several schedulers: no law is broken, nothing hangs."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.simulation.scenarios import HARSH, HARSH_SPEC, SMALL
from tests.simulation.scenarios_of_the_spec import SPEC
from tests.simulation.totals import REPORTS
from utrace.testing import Budget, Exhaustive, Scenario, Seeded, explore, shrink

if TYPE_CHECKING:
    from utrace.testing.explore import Strategy

SEEDED: Final = (("random", 25), ("pct 3", 25), ("uneven", 25))
EXHAUSTIVE: Final = Budget(runs=150, seconds=1.0)
FEW: Final = Budget(runs=12)


def require_no_violation(scenario: Scenario, strategy: Strategy, budget: Budget) -> None:
    report = explore(scenario, strategy, budget)
    REPORTS.append(report)
    assert report.laws_checked
    # As text: of anything else only the beginning would be shown.
    assert report.failure is None, str(shrink(scenario, report.failure, runs_max=300))


@pytest.mark.parametrize("scenario", [*SMALL, *SPEC], ids=lambda scenario: scenario.name)
@pytest.mark.law("INV-1")
@pytest.mark.law("INV-4")
@pytest.mark.law("INV-7")
@pytest.mark.law("INV-17")
@pytest.mark.law("INV-18")
@pytest.mark.law("INV-20")
@pytest.mark.law("INV-39")
@pytest.mark.law("INV-41")
def test_small_scenario_breaks_no_law(scenario: Scenario) -> None:
    require_no_violation(scenario, Exhaustive(), EXHAUSTIVE)
    for kind, runs in SEEDED:
        require_no_violation(scenario, Seeded(kind, 1), Budget(runs=runs))


@pytest.mark.law("INV-32")
@pytest.mark.law("INV-33")
def test_killed_at_any_moment_no_scenario_breaks_a_law() -> None:
    seed = secrets.randbelow(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    for scenario in (*HARSH, *HARSH_SPEC):
        for kind in ("random", "pct 3", "uneven"):
            require_no_violation(scenario, Seeded(kind, 1), FEW)
            require_no_violation(scenario, Seeded(kind, seed), FEW)


@pytest.mark.parametrize(
    "name", ["answered_stop_is_resumed", "mask_grows", "kill_at_entry_stop", "exec_by_a_thread"]
)
def test_small_scenario_is_small_enough_to_make_every_run(name: str) -> None:
    scenario = next(scenario for scenario in SMALL if scenario.name == name)
    assert explore(scenario, Exhaustive(), Budget(runs=3_000)).complete
