"""When an outside caller of a scenario may act: the words of `Outsider.when`.

Most are about what the tracer knows.  "stopped" and "asleep" are about what is so, and "after" about others;
who plays the scenario knows how to find out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.core.task_life import TaskLife

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from utrace.tracer.engine import Engine
    from utrace.tracer.loop import LiveTracee


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the conditions of an outsider.

    Attributes:
        what: the word.
        name: of the engine or outsider that it is about; "" for none.
        on: label of the task.
    """

    what: str
    name: str
    on: str

    @property
    def engine(self) -> str:
        """The engine that it is about; "" for none."""
        return self.name if self.what in {"wants", "holds"} else ""

    def is_met(self, tracee: LiveTracee, engine: Engine | None) -> bool:
        """Tell whether it is met, if it is about what the tracer knows; its lock is held.

        Raises:
            KeyError: there is no such condition.
        """
        return _CONDITIONS[self.what](tracee, engine)


def parse_conditions(when: str, on: str) -> tuple[Condition, ...]:
    """Read "WORD [NAME] [on LABEL], ..."; `on`: the task where none is named."""
    found = []
    for part in when.split(", ") if when else ():
        said, _, label = part.partition(" on ")
        what, _, name = said.partition(" ")
        found.append(Condition(what, name, label or on))
    return tuple(found)


def _wants(tracee: LiveTracee, engine: Engine | None) -> bool:
    return engine is not None and engine.wants_stop and tracee.task.reporting is not engine


_CONDITIONS: Final[Mapping[str, Callable[[LiveTracee, Engine | None], bool]]] = {
    "wants": _wants,
    "holds": lambda tracee, engine: _wants(tracee, engine) and tracee.task.held,
    "exiting": lambda tracee, _engine: tracee.task.life is TaskLife.EXITING,
    "zombie": lambda tracee, _engine: tracee.gone,
    "told": lambda tracee, _engine: tracee.task.jctl and tracee.task.reporting is None,
}
