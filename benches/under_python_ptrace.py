"""Run a program under python-ptrace: python -m benches.under_python_ptrace PROGRAM [ARG...].

The least its users write to know which call they are at: `syscall()`, `waitSyscall()` and the registers.  On
standard error comes how many syscall-stops there were.
"""

from __future__ import annotations

import importlib
import sys

# By name: the library has no types, and is installed for the bench alone.
debugger_module = importlib.import_module("ptrace.debugger")
child_module = importlib.import_module("ptrace.debugger.child")


def main() -> int:
    debugger = debugger_module.PtraceDebugger()
    pid = child_module.createChild(sys.argv[1:], no_stdout=False)
    process = debugger.addProcess(pid, is_attached=True)
    stops = 0
    while True:
        process.syscall()
        try:
            process.waitSyscall()
        except debugger_module.ProcessExit as end:
            print(stops, file=sys.stderr)
            return int(end.exitcode or 0)
        registers = process.getregs()
        if registers.orig_rax >= 0:
            stops += 1


if __name__ == "__main__":
    raise SystemExit(main())
