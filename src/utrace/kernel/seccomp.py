"""The filter that keeps uninteresting system calls at full speed (D6).

Rule of this file: a filter decides by the arch of the call, never by the program's; a call of an arch
it has no numbers for stops, since nobody has said that it is uninteresting.

A program's own filter may ask for a stop too.  The kernel tells the data of the newest filter that did, so
that `OUR_DATA` means: only ours.

Reference: seccomp(2) "SECCOMP_RET_TRACE"; Linux 6.18 include/uapi/linux/filter.h, seccomp.h.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from utrace.kernel.screens import FAIL, PASS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from utrace.kernel.screens import Screen, Step

_LOAD_WORD: Final = 0x20
_AND: Final = 0x54
_XOR: Final = 0xA4
_JUMP: Final = 0x05
_JUMP_IF_EQUAL: Final = 0x15
_JUMP_IF_ABOVE_OR_EQUAL: Final = 0x35
_RETURN: Final = 0x06
_NR_OFFSET: Final = 0
_ARCH_OFFSET: Final = 4
_ARGS_OFFSET: Final = 16
OUR_DATA: Final = 0x7574
"""What our filter tells its tracer, in SECCOMP_RET_DATA."""
_RET_TRACE: Final = 0x7FF0_0000 | OUR_DATA
_RET_ALLOW: Final = 0x7FFF_0000
#: A conditional jump reaches 255 instructions; two that lead further may have to stand before it.
_REACH: Final = 250
_WORD: Final = 0xFFFFFFFF
_INSTRUCTIONS_MAX: Final = 4096
_INSTRUCTION: Final = struct.Struct("<HBBI")


#: prctl and seccomp, by which a program puts a filter of its own in force, by audit arch.
INSTALLERS: Final[Mapping[int, tuple[int, int]]] = {
    0xC000003E: (157, 317),
    0x40000003: (172, 354),
    0xC00000B7: (167, 277),
}
_PR_SET_SECCOMP: Final = 22
_SET_MODES: Final = frozenset({0, 1})
_TSYNC: Final = 1


def installers() -> dict[int, frozenset[int]]:
    """Give the calls that may put a filter in force, as a filter's `wanted` has them."""
    return {arch: frozenset(numbers) for arch, numbers in INSTALLERS.items()}


def installs(arch: int, nr: int, args: Sequence[int]) -> bool:
    """Tell whether a call of `installers` is to put a filter in force."""
    prctl, _ = INSTALLERS[arch]
    return args[0] == _PR_SET_SECCOMP if nr == prctl else args[0] in _SET_MODES


def is_for_all_threads(arch: int, nr: int, args: Sequence[int]) -> bool:
    """Tell whether it is to be in force for the other threads, too (SECCOMP_FILTER_FLAG_TSYNC)."""
    return nr != INSTALLERS[arch][0] and bool(args[1] & _TSYNC)


def filter_program(
    wanted: Mapping[int, frozenset[int]],
    screens: Mapping[tuple[int, int], Screen] | None = None,
    let_go: Mapping[int, frozenset[int]] | None = None,
) -> bytes:
    """Assemble the filter: calls in `wanted`, by audit arch, stop; others do not.

    Runs of numbers are found by binary search, so that a call costs a handful of instructions however
    many numbers there are.

    Args:
        wanted: the calls that stop.
        screens: by audit arch and number: only where the argument registers pass.  They are left out if the
            kernel would not take a filter so long: then too much stops, never too little.
        let_go: by an audit arch that is not in `wanted`, the only calls that do not stop.
    """
    program = _Assembler(screens or {}).filter(wanted, let_go or {})
    if len(program) > _INSTRUCTIONS_MAX:
        program = _Assembler({}).filter(wanted, let_go or {})
    return b"".join(program)


class _Assembler:
    """Assembles from the end to the beginning, so that where a jump leads is known when it is written.

    A label is the number of an instruction, counted from the end.
    """

    def __init__(self, screens: Mapping[tuple[int, int], Screen]) -> None:
        self._screens = screens
        self._backwards: list[bytes] = []
        self._blocks: dict[Screen, int] = {}
        self._stop = self._put(_RETURN, _RET_TRACE)
        self._allow = self._put(_RETURN, _RET_ALLOW)

    def filter(
        self, wanted: Mapping[int, frozenset[int]], let_go: Mapping[int, frozenset[int]]
    ) -> list[bytes]:
        """Assemble it all."""
        others = {
            arch: _runs(dict.fromkeys(numbers, self._allow), self._stop) for arch, numbers in let_go.items()
        }
        chosen = {arch: _runs(self._labels(arch, numbers), self._allow) for arch, numbers in wanted.items()}
        blocks = {arch: self._block(runs) for arch, runs in (others | chosen).items()}
        entry = self._stop
        for arch, block in reversed(blocks.items()):
            entry = self._branch(_JUMP_IF_EQUAL, arch, block, entry)
        self._fall_to(entry)
        self._put(_LOAD_WORD, _ARCH_OFFSET)
        return self._backwards[::-1]

    def _put(self, code: int, value: int, then: int = 0, otherwise: int = 0) -> int:
        self._backwards.append(_INSTRUCTION.pack(code, then, otherwise, value))
        return len(self._backwards) - 1

    def _fall_to(self, label: int) -> None:
        """See to it that what is put next goes on at a label."""
        distance = len(self._backwards) - 1 - label
        if distance:
            self._put(_JUMP, distance)

    def _branch(self, code: int, value: int, then: int, otherwise: int) -> int:
        then, otherwise = self._near(then), self._near(otherwise)
        here = len(self._backwards)
        return self._put(code, value, here - 1 - then, here - 1 - otherwise)

    def _near(self, label: int) -> int:
        """Give a label that a conditional jump reaches: that one, or a jump there."""
        if len(self._backwards) - label <= _REACH:
            return label
        return self._put(_JUMP, len(self._backwards) - 1 - label)

    def _block(self, runs: list[tuple[int, int]]) -> int:
        search = self._search(runs)
        self._fall_to(search)
        return self._put(_LOAD_WORD, _NR_OFFSET)

    def _labels(self, arch: int, numbers: frozenset[int]) -> dict[int, int]:
        return {number: self._screened(self._screens.get((arch, number), ())) for number in numbers}

    def _search(self, runs: list[tuple[int, int]]) -> int:
        """Assemble a binary search for the last point that is not above the number in the accumulator."""
        if len(runs) == 1:
            return runs[0][1]
        middle = len(runs) // 2
        above, below = self._search(runs[middle:]), self._search(runs[:middle])
        return self._branch(_JUMP_IF_ABOVE_OR_EQUAL, runs[middle][0], above, below)

    def _screened(self, screen: Screen) -> int:
        """Assemble a screen, once; its steps jump forward only, so that the last one comes first."""
        if not screen:
            return self._stop
        if screen not in self._blocks:
            labels = {PASS: self._stop, FAIL: self._allow}
            for number, step in reversed(list(enumerate(screen))):
                labels[number] = self._compared(step, labels[step.then], labels[step.otherwise])
            self._blocks[screen] = labels[0]
        return self._blocks[screen]

    def _compared(self, step: Step, then: int, otherwise: int) -> int:
        """Assemble one comparison of 64 bits: the upper half decides unless it is equal."""
        lower = _JUMP_IF_ABOVE_OR_EQUAL if step.below else _JUMP_IF_EQUAL
        low_then, low_otherwise = (otherwise, then) if step.below else (then, otherwise)
        label = self._branch(lower, step.value & _WORD, low_then, low_otherwise)
        label = self._load(step, 0, label)
        if not (step.mask | step.flip | step.value) >> 32:
            return label
        label = self._branch(_JUMP_IF_EQUAL, step.value >> 32, label, otherwise)
        if step.below:
            label = self._branch(_JUMP_IF_ABOVE_OR_EQUAL, step.value >> 32, label, then)
        return self._load(step, 32, label)

    def _load(self, step: Step, shift: int, label: int) -> int:
        """Load half of a register as a step wants it, and go on at a label."""
        mask, flip = step.mask >> shift & _WORD, step.flip >> shift & _WORD
        self._fall_to(label)
        if flip:
            self._put(_XOR, flip)
        if mask != _WORD:
            self._put(_AND, mask)
        return self._put(_LOAD_WORD, _ARGS_OFFSET + 8 * step.register + (4 if shift else 0))


def _runs(labels: Mapping[int, int], otherwise: int) -> list[tuple[int, int]]:
    """Give the points where something else is done with calls: (first number, label from there on)."""
    points = sorted({0, *labels, *(number + 1 for number in labels)})
    runs = [(point, labels.get(point, otherwise)) for point in points]
    return [run for last, run in zip([(0, -1), *runs], runs, strict=False) if run[1] != last[1]]
