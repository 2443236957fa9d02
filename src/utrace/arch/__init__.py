"""What differs between processors: registers, the syscall convention, breakpoints, stepping.

`of_regset` tells an architecture by what the kernel hands out for NT_PRSTATUS, `of_audit` by the number
that PTRACE_GET_SYSCALL_INFO and seccomp give for one call.  The two may disagree: a 64-bit program
can make an i386 call.  Decide about a call by its audit number, never by the task's bitness.
"""

from __future__ import annotations

from typing import Final

from utrace.arch import aarch64, x86_64
from utrace.arch.description import Arch, SyscallAbi
from utrace.arch.registers import Register, Registers
from utrace.errors import NotSupported

__all__ = ["ARCHES", "Arch", "Register", "Registers", "SyscallAbi", "of_audit", "of_regset", "syscall_abi"]

ARCHES: Final[tuple[Arch, ...]] = (x86_64.X86_64, x86_64.I386, aarch64.AARCH64)

_BY_AUDIT: Final = {arch.audit: arch for arch in ARCHES}
_BY_REGSET: Final = {arch.registers.LENGTH: arch for arch in ARCHES}
_ABIS: Final = {(abi.audit, abi.registers): abi for abi in (*x86_64.SYSCALL_ABIS, *aarch64.SYSCALL_ABIS)}


def of_audit(audit: int) -> Arch:
    """Give the architecture with this AUDIT_ARCH number, as one syscall reports it.

    Raises:
        NotSupported: a number that utrace has no tables for.

    Reference: PTRACE_GET_SYSCALL_INFO in ptrace(2); include/uapi/linux/audit.h (Linux 6.18).
    """
    try:
        return _BY_AUDIT[audit]
    except KeyError:
        raise NotSupported(f"no architecture has the audit number {audit:#x}") from None


def of_regset(length: int) -> Arch:
    """Give the architecture whose NT_PRSTATUS regset is this many bytes long.

    Raises:
        NotSupported: a length that no known architecture has.

    Reference: PTRACE_GETREGSET in ptrace(2): the kernel shortens the buffer to the tracee's own size.
    """
    try:
        return _BY_REGSET[length]
    except KeyError:
        raise NotSupported(f"no architecture has a register set of {length} bytes") from None


def syscall_abi(audit: int, registers: type[Registers]) -> SyscallAbi:
    """Give the convention of a call with this audit number, made by a task with such registers.

    Raises:
        NotSupported: no such call can be made from there.
    """
    try:
        return _ABIS[audit, registers]
    except KeyError:
        raise NotSupported(
            f"no syscall convention has the audit number {audit:#x} and {registers.__name__}"
        ) from None
