"""Sums over system calls: how many, how many failed, what they cost.

Reference: strace(1) "-c"; strace 6.1 for the table's form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.engines.records import CallStatus, QuietListener

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from utrace.engines.records import CallRecord


class CallSum:
    """What all calls of one name amount to.

    Attributes:
        calls: how many returned.
        errors: how many of them failed.
        time_ns: what they cost: CPU time, or time that passed.
        shortest_ns: what the cheapest cost, None without any.
        longest_ns: what the dearest cost.
        nr: the number of the first of them.
    """

    __slots__ = ("calls", "errors", "longest_ns", "nr", "shortest_ns", "time_ns")

    def __init__(self, nr: int = -1) -> None:
        self.calls = 0
        self.errors = 0
        self.time_ns = 0
        self.shortest_ns: int | None = None
        self.longest_ns = 0
        self.nr = nr

    @property
    def average_ns(self) -> int:
        """What one cost on the average."""
        return self.time_ns // self.calls if self.calls else 0

    def count(self, time_ns: int, *, failed: bool) -> None:
        """Count one call."""
        self.calls += 1
        self.errors += failed
        self.time_ns += time_ns
        if self.shortest_ns is None or time_ns < self.shortest_ns:
            self.shortest_ns = time_ns
        self.longest_ns = max(self.longest_ns, time_ns)

    def add(self, other: CallSum) -> None:
        """Add another sum to this one."""
        self.calls += other.calls
        self.errors += other.errors
        self.time_ns += other.time_ns
        if other.shortest_ns is not None:
            self.shortest_ns = min(other.shortest_ns, self.shortest_ns or other.shortest_ns)
        self.longest_ns = max(self.longest_ns, other.longest_ns)


class _Column(NamedTuple):
    """A column of the table: its head, how wide it is, and what stands in it."""

    head: str
    width: int
    cell: Callable[[CallSum, CallSum], str]


def _percent(one: CallSum, total: CallSum) -> str:
    share = 100 * one.time_ns / total.time_ns if total.time_ns else (100.0 if one is total else 0.0)
    return f"{share:.2f}"


#: The columns there are, but for the name.
_COLUMNS: Final = {
    "time-percent": _Column("% time", 6, _percent),
    "total-time": _Column("seconds", 11, lambda one, _total: f"{one.time_ns / 1e9:.6f}"),
    "min-time": _Column("shortest", 8, lambda one, _total: f"{(one.shortest_ns or 0) / 1e9:.6f}"),
    "max-time": _Column("longest", 8, lambda one, _total: f"{one.longest_ns / 1e9:.6f}"),
    "avg-time": _Column("usecs/call", 11, lambda one, _total: str(one.average_ns // 1000)),
    "calls": _Column("calls", 9, lambda one, _total: str(one.calls)),
    "errors": _Column("errors", 9, lambda one, _total: str(one.errors or "")),
}
COLUMNS: Final = (*_COLUMNS, "name")

_NAME_WIDTH: Final = 16

#: How rows can be sorted; those that are equal stand in the order of their numbers.
ORDERS: Final[Mapping[str, Callable[[tuple[str, CallSum]], object]]] = {
    "time-percent": lambda row: -row[1].time_ns,
    "total-time": lambda row: -row[1].time_ns,
    "min-time": lambda row: -(row[1].shortest_ns or 0),
    "max-time": lambda row: -row[1].longest_ns,
    "avg-time": lambda row: -row[1].average_ns,
    "calls": lambda row: -row[1].calls,
    "errors": lambda row: -row[1].errors,
    "name": lambda row: row[0],
    "nothing": lambda _row: 0,
}

DEFAULT_COLUMNS: Final = ("time-percent", "total-time", "avg-time", "calls", "errors", "name")


class CallCounts(QuietListener):
    """Listens to a log and counts.

    Attributes:
        sums: by name of call, in order of first appearance.
    """

    def __init__(
        self,
        *,
        wall: bool = False,
        sort_by: str = "total-time",
        columns: Sequence[str] = DEFAULT_COLUMNS,
        overhead_ns: int = 0,
    ) -> None:
        """Make one.

        Args:
            wall: add up the time that passed, not the CPU time used in the call.
            sort_by: what the rows of the table are sorted by: a key of `ORDERS`.
            columns: of the table, in order: some of `COLUMNS`.
            overhead_ns: what tracing adds to each call: it is taken off.
        """
        self.sums: dict[str, CallSum] = {}
        self._wall = wall
        self._order = ORDERS[sort_by]
        self._columns = tuple(columns)
        self._overhead_ns = overhead_ns

    def ended(self, record: CallRecord) -> None:
        """Count a call that returned."""
        if record.status not in {CallStatus.SUCCESSFUL, CallStatus.FAILED}:
            return
        name = record.call.name
        total = self.sums.get(name)
        if total is None:
            total = self.sums[name] = CallSum(record.call.nr)
        time_ns = (record.duration_ns or 0) if self._wall else record.cpu_ns
        total.count(max(time_ns - self._overhead_ns, 0), failed=record.status is CallStatus.FAILED)

    def table(self) -> str:
        """Write the table."""
        total = CallSum()
        for one in self.sums.values():
            total.add(one)
        rows = sorted(self.sums.items(), key=lambda row: row[1].nr)
        rows.sort(key=self._order)  # type: ignore[arg-type]  # within one order all keys are alike
        rule = self._line(lambda column: "-" * column.width, "-" * _NAME_WIDTH)
        lines = [self._row(one, total, name) for name, one in rows]
        head = self._line(lambda column: column.head, "syscall")
        return "".join([head, rule, *lines, rule, self._row(total, total, "total")])

    def _row(self, one: CallSum, total: CallSum, name: str) -> str:
        return self._line(lambda column: column.cell(one, total), name)

    def _line(self, cell: Callable[[_Column], str], name: str) -> str:
        cells = [
            f"{name:<{_NAME_WIDTH}}" if key == "name" else f"{cell(_COLUMNS[key]):>{_COLUMNS[key].width}}"
            for key in self._columns
        ]
        return " ".join(cells).rstrip() + "\n"
