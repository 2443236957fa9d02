"""Run a program under utrace: python -m benches.under_utrace [OPTION]... PROGRAM [ARG...].

Every engine has a Python callback at entry and at exit and counts there.  On standard error comes how many
entries each has seen.
"""

from __future__ import annotations

import argparse
import sys

import utrace
from utrace import Event


class Count(utrace.EngineOps):
    events = Event.SYSCALL

    def __init__(self, only: str | None) -> None:
        self.syscalls = None if only is None else {only}
        self.entries = 0
        self.exits = 0

    def report_syscall_entry(self, task: utrace.Task, call: utrace.Syscall) -> None:
        self.entries += 1

    def report_syscall_exit(self, task: utrace.Task, call: utrace.Syscall) -> None:
        self.exits += 1


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engines", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--seccomp", action="store_true")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    engines = [Count(arguments.only) for _ in range(arguments.engines)]
    with utrace.Session(on_engine_fault="kill_session") as session:
        session.spawn(arguments.program, engines, seccomp=arguments.seccomp)
        status = session.run()
    print(min(min(engine.entries, engine.exits) for engine in engines), file=sys.stderr)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
