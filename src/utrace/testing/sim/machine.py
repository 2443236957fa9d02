"""The simulated machine: its tasks, its init, its tracer, and the making of one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.testing import guest
from utrace.testing.sim import signals
from utrace.testing.sim.image import Code, Image
from utrace.testing.sim.life import live
from utrace.testing.sim.tasks import TRAP_STOP, SimProcess, SimTask, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.testing.guest import Programs

INIT_TID: Final = 1
TRACER_TID: Final = 50
FIRST_TID: Final = 100


class Machine:
    """All simulated state below the seam.

    Attributes:
        tasks: by tid, in the order of their birth.
        images: programs that can be executed.
        touched: what has been read or changed since somebody last cleared it (`moves.Observer`).
        running: the task whose step is being made.
        births: of each task that another made: the maker's tid, its own, whether it was born traced.
    """

    def __init__(self, programs: Programs, *, recycle_tids: bool) -> None:
        self.tasks: dict[int, SimTask] = {}
        self.images = {name: Image(steps) for name, steps in programs.items()}
        self.touched: set[str] = set()
        self.running: SimTask | None = None
        self.births: list[tuple[int, int, bool]] = []
        self.init = SimProcess(self, INIT_TID, None, is_guest=False)
        self.tracer = SimProcess(self, TRACER_TID, self.init, is_guest=False)
        self._next_tid = FIRST_TID
        self._recycle_tids = recycle_tids

    def new_tid(self) -> int:
        """Give a tid: one never used before, or the lowest free one."""
        if self._recycle_tids:
            taken = {*self.tasks, *(task.process.tgid for task in self.tasks.values())}
            return next(tid for tid in range(FIRST_TID, FIRST_TID + len(taken) + 1) if tid not in taken)
        self._next_tid += 1
        return self._next_tid - 1

    def start(self, program: str) -> SimTask:
        """Make a process of init that runs a program.

        Raises:
            KeyError: no such program.
        """
        image = self.images[program]
        task = self._new_process(image.code, self.init)
        task.process.memory = image.memory()
        return task

    def launch(self, program: str, *, exit_kill: bool) -> SimTask:
        """Make a tracee of the tracer's own that stands in a consumed trap before its execve."""
        loader = Image((guest.Exec(program), guest.ExitGroup(127)))
        task = self._new_process(loader.code, self.tracer)
        task.process.memory = loader.memory()
        task.traced = True
        task.exit_kill = exit_kill
        task.set_jobctl(TRAP_STOP)
        signals.recalc_sigpending(task)
        self.step(task)
        task.stop_code = 0
        return task

    def add_task(self, task: SimTask) -> None:
        """Take in a newborn task; it can run from here on."""
        task.life = live(task)
        task.process.threads.append(task)
        task.process.live += 1
        task.process.quick_threads += 1
        self.tasks[task.tid] = task

    def remove_task(self, task: SimTask) -> None:
        """Forget a released task."""
        del self.tasks[task.tid]

    def retid_task(self, task: SimTask, tid: int) -> None:
        """Give a task another tid (execve by a non-leader)."""
        del self.tasks[task.tid]
        task.retid(tid)
        self.tasks[tid] = task

    def step(self, task: SimTask) -> None:
        """Let a task go on to its next yield."""
        self.touched.add(task.process.key)
        self.running = task
        life = task.life
        if life is not None and next(life, self) is self:
            task.life = None
        self.running = None

    def dump(self) -> str:
        """Describe every task in a line, for a person who looks for the reason of a hang."""
        return "\n".join(_describe(task) for task in self.tasks.values())

    def _new_process(self, code: list[Code], parent: SimProcess) -> SimTask:
        tid = self.new_tid()
        process = SimProcess(self, tid, parent)
        task = SimTask(self, tid, process, code)
        process.leader = task
        self.add_task(task)
        return task


_FLAGS: Final[tuple[tuple[str, Callable[[SimTask], object]], ...]] = (
    ("traced", lambda task: task.traced),
    ("killed", lambda task: task.killed),
    ("sigpending", lambda task: task.sigpending),
    ("exiting", lambda task: task.exiting),
    ("status not taken", lambda task: task.state is TaskState.TRACED and task.stop_code),
)


def _describe(task: SimTask) -> str:
    flags = [name for name, holds in _FLAGS if holds(task)]
    stop = f" stop {task.stop_kind:#x}" if task.state is TaskState.TRACED else ""
    return (
        f"task {task.tid} of {task.process.tgid}: {task.state.name.lower()}{stop},"
        f" {task.exit_state.name.lower()}, jobctl {task.jobctl:#x}, {' '.join(flags) or 'no flags'}"
    )
