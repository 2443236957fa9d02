"""Argument types of variable shape: I/O vectors, CPU sets, directory entries, what a wait tells."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from .argtypes import Number, Phase
from .pointers import bind_count, read_text
from .siginfo import SIGINFO_SIZE, SigInfo
from .tables import enum_decoder
from .values import Address, FdSet, Items, Listing, Record, Text, WaitStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .abi import Abi
    from .argtypes import Decoder
    from .call import DecodedCall
    from .pointers import AnyCount, BytesDecoder
    from .values import Value


class IoVector:
    """An array of iovec with the bytes they point to.

    Args:
        count: how many there are.
        total: how many bytes are in all of them; None: as many as their lengths tell.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _NAMES: Final = ("iov_base", "iov_len")

    def __init__(self, count: AnyCount, total: AnyCount | None = None) -> None:
        self._count, self._total = count, total

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        pair = struct.Struct("<2Q" if abi.word == 8 else "<2I")
        counter = bind_count(self._count, abi, names)
        total = None if self._total is None else bind_count(self._total, abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            count = counter(peers, call)
            if count <= 0:
                return Items()
            wanted = min(count, call.limits.items)
            data = call.memory.read(raw, wanted * pair.size)
            whole = len(data) // pair.size
            if not whole:
                return Address(raw)
            left = -1 if total is None else max(total(peers, call), 0)
            records: list[Value] = []
            for base, length in pair.iter_unpack(data[: whole * pair.size]):
                size = length if left < 0 else min(length, left)
                left -= size if left >= 0 else 0
                text = read_text(base, size, call) if base else Address(0)
                records.append(Record(self._NAMES, (text, length)))
            tail = Address(raw + whole * pair.size) if whole < wanted else None
            return Items(records, is_cut=tail is None and count > wanted, tail=tail)

        return decode


class CpuSet:
    """A set of processor numbers."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _BYTES_MAX: Final = 4096

    def __init__(self, size: AnyCount) -> None:
        self._size = size

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        counter = bind_count(self._size, abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            size = min(max(counter(peers, call), 0), self._BYTES_MAX)
            data = call.memory.read(raw, size)
            if len(data) < size:
                return Address(raw)
            mask = int.from_bytes(data, "little")
            return FdSet(i for i in range(mask.bit_length()) if mask >> i & 1)

        return decode


class Entries:
    """What getdents64 wrote."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _NAMES: Final = ("d_ino", "d_off", "d_reclen", "d_type", "d_name")

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        head = struct.Struct("<QqHB")
        type_of = enum_decoder(abi, "dirent_type", "DT_???")

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            size = call.result.value if call.result is not None else 0
            data = call.memory.read(raw, size)
            if len(data) < size:
                return Address(raw)
            entries: list[Value] = []
            at = 0
            while at + head.size <= size:
                ino, off, length, kind = head.unpack_from(data, at)
                if length < head.size:
                    break
                name = data[at + head.size : at + length].split(b"\0", 1)[0]
                entries.append(
                    Record(self._NAMES, (ino, off, length, type_of(kind), Text(name, is_string=True)))
                )
                at += length
            listing = Listing(entries)
            listing.address = raw
            return listing

        return decode


class _WaitInfo:
    """The siginfo_t that waitid fills."""

    def size(self, _abi: Abi) -> int:
        return SIGINFO_SIZE

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        def read(data: bytes, _call: DecodedCall) -> Value:
            info = SigInfo(data, abi.word)
            if not info.si_signo:
                return Record((), ())
            names, values = zip(*info.items(), strict=True)
            return Record(names, values)

        return read


ENTRIES: Final = Entries()
WAIT_STATUS: Final = Number("i32", WaitStatus)
WAIT_INFO: Final = _WaitInfo()
