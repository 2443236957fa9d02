"""A run is its schedule: made again it is the same, kept it stays fixed, shrunk it still fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.simulation.scenarios import BY_NAME, SMALL
from tests.simulation.scenarios_of_the_spec import SPEC
from utrace.core.events import Event
from utrace.core.verdicts import ResumeAction
from utrace.testing import (
    BEFORE_USER_MODE,
    Budget,
    Exhaustive,
    Random,
    Replay,
    Scenario,
    Schedule,
    Script,
    StaleSchedule,
    explore,
    record,
    replay,
    shrink,
)

KEPT: Final = sorted(Path(__file__).with_name("schedules").glob("*.sched"))

#: A task that nobody ever lets go: every run of it ends in a hang.
FORGOTTEN: Final = Scenario(
    "forgotten",
    "program main {\n  syscall getuid\n  syscall getuid\n}\n",
    (
        Script("A", Event.SYSCALL_ENTRY, {Event.SYSCALL_ENTRY: [ResumeAction.STOP]}),
        Script("B", Event.QUIESCE, {BEFORE_USER_MODE: [ResumeAction.REPORT]}),
    ),
)

LOGS: Final = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.simulation.scenarios import SMALL
from tests.simulation.scenarios_of_the_spec import SPEC
from utrace.testing import Random, record
for scenario in (*SMALL, *SPEC):
    print(scenario.name, scenario.digest, record(scenario, Random(3)))
"""


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_schedule_that_once_broke_a_law_breaks_none(path: Path) -> None:
    schedule = Schedule.from_text(path.read_text())
    # What is enabled may have changed with the repair: what no longer fits is passed over.
    assert replay(BY_NAME[schedule.scenario], schedule, strict=False) is None


@pytest.mark.parametrize("scenario", [*SMALL, *SPEC], ids=lambda scenario: scenario.name)
def test_replay_makes_the_same_run(scenario: Scenario) -> None:
    log, schedule = record(scenario, Random(11))
    again, made = record(scenario, Replay(schedule.choices))
    assert (again, made) == (log, schedule)


def test_two_hash_seeds_make_the_same_runs() -> None:
    root = str(Path(__file__).resolve().parents[2])
    logs = [
        subprocess.run(
            [sys.executable, "-c", LOGS, root],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert logs[0] == logs[1]


def test_a_failure_is_written_read_replayed_and_shrunk() -> None:
    failure = explore(FORGOTTEN, Exhaustive(), Budget(runs=10)).failure
    assert failure is not None
    schedule = Schedule.from_text(failure.schedule.text())
    again = replay(FORGOTTEN, schedule)
    assert again is not None
    assert (str(again.error), again.log) == (str(failure.error), failure.log)
    small = shrink(FORGOTTEN, failure)
    assert type(small.error) is type(failure.error)
    assert replay(FORGOTTEN, small.schedule) is not None


def test_a_schedule_of_another_scenario_is_refused() -> None:
    _, schedule = record(SMALL[0], Random(1))
    with pytest.raises(StaleSchedule, match="record the run again"):
        replay(SMALL[1], schedule)
