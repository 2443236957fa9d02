"""Dumps of what calls read and wrote: bytes in hexadecimal and as text, sixteen a line.

Reference: strace(1) "-e read=", "-e write="; the output of strace 6.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from utrace.engines.records import CallRecord
    from utrace.syscalls import DecodedCall

_LINE: Final = 16
#: A hostile length must not make us read for ever.
_BYTES_MAX: Final = 1 << 24
_VECTORS_MAX: Final = 1024

#: Calls by where their data is: a buffer, a vector of buffers, a message, a vector of messages.
_BUFFERS_READ: Final = frozenset({"read", "pread64", "recvfrom", "recv", "mq_timedreceive"})
_BUFFERS_WRITTEN: Final = frozenset({"write", "pwrite64", "sendto", "send", "mq_timedsend"})
_VECTORS_READ: Final = frozenset({"readv", "preadv", "preadv2"})
_VECTORS_WRITTEN: Final = frozenset({"writev", "pwritev", "pwritev2", "vmsplice"})


def dump(data: bytes) -> str:
    """Write bytes, sixteen a line, each line with its end."""
    lines: list[str] = []
    for start in range(0, len(data), _LINE):
        row = data[start : start + _LINE]
        first, second = (" ".join(f"{byte:02x}" for byte in half) for half in (row[:8], row[8:]))
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f" | {start:05x}  {first:<23}  {second:<23}  {text:<16} |\n")
    return "".join(lines)


def make_dumps(reads: Callable[[int], bool], writes: Callable[[int], bool]) -> Callable[[CallRecord], str]:
    """Make what writes the dumps of a call that has ended.

    Args:
        reads: whether to show what is read from a descriptor.
        writes: whether to show what is written to it.
    """

    def dumps(record: CallRecord) -> str:
        call = record.call
        if call.result is None:
            return ""
        fd = call.raw[0] & 0xFFFFFFFF
        shown = [
            text
            for wanted, writers in ((reads, _READS), (writes, _WRITES))
            if wanted(fd)
            and (writer := writers.get(call.name)) is not None
            and (text := writer(call, call.result.value))
        ]
        return "".join(shown)

    return dumps


# -- where the data is ------------------------------------------------------------------------------


def _buffer_read(call: DecodedCall, result: int) -> str:
    return dump(_bytes(call, call.raw[1], min(result, call.raw[2]))) if result > 0 else ""


def _buffer_written(call: DecodedCall, _result: int) -> str:
    return dump(_bytes(call, call.raw[1], call.raw[2]))


def _vector_read(call: DecodedCall, result: int) -> str:
    return _vector(call, call.raw[1], call.raw[2], result) if result > 0 else ""


def _vector_written(call: DecodedCall, _result: int) -> str:
    return _vector(call, call.raw[1], call.raw[2], None)


def _message_read(call: DecodedCall, result: int) -> str:
    return _message(call, call.raw[1], result)[1] if result > 0 else ""


def _message_written(call: DecodedCall, _result: int) -> str:
    return _message(call, call.raw[1], None)[1]


def _messages(call: DecodedCall, result: int) -> str:
    """Write a vector of messages, each as far as the kernel says it went."""
    word = call.abi.word
    header = 7 * word
    size = header + word
    shown: list[str] = []
    for index in range(min(max(result, 0), _VECTORS_MAX)):
        address = call.raw[1] + index * size
        length = int.from_bytes(call.memory.read(address + header, 4), "little")
        count, text = _message(call, address, length)
        shown.append(f" = {count} buffers in vector {index}\n{text}")
    return "".join(shown)


def _message(call: DecodedCall, address: int, limit: int | None) -> tuple[int, str]:
    """Write the buffers of one msghdr, and count them."""
    word = call.abi.word
    head = call.memory.read(address + 2 * word, 2 * word)
    if len(head) < 2 * word:
        return 0, ""
    vector, count = (int.from_bytes(head[at : at + word], "little") for at in (0, word))
    return count, _vector(call, vector, count, limit)


def _vector(call: DecodedCall, address: int, count: int, limit: int | None) -> str:
    shown: list[str] = []
    for index, (base, length) in enumerate(_iovecs(call, address, count)):
        size = length if limit is None else min(length, limit)
        if limit is not None:
            if not size:
                break
            limit -= size
        shown.append(f" * {size} bytes in buffer {index}\n{dump(_bytes(call, base, size))}")
    return "".join(shown)


def _iovecs(call: DecodedCall, address: int, count: int) -> Iterator[tuple[int, int]]:
    word = call.abi.word
    data = call.memory.read(address, min(count, _VECTORS_MAX) * 2 * word)
    for at in range(0, len(data) - 2 * word + 1, 2 * word):
        yield (
            int.from_bytes(data[at : at + word], "little"),
            int.from_bytes(data[at + word : at + 2 * word], "little"),
        )


def _bytes(call: DecodedCall, address: int, length: int) -> bytes:
    return call.memory.read(address, min(length, _BYTES_MAX))


_READS: Final = {
    **dict.fromkeys(_BUFFERS_READ, _buffer_read),
    **dict.fromkeys(_VECTORS_READ, _vector_read),
    "recvmsg": _message_read,
    "recvmmsg": _messages,
    "recvmmsg_time64": _messages,
}
_WRITES: Final = {
    **dict.fromkeys(_BUFFERS_WRITTEN, _buffer_written),
    **dict.fromkeys(_VECTORS_WRITTEN, _vector_written),
    "sendmsg": _message_written,
    "sendmmsg": _messages,
}
