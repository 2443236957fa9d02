"""Where the tracer says what went wrong beside its exceptions: Python's log "utrace"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger


def log() -> Logger:
    """Give the log; hardly a run has anything to say, so that nobody waits for `logging`."""
    import logging  # noqa: PLC0415 — only where there is something to say

    return logging.getLogger("utrace")
