"""How one callback is called, and what becomes of one that raises.

Rules of this file:

1. `Loop.feed` calls, without the session's lock: other threads may call `control` meanwhile.
2. One engine's failure is never another's (D11): it is logged, kept in `Loop.faults`, and ends that
   engine, or the session, as the session's `on_engine_fault` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import (
    CLONE,
    DEATH,
    EXEC,
    EXIT,
    JCTL,
    QUIESCE,
    REAP,
    SYSCALL_ENTRY,
    SYSCALL_EXIT,
    Event,
)
from utrace.core.verdicts import Answer, ResumeAction, Verdict
from utrace.errors import EngineFault, Misuse, invariant
from utrace.kernel.api import Fact, FactKind
from utrace.tracehook.deaths import Death
from utrace.tracehook.group_stop import JobControl
from utrace.tracer.log import log
from utrace.tracer.signal import SignalReport
from utrace.tracer.syscall import Syscall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from utrace.tracer.engine import Engine
    from utrace.tracer.loop import LiveTracee

_NO_ENTRY: Final[Fact] = (0, int(FactKind.SYSCALL_ENTRY), -1, (0,) * 9)
_SIGCHLD: Final = 17
_VFORK_FLAGS: Final = 0x4000 | 0x100 | _SIGCHLD
_UNKNOWN_FLAGS: Final = -1
_CLONE_NUMBERS: Final = {0xC000003E: (56, 435), 0x40000003: (120, 435), 0xC00000B7: (220, 435)}


def _quiesce(engine: Engine, tracee: LiveTracee) -> Answer:
    return engine.client.report_quiesce(tracee.handle, Event(tracee.task.event))


def _clone(engine: Engine, tracee: LiveTracee) -> Answer:
    child = tracee.task.cloning
    invariant(child is not None, "a CLONE report has a child", tracee=tracee.tid)
    if child is None:
        return None
    return engine.client.report_clone(tracee.handle, engine.loop.task_of(child), _clone_flags(tracee))


def _exec(engine: Engine, tracee: LiveTracee) -> Answer:
    return engine.client.report_exec(tracee.handle)


def _exit(engine: Engine, tracee: LiveTracee) -> Answer:
    return engine.client.report_exit(tracee.handle, tracee.exit_status or 0)


def _death(engine: Engine, tracee: LiveTracee) -> Answer:
    what = tracee.task.occurrence
    invariant(isinstance(what, Death), "a DEATH report is about a death", tracee=tracee.tid)
    if not isinstance(what, Death):
        return None
    return engine.client.report_death(tracee.handle, what.group_dead, what.signal)


def _reap(engine: Engine, tracee: LiveTracee) -> Answer:
    engine.client.report_reap(tracee.handle)
    return None


def _syscall_entry(engine: Engine, tracee: LiveTracee) -> Answer:
    handle = tracee.handle
    call = handle.call
    if call is None or call.fact is not tracee.entry:
        call = handle.call = Syscall(handle, tracee.entry or _NO_ENTRY)
    if tracee.task.resumed:
        call.look_again()
    return engine.entry(handle, call)


def _syscall_exit(engine: Engine, tracee: LiveTracee) -> Answer:
    handle = tracee.handle
    call = handle.call
    if call is None or call.fact is not tracee.entry:
        call = handle.call = Syscall(handle, tracee.entry or _NO_ENTRY)
    if call.returned is None:
        fact = tracee.task.occurrence
        call.finish(fact[2] if type(fact) is tuple else 0)
    return engine.exit(handle, call)


def _signal(engine: Engine, tracee: LiveTracee) -> Answer:
    return engine.client.report_signal(tracee.handle, SignalReport(tracee.task))


def _jctl(engine: Engine, tracee: LiveTracee) -> Answer:
    what = tracee.task.occurrence
    invariant(isinstance(what, JobControl), "a JCTL report is about job control", tracee=tracee.tid)
    if not isinstance(what, JobControl):
        return None
    return engine.client.report_jctl(tracee.handle, what)


CALLBACKS: Final[Mapping[int, Callable[[Engine, LiveTracee], Answer]]] = {
    QUIESCE: _quiesce,
    REAP: _reap,
    CLONE: _clone,
    EXEC: _exec,
    EXIT: _exit,
    DEATH: _death,
    SYSCALL_ENTRY: _syscall_entry,
    SYSCALL_EXIT: _syscall_exit,
    int(Event.SIGNAL): _signal,
    JCTL: _jctl,
}


def check_answer(answer: object) -> None:
    """Refuse what is no answer.

    Raises:
        Misuse: it is none.
    """
    if isinstance(answer, ResumeAction):
        return
    if not isinstance(answer, Verdict):
        message = f"a callback answers None, a ResumeAction or a Verdict, not {answer!r}"
        raise Misuse(message)


def fault(engine: Engine, tracee: LiveTracee, error: BaseException) -> Answer:
    """Decide what a callback that raised has answered: DETACH."""
    name = "report_" + (Event(tracee.task.callback).name or "").lower()
    who = f"{type(engine.client).__name__}.{name} on task {tracee.tid}"
    log().error("engine fault: %s raised %s: %s", who, type(error).__name__, error, exc_info=error)
    report = EngineFault(f"{who} raised {type(error).__name__}: {error}")
    report.__cause__ = error
    engine.loop.note_fault(report, vital=engine.client.vital)
    return ResumeAction.DETACH


def _clone_flags(tracee: LiveTracee) -> int:
    """Read the flags of the call that made a child; -1 if they cannot be read."""
    occurrence = tracee.task.occurrence
    kind = occurrence[1] if type(occurrence) is tuple else 0
    if tracee.task.synthetic:
        return _UNKNOWN_FLAGS
    call = tracee.handle.read_call()
    if call is None:
        return _UNKNOWN_FLAGS
    arch, nr, args = call
    clone, clone3 = _CLONE_NUMBERS.get(arch, (0, 0))
    if nr == clone:
        return args[0]
    if nr == clone3:
        data = tracee.handle.memory.read(args[0], 40)
        if len(data) < 40:
            return _UNKNOWN_FLAGS
        return int.from_bytes(data[:8], "little") | int.from_bytes(data[32:40], "little")
    return _VFORK_FLAGS if kind == FactKind.VFORK else _SIGCHLD
