"""What an engine was promised about a task's standing still, and whether it is kept.

A task keeps still when the count of instructions it has begun in user mode does not change.

Reference: docs/semantics.md, INV-17, INV-18, INV-23.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from utrace.core.events import QUIESCE
from utrace.core.verdicts import Outcome
from utrace.testing.run_laws import Violation

if TYPE_CHECKING:
    from utrace.testing.sim.truth import Truth
    from utrace.tracer.engine import Engine


@dataclass(slots=True)
class _Promise:
    truth: Truth
    steps: int
    in_force: bool
    told: bool


class Promises:
    """The promises of one run."""

    def __init__(self) -> None:
        self._still: dict[Engine, _Promise] = {}
        self._looking: dict[Engine, tuple[Truth, int]] = {}

    def asked(self, engine: Engine, outcome: Outcome, truth: Truth) -> None:
        """Take note of a STOP: DONE is in force at once, IN_PROGRESS when the loop has seen to it."""
        task = engine.task
        known = self._still.get(engine)
        if known is not None and known.in_force:
            return
        told = outcome is Outcome.DONE or task.reporting is not None or not engine.mask & QUIESCE
        self._still[engine] = _Promise(truth, truth.steps, outcome is Outcome.DONE, told or task.held)

    def let_go(self, engine: Engine) -> None:
        """Take note that the engine, or its answer, let the task go, or that it left."""
        self._still.pop(engine, None)

    def called(self, engine: Engine) -> None:
        """Take note of a callback."""
        promise = self._still.get(engine)
        if promise is not None:
            promise.told = True

    def looks(self, engine: Engine, truth: Truth) -> None:
        """Take note that an examination has begun."""
        self._looking[engine] = (truth, truth.steps)

    def looked(self, engine: Engine) -> None:
        """Check an examination that ended well.

        Raises:
            Violation: the task ran meanwhile, or a SIGKILL has ended its stop.
        """
        truth, steps = self._looking.pop(engine)
        if truth.steps != steps or truth.is_killed:
            raise Violation(f"INV-23: {engine!r} examined a task that left its stop meanwhile")

    def settled(self) -> bool:
        """Put promises in force that the loop has now seen to; tell whether there were any.

        Raises:
            Violation: a task stands still for an engine that has not been told.
        """
        are_new = False
        for engine, promise in self._still.items():
            if not promise.in_force:
                are_new = True
                promise.steps = promise.truth.steps
                promise.in_force = True
            if not promise.told and engine.task.held and engine.mask & QUIESCE:
                raise Violation(f"INV-18: the task stands still for {engine!r}, which was not told")
        return are_new

    def check(self) -> None:
        """Check that every task that is to keep still has done so.

        Raises:
            Violation: one has not.
        """
        for engine, promise in self._still.items():
            if promise.in_force and promise.truth.steps != promise.steps:
                raise Violation(f"INV-17: {engine!r} has the task stopped, but it ran")
