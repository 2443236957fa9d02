"""Each law of the check is one that can be broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.core.backend import BackEnd
from utrace.core.engine_life import EngineState
from utrace.core.events import CLONE, NO_EVENT, QUIESCE, REAP
from utrace.core.laws import check
from utrace.core.task_life import TaskLife
from utrace.core.verdicts import ResumeAction
from utrace.errors import InvariantViolation

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.core.engine_life import Engine
    from utrace.core.task_life import TracedTask


def pending_stop(task: TracedTask, _: Engine) -> None:
    task.pending = ResumeAction.STOP


def pending_detach(task: TracedTask, _: Engine) -> None:
    task.pending = ResumeAction.DETACH


def detached_on_the_list(_: TracedTask, engine: Engine) -> None:
    engine.state = EngineState.DETACHED


def listed_twice(task: TracedTask, engine: Engine) -> None:
    task.engines = (engine, engine)


def leaving_outside_its_callback(_: TracedTask, engine: Engine) -> None:
    engine.state, engine.mask = EngineState.DETACHING, 0


def leaving_with_a_mask(task: TracedTask, engine: Engine) -> None:
    engine.state, task.reporting, task.event = EngineState.DETACHING, engine, QUIESCE


def leaving_with_a_wish(task: TracedTask, engine: Engine) -> None:
    leaving_with_a_mask(task, engine)
    engine.mask, engine.wants_stop = 0, True


def bit_missing_in_the_union(task: TracedTask, _: Engine) -> None:
    task.mask = 0


def held_in_a_callback(task: TracedTask, engine: Engine) -> None:
    task.held, task.reporting, task.event = True, engine, QUIESCE


def held_and_dead(task: TracedTask, _: Engine) -> None:
    task.held, task.life = True, TaskLife.DEATH


def callback_without_event(task: TracedTask, engine: Engine) -> None:
    task.reporting, task.event, task.callback = engine, NO_EVENT, NO_EVENT


def dead_with_quiesce(task: TracedTask, _: Engine) -> None:
    task.life = TaskLife.DEAD


def dead_and_wanted_stopped(task: TracedTask, engine: Engine) -> None:
    task.life, engine.mask, engine.wants_stop = TaskLife.DEAD, REAP, True
    task.recompute()


def reaped_with_engines(task: TracedTask, _: Engine) -> None:
    task.life = TaskLife.REAPED


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (pending_stop, "pending is never"),
        (pending_detach, "pending is never"),
        (detached_on_the_list, "a detached engine is on no list"),
        (listed_twice, "listed once"),
        (leaving_outside_its_callback, "DETACHING only inside"),
        (leaving_with_a_mask, "asks for nothing"),
        (leaving_with_a_wish, "wants no stop"),
        (bit_missing_in_the_union, "the union has every"),
        (held_in_a_callback, "a held task is in no callback"),
        (held_and_dead, "a dead task is not held"),
        (callback_without_event, "a callback has an event"),
        (dead_with_quiesce, "over after the death report"),
        (dead_and_wanted_stopped, "a dead task is not stopped"),
        (reaped_with_engines, "has no engines"),
    ],
)
def test_a_broken_law_is_named(broken: Callable[[TracedTask, Engine], None], law: str) -> None:
    backend = BackEnd()
    engine = backend.engine("A", QUIESCE | CLONE)
    check(backend.task)
    broken(backend.task, engine)
    with pytest.raises(InvariantViolation, match=law):
        check(backend.task)


def test_sound_states_pass() -> None:
    backend = BackEnd()
    engine = backend.engine("A", QUIESCE)
    task = backend.task
    task.held = engine.wants_stop = True
    check(task)
    task.held = engine.wants_stop = False
    task.reporting, task.event, task.callback = engine, QUIESCE, QUIESCE
    check(task)
    engine.state, engine.mask = EngineState.DETACHING, 0
    check(task)
    task.reporting, task.engines, task.event = None, (), NO_EVENT
    task.recompute()
    for life in TaskLife:
        task.life = life
        check(task)
