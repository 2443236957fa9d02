from __future__ import annotations

from utrace.testing.sim.memory import PAGE_BYTES, Memory

EDGE = 4 * PAGE_BYTES


def mapped() -> Memory:
    memory = Memory()
    memory.map(EDGE - PAGE_BYTES, 2 * PAGE_BYTES)
    return memory


def test_write_and_read_across_a_page_edge() -> None:
    memory = mapped()
    assert memory.write(EDGE - 2, b"abcd") == 4
    assert memory.read(EDGE - 3, 6) == b"\0abcd\0"


def test_read_and_write_end_at_unmapped_memory() -> None:
    memory = mapped()
    end = EDGE + PAGE_BYTES
    assert memory.write(end - 2, b"abcd") == 2
    assert memory.read(end - 2, 10) == b"ab"
    assert memory.read(end, 10) == b""


def test_cstring_is_found_only_within_the_limit() -> None:
    memory = mapped()
    memory.write(EDGE, b"hello\0")
    assert memory.read_cstring(EDGE, 6) == (b"hello", True)
    assert memory.read_cstring(EDGE, 5) == (b"hello", False)


def test_copy_is_independent() -> None:
    memory = mapped()
    copy = memory.copy()
    memory.write(EDGE, b"x")
    assert copy.read(EDGE, 1) == b"\0"


def test_map_again_keeps_what_is_there() -> None:
    memory = mapped()
    memory.write(EDGE, b"x")
    memory.map(EDGE, 1)
    assert memory.read(EDGE, 1) == b"x"
