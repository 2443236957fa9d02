"""Records as conditions see them: the bridge to `utrace.where`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.where.values import CallFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.engines.records import CallRecord
    from utrace.where import Split, Where


def facts_of(record: CallRecord) -> CallFacts:
    """Give what a condition may ask of a call."""
    thread, status = record.thread, record.status
    return CallFacts(
        record.call,
        thread.pid,
        thread.tid,
        thread.comm,
        None if status is None else status.value,
        record.duration_ns,
    )


def accepts(where: Where | Split) -> Callable[[CallRecord], bool]:
    """Make the function that tells whether a condition is true of a record: what listeners take."""
    return lambda record: where.accepts(facts_of(record))
