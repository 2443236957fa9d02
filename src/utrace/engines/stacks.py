"""Stacks of traced threads: unwound where the thread stands still, named when somebody looks.

    log = SyscallLog("calls.txt", style=LineStyle(stacks=True), stacks=Stacks())

Rules of this file:

1. Noting a stack reads the thread's registers and stack and /proc/PID/maps, and files once; frames are kept
   as addresses in files, so that names can be found out later, or never.
2. A stack that cannot be unwound further ends there.

Programs of 32 bits under a kernel of 64 have none here.

Reference: strace(1) "-k"; the frames of strace 6.1 for the form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.engines.records import Place
from utrace.errors import TaskGone
from utrace.kernel.stacks import LinuxStacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from utrace.arch import Registers
    from utrace.tracer.task import Task

_FRAMES_MAX: Final = 256
#: Code that is made at run time has ever new addresses.
_PLACES_MAX: Final = 1 << 16
_NOWHERE: Final = (None, 0, None, 0)

#: A frame: the file, the address in it, and whether it is that of a caller.
_Frame = tuple[str, int, bool]


class NotedStack:
    """A stack as it was when it was noted.

    Attributes:
        frames: the file ("" for none), the address in it (or in memory), and whether a call stands before
            it, the innermost first.
    """

    __slots__ = ("_name", "frames")

    def __init__(self, frames: list[_Frame], name: Callable[[_Frame], Place]) -> None:
        self.frames = frames
        self._name = name

    def places(self) -> Iterator[Place]:
        """Name each frame."""
        return map(self._name, self.frames)


class Stacks:
    """Notes stacks, and keeps what it has read of files."""

    def __init__(self, *, frames_max: int = _FRAMES_MAX, sources: bool = False) -> None:
        """Make one.

        Args:
            frames_max: how many frames of a stack are noted.
            sources: write source file and line where the program says them.
        """
        self._native = LinuxStacks()
        self._frames_max = frames_max
        self._sources = sources
        self._places: dict[_Frame, Place] = {}

    def of(self, task: Task) -> NotedStack | None:
        """Note the stack of a task that stands in a stop; None if it is gone, or of 32 bits."""
        try:
            registers = task.regs
        except TaskGone:
            return None
        words = _unwind_registers(registers)
        if words is None:
            return None
        frames = self._native.frames(task.tid, task.pid, words, self._frames_max)
        return NotedStack(frames, self._place)

    def forget(self, pid: int) -> None:
        """Forget what is known of a process that is gone; frames that were noted keep their names."""
        self._native.forget(pid)

    def _place(self, frame: _Frame) -> Place:
        known = self._places.get(frame)
        if known is None:
            if len(self._places) >= _PLACES_MAX:
                self._places.clear()
            path, address, is_caller = frame
            found = self._native.place(path, address, is_caller, self._sources) if path else _NOWHERE
            known = self._places[frame] = Place(path, address, *found)
        return known


def _unwind_registers(registers: Registers) -> tuple[int, int, int, int] | None:
    """Give program counter, stack pointer, frame pointer and link register; None for 32 bits."""
    values = registers.as_dict()
    frame_pointer = values.get("rbp", values.get("x29"))
    return (
        None if frame_pointer is None else (registers.pc, registers.sp, frame_pointer, values.get("x30", 0))
    )
