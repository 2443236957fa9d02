"""AArch64.  Tested against byte patterns only: no such machine has run it.

The number of a call is read from x8, but changed only through the regset NT_ARM_SYSTEM_CALL: what the kernel
goes by is a copy of its own.

Reference: struct user_pt_regs of arch/arm64/include/uapi/asm/ptrace.h, arch/arm64/kernel/syscall.c
(Linux 6.18).
"""

from __future__ import annotations

from typing import Final

from utrace.arch.description import Arch, SyscallAbi
from utrace.arch.registers import Register, Registers

AUDIT_ARCH_AARCH64: Final = 0xC000_00B7

NT_ARM_SYSTEM_CALL: Final = 0x404
"""Regset with one 32-bit word, the number of the call in progress."""


class Aarch64Registers(Registers):
    """`struct user_pt_regs`."""

    __slots__ = ()

    x0 = Register(0, 8)
    x1 = Register(8, 8)
    x2 = Register(16, 8)
    x3 = Register(24, 8)
    x4 = Register(32, 8)
    x5 = Register(40, 8)
    x6 = Register(48, 8)
    x7 = Register(56, 8)
    x8 = Register(64, 8)
    x9 = Register(72, 8)
    x10 = Register(80, 8)
    x11 = Register(88, 8)
    x12 = Register(96, 8)
    x13 = Register(104, 8)
    x14 = Register(112, 8)
    x15 = Register(120, 8)
    x16 = Register(128, 8)
    x17 = Register(136, 8)
    x18 = Register(144, 8)
    x19 = Register(152, 8)
    x20 = Register(160, 8)
    x21 = Register(168, 8)
    x22 = Register(176, 8)
    x23 = Register(184, 8)
    x24 = Register(192, 8)
    x25 = Register(200, 8)
    x26 = Register(208, 8)
    x27 = Register(216, 8)
    x28 = Register(224, 8)
    x29 = Register(232, 8)
    x30 = Register(240, 8)
    sp = Register(248, 8)
    pc = Register(256, 8)
    pstate = Register(264, 8)


AARCH64: Final = Arch(
    name="aarch64",
    audit=AUDIT_ARCH_AARCH64,
    bits=64,
    registers=Aarch64Registers,
    syscall_instructions=(b"\x01\x00\x00\xd4",),
    breakpoint_instruction=b"\x00\x00\x20\xd4",
    breakpoint_pc_offset=0,
    instruction_alignment=4,
    restart_syscall_nr=128,
    has_block_step=False,
)

SYSCALL_ABIS: Final = (
    SyscallAbi(
        audit=AUDIT_ARCH_AARCH64,
        registers=Aarch64Registers,
        bits=64,
        nr_register="x8",
        arg_registers=("x0", "x1", "x2", "x3", "x4", "x5"),
        result_register="x0",
    ),
)
