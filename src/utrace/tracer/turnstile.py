"""A lock for which one thread never makes another wait longer than until its next step."""

from __future__ import annotations

import threading


class Turnstile:
    """The way to a lock for whoever is not the thread that takes it all the time.

    That thread looks at `is_taken` before it takes the lock, and if somebody waits goes this way, too:
    behind those who wait already.

    Attributes:
        is_taken: somebody waits for the lock, or is about to.
    """

    __slots__ = ("_gate", "_lock", "is_taken")

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._gate = threading.Lock()
        self.is_taken = False

    def acquire_lock(self) -> None:
        """Take the lock; its holder releases it as ever."""
        with self._gate:
            self.is_taken = True
            try:
                self._lock.acquire()
            finally:
                self.is_taken = False
