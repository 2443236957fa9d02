"""Combined scenarios, line 14: engines leave in each kind of callback, and from tasks not yet reaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.spec_rows import STOP, TASKS, Row, frees, row
from tests.simulation.vocabulary import ENTRY, EXIT, LIFE, SIGCONT, A, Q, calls, outsider, require
from utrace.core.events import Event
from utrace.testing.scripted import BEFORE_USER_MODE, Script, control, detach, kill, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from utrace.testing.scenario import Outsider
    from utrace.testing.world import World

_CONTINUES: Final = outsider("continues", kill(SIGCONT), when="told")
_CALL: Final = "program main {\n  syscall sched_yield\n}\n"
_SELF: Final = "program main {{\n  {0}\n  kill self {1}\n}}\n"
_KINDS: Final = (
    ("quiesce", Event.QUIESCE, Event.QUIESCE, _CALL, ()),
    ("report", BEFORE_USER_MODE, Event.QUIESCE, _CALL, ()),
    ("clone", Event.CLONE, Event.CLONE, "program main {\n  fork {\n    exit 1\n  }\n  wait\n}\n", ()),
    ("exec", Event.EXEC, Event.EXEC, "program main {\n  exec other\n}\nprogram other {\n  exit 2\n}\n", ()),
    ("exit", Event.EXIT, Event.EXIT, _CALL, ()),
    ("death", Event.DEATH, Event.DEATH, _CALL, ()),
    ("reap", Event.REAP, Event.REAP, _CALL, ()),
    ("entry", ENTRY, ENTRY, _CALL, ()),
    ("return", EXIT, EXIT, _CALL, ()),
    ("handler", Event.SIGNAL, Event.SIGNAL, _SELF.format("handle SIGUSR1 {\n    user 1\n  }", "SIGUSR1"), ()),
    ("ignored", Event.SIGNAL, Event.SIGNAL_IGN, _SELF.format("ignore SIGUSR1", "SIGUSR1"), ()),
    ("stop", Event.SIGNAL, Event.SIGNAL_STOP, _SELF.format("user 1", "SIGSTOP"), (_CONTINUES,)),
    ("term", Event.SIGNAL, Event.SIGNAL_TERM, _SELF.format("user 1", "SIGTERM"), ()),
    ("core", Event.SIGNAL, Event.SIGNAL_CORE, _SELF.format("user 1", "SIGQUIT"), ()),
    ("jctl", Event.JCTL, Event.JCTL, _SELF.format("user 1", "SIGSTOP"), (_CONTINUES,)),
)
"""What the callback is called here, its key in a script, what to ask for, a program that comes to it."""

_CHILD: Final = "program main {\n  fork {\n    exit 3\n  }\n  syscall sched_yield\n  wait\n}\n"


def _leaving(key: Event, asked: Event, text: str, by: tuple[Outsider, ...], name: str) -> Row:
    """Have A leave in a callback of that kind; B, behind it, goes on being told."""
    first = {key: [A.DETACH]}
    if key is BEFORE_USER_MODE:
        # A report has to be asked for first.
        first[EXIT] = [A.REPORT]
        asked |= EXIT
    return row(
        14,
        f"leave_in_{name}",
        text,
        Script("A", asked | Event.REAP, first, follow=False, syscalls=("sched_yield",)),
        Script("B", asked | LIFE, follow=False, syscalls=("sched_yield",)),
        by=by,
        also=_left_in((key.name or "REPORT") if key else "REPORT"),
    )


def _left_in(callback: str) -> Callable[[World], None]:
    """Expect that the callback in which A leaves is its last, and that it is released once."""

    def expect(world: World) -> None:
        told = [entry.what for entry in calls(world, "A")]
        require(told and told[-1] == callback, f"A left in {callback}, and its last was {told[-1:]}", world)
        released = [entry for entry in world.log if entry.kind == "release" and entry.engine == "A"]
        require(len(released) == 1, "A was not released once", world)

    return expect


def _rows() -> Iterator[Row]:
    for name, key, asked, text, by in _KINDS:
        yield _leaving(key, asked, text, by, name)


ROWS_OF_DETACHING: Final[tuple[Row, ...]] = (
    *_rows(),
    row(
        14,
        "leave_a_zombie_from_outside",
        _CHILD,
        Script("A", LIFE),
        Script("B", ENTRY, {ENTRY: [STOP]}, follow=False, syscalls=("sched_yield",)),
        by=(frees("B", detach("A", "m.1"), when="holds B, zombie on m.1"),),
        guaranteed=TASKS,
    ),
    row(
        14,
        "leave_a_zombie_in_a_callback",
        _CHILD,
        Script("A", LIFE),
        Script(
            "B",
            Q | ENTRY,
            {ENTRY: [STOP, say(None, detach("A", "m.1"))]},
            follow=False,
            syscalls=("sched_yield",),
        ),
        by=(outsider("frees B", control("B", A.REPORT, "m"), when="holds B, zombie on m.1"),),
        guaranteed=TASKS,
    ),
    row(
        14,
        "leave_before_death_is_told",
        _CALL,
        Script("A", LIFE, {Event.EXIT: [say(None, detach("B"))], Event.DEATH: [say(None, detach("C"))]}),
        Script("B", LIFE),
        Script("C", LIFE),
    ),
)
