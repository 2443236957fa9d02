"""Moves, schedulers and schedules: the one place where nondeterminism enters a simulation.

Whenever more than one thing may happen next, `SimKernel` asks its scheduler to choose among the
enabled moves.  A move has a name that is the same in every run that made the same choices before, so
the names of the chosen moves, one a line, are the whole run: a `Schedule`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT_VERSION: Final = 1


class MoveKind(enum.Enum):
    """Who moves."""

    RUN = "run"
    """A task makes its next step inside the kernel or in user mode."""
    DELIVER = "deliver"
    """A waiting status reaches the tracer: `next_fact` returns."""
    REAP = "reap"
    """The simulated init waits for an orphan of its own."""
    ACT = "act"
    """An outside caller acts."""
    TRACE = "trace"
    """The tracer goes on with its next request."""


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that may happen next.

    Attributes:
        kind: who moves.
        subject: the tid, or the actor's name.
        name: kind and subject, as written in a schedule.
    """

    kind: MoveKind
    subject: str
    name: str


def move(kind: MoveKind, subject: str) -> Move:
    """Make a move with its name."""
    return Move(kind, subject, f"{kind.value} {subject}")


class Scheduler(Protocol):
    """Chooses what happens next; one object serves one run at a time."""

    def choose(self, moves: Sequence[Move], /) -> Move:
        """Pick one of `moves`, which are two or more, in an order that is itself deterministic."""
        ...


@runtime_checkable
class Observer(Protocol):
    """A scheduler that also wants to know what each move touched.

    It is asked to choose before each move, also when there is only one.
    """

    def moved(self, chosen: Move, touched: frozenset[str], /) -> None:
        """Tell, before the next choice, what `chosen` and the tracer's answer to it touched.

        `touched` names processes by their tgids, "tracer", and "tids" for the making of tasks.  Two
        moves that touch nothing in common lead to the same state in either order.
        """
        ...


class StaleSchedule(Exception):
    """A schedule that does not fit: another format, other programs, or a run that went another way."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A run as its choices.

    Attributes:
        scenario: a name, one word.
        digest: of the programs and whatever else the choices depend on (`guest.digest`).
        choices: names of moves, in order.
    """

    scenario: str
    digest: str
    choices: tuple[str, ...]

    def text(self) -> str:
        """Write it: a header line, then a line for each choice."""
        header = f"utrace-schedule {FORMAT_VERSION} {self.scenario} {self.digest}"
        return "\n".join((header, *self.choices)) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Schedule:
        """Read what `text` wrote; blank lines and lines that begin with # are passed over.

        Raises:
            StaleSchedule: not a schedule, or one of another format version.
        """
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        match lines[0].split() if lines else []:
            case ["utrace-schedule", version, scenario, digest] if version == str(FORMAT_VERSION):
                return cls(scenario, digest, tuple(lines[1:]))
            case ["utrace-schedule", version, *_] if version != str(FORMAT_VERSION):
                raise StaleSchedule(f"format {version}, this is {FORMAT_VERSION}: record the run again")
        raise StaleSchedule("the first line is not 'utrace-schedule VERSION SCENARIO DIGEST'")

    def check(self, scenario: str, digest: str) -> None:
        """Refuse to be replayed against something else.

        Raises:
            StaleSchedule: another scenario, or its programs have changed since.
        """
        if (self.scenario, self.digest) != (scenario, digest):
            raise StaleSchedule(
                f"recorded for {self.scenario} {self.digest}, not {scenario} {digest}: record the run again"
            )
