"""Steps over the calls that make tasks and programs: one trap each, right behind the call (INV-25)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.spec_rows import Row, row
from tests.simulation.vocabulary import ENTRY, A, calls, require
from utrace.core.events import Event
from utrace.core.verdicts import ResumeAction, SignalAction, Verdict
from utrace.testing.scripted import Script, look, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from utrace.testing.world import World

_BIRTH: Final = "program main {{\n  {0} {{\n    exit 3\n  }}\n  user 1\n}}\n"
_CALLS: Final = (
    ("fork", _BIRTH.format("fork"), "clone", Event.CLONE),
    ("vfork", _BIRTH.format("vfork"), "clone", Event.CLONE),
    ("thread", _BIRTH.format("thread"), "clone", Event.CLONE),
    ("exec", "program main {\n  exec other\n}\nprogram other {\n  user 2\n}\n", "execve", Event.EXEC),
)
"""What the step is over, a program, the call, and its event."""


def _traps_once(world: World) -> None:
    """Expect one trap, before another instruction has begun."""
    told = calls(world, "A")
    traps = [place for place, entry in enumerate(told) if entry.what == "SIGNAL"]
    require(len(traps) == 1, f"INV-25: {len(traps)} traps of one step", world)
    require(told[traps[0]].steps == told[traps[0] - 1].steps, "INV-25: an instruction ran before", world)


def _stepping(name: str, text: str, call: str, event: Event, action: ResumeAction) -> Iterator[Row]:
    taken = {Event.SIGNAL: [say(Verdict(A.RESUME, signal=SignalAction.IGN), look())]}
    for place, asked in (("entry", ENTRY), ("event", event)):
        yield row(
            0,
            f"{action.name.lower()}_from_{place}_of_{name}",
            text,
            Script(
                "A",
                asked | Event.SIGNAL_CORE,
                {asked: [action], **taken},
                follow=False,
                syscalls=(call,),
            ),
            also=_traps_once,
            runs=4,
            seeds=20,
        )


ROWS_OF_STEPS: Final[tuple[Row, ...]] = tuple(
    each for over in _CALLS for action in (A.SINGLESTEP, A.BLOCKSTEP) for each in _stepping(*over, action)
)
