"""Sums over system calls: how many, how many failed, what they cost.

Reference: strace(1) "-c"; strace 6.1 for the table's form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.engines.records import CallStatus

if TYPE_CHECKING:
    from utrace.engines.records import (
        CallRecord,
        EndRecord,
        ModeRecord,
        SignalRecord,
        StopRecord,
        SupersededRecord,
        Thread,
    )

_RULE: Final = "------ ----------- ----------- --------- --------- ----------------\n"
_HEAD: Final = "% time     seconds  usecs/call     calls    errors syscall\n"


class CallSum:
    """What all calls of one name amount to.

    Attributes:
        calls: how many returned.
        errors: how many of them failed.
        time_ns: what they cost: CPU time, or time that passed.
    """

    __slots__ = ("calls", "errors", "time_ns")

    def __init__(self) -> None:
        self.calls = 0
        self.errors = 0
        self.time_ns = 0

    def add(self, other: CallSum) -> None:
        """Add another sum to this one."""
        self.calls += other.calls
        self.errors += other.errors
        self.time_ns += other.time_ns


class CallCounts:
    """Listens to a log and counts.

    Attributes:
        sums: by name of call, in order of first appearance.
    """

    def __init__(self, *, wall: bool = False) -> None:
        """Make one.

        Args:
            wall: add up the time that passed, not the CPU time used in the call.
        """
        self.sums: dict[str, CallSum] = {}
        self._wall = wall

    def ended(self, record: CallRecord) -> None:
        """Count a call that returned."""
        if record.status not in {CallStatus.SUCCESSFUL, CallStatus.FAILED}:
            return
        name = record.call.name
        total = self.sums.get(name)
        if total is None:
            total = self.sums[name] = CallSum()
        total.calls += 1
        total.errors += record.status is CallStatus.FAILED
        total.time_ns += (record.duration_ns or 0) if self._wall else record.cpu_ns

    def table(self) -> str:
        """Write the table: what cost most comes first."""
        total = CallSum()
        for one in self.sums.values():
            total.add(one)
        rows = sorted(self.sums.items(), key=lambda item: -item[1].time_ns)
        lines = [_row(one, total, name) for name, one in rows]
        return "".join([_HEAD, _RULE, *lines, _RULE, _row(total, total, "total")])

    def appeared(self, thread: Thread) -> None:
        """Nothing to count."""

    def entered(self, record: CallRecord) -> None:
        """Nothing to count."""

    def signaled(self, record: SignalRecord) -> None:
        """Nothing to count."""

    def stopped(self, record: StopRecord) -> None:
        """Nothing to count."""

    def changed_mode(self, record: ModeRecord) -> None:
        """Nothing to count."""

    def superseded(self, record: SupersededRecord) -> None:
        """Nothing to count."""

    def died(self, record: EndRecord) -> None:
        """Nothing to count."""

    def let_go(self, thread: Thread) -> None:
        """Nothing to count."""

    def rest(self) -> None:
        """Nothing is waiting."""

    def close(self) -> None:
        """Nothing to close."""


def _row(one: CallSum, total: CallSum, name: str) -> str:
    share = 100 * one.time_ns / total.time_ns if total.time_ns else (100.0 if one is total else 0.0)
    errors = str(one.errors) if one.errors else ""
    micros = one.time_ns // 1000 // one.calls if one.calls else 0
    return f"{share:6.2f} {one.time_ns / 1e9:11.6f} {micros:11} {one.calls:9} {errors:>9} {name}\n"
