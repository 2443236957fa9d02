"""Writing that never raises, and tells what was lost."""

from __future__ import annotations

import errno
import io
import os
import threading
from typing import TYPE_CHECKING

from utrace.engines.output import Loss, Output

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_gets_everything_at_the_latest_when_closed(tmp_path: Path) -> None:
    output = Output.to_file(tmp_path / "log")
    output.write("one\n")
    assert (tmp_path / "log").read_text() == ""
    output.flush()
    assert (tmp_path / "log").read_text() == "one\n"
    output.write("two \udcff\n")
    output.close()
    assert (tmp_path / "log").read_bytes() == b"one\ntwo \xff\n"
    assert output.loss is None


def test_a_large_portion_is_written_unasked(tmp_path: Path) -> None:
    output = Output.to_file(tmp_path / "log")
    output.write("x" * 70_000)
    assert (tmp_path / "log").stat().st_size == 70_000
    output.close()


def test_a_file_is_emptied_or_appended_to(tmp_path: Path) -> None:
    for append, expected in ((False, "b\n"), (True, "b\nb\n")):
        output = Output.to_file(tmp_path / "log", append=append)
        output.write("b\n")
        output.close()
        assert (tmp_path / "log").read_text() == expected


def test_a_stream_gets_every_piece_at_once() -> None:
    stream = io.StringIO()
    Output.to_stream(stream).write("half a line")
    assert stream.getvalue() == "half a line"


def test_what_cannot_be_written_is_counted_and_nothing_follows_it() -> None:
    taken: list[bytes] = []

    def put(data: bytes) -> int:
        if len(taken) == 1:
            raise OSError(errno.ENOSPC, "full")
        taken.append(data[:6])
        return len(data[:6])

    output = Output(put, name="log", prompt=True)
    output.write("one\ntwo\nthree\n")
    output.write("four\n")
    output.close()
    assert taken == [b"one\ntw"]
    assert output.loss == Loss("log", 3, errno.ENOSPC)
    assert str(output.loss) == "log: 3 lines lost at the end: No space left on device"
    assert str(Loss("x", 1, errno.EPIPE)) == "x: 1 line lost at the end: Broken pipe"


def test_an_output_that_could_not_be_opened_loses_everything() -> None:
    output = Output.failed("log.7", OSError(errno.EMFILE, "no"))
    output.write("a\nb\n")
    output.close()
    assert output.loss == Loss("log.7", 2, errno.EMFILE)


def test_a_descriptor_made_non_blocking_by_others_is_waited_for() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    filled = os.write(write, b"x" * (1 << 20))
    output = Output.to_descriptor(write, name="pipe")

    def drain() -> None:
        drained = 0
        while drained < filled:
            drained += len(os.read(read, filled - drained))

    thread = threading.Thread(target=drain)
    thread.start()
    output.write("whole\n")
    thread.join()
    assert output.loss is None
    os.close(write)
    assert os.read(read, 100) == b"whole\n"
    os.close(read)
