"""Dumps of what calls read and wrote."""

from __future__ import annotations

import struct

import pytest

from tests.unit.syscalls.fake_memory import FakeMemory
from utrace.engines.dumps import dump, make_dumps
from utrace.engines.records import CallRecord, Thread
from utrace.syscalls import decode
from utrace.syscalls.abi import X86_64
from utrace.syscalls.tables import numbers


def test_sixteen_bytes_are_a_line() -> None:
    assert dump(b"abcdefghijklmnop\n\xff\x7f") == (
        " | 00000  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  abcdefghijklmnop |\n"
        " | 00010  0a ff 7f                                          ...              |\n"
    )
    assert not dump(b"")


def _dumped(name: str, result: int, *raw: int, memory: dict[int, bytes]) -> list[str]:
    call = decode("x86_64", numbers(X86_64)[name], (*raw, *(0,) * (6 - len(raw))), FakeMemory(memory), result)
    record = CallRecord(Thread(7, born=False, bits=64), call, 0, 0)
    return make_dumps(lambda fd: fd == 3, lambda fd: fd == 4)(record).splitlines()


def _text(line: str) -> str:
    return line[60:].removesuffix(" |").rstrip()


def test_only_what_was_read_is_dumped() -> None:
    assert [_text(line) for line in _dumped("read", 2, 3, 0x1000, 10, memory={0x1000: b"hello"})] == ["he"]
    assert not _dumped("read", -9, 3, 0x1000, 10, memory={0x1000: b"hello"})
    assert not _dumped("read", 2, 9, 0x1000, 10, memory={0x1000: b"hello"})
    assert not _dumped("write", 2, 3, 0x1000, 10, memory={0x1000: b"hello"})


def test_all_that_was_to_be_written_is_dumped() -> None:
    assert [_text(line) for line in _dumped("write", -32, 4, 0x1000, 5, memory={0x1000: b"hello"})] == [
        "hello"
    ]


VECTOR = struct.pack("<4Q", 0x1000, 5, 0x2000, 3)
PARTS = {0x1000: b"hello", 0x2000: b"you", 0x3000: VECTOR}


@pytest.mark.parametrize(
    ("name", "result", "fd", "lines"),
    [
        ("writev", 8, 4, [" * 5 bytes in buffer 0", "hello", " * 3 bytes in buffer 1", "you"]),
        ("readv", 6, 3, [" * 5 bytes in buffer 0", "hello", " * 1 bytes in buffer 1", "y"]),
        ("readv", 5, 3, [" * 5 bytes in buffer 0", "hello"]),
    ],
)
def test_buffers_of_a_vector_are_dumped_one_by_one(name: str, result: int, fd: int, lines: list[str]) -> None:
    shown = _dumped(name, result, fd, 0x3000, 2, memory=PARTS)
    assert [line if line.startswith(" *") else _text(line) for line in shown] == lines


def test_messages_are_counted() -> None:
    header = struct.pack("<QQQQQQQ", 0, 0, 0x3000, 2, 0, 0, 0) + struct.pack("<II", 8, 0)
    shown = _dumped("sendmmsg", 1, 4, 0x4000, 1, memory={**PARTS, 0x4000: header})
    assert shown[:2] == [" = 2 buffers in vector 0", " * 5 bytes in buffer 0"]
    single = _dumped("recvmsg", 8, 3, 0x4000, 0, memory={**PARTS, 0x4000: header})
    assert [line for line in single if line.startswith(" *")] == [
        " * 5 bytes in buffer 0",
        " * 3 bytes in buffer 1",
    ]


def test_a_vector_that_cannot_be_read_is_left_out() -> None:
    assert not _dumped("writev", 8, 4, 0x3000, 1 << 60, memory={})
    assert not _dumped("sendmsg", 8, 4, 0x3000, 0, memory={})
