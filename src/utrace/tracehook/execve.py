"""A new program in an old task.

Rule of this file: by the time `exec_stop` runs, `tracees` has given the record of the calling
thread the leader's tid, and the old leader its end (INV-6).

Reference: Linux 6.18 fs/exec.c:de_thread(); the spec's sections 1.5 and 7.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.core.events import EXEC
from utrace.core.reporting import Pass, report, stop_at_event
from utrace.tracehook.return_to_user import before_user_mode

if TYPE_CHECKING:
    from utrace.kernel.api import Fact
    from utrace.tracehook.tracee import Tracee


def exec_stop(tracee: Tracee, fact: Fact) -> Pass:
    """Decide an EVENT_EXEC: the new image and its registers are in place."""
    task = tracee.task
    task.jctl = False
    told = bool(task.mask & EXEC)
    if told:
        task.occurrence = fact
        yield from report(task, EXEC)
        if (yield from stop_at_event(task)):
            return
    before_user_mode(tracee, told=told)
