"""MessagePack: the objects of the JSON lines, one after the other, at half of their size.

Reference: the MessagePack specification; a reader is `msgpack.Unpacker(file)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgpack

from utrace.engines.events import within_64_bits

if TYPE_CHECKING:
    from utrace.engines.events import Event


class MessagePack:
    """One event, one map."""

    def __init__(self) -> None:
        self._packer = msgpack.Packer()

    def begin(self) -> bytes:
        """Give nothing: a file without events is empty."""
        return b""

    def encode(self, event: Event) -> bytes:
        """Give its map; integers of more than 64 bits, which the format does not have, as strings."""
        try:
            return bytes(self._packer.pack(event))
        except OverflowError:
            self._packer.reset()
            return bytes(self._packer.pack(within_64_bits(event)))

    def end(self) -> bytes:
        """Give nothing: every map stands for itself."""
        return b""
