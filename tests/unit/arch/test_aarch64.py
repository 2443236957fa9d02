from __future__ import annotations

import struct

from utrace.arch import syscall_abi
from utrace.arch.aarch64 import AARCH64, Aarch64Registers

# x0 … x30, sp, pc, pstate, each holding its own index in its lowest byte and 0xA5 in its highest.
PATTERN = b"".join(struct.pack("<Q", 0xA5 << 56 | index) for index in range(34))


def test_registers_are_thirty_four_words_in_order() -> None:
    registers = Aarch64Registers(PATTERN)
    expected = [*(f"x{index}" for index in range(31)), "sp", "pc", "pstate"]
    assert list(registers.as_dict()) == expected
    assert [value & 0xFF for value in registers.as_dict().values()] == list(range(34))
    assert Aarch64Registers.LENGTH == 272


def test_call_is_in_x8_and_x0_to_x5() -> None:
    abi = syscall_abi(AARCH64.audit, Aarch64Registers)
    registers = Aarch64Registers(PATTERN)
    assert abi.nr(registers) == 8
    assert [value & 0xFF for value in abi.args(registers)] == [0, 1, 2, 3, 4, 5]


def test_result_is_in_x0() -> None:
    abi = syscall_abi(AARCH64.audit, Aarch64Registers)
    registers = Aarch64Registers(PATTERN)
    abi.set_result(registers, -38)
    assert registers.x0 == (1 << 64) - 38


def test_instructions_encode_svc_and_brk() -> None:
    (svc,) = AARCH64.syscall_instructions
    # The immediate operand, here 0, stands from bit 5 on (Arm ARM, C6.2 "SVC", "BRK").
    assert struct.unpack("<I", svc) == (0xD4000001,)
    assert struct.unpack("<I", AARCH64.breakpoint_instruction) == (0xD4200000,)
