"""The handle of one task: a thread of a traced program."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from utrace.arch import Registers, of_regset, syscall_abi
from utrace.core.task_life import TaskLife
from utrace.errors import Misuse, TaskGone
from utrace.kernel import procfs
from utrace.kernel.api import FactKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.core.task_life import TaskId
    from utrace.core.verdicts import ResumeAction
    from utrace.tracer.engine import Engine
    from utrace.tracer.loop import LiveTracee, Loop
    from utrace.tracer.memory import Memory
    from utrace.tracer.ops import EngineOps
    from utrace.tracer.syscall import Syscall


_SIGINFO_BYTES = 128


class Task:
    """One thread.  The handle stays valid, and unequal to any other, after the task is gone.

    Attributes:
        memory: the task's memory; readable from any thread while the task lives.
    """

    __slots__ = ("_loop", "_tracee", "call", "memory")

    def __init__(self, loop: Loop, tracee: LiveTracee, memory: Memory) -> None:
        self._loop = loop
        self._tracee = tracee
        self.memory = memory
        self.call: Syscall | None = None

    def __repr__(self) -> str:
        return f"<Task {self.tid} of process {self.pid} {self._tracee.task.life.name}>"

    @property
    def id(self) -> TaskId:
        """Tid and generation: who it is, also after the tid was given to another task."""
        return self._tracee.task.id

    @property
    def tid(self) -> int:
        """The thread id.  It becomes the process id when a thread other than the leader execs."""
        return self._tracee.tid

    @property
    def pid(self) -> int:
        """The id of the process (thread group)."""
        return self._tracee.process.tgid

    @property
    def is_alive(self) -> bool:
        """Whether its death has not been reported."""
        return not self._tracee.task.is_dead()

    @property
    def is_launching(self) -> bool:
        """Whether it was launched by this session and has not executed its program yet."""
        return self.tid in self._loop.launching

    @property
    def is_held(self) -> bool:
        """Whether it stands still because some engine wants it so."""
        return self._tracee.task.held

    @property
    def is_exiting(self) -> bool:
        """Whether user mode is behind it."""
        return self._tracee.task.life is not TaskLife.ALIVE

    @property
    def wait_status(self) -> int | None:
        """The wait status it is about to have, or has; None before report_exit.

        At report_exit it is the thread's own; from report_death on it is what was waited for: the whole
        group's where another thread ended the group.
        """
        return self._tracee.exit_status

    @property
    def usage(self) -> bytes | None:
        """The raw struct rusage that the wait for its end gave, with its group's and its children's.

        None before report_death, and where the kernel skipped PTRACE_EVENT_EXIT.
        """
        return self._tracee.usage

    @property
    def synthetic(self) -> bool:
        """Whether the report in progress is late, or for one the kernel skipped: there is no live state."""
        return self._tracee.task.synthetic

    @property
    def resumed(self) -> bool:
        """Whether the syscall-entry report in progress is a repeated one (INV-14)."""
        return self._tracee.task.resumed

    @property
    def action(self) -> ResumeAction:
        """Inside a callback: what the task would do without this engine."""
        return self._tracee.task.action

    @property
    def syscall(self) -> Syscall | None:
        """The system call the task is in, as far as one was reported."""
        return self.call

    @property
    def name(self) -> str:
        """The thread's name (comm), "?" if it is gone; in a late report of EXEC as it was then."""
        told = self._tracee.told
        if told is not None and isinstance(told.detail, bytes) and told.kind == FactKind.EXEC:
            return os.fsdecode(told.detail)
        return procfs.comm(self.tid) or "?"

    @property
    def time_ns(self) -> int:
        """CLOCK_REALTIME: now, or in a late report when that happened which it is about."""
        told = self._tracee.told
        return time.time_ns() if told is None else told.time_ns

    @property
    def regs(self) -> Registers:
        """The general registers: a copy.  Assign it back to change them.

        Raises:
            TaskGone: the task is not stopped, or was killed in its stop.
        """
        data = self._loop.in_tracer(lambda: self._loop.kernel.get_regs(self._tracee.tid))
        if data is None:
            message = f"task {self.tid} is gone, or not stopped"
            raise TaskGone(message)
        return of_regset(len(data)).registers(data)

    @regs.setter
    def regs(self, registers: Registers) -> None:
        if not self._loop.in_tracer(
            lambda: self._loop.kernel.set_regs(self._tracee.tid, registers.to_bytes())
        ):
            message = f"task {self.tid} is gone, or not stopped"
            raise TaskGone(message)

    def change_syscall(self, nr: int, args: Sequence[int] | None) -> bool:
        """Put a number and arguments in place of the call being entered; `Syscall` does this."""
        return self._loop.in_tracer(lambda: self._loop.kernel.set_syscall(self.tid, nr, args))

    def change_result(self, value: int) -> bool:
        """Put a result in place of that of the call that ended; `Syscall` does this."""
        return self._loop.in_tracer(lambda: self._loop.kernel.set_result(self.tid, value))

    @property
    def more_to_come(self) -> bool:
        """Whether the call being entered shows one more stop, a seccomp stop, before it is made."""
        return self._tracee.more_to_come

    def send_signal(self, siginfo: bytes) -> None:
        """Send this thread a signal with any siginfo at all, as only the kernel may.

        It is found pending where it is blocked, and reported like any other.  A dead task gets none.

        Args:
            siginfo: the raw siginfo_t, 128 bytes; its first word is the signal's number.

        Raises:
            Misuse: it has another length.
        """
        if len(siginfo) != _SIGINFO_BYTES:
            message = f"a siginfo_t has {_SIGINFO_BYTES} bytes, not {len(siginfo)}"
            raise Misuse(message)
        self._loop.send_signal(self._tracee, siginfo)

    def read_call(self, audit: int | None = None) -> tuple[int, int, tuple[int, ...]] | None:
        """Read audit arch, number and arguments of the system call the stopped task is in.

        None if it was killed.  The arch, if not given, is that of the program: where a 64-bit program made
        a 32-bit call only a syscall-stop tells.
        """
        data = self._loop.in_tracer(lambda: self._loop.kernel.get_regs(self.tid))
        if data is None:
            return None
        arch = of_regset(len(data))
        registers = arch.registers(data)
        abi = syscall_abi(arch.audit if audit is None else audit, type(registers))
        return arch.audit, abi.nr(registers), abi.args(registers)

    @property
    def group(self) -> list[Task]:
        """The traced threads of its process, itself included."""
        return self._loop.group_of(self._tracee)

    @property
    def engines(self) -> list[EngineOps]:
        """Who is attached, in attach order."""
        return [engine.client for engine in self._loop.engines_on(self._tracee)]

    def attach(
        self,
        ops: EngineOps,
        *,
        exclusive: bool | Callable[[EngineOps], bool] = False,
        stopped: bool = False,
    ) -> Engine:
        """Attach an engine to this task alone; it is called from the next report on.

        Args:
            ops: the engine's callbacks and interest.
            exclusive: True refuses if any engine is there; a predicate, if one matches.
            stopped: ask for STOP at once.

        Raises:
            EngineExists: `exclusive` found one.
            TaskGone: the task was reaped, or is no longer traced.
            Misuse: no callback for an event asked for, or an unknown system call.
        """
        return self._loop.attach(self._tracee, ops, exclusive=exclusive, stopped=stopped)

    def engine(self, ops: EngineOps) -> Engine:
        """Find the engine of `ops` on this task.

        Raises:
            NoSuchEngine: it has none here.
        """
        return self._loop.find_engine(self._tracee, ops)
