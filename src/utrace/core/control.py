"""Calls on a task from outside its passes: control, set_events, barrier.

Rules of this file:

1. What a control call does follows from the action and from where the task stands, by `CONTROL`;
   `target_of` is the one place that tells where it stands.
2. Validate, then commit: a refused call changes nothing.
3. Nothing here moves the task.  `TracedTask.need` asks whoever does.

Reference: kernel/utrace.c:utrace_control(), utrace_set_events(), utrace_barrier() (API 20091216);
the spec's section 4.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.core.engine_life import Engine, EngineInput, EngineState
from utrace.core.events import ALL_EVENTS, DEATH, QUIESCE, SYSCALL
from utrace.core.tables import Go, Never, Refuse
from utrace.core.task_life import Need, TaskLife
from utrace.core.verdicts import STEPS, Outcome, ResumeAction
from utrace.errors import InvariantViolation, Misuse, TaskGone, TooLate

if TYPE_CHECKING:
    from collections.abc import Mapping


class Target(enum.Enum):
    """Where a task stands, as seen by one engine's control call."""

    RUNNING = enum.auto()
    """Running, blocked in the kernel, or in a pass, exiting or not; not held."""
    IN_CALLBACK = enum.auto()
    """In a pass, and this engine's callback is running."""
    HELD_BY_ME = enum.auto()
    HELD_BY_OTHERS = enum.auto()
    JOB_STOPPED = enum.auto()
    """Stopped by job control and not held."""
    DEATH = enum.auto()
    """The death report is in progress."""
    DEAD = enum.auto()
    """The death report is over; not reaped."""
    DETACHED = enum.auto()
    """This engine is detached, or marked so; or the task is reaped, which detaches all."""


class Step(enum.Enum):
    """What a control call does to the record."""

    WANT_STOP = enum.auto()
    DROP_STOP = enum.auto()
    """Withdraw my wish; the task wakes if it was the last."""
    PEND = enum.auto()
    """Make the action pending; STOP as REPORT."""
    UNSTEP = enum.auto()
    """Turn a pending step into a report: who still wants the step says so again (INV-27)."""
    ATTEND = enum.auto()
    """The task must come to a stop for this."""
    BREAK_IN = enum.auto()
    """As ATTEND, and a blocked system call is broken."""
    UNLINK = enum.auto()
    MARK = enum.auto()
    """Unlink when the callback now running returns."""


Cell: TypeAlias = Go[tuple[Outcome, tuple[Step, ...]]] | Refuse | Never

_A, _T, _S = ResumeAction, Target, Step
_GONE: Final = Refuse(TaskGone, "the task is dead")
_DETACHED: Final = Refuse(TaskGone, "the engine is detached")
_LATE: Final = Refuse(TooLate, "the death report is in progress; it comes to this engine too")


def _done(*steps: Step) -> Cell:
    return Go((Outcome.DONE, steps))


def _in_progress(*steps: Step) -> Cell:
    return Go((Outcome.IN_PROGRESS, steps))


#: Total: one cell for each action and target.  docs/semantics.md prints it.
CONTROL: Final[Mapping[tuple[ResumeAction, Target], Cell]] = {
    (_A.STOP, _T.RUNNING): _in_progress(_S.WANT_STOP, _S.PEND, _S.ATTEND),
    (_A.STOP, _T.IN_CALLBACK): _in_progress(_S.WANT_STOP, _S.PEND),
    (_A.STOP, _T.HELD_BY_ME): _done(),
    (_A.STOP, _T.HELD_BY_OTHERS): _done(_S.WANT_STOP),
    (_A.STOP, _T.JOB_STOPPED): _done(_S.WANT_STOP, _S.ATTEND),
    (_A.STOP, _T.DEATH): _GONE,
    (_A.STOP, _T.DEAD): _GONE,
    (_A.STOP, _T.DETACHED): _DETACHED,
    (_A.INTERRUPT, _T.RUNNING): _done(_S.DROP_STOP, _S.PEND, _S.BREAK_IN),
    (_A.INTERRUPT, _T.IN_CALLBACK): _done(_S.DROP_STOP, _S.PEND),
    (_A.INTERRUPT, _T.HELD_BY_ME): _done(_S.PEND, _S.DROP_STOP),
    (_A.INTERRUPT, _T.HELD_BY_OTHERS): _done(_S.PEND),
    (_A.INTERRUPT, _T.JOB_STOPPED): _done(_S.DROP_STOP, _S.PEND),
    (_A.INTERRUPT, _T.DEATH): _GONE,
    (_A.INTERRUPT, _T.DEAD): _GONE,
    (_A.INTERRUPT, _T.DETACHED): _DETACHED,
    (_A.REPORT, _T.RUNNING): _done(_S.DROP_STOP, _S.PEND, _S.ATTEND),
    (_A.REPORT, _T.IN_CALLBACK): _done(_S.DROP_STOP, _S.PEND),
    (_A.REPORT, _T.HELD_BY_ME): _done(_S.PEND, _S.DROP_STOP),
    (_A.REPORT, _T.HELD_BY_OTHERS): _done(_S.PEND),
    (_A.REPORT, _T.JOB_STOPPED): _done(_S.DROP_STOP, _S.PEND),
    (_A.REPORT, _T.DEATH): _GONE,
    (_A.REPORT, _T.DEAD): _GONE,
    (_A.REPORT, _T.DETACHED): _DETACHED,
    (_A.SINGLESTEP, _T.RUNNING): _done(_S.DROP_STOP, _S.PEND, _S.ATTEND),
    (_A.SINGLESTEP, _T.IN_CALLBACK): _done(_S.DROP_STOP, _S.PEND),
    (_A.SINGLESTEP, _T.HELD_BY_ME): _done(_S.PEND, _S.DROP_STOP),
    (_A.SINGLESTEP, _T.HELD_BY_OTHERS): _done(_S.PEND),
    (_A.SINGLESTEP, _T.JOB_STOPPED): _done(_S.DROP_STOP, _S.PEND),
    (_A.SINGLESTEP, _T.DEATH): _GONE,
    (_A.SINGLESTEP, _T.DEAD): _GONE,
    (_A.SINGLESTEP, _T.DETACHED): _DETACHED,
    (_A.BLOCKSTEP, _T.RUNNING): _done(_S.DROP_STOP, _S.PEND, _S.ATTEND),
    (_A.BLOCKSTEP, _T.IN_CALLBACK): _done(_S.DROP_STOP, _S.PEND),
    (_A.BLOCKSTEP, _T.HELD_BY_ME): _done(_S.PEND, _S.DROP_STOP),
    (_A.BLOCKSTEP, _T.HELD_BY_OTHERS): _done(_S.PEND),
    (_A.BLOCKSTEP, _T.JOB_STOPPED): _done(_S.DROP_STOP, _S.PEND),
    (_A.BLOCKSTEP, _T.DEATH): _GONE,
    (_A.BLOCKSTEP, _T.DEAD): _GONE,
    (_A.BLOCKSTEP, _T.DETACHED): _DETACHED,
    (_A.RESUME, _T.RUNNING): _done(_S.DROP_STOP),
    (_A.RESUME, _T.IN_CALLBACK): _done(_S.DROP_STOP),
    (_A.RESUME, _T.HELD_BY_ME): _done(_S.DROP_STOP),
    (_A.RESUME, _T.HELD_BY_OTHERS): _done(),
    (_A.RESUME, _T.JOB_STOPPED): _done(_S.DROP_STOP),
    (_A.RESUME, _T.DEATH): _GONE,
    (_A.RESUME, _T.DEAD): _GONE,
    (_A.RESUME, _T.DETACHED): _DETACHED,
    (_A.DETACH, _T.RUNNING): _done(_S.UNSTEP, _S.UNLINK, _S.ATTEND),
    (_A.DETACH, _T.IN_CALLBACK): _in_progress(_S.UNSTEP, _S.MARK),
    (_A.DETACH, _T.HELD_BY_ME): _done(_S.UNLINK),
    (_A.DETACH, _T.HELD_BY_OTHERS): _done(_S.UNLINK),
    (_A.DETACH, _T.JOB_STOPPED): _done(_S.UNLINK, _S.ATTEND),
    (_A.DETACH, _T.DEATH): _LATE,
    (_A.DETACH, _T.DEAD): _done(_S.UNLINK),
    (_A.DETACH, _T.DETACHED): _DETACHED,
}

NEEDS_QUIESCE: Final = frozenset({_A.REPORT, _A.SINGLESTEP, _A.BLOCKSTEP})
"""Only a quiesce callback makes these robust: without one they are refused."""

_MASKLESS: Final = frozenset({_T.DEAD, _T.DETACHED})


def target_of(engine: Engine) -> Target:
    """Tell where the engine's task stands for it."""
    task = engine.task
    if engine.state is not EngineState.ATTACHED or task.life is TaskLife.REAPED:
        return Target.DETACHED
    if task.life is TaskLife.DEATH:
        return Target.DEATH
    if task.life is TaskLife.DEAD:
        return Target.DEAD
    if task.held:
        return Target.HELD_BY_ME if engine.wants_stop else Target.HELD_BY_OTHERS
    if task.reporting is engine:
        return Target.IN_CALLBACK
    return Target.JOB_STOPPED if task.jctl else Target.RUNNING


def control(engine: Engine, action: ResumeAction) -> Outcome:
    """Change what the task does, for this engine.

    Returns:
        DONE: for STOP, no user instruction runs until this engine lets go or SIGKILL (INV-17);
            for DETACH, no callback to it starts any more (INV-20).
        IN_PROGRESS: for STOP, the task stops before its next user instruction, and a quiesce
            callback tells (INV-18); for DETACH, its callback is running: see `barrier`.

    Raises:
        Misuse: REPORT or a step without QUIESCE in the mask (LB-7: only while that can be told; the
            death report leaves no QUIESCE in any mask).
        TaskGone: the task is dead, or the engine detached.
        TooLate: DETACH during the death report.
    """
    target = target_of(engine)
    if action in NEEDS_QUIESCE and target not in _MASKLESS and not engine.mask & QUIESCE:
        message = f"{action.name} needs QUIESCE among the engine's events"
        raise Misuse(message)
    match CONTROL[action, target]:
        case Go((outcome, steps)):
            for step in steps:
                _take(engine, action, step)
            return outcome
        case Refuse(error, why):
            raise error(why)
        case Never(why):
            raise InvariantViolation(why)


def _take(engine: Engine, action: ResumeAction, step: Step) -> None:
    task = engine.task
    match step:
        case Step.WANT_STOP:
            engine.wants_stop = True
        case Step.DROP_STOP:
            engine.wants_stop = False
            wake_when_unheld(engine)
        case Step.PEND:
            task.pend(ResumeAction.REPORT if action is ResumeAction.STOP else action)
        case Step.UNSTEP:
            if task.pending in STEPS:
                task.pend(ResumeAction.REPORT)
        case Step.ATTEND:
            task.need(Need.ATTENTION)
        case Step.BREAK_IN:
            task.need(Need.INTERRUPT)
        case Step.UNLINK:
            task.unlink(engine, EngineInput.DETACH)
            wake_when_unheld(engine)
        case Step.MARK:
            engine.move(EngineInput.DETACH_WHILE_REPORTING)


def wake_when_unheld(engine: Engine) -> None:
    """Ask for a wake-up if the task is held and nobody wants it so any more (INV-39)."""
    task = engine.task
    if task.held and not task.is_wanted_stopped():
        task.need(Need.WAKE)


def set_events(engine: Engine, mask: int, *, from_callback: bool) -> Outcome:
    """Change what the engine is told of, from the next callback on.

    `from_callback`: the caller is the thread that runs the callbacks, so none can be running
    beside it.

    Returns:
        DONE: no callback excluded by the mask starts or runs any more (INV-21).
        IN_PROGRESS: the mask is in force, but a callback of this engine is running: see `barrier`.

    Raises:
        TaskGone: the engine is detached, or the reap has begun.
        TooLate: the death report has begun, and the change concerns DEATH or QUIESCE (spec 4.2).
        Misuse: a bit that is no event.
    """
    task = engine.task
    if mask & ~ALL_EVENTS:
        message = f"{mask:#x} has bits that are no event"
        raise Misuse(message)
    if target_of(engine) is Target.DETACHED:
        message = "the engine is detached"
        raise TaskGone(message)
    final = DEATH | QUIESCE
    cleared = engine.mask & ~mask
    dead = task.is_dead()
    if (task.life is TaskLife.DEATH and cleared & final) or (dead and mask & ~engine.mask & final):
        message = "the death report has begun"
        raise TooLate(message)
    engine.mask = mask
    before = task.mask
    task.recompute()
    if (task.mask ^ before) & task.mask & SYSCALL and not task.held and not dead:
        task.need(Need.ATTENTION)
    if cleared and not from_callback and not dead and task.reporting is engine:
        return Outcome.IN_PROGRESS
    return Outcome.DONE


def barrier(engine: Engine, *, from_callback: bool) -> Outcome:
    """Tell whether a callback of this engine is running.

    Returns:
        DONE: none is, and all effects of the last one's answer are applied (INV-22).
        IN_PROGRESS: one is; ask again when a callback has ended.

    Raises:
        TaskGone: the engine is detached, or the reap has begun, and no callback of it is running (LB-2).
    """
    if from_callback:
        return Outcome.DONE
    if engine.task.reporting is engine:
        return Outcome.IN_PROGRESS
    if target_of(engine) is Target.DETACHED:
        message = "the engine is detached"
        raise TaskGone(message)
    return Outcome.DONE
