"""What explorations add up to, for `make explore` and for the end of a test run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.testing import Report

REPORTS: Final[list[Report]] = []
"""Of the explorations that this test run has made."""

TABLES: Final[list[str]] = []
"""Of the planted bugs, if this test run has searched for them."""


def show_totals(reports: Sequence[Report]) -> str:
    """Give scenarios, interleavings, their rate, checks of all laws, and violations in a line."""
    runs = sum(report.runs for report in reports)
    seconds = sum(report.seconds for report in reports)
    laws = sum(report.laws_checked for report in reports)
    complete = len({report.scenario for report in reports if report.complete})
    broken = sum(report.failure is not None for report in reports)
    scenarios = len({report.scenario for report in reports})
    return (
        f"{scenarios} scenarios, of {complete} every interleaving; {runs} interleavings explored,"
        f" {runs / max(seconds, 1e-9):.0f} a second; all laws checked {laws} times; {broken} violations"
    )
