"""A memory of a few mapped pieces."""

from __future__ import annotations


class FakeMemory:
    def __init__(self, pieces: dict[int, bytes] | None = None) -> None:
        self.pieces = dict(pieces or {})

    def read(self, address: int, length: int, /) -> bytes:
        for start, data in self.pieces.items():
            if start <= address < start + len(data):
                return data[address - start : address - start + length]
        return b""

    def read_cstring(self, address: int, limit: int, /) -> tuple[bytes, bool]:
        data = self.read(address, limit)
        end = data.find(b"\0")
        return (data, False) if end < 0 else (data[:end], True)
