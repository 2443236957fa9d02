from __future__ import annotations

import struct

import pytest

from utrace.ptrace_emu.i386 import narrow_siginfo, narrow_usage, widen_siginfo

KILL = struct.pack("<iiiiii", 15, 0, 0, 0, 77, 1000)
QUEUED = struct.pack("<iiiiiiQ", 10, 0, -1, 0, 77, 1000, 0xBEEF)
TIMER = struct.pack("<iiiiiiQ", 14, 0, -2, 0, 3, 1, 9)
CHILD = struct.pack("<iiiiiiiiqq", 17, 0, 1, 0, 77, 1000, 3, 0, 5, 6)
FAULT = struct.pack("<iiiiQhhiQQ", 11, 0, 3, 0, 0x8048000, 0, 0, 0, 0x1000, 0x2000)
POLLED = struct.pack("<iiiiqi", 29, 0, 1, 0, 0x41, 7)
REFUSED = struct.pack("<iiiiQiI", 31, 0, 1, 0, 0x8048000, 39, 0x40000003)
STOP = struct.pack("<iiiiii", 5, 0, 0x85, 0, 77, 1000)


@pytest.mark.parametrize(
    ("wide", "fields"),
    [
        (KILL, (77, 1000)),
        (QUEUED, (77, 1000, 0xBEEF)),
        (TIMER, (3, 1, 9)),
        (CHILD, (77, 1000, 3, 5, 6)),
        (FAULT, (0x8048000, 0, 0x1000, 0x2000)),
        (POLLED, (0x41, 7)),
        (REFUSED, (0x8048000, 39, 0x40000003)),
        (STOP, (77, 1000)),
    ],
)
def test_siginfo_is_narrow_for_i386_and_comes_back(wide: bytes, fields: tuple[int, ...]) -> None:
    wide = wide.ljust(128, b"\0")
    narrow = narrow_siginfo(wide)
    assert len(narrow) == 128
    assert narrow[:12] == wide[:12]
    assert struct.unpack_from(f"<{len(fields)}I", narrow, 12) == fields
    assert widen_siginfo(narrow) == wide


def test_usage_has_words_of_four_bytes() -> None:
    assert narrow_usage(struct.pack("<18Q", *range(18))) == struct.pack("<18I", *range(18))
