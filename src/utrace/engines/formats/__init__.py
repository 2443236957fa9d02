"""Formats that events are written in: each turns events, one after the other, into bytes.

An encoder does no I/O and keeps no clock: `begin()`, `encode(event)` for each, `end()`, in this order, and
what they give, put together, is the file.  `EventLog` writes it down.

Reference: docs/events.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from utrace.errors import MissingExtra, Misuse

if TYPE_CHECKING:
    from utrace.engines.events import Event


class Encoder(Protocol):
    """What turns events into the bytes of a file."""

    def begin(self) -> bytes:
        """Give what stands before the first event."""

    def encode(self, event: Event) -> bytes:
        """Give what an event adds now; it may also be kept for later."""

    def end(self) -> bytes:
        """Give what was kept, and what stands after the last event."""


class Format(NamedTuple):
    """One format.

    Attributes:
        module: where its encoder is.
        encoder: the name of its class there.
        summary: for people.
        extra: the extra of the package that it needs, "" for none.
    """

    module: str
    encoder: str
    summary: str
    extra: str = ""


FORMATS: Final = {
    "jsonl": Format("jsonl", "JsonLines", "one JSON object a line"),
    "msgpack": Format("msgpack", "MessagePack", "the same objects as MessagePack", "msgpack"),
    "perfetto": Format("perfetto", "PerfettoTrace", "a trace for ui.perfetto.dev", "perfetto"),
    "chrome": Format("chrome", "ChromeTrace", "trace-event JSON for chrome://tracing and others"),
    "folded": Format("folded", "FoldedStacks", "sums for flame graphs"),
    "parquet": Format("parquet", "ParquetTable", "a table for pandas, DuckDB, Spark", "parquet"),
}


def encoder_of(name: str) -> Encoder:
    """Make an encoder by the name of its format.

    Raises:
        Misuse: there is no such format.
        MissingExtra: the library it needs is not installed.
    """
    if name not in FORMATS:
        raise Misuse(f"no format {name!r} (known: {', '.join(FORMATS)})")
    form = FORMATS[name]
    try:
        module = importlib.import_module(f"utrace.engines.formats.{form.module}")
    except ModuleNotFoundError as error:
        if not form.extra or (error.name or "").startswith("utrace"):
            raise
        raise MissingExtra(f"format {name}", form.extra) from error
    return cast("type[Encoder]", getattr(module, form.encoder))()
