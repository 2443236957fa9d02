"""The classic BPF machine, as far as filters of ours go: it runs what the kernel would."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_INSTRUCTION = struct.Struct("<HBBI")
_DATA = struct.Struct("<iIQ6Q")


def run(program: bytes, arch: int, nr: int, args: Sequence[int]) -> int:
    """Give what a filter returns for a call.  Reference: bpf(4) of BSD; seccomp(2) "struct seccomp_data"."""
    code = [_INSTRUCTION.unpack_from(program, at) for at in range(0, len(program), 8)]
    data = _DATA.pack(nr, arch, 0, *args)
    accumulator = at = 0
    while True:
        operation, then, otherwise, value = code[at]
        at += 1
        match operation:
            case 0x20:
                assert value % 4 == 0, "seccomp takes aligned words only"
                (accumulator,) = struct.unpack_from("<I", data, value)
            case 0x54:
                accumulator &= value
            case 0xA4:
                accumulator ^= value
            case 0x05:
                at += value
            case 0x15:
                at += then if accumulator == value else otherwise
            case 0x35:
                at += then if accumulator >= value else otherwise
            case 0x06:
                return int(value)
            case _:
                raise AssertionError(hex(operation))
