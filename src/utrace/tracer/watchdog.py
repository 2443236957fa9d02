"""Names a callback that keeps every task waiting."""

from __future__ import annotations

import operator
import threading
from typing import TYPE_CHECKING

from utrace.core.events import Event
from utrace.tracer.log import log
from utrace.tracer.side_thread import start_side_thread

if TYPE_CHECKING:
    from utrace.tracer.loop import Loop

_LOOKS = 4
"""How often it looks in the time it allows."""


class Watchdog:
    """A thread that looks now and then what the loop is doing; the loop pays nothing for it."""

    def __init__(self, loop: Loop, limit_s: float) -> None:
        self._loop = loop
        self._limit_s = limit_s
        self._stopped = threading.Event()
        start_side_thread(self._watch, "utrace-watchdog")

    def stop(self) -> None:
        """End the watch."""
        self._stopped.set()

    def _watch(self) -> None:
        last: tuple[object, ...] = ()
        looks = 0
        while not self._stopped.wait(self._limit_s / _LOOKS):
            moving = self._loop.moving
            task = None if moving is None else moving.task
            engine = None if task is None else task.reporting
            if moving is None or task is None or engine is None:
                last = ()
                continue
            # The occurrence is a new object at every stop, and kept here it cannot become another's.
            seen = (moving, engine, task.callback, task.occurrence)
            looks = looks + 1 if len(last) == len(seen) and all(map(operator.is_, last, seen)) else 0
            last = seen
            if looks == _LOOKS:
                log().warning(
                    "%s.report_%s on task %d has been running for %g s; everything traced waits for it",
                    type(engine.ops).__name__,
                    (Event(task.callback).name or "").lower(),
                    moving.tid,
                    self._limit_s,
                )
