"""`utrace who`: which tasks are held, by which engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.cli.console import complain, plain, put
from utrace.cli.options.grammar import natural
from utrace.tracer.roster import ask_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.tracer.roster import EngineEntry, TaskEntry

_HELP = """\
Usage: utrace who [PID]

Tell which tasks the `utrace run` sessions of this user hold, and which engines are on each, in the order
of their attaching: who they are, what they asked for, and which of them keep the task stopped, and where.
Of a task that sleeps in a system call, which call that is.
With PID only the tasks of that process.  The exit status is 1 if there is none to tell of.
"""


def main(words: Sequence[str]) -> int:
    """Run `utrace who` with these arguments."""
    if words and words[0] in {"-h", "--help"}:
        return put(_HELP)
    wanted = natural(words[0]) if words else None
    if len(words) > 1 or (words and wanted is None):
        return complain("utrace who: one process id at most (try 'utrace who --help')")
    try:
        told = [
            _lines(session, task)
            for session, tasks in ask_all()
            for task in tasks
            if wanted in {None, task.pid, task.tid}
        ]
    except OSError as error:
        return complain(f"utrace who: {error.filename or 'a session'}: {error.strerror or error}")
    if not told:
        what = "nothing" if wanted is None else f"no task of process {wanted}"
        return complain(f"utrace who: {what} is held by a session of this user")
    return put(plain("".join(told)))


def _lines(session: int, task: TaskEntry) -> str:
    where = f"sleeps in {task.call}" if task.call else task.state
    head = f"{task.tid} ({task.name}) of process {task.pid}, {where}, session {session}\n"
    return head + "".join(
        f"    {place}. {engine.name}{_stop(engine)}  [{engine.events}]\n"
        for place, engine in enumerate(task.engines, 1)
    )


def _stop(engine: EngineEntry) -> str:
    stop = f" in {engine.stop}" if engine.stop else ""
    return f"  keeps it stopped{stop}" if engine.wants_stop else ""
