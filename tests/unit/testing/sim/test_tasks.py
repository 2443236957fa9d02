from __future__ import annotations

from utrace.testing import Pause
from utrace.testing.sim.machine import Machine
from utrace.testing.sim.tasks import STOP_CONSUME, STOP_PENDING, TRAP_STOP, SimTask


def a_task() -> SimTask:
    return Machine({"main": (Pause(),)}, recycle_tids=False).start("main")


def test_jobctl_is_not_set_on_a_dying_task() -> None:
    task = a_task()
    assert task.set_jobctl(TRAP_STOP)
    task.killed = True
    task.clear_jobctl(TRAP_STOP)
    assert not task.set_jobctl(TRAP_STOP)
    assert task.jobctl == 0


def test_jobctl_remembers_the_last_stop_signal() -> None:
    task = a_task()
    task.set_jobctl(STOP_PENDING | STOP_CONSUME | 19)
    task.set_jobctl(STOP_PENDING | 20)
    assert task.jobctl & 0xFF == 20
    task.clear_jobctl(STOP_PENDING)
    assert task.jobctl == 20


def test_retid_renames_its_moves() -> None:
    task = a_task()
    task.retid(7)
    assert (task.run_move.name, task.deliver_move.name) == ("run 7", "deliver 7")
