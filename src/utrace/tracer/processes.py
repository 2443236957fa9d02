"""How a session comes by its programs, and how it lets go of them.

Reference: D4; the spec's section 7.1 "attach" and 7.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core import control as core_control
from utrace.core.events import Event
from utrace.core.task_life import Need
from utrace.core.verdicts import ResumeAction
from utrace.errors import NotPermitted, TaskGone
from utrace.kernel.api import SeizeOutcome
from utrace.tracehook.tracee import SYSCALL_REQUEST, Screens
from utrace.tracer.engine import require_callbacks, syscall_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from utrace.kernel.api import Spawn
    from utrace.tracer.loop import LiveTracee, Loop
    from utrace.tracer.ops import EngineOps

SIGKILL: Final = 9


def spawn(
    loop: Loop, program: Spawn, engines: Iterable[EngineOps], *, exit_kill: bool, launched: Callable[[], None]
) -> LiveTracee:
    """Launch a program under engines; in the tracer thread.

    `launched` is called when its execve has succeeded, or it has died.
    """
    engines = list(engines)
    check_ops(engines)
    tid = loop.kernel.spawn(program, exit_kill=exit_kill)
    with loop.entered():
        loop.quiet.clear()
        loop.roots[tid] = None
        loop.launching[tid] = launched
        tracee = loop.tracees.adopt(tid, tid, own_child=True)
        tracee.exit_kill = exit_kill
        tracee.filter, tracee.tapped = program.filter, program.tapped
        tracee.installers = program.installers
        if program.screens is not None:
            asking = [ops for ops in engines if ops.events & Event.SYSCALL]
            tracee.screens = Screens(program.screens, {ops: syscall_numbers(ops.syscalls) for ops in asking})
        tracee.request = SYSCALL_REQUEST
        for ops in engines:
            loop.put(loop.new_engine(tracee, ops), tracee)
        loop.kernel.resume(tid, SYSCALL_REQUEST, 0)
    return tracee


def seize(
    loop: Loop, pid: int, engines: list[EngineOps], *, explain: Callable[[int], str], all_threads: bool = True
) -> LiveTracee:
    """Attach engines to every thread of a running process, or to one; in the tracer thread.

    The list of threads is read again until it is stable: a thread born meanwhile is either in
    it, or its birth is reported by one that is traced already.

    Raises:
        TaskGone: there is no such process, or it ended meanwhile.
        NotPermitted: the kernel refused; the message says why, and what to do.
    """
    check_ops(engines)
    parentage = loop.kernel.parentage(pid)
    tgid = pid if parentage is None else int(parentage[0])
    seen: set[int] = set()
    done: list[LiveTracee] = []
    while True:
        threads = loop.kernel.threads(tgid) if all_threads else [pid]
        new = [int(tid) for tid in threads if tid not in seen]
        if not new:
            break
        seen.update(new)
        for tid in new:
            tracee = _seize_thread(loop, tid, tgid, explain)
            if tracee is None:
                continue
            done.append(tracee)
            with loop.entered():
                for ops in engines:
                    loop.put(loop.new_engine(tracee, ops), tracee)
    if not done:
        raise TaskGone(explain(pid))
    return next((tracee for tracee in done if tracee.tid == pid), done[0])


def _seize_thread(loop: Loop, tid: int, tgid: int, explain: Callable[[int], str]) -> LiveTracee | None:
    known = loop.tracees.by_tid.get(tid)
    if known is not None:
        return known
    own_child = loop.kernel.is_own_child(tid)
    match loop.kernel.seize(tid, exit_kill=False):
        case SeizeOutcome.SEIZED:
            with loop.entered():
                loop.quiet.clear()
                return loop.tracees.adopt(tid, tgid, own_child=own_child)
        case SeizeOutcome.REFUSED:
            raise NotPermitted(explain(tid))
        case SeizeOutcome.ALREADY_OURS | SeizeOutcome.GONE:
            return None


def let_go(loop: Loop, *, kill: bool) -> None:
    """Remove every engine, and kill what was launched to die with the tracer; in any thread."""
    loop.catch_up(for_good=True)
    with loop.entered():
        for tracee in loop.tracees.everyone():
            if kill and tracee.exit_kill and not tracee.task.is_dead():
                loop.kernel.kill(tracee.tid, SIGKILL)
            elif not tracee.exit_kill or not kill:
                for engine in tracee.task.engines:
                    if core_control.target_of(engine) is not core_control.Target.DEATH:
                        core_control.control(engine, ResumeAction.DETACH)
                if not tracee.task.engines:
                    tracee.task.need(Need.ATTENTION)


def check_ops(engines: Iterable[EngineOps]) -> None:
    """Refuse engines that could not be attached, before anything is traced for them.

    Raises:
        Misuse: no callback for an event asked for, or an unknown system call.
    """
    for ops in engines:
        require_callbacks(ops, int(ops.events))
        syscall_numbers(ops.syscalls)
