"""What other threads want done in the tracer thread, the only one that may ask the kernel (D3)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Job:
    """Something another thread wants done, and waits for.

    Attributes:
        done: set when it is over; then `error`, or else `result`, is what came of it.
    """

    __slots__ = ("done", "error", "result", "what")

    def __init__(self, what: Callable[[], object]) -> None:
        self.what = what
        self.done = threading.Event()
        self.result: object = None
        self.error: BaseException | None = None
