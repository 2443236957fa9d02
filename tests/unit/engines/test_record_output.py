"""Records of bytes: written whole, counted where they are lost."""

from __future__ import annotations

import errno
import io
from typing import TYPE_CHECKING

from utrace.engines.output import Loss
from utrace.engines.record_output import RecordOutput

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_gets_everything_at_the_latest_when_closed(tmp_path: Path) -> None:
    output = RecordOutput.to_file(tmp_path / "log")
    output.write_record(b"\x00\xff")
    assert (tmp_path / "log").read_bytes() == b""
    output.write_record(bytes(70_000))
    assert (tmp_path / "log").stat().st_size == 70_002
    output.write_record(b"end")
    output.close()
    assert (tmp_path / "log").read_bytes()[-3:] == b"end"
    assert output.loss is None


def test_a_stream_gets_every_record_at_once() -> None:
    stream = io.BytesIO()
    RecordOutput.to_binary(stream).write_record(b"one")
    assert stream.getvalue() == b"one"


def test_lost_records_are_counted_the_torn_one_too() -> None:
    room = 5

    def put(data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "full")
        taken = min(room, len(data))
        room -= taken
        return taken

    output = RecordOutput(put, name="log", prompt=False)
    for _ in range(3):
        output.write_record(b"1234")
    output.flush()
    output.write_record(b"5678")
    output.close()
    assert output.loss == Loss("log", 3, errno.ENOSPC, "record")
    assert str(output.loss) == "log: 3 records lost at the end: No space left on device"
