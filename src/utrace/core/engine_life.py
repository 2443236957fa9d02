"""One engine on one task, and its life.

Rules of this file:

1. Every change of `Engine.state` goes through `ENGINE_LIFE`.
2. An engine is off its task's list as soon as it is DETACHED; a pass in progress walks the list it
   began with and skips it by its empty mask.

Reference: kernel/utrace.c:get_utrace_lock(), mark_engine_detached(), utrace_reset() (API 20091216).
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.core.tables import Go, Never, Refuse
from utrace.errors import InvariantViolation, TaskGone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.core.task_life import TracedTask


class EngineState(enum.Enum):
    """Where an engine stands."""

    ATTACHED = enum.auto()
    """Called from the next pass on."""
    DETACHING = enum.auto()
    """Its callback is running; off the list when that returns, whatever it answers."""
    DETACHED = enum.auto()
    """Off the list.  Final."""


class EngineInput(enum.Enum):
    """What can happen to an engine."""

    DETACH = enum.auto()
    """Detached while no callback of it is running."""
    DETACH_WHILE_REPORTING = enum.auto()
    """Detached by somebody while its callback is running."""
    CALLBACK_ENDS = enum.auto()
    """A callback of a DETACHING engine returned."""
    REAPED = enum.auto()
    """The task is gone; every engine is forced off."""


_S, _I = EngineState, EngineInput
Cell: TypeAlias = Go[EngineState] | Refuse | Never
_GONE: Final = Refuse(TaskGone, "the engine is detached")

#: Total: one cell for each state and input.
ENGINE_LIFE: Final[Mapping[tuple[EngineState, EngineInput], Cell]] = {
    (_S.ATTACHED, _I.DETACH): Go(_S.DETACHED),
    (_S.ATTACHED, _I.DETACH_WHILE_REPORTING): Go(_S.DETACHING),
    (_S.ATTACHED, _I.CALLBACK_ENDS): Never("only asked of an engine marked for detach"),
    (_S.ATTACHED, _I.REAPED): Go(_S.DETACHED),
    (_S.DETACHING, _I.DETACH): Never("a DETACHING engine is inside its callback"),
    (_S.DETACHING, _I.DETACH_WHILE_REPORTING): _GONE,
    (_S.DETACHING, _I.CALLBACK_ENDS): Go(_S.DETACHED),
    (_S.DETACHING, _I.REAPED): Never("REAP is its own last pass: nothing runs beside it"),
    (_S.DETACHED, _I.DETACH): _GONE,
    (_S.DETACHED, _I.DETACH_WHILE_REPORTING): _GONE,
    (_S.DETACHED, _I.CALLBACK_ENDS): Never("marked for detach twice"),
    (_S.DETACHED, _I.REAPED): Never("a detached engine is on no list"),
}


class Engine:
    """One client on one task.

    Attributes:
        task: the task it is on; kept after detach, when every call answers `TaskGone` (INV-2).
        ops: the client's own object; opaque here.
        mask: the events it asked for; 0 once detached.
        syscalls: numbers it asked for by audit arch, or None for all.
        signal_callback: whether its ops have a report_signal of their own (spec 2.1).
        wants_stop: it keeps the task stopped.
        stops_at_events: its STOP at a CLONE or EXEC takes effect right there, as a ptrace-stop does, and not
            only before user mode; and a SIGCONT makes a quiesce to it, as it makes a ptrace-stop.
        late: events whose callbacks may come when the task has gone on already.
        has_last_word: where a call shows two stops before it is made, it is told of the entry at the last:
            it stands for the kernel, which comes after everybody else.
    """

    __slots__ = (
        "has_last_word",
        "late",
        "mask",
        "ops",
        "signal_callback",
        "state",
        "stops_at_events",
        "syscalls",
        "takes_batches",
        "task",
        "wants_stop",
    )

    def __init__(
        self,
        task: TracedTask,
        ops: object,
        *,
        syscalls: Mapping[int, frozenset[int]] | None = None,
        signal_callback: bool = False,
    ) -> None:
        self.task = task
        self.ops = ops
        self.mask = 0
        self.syscalls = syscalls
        self.signal_callback = signal_callback
        self.wants_stop = False
        self.stops_at_events = False
        self.has_last_word = False
        self.takes_batches = False
        self.late = 0
        self.state = EngineState.ATTACHED

    def copy_to(self, child: TracedTask) -> Engine:
        """Make the engine a child inherits: the same client, the same interest."""
        copy = type(self)(child, self.ops, syscalls=self.syscalls, signal_callback=self.signal_callback)
        copy.mask = self.mask
        return copy

    def move(self, what: EngineInput) -> None:
        """Apply one input.

        Raises:
            TaskGone: the engine is detached already.
        """
        match ENGINE_LIFE[self.state, what]:
            case Go(then):
                self.state = then
                self.mask = 0
                self.wants_stop = False
            case Refuse(error, why):
                raise error(why)
            case Never(why):
                message = f"engine {self.state} got {what}: {why}"
                raise InvariantViolation(message)
