"""Chrome's trace events."""

from __future__ import annotations

import json

from tests.unit.engines.formats.encoding import encoded
from tests.unit.engines.some_records import T0, call
from utrace.engines.events import call_event
from utrace.engines.formats.chrome import ChromeTrace


def test_calls_are_slices_with_their_data_and_the_rest_instants() -> None:
    trace = json.loads(encoded("chrome"))
    slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert [event["name"] for event in slices] == ["openat", "openat", "getppid", "exit_group"]
    assert [event["args"].get("error") for event in slices] == [None, "ENOENT", None, None]
    assert [event["dur"] for event in slices] == [1.5, 1.5, 1.5, 0]
    instants = [event["name"] for event in trace["traceEvents"] if event["ph"] == "i"]
    assert instants == [
        "begin",
        "mode",
        "signal SIGUSR1",
        "stop SIGSTOP",
        "superseded",
        "detach",
        "exit",
        "exit SIGSEGV",
    ]


def test_no_nanosecond_is_lost() -> None:
    chrome = ChromeTrace()
    text = chrome.begin()
    for after in (0, 1, 1_000_000_000_001, -5_001):
        text += chrome.encode(call_event(call("getppid", entered_ns=T0 + after, duration_ns=after)))
    text += chrome.end()
    trace = json.loads(text, parse_float=str)
    times = [(event["ts"], event["dur"]) for event in trace["traceEvents"] if event["ph"] == "X"]
    assert [ts for ts, _ in times] == ["0.000", "0.001", "1000000000.001", "-5.001"]
    assert trace["otherData"]["begin_ns"] == T0


def test_threads_and_processes_have_names() -> None:
    names = [event for event in json.loads(encoded("chrome"))["traceEvents"] if event["ph"] == "M"]
    assert ("process_name", 7, 7, "cat") in [
        (one["name"], one["pid"], one["tid"], one["args"].get("name")) for one in names
    ]
    assert ("thread_name", 7, 8, "cat") in [
        (one["name"], one["pid"], one["tid"], one["args"].get("name")) for one in names
    ]


def test_the_list_can_be_read_up_to_where_it_was_cut() -> None:
    text = encoded("chrome").decode()
    cut = text[: text.index("exit_group")].rpartition(",\n")[0]
    assert json.loads(cut + "]}")["traceEvents"]
