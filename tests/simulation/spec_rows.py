"""How the combined scenarios are written: one description for the simulated kernel and for Linux.

Each row says what every run shows: on SimKernel under any schedule, and on Linux (tests/conformance).
Where a race makes an order or an argument free, `guaranteed` says so, and only the rest is compared.
Lines of a log: "TASK ENGINE CALLBACK arguments", "TASK > deed: outcome", "TASK ENGINE release".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.simulation.logs import Guaranteed, Order
from tests.simulation.vocabulary import A, outsider
from utrace.testing.run_laws import Violation
from utrace.testing.scenario import Outsider, Scenario
from utrace.testing.scripted import Script, control

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.testing.scripted import Deed
    from utrace.testing.world import World

STOP: Final = A.STOP
TASKS: Final = Guaranteed(Order.TASKS)


@dataclass(frozen=True)
class Row:
    """One scenario.

    Attributes:
        number: of the line in the table of combined scenarios; 0 for one that is not in it.
        scenario: programs, engines, outside callers.
        guaranteed: what is not left to races.
        lines: what every run shows of that, if it is said here.
        same: all runs show the same; otherwise every log of Linux has to be one of the simulation's.
        runs: on Linux.
        seeds: of sampled runs on SimKernel, beside the exhaustive ones.
    """

    number: int
    scenario: Scenario
    guaranteed: Guaranteed
    lines: tuple[str, ...] = ()
    same: bool = True
    runs: int = 8
    seeds: int = 60


def row(
    number: int,
    name: str,
    text: str,
    *engines: Script,
    by: tuple[Outsider, ...] = (),
    log: str = "",
    guaranteed: Guaranteed | None = None,
    also: Callable[[World], None] | None = None,
    same: bool = True,
    runs: int = 8,
    seeds: int = 60,
    **how: object,
) -> Row:
    """Make a row; its scenario expects the log of every run on SimKernel, too, and whatever `also` does."""
    kept = Guaranteed() if guaranteed is None else guaranteed
    lines = tuple(line.strip() for line in log.strip().splitlines())

    def expect(world: World) -> None:
        got = kept.of(world.log, world.tids)
        if lines and got != lines:
            raise Violation("this is not the log of every run:\n" + "\n".join(got))
        if also is not None:
            also(world)

    how = {"hasty": True, **how}
    scenario = Scenario(f"line_{number}_{name}", text, engines, by, expect, marked=True, **how)  # type: ignore[arg-type]
    return Row(number, scenario, kept, lines, same, runs, seeds)


def frees(name: str, *deeds: Deed, when: str = "", on: str = "m") -> Outsider:
    """Somebody who lets the task go once it stands still for an engine, and does something before."""
    return outsider(f"frees {name}", *deeds, control(name, A.RESUME, on), when=when or f"holds {name}", on=on)
