"""The ways back to user mode: what is pending is served, and signals are decided.

Rules of this file:

1. Whatever is pending is served before any real signal (INV-49), and before any user instruction
   (INV-12, INV-18).
2. INTERRUPT and REPORT answered to a report on the way to user mode mean RESUME: no endless loop.
   An engine that wants another asks with `control` from inside its callback.
3. A callback with no opinion echoes the signal action (INV-15); None does that here.

Reference: kernel/utrace.c:utrace_resume(), utrace_get_signal(), finish_resume_report() (API
20091216); the spec's sections 2.3, 3.5 and 3.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.engine_life import EngineState
from utrace.core.events import NO_EVENT, QUIESCE, Event
from utrace.core.reporting import (
    Pass,
    Reply,
    Stop,
    finish_callback,
    run_pass,
    start_pass,
    stop_here,
    stop_in_pass,
)
from utrace.core.verdicts import REPORTS, STEPS, ResumeAction, SignalAction, Verdict

if TYPE_CHECKING:
    from utrace.core.task_life import TracedTask

NOTHING_TO_DELIVER: Final = frozenset({SignalAction.IGN, SignalAction.REPORT, SignalAction.HANDLER})

CORE_SIGNALS: Final = frozenset({3, 4, 5, 6, 7, 8, 11, 24, 25, 31})
"""QUIT ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS: signal(7), action Core."""
IGNORED_SIGNALS: Final = frozenset({17, 18, 23, 28})
"""CHLD CONT URG WINCH: ignored by default, once CONT has continued."""
JOB_SIGNALS: Final = frozenset({20, 21, 22})
"""TSTP TTIN TTOU."""
SIGSTOP: Final = 19
STOP_SIGNALS: Final = JOB_SIGNALS | {SIGSTOP}


_BY_DEFAULT: Final = {
    **dict.fromkeys(CORE_SIGNALS, (int(Event.SIGNAL_CORE), SignalAction.CORE)),
    **dict.fromkeys(IGNORED_SIGNALS, (int(Event.SIGNAL_IGN), SignalAction.IGN)),
    **dict.fromkeys(JOB_SIGNALS, (int(Event.SIGNAL_STOP), SignalAction.TSTP)),
    SIGSTOP: (int(Event.SIGNAL_STOP), SignalAction.STOP),
}


def classify(signo: int, *, ignored: bool, caught: bool) -> tuple[int, SignalAction]:
    """Tell which event a signal is and what becomes of it without engines (spec 2.3)."""
    if ignored:
        return int(Event.SIGNAL_IGN), SignalAction.IGN
    if caught:
        return int(Event.SIGNAL), SignalAction.DELIVER
    return _BY_DEFAULT.get(signo, (int(Event.SIGNAL_TERM), SignalAction.TERM))


def signal_pass(task: TracedTask, event: int) -> Pass:
    """Call report_signal on every engine that asked for this class, and on every QUIESCE engine.

    An engine without report_signal that has QUIESCE gets report_quiesce in its place, which does
    not change the signal action.
    """
    start_pass(task, event)
    both = event | QUIESCE
    for engine in task.engines:
        specific = engine.signal_callback
        if engine.mask & (both if specific else QUIESCE):
            task.callback = int(Event.SIGNAL) if specific else QUIESCE
            task.reporting = engine
            answer = yield engine
            task.reporting = None
            if answer is not None or engine.state is not EngineState.ATTACHED:
                finish_callback(task, engine, _without_report(answer), specific=specific)
        if engine.wants_stop:
            task.action = ResumeAction.STOP
            if task.serial and (yield from stop_in_pass(task)):
                break
    task.event = NO_EVENT


def _without_report(answer: Reply) -> Reply:
    """Take INTERRUPT and REPORT for RESUME, before the merge: another engine's step still counts."""
    if isinstance(answer, ResumeAction):
        return ResumeAction.RESUME if answer in REPORTS else answer
    if isinstance(answer, Verdict) and answer.resume in REPORTS:
        return Verdict(ResumeAction.RESUME, answer.syscall, answer.result, answer.signal, hold=answer.hold)
    return answer


def report_signal(task: TracedTask, event: int, action: SignalAction) -> Stop:
    """Decide one dequeued signal; `task.signal_action` is the decision.  True: killed.

    An action with nothing to deliver puts the task on its way to user mode: STOP holds it here, and
    a report then pending is made here, with the same siginfo, so that a parked signal can still be
    delivered by that report's answer.
    """
    task.signal_action = action
    task.signal_hold = False
    yield from signal_pass(task, event)
    while task.signal_action in NOTHING_TO_DELIVER:
        if (yield from stop_here(task)):
            return True
        if task.pending not in REPORTS or not task.engines:
            return False
        task.pending = ResumeAction.RESUME
        task.signal_action = SignalAction.REPORT
        task.signal_hold = False
        yield from signal_pass(task, NO_EVENT)
    if task.action is not ResumeAction.RESUME and task.engines:
        # The next thing the task does is to enter the handler, and it is to be reported there.
        task.pend(ResumeAction.INTERRUPT)
    return False


def report_resume(task: TracedTask, *, handler: bool = False) -> Stop:
    """Serve what is pending at the last point before user mode.  True: killed.

    On return nothing but a step is pending, and nobody wants the task stopped; or a callback of a
    report had a signal delivered that it made up: then `task.signal_action` says how, and what is
    still wanted comes at the handler.
    `handler`: a handler frame has just been set up, so that a report is SIGNAL_HANDLER.
    """
    task.signal_action = SignalAction.REPORT
    while True:
        asked = task.pending
        if asked is ResumeAction.INTERRUPT or (handler and asked is ResumeAction.REPORT):
            task.pending = ResumeAction.RESUME
            task.signal_action = SignalAction.HANDLER if handler else SignalAction.REPORT
            handler = False
            yield from signal_pass(task, NO_EVENT)
            if task.signal_action not in NOTHING_TO_DELIVER:
                if task.action is not ResumeAction.RESUME and task.engines:
                    task.pend(ResumeAction.INTERRUPT)
                return False
        elif asked is ResumeAction.REPORT:
            yield from run_pass(task, NO_EVENT)
            if task.resume_action is ResumeAction.REPORT and task.action is not ResumeAction.STOP:
                task.resume_action = ResumeAction.RESUME
        elif task.is_wanted_stopped():
            # LB-6: a stop is honoured though nobody has QUIESCE to be told so.
            task.action = ResumeAction.STOP
            task.resume_action = ResumeAction.RESUME
        else:
            return False
        if (yield from stop_here(task)):
            return True


def take_step(task: TracedTask) -> ResumeAction:
    """Take the pending step, if any: it is armed once, for this return to user mode (INV-11)."""
    asked = task.pending
    if asked in STEPS:
        task.pending = ResumeAction.RESUME
        return asked
    return ResumeAction.RESUME
