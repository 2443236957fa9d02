"""Give a program another file than the one it asks for, by editing the arguments of its system calls.

    python examples/edit_arguments.py WANTED GIVEN PROGRAM [ARG...]

Without arguments it shows itself: `cat /etc/hostname` gets /dev/null.
"""

import os
import sys

import utrace
from utrace import Event

RED_ZONE_BYTES = 128
"""Memory below the stack pointer that the program may still use (x86-64 ABI)."""


class Redirect(utrace.EngineOps):
    """Opens of one file become opens of another."""

    events = Event.SYSCALL_ENTRY
    syscalls = frozenset({"open", "openat"})

    def __init__(self, wanted: str, given: str) -> None:
        self.wanted = wanted
        self.given = given

    def report_syscall_entry(self, task: utrace.Task, call: utrace.Syscall) -> utrace.Answer:
        """Put the other name below the program's stack, and point the call at it."""
        if call.path == self.wanted:
            name = os.fsencode(self.given) + b"\0"
            address = call.sp - RED_ZONE_BYTES - len(name)
            task.memory.write(address, name)
            # open(path, ...) but openat(directory, path, ...).
            place = 1 if call.name == "openat" else 0
            call.raw = (*call.raw[:place], address, *call.raw[place + 1 :])
            print(f"{task.name} gets {self.given} instead of {self.wanted}", file=sys.stderr)
        return None


def main(words: list[str]) -> int:
    """Run a program so; give its exit status."""
    wanted, given, *command = words or ["/etc/hostname", "/dev/null", "cat", "/etc/hostname"]
    with utrace.Session() as session:
        try:
            session.spawn(command, engines=[Redirect(wanted, given)])
        except utrace.errors.ProgramNotStarted as error:
            print(f"edit_arguments: {error}", file=sys.stderr)
            return error.status
        return session.run()


if __name__ == "__main__":
    if len(sys.argv) in {2, 3}:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
