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
from utrace.core.signals import STOP_SIGNALS
from utrace.core.verdicts import ResumeAction
from utrace.tracehook.return_to_user import enter_user_mode, mend, return_to_user
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


def group_stop(tracee: Tracee, fact: Fact, *, nudged: bool) -> Pass:
    """Decide a group-stop: report it if it is new, hold it if it is wanted, else LISTEN.

    An interrupt (`nudged`) of a thread that was let run shows like one, for as long as no SIGCONT has come.
    """
    task = tracee.task
    process = tracee.process
    if nudged and process.stopped and not (task.jctl or tracee.listening or tracee.signo in STOP_SIGNALS):
        yield from trap_stop(tracee, fact, nudged=True)
        return
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
        enter_user_mode(tracee)
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


def _is_continued(tracee: Tracee, *, nudged: bool) -> bool:
    """Tell whether a SIGCONT is on its way that this thread has not told of: it does before it is delivered.

    Each makes it trap once; but of an interrupt a trap may be left over, if it was trapping already.

    Reference: Linux 6.18 kernel/signal.c:prepare_signal(), ptrace_trap_notify().
    """
    is_told_of = tracee.told_of == tracee.process.continues
    if is_told_of and (nudged or tracee.told_when_nudged):
        tracee.told_when_nudged = nudged
        return False
    disposition = tracee.kernel.disposition(tracee.tid)
    return disposition is not None and bool((disposition.queued | disposition.shared) & _SIGCONT_BIT)


_SIGCONT_BIT: Final = 1 << 18 - 1


def trap_stop(tracee: Tracee, fact: Fact, *, nudged: bool) -> Pass:
    """Decide an EVENT_STOP with SIGTRAP: our interrupt (`nudged`), a SIGCONT, or a first stop.

    A SIGCONT to a task that was not stopped comes here too.  It is told to engines that stop at events,
    as by a ptrace-stop, in a quiesce; to others it means nothing by itself.
    """
    task = tracee.task
    # What a report made here is about is no signal, also if the last stop was one.
    task.occurrence = fact
    tracee.signo = 0
    begun = tracee.step_begun()
    # The kernel makes one stop of an interrupt and a SIGCONT that come together.
    is_noticed = any(engine.stops_at_events for engine in task.engines) and (
        tracee.listening or (not nudged and task.listens > 0) or _is_continued(tracee, nudged=nudged)
    )
    if is_noticed:
        tracee.told_of = tracee.process.continues
        tracee.told_when_nudged = nudged
    if tracee.listening or (is_noticed and tracee.process.stopped):
        tracee.listening = False
        begun = ResumeAction.RESUME
        yield from report_continued(tracee)
    elif tracee.mend:
        mend(tracee)
    if is_noticed:
        task.notices += 1
        task.pend(ResumeAction.REPORT)
    tracee.mend = False
    handler, tracee.handler_due = tracee.handler_due, False
    task.in_trap = True
    yield from return_to_user(tracee, handler=handler, begun=begun)
    task.in_trap = False
    if task.listens and not tracee.over:
        tracee.request = LISTEN_REQUEST
