from __future__ import annotations

import pytest

from utrace.arch import ARCHES, SyscallAbi, syscall_abi
from utrace.arch.aarch64 import SYSCALL_ABIS as AARCH64_ABIS
from utrace.arch.description import ERRNO_MAX, RestartCode
from utrace.arch.x86_64 import SYSCALL_ABIS as X86_ABIS
from utrace.arch.x86_64 import X86_64, X86_64Registers
from utrace.errors import Misuse

ABIS = (*X86_ABIS, *AARCH64_ABIS)

each_abi = pytest.mark.parametrize("abi", ABIS, ids=lambda abi: f"{abi.audit:#x}-{abi.registers.__name__}")


@each_abi
def test_abi_names_registers_that_exist(abi: SyscallAbi) -> None:
    names = {register.name for register in abi.registers.REGISTERS}
    assert {abi.nr_register, abi.result_register, *abi.arg_registers} <= names
    assert len(set(abi.arg_registers)) == 6


@each_abi
def test_args_written_are_read_in_order(abi: SyscallAbi) -> None:
    registers = abi.registers(bytes(abi.registers.LENGTH))
    abi.set_args(registers, (1, 2, 3, 4, 5, -1))
    assert abi.args(registers) == (1, 2, 3, 4, 5, (1 << abi.bits) - 1)


@each_abi
def test_set_args_leaves_those_not_given(abi: SyscallAbi) -> None:
    registers = abi.registers(b"\x01" * abi.registers.LENGTH)
    before = abi.args(registers)
    abi.set_args(registers, (7,))
    assert abi.args(registers) == (7, *before[1:])


@each_abi
def test_set_args_refuses_a_seventh(abi: SyscallAbi) -> None:
    with pytest.raises(Misuse, match="at most 6"):
        abi.set_args(abi.registers(bytes(abi.registers.LENGTH)), range(7))


@each_abi
def test_set_args_refuses_what_does_not_fit(abi: SyscallAbi) -> None:
    with pytest.raises(Misuse, match=f"{abi.bits} bits"):
        abi.set_args(abi.registers(bytes(abi.registers.LENGTH)), (1 << abi.bits,))


@each_abi
@pytest.mark.parametrize("result", [0, 1, -1, -ERRNO_MAX, -RestartCode.ERESTARTSYS, (1 << 31) - 1])
def test_result_is_signed(abi: SyscallAbi, result: int) -> None:
    registers = abi.registers(bytes(abi.registers.LENGTH))
    abi.set_result(registers, result)
    assert abi.result(registers) == result


@each_abi
@pytest.mark.parametrize("nr", [0, 59, -1])
def test_nr_of_no_call_is_minus_one(abi: SyscallAbi, nr: int) -> None:
    registers = abi.registers(bytes(abi.registers.LENGTH))
    setattr(registers, abi.nr_register, nr)
    assert abi.nr(registers) == nr


def test_i386_call_of_a_64_bit_task_sees_low_halves_only() -> None:
    registers = X86_64Registers(bytes(216))
    registers.rbx = 0xDEAD_BEEF_0000_0001
    registers.rax = 0x0000_0000_FFFF_FFFF
    abi = syscall_abi(0x4000_0003, X86_64Registers)
    assert abi.args(registers)[0] == 1
    assert abi.result(registers) == -1


def test_nr_ignores_the_upper_half_of_its_register() -> None:
    registers = X86_64Registers(bytes(216))
    registers.orig_rax = 0xFFFF_FFFF
    assert syscall_abi(X86_64.audit, X86_64Registers).nr(registers) == -1


@pytest.mark.parametrize("arch", ARCHES, ids=lambda arch: arch.name)
def test_instructions_are_whole(arch: object) -> None:
    described = next(each for each in ARCHES if each is arch)
    for instruction in (*described.syscall_instructions, described.breakpoint_instruction):
        assert len(instruction) % described.instruction_alignment == 0
    assert 0 <= described.breakpoint_pc_offset <= len(described.breakpoint_instruction)
