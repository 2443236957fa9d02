"""Putting engines on tasks, and finding them there.

Reference: kernel/utrace.c:utrace_attach_task() (API 20091216); the spec's section 1.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.core.engine_life import EngineState
from utrace.core.task_life import TaskLife
from utrace.errors import EngineExists, NoSuchEngine, TaskGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.core.engine_life import Engine
    from utrace.core.task_life import TracedTask


def attach_task(engine: Engine, *, exclusive: Callable[[Engine], bool] | None = None) -> None:
    """Put a new engine, whose mask is empty, on its task; it is called from the next pass on (INV-3).

    A dead task takes engines until it is reaped; they can only be told of REAP.

    Args:
        engine: the engine; it names the task.
        exclusive: refuse if some attached engine matches this; one marked for detach is none.

    Raises:
        EngineExists: an attached engine matched `exclusive`.
        TaskGone: the task has been reaped (INV-43).
    """
    task = engine.task
    if task.life is TaskLife.REAPED:
        message = f"task {task.id} is gone"
        raise TaskGone(message)
    if exclusive is not None and any(
        other.state is EngineState.ATTACHED and exclusive(other) for other in task.engines
    ):
        message = f"task {task.id} has such an engine already"
        raise EngineExists(message)
    task.link(engine)


def find_engine(task: TracedTask, matches: Callable[[Engine], bool]) -> Engine:
    """Look an attached engine up, in attach order.

    Raises:
        NoSuchEngine: none matches; engines marked for detach never do.
    """
    for engine in task.engines:
        if engine.state is EngineState.ATTACHED and matches(engine):
            return engine
    message = f"task {task.id} has no such engine"
    raise NoSuchEngine(message)


def inherit_engines(parent: TracedTask, child: TracedTask, follows: Callable[[object], bool]) -> list[Engine]:
    """Give a new child its parent's engines, in order, with their masks, where they follow.

    utrace's children inherit nothing; a client attaches in report_clone.  This does that for the
    clients that said so, after the report: whoever attached there itself is passed over.
    """
    present = [engine.ops for engine in child.engines]
    born = []
    for engine in parent.engines:
        if follows(engine.ops) and not any(ops is engine.ops for ops in present):
            copy = engine.copy_to(child)
            child.link(copy)
            born.append(copy)
    return born
