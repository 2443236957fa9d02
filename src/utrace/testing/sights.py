"""What is seen and changed of a stopped task, said so that two kernels can be compared.

Addresses and tids differ from run to run; whether a task has moved, and where it stands, does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.errors import Misuse
from utrace.testing.guest import SYSCALL_NUMBERS

if TYPE_CHECKING:
    from utrace.testing.scripted import Deed
    from utrace.tracer.task import Task

SIGHTS: Final = frozenset({"look", "at_handler", "change_call", "is_leader"})
"""Verbs of deeds that are done here."""


class Sights:
    """The sights of one run."""

    def __init__(self) -> None:
        self._stood: dict[str, int] = {}

    def perform(self, deed: Deed, label: str, task: Task) -> str:
        """Do one deed to a task; its outcome is one word.

        Raises:
            TaskGone: the task is not stopped.
            Misuse: no such deed.
        """
        match deed.verb:
            case "look":
                pc = task.regs.pc
                before = self._stood.get(label)
                self._stood[label] = pc
                return "seen" if before is None else "still" if before == pc else "moved"
            case "at_handler":
                # The System V ABI: the first argument, in a function that has not run yet.
                registers = task.regs.as_dict()
                return str(registers["rdi"] == deed.signo and registers["rax"] == 0)
            case "change_call":
                return str(task.change_syscall(SYSCALL_NUMBERS[deed.call], None))
            case "is_leader":
                return str(task.tid == task.pid)
            case _:
                message = f"no deed is called {deed.verb}"
                raise Misuse(message)
