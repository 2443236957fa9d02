"""Who lets the engines of a scenario in once the program proper begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.core.events import Event
from utrace.core.verdicts import Answer, ResumeAction
from utrace.testing.guest import MARKER
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task


class Usher(EngineOps):
    """Waits for the call that marks the beginning, attaches the engines behind it, and leaves.

    On Linux a program does much before its first own step; this hides it, and on the simulated kernel
    the engines come to the same place in the same way.
    """

    events = Event.SYSCALL_EXIT

    def __init__(self, let_in: Callable[[Task], None]) -> None:
        self._let_in = let_in

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        """Let the engines in if this is the place."""
        if call.nr != MARKER:
            return None
        self._let_in(task)
        return ResumeAction.DETACH
