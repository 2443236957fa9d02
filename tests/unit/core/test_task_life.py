"""The life of a task, and its record."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import ARCH, BackEnd
from tests.unit.core.totality import check_total, finals, reachable
from utrace.core.engine_life import EngineInput
from utrace.core.events import CLONE, QUIESCE, SYSCALL_ENTRY, SYSCALL_EXIT
from utrace.core.tables import Go, Never
from utrace.core.task_life import TASK_LIFE, Need, TaskId, TaskInput, TaskLife
from utrace.core.verdicts import RESUME_STRICTNESS, ResumeAction
from utrace.errors import InvariantViolation

CELLS = [pytest.param(life, what, id=f"{life.name}-{what.name}") for life, what in TASK_LIFE]


def test_the_table_is_total() -> None:
    check_total(TASK_LIFE, TaskLife, TaskInput)


def test_every_state_is_reached_and_reaped_is_final() -> None:
    assert reachable(TASK_LIFE, TaskLife.ALIVE) == set(TaskLife)
    assert finals(TASK_LIFE, TaskLife) == {TaskLife.REAPED}


@pytest.mark.law("INV-7")
def test_a_life_is_one_straight_line() -> None:
    life = [TaskLife.ALIVE]
    for what in TaskInput:
        cell = TASK_LIFE[life[-1], what]
        assert isinstance(cell, Go)
        life.append(cell.then)
    assert life == list(TaskLife)
    assert sum(isinstance(cell, Go) for cell in TASK_LIFE.values()) == len(TaskInput)


@pytest.mark.parametrize(("life", "what"), CELLS)
def test_move_does_what_its_cell_says(life: TaskLife, what: TaskInput) -> None:
    task = BackEnd().task
    task.life = life
    match TASK_LIFE[life, what]:
        case Go(then):
            task.move(what)
            assert task.life is then
        case Never(why):
            with pytest.raises(InvariantViolation, match=why[:10]):
                task.move(what)
            assert task.life is life


@pytest.mark.parametrize("life", list(TaskLife))
def test_a_task_is_dead_from_its_death_report_on(life: TaskLife) -> None:
    task = BackEnd().task
    task.life = life
    assert task.is_dead() is (life not in {TaskLife.ALIVE, TaskLife.EXITING})


def test_an_id_is_shown_as_its_tid_and_a_task_with_its_state() -> None:
    task = BackEnd().task
    assert str(TaskId(12, 3)) == "12"
    assert repr(task) == "<TracedTask 100.1 ALIVE pending=RESUME engines=0>"
    task.held = task.jctl = True
    assert " held jctl " in repr(task)


@pytest.mark.parametrize("before", RESUME_STRICTNESS[1:])
@pytest.mark.parametrize("action", RESUME_STRICTNESS[1:])
def test_pend_keeps_the_stricter(before: ResumeAction, action: ResumeAction) -> None:
    task = BackEnd().task
    task.pending = before
    task.pend(action)
    assert task.pending.value == min(before.value, action.value)


@pytest.mark.law("INV-4")
def test_link_appends_and_leaves_the_old_list_alone() -> None:
    backend = BackEnd()
    one = backend.engine("A", QUIESCE)
    before = backend.task.engines
    other = backend.engine("B", CLONE)
    assert before == (one,)
    assert backend.task.engines == (one, other)
    assert backend.task.mask == QUIESCE | CLONE


@pytest.mark.law("INV-1")
def test_unlink_shrinks_the_union_and_asks_for_the_release_once() -> None:
    backend = BackEnd()
    one, other = backend.engine("A", QUIESCE), backend.engine("B", CLONE)
    backend.task.pending = ResumeAction.REPORT
    backend.task.unlink(one, EngineInput.DETACH)
    assert backend.task.engines == (other,)
    assert backend.task.mask == CLONE
    assert backend.task.pending is ResumeAction.REPORT
    assert backend.needs == [(backend.task, Need.RELEASE, one)]


def test_the_last_engine_takes_what_is_pending_with_it() -> None:
    backend = BackEnd()
    engine = backend.engine("A", QUIESCE)
    backend.task.pending = ResumeAction.INTERRUPT
    backend.task.unlink(engine, EngineInput.DETACH)
    assert backend.task.pending is ResumeAction.RESUME
    assert backend.task.mask == 0


def test_wanted_stopped_by_anyone_is_wanted_stopped() -> None:
    backend = BackEnd()
    backend.engine("A")
    other = backend.engine("B")
    assert not backend.task.is_wanted_stopped()
    other.wants_stop = True
    assert backend.task.is_wanted_stopped()


class TestSyscallNumbers:
    def test_without_a_syscall_event_nothing_is_wanted(self) -> None:
        backend = BackEnd()
        backend.engine("A", QUIESCE)
        assert backend.task.syscalls == {}

    def test_sets_are_united_by_arch(self) -> None:
        backend = BackEnd()
        backend.engine("A", SYSCALL_ENTRY, syscalls={ARCH: frozenset({1, 2})})
        backend.engine("B", SYSCALL_EXIT, syscalls={ARCH: frozenset({3}), 7: frozenset({4})})
        assert backend.task.syscalls == {ARCH: frozenset({1, 2, 3}), 7: frozenset({4})}

    @pytest.mark.parametrize("all_first", [True, False])
    def test_one_engine_that_wants_all_makes_it_all(self, all_first: bool) -> None:
        backend = BackEnd()
        sets = [None, {ARCH: frozenset({1})}]
        for numbers in sets if all_first else reversed(sets):
            backend.engine("A", SYSCALL_ENTRY, syscalls=numbers)
        assert backend.task.syscalls is None

    def test_the_set_of_an_engine_without_a_syscall_event_does_not_count(self) -> None:
        backend = BackEnd()
        backend.engine("A", QUIESCE, syscalls=None)
        backend.engine("B", SYSCALL_ENTRY, syscalls={ARCH: frozenset({1})})
        assert backend.task.syscalls == {ARCH: frozenset({1})}
