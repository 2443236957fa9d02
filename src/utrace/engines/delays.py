"""Doing something later, in a thread of its own that all delays share.

Rule of this file: what is done late does not block; it lets a held task go on.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Delays:
    """Calls functions at their times, the earliest first; its thread begins with the first one."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._ordinals = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def after(self, delay_ns: int, do: Callable[[], None]) -> None:
        """Call `do` when so much time has passed; in any thread."""
        due_ns = time.monotonic_ns() + delay_ns
        with self._changed:
            heapq.heappush(self._waiting, (due_ns, next(self._ordinals), do))
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="utrace-delays", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """End the thread; what is still waiting is not done."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not self._is_due():
                    self._changed.wait(self._time_left_s())
                if self._closed:
                    return
                _, _, do = heapq.heappop(self._waiting)
            do()

    def _is_due(self) -> bool:
        return bool(self._waiting) and self._waiting[0][0] <= time.monotonic_ns()

    def _time_left_s(self) -> float | None:
        if not self._waiting:
            return None
        return max(self._waiting[0][0] - time.monotonic_ns(), 0) / 1e9
