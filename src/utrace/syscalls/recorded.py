"""A task's memory as it was copied in a stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    Copy: TypeAlias = tuple[int, int, bytes, bool | None]
    """Address; bytes asked for, or the limit of a string; what was there; whether the NUL of a
    string was found, None for plain bytes."""

    RecordedStop: TypeAlias = tuple[
        int, int, int, int, list[Copy], int, tuple[int, int, tuple[int, ...]] | None
    ]
    """Tid; real, monotonic and CPU time in ns; copies; result; of an entry also arch, number, arguments."""


class RecordedMemory:
    """`Memory` made of copies; later ones go before earlier ones."""

    __slots__ = ("_copies",)

    def __init__(self, copies: Sequence[Copy]) -> None:
        self._copies = list(copies)

    def add(self, copies: Sequence[Copy]) -> None:
        """Note what was copied at a later stop."""
        self._copies[:0] = copies

    def read(self, address: int, length: int, /) -> bytes:
        """Read up to `length` bytes; fewer, or none, where nothing was copied."""
        for start, wanted, data, terminated in self._copies:
            offset = address - start
            if terminated is None and offset >= 0 and offset + length <= wanted:
                return data[offset : offset + length]
        return b""

    def read_cstring(self, address: int, limit: int, /) -> tuple[bytes, bool]:
        """Read a string without its NUL (see `Memory.read_cstring`)."""
        for start, wanted, data, terminated in self._copies:
            if terminated is not None and start == address and wanted >= limit:
                cut = data[:limit]
                return cut, terminated and len(data) <= limit
        return b"", False
