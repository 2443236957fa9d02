"""Events are what docs/events.md says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.tracees import ROOT
from tests.unit.engines.some_records import PATH, T0, SomeStack, call, tell_everything, thread
from utrace.engines.event_log import EventLog
from utrace.engines.events import call_event, signal_event, within_64_bits
from utrace.engines.records import SignalRecord
from utrace.syscalls import encode_siginfo

if TYPE_CHECKING:
    from utrace.engines.events import Event
    from utrace.syscalls.values import Data


class Kept:
    """An encoder that only keeps."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def begin(self) -> bytes:
        return b""

    def encode(self, event: Event) -> bytes:
        self.events.append(event)
        return b""

    def end(self) -> bytes:
        return b""


def everything() -> list[Event]:
    kept = Kept()
    tell_everything(EventLog("/dev/null", kept))
    return kept.events


def documented() -> dict[str, set[str]]:
    """Keys by event, from the tables of the page."""
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    _, every, call_keys, others, *_ = page.split("\n## ")
    keys: dict[str, set[str]] = {"every": set(re.findall(r"^\| `(\w+)` \|", every, re.MULTILINE))}
    keys["call"] = set(re.findall(r"^\| `(\w+)` \|", call_keys, re.MULTILINE))
    event = ""
    for named, key in re.findall(r"^\| (?:`(\w+)`)? ?\| (?:`(\w+)`)? ?\|", others, re.MULTILINE):
        event = named or event
        keys.setdefault(event, set()).update({key} - {""})
    return keys


def test_every_event_and_key_is_on_the_page_and_nothing_else() -> None:
    page = documented()
    seen: dict[str, set[str]] = {}
    for event in everything():
        seen.setdefault(str(event["event"]), set()).update(event)
    restart = call("restart_syscall")
    restart.resumes, restart.cpu_ns, restart.thread.stack = "nanosleep", 1, SomeStack()
    seen["call"] |= set(call_event(restart))
    signal = SignalRecord(restart.thread, encode_siginfo(10, si_pid=9, si_uid=0))
    seen["signal"] |= set(signal_event(signal, T0))
    always = page.pop("every")
    assert {name: keys - always for name, keys in seen.items()} == page
    assert all(always <= set(event) for event in everything())


def test_a_call_has_its_arguments_and_what_it_returned() -> None:
    assert call_event(call("openat", 2**64 - 100, PATH, 0o2000000, value=3)) == {
        "event": "call",
        "time_ns": T0,
        "pid": 7,
        "tid": 7,
        "comm": "cat",
        "arch": "x86_64",
        "nr": 257,
        "name": "openat",
        "args": {
            "dirfd": -100,
            "pathname": "/etc/passwd",
            "flags": {"value": 0o2000000, "names": ["O_RDONLY", "O_CLOEXEC"]},
        },
        "status": "successful",
        "ret": 3,
        "duration_ns": 1_500,
    }


def test_a_stack_is_its_frames_with_what_is_known_of_each() -> None:
    record = call("getpid")
    record.thread.stack = SomeStack()
    assert call_event(record)["stack"] == [
        {"file": "/lib/libc.so.6", "address": "0x1234", "function": "read", "offset": 0x14},
        {"file": "/bin/cat", "address": "0x20"},
        {
            "file": "/bin/cat",
            "address": "0x30",
            "function": "main",
            "offset": 8,
            "source": "cat.c",
            "line": 3,
        },
    ]


def test_a_failed_call_returned_what_a_program_sees() -> None:
    event = call_event(call("close", 9, value=-9))
    assert (event["ret"], event["errno"], event["error"], event["status"]) == (-1, 9, "EBADF", "failed")


def test_a_call_that_never_returned_has_neither_value_nor_duration() -> None:
    event = call_event(call("exit_group", 3, value=None))
    assert event["status"] == "unfinished"
    assert not {"ret", "errno", "error", "duration_ns"} & set(event)


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    args = call_event(call("openat", 3, PATH, 0, text=b"/\xff\\xff"))["args"]
    assert isinstance(args, dict)
    assert args["pathname"] == {"base64": "L/9ceGZm"}


def test_a_name_that_is_no_text_is_bytes_too() -> None:
    assert call_event(call("getpid", by=thread(comm="a\udcff")))["comm"] == {"base64": "Yf8="}


def test_numbers_beyond_64_bits_become_strings_where_a_format_has_none() -> None:
    data: Data = {"a": [2**64, 2**64 - 1, -(2**63), True, None], "b": {"c": -(2**63) - 1}}
    assert within_64_bits(data) == {
        "a": ["0x10000000000000000", 2**64 - 1, -(2**63), True, None],
        "b": {"c": "-0x8000000000000001"},
    }


def test_every_event_is_json() -> None:
    for event in everything():
        assert json.loads(json.dumps(event)) == event
