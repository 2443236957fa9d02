"""New tracees: fork, vfork, clone, seen from the parent.

Rules of this file:

1. A child runs nothing before its parent's CLONE report is over (INV-5): its first stop is kept
   until then, whichever of the two the wait delivers first.
2. A vforking parent that is to stop does so here, after the child was let go and before the
   parent waits for it; all others stop before user mode.

Reference: Linux 6.18 kernel/fork.c:kernel_clone(); the spec's sections 1.4, 5.2 and 7.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.core.events import CLONE, NO_EVENT
from utrace.core.reporting import Pass, report, stop, stop_at_event
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import FactKind
from utrace.tracehook.return_to_user import before_user_mode

if TYPE_CHECKING:
    from utrace.kernel.api import Fact
    from utrace.tracehook.tracee import Tracee

_VFORK = int(FactKind.VFORK)


def birth_stop(tracee: Tracee, fact: Fact) -> Pass:
    """Decide an EVENT_FORK, EVENT_VFORK or EVENT_CLONE."""
    _, kind, child_tid, _ = fact
    told = bool(tracee.task.mask & CLONE)
    yield from report_birth(tracee, child_tid, kind)
    if (yield from (stop if kind == _VFORK else stop_at_event)(tracee.task)):
        return
    before_user_mode(tracee, told=told)


def report_birth(tracee: Tracee, child_tid: int, kind: int) -> Pass:
    """Report one child to its parent's engines, then let it start; once for each child (INV-32)."""
    task = tracee.task
    child = tracee.kin.born(tracee, child_tid, kind)
    if child is None:
        return
    task.cloning = child.task
    task.occurrence = (tracee.tid, kind, child_tid, None)
    if task.mask & CLONE:
        yield from report(task, CLONE)
    task.cloning = None
    tracee.kin.let_start(tracee, child)


def vfork_done_stop(tracee: Tracee, fact: Fact) -> Pass:
    """Decide an EVENT_VFORK_DONE: no event of utrace's, but a quiesce where an engine stops at events.

    What is pending stays so: it is for the way to user mode.
    """
    task = tracee.task
    told = any(engine.stops_at_events for engine in task.engines)
    if told:
        pending = task.pending
        task.occurrence = fact
        yield from report(task, NO_EVENT)
        if pending is not ResumeAction.RESUME:
            task.pend(pending)
        if (yield from stop_at_event(task)):
            return
    before_user_mode(tracee, told=told)
