"""When a tracee's system calls may be recorded below, and what is learnt of it afterwards (D6).

Rule of this file: recording is a cache of what the task's record says; whoever changes the record ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import CLONE, DEATH, EXEC, EXIT, REAP, Event
from utrace.core.task_life import TaskLife
from utrace.core.verdicts import ResumeAction
from utrace.tracehook.tracee import CONT_REQUEST, SYSCALL_REQUEST

if TYPE_CHECKING:
    from utrace.kernel.api import Fact
    from utrace.tracehook.tracee import Tracee


def may_record(tracee: Tracee) -> bool:
    """Tell whether a tracee that is about to run on in user mode has nothing else to do.

    Nothing may be pending for it, and it must be resumed the way that shows all calls wanted: by SYSCALL,
    or by CONT where a filter stops exactly those.
    """
    task = tracee.task
    return (
        task.batcher is not None
        and not task.recorded
        and not (tracee.in_syscall or tracee.at_entry or tracee.mend or tracee.handler_due)
        and task.life is TaskLife.ALIVE
        and task.pending is ResumeAction.RESUME
        and tracee.stepping is ResumeAction.RESUME
        and tracee.abort_result is None
        and not tracee.is_refiltered
        and tracee.request == (SYSCALL_REQUEST if tracee.filter is None else CONT_REQUEST)
        and not task.is_wanted_stopped()
    )


def passes(tracee: Tracee) -> int:
    """Tell at which events a recorded tracee may be let go on before they are told.

    All engines that are to be told must have said that it may come late, and children are to have them all.
    """
    task = tracee.task
    if task.mask & REAP or any(engine.stops_at_events for engine in task.engines):
        return 0
    told = 0
    follow = True
    for engine in task.engines:
        told |= engine.mask & ~engine.late
        follow = follow and tracee.kin.follows(engine)
        if engine.mask & _SIGNAL_ALL not in {0, _SIGNAL_ALL}:
            # Which of them it wants follows from what the program does with them when they come.
            told |= _SIGNAL_ALL
    found = 0 if told & CLONE or not follow else CLONE
    found |= 0 if told & EXEC else EXEC
    found |= 0 if told & (EXIT | DEATH) else EXIT
    carries = tracee.carried or tracee.process.carried or tracee.mended is not None
    return found if told & _SIGNAL_ALL or carries else found | _SIGNAL_ALL


def may_be_lean(tracee: Tracee, passed: int) -> bool:
    """Tell whether a recorded tracee of which so much is passed on need not stop at its end.

    It was launched, and is one thread; the kernel lets others' options alone, and tells of threads otherwise.
    """
    alone = len(tracee.process.tracees) == 1
    return alone and tracee.filter is not None and passed & _LIFE == _LIFE


_LIFE: Final = CLONE | EXIT
_SIGNAL_ALL: Final = int(Event.SIGNAL_ALL)


def catch_up(tracee: Tracee, call: Fact | tuple[()] | None) -> None:
    """Learn which system call a recorded tracee is in: (), none; None: as is known."""
    if call is None:
        return
    tracee.at_entry = False
    tracee.signo = 0
    tracee.in_syscall = bool(call)
    in_user_mode = SYSCALL_REQUEST if tracee.filter is None else CONT_REQUEST
    tracee.request = SYSCALL_REQUEST if call else in_user_mode
    if call:
        tracee.entry = call
        tracee.nr = call[2]
        detail = call[3]
        tracee.arch = detail[0] if isinstance(detail, tuple) else 0
