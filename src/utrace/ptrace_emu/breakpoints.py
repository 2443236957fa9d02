"""Breakpoint instructions of several debuggers in the memory of one process.

Rules of this file:

1. A byte that a tracer turns into an int3, in memory that is executed, is that tracer's breakpoint.  One
   int3 in memory serves all its owners, and stays until the last of them has put the old byte back.
2. Each tracer reads memory as if alone: its own breakpoints are int3, those of others are not there.
3. A debugger that steps a copy of the instruction under its breakpoint, elsewhere, would carry the thread
   past the breakpoints of others.  Where there are others it may not write that copy, at the program's
   entry point; gdb then steps in place, as it does where memory cannot be written.
4. A thread that ran into an int3 which was taken away before the hit could be told of goes back and
   executes what is there now.

Reference: D12; ptrace(2); Intel SDM volume 3, "Breakpoint Exception (#BP)".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from utrace.errors import BadAddress, UtraceError
from utrace.kernel import procfs

if TYPE_CHECKING:
    from utrace.tracer.task import Task

INT3: Final = 0xCC
_AT_ENTRY: Final = 9
_ROOM_FOR_COPIES: Final = 64


@dataclass(slots=True)
class Breakpoint:
    """One int3 in memory.

    Attributes:
        covered: the byte that it took the place of.
        owners: the pids of the tracers that inserted it.
    """

    covered: int
    owners: set[int]


@dataclass(slots=True)
class _Memory:
    """What is known of one process: its breakpoints, and where there ever was one, by address."""

    inserted: dict[int, Breakpoint] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    copies: dict[int, int] = field(default_factory=dict)
    """Who has a copy of an instruction to step, by address."""


class Breakpoints:
    """The breakpoints of all tracers of a session, by the pid of the process they are in."""

    def __init__(self) -> None:
        self._memories: dict[int, _Memory] = {}

    def owners(self, pid: int, address: int) -> frozenset[int]:
        """Give the pids of the tracers that have a breakpoint at an address."""
        memory = self._memories.get(pid)
        found = None if memory is None else memory.inserted.get(address)
        return frozenset() if found is None else frozenset(found.owners)

    def was_at(self, pid: int, address: int) -> bool:
        """Tell whether there was a breakpoint at an address, but is none now."""
        memory = self._memories.get(pid)
        return memory is not None and address in memory.seen and address not in memory.inserted

    def read(self, tracee: Task, tracer_pid: int, address: int, length: int) -> bytes:
        """Read memory as a tracer sees it; fewer bytes, down to none, where it ends."""
        data = bytearray(tracee.memory.read(address, length))
        memory = self._memories.get(tracee.pid)
        for at, found in () if memory is None else memory.inserted.items():
            if address <= at < address + len(data) and data[at - address] == INT3:
                data[at - address] = INT3 if tracer_pid in found.owners else found.covered
        return bytes(data)

    def write(self, tracee: Task, tracer_pid: int, address: int, data: bytes, *, alone: bool) -> None:
        """Write memory as a tracer sees it; `alone`: no other debugger traces the process.

        Raises:
            BadAddress: part of it is not mapped, or the others would miss breakpoints; nothing is written.
        """
        memory = self._memories.setdefault(tracee.pid, _Memory())
        if _is_copy(tracee, address, len(data)):
            if memory.copies.get(address) == tracer_pid:
                del memory.copies[address]
            elif alone:
                memory.copies[address] = tracer_pid
            else:
                raise BadAddress(f"another debugger of process {tracee.pid} would miss its breakpoints")
        now = tracee.memory.read_exact(address, len(data))
        executed = INT3 in data and procfs.is_executable(tracee.tid, address)
        written = bytearray(data)
        for offset, byte in enumerate(data):
            at = address + offset
            found = memory.inserted.get(at)
            if byte == INT3 and found is not None:
                found.owners.add(tracer_pid)
            elif byte == INT3 and executed and now[offset] != INT3:
                memory.inserted[at] = Breakpoint(now[offset], {tracer_pid})
                memory.seen.add(at)
            elif found is not None:
                found.covered = byte
                found.owners.discard(tracer_pid)
                if found.owners:
                    written[offset] = INT3
                else:
                    del memory.inserted[at]
        tracee.memory.write(address, bytes(written))

    def leave(self, tracee: Task, tracer_pid: int) -> None:
        """Take away the breakpoints of a tracer that is gone; the process may be gone, too."""
        memory = self._memories.get(tracee.pid)
        if memory is None:
            return
        for at, found in list(memory.inserted.items()):
            found.owners.discard(tracer_pid)
            if not found.owners:
                del memory.inserted[at]
                if tracee.memory.read(at, 1) == bytes((INT3,)):
                    try:
                        tracee.memory.write(at, bytes((found.covered,)))
                    except UtraceError:
                        return

    def inherit(self, parent_pid: int, child_pid: int, tracer_pid: int) -> None:
        """Note that a child begins with a copy of a tracer's breakpoints in its memory."""
        memory = self._memories.get(parent_pid)
        if memory is None or parent_pid == child_pid:
            return
        copy = self._memories.setdefault(child_pid, _Memory())
        for at, found in memory.inserted.items():
            if tracer_pid in found.owners:
                copy.seen.add(at)
                copy.inserted.setdefault(at, Breakpoint(found.covered, set())).owners.add(tracer_pid)

    def forget(self, pid: int) -> None:
        """Forget a process whose memory is gone: it has executed another program, or ended."""
        self._memories.pop(pid, None)


def _is_copy(tracee: Task, address: int, length: int) -> bool:
    """Tell whether a write is that of a copy to step, or takes one away again."""
    entry = procfs.auxiliary(tracee.pid).get(_AT_ENTRY, 0)
    return length > 1 and entry <= address < entry + _ROOM_FOR_COPIES
