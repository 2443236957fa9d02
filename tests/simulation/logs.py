"""Logs of runs, made comparable: between runs, between the simulated kernel and Linux."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from utrace.testing.run_laws import Entry

Log: TypeAlias = tuple[str, ...]

#: Linux is asked by tests/programs/guest.c to write a child's tid into its memory; no other difference.
_CLONE_CHILD_SETTID: Final = 0x1000000


class Order(enum.Enum):
    """In which order a log's lines are guaranteed to come."""

    WHOLE = "all of them"
    TASKS = "those about one task"
    ENGINES = "those of one engine on one task"
    NONE = "none: only how often each line comes"


@dataclass(frozen=True)
class Guaranteed:
    """What every run of a scenario shows, whatever races.

    Attributes:
        order: of the lines.
        untold: callbacks whose arguments depend on the race, and deeds whose outcome does.
        unsaid: callbacks that come or not, as the race goes; and deeds.
    """

    order: Order = Order.WHOLE
    untold: frozenset[str] = field(default=frozenset())
    unsaid: frozenset[str] = field(default=frozenset())

    def of(self, log: Iterable[Entry], names: Mapping[int, str]) -> Log:
        """Give the guaranteed part of a log.

        Args:
            log: of one run.
            names: labels of tasks by tid, to be shown for the results of calls.
        """
        entries = [entry for entry in log if _word(entry) not in self.unsaid]
        lines = [self._line(entry, names) for entry in entries]
        if self.order is Order.WHOLE:
            return tuple(lines)
        if self.order is Order.NONE:
            return tuple(f"{count} x {line}" for line, count in sorted(Counter(lines).items()))
        by_engine = self.order is Order.ENGINES
        keys = [(entry.task, entry.engine if by_engine else "") for entry in entries]
        return tuple(line for _, line in sorted(zip(keys, lines, strict=True), key=lambda pair: pair[0]))

    def _line(self, entry: Entry, names: Mapping[int, str]) -> str:
        told = entry.detail if _word(entry) not in self.untold else ("*",)
        match entry.kind:
            case "call":
                shown = [_detail(entry.what, place, part, names) for place, part in enumerate(told)]
                return " ".join((entry.task, entry.engine, entry.what, *shown))
            case "deed":
                return f"{entry.task} > {entry.what}: {told[0]}"
            case _:
                return f"{entry.task} {entry.engine} release"


def _word(entry: Entry) -> str:
    return entry.kind if entry.kind == "release" else entry.what


def _detail(what: str, place: int, part: object, names: Mapping[int, str]) -> str:
    if what == "CLONE" and place == 1 and isinstance(part, int):
        return f"{part & ~_CLONE_CHILD_SETTID:#x}" if part >= 0 else "unknown"
    if what == "SYSCALL_EXIT" and place == 1 and isinstance(part, int) and part in names:
        return names[part]
    return str(part)
