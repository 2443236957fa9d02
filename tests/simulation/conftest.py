"""The end of a test run tells what was explored, and how planted bugs were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.totals import REPORTS, TABLES, show_totals

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the totals, and the table."""
    if REPORTS:
        terminalreporter.section("explored")
        terminalreporter.line(show_totals(REPORTS))
    for table in TABLES:
        terminalreporter.section("planted bugs")
        terminalreporter.line(table)
