"""Fixtures and marks of every ring of tests; tests/README.md says how to use them."""

from __future__ import annotations

import collections
import contextlib
import os
import signal
from typing import TYPE_CHECKING, Final, Protocol

import pytest
from hypothesis import HealthCheck, settings

from tests import leaks
from tests.capabilities import lacking
from tests.tracees import Tracee, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Rings whose tests run real processes and are checked for leaks.
LIVE_RINGS: Final = frozenset({"probes", "live", "conformance", "emulation"})
TRACEE_ALARM_S: Final = 100


class TraceeFactory(Protocol):
    """Launch a program of tests/programs by name, or any program by its path."""

    def __call__(self, program: str | Path, *args: str, bits: int = 64) -> Tracee: ...


# A property holds or not; how long an example takes is the machine's affair.
settings.register_profile(
    "untimed",
    derandomize="CI" in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def pytest_configure() -> None:
    settings.load_profile("untimed")
    leaks.mark_descendants()
    # Run in the background, or under nohup, these are ignored, and so they would be in all we launch.
    for signo in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(signo, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("requires"):
        for name in mark.args:
            reason = lacking(name)
            if reason is not None:
                pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every distinct reason for skipping, with its count."""
    reasons = collections.Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.getreports("skipped")
        if isinstance(report.longrepr, tuple)
    )
    if reasons:
        terminalreporter.section("skipped, by reason")
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count:5} {reason}")


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a live test that leaves a process, a thread or a descriptor behind."""
    if LIVE_RINGS.isdisjoint(request.path.relative_to(request.config.rootpath).parts):
        yield
        return
    before = leaks.Snapshot.take()
    yield
    leaked = before.leaked()
    if leaked:
        pytest.fail("left behind:\n  " + "\n  ".join(leaked), pytrace=False)


@pytest.fixture
def tracee(no_leaks: None) -> Iterator[TraceeFactory]:
    """Give a factory of running programs; each ends with the test."""
    with contextlib.ExitStack() as running:

        def launch(program: str | Path, *args: str, bits: int = 64) -> Tracee:
            path = build(program, bits) if isinstance(program, str) and "/" not in program else program
            return running.enter_context(Tracee([str(path), *args], alarm_s=TRACEE_ALARM_S))

        yield launch
