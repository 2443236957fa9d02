"""An examination says whether the task stood still."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import BackEnd
from utrace.core.control import control
from utrace.core.engine_life import EngineState
from utrace.core.events import QUIESCE
from utrace.core.examine import finish_examine, prepare_examine
from utrace.core.reporting import Pause, report_exit, stop
from utrace.core.task_life import TaskLife
from utrace.core.verdicts import ResumeAction
from utrace.errors import Disturbed, Misuse, TaskGone


@pytest.fixture
def backend() -> BackEnd:
    return BackEnd()


def test_a_held_task_that_stands_still_is_examined_well(backend: BackEnd) -> None:
    engine = backend.engine("A", QUIESCE)
    engine.wants_stop = True
    backend.go(stop(backend.task))
    examiner = prepare_examine(engine)
    assert examiner is not None
    finish_examine(examiner)


def test_a_task_on_its_way_to_the_stop_is_waited_for(backend: BackEnd) -> None:
    engine = backend.engine("A", QUIESCE)
    control(engine, ResumeAction.STOP)
    assert prepare_examine(engine) is None


def test_only_who_wants_the_stop_may_begin(backend: BackEnd) -> None:
    holder, other = backend.engine("A", QUIESCE), backend.engine("B", QUIESCE)
    holder.wants_stop = True
    backend.go(stop(backend.task))
    with pytest.raises(Misuse):
        prepare_examine(other)


@pytest.mark.parametrize("life", [TaskLife.DEATH, TaskLife.DEAD, TaskLife.REAPED])
def test_a_dead_task_is_gone(backend: BackEnd, life: TaskLife) -> None:
    engine = backend.engine("A", QUIESCE)
    engine.wants_stop = True
    backend.task.life = life
    with pytest.raises(TaskGone):
        prepare_examine(engine)


def test_who_lost_the_stop_to_a_kill_is_told_that_the_task_is_gone(backend: BackEnd) -> None:
    engine = backend.engine("A", QUIESCE)
    engine.wants_stop = True
    backend.go(stop(backend.task))
    backend.kill()
    backend.go(report_exit(backend.task, live=True))
    with pytest.raises(TaskGone):
        prepare_examine(engine)


@pytest.mark.law("INV-2")
def test_a_detached_engine_examines_nothing(backend: BackEnd) -> None:
    engine = backend.engine("A", QUIESCE)
    control(engine, ResumeAction.DETACH)
    assert engine.state is EngineState.DETACHED
    with pytest.raises(TaskGone):
        prepare_examine(engine)


@pytest.mark.law("INV-23")
def test_a_kill_disturbs(backend: BackEnd) -> None:
    engine = backend.engine("A", QUIESCE)
    engine.wants_stop = True
    backend.go(stop(backend.task))
    examiner = prepare_examine(engine)
    assert examiner is not None
    assert backend.kill() is True
    with pytest.raises(Disturbed):
        finish_examine(examiner)


@pytest.mark.law("INV-23")
def test_a_kill_that_held_the_task_again_disturbs(backend: BackEnd) -> None:
    engine = backend.engine("A", QUIESCE)
    engine.wants_stop = True
    backend.go(stop(backend.task))
    examiner = prepare_examine(engine)
    assert examiner is not None
    backend.kill()
    engine.wants_stop = True
    assert backend.go(stop(backend.task)) is Pause.HELD
    with pytest.raises(Disturbed):
        finish_examine(examiner)


@pytest.mark.law("INV-23")
def test_a_death_is_no_good_end(backend: BackEnd) -> None:
    engine = backend.engine("A", QUIESCE)
    engine.wants_stop = True
    backend.go(stop(backend.task))
    examiner = prepare_examine(engine)
    assert examiner is not None
    backend.kill()
    backend.task.life = TaskLife.DEATH
    with pytest.raises(TaskGone):
        finish_examine(examiner)


def test_a_release_by_the_examiner_itself_disturbs(backend: BackEnd) -> None:
    engine = backend.engine("A", QUIESCE)
    engine.wants_stop = True
    backend.go(stop(backend.task))
    examiner = prepare_examine(engine)
    assert examiner is not None
    control(engine, ResumeAction.RESUME)
    backend.let_run()
    with pytest.raises(Disturbed):
        finish_examine(examiner)


def test_who_let_go_while_others_hold_may_not_end_an_examination(backend: BackEnd) -> None:
    engine, other = backend.engine("A", QUIESCE), backend.engine("B", QUIESCE)
    engine.wants_stop = other.wants_stop = True
    backend.go(stop(backend.task))
    examiner = prepare_examine(engine)
    assert examiner is not None
    control(engine, ResumeAction.RESUME)
    with pytest.raises(Misuse):
        finish_examine(examiner)
