"""The program that `kernel.probe` tries things on: a few instructions, known to the byte.

It is written into memory as an ELF file, so that nothing has to be installed or compiled.

Reference: elf(5).
"""

from __future__ import annotations

import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

EXIT_STATUS: Final = 42

_LOAD_AT: Final = 0x10000000
_PAGE: Final = 0x10000
_ET_EXEC: Final = 2
_PT_LOAD: Final = 1
_READ_EXECUTE: Final = 5


@dataclass(frozen=True, slots=True)
class ProbeProgram:
    """Three instructions that do nothing, a jump to the next one, some more, and exit with 42.

    Attributes:
        bits: word size.
        elf_machine: e_machine of its file.
        code: its instructions.
        step: length of its first instruction, in bytes.
        jump_target: where its jump leads, counted from its start.
    """

    bits: int
    elf_machine: int
    code: bytes
    step: int
    jump_target: int

    def image(self) -> bytes:
        """Give the ELF file."""
        wide = self.bits == 64
        head_size, segment_size = (64, 56) if wide else (52, 32)
        entry = _LOAD_AT + head_size + segment_size
        length = head_size + segment_size + len(self.code)
        ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
        word = "Q" if wide else "I"
        head = struct.pack(
            f"<16sHHI{word}{word}{word}IHHHHHH",
            ident, _ET_EXEC, self.elf_machine, 1, entry, head_size, 0, 0, head_size, segment_size, 1, 0, 0, 0,
        )  # fmt: skip
        if wide:
            fields = (_PT_LOAD, _READ_EXECUTE, 0, _LOAD_AT, _LOAD_AT, length, length, _PAGE)
            return head + struct.pack("<IIQQQQQQ", *fields) + self.code
        fields = (_PT_LOAD, 0, _LOAD_AT, _LOAD_AT, length, length, _READ_EXECUTE, _PAGE)
        return head + struct.pack("<IIIIIIII", *fields) + self.code

    @contextmanager
    def path(self) -> Iterator[bytes]:
        """Give a path that it can be executed by.

        Raises:
            OSError: there can be no executable file in memory.
        """
        fd = os.memfd_create("utrace-probe", os.MFD_CLOEXEC)
        try:
            os.write(fd, self.image())
            yield os.fsencode(f"/proc/{os.getpid()}/fd/{fd}")
        finally:
            os.close(fd)


_A64_NOP: Final = struct.pack("<I", 0xD503201F)

#: By machine (uname); the instructions are in the comments.
NATIVE: Final = {
    "x86_64": ProbeProgram(
        bits=64,
        elf_machine=62,
        # nop; nop; nop; jmp .+2; nop; nop; mov $42, %edi; mov $60, %eax; syscall
        code=bytes.fromhex("909090 eb00 9090 bf2a000000 b83c000000 0f05"),
        step=1,
        jump_target=5,
    ),
    "aarch64": ProbeProgram(
        bits=64,
        elf_machine=183,
        # nop; nop; nop; b .+4; nop; mov x0, #42; mov x8, #93; svc #0
        code=_A64_NOP * 3 + struct.pack("<IIIII", 0x14000001, 0xD503201F, 0xD2800540, 0xD2800BA8, 0xD4000001),
        step=4,
        jump_target=16,
    ),
}

#: Of 32 bits, where the processor can run it.
COMPAT: Final = {
    "x86_64": ProbeProgram(
        bits=32,
        elf_machine=3,
        # nop; nop; nop; jmp .+2; nop; nop; mov $42, %ebx; mov $1, %eax; int $0x80
        code=bytes.fromhex("909090 eb00 9090 bb2a000000 b801000000 cd80"),
        step=1,
        jump_target=5,
    ),
}
