"""JSON lines: one object a line, in ASCII, so that a line cut short is no valid one.

Reference: RFC 8259; integers are written whole, also those that a reader with floats only would round.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from utrace.engines.events import Event

_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class JsonLines:
    """One event, one line."""

    def begin(self) -> bytes:
        """Give nothing: a file without events is empty."""
        return b""

    def encode(self, event: Event) -> bytes:
        """Give its line."""
        return f"{_ENCODE(event)}\n".encode("ascii")

    def end(self) -> bytes:
        """Give nothing: every line stands for itself."""
        return b""
