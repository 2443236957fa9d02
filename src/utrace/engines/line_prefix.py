"""What stands in front of a line: times, number and place of the call.

Reference: strace(1) -t, -r, -n, -i; the output of strace 6.1.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from utrace.engines.line_style import Clock

if TYPE_CHECKING:
    from utrace.engines.line_style import LineStyle
    from utrace.engines.records import Thread

NS_PER_S: Final = 1_000_000_000
_NS_DIGITS: Final = 9


def seconds_text(time_ns: int, digits: int, *, width: int = 0) -> str:
    """Write a time in seconds with so many digits behind the point; what is left is cut off."""
    seconds, rest = divmod(time_ns, NS_PER_S)
    if not digits:
        return f"{seconds:{width}}"
    return f"{seconds:{width}}.{rest // 10 ** (_NS_DIGITS - digits):0{digits}}"


class Prefixes:
    """Writes what stands between the pid and the call."""

    def __init__(self, style: LineStyle) -> None:
        self._style = style
        self._second = -1
        self._second_text = ""
        self.is_empty = not (
            style.clock is not Clock.NONE or style.since_last is not None or style.numbers or style.ips
        )

    def text(self, thread: Thread, time_ns: int, last_ns: int, *, ended: bool = False) -> str:
        """Write it.

        Args:
            thread: whose line it is.
            time_ns: when it begins.
            last_ns: when the line before it began, 0 if there was none.
            ended: the thread is dead, and is nowhere.
        """
        style = self._style
        parts: list[str] = []
        if style.clock is not Clock.NONE:
            parts.append(self._clock_text(time_ns))
        if style.since_last is not None:
            passed = max(time_ns - last_ns, 0) if last_ns else 0
            since = seconds_text(passed, style.since_last, width=6)
            parts.append(f"(+{since})" if parts else since)
        if style.numbers:
            parts.append(f"[{thread.nr & 0xFFFFFFFF:4}]" if thread.nr >= 0 else "[????]")
        if style.ips:
            digits = thread.bits // 4
            parts.append("[" + ("?" * digits if ended or not thread.ip else f"{thread.ip:0{digits}x}") + "]")
        return " ".join(parts) + " "

    def _clock_text(self, time_ns: int) -> str:
        digits = self._style.clock_digits
        if self._style.clock is Clock.UNIX:
            return seconds_text(time_ns, digits)
        second = time_ns // NS_PER_S
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%H:%M:%S", time.localtime(second))
        return self._second_text + seconds_text(time_ns % NS_PER_S, digits)[1:]
