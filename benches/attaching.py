"""Attach to a running process: python -m benches.attaching PID.

Prints how long the import of what an engine needs took, and `Session.attach`, in ns.
"""

from __future__ import annotations

import sys
import time


def main() -> int:
    pid = int(sys.argv[1])
    start = time.perf_counter_ns()
    from utrace import EngineOps, Event, Session, Syscall, Task  # noqa: PLC0415 — it is what is measured

    imported = time.perf_counter_ns()

    class Quiet(EngineOps):
        events = Event.SYSCALL

        def report_syscall_entry(self, task: Task, call: Syscall) -> None:
            """Nothing: being asked is what counts."""

        def report_syscall_exit(self, task: Task, call: Syscall) -> None:
            """Nothing."""

    with Session() as session:
        session.attach(pid, [Quiet()])
        attached = time.perf_counter_ns()
    print(imported - start, attached - imported)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
