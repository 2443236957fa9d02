"""All scenarios, by name.  Small ones have few enough runs to make them all, or nearly."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from tests.simulation.scenarios_of_leaving import LEAVING
from tests.simulation.scenarios_of_lives import LIVES
from tests.simulation.scenarios_of_stops import STOPS
from tests.simulation.scenarios_of_the_spec import SPEC
from tests.simulation.vocabulary import kills

if TYPE_CHECKING:
    from utrace.testing.scenario import Scenario

SMALL: Final = (*STOPS, *LEAVING, *LIVES)


def _harsh(scenario: Scenario) -> Scenario:
    """Have a SIGKILL come at any moment, also between a stop and the tracer's answer to it."""
    return dataclasses.replace(
        scenario,
        name=scenario.name + "_killed",
        outsiders=(*scenario.outsiders, kills()),
        expect=None,
        atomic=False,
    )


HARSH: Final = tuple(_harsh(scenario) for scenario in SMALL)
"""Every small scenario again, too large to make all runs of."""

HARSH_SPEC: Final = tuple(
    _harsh(scenario)
    for scenario in SPEC
    if all(condition.on == "m" for outsider in scenario.outsiders for condition in outsider.conditions)
)
"""Without those in which somebody waits for two tasks: if one is killed, nobody lets the other go."""

ALL: Final = (*SMALL, *SPEC, *HARSH, *HARSH_SPEC)

BY_NAME: Final = {scenario.name: scenario for scenario in ALL}
