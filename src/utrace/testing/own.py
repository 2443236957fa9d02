"""An engine of one's own in a scenario: watched as scripted ones are, its answers its own.

Rules of this file:

1. The engine is called as in a session, with the same tasks, and its answer is passed on unchanged.
2. What it asks of /proc (`Task.name`) is not simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from utrace.core.events import Event
from utrace.testing.scripted import BEFORE_USER_MODE, Script, ScriptedEngine
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.core.verdicts import Answer
    from utrace.testing.scripted import Detail, Stage
    from utrace.tracehook.group_stop import JobControl
    from utrace.tracer.engine import Engine
    from utrace.tracer.signal import SignalReport
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task


@dataclass(frozen=True)
class Own(Script):
    """One engine of a scenario that is no script.

    Attributes:
        engine: makes it, anew for each run.
    """

    engine: Callable[[], EngineOps] = EngineOps

    def make(self, stage: Stage) -> ScriptedEngine:
        """Make the engine of one run, and what watches it."""
        engine = self.engine()
        has_signals = type(engine).report_signal is not EngineOps.report_signal
        return (_WatchedSignals if has_signals else Watched)(self, stage, engine)


def own(name: str, engine: Callable[[], EngineOps], *, attached: bool = True) -> Own:
    """Put an engine of one's own into a scenario.

    Args:
        name: one word, by which outside callers name it.
        engine: makes it, anew for each run: no run may know of another.
        attached: whether it is on the program from the start.
    """
    like = engine()
    return Own(
        name, like.events, follow=like.follow, attached=attached, syscalls=like.syscalls, engine=engine
    )


class Watched(ScriptedEngine):
    """Passes reports on to an engine and tells the stage of them."""

    def __init__(self, script: Script, stage: Stage, engine: EngineOps) -> None:
        super().__init__(script, stage)
        self.engine = engine

    def _watch(self, task: Task, key: Event, detail: Detail, call: Callable[[], Answer]) -> Answer:
        stage = self._stage
        stage.started(self, task, key, detail)
        stage.pause()
        answer = call()
        stage.pause()
        stage.ended(self, task, key, answer)
        return answer

    def report_quiesce(self, task: Task, event: Event) -> Answer:
        """Pass it on."""
        key, detail = (Event.QUIESCE, event.name) if event else (BEFORE_USER_MODE, "quiesce")
        return self._watch(task, key, (detail,), lambda: self.engine.report_quiesce(task, event))

    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        """Pass it on."""
        detail = (child, clone_flags)
        return self._watch(
            task, Event.CLONE, detail, lambda: self.engine.report_clone(task, child, clone_flags)
        )

    def report_exec(self, task: Task) -> Answer:
        """Pass it on."""
        return self._watch(task, Event.EXEC, (), lambda: self.engine.report_exec(task))

    def report_exit(self, task: Task, code: int) -> Answer:
        """Pass it on."""
        return self._watch(task, Event.EXIT, (code,), lambda: self.engine.report_exit(task, code))

    def report_death(self, task: Task, group_dead: bool, signal: int) -> Answer:  # noqa: FBT001 — EngineOps'
        """Pass it on."""
        detail = (group_dead, signal)
        return self._watch(
            task, Event.DEATH, detail, lambda: self.engine.report_death(task, group_dead, signal)
        )

    def report_reap(self, task: Task) -> None:
        """Pass it on."""
        self._watch(task, Event.REAP, (), lambda: self.engine.report_reap(task))

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Pass it on."""
        detail = (call.nr, "resumed") if call.resumed else (call.nr,)
        return self._watch(
            task, Event.SYSCALL_ENTRY, detail, lambda: self.engine.report_syscall_entry(task, call)
        )

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        """Pass it on."""
        detail = (call.nr, call.result)
        return self._watch(
            task, Event.SYSCALL_EXIT, detail, lambda: self.engine.report_syscall_exit(task, call)
        )

    def report_jctl(self, task: Task, job_control: JobControl) -> Answer:
        """Pass it on."""
        detail = (job_control.type, job_control.notify)
        return self._watch(task, Event.JCTL, detail, lambda: self.engine.report_jctl(task, job_control))

    def release(self, engine: Engine) -> None:
        """Pass it on."""
        self.engine.release(engine)
        super().release(engine)


class _WatchedSignals(Watched):
    """Watches an engine that has report_signal."""

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        """Pass it on."""
        if signal.is_report:
            key, detail = BEFORE_USER_MODE, (signal.action.name, signal.signo)
            return self._watch(task, key, detail, lambda: self.engine.report_signal(task, signal))
        told = (signal.signo, signal.action.name)
        return self._watch(task, Event.SIGNAL, told, lambda: self.engine.report_signal(task, signal))
