"""What an engine that takes its system calls in batches says and is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.kernel.recorded import Batch
    from utrace.syscalls import Limits
    from utrace.tracer.task import Task


class BatchLimits(NamedTuple):
    """How system calls are recorded for an engine.

    Attributes:
        memory: how much is copied of what arguments point to.
        cpu_times: note the CPU time that the thread has used at each stop.
    """

    memory: Limits
    cpu_times: bool = False


class CallBatch:
    """System calls that were recorded, by their entries and exits in the order of time.

    Attributes:
        native: the events themselves.
        task_of: the task that has a tid, as of now: nothing was reported of it since.
    """

    __slots__ = ("native", "task_of")

    def __init__(self, native: Batch, task_of: Callable[[int], Task]) -> None:
        self.native = native
        self.task_of = task_of
