"""Which fact is whose."""

from __future__ import annotations

import pytest

from tests.unit.tracehook.rig import ROOT, Rig
from utrace.core.control import control, set_events
from utrace.core.events import EXEC, QUIESCE, SYSCALL
from utrace.core.task_life import Need, TaskId, TracedTask
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import FactKind, Tid

TRAP, DEATH = FactKind.TRAP, FactKind.DEATH


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_record_is_found_by_tid_and_by_task(rig: Rig) -> None:
    assert rig.tracees.by_tid[ROOT] is rig.root
    assert rig.tracees.of_task(rig.task) is rig.root
    assert rig.tracees.of_task(TracedTask(TaskId(ROOT, 1), [])) is None
    assert rig.tracees.everyone() == [rig.root]
    assert not rig.tracees.is_empty()


def test_a_recycled_tid_is_another_identity(rig: Rig) -> None:
    rig.tracees.forget(rig.root)
    assert rig.tracees.is_empty()
    assert rig.tracees.adopt(ROOT, ROOT, own_child=True).task.id != rig.task.id


def test_forgetting_an_old_owner_leaves_the_new_one_its_tid(rig: Rig) -> None:
    rig.tracees.by_tid.pop(ROOT)
    rig.root.process.tracees.pop(ROOT)
    newer = rig.tracees.adopt(ROOT, ROOT, own_child=True)
    rig.tracees.forget(rig.root)
    assert rig.tracees.by_tid == {ROOT: newer}


def test_a_process_is_as_its_threads_tell(rig: Rig) -> None:
    thread = rig.thread(105)
    assert thread.process is rig.root.process
    rig.tracees.forget(rig.root)
    assert thread.process.tracees == {105: thread}
    assert rig.thread(106).process is thread.process


@pytest.mark.law("INV-29")
def test_a_fact_about_an_unknown_tid_waits_for_its_birth(rig: Rig) -> None:
    rig.engine("A", EXEC)
    rig.kernel.parentages[101] = (Tid(101), Tid(ROOT))
    assert rig.feed(TRAP, tid=101) == []
    assert rig.feed(DEATH, 9, tid=101) == []
    assert not rig.tracees.is_empty()
    assert rig.feed(FactKind.FORK, 101) == ["CONT", "101 detach", "101 over"]


def test_a_death_of_nobodys_child_is_dropped(rig: Rig) -> None:
    assert rig.feed(DEATH, 0, tid=999) == []
    rig.tracees.forget(rig.root)
    assert rig.tracees.is_empty()


@pytest.mark.law("INV-19")
def test_interest_in_syscalls_interrupts_a_tracee_that_runs_freely(rig: Rig) -> None:
    engine = rig.engine("A", QUIESCE)
    set_events(engine, SYSCALL, from_callback=False)
    assert rig.settle() == ["interrupt"]
    assert rig.feed(TRAP)[-1] == "SYSCALL"
    set_events(rig.engine("B", 0), SYSCALL, from_callback=False)
    assert rig.settle() == []


def test_a_dying_tracee_is_not_interrupted(rig: Rig) -> None:
    engine = rig.engine("A", QUIESCE)
    rig.feed(FactKind.EXIT, 0)
    control(engine, ResumeAction.STOP)
    assert rig.settle() == []


def test_interrupts_of_others_are_taken_first_where_nothing_else_was_asked_before(rig: Rig) -> None:
    tasks = [rig.task, rig.thread(105).task, rig.thread(106).task]
    asked = [(task, Need.INTERRUPT, None) for task in tasks] + [(tasks[2], Need.WAKE, None)]
    rig.tracees.needs[:] = asked
    assert rig.tracees.take_interrupts(but=rig.task) == [asked[1]]
    assert rig.tracees.needs == [asked[0], asked[2], asked[3]]


@pytest.mark.parametrize("lean", [False, True])
def test_who_runs_lean_is_interrupted_as_soon_as_something_is_asked(rig: Rig, *, lean: bool) -> None:
    engine = rig.engine("A", QUIESCE)
    rig.root.lean = lean
    rig.tracees.needs.clear()
    rig.tracees.end_leanness(rig.task)
    assert bool(rig.tracees.needs) is lean
    rig.task.need(Need.ATTENTION)
    asked = list(rig.tracees.needs)
    assert rig.tracees.any_runs_lean() is lean
    assert rig.tracees.take_interrupts(but=rig.thread(105).task) == (asked if lean else [])
    assert engine.mask == QUIESCE
    rig.tracees.attend(rig.root, break_in=False)
    assert rig.root.nudged is lean
