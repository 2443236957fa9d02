"""The life of an engine, against its table."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import BackEnd
from tests.unit.core.totality import check_total, finals, reachable
from utrace.core.engine_life import ENGINE_LIFE, EngineInput, EngineState
from utrace.core.events import QUIESCE, SYSCALL
from utrace.core.tables import Go, Never, Refuse
from utrace.core.task_life import TaskId, TracedTask
from utrace.errors import InvariantViolation, TaskGone

ATTACHED, DETACHING, DETACHED = EngineState.ATTACHED, EngineState.DETACHING, EngineState.DETACHED
CELLS = [pytest.param(state, what, id=f"{state.name}-{what.name}") for state, what in ENGINE_LIFE]


def test_the_table_is_total() -> None:
    check_total(ENGINE_LIFE, EngineState, EngineInput)


def test_every_state_is_reached_and_detached_is_final() -> None:
    assert reachable(ENGINE_LIFE, ATTACHED) == set(EngineState)
    assert finals(ENGINE_LIFE, EngineState) == {DETACHED}


@pytest.mark.law("INV-1", "INV-2")
@pytest.mark.parametrize(("state", "what"), CELLS)
def test_move_does_what_its_cell_says(state: EngineState, what: EngineInput) -> None:
    engine = BackEnd().engine("A", QUIESCE)
    engine.state, engine.wants_stop = state, True
    match ENGINE_LIFE[state, what]:
        case Go(then):
            engine.move(what)
            assert (engine.state, engine.mask, engine.wants_stop) == (then, 0, False)
            return
        case Refuse(error, _):
            with pytest.raises(error):
                engine.move(what)
        case Never(why):
            with pytest.raises(InvariantViolation, match=why[:10]):
                engine.move(what)
    assert (engine.state, engine.mask, engine.wants_stop) == (state, QUIESCE, True)


@pytest.mark.parametrize("what", [EngineInput.DETACH, EngineInput.DETACH_WHILE_REPORTING])
def test_detaching_twice_is_refused_as_gone(what: EngineInput) -> None:
    cell = ENGINE_LIFE[DETACHED, what]
    assert isinstance(cell, Refuse)
    assert cell.error is TaskGone


def test_a_copy_is_the_same_client_with_the_same_interest_on_the_child() -> None:
    numbers = {1: frozenset({2})}
    engine = BackEnd().engine("A", SYSCALL, syscalls=numbers, signal_callback=True)
    engine.wants_stop = True
    child = TracedTask(TaskId(101, 2), [])
    copy = engine.copy_to(child)
    assert (copy.task, copy.ops, copy.mask) == (child, engine.ops, SYSCALL)
    assert copy.syscalls is numbers
    assert copy.signal_callback
    assert copy.state is ATTACHED
    assert not copy.wants_stop
