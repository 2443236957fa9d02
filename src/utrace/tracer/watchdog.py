"""Names a callback that keeps every task waiting."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from utrace.core.events import Event

if TYPE_CHECKING:
    from utrace.tracer.loop import Loop

logger = logging.getLogger("utrace")

_LOOKS = 4
"""How often it looks in the time it allows."""


class Watchdog:
    """A thread that looks now and then what the loop is doing; the loop pays nothing for it."""

    def __init__(self, loop: Loop, limit_s: float) -> None:
        self._loop = loop
        self._limit_s = limit_s
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="utrace-watchdog", daemon=True).start()

    def stop(self) -> None:
        """End the watch."""
        self._stopped.set()

    def _watch(self) -> None:
        loop = self._loop
        last, looks = -1, 0
        while not self._stopped.wait(self._limit_s / _LOOKS):
            moving = loop.moving
            engine = moving.task.reporting if moving is not None else None
            if moving is None or engine is None or loop.calls != last:
                last, looks = loop.calls, 0
                continue
            looks += 1
            if looks == _LOOKS:
                name = (Event(moving.task.callback).name or "").lower()
                logger.warning(
                    "%s.report_%s on task %d has been running for %g s; everything traced waits for it",
                    type(engine.ops).__name__,
                    name,
                    moving.tid,
                    self._limit_s,
                )
