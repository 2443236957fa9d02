"""Threads that the rest can do without."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def start_side_thread(work: Callable[[], None], name: str) -> threading.Thread | None:
    """Begin a thread that ends with the process; None: the system gives no more (RLIMIT_NPROC, pids.max).

    What it would have done then happens later, with the next occasion, or not at all.
    """
    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
