"""What was passed on of a recorded tracee's life: births, programs, signals and ends, reported late.

Rules of this file:

1. The tracee runs on, or is dead: nothing here says how it is to be resumed.
2. What an engine is told late it has said that it may be; EXIT and DEATH are told to all, as where the
   kernel skips the exit stop.

Reference: `kernel.api.Recorder`; D6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import CLONE, EXEC, Event
from utrace.core.reporting import Pass, report_exit, report_late
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import FactKind, Passed
from utrace.tracehook.deaths import death
from utrace.tracehook.signal_decision import SignalOccurrence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from utrace.kernel.api import Fact
    from utrace.tracehook.tracee import Tracee

_ANY_SIGNAL: Final = int(Event.SIGNAL_ALL)


def passed(tracee: Tracee, fact: Fact) -> Pass:
    """Report what a tracee has gone on from already."""
    tid, _, value, told = fact
    if not isinstance(told, Passed):
        return
    tracee.told = told
    yield from _REPORTS[told.kind](tracee, (tid, told.kind, value, told.detail))
    tracee.told = None


def _birth(tracee: Tracee, fact: Fact) -> Pass:
    _, kind, child_tid, tgid = fact
    task = tracee.task
    child = tracee.kin.born(tracee, child_tid, kind, tgid if isinstance(tgid, int) else None)
    if child is None:
        return
    task.cloning = child.task
    task.occurrence = fact
    yield from report_late(task, CLONE)
    task.cloning = None
    tracee.kin.let_start(tracee, child)
    child.run_by(ResumeAction.RESUME)


def _exec(tracee: Tracee, fact: Fact) -> Pass:
    tracee.task.jctl = False
    tracee.task.occurrence = fact
    yield from report_late(tracee.task, EXEC)


def _signal(tracee: Tracee, fact: Fact) -> Pass:
    siginfo = fact[3]
    if isinstance(siginfo, bytes):
        tracee.task.occurrence = SignalOccurrence(siginfo)
        yield from report_late(tracee.task, _ANY_SIGNAL)


def _exit(tracee: Tracee, fact: Fact) -> Pass:
    tracee.exit_status = fact[2]
    tracee.listening = False
    tracee.task.occurrence = fact
    yield from report_exit(tracee.task, live=False)


_REPORTS: Final[Mapping[int, Callable[[Tracee, Fact], Pass]]] = {
    FactKind.FORK: _birth,
    FactKind.VFORK: _birth,
    FactKind.CLONE: _birth,
    FactKind.EXEC: _exec,
    FactKind.SIGNAL: _signal,
    FactKind.EXIT: _exit,
    FactKind.DEATH: death,
}
