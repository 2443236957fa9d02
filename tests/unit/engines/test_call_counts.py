"""Sums over calls."""

from __future__ import annotations

from utrace.engines.call_counts import CallCounts
from utrace.engines.records import CallRecord, CallStatus, Thread
from utrace.syscalls import decode


def _ended(nr: int, status: CallStatus, *, cpu_ns: int = 0, duration_ns: int = 0) -> CallRecord:
    record = CallRecord(Thread(7, born=False, bits=64), decode("x86_64", nr, (0,) * 6), 0, 0)
    record.status = status
    record.cpu_ns = cpu_ns
    record.duration_ns = duration_ns
    return record


def test_calls_errors_and_times_are_added_up() -> None:
    counts = CallCounts()
    counts.ended(_ended(3, CallStatus.SUCCESSFUL, cpu_ns=3_000_000, duration_ns=9))
    counts.ended(_ended(3, CallStatus.FAILED, cpu_ns=1_000_000, duration_ns=9))
    counts.ended(_ended(110, CallStatus.SUCCESSFUL, cpu_ns=12_000_000))
    counts.ended(_ended(231, CallStatus.UNFINISHED))
    assert counts.table() == (
        "% time     seconds  usecs/call     calls    errors syscall\n"
        "------ ----------- ----------- --------- --------- ----------------\n"
        " 75.00    0.012000       12000         1           getppid\n"
        " 25.00    0.004000        2000         2         1 close\n"
        "------ ----------- ----------- --------- --------- ----------------\n"
        "100.00    0.016000        5333         3         1 total\n"
    )


def test_time_that_passed_is_added_up_if_asked() -> None:
    counts = CallCounts(wall=True)
    counts.ended(_ended(3, CallStatus.SUCCESSFUL, cpu_ns=1, duration_ns=2_000_000))
    assert counts.sums["close"].time_ns == 2_000_000


def test_nothing_counted_is_a_table_too() -> None:
    assert CallCounts().table().splitlines()[-1] == "100.00    0.000000           0         0           total"
