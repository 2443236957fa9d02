"""Where a log's text goes, and what became of it.

Rule of this file: writing never raises.  A traced program must not come to harm because a disk is full
or nobody reads a pipe any more: what could not be written is counted, and `loss` says so at the end.

Reference: write(2); strace(1) "-o".
"""

from __future__ import annotations

import errno
import os
import select
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

_FLUSH_AT: Final = 1 << 16
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC


class TextStream(Protocol):
    """What a log needs of a text stream: sys.stderr, io.StringIO."""

    def write(self, text: str, /) -> int:
        """Take text."""

    def flush(self) -> None:
        """Hand it on."""


class Loss(NamedTuple):
    """What an output could not write.

    Attributes:
        name: of the output.
        lines: how many lines are missing at its end; the first of them may be there in part.
        errno: of the first write that failed; nothing was written after it.
        unit: what is counted: lines, or records of a format.
    """

    name: str
    lines: int
    errno: int
    unit: str = "line"

    def __str__(self) -> str:
        lines = f"1 {self.unit}" if self.lines == 1 else f"{self.lines} {self.unit}s"
        return f"{self.name}: {lines} lost at the end: {os.strerror(self.errno)}"


class Output:
    """Text on its way to a file descriptor or a stream.

    Attributes:
        name: for messages.
        prompt: hand on every piece at once; otherwise in large portions, and when `flush` is called.
    """

    __slots__ = (
        "_error",
        "_holders",
        "_lines_lost",
        "_owned_fd",
        "_pending",
        "_put",
        "_reader",
        "_size",
        "name",
        "prompt",
    )

    def __init__(
        self, put: Callable[[bytes], int], *, name: str, prompt: bool, owned_fd: int | None = None
    ) -> None:
        """Make one.

        Args:
            put: writes some of its argument and tells how many bytes; raises OSError.
            name: for messages.
            prompt: write every piece at once.
            owned_fd: to be closed at the end.
        """
        self._put = put
        self._owned_fd = owned_fd
        self._pending: list[str] = []
        self._size = 0
        self._error = 0
        self._lines_lost = 0
        self._holders = 1
        self._reader: subprocess.Popen[bytes] | None = None
        self.name = name
        self.prompt = prompt

    @classmethod
    def to_file(cls, path: str | Path, *, append: bool = False) -> Self:
        """Open a file, emptied or to be appended to.

        Raises:
            OSError: it cannot be opened.
        """
        fd = os.open(path, _CREATE | (os.O_APPEND if append else os.O_TRUNC), 0o666)
        return cls(_descriptor(fd), name=os.fspath(path), prompt=False, owned_fd=fd)

    @classmethod
    def to_command(cls, command: str) -> Self:
        """Start a shell command and write to its standard input; closing waits for its end.

        Raises:
            OSError: it cannot be started.
        """
        import subprocess  # noqa: PLC0415 — only where a command is wanted

        reader = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE)  # noqa: S603 — the user's own command
        if reader.stdin is None:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
        fd = os.dup(reader.stdin.fileno())
        reader.stdin.close()
        output = cls(_descriptor(fd), name=f"|{command}", prompt=False, owned_fd=fd)
        output._reader = reader
        return output

    @classmethod
    def failed(cls, name: str, error: OSError) -> Self:
        """Stand for an output that could not be opened: all that is written to it is lost."""

        def put(_data: bytes) -> int:
            raise error

        return cls(put, name=name, prompt=False)

    @classmethod
    def to_descriptor(cls, fd: int, *, name: str) -> Self:
        """Write to a descriptor that stays open, each piece at once."""
        return cls(_descriptor(fd), name=name, prompt=True)

    @classmethod
    def to_stream(cls, stream: TextStream) -> Self:
        """Write to a text stream, each piece at once."""

        def put(data: bytes) -> int:
            stream.write(data.decode("utf-8", "surrogateescape"))
            stream.flush()
            return len(data)

        return cls(put, name=str(getattr(stream, "name", "the stream")), prompt=True)

    def write(self, text: str) -> None:
        """Take text; it is written now or later."""
        self._pending.append(text)
        self._size += len(text)
        if self.prompt or self._size >= _FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if not self._pending:
            return
        data = "".join(self._pending).encode("utf-8", "surrogateescape")
        self._pending.clear()
        self._size = 0
        if not self._error:
            data = self._write_out(data)
        self._lines_lost += data.count(b"\n")

    def _write_out(self, data: bytes) -> bytes:
        """Write as much as goes; give what is left when that failed."""
        while data:
            try:
                data = data[self._put(data) :]
            except OSError as error:
                self._error = error.errno or errno.EIO
                break
        return data

    @property
    def loss(self) -> Loss | None:
        """What was lost so far, None if nothing was."""
        return Loss(self.name, self._lines_lost, self._error) if self._error else None

    def share(self) -> Self:
        """Let one more write here: it is closed by whoever is the last to."""
        self._holders += 1
        return self

    def close(self) -> None:
        """Write what is waiting, and close the descriptor if it is ours, and nobody else's."""
        self.flush()
        self._holders -= 1
        if self._holders > 0:
            return
        if self._owned_fd is not None:
            fd, self._owned_fd = self._owned_fd, None
            # The number may soon be another file's.
            self._put = _closed
            try:
                os.close(fd)
            except OSError as error:
                self._error = self._error or error.errno or errno.EIO
        if self._reader is not None:
            self._reader.wait()


def _closed(_data: bytes) -> int:
    raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def _descriptor(fd: int) -> Callable[[bytes], int]:
    def put(data: bytes) -> int:
        while True:
            try:
                return os.write(fd, data)
            except BlockingIOError:
                # Somebody who shares the open file, the program perhaps, made it non-blocking.
                select.select([], [fd], [])

    return put
