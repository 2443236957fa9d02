"""Who may move next, and the making of the move that the scheduler chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.kernel.api import Fact, FactKind
from utrace.testing.moves import Move, MoveKind, Observer, Scheduler, move
from utrace.testing.sim import deaths, stops
from utrace.testing.sim.tasks import ExitState, SimTask, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.testing.sim.machine import Machine

_BELL: Final = move(MoveKind.DELIVER, "bell")
_TRACER: Final = Move(MoveKind.TRACE, "tracer", "tracer goes on")
_BELL_FACT: Final[Fact] = (0, FactKind.BELL, 0, None)


@dataclass(slots=True)
class Actor:
    """An outside caller."""

    move: Move
    action: Callable[[], object]
    when: Callable[[], bool] | None
    times_left: int


@dataclass(slots=True)
class Watch:
    """A fact asked for about a task: that it was reaped, or is a zombie leader."""

    move: Move
    task: SimTask
    tid: int
    kind: FactKind

    def holds(self) -> bool:
        """Whether the fact can be told."""
        if self.kind is FactKind.REAPED:
            return self.task.exit_state is ExitState.RELEASED
        return self.task.exit_state is ExitState.ZOMBIE and self.task.is_delayed_leader


Mover: TypeAlias = SimTask | Actor | Watch | None


class Stuck(Exception):
    """Nothing can ever happen again although tracees are left; the message describes each task."""


class TooManySteps(Exception):
    """A run is longer than its limit: most often a guest or a tracer that loops."""


class Turns:
    """Chooses and makes moves, one at a time.

    Attributes:
        choices: names of the chosen moves, where there was a choice.
        bell: a BELL is to be delivered.
        actors: outside callers.
        watches: facts asked for.
    """

    def __init__(
        self, machine: Machine, scheduler: Scheduler, steps_max: int, *, atomic_tracer: bool
    ) -> None:
        self.choices: list[str] = []
        self.bell = False
        self.actors: list[Actor] = []
        self.watches: list[Watch] = []
        self._machine = machine
        self._scheduler = scheduler
        self._observer = scheduler if isinstance(scheduler, Observer) else None
        self._last: Move | None = None
        self._steps_max = self._steps_left = steps_max
        self._is_tracer_atomic = atomic_tracer
        self._is_acting = False

    def take(self, *, traced: bool = True) -> Fact | None:
        """Make one move; give the fact if it delivered one.

        Args:
            traced: whether there is a tracer that waits.

        Raises:
            Stuck: no move is enabled.
            TooManySteps: the limit was reached.
        """
        moves, movers = self._enabled(deliver=traced)
        if not moves:
            raise Stuck(f"nothing can move\n{self._machine.dump()}")
        if len(moves) == 1 and self._observer is None:
            return self._make(moves[0], movers[0])
        chosen = self._choose(moves)
        return self._make(chosen, movers[moves.index(chosen)])

    def let_others_move(self, *, always: bool = False) -> None:
        """Let the scheduler move others before the tracer makes its next request.

        RACE: this is where a tracee is killed between a stop and what the tracer does about it.
        """
        if (self._is_tracer_atomic and not always) or self._is_acting:
            return
        while True:
            moves, movers = self._enabled(deliver=False)
            if not moves:
                return
            chosen = self._choose([_TRACER, *moves])
            if chosen is _TRACER:
                self._machine.touched.add("tracer")
                return
            self._make(chosen, movers[moves.index(chosen)])

    def _choose(self, moves: list[Move]) -> Move:
        touched = self._machine.touched
        if self._observer is not None and self._last is not None:
            self._observer.moved(self._last, frozenset(touched))
        touched.clear()
        chosen = self._scheduler.choose(moves)
        self._last = chosen
        if len(moves) > 1:
            self.choices.append(chosen.name)
        return chosen

    def _enabled(self, *, deliver: bool) -> tuple[list[Move], list[Mover]]:
        moves: list[Move] = []
        movers: list[Mover] = []
        for task in self._machine.tasks.values():
            if task.state is TaskState.RUNNING:
                moves.append(task.run_move)
                movers.append(task)
            elif task.state is TaskState.TRACED or task.state is TaskState.ENDED:
                told = self._tell_move(task)
                if told is not None and (deliver or told is task.reap_move):
                    moves.append(told)
                    movers.append(task)
        for actor in self.actors:
            if actor.times_left and self._can_act(actor):
                moves.append(actor.move)
                movers.append(actor)
        if deliver:
            self._add_told(moves, movers)
        return moves, movers

    def _can_act(self, actor: Actor) -> bool:
        if actor.when is None:
            return True
        was_acting, self._is_acting = self._is_acting, True
        try:
            return actor.when()
        finally:
            self._is_acting = was_acting

    def _tell_move(self, task: SimTask) -> Move | None:
        """Give the move by which somebody waits for a task that stands or is dead."""
        if task.state is TaskState.TRACED:
            return task.deliver_move if stops.is_waiting(task) else None
        if task.is_delayed_leader:
            return None
        parent = task.process.parent
        if task.traced or parent is self._machine.tracer:
            return task.deliver_move
        return task.reap_move if parent is self._machine.init else None

    def _add_told(self, moves: list[Move], movers: list[Mover]) -> None:
        for watch in self.watches:
            if watch.holds():
                moves.append(watch.move)
                movers.append(watch)
        if self.bell:
            moves.append(_BELL)
            movers.append(None)

    def _make(self, chosen: Move, mover: Mover) -> Fact | None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise TooManySteps(f"{self._steps_max} moves were made\n{self._machine.dump()}")
        machine = self._machine
        if isinstance(mover, SimTask):
            if chosen.kind is MoveKind.RUN:
                machine.step(mover)
                return None
            machine.touched.add(mover.process.key)
            if chosen.kind is MoveKind.REAP:
                deaths.release(mover)
                return None
            return self._deliver(mover)
        machine.touched.add("tracer")
        if isinstance(mover, Actor):
            mover.times_left -= 1
            self._is_acting = True
            try:
                mover.action()
            finally:
                self._is_acting = False
            return None
        if mover is None:
            self.bell = False
            return _BELL_FACT
        machine.touched.add(mover.task.process.key)
        self.watches.remove(mover)
        return (mover.tid, mover.kind, 0, None)

    def _deliver(self, task: SimTask) -> Fact:
        self._machine.touched.add("tracer")
        if task.state is TaskState.TRACED:
            fact = stops.stop_fact(task)
            task.stop_code = 0
            return fact
        fact = (task.tid, FactKind.DEATH, deaths.wait_status(task), None)
        deaths.consume_by_tracer(task)
        return fact
