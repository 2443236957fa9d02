"""Where the records of a format go, as bytes; like all output it never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, Self

from utrace.engines.output import Loss, Output

if TYPE_CHECKING:
    from collections.abc import Callable

_FLUSH_AT: Final = 1 << 16


class ByteStream(Protocol):
    """What is needed of a binary stream: io.BytesIO, sys.stdout.buffer."""

    def write(self, data: bytes, /) -> int:
        """Take bytes."""

    def flush(self) -> None:
        """Hand them on."""


class RecordOutput(Output):
    """Whole records on their way; what is lost is counted in records."""

    __slots__ = ("_records", "_records_lost")

    def __init__(
        self, put: Callable[[bytes], int], *, name: str, prompt: bool, owned_fd: int | None = None
    ) -> None:
        """Make one; the arguments are those of `Output`."""
        super().__init__(put, name=name, prompt=prompt, owned_fd=owned_fd)
        self._records: list[bytes] = []
        self._records_lost = 0

    @classmethod
    def to_binary(cls, stream: ByteStream) -> Self:
        """Write to a binary stream, each record at once."""

        def put(data: bytes) -> int:
            stream.write(data)
            stream.flush()
            return len(data)

        return cls(put, name=str(getattr(stream, "name", "the stream")), prompt=True)

    def write_record(self, data: bytes) -> None:
        """Take one record; it is written now or later."""
        self._records.append(data)
        self._size += len(data)
        if self.prompt or self._size >= _FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if not self._records:
            return
        records, self._records = self._records, []
        self._size = 0
        left = b"".join(records)
        if not self._error:
            left = self._write_out(left)
        missing = len(left)
        while missing > 0:
            missing -= len(records.pop())
            self._records_lost += 1

    @property
    def loss(self) -> Loss | None:
        """What was lost so far, None if nothing was; one record may be there in part."""
        return Loss(self.name, self._records_lost, self._error, "record") if self._error else None
