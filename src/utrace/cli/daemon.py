"""The tracer as a grandchild of the program (-D): whoever started it has the program as its direct child.

The process that was started becomes the program.  Before, it makes a child that makes the tracer and ends, so
that the tracer belongs to nobody; it waits to be traced, and then executes the program.

Reference: strace(1) "-D"; PR_SET_PTRACER in prctl(2), for Yama.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.cli.console import complain
from utrace.cli.options.settings import Daemon
from utrace.core.events import Event
from utrace.core.verdicts import ResumeAction
from utrace.tracer.engine import syscall_numbers
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from utrace.core.verdicts import Answer
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

_PR_SET_PTRACER: Final = 0x59616D61
_PID_BYTES: Final = 8
_NOT_EXECUTABLE: Final = 126


class Program(NamedTuple):
    """What is to be executed, as execve(2) wants it."""

    path: bytes
    argv: Sequence[str]
    environment: Mapping[str, str]
    user: str | None


class Waiting(NamedTuple):
    """A process that waits to be traced.

    Attributes:
        pid: which one.
        go: lets it execute its program.
    """

    pid: int
    go: Callable[[], None]


class BeginAtExecve(EngineOps):
    """Attaches engines to a task where it executes its program, and tells the last of them of this call.

    An engine that is attached during a report hears from the next one on.
    """

    events = Event.SYSCALL_ENTRY
    syscalls = frozenset({"execve"})
    follow = False

    def __init__(self, engines: Sequence[EngineOps]) -> None:
        self._engines = engines

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Attach them."""
        for ops in self._engines:
            task.attach(ops)
        log = self._engines[-1]
        wanted = syscall_numbers(log.syscalls)
        if wanted is None or call.nr in wanted.get(call.arch, ()):
            log.report_syscall_entry(task, call)
        return ResumeAction.DETACH


def hand_over(daemon: Daemon, program: Program) -> Waiting:
    """Return in a new process, the tracer; this one becomes the program.

    Raises:
        OSError: no process could be made.
    """
    from_tracer, to_program = os.pipe()
    from_program, to_tracer = os.pipe()
    pid = os.getpid()
    child = os.fork()
    if child:
        os.close(to_program)
        _become(program, child, from_tracer, to_tracer)
    if os.fork():
        os._exit(0)
    os.close(from_tracer)
    os.close(to_tracer)
    if daemon is Daemon.SESSION:
        os.setsid()
    elif daemon is Daemon.GROUP:
        os.setpgid(0, 0)
    os.write(to_program, os.getpid().to_bytes(_PID_BYTES, "little"))
    # It answers when our parent, its child, is gone: from then on it is no ancestor of ours.
    os.read(from_program, 1)
    os.close(from_program)

    def go() -> None:
        os.write(to_program, b"\0")
        os.close(to_program)

    return Waiting(pid, go)


def _become(program: Program, child: int, from_tracer: int, to_tracer: int) -> None:
    """Wait to be traced, and execute the program; it does not return."""
    os.waitpid(child, 0)  # noqa: TID251 — there is no session in this process, and will be none
    tracer = int.from_bytes(os.read(from_tracer, _PID_BYTES), "little")
    _allow_tracer(tracer)
    os.write(to_tracer, b"\0")
    if not os.read(from_tracer, 1):
        # The tracer has said why it gave up.
        os._exit(1)
    for signo in (signal.SIGPIPE, signal.SIGXFSZ):
        # Python ignores these for its own sake.
        signal.signal(signo, signal.SIG_DFL)
    try:
        if program.user is not None:
            become_user(program.user)
        os.execve(program.path, list(program.argv), program.environment)  # noqa: S606 — it is what was asked for
    except OSError as error:
        complain(f"utrace: {program.argv[0]}: {error.strerror}")
        os._exit(_NOT_EXECUTABLE)


def become_user(name: str) -> None:
    """Give up all rights but a user's, for good.

    Raises:
        OSError: we have no right to.
    """
    import pwd  # noqa: PLC0415 — only with -u

    entry = pwd.getpwnam(name)
    os.initgroups(name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _allow_tracer(pid: int) -> None:
    """Let a process that is no ancestor trace this one, where Yama is asked; elsewhere it does nothing."""
    import ctypes  # noqa: PLC0415 — only with -D

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PTRACER, pid, 0, 0, 0)
