"""The call conventions that the tables know, and the C types of each."""

from __future__ import annotations

import struct
from typing import Final

from utrace.errors import Misuse

#: C type -> (struct code, size, signed), where it is the same everywhere.
_FIXED: Final[dict[str, tuple[str, int, bool]]] = {
    "i8": ("b", 1, True),
    "u8": ("B", 1, False),
    "i16": ("h", 2, True),
    "u16": ("H", 2, False),
    "i32": ("i", 4, True),
    "u32": ("I", 4, False),
    "i64": ("q", 8, True),
    "u64": ("Q", 8, False),
}


class Abi:
    """One system call convention of the kernel.

    Attributes:
        name: as in the file names of the tables: x86_64, i386, aarch64.
        audit: the AUDIT_ARCH number that PTRACE_GET_SYSCALL_INFO and seccomp report.
        word: bytes of a long and of a pointer.
        align_max: the strictest alignment of a C type: i386 aligns 64-bit integers to 4.
        mask: all bits of a word.
    """

    __slots__ = ("align_max", "audit", "mask", "name", "word")

    def __init__(self, name: str, audit: int, word: int, align_max: int) -> None:
        self.name: Final = name
        self.audit: Final = audit
        self.word: Final = word
        self.align_max: Final = align_max
        self.mask: Final = (1 << word * 8) - 1

    def layout(self, ctype: str) -> tuple[str, int, bool]:
        """Give (struct code, size in bytes, signed) of a C type of the tables."""
        fixed = _FIXED.get(ctype)
        if fixed is not None:
            return fixed
        signed = ctype == "long"
        code = ("q" if signed else "Q") if self.word == 8 else ("i" if signed else "I")
        return code, self.word, signed

    def align(self, size: int) -> int:
        """Give the alignment of an integer of `size` bytes inside a struct."""
        return min(size, self.align_max)

    def unpacker(self, ctype: str) -> struct.Struct:
        """Give the packed form of one integer."""
        return struct.Struct("<" + self.layout(ctype)[0])


X86_64: Final = Abi("x86_64", 0xC000003E, 8, 8)
I386: Final = Abi("i386", 0x40000003, 4, 4)
AARCH64: Final = Abi("aarch64", 0xC00000B7, 8, 8)

ABIS: Final = (X86_64, I386, AARCH64)

_BY_KEY: Final[dict[int | str, Abi]] = {abi.name: abi for abi in ABIS} | {abi.audit: abi for abi in ABIS}


def abi_of(arch: int | str | Abi) -> Abi:
    """Find an `Abi` by audit number or by name.

    Raises:
        Misuse: there are no tables for it.
    """
    if isinstance(arch, Abi):
        return arch
    found = _BY_KEY.get(arch)
    if found is None:
        shown = hex(arch) if isinstance(arch, int) else arch
        known = ", ".join(abi.name for abi in ABIS)
        raise Misuse(f"no system call tables for architecture {shown} (known: {known})")
    return found
