"""Making the schedule of a failing run short: choices are left out while the run still fails the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.testing.explore import replay
from utrace.testing.moves import Schedule

if TYPE_CHECKING:
    from utrace.testing.explore import Failure
    from utrace.testing.scenario import Scenario


def shrink(scenario: Scenario, failure: Failure, *, runs_max: int = 2_000) -> Failure:
    """Give a failure of the same kind with as few choices as can be had in `runs_max` runs.

    What is left out is chosen by `First`: a short schedule says what has to happen out of turn.
    """
    best = failure
    kind = _kind(failure)
    choices = list(failure.schedule.choices)
    size = max(1, len(choices) // 2)
    runs = 0
    while choices and runs < runs_max:
        place = 0
        dropped = False
        while place < len(choices) and runs < runs_max:
            shorter = choices[:place] + choices[place + size :]
            runs += 1
            again = replay(
                scenario,
                Schedule(scenario.name, scenario.digest, tuple(shorter)),
                strict=False,
            )
            if again is not None and _kind(again) == kind:
                choices, best, dropped = shorter, again, True
            else:
                place += size
        if size == 1 and not dropped:
            break
        size = max(1, size // 2)
    # The run as it was made replays strictly, and ends where the law broke.
    return best


def _kind(failure: Failure) -> tuple[str, str]:
    law, _, _ = str(failure.error).partition(":")
    return type(failure.error).__name__, law if law.startswith("INV") else ""
