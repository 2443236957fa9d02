"""One reporting pass: engines are called in order and their answers merged.

Rules of this file:

1. A pass is a generator.  Yielding an engine means: its callback `task.callback` has started;
   being resumed with the answer means: it has finished (D1).  Anything may be handled between.
2. Yielding `Pause.HELD` means: the task stands still until somebody sends a `Wake`.
3. Whether a task stops is decided by the engines' wishes when the pass is over, not by the
   answers given on the way (INV-36, INV-37, LB-4).
4. Only the specific callback changes the syscall or signal action, never a quiesce (LB-5).

Reference: kernel/utrace.c:start_callback(), finish_callback(), utrace_stop(),
utrace_report_syscall_entry() (API 20091216); the spec's sections 3.2 to 3.4.
"""

from __future__ import annotations

import enum
from collections.abc import Generator
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.core.engine_life import Engine, EngineInput, EngineState
from utrace.core.events import (
    CLONE,
    DEATH,
    EXIT,
    NO_EVENT,
    QUIESCE,
    REAP,
    SYSCALL_ENTRY,
    SYSCALL_EXIT,
    Event,
)
from utrace.core.task_life import Need, TaskInput
from utrace.core.verdicts import (
    REPORTS,
    Answer,
    ResumeAction,
    SyscallAction,
    Verdict,
    strictest,
)
from utrace.errors import impossible, invariant

if TYPE_CHECKING:
    from utrace.core.task_life import TracedTask


class Pause(enum.Enum):
    """Where a task's way through the kernel waits, other than in a callback."""

    HELD = enum.auto()
    """Stopped for an engine; a `Wake` is awaited."""
    RUN = enum.auto()
    """Let go to run; its next ptrace-stop is awaited."""
    GONE = enum.auto()
    """Dead: nothing to let go, but a last fact is awaited."""


class Wake(enum.Enum):
    """Why a held task goes on."""

    LET_RUN = enum.auto()
    """Nobody wants it stopped any more."""
    KILLED = enum.auto()
    """SIGKILL broke the stop (INV-31)."""


Reply: TypeAlias = Answer | Wake
Pass: TypeAlias = Generator[Engine | Pause, Reply, None]
Stop: TypeAlias = Generator[Engine | Pause, Reply, bool]

# Python 3.11 takes 0.1 µs to look up a member of an enumeration: what every stop looks at has a name (D14).
_ATTACHED: Final = EngineState.ATTACHED
_RESUME: Final = ResumeAction.RESUME
_STOP: Final = ResumeAction.STOP
_RUN: Final = SyscallAction.RUN
_ABORT: Final = SyscallAction.ABORT
_SIGNAL: Final = int(Event.SIGNAL)
_ANY_SIGNAL: Final = int(Event.SIGNAL_ALL)
_NO_NUMBERS: Final[frozenset[int]] = frozenset()

_TOLD_TO_ALL: Final = frozenset({CLONE, EXIT})
"""A kill during a serial pass does not end these: every engine hears of them (INV-32, INV-33)."""

_RESET_BY_A_PASS: Final = frozenset({ResumeAction.REPORT, ResumeAction.SINGLESTEP, ResumeAction.BLOCKSTEP})
"""A pass consumes these; who still wants one must say so again in it (INV-10)."""


def run_pass(task: TracedTask, event: int, *, reverse: bool = False) -> Pass:
    """Tell every engine that asked, once.

    QUIESCE engines are called first, and what they set with `set_events` counts at once for this
    very occurrence.  Engines attached meanwhile wait for the next pass (INV-3); engines detached
    meanwhile are skipped (INV-46).
    """
    killed = False
    start_pass(task, event)
    for engine in reversed(task.engines) if reverse else task.engines:
        if engine.mask & QUIESCE:
            task.callback = QUIESCE
            task.reporting = engine
            answer = yield engine
            task.reporting = None
            if answer is not None or engine.state is not _ATTACHED:
                finish_callback(task, engine, answer)
        if engine.mask & event:
            task.callback = event
            task.reporting = engine
            answer = yield engine
            task.reporting = None
            if answer is not None or engine.state is not _ATTACHED:
                finish_callback(task, engine, answer, specific=True)
        if engine.wants_stop:
            task.action = _STOP
            if task.serial and not killed:
                killed = yield from stop_in_pass(task)
                if killed and event not in _TOLD_TO_ALL:
                    break
    if killed:
        _withdraw_wishes(task)
    task.event = NO_EVENT


def start_pass(task: TracedTask, event: int) -> None:
    """Consume what a pass consumes and clear what a pass merges."""
    if task.event != NO_EVENT:
        impossible("one pass at a time", task=task, event=event)
    if task.pending is not _RESUME and task.pending in _RESET_BY_A_PASS:
        task.pending = _RESUME
    task.event = event
    task.action = task.resume_action = _RESUME


def finish_callback(task: TracedTask, engine: Engine, answer: Reply, *, specific: bool = False) -> None:
    """Apply one answer.

    An engine detached while its callback ran is unlinked, and its answer counts for nothing: detach
    wins over stop (INV-36).
    """
    if engine.state is EngineState.DETACHING:
        task.unlink(engine, EngineInput.CALLBACK_ENDS)
    elif engine.state is _ATTACHED and answer is not None:
        if isinstance(answer, Verdict):
            if specific:
                _decide(task, answer)
            _merge(task, engine, answer.resume)
        elif isinstance(answer, ResumeAction):
            _merge(task, engine, answer)
        else:
            impossible("a callback is answered by an Answer", task=task, answer=answer)


def _decide(task: TracedTask, verdict: Verdict) -> None:
    """Let the callback of a system call's entry decide about the call, a signal's about the signal."""
    if task.callback == SYSCALL_ENTRY:
        if verdict.syscall is not None:
            task.syscall_action = verdict.syscall
            task.syscall_result = verdict.result
    elif task.callback == _SIGNAL:
        if verdict.signal is not None:
            task.signal_action = verdict.signal
            task.signal_hold = verdict.hold
        elif verdict.hold:
            task.signal_hold = True


def _merge(task: TracedTask, engine: Engine, resume: ResumeAction | None) -> None:
    """Merge one engine's resume action into the pass; both minima (spec 3.2)."""
    match resume:
        case None:
            pass
        case ResumeAction.DETACH:
            task.unlink(engine, EngineInput.DETACH)
        case ResumeAction.STOP:
            # It joins `action` when the engine's turn is over: until then the specific callback may
            # take it back (LB-4).
            engine.wants_stop = True
        case _:
            engine.wants_stop = False
            task.action = strictest(task.action, resume)
            task.resume_action = strictest(task.resume_action, resume)


def finish_pass(task: TracedTask) -> None:
    """End an ordinary event's pass: what was answered becomes pending, STOP as REPORT."""
    if task.resume_action is not _RESUME and task.engines:
        task.pend(task.resume_action)
    if task.action is _STOP and task.is_wanted_stopped():
        task.pend(ResumeAction.REPORT)


def stop(task: TracedTask) -> Stop:
    """Stand still for as long as some engine wants it; true if SIGKILL ended that.

    A wish withdrawn before the stop is reached means no stop (INV-37).  A kill withdraws all
    wishes: only EXIT, DEATH and REAP follow, and an engine may ask again at EXIT.
    """
    while task.is_wanted_stopped():
        task.held = True
        task.stops += 1
        wake = yield Pause.HELD
        task.held = False
        if wake is Wake.KILLED:
            _withdraw_wishes(task)
            return True
        invariant(wake is Wake.LET_RUN, "a held task is woken by a Wake", task=task, wake=wake)
    return False


def _withdraw_wishes(task: TracedTask) -> None:
    for engine in task.engines:
        engine.wants_stop = False


def stop_at_event(task: TracedTask) -> Stop:
    """Stop in an event stop, for those engines whose STOP takes effect right there."""
    if _stops_at_event(task):
        return (yield from stop(task))
    return False


def _stops_at_event(task: TracedTask) -> bool:
    return any(engine.wants_stop and engine.stops_at_events for engine in task.engines)


def stop_in_pass(task: TracedTask) -> Stop:
    """Stop inside a pass, after one engine's callback, where passes are serial (DEC-1).

    The next engine is called when this one has let go, and sees what it left.
    """
    if task.is_dead() or task.synthetic:
        return False
    return (yield from stop(task))


def stop_here(task: TracedTask) -> Stop:
    """End a direct-stop event's pass: stop right here if anybody wants it."""
    if task.resume_action is not _RESUME and task.engines:
        task.pend(task.resume_action)
    if task.action is _STOP:
        return (yield from stop(task))
    return False


def report(task: TracedTask, event: int) -> Pass:
    """Report an event whose STOP takes effect before user mode; or here, where an engine stops at events."""
    yield from run_pass(task, event)
    if task.action is _STOP and _stops_at_event(task):
        # The stop that follows needs no report to bring it about.
        task.action = _RESUME
    finish_pass(task)


def report_syscall_entry(task: TracedTask, arch: int, nr: int) -> Stop:  # noqa: C901, PLR0912 — D14: written out
    """Report a system call that has not begun; last attached engine first.  True: killed.

    While the pass ends in a stop and a report is pending when the stop ends, the pass is repeated
    with `resumed` set (INV-14).  Killed in the stop, the call is aborted (INV-13).

    With `report_syscall_exit` this is where the cost of a traced call is felt (D14): each engine costs
    its tests and its callback, and no generator of its own; a pass begins here where nothing is pending.
    """
    task.syscall_action = _RUN
    task.syscall_result = None
    task.resumed = False
    task.spared = ()
    while True:
        if task.pending is not _RESUME or task.event != NO_EVENT:
            start_pass(task, SYSCALL_ENTRY)
        task.event = SYSCALL_ENTRY
        task.action = task.resume_action = _RESUME
        engines = task.engines
        for engine in reversed(engines):
            if engine.mask & QUIESCE:
                task.callback = QUIESCE
                task.reporting = engine
                answer = yield engine
                task.reporting = None
                if answer is not None or engine.state is not _ATTACHED:
                    finish_callback(task, engine, answer)
            if engine.mask & SYSCALL_ENTRY and (
                engine.syscalls is None or nr in engine.syscalls.get(arch, _NO_NUMBERS)
            ):
                task.callback = SYSCALL_ENTRY
                task.reporting = engine
                answer = yield engine
                task.reporting = None
                if answer is not None or engine.state is not _ATTACHED:
                    finish_callback(task, engine, answer, specific=True)
            if engine.wants_stop:
                task.action = _STOP
                if task.serial and (yield from stop_in_pass(task)):
                    task.event = NO_EVENT
                    task.syscall_action = _ABORT
                    return True
            if task.serial and task.syscall_action is _ABORT:
                # Those behind who virtualizes a call do not see it (DEC-1).
                task.spared = engines[: engines.index(engine)]
                break
        task.event = NO_EVENT
        if task.action is _RESUME:
            return False
        if task.action is not _STOP:
            finish_pass(task)
            return False
        killed = yield from stop_here(task)
        if killed:
            task.syscall_action = _ABORT
            return True
        if task.pending not in REPORTS or not task.engines:
            return False
        task.resumed = True


def report_seccomp(task: TracedTask) -> Stop:
    """Tell the engines that stop at events of a seccomp stop, as a quiesce; true: one of them stopped.

    Killed in the stop, the call is aborted, as at its entry.
    """
    start_pass(task, NO_EVENT)
    for engine in task.engines:
        if engine.stops_at_events and engine.mask & QUIESCE:
            task.callback = QUIESCE
            task.reporting = engine
            answer = yield engine
            task.reporting = None
            finish_callback(task, engine, answer)
        if engine.wants_stop:
            task.action = _STOP
    taken = _stops_at_event(task)
    if taken:
        task.action = _RESUME
    finish_pass(task)
    if taken and (yield from stop(task)):
        task.syscall_action = _ABORT
    return taken


def report_last_word(task: TracedTask, arch: int, nr: int) -> Pass:
    """Report a call's entry, as a repeated report, to those who are told of it at the last stop before it.

    What is pending stays so: it is for the call's end.
    """
    pending = task.pending
    task.resumed = True
    start_pass(task, SYSCALL_ENTRY)
    for engine in reversed(task.engines):
        if (
            engine.has_last_word
            and engine.mask & SYSCALL_ENTRY
            and (engine.syscalls is None or nr in engine.syscalls.get(arch, _NO_NUMBERS))
        ):
            task.callback = SYSCALL_ENTRY
            task.reporting = engine
            answer = yield engine
            task.reporting = None
            finish_callback(task, engine, answer, specific=True)
    task.event = NO_EVENT
    finish_pass(task)
    if pending is not _RESUME:
        task.pend(pending)


def report_syscall_exit(task: TracedTask, arch: int, nr: int) -> Pass:  # noqa: C901 — D14: written out
    """Report a system call that is over; its STOP takes effect before user mode."""
    if task.pending is not _RESUME or task.event != NO_EVENT:
        start_pass(task, SYSCALL_EXIT)
    task.event = SYSCALL_EXIT
    task.action = task.resume_action = _RESUME
    spared, task.spared = task.spared, ()
    for engine in task.engines:
        if spared and engine in spared:
            continue
        if engine.mask & QUIESCE:
            task.callback = QUIESCE
            task.reporting = engine
            answer = yield engine
            task.reporting = None
            if answer is not None or engine.state is not _ATTACHED:
                finish_callback(task, engine, answer)
        if engine.mask & SYSCALL_EXIT and (
            engine.syscalls is None or nr in engine.syscalls.get(arch, _NO_NUMBERS)
        ):
            task.callback = SYSCALL_EXIT
            task.reporting = engine
            answer = yield engine
            task.reporting = None
            if answer is not None or engine.state is not _ATTACHED:
                finish_callback(task, engine, answer, specific=True)
        if engine.wants_stop:
            task.action = _STOP
            if task.serial and (yield from stop_in_pass(task)):
                break
    task.event = NO_EVENT
    if task.action is not _RESUME:
        finish_pass(task)


def report_late(task: TracedTask, event: int) -> Pass:
    """Report an event from which the task has gone on already, to those who said that it may come so.

    Engines that did not were attached since, and wait for the next pass (INV-3).  What is pending stays so,
    and what is answered is for the next stop.
    """
    task.event = event
    task.action = task.resume_action = _RESUME
    task.synthetic = True
    for engine in task.engines:
        if engine.mask & engine.late & event:
            task.callback = _SIGNAL if event & _ANY_SIGNAL else event
            task.reporting = engine
            answer = yield engine
            task.reporting = None
            if answer is not None or engine.state is not _ATTACHED:
                finish_callback(task, engine, answer)
        if engine.wants_stop:
            task.action = _STOP
    task.synthetic = False
    task.event = NO_EVENT
    finish_pass(task)
    if task.pending is not _RESUME or not task.engines:
        task.need(Need.ATTENTION)


def report_exit(task: TracedTask, *, live: bool) -> Stop:
    """Report that the task is about to exit; STOP holds it here.  True: killed.

    Not `live`: the kernel skipped this stop (D5); the task is dead, and nothing can hold it.
    """
    task.move(TaskInput.EXIT_REPORT)
    task.jctl = False
    task.synthetic = not live
    if task.mask & EXIT:
        yield from run_pass(task, EXIT)
        if live:
            return (yield from stop_here(task))
    return False


def report_death(task: TracedTask) -> Pass:
    """Report that the task is dead; an engine that answers DETACH gets no REAP (INV-8)."""
    task.move(TaskInput.DEATH_REPORT)
    for engine in task.engines:
        engine.wants_stop = False
    if task.mask & (DEATH | QUIESCE):
        yield from run_pass(task, DEATH)
    task.move(TaskInput.DEATH_REPORTED)
    for engine in task.engines:
        engine.mask &= REAP
        engine.wants_stop = False
    task.pending = _RESUME
    task.recompute()


def report_reap(task: TracedTask) -> Pass:
    """Report that the task is gone, the last thing ever, and force every engine off."""
    task.move(TaskInput.REAP_REPORT)
    task.event = REAP
    for engine in task.engines:
        if engine.mask & REAP:
            task.callback = REAP
            task.reporting = engine
            yield engine
            task.reporting = None
        task.unlink(engine, EngineInput.REAPED)
    task.event = NO_EVENT
