"""What utrace has to know of an architecture, as data; one value a module beside this one."""

from __future__ import annotations

import enum
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.arch.registers import signed, unsigned
from utrace.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.arch.registers import Registers

ERRNO_MAX: Final = 4095
"""A result from -ERRNO_MAX to -1 is an error number, negated (include/linux/err.h)."""


class RestartCode(enum.IntEnum):
    """Results that never reach user space: the kernel restarts the call or turns them into EINTR.

    A tracer sees them, negated, in the result register of a task stopped inside a call.

    Reference: include/linux/errno.h (Linux 6.18).
    """

    ERESTARTSYS = 512
    """Restarted unless a handler without SA_RESTART runs."""
    ERESTARTNOINTR = 513
    """Restarted always."""
    ERESTARTNOHAND = 514
    """Restarted unless a handler runs."""
    ERESTART_RESTARTBLOCK = 516
    """Restarted as the call restart_syscall; EINTR if a handler runs."""


class SyscallAbi:
    """Which registers carry a syscall's number, arguments and result.

    One exists for each pair of audit number and register set, since a 64-bit program can make a 32-bit
    call.  To change the number of a call in progress is a request to the kernel, not to a register:
    on aarch64 the register is only a copy.

    Reference: syscall(2) "Architecture calling conventions".
    """

    __slots__ = (
        "_read_args",
        "arg_registers",
        "audit",
        "bits",
        "nr_register",
        "registers",
        "result_register",
    )

    def __init__(
        self,
        *,
        audit: int,
        registers: type[Registers],
        bits: int,
        nr_register: str,
        arg_registers: tuple[str, str, str, str, str, str],
        result_register: str,
    ) -> None:
        """Describe one; `bits` is how much of each argument and result counts."""
        self.audit: Final = audit
        self.registers: Final = registers
        self.bits: Final = bits
        self.nr_register: Final = nr_register
        self.arg_registers: Final = arg_registers
        self.result_register: Final = result_register
        self._read_args: Final[Callable[[Registers], tuple[int, ...]]] = attrgetter(*arg_registers)

    def nr(self, registers: Registers) -> int:
        """Read the number of the call in progress; -1 says that there is none, or that it is skipped.

        Linux's numbers are 32 bits wide whatever the register is.
        """
        return signed(getattr(registers, self.nr_register), 32)

    def args(self, registers: Registers) -> tuple[int, ...]:
        """Read the six argument registers, unsigned.  How many mean something depends on the call."""
        values = self._read_args(registers)
        if self.bits == 32:
            return tuple(value & 0xFFFF_FFFF for value in values)
        return values

    def set_args(self, registers: Registers, args: Sequence[int]) -> None:
        """Write the first arguments, as many as are given."""
        if len(args) > len(self.arg_registers):
            raise Misuse(f"a syscall has at most {len(self.arg_registers)} arguments, not {len(args)}")
        for name, value in zip(self.arg_registers, args, strict=False):
            setattr(registers, name, unsigned(value, self.bits, name))

    def result(self, registers: Registers) -> int:
        """Read the result, signed: from -ERRNO_MAX to -1 is an error.

        At a syscall-exit-stop or inside a call; before that the register holds something else.
        """
        return signed(getattr(registers, self.result_register), self.bits)

    def set_result(self, registers: Registers, result: int) -> None:
        """Write the result; a negated error number makes the call fail."""
        setattr(registers, self.result_register, result)


class Arch(NamedTuple):
    """One architecture."""

    name: str
    """As uname(2) gives it for a machine that runs nothing else."""
    audit: int
    """AUDIT_ARCH_… of include/uapi/linux/audit.h."""
    bits: int
    """Of a pointer and of a C `long`."""
    registers: type[Registers]
    """What a task of this architecture has."""
    syscall_instructions: tuple[bytes, ...]
    """All that enter the kernel, the preferred one first."""
    breakpoint_instruction: bytes
    breakpoint_pc_offset: int
    """How far `pc` is past the breakpoint's address when its SIGTRAP is reported, in bytes."""
    instruction_alignment: int
    """Every instruction's address is a multiple of it."""
    restart_syscall_nr: int
    """The call that goes on with one interrupted by a stop (restart_syscall(2))."""
    has_block_step: bool
    """Whether the kernel has PTRACE_SINGLEBLOCK here; whether the machine honours it is to be tried."""
