"""utrace for user space: any number of tracing engines on one process, on a stock Linux kernel.

An engine is a subclass of `EngineOps`; a `Session` launches or attaches to programs with engines:

    import errno, utrace
    from utrace import Event

    class KeepEtc(utrace.EngineOps):
        events = Event.SYSCALL_ENTRY
        syscalls = {"unlink", "unlinkat", "rmdir"}

        def report_syscall_entry(self, task, call):
            if call.path.startswith("/etc/"):
                return utrace.abort(errno.EPERM)

    with utrace.Session() as session:
        session.spawn(["make", "clean"], engines=[KeepEtc()])
        raise SystemExit(session.run())
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from utrace import errors
from utrace.core.events import Event
from utrace.core.examine import Examiner
from utrace.core.task_life import TaskId
from utrace.core.verdicts import (
    Answer,
    Outcome,
    ResumeAction,
    SignalAction,
    SyscallAction,
    Verdict,
    abort,
    skip,
)
from utrace.errors import UtraceError
from utrace.tracehook.group_stop import JobControl
from utrace.tracer.engine import Engine
from utrace.tracer.memory import Memory
from utrace.tracer.ops import EngineOps
from utrace.tracer.session import Session
from utrace.tracer.signal import SignalReport
from utrace.tracer.syscall import Syscall
from utrace.tracer.task import Task

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "Answer",
    "Engine",
    "EngineOps",
    "Event",
    "Examiner",
    "JobControl",
    "Memory",
    "Outcome",
    "ResumeAction",
    "Session",
    "SignalAction",
    "SignalReport",
    "Syscall",
    "SyscallAction",
    "Task",
    "TaskId",
    "UtraceError",
    "Verdict",
    "abort",
    "errors",
    "skip",
]


def __getattr__(name: str) -> ModuleType:
    """Import `utrace.engines` when it is first asked for: who has engines of his own starts faster."""
    if name == "engines":
        return importlib.import_module("utrace.engines")
    message = f"module 'utrace' has no attribute {name!r}"
    raise AttributeError(message)
