"""x86-64, and i386 as an x86-64 kernel runs it.

Reference: arch/x86/include/asm/user_64.h, user_32.h, arch/x86/kernel/ptrace.c (Linux 6.18); System V ABI,
AMD64 supplement, "Linux conventions".
"""

from __future__ import annotations

from typing import Final

from utrace.arch.description import Arch, SyscallAbi
from utrace.arch.registers import Register, Registers

AUDIT_ARCH_X86_64: Final = 0xC000_003E
AUDIT_ARCH_I386: Final = 0x4000_0003

X32_SYSCALL_BIT: Final = 1 << 30
"""Set in the number of an x32 call, whose audit number is x86-64's; without it the tables are the same."""


class X86_64Registers(Registers):  # noqa: N801 — the architecture's name has an underscore
    """`struct user_regs_struct` of a 64-bit task."""

    __slots__ = ()

    r15 = Register(0, 8)
    r14 = Register(8, 8)
    r13 = Register(16, 8)
    r12 = Register(24, 8)
    rbp = Register(32, 8)
    rbx = Register(40, 8)
    r11 = Register(48, 8)
    r10 = Register(56, 8)
    r9 = Register(64, 8)
    r8 = Register(72, 8)
    rax = Register(80, 8)
    rcx = Register(88, 8)
    rdx = Register(96, 8)
    rsi = Register(104, 8)
    rdi = Register(112, 8)
    orig_rax = Register(120, 8)
    rip = Register(128, 8)
    cs = Register(136, 8)
    eflags = Register(144, 8)
    rsp = Register(152, 8)
    ss = Register(160, 8)
    fs_base = Register(168, 8)
    gs_base = Register(176, 8)
    ds = Register(184, 8)
    es = Register(192, 8)
    fs = Register(200, 8)
    gs = Register(208, 8)

    pc = rip
    sp = rsp


class I386Registers(Registers):
    """`struct user_regs_struct32`: what PTRACE_GETREGSET gives for a task in 32-bit mode."""

    __slots__ = ()

    ebx = Register(0, 4)
    ecx = Register(4, 4)
    edx = Register(8, 4)
    esi = Register(12, 4)
    edi = Register(16, 4)
    ebp = Register(20, 4)
    eax = Register(24, 4)
    ds = Register(28, 4)
    es = Register(32, 4)
    fs = Register(36, 4)
    gs = Register(40, 4)
    orig_eax = Register(44, 4)
    eip = Register(48, 4)
    cs = Register(52, 4)
    eflags = Register(56, 4)
    esp = Register(60, 4)
    ss = Register(64, 4)

    pc = eip
    sp = esp


INT_80: Final = b"\xcd\x80"
SYSCALL: Final = b"\x0f\x05"
SYSENTER: Final = b"\x0f\x34"
INT3: Final = b"\xcc"

X86_64: Final = Arch(
    name="x86_64",
    audit=AUDIT_ARCH_X86_64,
    bits=64,
    registers=X86_64Registers,
    syscall_instructions=(SYSCALL,),
    breakpoint_instruction=INT3,
    breakpoint_pc_offset=1,
    instruction_alignment=1,
    restart_syscall_nr=219,
    has_block_step=True,
)

I386: Final = Arch(
    name="i386",
    audit=AUDIT_ARCH_I386,
    bits=32,
    registers=I386Registers,
    syscall_instructions=(INT_80, SYSENTER, SYSCALL),
    breakpoint_instruction=INT3,
    breakpoint_pc_offset=1,
    instruction_alignment=1,
    restart_syscall_nr=0,
    has_block_step=True,
)

SYSCALL_ABIS: Final = (
    SyscallAbi(
        audit=AUDIT_ARCH_X86_64,
        registers=X86_64Registers,
        bits=64,
        nr_register="orig_rax",
        arg_registers=("rdi", "rsi", "rdx", "r10", "r8", "r9"),
        result_register="rax",
    ),
    SyscallAbi(
        audit=AUDIT_ARCH_I386,
        registers=I386Registers,
        bits=32,
        nr_register="orig_eax",
        arg_registers=("ebx", "ecx", "edx", "esi", "edi", "ebp"),
        result_register="eax",
    ),
    # int $0x80 in a 64-bit program: an i386 call whose operands stand in the low halves.
    SyscallAbi(
        audit=AUDIT_ARCH_I386,
        registers=X86_64Registers,
        bits=32,
        nr_register="orig_rax",
        arg_registers=("rbx", "rcx", "rdx", "rsi", "rdi", "rbp"),
        result_register="rax",
    ),
)
