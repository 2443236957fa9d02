"""The register file of a simulated x86-64 task: an NT_PRSTATUS regset of 27 words.

Reference: struct user_regs_struct, arch/x86/include/asm/user_64.h (6.18).
"""

from __future__ import annotations

import struct
from typing import Final

R10: Final = 7
R9: Final = 8
R8: Final = 9
RAX: Final = 10
RDX: Final = 12
RSI: Final = 13
RDI: Final = 14
ORIG_RAX: Final = 15
RIP: Final = 16
RSP: Final = 19

#: Where the six arguments of a system call are.
ARGUMENTS: Final = (RDI, RSI, RDX, R10, R8, R9)
REGSET_BYTES: Final = 216
MASK: Final = (1 << 64) - 1

_CS: Final = 17
_EFLAGS: Final = 18
_SS: Final = 20
_REGSET: Final = struct.Struct("<27Q")
_STACK_TOP: Final = 0x7FFF_FFFF_E000


def new_registers() -> list[int]:
    """Make the registers of a fresh program."""
    registers = [0] * 27
    registers[_CS] = 0x33
    registers[_SS] = 0x2B
    registers[_EFLAGS] = 0x202
    registers[RSP] = _STACK_TOP
    registers[ORIG_RAX] = MASK
    return registers


def signed(word: int) -> int:
    """Read a register as the kernel reads a return value."""
    return word - (1 << 64) if word >> 63 else word


def encode(registers: list[int]) -> bytes:
    """Give the regset."""
    return _REGSET.pack(*registers)


def decode(regset: bytes) -> list[int]:
    """Read a regset.

    Raises:
        struct.error: it has not `REGSET_BYTES` bytes.
    """
    return list(_REGSET.unpack(regset))
