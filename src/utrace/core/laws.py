"""What holds of every task after every transition.

The exploration calls `check` after each move.  Laws about orders of reports are checked over the
log of a run, not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.core.engine_life import EngineState
from utrace.core.events import DEATH, NO_EVENT, QUIESCE
from utrace.core.task_life import TaskLife
from utrace.core.verdicts import ResumeAction
from utrace.errors import invariant

if TYPE_CHECKING:
    from utrace.core.task_life import TracedTask


def check(task: TracedTask) -> None:
    """Check one task.

    Raises:
        InvariantViolation: a law does not hold; the message names it.
    """
    invariant(
        task.pending not in {ResumeAction.STOP, ResumeAction.DETACH},
        "pending is never STOP or DETACH",
        task=task,
    )
    invariant(
        all(engine.state is not EngineState.DETACHED for engine in task.engines),
        "a detached engine is on no list",
        task=task,
    )
    invariant(
        len({id(engine) for engine in task.engines}) == len(task.engines),
        "an engine is listed once",
        task=task,
    )
    union = 0
    for engine in task.engines:
        union |= engine.mask
        if engine.state is EngineState.DETACHING:
            invariant(task.reporting is engine, "DETACHING only inside the callback", task=task)
            invariant(not engine.mask, "a leaving engine asks for nothing", task=task)
            invariant(not engine.wants_stop, "a leaving engine wants no stop (INV-36)", task=task)
    invariant(union & ~task.mask == 0, "the union has every engine's bits (INV-40)", task=task, union=union)
    if task.held:
        invariant(task.reporting is None, "a held task is in no callback", task=task)
        invariant(not task.is_dead(), "a dead task is not held", task=task)
    if task.reporting is not None:
        invariant(task.event != NO_EVENT or task.callback != NO_EVENT, "a callback has an event", task=task)
    if task.life is TaskLife.DEAD and task.event == NO_EVENT:
        # Other bits can still be set; nothing will come of them.
        final = task.mask & (DEATH | QUIESCE)
        invariant(not final, "DEATH and QUIESCE are over after the death report", task=task)
        invariant(not task.is_wanted_stopped(), "a dead task is not stopped", task=task)
    if task.life is TaskLife.REAPED and task.event == NO_EVENT:
        invariant(not task.engines, "a reaped task has no engines", task=task)
