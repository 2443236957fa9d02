"""Control blocks of asynchronous I/O: io_submit and io_cancel.

Reference: io_submit(2); include/uapi/linux/aio_abi.h (Linux 6.19).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from utrace.syscalls.argtypes import Phase
from utrace.syscalls.pointers import bind_count, read_text
from utrace.syscalls.tables import enum_decoder, flags_decoder
from utrace.syscalls.values import ABSENT, Address, Fd, Hex, Items, Record
from utrace.syscalls.vectors import IoVector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import AnyCount
    from utrace.syscalls.values import Value

_LAYOUT: Final = struct.Struct("<QIIHhiQQq8xIi")
_PREAD, _PWRITE, _POLL, _PREADV, _PWRITEV = 0, 1, 5, 7, 8
_RESFD: Final = 1


class _Reader:
    """Reads control blocks."""

    def __init__(self, abi: Abi) -> None:
        self._opcode_of = enum_decoder(abi, "iocb_cmd", "IOCB_CMD_???")
        self._flags_of = flags_decoder(abi, "iocb_flags", "IOCB_FLAG_???")
        self._events_of = flags_decoder(abi, "poll", "POLL???")
        self._vector = IoVector("count").bind(abi, ("count",))

    def read(self, address: int, call: DecodedCall, *, whole: bool) -> Value:
        """Read one, or only what tells it from others."""
        data = call.memory.read(address, _LAYOUT.size) if address else b""
        if len(data) < _LAYOUT.size:
            return Address(address)
        user, key, _, opcode, priority, fd, buffer, count, offset, flags, event = _LAYOUT.unpack(data)
        fields: list[tuple[str, Value]] = [
            ("aio_data", Hex(user)),
            ("aio_key", key or ABSENT),
            ("aio_lio_opcode", self._opcode_of(opcode)),
            ("aio_reqprio", priority or ABSENT),
            ("aio_fildes", Fd(fd)),
        ]
        if whole:
            fields += self._operands(opcode, buffer, count, offset, call)
            if flags:
                fields.append(("aio_flags", self._flags_of(flags)))
            if flags & _RESFD:
                fields.append(("aio_resfd", Fd(event)))
        return Record(tuple(name for name, _ in fields), [value for _, value in fields])

    def _operands(
        self, opcode: int, buffer: int, count: int, offset: int, call: DecodedCall
    ) -> list[tuple[str, Value]]:
        if opcode == _POLL:
            return [("aio_buf", self._events_of(buffer & 0xFFFFFFFF))]
        if opcode in {_PREAD, _PWRITE}:
            text = read_text(buffer, count, call) if opcode == _PWRITE else Address(buffer)
            return [("aio_buf", text), ("aio_nbytes", count), ("aio_offset", offset)]
        if opcode in {_PREADV, _PWRITEV}:
            shown = self._vector(buffer, (count,), call) if opcode == _PWRITEV else Address(buffer)
            return [("aio_buf", shown), ("aio_offset", offset)]
        return []


class ControlBlock:
    """A pointer to an iocb, of which only what tells it from others is shown."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        reader = _Reader(abi)
        return lambda raw, _peers, call: reader.read(raw, call, whole=False)


class ControlBlocks:
    """An array of pointers to iocb.

    Args:
        count: how many.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, count: AnyCount) -> None:
        self._count = count

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        counter = bind_count(self._count, abi, names)
        reader = _Reader(abi)
        code = "Q" if abi.word == 8 else "I"

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            count = counter(peers, call)
            if not raw or count <= 0:
                return Address(raw) if not raw else Items()
            wanted = min(count, call.limits.items)
            data = call.memory.read(raw, wanted * abi.word)
            whole = len(data) // abi.word
            if not whole:
                return Address(raw)
            pointers = struct.unpack(f"<{whole}{code}", data[: whole * abi.word])
            tail = Address(raw + whole * abi.word) if whole < wanted else None
            blocks = [reader.read(pointer, call, whole=True) for pointer in pointers]
            return Items(blocks, is_cut=tail is None and count > wanted, tail=tail)

        return decode
