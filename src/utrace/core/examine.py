"""Looking at a stopped task, and knowing afterwards whether it stood still meanwhile.

Reference: kernel/utrace.c:utrace_prepare_examine(), utrace_finish_examine() (API 20091216); the
spec's section 4.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from utrace.core.engine_life import EngineState
from utrace.core.task_life import TaskLife
from utrace.errors import Disturbed, Misuse, TaskGone

if TYPE_CHECKING:
    from utrace.core.engine_life import Engine


class Examiner(NamedTuple):
    """What `prepare_examine` saw; `finish_examine` compares."""

    engine: Engine
    stops: int


def _require_alive(engine: Engine) -> None:
    if engine.state is not EngineState.ATTACHED or engine.task.is_dead():
        message = f"task {engine.task.id} is gone, or the engine detached"
        raise TaskGone(message)


def _require_wish(engine: Engine) -> None:
    if not engine.wants_stop:
        if engine.task.life is not TaskLife.ALIVE:
            message = f"SIGKILL broke the stop of task {engine.task.id}"
            raise TaskGone(message)
        message = "only an engine that wants the task stopped may examine it"
        raise Misuse(message)


def prepare_examine(engine: Engine) -> Examiner | None:
    """Begin an examination.

    Returns:
        What to finish with; None while the task is on its way to the stop: ask again when it has
        stopped.

    Raises:
        Misuse: this engine does not want the task stopped.
        TaskGone: the task is dead or the engine detached.
    """
    _require_alive(engine)
    if engine.task.reporting is engine:
        # Its callback is running, and its answer may be STOP: who was told by it may be quicker.
        return None
    _require_wish(engine)
    return Examiner(engine, engine.task.stops) if engine.task.held else None


def finish_examine(examiner: Examiner) -> None:
    """End an examination; returning means that what was read is one consistent picture.

    Raises:
        Disturbed: SIGKILL, or a release, broke the stop meanwhile (INV-23).
        Misuse: this engine no longer wants the task stopped; others kept it so.
        TaskGone: the task is dead or the engine detached.
    """
    # A kill also ends the wish to stop: it is told as what it is.
    _require_alive(examiner.engine)
    task = examiner.engine.task
    if not task.held or task.stops != examiner.stops:
        message = f"task {task.id} woke during the examination"
        raise Disturbed(message)
    _require_wish(examiner.engine)
