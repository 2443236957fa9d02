"""Groups of candidates measured in turn, so that noise hits all alike, and the ratios between them."""

from __future__ import annotations

import enum
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benches.candidates import NotMeasuredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benches.candidates import Candidate

LEAST_ROUNDS: Final = 3


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
        skipped: why there is no figure.
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
    budget: float | None
    verdict: str
    skipped: str | None


Samples = dict["Candidate", list[float]]


def collect(group: Group) -> tuple[Samples, dict[Candidate, str]]:
    """Run a group's rounds; gives the figures of each candidate, and why others have none."""
    samples: Samples = {candidate: [] for candidate in group.candidates()}
    skipped: dict[Candidate, str] = {}
    started = time.monotonic()
    for turn in range(group.rounds):
        if turn >= LEAST_ROUNDS and time.monotonic() - started > group.limit_s:
            break
        order = [candidate for candidate in samples if candidate not in skipped]
        # Another one begins each time, so that nobody always runs after the same one.
        begin = turn % max(1, len(order))
        for candidate in order[begin:] + order[:begin]:
            try:
                samples[candidate].append(candidate.measure())
            except NotMeasuredError as error:
                skipped[candidate] = str(error)
    done = max(len(figures) for figures in samples.values())
    print(f"{group.title}: {done} rounds, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return samples, skipped


def measure(group: Group) -> list[Result]:
    """Run a group's rounds and work out its rows."""
    samples, skipped = collect(group)
    return [_result(group, row, samples, skipped) for row in group.rows]


def _result(group: Group, row: Row, samples: Samples, skipped: dict[Candidate, str]) -> Result:
    reason = skipped.get(row.candidate)
    mine = [] if reason else samples[row.candidate]
    values = mine if row.form is Form.ABSOLUTE else []
    if row.peer is not None and not reason:
        if row.peer in skipped:
            reason = f"no peer: {skipped[row.peer]}"
        else:
            values = [_value(row.form, a, b) for a, b in zip(mine, samples[row.peer], strict=True)]
    low, value, high = _quartiles(values)
    return Result(
        what=row.candidate.name,
        peer=None if row.peer is None else row.peer.name,
        cpus=row.candidate.placement.value,
        unit=group.unit,
        form=row.form.name.lower(),
        rounds=len(mine),
        median=statistics.median(mine) if mine else None,
        value=value,
        low=low,
        high=high,
        budget=row.budget,
        verdict=_verdict(value, row.budget),
        skipped=reason,
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
