"""Run a program under the native loop alone: python -m benches.under_native PROGRAM [ARG...].

Every stop makes its trip up to Python as a fact and down as a request, and nothing decides about it: what
is left of a stop's cost without the reporting passes.  On standard error comes how many entries there were.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from utrace.kernel.api import FactKind, ResumeRequest, Spawn
from utrace.kernel.linux import LinuxKernel

ENTRY: Final = int(FactKind.SYSCALL_ENTRY)
EXIT: Final = int(FactKind.SYSCALL_EXIT)
SYSCALL: Final = int(ResumeRequest.SYSCALL)


def run(program: list[str]) -> tuple[int, int]:
    """Run it; give its wait status and the number of entries."""
    kernel = LinuxKernel()
    first = kernel.spawn(
        Spawn(
            path=os.fsencode(Path(program[0]).resolve()),
            argv=[os.fsencode(word) for word in program],
            env=[os.fsencode(f"{name}={value}") for name, value in os.environ.items()],
        ),
        exit_kill=True,
    )
    next_fact = kernel.next_fact
    tid, signo, entries, status = int(first), 0, 0, -1
    while True:
        tid, kind, value, _ = next_fact(tid, SYSCALL, signo)
        signo = 0
        if kind == ENTRY:
            entries += 1
        elif kind == EXIT:
            pass
        elif kind == FactKind.SIGNAL:
            signo = value
        elif kind == FactKind.DEATH:
            if tid == first:
                status = value
            tid = 0
        elif kind == FactKind.NO_TRACEES:
            kernel.close()
            return status, entries


def main() -> int:
    status, entries = run(sys.argv[1:])
    print(entries, file=sys.stderr)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    raise SystemExit(main())
