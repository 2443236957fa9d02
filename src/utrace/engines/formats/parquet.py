"""Parquet: one table, a row for each event, compressed column by column.

What has a column of its own is in `SCHEMA`; arguments and everything else an event says is JSON in `args` and
`more`, which DuckDB and others take apart (`args->>'pathname'`).

Reference: the Apache Parquet format, written by pyarrow.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pyarrow import parquet as pq

from utrace.engines.events import within_64_bits

if TYPE_CHECKING:
    from utrace.engines.events import Event
    from utrace.syscalls.values import Data

#: Rows that are kept in memory before they are written.
_BATCH: Final = 16_384

_NAME: Final = pa.dictionary(pa.int32(), pa.string())

SCHEMA: Final = pa.schema(
    [
        pa.field("event", _NAME, nullable=False),
        pa.field("time_ns", pa.int64(), nullable=False),
        pa.field("pid", pa.int32(), nullable=False),
        pa.field("tid", pa.int32(), nullable=False),
        pa.field("comm", _NAME, nullable=False),
        pa.field("arch", _NAME),
        pa.field("nr", pa.int64()),
        pa.field("name", _NAME),
        pa.field("args", pa.string()),
        pa.field("status", _NAME),
        pa.field("ret", pa.int64()),
        pa.field("errno", pa.int32()),
        pa.field("error", _NAME),
        pa.field("duration_ns", pa.int64()),
        pa.field("cpu_ns", pa.int64()),
        pa.field("signal", _NAME),
        pa.field("code", pa.int32()),
        pa.field("more", pa.string()),
    ]
)
_COLUMNS: Final = tuple(field.name for field in SCHEMA)
_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class _Sink:
    """A file that hands on what is written to it, and knows how much that was: the footer names places."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


class ParquetTable:
    """Collects events and writes them by the thousand."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(self._sink, SCHEMA, compression="zstd")
        self._rows: list[dict[str, Data]] = []

    def begin(self) -> bytes:
        """Give the magic number."""
        return self._sink.take()

    def encode(self, event: Event) -> bytes:
        """Keep a row; every so often give many."""
        self._rows.append(_row(event))
        return self._flush() if len(self._rows) >= _BATCH else b""

    def end(self) -> bytes:
        """Give the rest, and the footer without which the file cannot be read."""
        rest = self._flush() if self._rows else b""
        self._writer.close()
        return rest + self._sink.take()

    def _flush(self) -> bytes:
        rows, self._rows = self._rows, []
        self._writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
        return self._sink.take()


def _row(event: Event) -> dict[str, Data]:
    row = {name: event[name] for name in _COLUMNS if name in event}
    if "args" in event:
        row["args"] = _ENCODE(event["args"])
    comm = event["comm"]
    row["comm"] = comm if isinstance(comm, str) else _ENCODE(comm)
    signal = event.get("signal")
    if isinstance(signal, dict):
        row["signal"] = signal["name"] or str(signal["value"])
    rest = {key: value for key, value in event.items() if key not in _COLUMNS}
    if rest:
        row["more"] = _ENCODE(within_64_bits(rest))
    return row
