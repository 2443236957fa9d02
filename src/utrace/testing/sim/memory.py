"""Memory of a simulated process: pages of immutable bytes, so that fork is a copy of a dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE_BYTES: Final = 4096


class Memory:
    """Pages by address.  Reading stops at the first page that is not mapped."""

    __slots__ = ("_pages",)

    def __init__(self, pages: Iterable[tuple[int, bytes]] = ()) -> None:
        self._pages = dict(pages)

    def copy(self) -> Memory:
        """Give the child of a fork its own."""
        return Memory(self._pages.items())

    def map(self, address: int, length: int) -> None:
        """Make the pages that hold these bytes exist, zeroed if new."""
        first = address - address % PAGE_BYTES
        for page in range(first, address + max(length, 1), PAGE_BYTES):
            self._pages.setdefault(page, bytes(PAGE_BYTES))

    def read(self, address: int, length: int) -> bytes:
        """Read up to `length` bytes; fewer if a page is not mapped."""
        parts: list[bytes] = []
        while length > 0:
            offset = address % PAGE_BYTES
            page = self._pages.get(address - offset)
            if page is None:
                break
            part = page[offset : offset + length]
            parts.append(part)
            address += len(part)
            length -= len(part)
        return b"".join(parts)

    def read_cstring(self, address: int, limit: int) -> tuple[bytes, bool]:
        """Read up to a NUL, at most `limit` bytes: the bytes before it, and whether it was there."""
        data = self.read(address, limit)
        end = data.find(b"\0")
        return (data, False) if end < 0 else (data[:end], True)

    def write(self, address: int, data: bytes) -> int:
        """Write, up to the first page that is not mapped; give the number of bytes written."""
        done = 0
        while done < len(data):
            offset = (address + done) % PAGE_BYTES
            start = address + done - offset
            page = self._pages.get(start)
            if page is None:
                break
            part = data[done : done + PAGE_BYTES - offset]
            self._pages[start] = page[:offset] + part + page[offset + len(part) :]
            done += len(part)
        return done
