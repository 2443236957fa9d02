"""What may happen in a run, as data: programs, engines, and those who interfere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.testing import guest
from utrace.testing.conditions import Condition, parse_conditions
from utrace.testing.guest_text import parse_programs
from utrace.tracehook.tracees import WhenBlocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.testing.scripted import Deed, Script
    from utrace.testing.world import World

Expectation: TypeAlias = "Callable[[World], None]"


@dataclass(frozen=True)
class Outsider:
    """Somebody outside of every callback, who does things at moments that the scheduler chooses.

    Attributes:
        name: one word.
        deeds: what is done, in order.
        when: what has to be so before the first deed: "" for nothing; "wants A" or "holds A": engine A
            wants the task stopped, and its callback is not running, or the task stands still for it;
            "stopped", "asleep": job control has stopped the task, or it sleeps in a call; "told",
            "exiting", "zombie": its engines have been told that job control stopped it, its EXIT
            was reported, or it is known to be dead; "after NAME": that outsider has done everything.
            Several are joined by ", "; " on m.1" behind one names another task.
        times: how often all of it can be done.
        on: the task that `when` is about.
    """

    name: str
    deeds: tuple[Deed, ...]
    when: str = ""
    times: int = 1
    on: str = "m"

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What `when` says."""
        return parse_conditions(self.when, self.on)


@dataclass(frozen=True)
class Scenario:
    """What may happen; a scheduler makes runs of it.

    Attributes:
        name: one word.
        text: guest programs (`guest_text`); "main" is run.
        engines: in attach order.
        outsiders: those who interfere.
        expect: what has to be so at the end of every run; raises `Violation`.
        attached: the program runs already and is a child of somebody else; otherwise it is launched.
        marked: it is launched, and the engines come once it is about to make its first own step; before,
            nobody outside acts.  So it is on Linux, too (`usher`).
        atomic: nobody moves between a stop and the tracer's answer to it: far fewer runs, but none in
            which the tracee is killed in between.
        hasty: callbacks take no time: nobody acts while one runs.
        serial: passes stop after each engine that wants it.
        remains: some task may be left that neither runs nor ends.
        blocked: what is done about tasks that sleep in a call.
        moves_max: moves that a run may take.
    """

    name: str
    text: str
    engines: tuple[Script, ...]
    outsiders: tuple[Outsider, ...] = ()
    expect: Expectation | None = None
    attached: bool = True
    marked: bool = False
    atomic: bool = True
    hasty: bool = False
    serial: bool = False
    remains: bool = False
    blocked: WhenBlocked = WhenBlocked.AUTO
    moves_max: int = 5_000

    @property
    def programs(self) -> guest.Programs:
        """The guest programs, parsed; if it is marked, "main" begins with the mark."""
        key = (self.text, self.marked)
        found = _PARSED.get(key)
        if found is None:
            programs = parse_programs(self.text)
            if self.marked:
                programs["main"] = (_MARK, *programs["main"])
            found = _PARSED[key] = programs
        return found

    @property
    def digest(self) -> str:
        """Name everything that the choices of a run depend on: twelve hexadecimal digits."""
        shown = (
            guest.digest(self.programs),
            *(
                (script.name, int(script.events), script.follow, script.attached, _shown(script))
                for script in self.engines
            ),
            *((o.name, tuple(map(str, o.deeds)), o.when, o.times, o.on) for o in self.outsiders),
            (self.attached, self.atomic, self.hasty, self.serial, self.blocked.name),
            *(("marked",) if self.marked else ()),
        )
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:12]


_PARSED: Final[dict[tuple[str, bool], guest.Programs]] = {}
_MARK: Final = guest.Syscall(str(guest.MARKER), result=-38)


def _shown(script: Script) -> list[str]:
    answers = script.answers or {}
    return [f"{int(event)} {answers[event]}" for event in sorted(answers, key=int)]
