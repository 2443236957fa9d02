"""Sums for flame graphs."""

from __future__ import annotations

from tests.unit.engines.formats.encoding import encoded
from tests.unit.engines.some_records import SomeStack, call, thread
from utrace.engines.events import call_event
from utrace.engines.formats.folded import FoldedStacks


def test_calls_that_returned_are_counted_by_program_call_and_error() -> None:
    assert encoded("folded") == b"cat;getppid 1\ncat;openat 1\ncat;openat;ENOENT 1\n"


def test_what_separates_frames_cannot_be_in_one() -> None:
    folded = FoldedStacks()
    folded.encode(call_event(call("getppid", by=thread(comm="a;b\nc"))))
    assert folded.end() == b"a_b_c;getppid 1\n"


def test_the_functions_that_led_to_a_call_stand_before_it() -> None:
    folded = FoldedStacks()
    by = thread()
    by.stack = SomeStack()
    folded.encode(call_event(call("read", by=by)))
    assert folded.end() == b"cat;main;[cat];read;read 1\n"


def test_an_error_without_a_name_has_its_number() -> None:
    folded = FoldedStacks()
    folded.encode(call_event(call("getppid", value=-4000)))
    assert folded.end() == b"cat;getppid;errno 4000 1\n"
