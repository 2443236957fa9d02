"""The end of a tracee: EXIT, DEATH, REAP, each once and in that order (INV-7, INV-33).

Rules of this file:

1. The kernel skips EVENT_EXIT in some kill races: a death that comes without it is preceded by a
   synthetic EXIT.
2. A birth that a killed parent could not report is looked for before the parent's EXIT.
3. Waiting for a thread, or for a child of the tracer, reaps it; anybody else is reaped by the real
   parent, later.

Reference: Linux 6.18 kernel/exit.c:do_exit(), exit_notify(); the spec's sections 1.6, 7.1 and 7.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.core.events import REAP
from utrace.core.reporting import Pass, report_death, report_exit, report_reap
from utrace.core.task_life import TaskLife
from utrace.kernel.api import FactKind
from utrace.tracehook.births import report_birth
from utrace.tracehook.return_to_user import leave
from utrace.tracehook.tracee import CONT_REQUEST

if TYPE_CHECKING:
    from utrace.kernel.api import Fact
    from utrace.tracehook.tracee import Tracee

SIGCHLD: Final = 17
SELF_REAPING: Final = -1
DELAYED_LEADER: Final = -2
_SIGNAL_BITS: Final = 0x7F
_FORK: Final = int(FactKind.FORK)


class Death(NamedTuple):
    """What report_death is about.

    Attributes:
        group_dead: no other traced thread of the process is left.
        signal: what the parent was sent: SIGCHLD; -1 for a thread, of which no parent is told; -2
            for a leader whose group lives on.
        status: the wait status.
    """

    group_dead: bool
    signal: int
    status: int


def exit_event_stop(tracee: Tracee, fact: Fact) -> Pass:
    """Decide an EVENT_EXIT: everything is still alive."""
    task = tracee.task
    tracee.exit_status = fact[2]
    tracee.listening = False
    tracee.signo = 0
    tracee.request = CONT_REQUEST
    if fact[2] & _SIGNAL_BITS:
        yield from _report_hidden_births(tracee)
    task.occurrence = fact
    if (yield from report_exit(task, live=True)):
        return
    if not task.engines:
        leave(tracee)
    elif tracee.is_leader() and len(tracee.process.tracees) > 1:
        tracee.kernel.watch_zombie(tracee.tid)


def death(tracee: Tracee, fact: Fact) -> Pass:
    """Decide a successful wait for the end."""
    task = tracee.task
    # What EVENT_EXIT said is overruled where another thread ended the group meanwhile.
    tracee.exit_status = fact[2]
    tracee.usage = fact[3] if isinstance(fact[3], bytes) else None
    if task.life is TaskLife.ALIVE:
        if fact[2] & _SIGNAL_BITS or not tracee.lean:
            # Otherwise it has ended by itself, and only makes no exit stop.
            yield from _report_hidden_births(tracee)
        task.occurrence = fact
        yield from report_exit(task, live=False)
    if task.life is TaskLife.EXITING:
        thread = not tracee.is_leader()
        group_dead = all(other is tracee for other in tracee.process.tracees.values())
        # A leader ends among living threads, and nobody is told, if another thread has called execve.
        told = SIGCHLD if group_dead else DELAYED_LEADER
        task.occurrence = Death(group_dead, SELF_REAPING if thread else told, fact[2])
        yield from report_death(task)
    if not tracee.own_child and task.mask & REAP and tracee.kernel.watch_reap(tracee.tid):
        tracee.gone = True
        tracee.kin.bury(tracee)
        return
    yield from reaped(tracee, fact)


def zombie_leader(tracee: Tracee, fact: Fact) -> Pass:
    """Decide the death of a leader whose group lives on; the wait for it comes with the last."""
    if tracee.task.life is TaskLife.EXITING:
        tracee.gone = True
        tracee.task.occurrence = Death(group_dead=False, signal=DELAYED_LEADER, status=fact[2])
        yield from report_death(tracee.task)


def reaped(tracee: Tracee, _fact: Fact) -> Pass:
    """Report REAP; nothing comes after it."""
    tracee.over = True
    tracee.kin.forget(tracee)
    yield from report_reap(tracee.task)


def _report_hidden_births(tracee: Tracee) -> Pass:
    for child_tid in tracee.kin.hidden_children(tracee):
        tracee.task.synthetic = True
        yield from report_birth(tracee, child_tid, _FORK)
    tracee.task.synthetic = False
