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

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOAD_WORD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_JUMP_IF_ABOVE_OR_EQUAL: Final = 0x35
_RETURN: Final = 0x06
_NR_OFFSET: Final = 0
_ARCH_OFFSET: Final = 4
OUR_DATA: Final = 0x7574
"""What our filter tells its tracer, in SECCOMP_RET_DATA."""
_RET_TRACE: Final = 0x7FF0_0000 | OUR_DATA
_RET_ALLOW: Final = 0x7FFF_0000
_JUMP_MAX: Final = 255
_INSTRUCTION: Final = struct.Struct("<HBBI")


def filter_program(wanted: Mapping[int, frozenset[int]]) -> bytes:
    """Assemble the filter: calls in `wanted`, by audit arch, stop; others do not.

    Runs of numbers are found by binary search, so that a call costs a handful of instructions however
    many numbers there are.
    """
    blocks = [(arch, _search(_runs(numbers))) for arch, numbers in wanted.items()]
    program = [_INSTRUCTION.pack(_LOAD_WORD, 0, 0, _ARCH_OFFSET)]
    for arch, block in blocks:
        body = [_INSTRUCTION.pack(_LOAD_WORD, 0, 0, _NR_OFFSET), *block]
        # A conditional jump reaches 255 instructions; an unconditional one any number.
        program.append(_INSTRUCTION.pack(_JUMP_IF_EQUAL, 1, 0, arch))
        program.append(_INSTRUCTION.pack(0x05, 0, 0, len(body)))
        program.extend(body)
    program.append(_INSTRUCTION.pack(_RETURN, 0, 0, _RET_TRACE))
    return b"".join(program)


def _runs(numbers: frozenset[int]) -> list[tuple[int, bool]]:
    """Give the points where being wanted begins or ends: (first number, wanted from there on)."""
    edges = {number for number in numbers if number - 1 not in numbers} | {
        number + 1 for number in numbers if number + 1 not in numbers
    }
    return [(point, point in numbers) for point in sorted({0, *edges})]


def _search(points: list[tuple[int, bool]]) -> list[bytes]:
    """Assemble a binary search for the last point that is not above the number in the accumulator."""
    if len(points) == 1:
        return [_INSTRUCTION.pack(_RETURN, 0, 0, _RET_TRACE if points[0][1] else _RET_ALLOW)]
    middle = len(points) // 2
    below, above = _search(points[:middle]), _search(points[middle:])
    first = points[middle][0]
    if len(below) <= _JUMP_MAX:
        return [_INSTRUCTION.pack(_JUMP_IF_ABOVE_OR_EQUAL, len(below), 0, first), *below, *above]
    return [
        _INSTRUCTION.pack(_JUMP_IF_ABOVE_OR_EQUAL, 0, 1, first),
        _INSTRUCTION.pack(0x05, 0, 0, len(below)),
        *below,
        *above,
    ]
