"""The bits are the kernel API's."""

from __future__ import annotations

import pytest

from utrace.core import events
from utrace.core.events import ALL_EVENTS, NO_EVENT, Event

#: enum utrace_events of include/linux/utrace.h, API 20091216.
BITS = {
    "QUIESCE": 0,
    "REAP": 1,
    "CLONE": 2,
    "EXEC": 3,
    "EXIT": 4,
    "DEATH": 5,
    "SYSCALL_ENTRY": 6,
    "SYSCALL_EXIT": 7,
    "SIGNAL": 8,
    "SIGNAL_IGN": 9,
    "SIGNAL_STOP": 10,
    "SIGNAL_TERM": 11,
    "SIGNAL_CORE": 12,
    "JCTL": 13,
}


def test_every_event_has_the_bit_of_the_kernel_api() -> None:
    assert {event.name: event.bit_length() - 1 for event in Event} == BITS


def test_masks_are_unions_of_their_events() -> None:
    assert int(Event.SYSCALL) == 1 << 6 | 1 << 7
    assert int(Event.SIGNAL_ALL) == 0x1F00
    assert ALL_EVENTS == (1 << 14) - 1
    assert NO_EVENT == 0


@pytest.mark.parametrize(
    "name",
    [
        *("QUIESCE", "REAP", "CLONE", "EXEC", "EXIT", "DEATH", "SYSCALL_ENTRY", "SYSCALL_EXIT"),
        *("SYSCALL", "SIGNAL_ALL", "JCTL"),
    ],
)
def test_plain_integers_equal_their_events(name: str) -> None:
    plain: object = getattr(events, name)
    assert type(plain) is int
    assert plain == Event[name]
