"""The specification's table of control calls (4.1), and a stage on which to play each of its columns."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.unit.core.backend import BackEnd
from utrace.core.control import Target
from utrace.core.events import DEATH, EXEC, QUIESCE
from utrace.core.reporting import Pause, report, report_death, report_exit, report_reap, stop
from utrace.core.task_life import Need
from utrace.core.verdicts import ResumeAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.core.engine_life import Engine

STOP, INTERRUPT, REPORT = ResumeAction.STOP, ResumeAction.INTERRUPT, ResumeAction.REPORT
SINGLESTEP, BLOCKSTEP = ResumeAction.SINGLESTEP, ResumeAction.BLOCKSTEP
RESUME, DETACH = ResumeAction.RESUME, ResumeAction.DETACH


class Column(enum.Enum):
    """The columns of the specification's table (4.1), and how a task gets there."""

    RUN = "run"
    CALLBACK = "cb"
    MINE = "mine"
    OTHER = "other"
    JCTL = "jctl"
    DYING = "dying"
    DEATH = "death"
    DEAD = "dead"
    REAPED = "reaped"


class Answer(enum.Enum):
    """What a cell of the table says."""

    DONE = "0"
    LATER = "EINPROGRESS"
    GONE = "ESRCH"
    TOO_LATE = "EALREADY"


@dataclass(frozen=True)
class Cell:
    answer: Answer
    wish: bool = False
    pending: ResumeAction = RESUME
    asked: tuple[Need, ...] = ()


GONE: Final = Cell(Answer.GONE)
LEFT: Final = (Need.RELEASE,)


def done(pending: ResumeAction = RESUME, *asked: Need, wish: bool = False) -> Cell:
    return Cell(Answer.DONE, wish, pending, asked)


def _row(run: Cell, callback: Cell, mine: Cell, other: Cell, jctl: Cell) -> dict[Column, Cell]:
    return {
        Column.RUN: run,
        Column.CALLBACK: callback,
        Column.MINE: mine,
        Column.OTHER: other,
        Column.JCTL: jctl,
        Column.DYING: run,
        Column.DEATH: GONE,
        Column.DEAD: GONE,
        Column.REAPED: GONE,
    }


def _going_on(action: ResumeAction, run_need: Need) -> dict[Column, Cell]:
    """INTERRUPT, REPORT and the steps: 0 everywhere, pending; the own stop ends, another's does not."""
    return _row(
        run=done(action, run_need),
        callback=done(action),
        mine=done(action, Need.WAKE),
        other=done(action),
        jctl=done(action),
    )


#: Written from the prose and the table of the specification, not from `CONTROL`.
EXPECTED: Final[dict[ResumeAction, dict[Column, Cell]]] = {
    STOP: _row(
        run=Cell(Answer.LATER, True, REPORT, (Need.ATTENTION,)),
        callback=Cell(Answer.LATER, True, REPORT),
        mine=done(wish=True),
        other=done(wish=True),
        jctl=done(RESUME, Need.ATTENTION, wish=True),
    ),
    INTERRUPT: _going_on(INTERRUPT, Need.INTERRUPT),
    REPORT: _going_on(REPORT, Need.ATTENTION),
    SINGLESTEP: _going_on(SINGLESTEP, Need.ATTENTION),
    BLOCKSTEP: _going_on(BLOCKSTEP, Need.ATTENTION),
    RESUME: _row(run=done(), callback=done(), mine=done(RESUME, Need.WAKE), other=done(), jctl=done()),
    DETACH: {
        **_row(
            run=done(RESUME, *LEFT, Need.ATTENTION),
            callback=Cell(Answer.LATER),
            mine=done(RESUME, *LEFT, Need.WAKE),
            other=done(RESUME, *LEFT),
            jctl=done(RESUME, *LEFT, Need.ATTENTION),
        ),
        Column.DEATH: Cell(Answer.TOO_LATE),
        Column.DEAD: done(RESUME, *LEFT),
    },
}


class Stage:
    """A task brought to a column of the table, with a control call by engine A in it."""

    def __init__(self, act: Callable[[Engine], None]) -> None:
        self.backend = BackEnd()
        self.act = act
        self.engine = self.backend.engine("A", QUIESCE, quiesce=[None])
        self.other = self.backend.engine("B", QUIESCE)

    def play(self, column: Column) -> None:
        getattr(self, f"_{column.name.lower()}")()

    def _do(self) -> None:
        self.backend.asked()
        self.act(self.engine)

    def _run(self) -> None:
        self._do()

    def _callback(self) -> None:
        client = self.backend.engine("C", link=False, exec=[self._do]).ops
        self.engine.ops = client
        self.engine.mask |= EXEC
        self.backend.task.recompute()
        self.backend.go(report(self.backend.task, EXEC))

    def _mine(self) -> None:
        self.engine.wants_stop = True
        assert self.backend.go(stop(self.backend.task)) is Pause.HELD
        self._do()

    def _other(self) -> None:
        self.other.wants_stop = True
        assert self.backend.go(stop(self.backend.task)) is Pause.HELD
        self._do()

    def _jctl(self) -> None:
        self.backend.task.jctl = True
        self._do()

    def _dying(self) -> None:
        self.backend.go(report_exit(self.backend.task, live=True))
        self._do()

    def _death(self) -> None:
        self.backend.engine("C", DEATH, death=[self._do])
        self.backend.go(report_exit(self.backend.task, live=True))
        self.backend.go(report_death(self.backend.task))

    def _dead(self) -> None:
        self.backend.go(report_exit(self.backend.task, live=True))
        self.backend.go(report_death(self.backend.task))
        self._do()

    def _reaped(self) -> None:
        self.backend.go(report_exit(self.backend.task, live=True))
        self.backend.go(report_death(self.backend.task))
        self.backend.go(report_reap(self.backend.task))
        self._do()


TARGET_OF_COLUMN: Final = {
    Column.RUN: Target.RUNNING,
    Column.CALLBACK: Target.IN_CALLBACK,
    Column.MINE: Target.HELD_BY_ME,
    Column.OTHER: Target.HELD_BY_OTHERS,
    Column.JCTL: Target.JOB_STOPPED,
    Column.DYING: Target.RUNNING,
    Column.DEATH: Target.DEATH,
    Column.DEAD: Target.DEAD,
    Column.REAPED: Target.DETACHED,
}
