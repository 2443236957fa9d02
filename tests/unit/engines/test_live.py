"""What a summary shows."""

from __future__ import annotations

from tests.unit.engines.some_records import PATH, call, tell_everything, thread
from utrace.engines.live import LiveSums
from utrace.engines.records import EndRecord


def test_calls_and_errors_are_added_up_by_call_and_process() -> None:
    sums = LiveSums()
    make, cc = thread(7, comm="make"), thread(9, pid=8, comm="cc")
    sums.appeared(make)
    sums.appeared(cc)
    sums.ended(call("openat", 0, PATH, 0, value=-2, by=make, duration_ns=9_000_000))
    sums.ended(call("openat", 0, PATH, 0, value=3, by=cc))
    sums.ended(call("close", 3, by=cc))
    sums.ended(call("exit_group", 0, value=None, by=cc))
    sums.died(EndRecord(cc, 0))
    head, slowest, names, first, second = sums.lines(columns=110)
    assert head.startswith(" 3 calls  1 errors  1 threads")
    assert slowest == " slowest: 9.000 ms openat /etc/passwd [7]"
    assert names.split() == ["pid", "comm", "calls", "errors"] * 1 + ["call", "calls", "errors"]
    assert first.split() == ["8", "cc", "2", "0", "openat", "2", "1"]
    assert second.split() == ["7", "make", "1", "1", "close", "1", "0"]


def test_only_what_is_accepted_counts() -> None:
    sums = LiveSums(lambda record: record.call.name == "getppid")
    tell_everything(sums)
    assert (sums.calls, sums.errors, list(sums.by_call)) == (1, 0, ["getppid"])


def test_lines_fit_and_hold_nothing_a_terminal_would_obey() -> None:
    sums = LiveSums()
    for tid in range(1, 30):
        sums.ended(call("openat", 0, PATH, 0, value=3, by=thread(tid, comm="\x1b[2J"), text=b"/\x1b]0;x\x07"))
    lines = sums.lines(rows=8, columns=60)
    assert len(lines) == 8
    assert all(len(line) <= 60 and line.isprintable() for line in lines)
