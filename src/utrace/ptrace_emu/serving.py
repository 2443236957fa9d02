"""Which tracers are served without us: those that only follow system calls, as strace does.

Rules of this file:

1. Plain is a tracer whose every next ptrace and wait call has an answer that follows from its tracees' stops
   alone; plain is a tracee that only this tracer and the interposer look at, and that runs to its next
   syscall-stop.
2. An offer is over at the next fact (`Kernel.serve`): nothing has to be taken back when something changes,
   since it is a fact, or a bell, that changes it.

Reference: D12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import SYSCALL_EXIT
from utrace.core.task_life import TaskLife
from utrace.core.verdicts import ResumeAction
from utrace.engines.ptrace_stops import Option
from utrace.kernel.api import FactKind
from utrace.ptrace_emu.waiting import place
from utrace.tracehook.syscalls import learn_of_call
from utrace.tracehook.tracee import CONT_REQUEST, SYSCALL_REQUEST

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from utrace.engines.ptrace import PtraceEngine
    from utrace.kernel.api import Fact
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import LiveTracee, Loop
    from utrace.tracer.task import Task

_TRACEES_MAX: Final = 32
"""Each offer looks at all of them."""


class Serving:
    """Makes offers for an interposer."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._filter: Mapping[int, frozenset[int]] | None = None
        self._reserved: list[tuple[int, int]] = []

    def offer(self, loop: Loop, tracer: Task, childless: Container[int]) -> None:
        """Offer this tracer when it and its tracees run again, if they are plain then.

        `childless`: processes seen to have no child that the kernel's own wait could tell of.
        """
        loop.when_settled.append(lambda: self._offer(loop, tracer, is_childless=tracer.pid in childless))

    def _offer(self, loop: Loop, tracer: Task, *, is_childless: bool) -> None:
        registry, pid = self._registry, tracer.pid
        links = sorted(registry.of_tracer(pid), key=lambda link: place(registry, tracer, link))
        if len(links) > _TRACEES_MAX or not (is_childless or self._is_childs_tracer(pid)):
            return
        record = loop.tracees.by_tid.get(tracer.tid)
        if record is None or not self._is_plain_tracer(record):
            return
        served: list[int] = []
        for link in links:
            tracee = loop.tracees.by_tid.get(link.tracee.tid)
            if tracee is not None and self._is_plain(link, tracee):
                served.append(tracee.tid)
            elif link.stop is None or not link.stop.waited or link.tracer_tid != tracer.tid:
                return
        told_elsewhere = registry.has_ended(pid) or registry.dead_children.has(pid)
        if served and not told_elsewhere and not registry.is_signalled(tracer):
            loop.taken_over = self._taken_over
            loop.kernel.serve(tracer.tid, served, is_childless, self._reserved)

    def _is_childs_tracer(self, pid: int) -> bool:
        """Tell whether the kernel's own wait, if left to answer, finds a child and is to be believed."""
        registry = self._registry
        return (
            registry.traces_own_child(pid) and not registry.ended and not registry.others_trace_child_of(pid)
        )

    def _is_plain_tracer(self, record: LiveTracee) -> bool:
        task = record.task
        if record.filter is None or len(record.process.tracees) != 1 or len(task.engines) != 1:
            return False
        if record.filter is not self._filter:
            self._filter = record.filter
            self._reserved = [(arch, nr) for arch, numbers in record.filter.items() for nr in numbers]
        return (
            task.life is TaskLife.ALIVE
            and task.pending is ResumeAction.RESUME
            and not task.jctl
            and record.running
            and not record.nudged
            and record.request == CONT_REQUEST
        )

    def _is_plain(self, link: PtraceEngine, record: LiveTracee) -> bool:
        task = record.task
        return (
            link.follows_calls
            and bool(link.options & Option.TRACESYSGOOD)
            and len(task.engines) == 2
            and task.life is TaskLife.ALIVE
            and task.pending is ResumeAction.RESUME
            and not task.jctl
            and record.filter is self._filter
            and record.running
            and record.request == SYSCALL_REQUEST
            and not record.nudged
            and not record.mend
            and not record.signo
            and record.abort_result is None
            and not record.task.engines[0].mask & SYSCALL_EXIT
        )

    def _taken_over(self, record: LiveTracee, fact: Fact) -> None:
        """Learn what was done without us: which call the tracee is in, or that its stop has been told."""
        if fact[1] == FactKind.IN_CALL:
            learn_of_call(record, fact)
            return
        for link in self._registry.tracers_of(record.handle):
            if link.tracer_tid == fact[2] and link.stop is not None:
                link.stop.waited = True
