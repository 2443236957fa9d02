from __future__ import annotations

import platform

import pytest

from utrace import arch
from utrace.arch.aarch64 import AARCH64, Aarch64Registers
from utrace.arch.x86_64 import I386, X86_64, I386Registers, X86_64Registers
from utrace.errors import NotSupported


@pytest.mark.parametrize(
    ("audit", "expected"), [(0xC000003E, X86_64), (0x40000003, I386), (0xC00000B7, AARCH64)]
)
def test_of_audit_finds_each(audit: int, expected: arch.Arch) -> None:
    assert arch.of_audit(audit) is expected


@pytest.mark.parametrize(("length", "expected"), [(27 * 8, X86_64), (17 * 4, I386), (34 * 8, AARCH64)])
def test_of_regset_finds_each(length: int, expected: arch.Arch) -> None:
    assert arch.of_regset(length) is expected


def test_of_audit_of_another_architecture_is_not_supported() -> None:
    with pytest.raises(NotSupported, match="0x40000028"):
        arch.of_audit(0x40000028)


def test_of_regset_of_another_length_is_not_supported() -> None:
    with pytest.raises(NotSupported, match="72 bytes"):
        arch.of_regset(72)


@pytest.mark.parametrize(
    ("audit", "registers", "first"),
    [
        (X86_64.audit, X86_64Registers, "rdi"),
        (I386.audit, I386Registers, "ebx"),
        (I386.audit, X86_64Registers, "rbx"),
        (AARCH64.audit, Aarch64Registers, "x0"),
    ],
)
def test_syscall_abi_goes_by_call_and_task(audit: int, registers: type[arch.Registers], first: str) -> None:
    assert arch.syscall_abi(audit, registers).arg_registers[0] == first


def test_syscall_abi_of_an_impossible_pair_is_not_supported() -> None:
    with pytest.raises(NotSupported, match="I386Registers"):
        arch.syscall_abi(X86_64.audit, I386Registers)


@pytest.mark.requires("x86-64")
def test_name_is_what_the_machine_calls_itself() -> None:
    assert platform.machine() in {each.name for each in arch.ARCHES}
