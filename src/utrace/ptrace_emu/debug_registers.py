"""The four debug registers of a thread, shared by all who watch it.

Rules of this file:

1. Each tracer has debug registers of its own; one that it enables in DR7 is given a register of the
   thread, its namesake if that is free.  There are four in all: who asks for more gets ENOSPC, as
   where the kernel has none left.
2. What DR6 says of a register is told to its owner alone.

Reference: ptrace(2), PTRACE_POKEUSER; Linux 6.18 arch/x86/kernel/ptrace.c:ptrace_set_debugreg();
Intel SDM volume 3, "Debug Registers".
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from utrace.ptrace_emu import i386

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.kernel.api import Kernel

ADDRESSES: Final = 4
DR6: Final = 6
DR7: Final = 7
COUNT: Final = 8
SINGLE_STEP: Final = 1 << 14
"""In DR6."""
_ENABLE: Final = 0b11
_HIT: Final = 0xF
_GLOBAL: Final = 0xFFFF & ~0xFF

_AT: Final = 848
"""Where they are in struct user (sys/user.h)."""
_PEEKUSER: Final = 3
_POKEUSER: Final = 6
_WORD: Final = 8


def register_at(address: int, *, is_i386: bool = False) -> int | None:
    """Tell which debug register is at an address of PTRACE_PEEKUSER and POKEUSER."""
    first, word = (i386.DEBUG_REGISTERS_AT, i386.WORD) if is_i386 else (_AT, _WORD)
    number, odd = divmod(address - first, word)
    return number if not odd and 0 <= number < COUNT else None


def user_words(kernel: Kernel, tid: int) -> Callable[[int, int | None], int]:
    """Make what reads (value None) or writes one debug register of a stopped thread.

    It returns what the register holds, or a negative errno.
    """

    def access(number: int, value: int | None) -> int:
        address = _AT + _WORD * number
        if value is not None:
            return kernel.request_number(_POKEUSER, tid, address, value)
        result, word = kernel.request_buffer(_PEEKUSER, tid, address, bytes(_WORD))
        return result if result < 0 else int.from_bytes(word, "little")

    return access


class _View:
    """One tracer's debug registers.

    Attributes:
        given: by number of its own, the number of the thread's register that serves it.
    """

    def __init__(self) -> None:
        self.values = [0] * COUNT
        self.given: dict[int, int] = {}

    def control(self) -> int:
        """Give its part of the thread's DR7."""
        mine = self.values[DR7]
        merged = mine & _GLOBAL
        for own, real in self.given.items():
            merged |= (mine >> 2 * own & _ENABLE) << 2 * real
            merged |= (mine >> 16 + 4 * own & 0xF) << 16 + 4 * real
        return merged

    def hits(self, real: int) -> int:
        """Translate the hits in the thread's DR6 to its own numbers."""
        return sum(1 << own for own, served in self.given.items() if real & 1 << served)


class DebugRegisters:
    """The debug registers of one thread."""

    def __init__(self, access: Callable[[int, int | None], int]) -> None:
        self._access = access
        self._views: dict[int, _View] = {}

    def _others(self, tracer: int) -> set[int]:
        return {
            real for other, view in self._views.items() if other != tracer for real in view.given.values()
        }

    def read(self, tracer: int, number: int) -> int:
        """Read a register as a tracer sees it; a negative number is an errno."""
        view = self._views.setdefault(tracer, _View())
        if number != DR6:
            return view.values[number]
        real = self._access(DR6, None)
        return real if real < 0 else real & ~_HIT | view.hits(real)

    def write(self, tracer: int, number: int, value: int) -> int:
        """Write a register as a tracer sees it: 0, or a negative errno."""
        view = self._views.setdefault(tracer, _View())
        if number == DR6:
            return self._access(DR6, value & ~_HIT | self._access(DR6, None) & self._hits_of_others(tracer))
        if number == DR7:
            return self._enable(tracer, view, value)
        if number >= ADDRESSES:
            return -errno.EIO
        real = view.given.get(number, number)
        if number in view.given or real not in self._others(tracer):
            result = self._access(real, value)
            if result < 0:
                return result
        view.values[number] = value
        return 0

    def _hits_of_others(self, tracer: int) -> int:
        return sum(1 << real for real in self._others(tracer))

    def _enable(self, tracer: int, view: _View, value: int) -> int:
        wanted = [number for number in range(ADDRESSES) if value >> 2 * number & _ENABLE]
        taken = self._others(tracer)
        before = (dict(view.given), view.values[DR7])
        given = {own: real for own, real in view.given.items() if own in wanted}
        for number in wanted:
            if number not in given:
                free = [real for real in (number, *range(ADDRESSES)) if real not in taken | {*given.values()}]
                if not free:
                    return -errno.ENOSPC
                given[number] = free[0]
        view.given, view.values[DR7] = given, value
        result = 0
        for own, real in given.items():
            if before[0].get(own) != real:
                result = min(result, self._access(real, view.values[own]))
        result = result or self._access(DR7, self._control())
        if result < 0:
            view.given, view.values[DR7] = before
        return result

    def _control(self) -> int:
        merged = 0
        for view in self._views.values():
            merged |= view.control()
        return merged

    def owners(self) -> frozenset[int]:
        """Give the tracers whose registers were hit, of those that the thread's DR6 tells of."""
        real = self._access(DR6, None)
        return frozenset(tracer for tracer, view in self._views.items() if real >= 0 and view.hits(real))

    def leave(self, tracer: int) -> None:
        """Give up what a tracer had, once the thread stands still."""
        self._views.pop(tracer, None)

    def settle(self) -> None:
        """Disable, in the stopped thread, what no tracer has any more."""
        self._access(DR7, self._control())
