"""What breakpoints and watchpoints leave behind that are there no more.

Reference: signal(7); Linux 6.18 arch/x86/kernel/traps.c:exc_int3(), exc_debug_user().
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import Event
from utrace.core.verdicts import Answer, SignalAction, Verdict
from utrace.engines.ptrace_stops import SI_KERNEL, SIGTRAP, TRAP_HWBKPT, code_of
from utrace.ptrace_emu.breakpoints import INT3
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from utrace.ptrace_emu.breakpoints import Breakpoints
    from utrace.ptrace_emu.debug_registers import DebugRegisters
    from utrace.tracer.signal import SignalReport
    from utrace.tracer.task import Task


def is_gone(breakpoints: Breakpoints, task: Task) -> bool:
    """Tell whether the breakpoint that a thread ran into is there no more.

    The thread is then put before the instruction that is there now, unless that was done.

    Raises:
        TaskGone: it is not stopped, or was killed.
    """
    registers = task.regs
    at = registers.pc - 1
    there = task.memory.read(at - 1, 2)
    if there.endswith(_INT3) or there == _INT_3:
        return False
    if breakpoints.was_at(task.pid, at):
        registers.pc = at
        task.regs = registers
    return True


_INT3: Final = bytes((INT3,))
_INT_3: Final = b"\xcd\x03"
"""The same with the general instruction, INT."""


class Leftovers(EngineOps):
    """Keeps a program alive whose debugger is gone without clearing up."""

    events = Event.SIGNAL_CORE
    follow = False

    def __init__(self, breakpoints: Breakpoints, registers: DebugRegisters | None) -> None:
        self._breakpoints = breakpoints
        self._registers = registers

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        """Drop the trap of what no tracer has any more."""
        if signal.is_report or signal.signo != SIGTRAP:
            return None
        code = code_of(signal.siginfo)
        if code == SI_KERNEL and is_gone(self._breakpoints, task):
            return Verdict(signal=SignalAction.IGN)
        if code == TRAP_HWBKPT and self._registers is not None and not self._registers.owners():
            self._registers.settle()
            return Verdict(signal=SignalAction.IGN)
        return None
