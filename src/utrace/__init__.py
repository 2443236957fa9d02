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

from typing import TYPE_CHECKING

from utrace.lazy import importer

if TYPE_CHECKING:
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


if not TYPE_CHECKING:
    __getattr__ = importer(
        __name__,
        {
            "utrace.core.events": ["Event"],
            "utrace.core.examine": ["Examiner"],
            "utrace.core.task_life": ["TaskId"],
            "utrace.core.verdicts": [
                "Answer",
                "Outcome",
                "ResumeAction",
                "SignalAction",
                "SyscallAction",
                "Verdict",
                "abort",
                "skip",
            ],
            "utrace.engines": ["engines"],
            "utrace.errors": ["UtraceError", "errors"],
            "utrace.tracehook.group_stop": ["JobControl"],
            "utrace.tracer.engine": ["Engine"],
            "utrace.tracer.memory": ["Memory"],
            "utrace.tracer.ops": ["EngineOps"],
            "utrace.tracer.session": ["Session"],
            "utrace.tracer.signal": ["SignalReport"],
            "utrace.tracer.syscall": ["Syscall"],
            "utrace.tracer.task": ["Task"],
        },
    )
