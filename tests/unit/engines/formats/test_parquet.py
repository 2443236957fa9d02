"""The Parquet table."""

from __future__ import annotations

import io
import json

from pyarrow import parquet as pq

from tests.tracees import ROOT
from tests.unit.engines.formats.encoding import encoded, expected
from tests.unit.engines.some_records import call
from utrace.engines.events import call_event
from utrace.engines.formats import parquet


def test_a_row_is_an_event() -> None:
    rows = pq.read_table(io.BytesIO(encoded("parquet"))).to_pylist()
    for row, event in zip(rows, expected(), strict=True):
        known = {key: value for key, value in row.items() if value is not None}
        assert json.loads(known.pop("args", "null")) == event.get("args")
        assert known["name" if "name" in event else "event"] == event["name" if "name" in event else "event"]
        signal = event.get("signal")
        assert known.get("signal") == (signal["name"] if isinstance(signal, dict) else None)
        for key in ("pid", "tid", "ret", "errno", "error", "status", "duration_ns", "nr", "arch", "code"):
            assert known.get(key) == event.get(key)
        more = json.loads(known.get("more", "{}"))
        assert set(more) == set(event) - set(parquet.SCHEMA.names)


def test_events_are_written_by_the_batch_and_all_of_them() -> None:
    encoder = parquet.ParquetTable()
    pieces = [encoder.begin()]
    event = call_event(call("getppid"))
    pieces += [encoder.encode(event) for _ in range(40_000)]
    assert sum(bool(piece) for piece in pieces[1:]) == 2
    data = b"".join([*pieces, encoder.end()])
    assert pq.ParquetFile(io.BytesIO(data)).metadata.num_rows == 40_000


def test_a_column_can_be_filtered_and_summed() -> None:
    table = pq.read_table(io.BytesIO(encoded("parquet")), filters=[("error", "=", "ENOENT")])
    assert table.column("name").to_pylist() == ["openat"]


def test_columns_are_on_the_page() -> None:
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in parquet.SCHEMA.names)
