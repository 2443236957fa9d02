"""Turns at stepping: two debuggers that each step one thread, and hold the other's, would wait for ever.

A debugger steps a thread over its breakpoint with all other threads stopped.  When another does the same
with another thread at that moment, each waits for a step that the other's stop forbids.  Then whoever asked
last gets the thread for that one step; to the others it stands in the same stop before and after.

Reference: D12; ptrace(2), PTRACE_SINGLESTEP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from utrace.engines.ptrace import PtraceEngine
    from utrace.engines.ptrace_link import PtraceLink
    from utrace.ptrace_emu.registry import Registry


def _holders(registry: Registry, link: PtraceEngine) -> list[PtraceEngine]:
    """Give the links of others that keep a tracee in a stop."""
    return [other for other in registry.tracers_of(link.tracee) if other is not link and other.holds]


def _awaited(registry: Registry, tracer_pid: int) -> set[int]:
    """Give the tracers whose stops hold up a step of this one's."""
    return {
        holder.tracer_pid
        for link in registry.of_tracer(tracer_pid)
        if link.stop is None and link.is_stepping and link.tracee.is_held
        for holder in _holders(registry, link)
    }


def take_turn(registry: Registry, link: PtraceEngine) -> None:
    """Let a tracee make the step it was resumed by, if those who hold it wait for its tracer in turn."""
    front, seen = _awaited(registry, link.tracer_pid), set[int]()
    while front and link.tracer_pid not in seen:
        seen |= front
        front = {tracer for waiting in front for tracer in _awaited(registry, waiting)} - seen
    if link.tracer_pid in seen:
        for holder in _holders(registry, link):
            holder.lend()


def end_turn(registry: Registry, link: PtraceLink) -> None:
    """The step is over, or its tracer gone: the tracee stands in the others' stops again."""
    for other in registry.tracers_of(link.tracee):
        if other is not link:
            other.take_back()
