"""Job control: a thread group stops and continues under its engines' eyes.

Rules of this file:

1. A thread in a group stop is let go by LISTEN, never by CONT, which would make it run.
2. An interrupt makes a listening thread trap again; that is no new stop.
3. An engine that wants the thread stopped keeps it in the trap; a SIGCONT does not end that.

Reference: ptrace(2) "Group-stop" and "PTRACE_LISTEN"; Linux 6.18 kernel/signal.c:do_signal_stop(),
do_jobctl_trap(); the spec's sections 2.2 (JCTL) and 7.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.core.events import JCTL
from utrace.core.reporting import Pass, report, stop
from utrace.core.signals import take_step
from utrace.tracehook.tracee import LISTEN_REQUEST

if TYPE_CHECKING:
    from utrace.kernel.api import Fact
    from utrace.tracehook.tracee import Tracee

CLD_STOPPED: Final = 5
CLD_CONTINUED: Final = 6


class JobControl(NamedTuple):
    """What report_jctl is about.

    Attributes:
        type: CLD_STOPPED or CLD_CONTINUED: what this thread does.
        notify: the SIGCHLD code the parent is sent, by the thread that is last to stop or first to
            continue; 0 from the others.  Counted over the traced threads.
        signo: the stop signal; 0 when it continues.
    """

    type: int
    notify: int
    signo: int = 0


def group_stop(tracee: Tracee, fact: Fact) -> Pass:
    """Decide a group-stop: report it if it is new, hold it if it is wanted, else LISTEN."""
    task = tracee.task
    process = tracee.process
    if not tracee.listening:
        task.jctl = True
        process.stopped = True
        if task.mask & JCTL:
            last = all(other.task.jctl for other in process.tracees.values())
            task.occurrence = JobControl(CLD_STOPPED, CLD_STOPPED if last else 0, fact[2])
            yield from report(task, JCTL)
    tracee.listening = False
    tracee.signo = 0
    if (yield from stop(task)):
        return
    if not task.jctl:
        # An engine ended the stop for this thread, as PTRACE_CONT does (spec 7.1, "group stop + CONT").
        tracee.run_by(take_step(task))
        return
    if not task.engines and tracee.filter is None:
        # Detached in this stop, the thread goes back to being stopped.
        tracee.let_go()
        return
    tracee.request = LISTEN_REQUEST
    tracee.listening = True


def report_continued(tracee: Tracee) -> Pass:
    """Report the end of a group stop, from the first thread to wake."""
    task = tracee.task
    task.jctl = False
    if tracee.process.stopped:
        tracee.process.stopped = False
        if task.mask & JCTL:
            task.occurrence = JobControl(CLD_CONTINUED, CLD_CONTINUED)
            yield from report(task, JCTL)
