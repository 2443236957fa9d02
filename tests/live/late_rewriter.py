"""An engine that, once a program calls getuid, makes its getpid a getppid from then on.

The second engine is attached after any tracer, and so is called before it at each entry.  It holds the
task and changes the call from another thread, as a debugger's user would.
"""

import threading

import utrace
from utrace import Answer, Event, ResumeAction, Syscall, Task

GETPPID = 110


class Rewrite(utrace.EngineOps):
    """Stops at getpid; lets go with a report when the call has been changed."""

    events = Event.SYSCALL_ENTRY | Event.QUIESCE
    syscalls = frozenset({"getpid"})

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Hand the task to another thread; stay out of the repeated report."""
        if call.resumed:
            return None
        threading.Thread(target=self.change, args=(task, call)).start()
        return ResumeAction.STOP

    def change(self, task: Task, call: Syscall) -> None:
        """Change the call of the task that stands still."""
        engine = task.engine(self)
        with engine.examining(timeout_s=20):
            call.nr = GETPPID
        engine.control(ResumeAction.REPORT)


class Late(utrace.EngineOps):
    """Attaches the other engine at the first getuid."""

    events = Event.SYSCALL_ENTRY
    syscalls = frozenset({"getuid"})

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Attach once, to the program, not to its tracer."""
        if call.name == "getuid" and task.name.startswith("who"):
            task.attach(Rewrite())
        return None
