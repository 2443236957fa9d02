"""Births with CLONE_UNTRACED: the child stays in the session, though no tracer gets it.

Rule of this file: the caller is told by nothing that its flags were others in the kernel: what was changed,
a register or a word of memory, is put back at the birth and at the end of the call, in both.

Reference: clone(2), clone3(2); Linux 6.18 kernel/fork.c:kernel_clone().
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.arch import syscall_abi
from utrace.engines.ptrace_stops import CLONE_UNTRACED
from utrace.errors import UtraceError

if TYPE_CHECKING:
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

_FLAGS: Final = 8
"""Bytes of clone_args.flags, its first member."""


@dataclass(frozen=True, slots=True)
class UntracedBirth:
    """One clone or clone3 under way.

    Attributes:
        flags: what the program asked for.
        address: of the flags, in clone3's structure; 0: they are in the register of the first argument.
    """

    task: Task
    call: Syscall
    flags: int
    address: int

    def hide(self) -> None:
        """Take CLONE_UNTRACED away.

        Raises:
            TaskGone: the task was killed.
        """
        if self.address:
            self._write(self.task, self.flags & ~CLONE_UNTRACED)
        else:
            _, *others = self.call.raw
            self.call.raw = (self.flags & ~CLONE_UNTRACED, *others)

    def put_back(self) -> None:
        """Give the flags back at the end of the call: a system call changes no register but its result's.

        Raises:
            TaskGone: the task was killed.
        """
        if self.address:
            self._write(self.task, self.flags)
        else:
            registers = self.task.regs
            abi = syscall_abi(self.call.arch, type(registers))
            setattr(registers, abi.arg_registers[0], self.flags)
            self.task.regs = registers

    def put_back_in(self, child: Task) -> None:
        """Give the child its flags, in a copy of the memory that they are in."""
        if self.address:
            self._write(child, self.flags)

    def _write(self, task: Task, flags: int) -> None:
        # It may be gone, or have unmapped them.
        with contextlib.suppress(UtraceError):
            task.memory.write(self.address, flags.to_bytes(_FLAGS, "little"))


def read(task: Task, call: Syscall) -> UntracedBirth | None:
    """Read a clone or clone3; None: it is not one with CLONE_UNTRACED, or a bad one."""
    first, size = call.raw[:2]
    if call.name == "clone":
        return UntracedBirth(task, call, first, 0) if first & CLONE_UNTRACED else None
    word = task.memory.read(first, _FLAGS) if size >= _FLAGS else b""
    flags = int.from_bytes(word, "little")
    return UntracedBirth(task, call, flags, first) if flags & CLONE_UNTRACED else None
