"""The handle of one client on one task, with the calls of utrace.h.

Reference: include/linux/utrace.h; the spec's section 4.
"""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING

from utrace.core import control as core_control
from utrace.core import engine_life
from utrace.core.events import (
    CLONE,
    DEATH,
    EXEC,
    EXIT,
    JCTL,
    REAP,
    SIGNAL_ALL,
    SYSCALL_ENTRY,
    SYSCALL_EXIT,
    Event,
)
from utrace.core.examine import Examiner, finish_examine, prepare_examine
from utrace.core.task_life import Need
from utrace.core.verdicts import Outcome, ResumeAction
from utrace.errors import Misuse
from utrace.syscalls import syscall_set
from utrace.syscalls.abi import ABIS
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from utrace.core.task_life import TracedTask
    from utrace.core.verdicts import Answer
    from utrace.tracer.loop import Loop
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

_CALLBACK_OF = {
    CLONE: "report_clone",
    EXEC: "report_exec",
    EXIT: "report_exit",
    DEATH: "report_death",
    REAP: "report_reap",
    SYSCALL_ENTRY: "report_syscall_entry",
    SYSCALL_EXIT: "report_syscall_exit",
    SIGNAL_ALL: "report_signal",
    JCTL: "report_jctl",
}


def require_callbacks(ops: EngineOps, mask: int) -> None:
    """Check that ops has a callback of its own for every event it asks for.

    Raises:
        Misuse: it has not; QUIESCE alone needs none.
    """
    for bits, name in _CALLBACK_OF.items():
        if mask & bits and getattr(type(ops), name) is getattr(EngineOps, name) and name not in vars(ops):
            message = f"{type(ops).__name__} asks for {Event(mask & bits)!r} but has no {name}"
            raise Misuse(message)


def syscall_numbers(names: Collection[str] | None) -> Mapping[int, frozenset[int]] | None:
    """Give the numbers, by audit arch, that names or `-e trace=` sets stand for; None for all.

    Raises:
        Misuse: an unknown name.
    """
    if names is None:
        return None
    return _numbers_of(names if isinstance(names, str) else ",".join(sorted(names)))


@functools.cache
def _numbers_of(expression: str) -> Mapping[int, frozenset[int]]:
    return {abi.audit: syscall_set(expression, abi) for abi in ABIS}


class Engine(engine_life.Engine):
    """One `EngineOps` on one task.

    All calls may come from any thread, and from inside callbacks.  After detach, or the task's
    death, they raise `TaskGone`, also when the tid has been given to another task (INV-2).
    """

    __slots__ = ("client", "entry", "exit", "loop")

    entry: Callable[[Task, Syscall], Answer]
    exit: Callable[[Task, Syscall], Answer]
    loop: Loop

    def __init__(
        self,
        task: TracedTask,
        ops: object,
        *,
        syscalls: Mapping[int, frozenset[int]] | None = None,
        signal_callback: bool = False,
    ) -> None:
        super().__init__(task, ops, syscalls=syscalls, signal_callback=signal_callback)
        if not isinstance(ops, EngineOps):
            message = f"an engine is an EngineOps, not {ops!r}"
            raise Misuse(message)
        self.client = ops
        self.has_last_word = ops.has_last_word
        self.takes_batches = ops.batches is not None
        self.late = int(ops.late_events)
        self.entry = ops.report_syscall_entry
        self.exit = ops.report_syscall_exit

    def copy_to(self, child: TracedTask) -> Engine:
        """Make the engine a child inherits: the same client, the same interest."""
        copy = Engine(child, self.client, syscalls=self.syscalls, signal_callback=self.signal_callback)
        copy.mask = self.mask
        copy.loop = self.loop
        return copy

    def __repr__(self) -> str:
        return f"<Engine {type(self.client).__name__} on task {self.task.id} {self.state.name}>"

    @property
    def events(self) -> Event:
        """The events it is told of."""
        return Event(self.mask)

    def control(self, action: ResumeAction) -> Outcome:
        """Change what the task does, for this engine; see `utrace.core.control.control`.

        Returns:
            DONE, or IN_PROGRESS: STOP of a running task, which a quiesce callback will follow, or
            DETACH while a callback of this engine runs, which `barrier` waits for.

        Raises:
            Misuse: REPORT or a step without QUIESCE in the mask.
            TaskGone: the task is dead, or this engine detached.
            TooLate: DETACH during the death report.
        """
        with self.loop.entered():
            return core_control.control(self, action)

    def detach(self) -> Outcome:
        """Remove this engine; a task nobody else traces is let go as it was found."""
        return self.control(ResumeAction.DETACH)

    def set_events(self, events: Event) -> Outcome:
        """Change what the engine is told of, from the next callback on.

        Returns:
            DONE: no callback the mask excludes starts or runs any more; or IN_PROGRESS: one of this
            engine's is running right now, see `barrier`.

        Raises:
            TaskGone: the engine is detached.
            TooLate: the death report has begun and the change concerns DEATH or QUIESCE.
            Misuse: no callback for an event asked for.
        """
        mask = int(events)
        require_callbacks(self.client, mask)
        with self.loop.entered():
            outcome = core_control.set_events(self, mask, from_callback=self.loop.is_mine())
            self.loop.tracees.end_leanness(self.task)
            return outcome

    def set_syscalls(self, numbers: Mapping[int, frozenset[int]] | None) -> None:
        """Change which system calls the engine is told of, by audit arch; None for all.

        A task whose seccomp filter lets some of them pass is then stopped at every call.
        """
        with self.loop.entered():
            self.syscalls = numbers
            self.task.recompute()
            self.task.need(Need.ATTENTION)

    def barrier(self, timeout_s: float | None = None) -> bool:
        """Wait until no callback of this engine runs and all its effects are applied.

        From inside a callback it returns at once.

        Returns:
            False if `timeout_s` passed first.

        Raises:
            TaskGone: the engine is detached, and no callback of it is running.
        """
        with self.loop.entered():
            mine = self.loop.is_mine()
            return self.loop.wait_for(
                lambda: core_control.barrier(self, from_callback=mine) is Outcome.DONE, timeout_s
            )

    def prepare_examine(self, timeout_s: float | None = None) -> Examiner:
        """Wait until the task stands still for this engine, and begin to look at it.

        Raises:
            Misuse: this engine does not want the task stopped, or it is a callback that asks.
            TaskGone: the task is dead, or the engine detached.
            TimeoutError: the task did not stop in time.
        """
        found: list[Examiner] = []

        def prepared() -> bool:
            examiner = prepare_examine(self)
            if examiner is not None:
                found.append(examiner)
            return bool(found)

        with self.loop.entered():
            if self.loop.is_mine():
                message = "in a callback the task stands still already: examine it directly"
                raise Misuse(message)
            if not self.loop.wait_for(prepared, timeout_s):
                message = f"task {self.task.id} did not stop in {timeout_s} s"
                raise TimeoutError(message)
        return found[0]

    def finish_examine(self, examiner: Examiner) -> None:
        """End an examination; returning means that what was read is one consistent picture.

        Raises:
            Disturbed: the stop was broken meanwhile, by SIGKILL or a release.
            TaskGone: the task is dead, or the engine detached.
        """
        self.loop.in_tracer(lambda: self.loop.look_for_a_kill(self.task))
        with self.loop.entered():
            finish_examine(examiner)

    @contextmanager
    def examining(self, timeout_s: float | None = None) -> Iterator[Task]:
        """Look at the stopped task: memory and registers, also to change them.

        Raises:
            Disturbed: on leaving: the task woke meanwhile, discard what was read.
        """
        examiner = self.prepare_examine(timeout_s)
        yield self.loop.task_of(self.task)
        self.finish_examine(examiner)


def follows(ops: object) -> bool:
    """Tell whether an engine goes on the children of its tasks, too."""
    return isinstance(ops, EngineOps) and ops.follow


def matcher(exclusive: bool | Callable[[EngineOps], bool]) -> Callable[[object], bool] | None:  # noqa: FBT001 — a public parameter's own type
    """Give what says which engines stand in the way of an exclusive one; None: it is not exclusive."""
    if exclusive is False:
        return None
    return lambda engine: isinstance(engine, Engine) and (exclusive is True or exclusive(engine.client))
