"""The scenarios that combine several rules, all eighteen lines of their table; line 0: some of one law."""

from __future__ import annotations

from typing import Final

from tests.simulation.spec_detaching import ROWS_OF_DETACHING
from tests.simulation.spec_lives import CYCLES, FEW_CYCLES, ROWS_OF_LIVES
from tests.simulation.spec_steps import ROWS_OF_STEPS
from tests.simulation.spec_stops import ROWS_OF_STOPS

ROWS: Final = (*ROWS_OF_STOPS, *ROWS_OF_DETACHING, *ROWS_OF_LIVES, *ROWS_OF_STEPS)
SPEC: Final = (
    *(each.scenario for each in ROWS if f"{CYCLES}" not in each.scenario.name),
    FEW_CYCLES,
)
"""Those to explore."""
