"""Whose a SIGTRAP is that a breakpoint, a watchpoint or a step has made, where several trace one task.

Rule of this file: each tracer is told what it would be told as the only one.

Reference: D12; Linux 6.18 arch/x86/kernel/traps.c:exc_int3(), exc_debug_user().
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.engines.ptrace_stops import SI_KERNEL, TRAP_BRKPT, TRAP_HWBKPT, TRAP_TRACE, Trap, code_of
from utrace.ptrace_emu.leftovers import is_gone

if TYPE_CHECKING:
    from utrace.engines.ptrace import PtraceEngine
    from utrace.ptrace_emu.registry import Registry


class Traps:
    """Judges the traps of a session's tracees."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._judged: tuple[object, list[PtraceEngine]] = (None, [])
        """The last trap, and whom it concerns."""

    def whose(self, link: PtraceEngine, siginfo: bytes) -> Trap:
        """Tell whether a tracer is to be told of a SIGTRAP."""
        code = code_of(siginfo)
        if code == SI_KERNEL and is_gone(self._registry.breakpoints, link.tracee):
            return Trap.NOBODYS
        occurrence = link.engine.task.occurrence
        if self._judged[0] is not occurrence:
            # Once for all of its tracers: whoever is told first has ended its step by that.
            self._judged = (occurrence, self._concerned(link, code))
        concerned = self._judged[1]
        if concerned and link not in concerned:
            return Trap.OF_OTHERS
        in_a_step = bool(concerned) and code == TRAP_TRACE
        return Trap.MY_WATCHPOINT if in_a_step and not link.is_stepping else Trap.MINE

    def _concerned(self, link: PtraceEngine, code: int) -> list[PtraceEngine]:
        registry, tracee = self._registry, link.tracee
        links = registry.tracers_of(tracee)
        if code == SI_KERNEL:
            owners = registry.breakpoints.owners(tracee.pid, tracee.regs.pc - 1)
            # One after the other: each steps over it in turn, and the next runs into it then.
            return [other for other in links if other.tracer_pid in owners][:1]
        if code not in {TRAP_BRKPT, TRAP_TRACE, TRAP_HWBKPT}:
            return []
        # After a system call (TRAP_BRKPT) DR6 is still that of an earlier trap.
        watching = registry.debug_registers(link).owners() if code != TRAP_BRKPT else frozenset[int]()
        return [other for other in links if other.is_stepping or other.tracer_pid in watching]
