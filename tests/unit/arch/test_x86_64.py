from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from utrace.arch.x86_64 import I386, X86_64, I386Registers, X86_64Registers

if TYPE_CHECKING:
    from pathlib import Path

I386_ORDER = [
    "ebx",
    "ecx",
    "edx",
    "esi",
    "edi",
    "ebp",
    "eax",
    "ds",
    "es",
    "fs",
    "gs",
    "orig_eax",
    "eip",
    "cs",
    "eflags",
    "esp",
    "ss",
]


@pytest.mark.requires("gcc", "x86-64")
def test_x86_64_registers_stand_where_the_c_header_has_them(tmp_path: Path) -> None:
    names = [register.name for register in X86_64Registers.REGISTERS]
    source = tmp_path / "offsets.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <sys/user.h>\nint main(void) {\n"
        + "".join(f'printf("%zu\\n", offsetof(struct user_regs_struct, {name}));\n' for name in names)
        + 'printf("%zu\\n", sizeof(struct user_regs_struct));\n}\n'
    )
    subprocess.run(["gcc", "-o", tmp_path / "offsets", source], check=True)
    printed = subprocess.run([tmp_path / "offsets"], check=True, capture_output=True, text=True).stdout
    assert [int(word) for word in printed.split()] == [
        *(register.offset for register in X86_64Registers.REGISTERS),
        X86_64Registers.LENGTH,
    ]


def test_i386_registers_are_seventeen_words_in_order() -> None:
    assert [register.name for register in I386Registers.REGISTERS] == I386_ORDER
    assert [register.offset for register in I386Registers.REGISTERS] == list(range(0, 68, 4))
    assert I386Registers.LENGTH == 68


def test_portable_names_are_the_program_counter_and_the_stack_pointer() -> None:
    assert X86_64Registers.pc is X86_64Registers.rip
    assert X86_64Registers.sp is X86_64Registers.rsp
    assert I386Registers.pc is I386Registers.eip
    assert I386Registers.sp is I386Registers.esp


@pytest.mark.requires("gcc", "x86-64")
def test_instructions_are_what_the_assembler_makes(tmp_path: Path) -> None:
    source = tmp_path / "instructions.s"
    source.write_text("syscall\nint $0x80\nsysenter\nint3\n")
    subprocess.run(["gcc", "-c", "-o", tmp_path / "instructions.o", source], check=True)
    subprocess.run(
        ["objcopy", "-O", "binary", "-j", ".text", tmp_path / "instructions.o", tmp_path / "instructions"],
        check=True,
    )
    int_80, sysenter, syscall = I386.syscall_instructions
    assert X86_64.syscall_instructions == (syscall,)
    text = (tmp_path / "instructions").read_bytes()
    assert text == syscall + int_80 + sysenter + X86_64.breakpoint_instruction
