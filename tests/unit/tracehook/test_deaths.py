"""EXIT, DEATH, REAP: each once and in order, whatever the kernel leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.core.backend import doing
from tests.unit.tracehook.rig import ROOT, Rig
from utrace.core.control import control
from utrace.core.events import CLONE, DEATH, EXEC, EXIT, QUIESCE, REAP
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import FactKind, Tid
from utrace.tracehook.deaths import Death

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.core.task_life import TracedTask

STOP, RESUME, DETACH = ResumeAction.STOP, ResumeAction.RESUME, ResumeAction.DETACH
THREAD = 105
ENDS = EXIT | DEATH | REAP


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.law("INV-7", "INV-33")
def test_an_own_child_is_reaped_by_the_wait(rig: Rig) -> None:
    rig.engine("A", ENDS)
    assert rig.feed(FactKind.EXIT, 0) == ["A.exit", "CONT"]
    assert rig.feed(FactKind.DEATH, 0) == ["A.death", "A.reap", "over"]
    assert rig.tracees.is_empty()


@pytest.mark.law("INV-33")
def test_an_exit_the_kernel_left_out_is_made_up(rig: Rig) -> None:
    seen: list[bool] = []
    rig.engine("A", ENDS, exit=doing(lambda: seen.append(rig.task.synthetic), STOP))
    assert rig.feed(FactKind.DEATH, 9) == ["A.exit", "A.death", "A.reap", "over"]
    assert seen == [True]
    assert rig.root.exit_status == 9


@pytest.mark.law("INV-8")
def test_detach_at_death_means_no_reap(rig: Rig) -> None:
    rig.engine("A", ENDS, death=DETACH)
    rig.feed(FactKind.EXIT, 0)
    assert rig.feed(FactKind.DEATH, 0) == ["A.death", "over"]


@pytest.mark.law("INV-7")
def test_anothers_child_is_reaped_by_its_real_parent() -> None:
    rig = Rig(own_child=False)
    rig.engine("A", ENDS)
    rig.feed(FactKind.EXIT, 0)
    assert rig.feed(FactKind.DEATH, 0) == ["A.death", "watch_reap", "gone"]
    assert ROOT not in rig.tracees.by_tid
    assert rig.feed(FactKind.REAPED) == ["A.reap", "over"]
    assert rig.feed(FactKind.REAPED) == []
    assert rig.tracees.is_empty()


def test_a_parent_that_was_quicker_is_not_waited_for() -> None:
    rig = Rig(own_child=False)
    rig.kernel.reapable = False
    rig.engine("A", ENDS)
    rig.feed(FactKind.EXIT, 0)
    assert rig.feed(FactKind.DEATH, 0) == ["A.death", "watch_reap", "A.reap", "over"]


def test_nobody_asking_for_reap_it_is_not_watched() -> None:
    rig = Rig(own_child=False)
    rig.engine("A", DEATH)
    rig.feed(FactKind.EXIT, 0)
    assert rig.feed(FactKind.DEATH, 0) == ["A.death", "over"]


def test_a_stop_at_exit_holds_and_lets_go(rig: Rig) -> None:
    engine = rig.engine("A", EXIT, exit=STOP)
    assert rig.feed(FactKind.EXIT, 0) == ["A.exit", "held"]
    control(engine, RESUME)
    assert rig.settle() == ["CONT"]


def test_a_death_out_of_that_stop_is_worked_on(rig: Rig) -> None:
    rig.engine("A", ENDS, exit=STOP)
    rig.feed(FactKind.EXIT, 0)
    assert rig.feed(FactKind.DEATH, 9) == ["A.death", "A.reap", "over"]


def test_when_the_last_engine_leaves_at_exit_the_tracee_is_let_go(rig: Rig) -> None:
    rig.engine("A", EXIT, exit=DETACH)
    assert rig.feed(FactKind.EXIT, 0) == ["A.exit", "detach", "over"]


class TestGroups:
    def recorder(self, task: TracedTask, seen: list[object]) -> Callable[[], None]:
        return lambda: seen.append(task.occurrence)

    def deaths(self, rig: Rig) -> list[object]:
        seen: list[object] = []
        for tracee in rig.root.process.tracees.values():
            rig.engine("A", DEATH, of=tracee, death=doing(self.recorder(tracee.task, seen)))
        return seen

    def test_a_thread_reaps_itself_and_the_leader_is_last(self, rig: Rig) -> None:
        rig.thread(THREAD)
        seen = self.deaths(rig)
        rig.feed(FactKind.EXIT, 0, tid=THREAD)
        rig.feed(FactKind.DEATH, 0, tid=THREAD)
        rig.feed(FactKind.EXIT, 7 << 8)
        rig.feed(FactKind.DEATH, 7 << 8)
        assert seen == [Death(False, -1, 0), Death(True, 17, 7 << 8)]

    def test_a_leader_whose_group_lives_dies_at_once_and_is_reaped_later(self, rig: Rig) -> None:
        rig.thread(THREAD)
        seen = self.deaths(rig)
        rig.engine("B", REAP)
        assert "watch_zombie" in rig.feed(FactKind.EXIT, 0)
        assert rig.feed(FactKind.ZOMBIE_LEADER, 0) == ["A.death", "gone"]
        assert seen == [Death(False, -2, 0)]
        rig.feed(FactKind.EXIT, 0, tid=THREAD)
        rig.feed(FactKind.DEATH, 0, tid=THREAD)
        assert rig.feed(FactKind.DEATH, 0) == ["B.reap", "over"]
        assert len(seen) == 2

    @pytest.mark.law("INV-33")
    def test_a_zombie_seen_after_its_death_report_changes_nothing(self, rig: Rig) -> None:
        rig.thread(THREAD)
        seen = self.deaths(rig)
        rig.feed(FactKind.EXIT, 0)
        rig.feed(FactKind.ZOMBIE_LEADER, 0)
        assert rig.feed(FactKind.ZOMBIE_LEADER, 0) == ["gone"]
        assert len(seen) == 1


class TestHiddenBirths:
    @pytest.mark.law("INV-32")
    @pytest.mark.parametrize("kind", [FactKind.EXIT, FactKind.DEATH])
    def test_a_child_the_killed_parent_never_told_of_is_reported_first(
        self, rig: Rig, kind: FactKind
    ) -> None:
        rig.follow = {"A"}
        rig.engine("A", CLONE | EXIT)
        rig.kernel.parentages[101] = (Tid(101), Tid(ROOT))
        assert rig.feed(FactKind.TRAP, tid=101) == []
        happened = rig.feed(kind, 9)
        assert happened[:2] == ["A.clone", "A.exit"]
        assert happened[-1] == "101 CONT"
        assert not rig.tracees.by_tid[101].task.synthetic

    @pytest.mark.law("INV-32")
    def test_a_child_the_kernel_lists_is_reported_before_its_first_stop(self, rig: Rig) -> None:
        seen: list[bool] = []
        rig.engine("A", CLONE, clone=doing(lambda: seen.append(rig.task.synthetic)))
        rig.kernel.offspring = [Tid(101)]
        assert rig.feed(FactKind.EXIT, 9)[0] == "A.clone"
        assert seen == [True]
        assert not rig.task.synthetic

    def test_an_ordinary_exit_looks_for_none(self, rig: Rig) -> None:
        rig.engine("A", CLONE | EXIT)
        rig.kernel.offspring = [Tid(101)]
        assert rig.feed(FactKind.EXIT, 3 << 8) == ["A.exit", "CONT"]


def test_quiesce_is_told_of_death(rig: Rig) -> None:
    rig.engine("A", QUIESCE)
    rig.engine("B", EXEC)
    rig.feed(FactKind.EXIT, 0)
    assert rig.feed(FactKind.DEATH, 0) == ["A.quiesce", "over"]
