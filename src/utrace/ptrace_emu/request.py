"""One ptrace call on a tracee, and the tracer's memory that it is about."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.errors import UtraceError
from utrace.ptrace_emu import i386

if TYPE_CHECKING:
    from utrace.engines.ptrace import PtraceEngine
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import Loop
    from utrace.tracer.task import Task


_WORD: Final = 8


@dataclass(frozen=True, slots=True)
class Request:
    """One ptrace call on a tracee that has a link.

    Attributes:
        tracer: who asks; its memory is where `data` points.
        is_i386: it asks by an i386 call.
    """

    registry: Registry
    loop: Loop
    link: PtraceEngine
    tracer: Task
    number: int
    addr: int
    data: int
    is_i386: bool = False

    @property
    def word(self) -> int:
        """Bytes of a word of the tracer's."""
        return i386.WORD if self.is_i386 else _WORD

    def ask(self, buffer: bytes) -> tuple[int, bytes]:
        """Make the request of the kernel, with a buffer: what it returned, and the buffer after it."""
        kernel, tid = self.loop.kernel, self.link.tracee.tid
        if self.is_i386:
            return kernel.request_i386(self.number, tid, self.addr, 0, buffer)
        return kernel.request_buffer(self.number, tid, self.addr, buffer)

    def ask_by_number(self) -> int:
        """Make the request of the kernel, whose data is a number."""
        kernel, tid = self.loop.kernel, self.link.tracee.tid
        if self.is_i386:
            return kernel.request_i386(self.number, tid, self.addr, self.data, b"")[0]
        return kernel.request_number(self.number, tid, self.addr, self.data)

    def give(self, data: bytes) -> int:
        """Write to the tracer's memory at `data`."""
        return self.give_at(self.data, data)

    def give_at(self, address: int, data: bytes) -> int:
        """Write to the tracer's memory; 0 or -EFAULT."""
        try:
            self.tracer.memory.write(address, data)
        except UtraceError:
            return -errno.EFAULT
        return 0

    def take(self, length: int) -> bytes | None:
        """Read from the tracer's memory at `data`; None: EFAULT."""
        found = self.tracer.memory.read(self.data, length)
        return found if len(found) == length else None
