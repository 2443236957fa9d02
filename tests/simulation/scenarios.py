"""All scenarios, by name.  Small ones have few enough runs to make them all, or nearly."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from tests.simulation.scenarios_of_leaving import LEAVING
from tests.simulation.scenarios_of_lives import LIVES
from tests.simulation.scenarios_of_stops import STOPS
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

BY_NAME: Final = {scenario.name: scenario for scenario in (*SMALL, *HARSH)}
