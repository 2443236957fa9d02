"""The engine that stands between unmodified tracers and the kernel.

Rule of this file: it is attached before every other engine, so that it is called last at a call's
entry and first at its exit: it sees the call that will really be made, as the kernel would.

Reference: D12; ptrace(2), wait(2).
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.arch import of_regset, syscall_abi
from utrace.core.events import Event
from utrace.core.verdicts import Answer, skip
from utrace.ptrace_emu import requests, waiting
from utrace.ptrace_emu.registry import Registry, interrupter
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from utrace.ptrace_emu.waiting import Wait
    from utrace.tracer.engine import Engine
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

_PAUSE: Final = {0xC000003E: 34, 0x40000003: 29}
_ERESTARTSYS: Final = 512
_WORD_MASK: Final = (1 << 64) - 1
_INT_MASK: Final = (1 << 32) - 1


@dataclass(slots=True)
class Blocked:
    """A wait under way in the kernel.

    Attributes:
        nr: the number of the wait, where it was made into a pause.
    """

    wait: Wait
    nr: int | None


class Interposer(EngineOps):
    """Answers ptrace and wait calls of every program of the session."""

    events = Event.SYSCALL | Event.CLONE | Event.EXIT
    syscalls = frozenset({"ptrace", "wait4", "waitid", "?waitpid"})

    def __init__(self) -> None:
        self.registry = Registry()
        self._blocked: dict[int, Blocked] = {}

    # -- whose child, and whose end -------------------------------------------------------------------

    def report_clone(self, task: Task, child: Task, _clone_flags: int) -> Answer:
        """Note the parent, whom PTRACE_TRACEME names."""
        self.registry.parents[child.id.generation] = task
        return None

    def report_exit(self, task: Task, _code: int) -> Answer:
        """Let go of what a dying tracer traces."""
        self._blocked.pop(task.id.generation, None)
        self.registry.waits_no_more(task)
        if not any(other.pid == task.pid and other.id != task.id for other in self._alive(task)):
            self.registry.tracer_died(task.pid)
        return None

    def release(self, engine: Engine) -> None:
        """Forget the parent of a task that is gone."""
        self.registry.parents.pop(engine.task.id.generation, None)

    @staticmethod
    def _alive(task: Task) -> list[Task]:
        return [other for other in task.group if other.is_alive and not other.is_exiting]

    # -- calls ------------------------------------------------------------------------------------

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Answer a ptrace call; answer a wait, or let it block."""
        if call.name == "ptrace":
            return self._ptrace(task, call)
        return self._wait(task, call)

    def _ptrace(self, task: Task, call: Syscall) -> Answer:
        number, pid, addr, data = call.raw[:4]
        loop = task.engine(self).loop
        result = requests.answer(self.registry, loop, task, number & _WORD_MASK, pid & _INT_MASK, addr, data)
        return None if result is None else skip(result)

    def _wait(self, task: Task, call: Syscall) -> Answer:
        wait = waiting.parse(call, task)
        registry = self.registry
        found = waiting.find(registry, task.pid, wait)
        if found is not None:
            return skip(waiting.tell(registry, task, wait, found))
        if not waiting.has_tracees(registry, task.pid, wait):
            return None
        engine = task.engine(self)
        nr = None
        if wait.may_block:
            if not waiting.real_children(engine.loop, task):
                nr = call.nr
                call.nr = _PAUSE[call.arch]
            registry.wait(task, interrupter(engine))
        self._blocked[task.id.generation] = Blocked(wait, nr)
        return None

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        """Turn the end of a blocked wait into what the tracer is to see."""
        blocked = self._blocked.pop(task.id.generation, None)
        if blocked is None:
            return None
        registry, wait = self.registry, blocked.wait
        registry.waits_no_more(task)
        result = call.result or 0
        if blocked.nr is not None or result <= 0:
            found = waiting.find(registry, task.pid, wait)
            if found is not None:
                call.result = waiting.tell(registry, task, wait, found)
            elif not wait.may_block:
                if result == -errno.ECHILD:
                    call.result = 0
            elif blocked.nr is not None or result == -errno.ECHILD:
                self._restart(task, blocked.nr)
        return None

    def _restart(self, task: Task, nr: int | None) -> None:
        """Let a blocked wait that has nothing to tell be made again, unless a handler runs first."""
        registers = task.regs
        abi = syscall_abi(of_regset(registers.LENGTH).audit, type(registers))
        # The kernel restarts the call that this register names (arch_do_signal_or_restart()).
        if nr is not None:
            setattr(registers, abi.nr_register, nr)
        abi.set_result(registers, -_ERESTARTSYS)
        task.regs = registers
        # What woke it may be used up; the kernel only restarts a call on its way past a signal or a trap.
        task.engine(self).loop.kernel.interrupt(task.tid)
