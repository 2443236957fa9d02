"""Lines of recorded calls, written natively where they are plain; what is not, Python writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.engines.line_style import Clock, LineStyle, PidShown
from utrace.engines.records import CallStatus
from utrace.kernel.recorded import Lines
from utrace.syscalls import DecodedCall, Limits, Style
from utrace.syscalls import render as r
from utrace.syscalls.abi import abi_of
from utrace.syscalls.recorded import RecordedMemory

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from utrace.syscalls.recorded import Copy


_MICROSECONDS: Final = 6
#: The clocks that are known natively, by clock and digits.
_CLOCKS: Final = {
    (Clock.NONE, 0): "NONE",
    (Clock.TIME, 0): "SECONDS",
    (Clock.TIME, _MICROSECONDS): "MICROSECONDS",
    (Clock.UNIX, _MICROSECONDS): "UNIX",
}
_PIDS: Final = frozenset({PidShown.NEVER, PidShown.COLUMN, PidShown.WHEN_SEVERAL})


class Oracle:
    """What native lines ask for: words for numbers, and texts of calls whose shapes it does not know."""

    def __init__(self, limits: Limits, style: Style) -> None:
        self._limits, self._style = limits, style
        # With it come the signatures of all calls: not when engines are imported.
        from utrace.syscalls.shapes import VOCABULARY  # noqa: PLC0415

        self.word = VOCABULARY.word

    def begun(self, arch: int, nr: int, args: Sequence[int], copies: Sequence[Copy]) -> str:
        """Write what is known at the entry: `read(3, `."""
        return r.render_entry(self._call(arch, nr, args, copies), self._style)

    def ended(
        self,
        arch: int,
        nr: int,
        args: Sequence[int],
        copies: Sequence[Copy],
        result: int,
        late: Sequence[Copy],
    ) -> tuple[str, str]:
        """Write what stands between the parentheses, and behind " = "."""
        memory = RecordedMemory(copies)
        call = self._call(arch, nr, args, memory)
        call.capture()
        memory.add(late)
        call.finish(result)
        return r.render_arguments(call, self._style), r.render_result(call, self._style)

    def _call(
        self, arch: int, nr: int, args: Sequence[int], copies: Sequence[Copy] | RecordedMemory
    ) -> DecodedCall:
        memory = copies if isinstance(copies, RecordedMemory) else RecordedMemory(copies)
        return DecodedCall(abi_of(arch), nr, args, memory, None, self._limits)


def native_lines(style: LineStyle, statuses: Collection[CallStatus], *, whole: bool) -> Lines | None:
    """Make what writes recorded calls as lines of this style; None if the style has more than it knows."""
    values, default = style.values, LineStyle()
    plain = style._replace(
        values=values._replace(text_max=default.values.text_max, column=default.values.column),
        pids=default.pids,
        clock=default.clock,
        clock_digits=default.clock_digits,
        durations=default.durations,
        exits=True,
        successions=True,
        modes=True,
    )
    clock = _CLOCKS.get((style.clock, style.clock_digits))
    known = clock is not None and style.durations in {None, _MICROSECONDS} and style.pids in _PIDS
    if plain != default or clock is None or not known:
        return None
    limits = Limits(max(values.text_max, 1), max(values.text_max, 1))
    return Lines(
        Oracle(limits, values),
        (limits.text, limits.items),
        values.text_max,
        values.column,
        style.pids.name,
        clock,
        style.durations is not None,
        (CallStatus.SUCCESSFUL in statuses, CallStatus.FAILED in statuses),
        whole,
    )
