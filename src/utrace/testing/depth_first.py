"""Every run there is, depth first, by running again from the start.

Sleep sets leave out runs that differ only in the order of moves which touch nothing in common:
after a move was tried at a point, its siblings do not begin with it again until something that it
depends on has happened.

Reference: Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996,
chapter 5 (sleep sets); what a move touches is observed, not declared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from utrace.testing.moves import Move, StaleSchedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_UNKNOWN = frozenset({"*"})


@dataclass(slots=True)
class _Point:
    """A choice on the current path."""

    names: list[str]
    chosen: str
    sleeping: dict[str, frozenset[str]]
    """Moves not to be tried here, with what they touch."""
    touched: frozenset[str] = _UNKNOWN
    tried: dict[str, frozenset[str]] = field(default_factory=dict)


class RunCut(Exception):
    """The rest of this run is covered by another one: abandon it and begin the next."""


class DepthFirst:
    """A scheduler for all runs of one scenario.

    Use:
        explorer = DepthFirst()
        for _ in explorer.runs():
            try:
                scenario(explorer)
            except RunCut:
                continue

    Args:
        sleep_sets: leave out runs that are equivalent to an earlier one.
        depth_max: choices of a run that are explored; later ones are the first enabled move.

    Attributes:
        runs_made: runs begun so far, cut ones included.
        runs_cut: runs abandoned because a sleeping move was all that was left.
        complete: whether every run was made; false also if `depth_max` was reached.
    """

    def __init__(self, *, sleep_sets: bool = True, depth_max: int = 10_000) -> None:
        self.runs_made = 0
        self.runs_cut = 0
        self.complete = False
        self._sleep_sets = sleep_sets
        self._depth_max = depth_max
        self._truncated = False
        self._path: list[_Point] = []
        self._depth = 0
        self._sleeping: dict[str, frozenset[str]] = {}

    def runs(self) -> Iterator[int]:
        """Yield the number of each run to make, from 0, until all are made."""
        while True:
            self._depth = 0
            self._sleeping = {}
            self.runs_made += 1
            yield self.runs_made - 1
            if not self._advance():
                self.complete = not self._truncated
                return

    def choose(self, moves: Sequence[Move], /) -> Move:
        """Follow the current path; at its end, begin a new point with the first move not asleep.

        Raises:
            RunCut: every enabled move is asleep.
            StaleSchedule: the scenario did not repeat itself: it has hidden nondeterminism.
        """
        if self._depth == self._depth_max:
            self._truncated = True
            return moves[0]
        if self._depth < len(self._path):
            point = self._path[self._depth]
            names = [candidate.name for candidate in moves]
            if point.names != names:
                raise StaleSchedule(f"choice {self._depth}: enabled {names}, in the run before {point.names}")
        else:
            awake = [m.name for m in moves if m.name not in self._sleeping]
            if not awake:
                self.runs_cut += 1
                raise RunCut
            point = _Point([m.name for m in moves], awake[0], dict(self._sleeping))
            self._path.append(point)
        self._depth += 1
        return moves[point.names.index(point.chosen)]

    def moved(self, _chosen: Move, touched: frozenset[str], /) -> None:
        """Take in what the move chosen last touched: wake the sleeping moves that depend on it."""
        if not self._sleep_sets or self._depth == self._depth_max:
            return
        point = self._path[self._depth - 1]
        if point.touched is _UNKNOWN:
            point.touched = touched
        self._sleeping = {
            name: footprint
            for name, footprint in (*point.sleeping.items(), *point.tried.items())
            if "*" not in footprint and footprint.isdisjoint(touched)
        }

    def _advance(self) -> bool:
        while self._path:
            point = self._path[-1]
            point.tried[point.chosen] = point.touched
            left = [n for n in point.names if n not in point.tried and n not in point.sleeping]
            if left:
                point.chosen = left[0]
                point.touched = _UNKNOWN
                return True
            self._path.pop()
        return False
