"""What decoding needs of a task's memory."""

from __future__ import annotations

from typing import Protocol


class Memory(Protocol):
    """Reads that may come back short, and never fail otherwise."""

    def read(self, address: int, length: int, /) -> bytes:
        """Read up to `length` bytes; fewer, or none, where memory is not readable."""
        ...

    def read_cstring(self, address: int, limit: int, /) -> tuple[bytes, bool]:
        """Read a string without its NUL.

        Returns:
            The bytes and whether the NUL was found within the first `limit` bytes.  Fewer than
            `limit` bytes and no NUL: the string runs into unreadable memory.
        """
        ...


class NoMemory:
    """A task whose memory cannot be read (any more)."""

    def read(self, _address: int, _length: int, /) -> bytes:
        """Read nothing."""
        return b""

    def read_cstring(self, _address: int, _limit: int, /) -> tuple[bytes, bool]:
        """Read nothing."""
        return b"", False
