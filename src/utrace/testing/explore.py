"""Exploring a scenario: many runs, every law, and for a run that breaks one its schedule, cut short.

    report = explore(scenario, Exhaustive(), Budget(runs=10_000))
    assert report.failure is None, report.failure

A failure is printed as a schedule; `replay` makes that run again.
"""

from __future__ import annotations

import gc
import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from utrace.errors import UtraceError
from utrace.testing.depth_first import DepthFirst, RunCut
from utrace.testing.moves import Schedule, Scheduler
from utrace.testing.schedulers import PCT, Random, Replay, Uneven
from utrace.testing.sim.turns import Stuck, TooManySteps
from utrace.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from utrace.testing.run_laws import Entry
    from utrace.testing.scenario import Scenario

FINDINGS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    Stuck,
    TooManySteps,
    TypeError,
    UtraceError,
    ValueError,
)
"""What a run may fail with: a broken law, a hang, or a crash of the code under test, engines included."""


class Strategy(Protocol):
    """Makes the schedulers of an exploration, one for each run."""

    name: str

    def schedulers(self) -> Iterator[Scheduler]:
        """Yield them; ends when there is nothing new to try."""
        ...

    def is_complete(self) -> bool:
        """Tell whether every run there is was made."""
        ...


class Exhaustive:
    """Every run there is, but for those that differ only in the order of unrelated moves."""

    name = "depth first"

    def __init__(self, *, sleep_sets: bool = True, depth_max: int = 10_000) -> None:
        self._search = DepthFirst(sleep_sets=sleep_sets, depth_max=depth_max)

    def schedulers(self) -> Iterator[Scheduler]:
        """Yield the one scheduler, again for each run."""
        for _ in self._search.runs():
            yield self._search

    def is_complete(self) -> bool:
        """Tell whether all runs were made."""
        return self._search.complete


class Seeded:
    """Runs from consecutive seeds, each of another kind of scheduler: random, uneven, PCT."""

    def __init__(self, kind: str, seed: int) -> None:
        """Choose the kind and the first seed.

        Args:
            kind: "random", "uneven", or "pct 2" and so on with the depth.
            seed: of the first run.
        """
        self.name = kind
        self._seed = seed

    def schedulers(self) -> Iterator[Scheduler]:
        """Yield a scheduler for each seed, for ever."""
        kind, _, depth = self.name.partition(" ")
        seed = self._seed
        while True:
            match kind:
                case "random":
                    yield Random(seed)
                case "uneven":
                    yield Uneven(seed)
                case _:
                    yield PCT(int(depth), seed)
            seed += 1

    def is_complete(self) -> bool:
        """Tell that it never is."""
        return False


@dataclass(frozen=True)
class Budget:
    """When to stop: at the first limit that is reached."""

    runs: int = 1_000_000_000
    seconds: float = 1e9


@dataclass(frozen=True)
class Failure:
    """A run that broke a law.

    Attributes:
        error: what was raised.
        schedule: the run's choices.
        log: what had been reported and done.
    """

    error: Exception
    schedule: Schedule
    log: tuple[Entry, ...]

    def __str__(self) -> str:
        log = "\n".join(f"  {entry}" for entry in self.log)
        return f"{type(self.error).__name__}: {self.error}\n{log}\nschedule:\n{self.schedule.text()}"


@dataclass(frozen=True)
class Report:
    """How an exploration went.

    Attributes:
        runs: interleavings made to their end.
        cut: runs given up because another one covers the rest.
        complete: whether there are no others.
        seconds: how long it took.
        laws_checked: how often all laws of the moment were checked.
        failure: the first run that broke one.
    """

    scenario: str
    strategy: str
    runs: int
    cut: int
    complete: bool
    seconds: float
    laws_checked: int
    failure: Failure | None

    def __str__(self) -> str:
        what = "FAILED" if self.failure else "complete" if self.complete else ""
        rate = self.runs / self.seconds if self.seconds else 0.0
        return (
            f"{self.scenario:34} {self.strategy:12} {self.runs:8} {what:9} {rate:7.0f}/s"
            f" {self.laws_checked:10} laws"
        )


def explore(scenario: Scenario, strategy: Strategy, budget: Budget) -> Report:
    """Make runs until the budget is used up, nothing new is left, or a law is broken."""
    runs = cut = laws = 0
    failure: Failure | None = None
    started = time.monotonic()
    with silence(), _rare_collection():
        for scheduler in strategy.schedulers():
            if runs >= budget.runs or time.monotonic() - started > budget.seconds:
                break
            world = World(scenario, scheduler)
            try:
                world.run()
            except RunCut:
                cut += 1
                continue
            except FINDINGS as error:
                schedule = Schedule(scenario.name, scenario.digest, world.kernel.choices)
                failure = Failure(error, schedule, tuple(world.log))
                runs += 1
                break
            runs += 1
            laws += world.laws_checked
    seconds = time.monotonic() - started
    complete = failure is None and strategy.is_complete()
    return Report(scenario.name, strategy.name, runs, cut, complete, seconds, laws, failure)


@contextmanager
def silence() -> Iterator[None]:
    """Keep the faults of scripted engines out of the program's log."""
    logger = logging.getLogger("utrace")
    disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = disabled


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Collect garbage seldom: every run leaves some, and a thousand runs are a few megabytes."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def replay(scenario: Scenario, schedule: Schedule, *, strict: bool = True) -> Failure | None:
    """Make one run again; None if it broke no law.

    Raises:
        StaleSchedule: it is of another scenario, or with `strict` the run went another way.
    """
    schedule.check(scenario.name, scenario.digest)
    world = World(scenario, Replay(schedule.choices, strict=strict))
    with silence():
        try:
            world.run()
        except FINDINGS as error:
            made = Schedule(scenario.name, scenario.digest, world.kernel.choices)
            return Failure(error, made, tuple(world.log))
    return None


def record(scenario: Scenario, scheduler: Scheduler) -> tuple[tuple[str, ...], Schedule]:
    """Make one run: its log as text, and its schedule."""
    world = World(scenario, scheduler)
    with silence():
        world.run()
    return tuple(map(str, world.log)), Schedule(scenario.name, scenario.digest, world.kernel.choices)
