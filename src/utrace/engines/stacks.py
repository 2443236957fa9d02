"""Stacks of traced threads: unwound where the thread stands still, named when somebody looks.

    log = SyscallLog("calls.txt", style=LineStyle(stacks=True), stack_of=Stacks().of)

Rules of this file:

1. Noting a stack reads the thread's registers and stack and /proc/PID/maps, and files once; frames are kept
   as addresses in files, so that names can be found out later, or never.
2. A stack that cannot be unwound further ends there.

Programs of 32 bits under a kernel of 64 have none here.

Reference: strace(1) "-k"; the frames of strace 6.1 for the form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.errors import TaskGone
from utrace.kernel.stacks import LinuxStacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from utrace.arch import Registers
    from utrace.tracer.task import Task

_FRAMES_MAX: Final = 256

#: A frame: the file, the address in it, and whether it is that of a caller.
_Frame = tuple[str, int, bool]


class NotedStack:
    """A stack as it was when it was noted.

    Attributes:
        frames: the file ("" for none), the address in it (or in memory), and whether a call stands before
            it, the innermost first.
    """

    __slots__ = ("_write", "frames")

    def __init__(self, frames: list[_Frame], write: Callable[[_Frame], str]) -> None:
        self.frames = frames
        self._write = write

    def lines(self) -> Iterator[str]:
        """Write each frame: `/lib/libc.so.6(read+0x14) [0xf8a64]`, perhaps with file and line."""
        return map(self._write, self.frames)


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
        self._written: dict[_Frame, str] = {}

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
        return NotedStack(frames, self._write)

    def _write(self, frame: _Frame) -> str:
        known = self._written.get(frame)
        if known is None:
            known = self._written[frame] = self._describe(frame)
        return known

    def _describe(self, frame: _Frame) -> str:
        path, address, is_caller = frame
        if not path:
            return f"() [{address:#x}]"
        function, offset, source, line = self._native.place(path, address, is_caller, self._sources)
        name = "" if function is None else f"{function}+{offset:#x}"
        text = f"{path}({name}) [{address:#x}]"
        return f"{text} {source}:{line}" if source is not None else text


def _unwind_registers(registers: Registers) -> tuple[int, int, int, int] | None:
    """Give program counter, stack pointer, frame pointer and link register; None for 32 bits."""
    values = registers.as_dict()
    frame_pointer = values.get("rbp", values.get("x29"))
    return (
        None if frame_pointer is None else (registers.pc, registers.sp, frame_pointer, values.get("x30", 0))
    )
