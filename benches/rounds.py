"""Groups of candidates measured in turn, so that noise hits all alike, and the ratios between them."""

from __future__ import annotations

import enum
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benches.candidates import NotMeasuredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benches.candidates import Candidate

LEAST_ROUNDS: Final = 3
FAILURES_MAX: Final = 2


class Form(enum.Enum):
    """How a row's ratio is shown and compared with its budget."""

    RATIO = enum.auto()
    """Candidate / peer."""
    EACH_FURTHER = enum.auto()
    """What each of seven further engines adds, as a part of the peer."""
    ABSOLUTE = enum.auto()
    """The candidate's own figure, which the budget is about."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a candidate against a peer of the same group and placement."""

    candidate: Candidate
    peer: Candidate | None = None
    budget: float | None = None
    form: Form = Form.RATIO


@dataclass(frozen=True, slots=True)
class Group:
    """Rows whose candidates are measured in turn.

    Attributes:
        unit: of the candidates' figures.
        rounds: in each every candidate runs once.
        limit_s: no round is begun after so many seconds, but for the first few.
    """

    title: str
    unit: str
    rows: Sequence[Row]
    rounds: int
    limit_s: float

    def candidates(self) -> list[Candidate]:
        """List each once, in the order of the rows."""
        found = [side for row in self.rows for side in (row.candidate, row.peer) if side is not None]
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Result:
    """A row with its figures.

    Attributes:
        median: of the candidate, in the group's unit; None if it was not measured.
        value: what is compared with the budget: the median over the rounds of what `Form` says.
        low: the lower quartile of the same over the rounds.
        high: the upper quartile.
        least: the same of the candidate's and the peer's least figures, which other programs disturbed least.
        failures: in how many rounds the candidate, or its peer, did not do what is measured, and why.
    """

    what: str
    peer: str | None
    cpus: str
    unit: str
    form: str
    rounds: int
    median: float | None
    value: float | None
    low: float | None
    high: float | None
    least: float | None
    budget: float | None
    verdict: str
    failures: tuple[str, ...]


@dataclass(slots=True)
class Samples:
    """What one candidate gave.

    Attributes:
        figures: by round; a round that failed has none.
        failures: why, oldest first.
    """

    figures: dict[int, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def collect(group: Group) -> dict[Candidate, Samples]:
    """Run a group's rounds.  A candidate that fails again and again is left out of the later ones."""
    samples = {candidate: Samples() for candidate in group.candidates()}
    started = time.monotonic()
    for turn in range(group.rounds):
        if turn >= LEAST_ROUNDS and time.monotonic() - started > group.limit_s:
            break
        order = [candidate for candidate in samples if len(samples[candidate].failures) < FAILURES_MAX]
        # Another one begins each time, so that nobody always runs after the same one.
        begin = turn % max(1, len(order))
        for candidate in order[begin:] + order[:begin]:
            try:
                samples[candidate].figures[turn] = candidate.measure()
            except NotMeasuredError as error:
                samples[candidate].failures.append(str(error))
    done = max(len(each.figures) for each in samples.values())
    print(f"{group.title}: {done} rounds, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return samples


def measure(group: Group) -> list[Result]:
    """Run a group's rounds and work out its rows."""
    samples = collect(group)
    return [_result(group, row, samples) for row in group.rows]


def _result(group: Group, row: Row, samples: dict[Candidate, Samples]) -> Result:
    mine = samples[row.candidate].figures
    sides = [row.candidate] if row.peer is None else [row.candidate, row.peer]
    values = list(mine.values()) if row.form is Form.ABSOLUTE else []
    peers = {} if row.peer is None else samples[row.peer].figures
    if row.peer is not None:
        values = [_value(row.form, mine[turn], peers[turn]) for turn in mine if turn in peers]
    least = min(values, default=None)
    if row.peer is not None and mine and peers:
        least = _value(row.form, min(mine.values()), min(peers.values()))
    low, value, high = _quartiles(values)
    return Result(
        what=row.candidate.name,
        peer=None if row.peer is None else row.peer.name,
        cpus=row.candidate.placement.value,
        unit=group.unit,
        form=row.form.name.lower(),
        rounds=len(mine),
        median=statistics.median(mine.values()) if mine else None,
        value=value,
        low=low,
        high=high,
        least=least,
        budget=row.budget,
        verdict=_verdict(value, row.budget),
        failures=tuple(
            f"{side.name}: {len(failures)} rounds failed, the first with {failures[0]}"
            for side in sides
            if (failures := samples[side].failures)
        ),
    )


def _value(form: Form, mine: float, peer: float) -> float:
    if form is Form.EACH_FURTHER:
        return (mine / peer - 1) / 7
    return mine / peer


def _quartiles(values: list[float]) -> tuple[float | None, float | None, float | None]:
    if len(values) < 2:
        only = values[0] if values else None
        return only, only, only
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def _verdict(value: float | None, budget: float | None) -> str:
    if budget is None:
        return ""
    if value is None:
        return "not measured"
    return "within" if value <= budget else "over"
