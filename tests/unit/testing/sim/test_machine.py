from __future__ import annotations

import pytest

from utrace.testing import Exit, Pause
from utrace.testing.sim.machine import FIRST_TID, Machine
from utrace.testing.sim.tasks import ExitState, TaskState


def test_start_of_an_unknown_program_is_refused() -> None:
    with pytest.raises(KeyError):
        Machine({}, recycle_tids=False).start("main")


def test_launch_stands_in_a_trap_already_taken() -> None:
    machine = Machine({"main": (Exit(0),)}, recycle_tids=False)
    task = machine.launch("main", exit_kill=True)
    assert task.state is TaskState.TRACED
    assert task.stop_code == 0
    assert task.exit_state is ExitState.ALIVE
    assert "stop 0x8005, alive" in machine.dump()


def test_tids_count_up_or_are_recycled() -> None:
    counting = Machine({"main": (Pause(),)}, recycle_tids=False)
    assert [counting.new_tid(), counting.new_tid()] == [FIRST_TID, FIRST_TID + 1]
    recycling = Machine({"main": (Pause(),)}, recycle_tids=True)
    task = recycling.start("main")
    assert recycling.new_tid() == FIRST_TID + 1
    recycling.remove_task(task)
    assert recycling.new_tid() == FIRST_TID


def test_step_notes_what_it_touched() -> None:
    machine = Machine({"main": (Pause(),)}, recycle_tids=False)
    task = machine.start("main")
    machine.step(task)
    assert machine.touched == {str(task.tid)}
