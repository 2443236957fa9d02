"""Attach to a running process: python -m benches.attaching PID.

Prints how long `import utrace` took, and `Session.attach`, in ns.
"""

from __future__ import annotations

import sys
import time


def main() -> int:
    pid = int(sys.argv[1])
    start = time.perf_counter_ns()
    import utrace  # noqa: PLC0415 — the import is what is measured

    imported = time.perf_counter_ns()

    class Quiet(utrace.EngineOps):
        events = utrace.Event.SYSCALL

        def report_syscall_entry(self, task: utrace.Task, call: utrace.Syscall) -> None:
            """Nothing: being asked is what counts."""

        def report_syscall_exit(self, task: utrace.Task, call: utrace.Syscall) -> None:
            """Nothing."""

    with utrace.Session() as session:
        session.attach(pid, [Quiet()])
        attached = time.perf_counter_ns()
    print(imported - start, attached - imported)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
