"""What a format makes of one of each record."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from tests.unit.engines.some_records import tell_everything
from utrace.engines import EventLog

if TYPE_CHECKING:
    from utrace.engines.events import Event


def encoded(name: str) -> bytes:
    stream = io.BytesIO()
    tell_everything(EventLog(stream, name))
    return stream.getvalue()


def expected() -> list[Event]:
    """Give the events as JSON has them, without the times of what is no call."""
    return [without_time(json.loads(line)) for line in encoded("jsonl").splitlines()]


def without_time(event: Event) -> Event:
    return event if event["event"] == "call" else {**event, "time_ns": 0}
