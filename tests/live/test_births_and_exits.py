"""Every birth and every end is reported exactly once, though the kernel skips some of their stops.

About a quarter of the forks of a parent killed at a random moment have no PTRACE_EVENT_FORK, and
about a tenth of the ends in racing exit_groups no PTRACE_EVENT_EXIT (spec 5.2).
"""

from __future__ import annotations

import collections
import os
import random
import signal
from typing import TYPE_CHECKING

import pytest

import utrace
from tests.tracees import build
from tests.waiting import wait_until
from utrace import Event

if TYPE_CHECKING:
    from utrace import TaskId

KILLS = 400
EXIT_GROUPS = 1500
TASKS_OF_AN_EXIT_GROUP = 5


class Census(utrace.EngineOps):
    """Counts births, and writes down the order of each task's last reports."""

    events = Event.CLONE | Event.EXIT | Event.DEATH | Event.REAP

    def __init__(self) -> None:
        self.births: collections.Counter[int] = collections.Counter()
        self.ends: dict[int, str] = {}
        self.synthetic: collections.Counter[str] = collections.Counter()

    def _note(self, who: TaskId, letter: str) -> None:
        self.ends[who.generation] = self.ends.get(who.generation, "") + letter

    def report_clone(self, task: utrace.Task, child: utrace.Task, _clone_flags: int) -> None:
        self.births[child.id.generation] += 1
        self.synthetic["clone"] += task.synthetic

    def report_exit(self, task: utrace.Task, _code: int) -> None:
        self._note(task.id, "x")
        self.synthetic["exit"] += task.synthetic

    def report_death(self, task: utrace.Task, _group_dead: bool, _signal: int) -> None:
        self._note(task.id, "d")

    def report_reap(self, task: utrace.Task) -> None:
        self._note(task.id, "r")


def check(census: Census, programs: int) -> None:
    assert set(census.ends.values()) == {"xdr"}, collections.Counter(census.ends.values())
    assert set(census.births.values()) <= {1}
    assert len(census.births) == len(census.ends) - programs


@pytest.mark.law("INV-32", "INV-33", "INV-7")
def test_births_of_a_parent_killed_at_a_random_moment_are_each_reported_once() -> None:
    census = Census()
    chance = random.Random(20091216)  # noqa: S311 — repeatable chance
    with utrace.Session() as session:
        for _ in range(KILLS):
            seen = len(census.births)
            task = session.spawn([build("forks")], engines=[census])
            births = chance.randrange(1, 8)
            wait_until(lambda: len(census.births) >= seen + births, 20, f"{births} forks")  # noqa: B023
            os.kill(task.pid, signal.SIGKILL)
        session.run(timeout_s=60)
        assert session.faults == []
    check(census, KILLS)
    assert census.synthetic["clone"], "no kill hid a birth: this test has lost its subject"


@pytest.mark.law("INV-33")
def test_ends_in_racing_exit_groups_are_each_reported_once() -> None:
    census = Census()
    with utrace.Session() as session:
        session.spawn([build("races_to_exit"), str(EXIT_GROUPS)], engines=[census])
        assert session.run(timeout_s=100) == 0
        assert session.faults == []
    check(census, 1)
    assert len(census.ends) == 1 + EXIT_GROUPS * TASKS_OF_AN_EXIT_GROUP
    assert census.synthetic["exit"], "no exit stop was skipped: this test has lost its subject"
