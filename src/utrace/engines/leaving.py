"""Engines that let tasks go: at a call, or after so many.

Rule of this file: a task is let go of whole, by all engines that are on it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from utrace.core.events import Event
from utrace.core.verdicts import ResumeAction
from utrace.engines.records import ALL_STATUSES, CallStatus, QuietListener
from utrace.errors import UtraceError
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from utrace.core.verdicts import Answer
    from utrace.engines.records import CallRecord
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task


def let_go(task: Task, but: EngineOps | None = None) -> None:
    """Take every engine off a task; the last one lets it go as it was found.

    Args:
        task: which one.
        but: an engine that leaves by its own answer.
    """
    for ops in task.engines:
        if ops is not but:
            # It may be gone, or on its way, already.
            with suppress(UtraceError):
                task.engine(ops).detach()


class DetachOn(EngineOps):
    """Lets a task go where it makes one of some calls, before it is made.

    Attach it before the engines that are to see the call: at the entry it is called after them.
    """

    events = Event.SYSCALL_ENTRY

    def __init__(self, syscalls: Collection[str], *, follow: bool = True) -> None:
        """Make one.

        Args:
            syscalls: names and sets of calls.
            follow: children are let go so too.
        """
        self.syscalls = frozenset(syscalls)
        self.follow = follow

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Let go, but for the execve by which a launched process becomes its program."""
        if task.is_launching:
            return None
        let_go(task, but=self)
        return ResumeAction.DETACH


class CallLimit(QuietListener):
    """Counts calls as a listener of a log, and does something once when there were so many."""

    needs_live = True
    """Whether it must be told of a call before the task goes on."""

    def __init__(
        self, limit: int, reached: Callable[[], None], statuses: Collection[CallStatus] = ALL_STATUSES
    ) -> None:
        """Make one.

        Args:
            limit: how many.
            reached: called, in the tracer's thread, when the last of them has ended.
            statuses: how calls must end to be counted.
        """
        self._left = limit
        self._reached = reached
        self._statuses = frozenset(statuses)

    def ended(self, record: CallRecord) -> None:
        """Count a call."""
        if record.status in self._statuses and self._left:
            self._left -= 1
            if not self._left:
                self._reached()
