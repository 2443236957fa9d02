"""Native text of calls against Python's, over all signatures, with random arguments."""

from __future__ import annotations

import ctypes
import mmap
import os
import random
from typing import TYPE_CHECKING, Final

import pytest

from utrace.engines import native_lines as native_lines_module
from utrace.engines.line_log import LineStyle, PidShown
from utrace.engines.native_lines import native_lines
from utrace.engines.records import ALL_STATUSES
from utrace.kernel.linux import LinuxKernel
from utrace.kernel.recorded import Batch, Program
from utrace.syscalls import DecodedCall, Limits, Style
from utrace.syscalls.abi import I386, X86_64
from utrace.syscalls.render import render_call, render_entry
from utrace.syscalls.shapes import program_of
from utrace.syscalls.tables import prototypes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.memory import Memory
    from utrace.syscalls.shapes import ProgramSpec

TEXT_MAX: Final = 32
LIMITS: Final = Limits(TEXT_MAX, TEXT_MAX)
ROUNDS: Final = 12
PAGES: Final = 2
MAP_32BIT: Final = 0x40

#: How many calls of each convention are recorded, at least: fewer means that a type is no longer known.
RECORDED_LEAST: Final = {X86_64: 250, I386: 270}


class OwnMemory:
    """`Memory` of this process, as a tracer reads it."""

    def read(self, address: int, length: int, /) -> bytes:
        return LinuxKernel.read_memory(os.getpid(), address, length)

    def read_cstring(self, address: int, limit: int, /) -> tuple[bytes, bool]:
        return LinuxKernel.read_cstring(os.getpid(), address, limit)


class Arena:
    """Memory with random contents below 4 GiB, and nothing behind it."""

    def __init__(self, choose: random.Random) -> None:
        self._choose = choose
        self.size = PAGES * mmap.PAGESIZE
        self._map = mmap.mmap(
            -1, self.size + mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT
        )
        self.view = ctypes.c_char.from_buffer(self._map)
        self.address = ctypes.addressof(self.view)
        mprotect = ctypes.CDLL(None, use_errno=True).mprotect
        assert mprotect(ctypes.c_void_p(self.address + self.size), mmap.PAGESIZE, 0) == 0
        self.end = self.address + self.size

    def fill(self) -> None:
        """Put bytes, small numbers, texts and pointers into it."""
        choose = self._choose
        data = bytearray(choose.randbytes(self.size))
        for at in range(0, self.size, 8):
            kind = choose.randrange(8)
            if kind < 3:
                data[at : at + 8] = choose.randrange(64).to_bytes(8, "little")
            elif kind < 5:
                data[at : at + 8] = self.pointer().to_bytes(8, "little")
            elif kind == 5:
                data[at : at + 8] = b'a/\n"z\x017\0'
        self._map[: self.size] = bytes(data)

    def pointer(self) -> int:
        """Choose an address: in it, near its end, nowhere."""
        choose = self._choose
        return choose.choice(
            (
                0,
                8,
                self.end - choose.randrange(1, 40),
                self.end + 8,
                self.address + choose.randrange(0, self.size, 8),
                self.address + choose.randrange(self.size),
                self.address + choose.randrange(0, self.size, 16),
            )
        )

    def argument(self) -> int:
        """Choose an argument."""
        choose = self._choose
        return choose.choice(
            (
                self.pointer(),
                self.pointer(),
                choose.randrange(8),
                choose.randrange(1 << 12),
                1 << choose.randrange(32),
                choose.getrandbits(64),
                (1 << 64) - 1,
                (1 << 64) - 100,
            )
        )


def _result(choose: random.Random, abi: Abi) -> int:
    large = 1 << (8 * abi.word - 4)
    return choose.choice((0, 0, 1, choose.randrange(200), -choose.randrange(1, 140), -512, -516, large))


def _is_recorded(spec: ProgramSpec, raw: Sequence[int]) -> bool:
    """Tell whether no choice of a call leads to what goes the ordinary way."""

    def chosen(shape: tuple[object, ...]) -> tuple[object, ...]:
        match shape:
            case ("choice", int(peer), int(mask), dict(cases), tuple(other)):
                return chosen(cases.get(raw[peer] & mask, other))
            case _:
                return shape

    return all(chosen(shape) != ("ordinary",) for shape in spec.shapes)


@pytest.mark.parametrize("abi", [X86_64, I386], ids=lambda abi: str(abi.name))
def test_native_text_is_pythons(abi: Abi) -> None:
    choose = random.Random(20091216)  # noqa: S311 - arguments, not secrets
    arena = Arena(choose)
    lines = native_lines(LineStyle(values=Style(TEXT_MAX), pids=PidShown.NEVER), ALL_STATUSES, whole=False)
    assert lines is not None
    tid = os.getpid()
    lines.admit(tid, abi.audit)
    recorded = 0
    for nr in sorted(prototypes(abi)):
        spec = program_of(abi.audit, nr, LIMITS)
        if spec is None or spec.name == "restart_syscall":
            continue
        recorded += 1
        program = Program(*spec)
        arena.fill()
        for _ in range(ROUNDS):
            raw = tuple(arena.argument() for _ in range(6))
            result = _result(choose, abi)
            if not _is_recorded(spec, raw):
                continue
            batch = Batch.of_call(tid, (abi.audit, nr, raw), program, result, (TEXT_MAX, TEXT_MAX))
            text, taken = lines.take(batch, 0)
            assert taken == 2
            call = DecodedCall(abi, nr, raw, OwnMemory(), None, LIMITS)
            call.capture()
            call.finish(result)
            assert text == render_call(call) + "\n", (spec.name, [hex(one) for one in raw], result)
    assert recorded >= RECORDED_LEAST[abi], recorded


@pytest.mark.parametrize("abi", [X86_64, I386], ids=lambda abi: str(abi.name))
def test_native_beginnings_are_pythons(abi: Abi) -> None:
    choose = random.Random(20110101)  # noqa: S311 - arguments, not secrets
    arena = Arena(choose)
    arena.fill()
    tid = os.getpid()
    for nr in sorted(prototypes(abi)):
        spec = program_of(abi.audit, nr, LIMITS)
        if spec is None or spec.name == "restart_syscall":
            continue
        program = Program(*spec)
        raw = tuple(arena.argument() for _ in range(6))
        lines = native_lines(
            LineStyle(values=Style(TEXT_MAX), pids=PidShown.NEVER), ALL_STATUSES, whole=False
        )
        assert lines is not None
        lines.admit(tid, abi.audit)
        batch = Batch.of_call(tid, (abi.audit, nr, raw), program, None, (TEXT_MAX, TEXT_MAX))
        assert lines.take(batch, 0) == ("", 1)
        call = DecodedCall(abi, nr, raw, OwnMemory(), None, LIMITS)
        assert lines.show() == render_entry(call), spec.name


def test_registers_that_are_not_passed_make_no_new_question(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[Sequence[int]] = []

    def counted(*call: *tuple[Abi, int, Sequence[int], Memory, None, Limits]) -> DecodedCall:
        decoded.append(call[2])
        return DecodedCall(*call)

    monkeypatch.setattr(native_lines_module, "DecodedCall", counted)
    lines = native_lines(LineStyle(values=Style(TEXT_MAX), pids=PidShown.NEVER), ALL_STATUSES, whole=False)
    nr = next(nr for nr, prototype in prototypes(X86_64).items() if prototype.name == "fcntl")
    spec = program_of(X86_64.audit, nr, LIMITS)
    assert lines is not None
    assert spec is not None
    tid, program = os.getpid(), Program(*spec)
    lines.admit(tid, X86_64.audit)
    dup, getfd = 0, 1

    def text(*raw: int) -> str:
        batch = Batch.of_call(tid, (X86_64.audit, nr, raw), program, 1, (TEXT_MAX, TEXT_MAX))
        return lines.take(batch, 0)[0].split("(")[1].split(" =")[0].strip()

    assert text(3, getfd, 0x7FFF0000, 1, 2, 3) == text(3, getfd, 0x7FFF1000, 4, 5, 6) == "3, F_GETFD)"
    assert len(decoded) == 1
    assert [text(3, dup, least, 0, 0, 0) for least in (10, 11)] == ["3, F_DUPFD, 10)", "3, F_DUPFD, 11)"]
    assert len(decoded) == 3
