"""What report_syscall_entry and report_syscall_exit are given: one system call of one task.

Rule of this file: one is made for every call reported, so making it costs next to nothing; names,
arguments and results are worked out when asked for (D9, D14).
"""

from __future__ import annotations

import enum
import errno
import os
from typing import TYPE_CHECKING

from utrace.arch.description import ERRNO_MAX
from utrace.errors import TaskGone
from utrace.syscalls import DecodedCall, decode
from utrace.syscalls.abi import abi_of
from utrace.syscalls.tables import call_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.kernel.api import Fact
    from utrace.syscalls import Arguments
    from utrace.tracer.task import Task

_FIRST_ARG = 3
_ARGS_END = 9


class Tampering(enum.IntFlag):
    """What an engine did to a call, for those who show it."""

    ARGUMENTS = 1
    """Memory that its arguments point to was changed."""
    RESULT = 2
    """It was not made, or its result was replaced."""
    DELAY = 4
    """It was held up."""


UNTOUCHED = Tampering(0)


class Syscall:
    """One system call, from its entry to its exit; the object of an entry comes again at the exit.

    Attributes:
        fact: what the kernel told at the entry.
        returned: as `result`, for who is in a hurry.
        tampering: what engines that tamper said they did to it.
    """

    __slots__ = ("_args", "_decoded", "_task", "fact", "returned", "tampering")

    def __init__(self, task: Task, fact: Fact) -> None:
        self._task = task
        self.fact = fact
        self.returned: int | None = None
        self._decoded: DecodedCall | None = None
        self._args: tuple[int, tuple[int, ...]] | None = None
        self.tampering = UNTOUCHED

    def __repr__(self) -> str:
        return repr(self.decoded)

    @property
    def _detail(self) -> tuple[int, ...]:
        detail = self.fact[3]
        return detail if isinstance(detail, tuple) else (0,) * _ARGS_END

    @property
    def arch(self) -> int:
        """The AUDIT_ARCH number of the call, which may differ from the program's: decide by it."""
        return self._detail[0]

    @property
    def resumed(self) -> bool:
        """Whether this entry report is a repeated one: others had the task stopped and let go."""
        return self._task.resumed

    @property
    def ip(self) -> int:
        """The program counter at the entry: after the instruction that made the call."""
        return self._detail[1]

    @property
    def sp(self) -> int:
        """The stack pointer at the entry."""
        return self._detail[2]

    @property
    def nr(self) -> int:
        """Its number.  Set it, at the entry, to make another call instead.

        Raises:
            TaskGone: set when the task was killed, or is not at the entry.
        """
        return self.fact[2] if self._args is None else self._args[0]

    @nr.setter
    def nr(self, nr: int) -> None:
        self._change(nr, None)

    @property
    def raw(self) -> tuple[int, ...]:
        """The six argument registers, unsigned.  Set them, at the entry, to change the arguments.

        Raises:
            TaskGone: set when the task was killed, or is not at the entry.
        """
        return self._detail[_FIRST_ARG:_ARGS_END] if self._args is None else self._args[1]

    @raw.setter
    def raw(self, args: Sequence[int]) -> None:
        self._change(self.nr, args)

    def _change(self, nr: int, args: Sequence[int] | None) -> None:
        if not self._task.change_syscall(nr, args):
            message = f"task {self._task.tid} was killed, or is not at a system call's entry"
            raise TaskGone(message)
        self._args = (nr, self.raw if args is None else tuple(args))
        self._decoded = None

    def look_again(self) -> None:
        """Read it anew: while others had the task stopped, they may have changed it in the registers."""
        now = self._task.read_call(self.arch)
        if now is not None and now[1:] != (self.nr, self.raw):
            self._args = now[1:]
            self._decoded = None

    @property
    def decoded(self) -> DecodedCall:
        """The decoded call: `utrace.syscalls` renders it."""
        if self._decoded is None:
            self._decoded = decode(self.arch, self.nr, self.raw, self._task.memory, sp=self.sp)
            if self.returned is not None:
                self._decoded.finish(self.returned)
        return self._decoded

    @property
    def name(self) -> str:
        """Its name; "syscall_0x1f4" for a number without one.  No signature is needed for it."""
        return call_name(abi_of(self.arch), self.nr)

    @property
    def args(self) -> Arguments:
        """Its arguments by name, decoded when asked for."""
        return self.decoded.args

    @property
    def path(self) -> str:
        """The first file name among the arguments; "" if it has none, or none that is readable."""
        return self.decoded.path or ""

    @property
    def result(self) -> int | None:
        """What it returned, negative errno for an error; None before the exit.

        Set it, at the exit, to change what the program gets.
        """
        return self.returned

    @result.setter
    def result(self, value: int) -> None:
        if not self._task.change_result(value):
            message = f"task {self._task.tid} was killed, or is not at a system call's exit"
            raise TaskGone(message)
        self.finish(value)

    def finish(self, result: int) -> None:
        """Note the result."""
        self.returned = result
        if self._decoded is not None:
            self._decoded.finish(result)

    @property
    def error(self) -> int:
        """The errno it failed with, 0 if it did not."""
        result = self.returned
        return -result if result is not None and -ERRNO_MAX <= result < 0 else 0

    @property
    def error_text(self) -> str:
        """The error as strace writes it, "" if there is none."""
        code = self.error
        return f"{errno.errorcode.get(code, code)} ({os.strerror(code)})" if code else ""
