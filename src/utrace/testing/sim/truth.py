"""What is so in the simulation, whatever the tracer knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.testing.sim.tasks import ExitState, TaskState

if TYPE_CHECKING:
    from utrace.testing.sim.tasks import SimTask


class Truth:
    """How a simulated task is, seen by nobody in the simulation; looking moves nobody."""

    def __init__(self, task: SimTask) -> None:
        self._task = task

    @property
    def process_key(self) -> str:
        """Its process, as `Observer.moved` names it."""
        return self._task.process.key

    @property
    def steps(self) -> int:
        """Instructions it has begun in user mode, system calls included."""
        return self._task.user_steps

    @property
    def is_stopped(self) -> bool:
        """Whether job control has stopped its process."""
        return self._task.process.stop_stopped

    @property
    def is_asleep(self) -> bool:
        """Whether it sleeps in a system call that a signal can end."""
        return self._task.state is TaskState.SLEEPING

    @property
    def is_killed(self) -> bool:
        """Whether it has left whatever stop it stood in because of a SIGKILL."""
        return self._task.killed

    @property
    def is_released(self) -> bool:
        """Whether somebody has waited for its end, so that nothing of it is left."""
        return self._task.exit_state is ExitState.RELEASED

    @property
    def stood_at_exit(self) -> bool:
        """Whether it came to its exit event, so that the tracer could see it alive."""
        return self._task.stood_at_exit
