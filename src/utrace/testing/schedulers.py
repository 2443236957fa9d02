"""Schedulers that make one run each: the first move, fair turns, random, priorities, replay.

`depth_first` has the one that remembers runs and makes every run there is.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from utrace.testing.moves import Move, MoveKind, StaleSchedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.testing.moves import Scheduler


class First:
    """The tracer as soon as it can, then tasks in the order of their birth; statuses wait until none runs."""

    def choose(self, moves: Sequence[Move], /) -> Move:
        """Pick the tracer, else the first task that can run, else the first move."""
        if moves[0].kind is MoveKind.TRACE:
            return moves[0]
        for candidate in moves:
            if candidate.kind is MoveKind.RUN:
                return candidate
        return moves[0]


class RoundRobin:
    """Whoever has not moved for the longest time."""

    def __init__(self) -> None:
        self._clock = 0
        self._last_moved: dict[str, int] = {}

    def choose(self, moves: Sequence[Move], /) -> Move:
        """Pick the move whose maker waited longest; the first of several."""
        chosen = min(moves, key=lambda candidate: self._last_moved.get(candidate.name, -1))
        self._clock += 1
        self._last_moved[chosen.name] = self._clock
        return chosen


class Random:
    """Each enabled move with the same chance, from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - choices, not secrets

    def choose(self, moves: Sequence[Move], /) -> Move:
        """Pick any."""
        return moves[int(self._random.random() * len(moves))]


class Uneven:
    """Any enabled move, but some movers are much faster than others, from a seed.

    Shows what `Random` hardly ever does: that one task does all it can before another does anything.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - choices, not secrets
        self._speed: dict[str, float] = {}

    def choose(self, moves: Sequence[Move], /) -> Move:
        """Pick any, in proportion to its speed; a mover seen for the first time draws one."""
        for candidate in moves:
            if candidate.name not in self._speed:
                self._speed[candidate.name] = 4.0 ** self._random.uniform(-4, 4)
        left = self._random.random() * sum(self._speed[candidate.name] for candidate in moves)
        for candidate in moves:
            left -= self._speed[candidate.name]
            if left <= 0:
                return candidate
        return moves[-1]


class PCT:
    """Probabilistic concurrency testing: priorities, lowered at a few random points.

    Finds a bug that needs `depth` ordering constraints with probability at least
    1 / (movers * length ** (depth - 1)) a run.

    Args:
        depth: ordering constraints aimed at; depth - 1 points lower the running mover's priority.
        seed: makes the run.
        length: expected number of choices in a run.

    Reference: Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding
    Bugs", ASPLOS 2010, section 3.  Differs in that statuses are movers of their own.
    """

    def __init__(self, depth: int, seed: int, length: int = 100) -> None:
        self._random = random.Random(seed)  # noqa: S311 - choices, not secrets
        self._lowering = {self._random.randrange(length): -rank - 1.0 for rank in range(depth - 1)}
        self._priority: dict[str, float] = {}
        self._step = 0

    def choose(self, moves: Sequence[Move], /) -> Move:
        """Pick the mover of highest priority; a mover seen for the first time draws one."""
        for candidate in moves:
            if candidate.name not in self._priority:
                self._priority[candidate.name] = self._random.random()
        chosen = max(moves, key=lambda candidate: self._priority[candidate.name])
        lowered = self._lowering.get(self._step)
        if lowered is not None:
            self._priority[chosen.name] = lowered
        self._step += 1
        return chosen


class Replay:
    """Make the choices of an earlier run again.

    Args:
        choices: names of moves (`SimKernel.choices`, `Schedule.choices`).
        strict: refuse a choice that is not enabled.  Otherwise pass it over, as shrinking needs.
        then: chooses after the last one; `First` if not given.
    """

    def __init__(self, choices: Sequence[str], *, strict: bool = True, then: Scheduler | None = None) -> None:
        self._choices = choices
        self._next = 0
        self._strict = strict
        self._then = First() if then is None else then

    def choose(self, moves: Sequence[Move], /) -> Move:
        """Pick the recorded move.

        Raises:
            StaleSchedule: it is not enabled: the run went another way than the recorded one.
        """
        by_name = {candidate.name: candidate for candidate in moves}
        while self._next < len(self._choices):
            name = self._choices[self._next]
            self._next += 1
            if name in by_name:
                return by_name[name]
            if self._strict:
                enabled = ", ".join(by_name)
                raise StaleSchedule(
                    f"choice {self._next}: {name!r} is not enabled (enabled: {enabled}); record the run again"
                )
        return self._then.choose(moves)
