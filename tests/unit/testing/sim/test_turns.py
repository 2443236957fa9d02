from __future__ import annotations

import pytest

from utrace.kernel.api import FactKind
from utrace.testing import DepthFirst, First, Pause, Stuck
from utrace.testing.moves import Move, MoveKind, move
from utrace.testing.sim.machine import Machine
from utrace.testing.sim.turns import Actor, Turns


def turns(scheduler: First | DepthFirst) -> Turns:
    """Give the turns of a machine whose one task sleeps after one more move."""
    machine = Machine({"main": (Pause(),)}, recycle_tids=False)
    machine.step(machine.start("main"))
    return Turns(machine, scheduler, 100, atomic_tracer=False)


def test_single_move_is_no_choice() -> None:
    taken = turns(First())
    assert taken.take() is None
    assert taken.choices == []


def test_actor_acts_its_times_and_bell_is_a_fact() -> None:
    taken = turns(First())
    acted: list[int] = []
    name: Move = move(MoveKind.ACT, "knock")
    taken.actors.append(Actor(name, lambda: acted.append(1), None, 2))
    taken.bell = True
    facts = [taken.take() for _ in range(4)]
    assert facts == [None, None, None, (0, FactKind.BELL, 0, None)]
    assert acted == [1, 1]
    assert taken.choices == ["run 100", "act knock", "act knock"]
    with pytest.raises(Stuck):
        taken.take()


def test_requests_of_an_actor_let_nobody_else_move() -> None:
    taken = turns(First())
    taken.actors.append(Actor(move(MoveKind.ACT, "ask"), taken.let_others_move, None, 1))
    taken.take()
    taken.take()
    assert taken.choices == ["run 100"]


def test_observer_is_asked_also_when_there_is_one_move() -> None:
    explorer = DepthFirst()
    next(explorer.runs())
    taken = turns(explorer)
    taken.take()
    with pytest.raises(Stuck):
        taken.take()
    assert taken.choices == []
