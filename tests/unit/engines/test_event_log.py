"""Records to files of events."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.unit.engines.some_records import call, tell_everything, thread
from tests.waiting import wait_until
from utrace.engines import EventLog, SyscallLog
from utrace.errors import Misuse

if TYPE_CHECKING:
    from pathlib import Path


def test_every_record_is_one_event(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    tell_everything(log)
    lines = (tmp_path / "log").read_text().splitlines()
    kinds = ["begin", *["call"] * 4, "mode", "signal", "stop", "superseded", "detach", "exit", "exit"]
    assert [json.loads(line)["event"] for line in lines] == kinds
    assert log.losses == []


def test_calls_that_are_not_accepted_are_left_out() -> None:
    stream = io.BytesIO()
    log = EventLog(stream, accepts=lambda record: record.call.name == "getppid")
    tell_everything(log)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["name"] for event in events if event["event"] == "call"] == ["getppid"]
    assert len(events) == 9


def test_what_waits_is_written_for_those_who_look_on(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    log.appeared(thread())
    log.ended(call("getppid"))
    wait_until(lambda: (tmp_path / "log").read_bytes().count(b"\n") == 2, 10, "both events")
    log.close()


def test_closing_twice_writes_the_end_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log", "chrome")
    log.close()
    log.close()
    assert len(json.loads((tmp_path / "log").read_bytes())["traceEvents"]) == 1


def test_losses_are_told_by_the_log(tmp_path: Path) -> None:
    with SyscallLog(listeners=[EventLog("/dev/full")]) as log:
        tell_everything(log.listeners[0])
    assert [(loss.lines, loss.unit) for loss in log.losses] == [(12, "record")]


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(Misuse, match=r"no format 'xml' .known: jsonl, msgpack, perfetto"):
        EventLog("/dev/null", "xml")
