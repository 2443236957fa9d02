"""The kernel and the loop of a `World`: the real loop, in a thread that also plays everybody outside."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from utrace.testing.own import Watched
from utrace.testing.scripted import ScriptedFault
from utrace.testing.simkernel import SimKernel
from utrace.tracer.loop import LiveTracee, Loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.core.task_life import TracedTask
    from utrace.errors import UtraceError
    from utrace.kernel.api import Fact, Kernel
    from utrace.testing.world import World
    from utrace.tracehook.tracee import Process
    from utrace.tracehook.tracees import Tracees
    from utrace.tracer.engine import Engine
    from utrace.tracer.ops import EngineOps

R = TypeVar("R")


class WorldKernel(SimKernel):
    """The simulated kernel, with a look at all laws whenever the loop has done its part."""

    world: World

    def next_fact(self, tid: int, request: int, signo: int, /) -> Fact:
        """Check all laws, then wait."""
        self.world.settled()
        return super().next_fact(tid, request, signo)

    def detach(self, tid: int, signo: int, /) -> bool:
        """Check that the tracee has not run since it was to be let go, then let it go."""
        self.world.check_departures()
        return super().detach(tid, signo)


class WorldLoop(Loop):
    """The loop of `utrace.tracer`, run in a thread that also plays everybody outside."""

    def __init__(self, kernel: Kernel, world: World) -> None:
        scenario = world.scenario
        super().__init__(
            kernel, on_engine_fault="detach", serial=scenario.serial, when_blocked=scenario.blocked
        )
        self._world = world

    def is_mine(self) -> bool:
        """Tell whether the one thread now plays the tracer."""
        return not self._world.is_outside

    def in_tracer(self, what: Callable[[], R]) -> R:
        """Do it: there is no other thread."""
        return what()

    def is_free(self) -> bool:
        """Whether somebody outside would get the lock."""
        return not self._lock.locked()

    def drive(self) -> None:
        """Do what the tracer thread does, until nothing is traced."""
        self._thread = threading.get_ident()
        self._stopping = True
        self._run()

    def find_engine(self, tracee: LiveTracee, ops: EngineOps) -> Engine:
        """Find it by the engine that is watched, too: that is what a callback of it knows."""
        watchers = (each for each in self._world.ops.values() if isinstance(each, Watched))
        return super().find_engine(tracee, next((each for each in watchers if each.engine is ops), ops))

    def note_fault(self, fault: UtraceError, *, vital: bool) -> None:
        """Keep a fault that a script asked for; raise what is no engine's doing."""
        cause = fault.__cause__
        if isinstance(cause, ScriptedFault):
            super().note_fault(fault, vital=vital)
        elif cause is not None:
            # The choice of another run, or a violation: not the engine's doing.
            raise cause

    def _make(
        self,
        kernel: Kernel,
        kin: Tracees[LiveTracee],
        task: TracedTask,
        process: Process,
        own_child: bool,  # noqa: FBT001 — as in Loop
    ) -> LiveTracee:
        tracee = super()._make(kernel, kin, task, process, own_child)
        self._world.adopted(tracee)
        return tracee
