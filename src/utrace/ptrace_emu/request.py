"""One ptrace call on a tracee, and the tracer's memory that it is about."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING

from utrace.errors import UtraceError

if TYPE_CHECKING:
    from utrace.engines.ptrace import PtraceEngine
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import Loop
    from utrace.tracer.task import Task


@dataclass(frozen=True, slots=True)
class Request:
    """One ptrace call on a tracee that has a link.

    Attributes:
        tracer: who asks; its memory is where `data` points.
    """

    registry: Registry
    loop: Loop
    link: PtraceEngine
    tracer: Task
    number: int
    addr: int
    data: int

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
