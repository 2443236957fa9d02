"""Explore everything, and print a table: `make explore`, or `make explore HOURS=1`; or `make planted`.

Every small scenario is explored depth first, and all are sampled; with hours that takes longer, and
then random and PCT runs go on with fresh seeds, which are printed, until the time is over.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from pathlib import Path
from typing import Final

from tests.simulation.planted_table import search_for_all, show
from tests.simulation.scenarios import ALL, BY_NAME, SMALL
from tests.simulation.scenarios_of_the_spec import SPEC
from tests.simulation.totals import show_totals
from utrace.testing import Budget, Exhaustive, Report, Seeded, explore, shrink

KINDS: Final = ("random", "pct 2", "pct 3", "pct 4", "uneven")
SMALL_BUDGET: Final = Budget(runs=20_000, seconds=1.5)
HOUR_BUDGET: Final = Budget(runs=200_000, seconds=12.0)
SAMPLE: Final = Budget(runs=40, seconds=1.0)
HOUR_SAMPLE: Final = Budget(runs=400)
FOUND: Final = Path("build")


def main() -> int:
    """Explore; the exit status is the number of scenarios in which a law was broken, at most 100."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=0.0, help="go on with fresh seeds for so long")
    parser.add_argument("--planted", action="store_true", help="search for the planted bugs instead")
    options = parser.parse_args()
    if options.planted:
        _print(show(search_for_all()))
        return 0
    hours: float = options.hours
    reports: list[Report] = []
    end = time.monotonic() + hours * 3600
    _once(HOUR_BUDGET if hours else SMALL_BUDGET, reports)
    if hours:
        _go_on_until(end, reports)
    return _sum_up(reports)


def _print(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _once(budget: Budget, reports: list[Report]) -> None:
    for scenario in (*SMALL, *SPEC):
        _show(explore(scenario, Exhaustive(), budget), reports)
    _print(show_totals(reports))
    seed = secrets.randbelow(1_000_000_000)
    _print(f"sampling from seed {seed}")
    for scenario in ALL:
        for kind in KINDS:
            _show(explore(scenario, Seeded(kind, seed), SAMPLE), reports, quiet=True)


def _go_on_until(end: float, reports: list[Report]) -> None:
    while time.monotonic() < end:
        seed = secrets.randbelow(1_000_000_000)
        _print(f"seed {seed}")
        for scenario in ALL:
            for kind in KINDS:
                if time.monotonic() < end:
                    _show(explore(scenario, Seeded(kind, seed), HOUR_SAMPLE), reports, quiet=True)
        _print(show_totals(reports))


def _show(report: Report, reports: list[Report], *, quiet: bool = False) -> None:
    reports.append(report)
    if not quiet or report.failure:
        _print(report)
    if report.failure:
        scenario = BY_NAME[report.scenario]
        failure = shrink(scenario, report.failure)
        _print(failure)
        FOUND.mkdir(exist_ok=True)
        kept = FOUND / f"{report.scenario}.sched"
        kept.write_text(failure.schedule.text())
        _print(f"kept as {kept}")


def _sum_up(reports: list[Report]) -> int:
    _print(show_totals(reports))
    return min(100, sum(report.failure is not None for report in reports))


if __name__ == "__main__":
    sys.exit(main())
