"""Folded stacks: `program;call count` a line, as flame graph tools take them.

A call that failed has its error as one more frame: `cat;openat;ENOENT 3`.  Where stacks are noted, the
functions that led to the call stand before it: `cat;main;read_file;openat 1`.  Only calls that returned are
counted, as in the table of `-c`.

Reference: the input of flamegraph.pl, inferno and speedscope: frames joined by semicolons, a space, a count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from utrace.engines.events import Event


class FoldedStacks:
    """Counts calls by program, call and error."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, ...], int] = {}

    def begin(self) -> bytes:
        """Give nothing yet."""
        return b""

    def encode(self, event: Event) -> bytes:
        """Count a call; nothing is written before the end."""
        if "ret" in event:
            frames = [event["comm"], *_callers(event), event["name"]]
            if "error" in event:
                frames.append(event["error"] or f"errno {event['errno']}")
            key = tuple(_frame(frame) for frame in frames)
            self._counts[key] = self._counts.get(key, 0) + 1
        return b""

    def end(self) -> bytes:
        """Give a line for each stack."""
        lines = (f"{';'.join(frames)} {count}\n" for frames, count in sorted(self._counts.items()))
        return "".join(lines).encode()


def _callers(event: Event) -> list[object]:
    """Give the functions of an event's stack, the outermost first; without a name, the file."""
    frames = event.get("stack", [])
    return [
        frame.get("function") or f"[{str(frame['file']).rpartition('/')[2] or 'unknown'}]"
        for frame in reversed(frames if isinstance(frames, list) else [])
        if isinstance(frame, dict)
    ]


def _frame(name: object) -> str:
    """Write one frame: semicolons separate frames, and a line break would end the line."""
    text = name if isinstance(name, str) else str(name)
    return "".join("_" if char == ";" or not char.isprintable() else char for char in text) or "?"
