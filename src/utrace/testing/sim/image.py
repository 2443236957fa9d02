"""Programs made ready to run: each step has an address, each string of a call lies in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.testing import guest
from utrace.testing.sim.memory import PAGE_BYTES, Memory

if TYPE_CHECKING:
    from utrace.testing.guest import Step, Steps

TEXT: Final = 0x40_0000
DATA: Final = 0x60_0000
ENTRY: Final = 0x3F_F000
"""Where the program counter stands at the exec event, as in the dynamic linker."""
SIGRETURN: Final = 0x3F_E000
"""The signal trampoline."""
END: Final = 0x3F_D000
"""The call that ends a program or a thread."""
STEP_BYTES: Final = 0x100
HANDLER: Final = 0x80
"""Where a handler begins, from the address of the step that installs it."""


@dataclass(slots=True)
class Code:
    """One step with its address and those of its arguments."""

    step: Step
    address: int
    number: int
    """System call number, if it is a plain call."""
    args: tuple[int, ...]
    body: list[Code]


class Image:
    """An executable."""

    def __init__(self, steps: Steps) -> None:
        self._text = TEXT
        self._data = bytearray()
        self.code = self._load(steps)
        self._pages = Memory()
        self._pages.map(DATA, len(self._data) + PAGE_BYTES)
        self._pages.write(DATA, bytes(self._data))

    def memory(self) -> Memory:
        """Give the memory of a process that has just executed it."""
        return self._pages.copy()

    def _load(self, steps: Steps) -> list[Code]:
        loaded: list[Code] = []
        for step in steps:
            address = self._text
            self._text += STEP_BYTES
            number = guest.syscall_number(step.name) if isinstance(step, guest.Syscall) else -1
            args = tuple(self._place(arg) for arg in _arguments(step))
            loaded.append(Code(step, address, number, args, self._load(getattr(step, "body", ()))))
        return loaded

    def _place(self, argument: int | bytes) -> int:
        if isinstance(argument, int):
            return argument
        address = DATA + len(self._data)
        self._data += argument + b"\0"
        return address


def _arguments(step: Step) -> tuple[int | bytes, ...]:
    match step:
        case guest.Syscall(_, args):
            return args
        case guest.Exec(program):
            return (program.encode(),)
        case _:
            return ()
