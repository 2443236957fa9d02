"""Sums over calls."""

from __future__ import annotations

import pytest

from utrace.engines.call_counts import ORDERS, CallCounts
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


def _three() -> CallCounts:
    counts = CallCounts()
    for nr, times in ((110, (5_000_000,)), (3, (1_000_000, 1_000_000, 1_000_000)), (39, (2_000_000,))):
        for cpu_ns in times:
            counts.ended(_ended(nr, CallStatus.SUCCESSFUL, cpu_ns=cpu_ns))
    counts.ended(_ended(39, CallStatus.FAILED, cpu_ns=1_000_000))
    return counts


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("total-time", ["getppid", "close", "getpid"]),
        ("min-time", ["getppid", "close", "getpid"]),
        ("max-time", ["getppid", "getpid", "close"]),
        ("avg-time", ["getppid", "getpid", "close"]),
        ("calls", ["close", "getpid", "getppid"]),
        ("errors", ["getpid", "close", "getppid"]),
        ("name", ["close", "getpid", "getppid"]),
        ("nothing", ["close", "getpid", "getppid"]),
    ],
)
def test_rows_are_sorted_and_equal_ones_stand_by_number(order: str, names: list[str]) -> None:
    counts = CallCounts(sort_by=order, columns=("name",))
    counts.sums = _three().sums
    assert counts.table().splitlines()[2:-2] == names
    assert set(ORDERS) >= {order}


def test_columns_are_chosen_and_ordered() -> None:
    counts = CallCounts(columns=("name", "max-time", "min-time", "calls"))
    counts.sums = _three().sums
    assert counts.table() == (
        "syscall           longest shortest     calls\n"
        "---------------- -------- -------- ---------\n"
        "getppid          0.005000 0.005000         1\n"
        "close            0.001000 0.001000         3\n"
        "getpid           0.002000 0.001000         2\n"
        "---------------- -------- -------- ---------\n"
        "total            0.005000 0.001000         6\n"
    )


def test_the_overhead_is_taken_off_each_call() -> None:
    counts = CallCounts(overhead_ns=1_500_000)
    counts.ended(_ended(3, CallStatus.SUCCESSFUL, cpu_ns=2_000_000))
    counts.ended(_ended(3, CallStatus.SUCCESSFUL, cpu_ns=1_000_000))
    assert counts.sums["close"].time_ns == 500_000
