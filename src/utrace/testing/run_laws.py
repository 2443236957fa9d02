"""What holds of a whole run: who was called, in which order, how often, and how it ended.

Reference: docs/semantics.md; each violation names the law.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from utrace.core.events import CLONE, DEATH, EXIT, NO_EVENT, QUIESCE, REAP, SIGNAL_ALL, SYSCALL_ENTRY, Event
from utrace.core.verdicts import Outcome, ResumeAction

if TYPE_CHECKING:
    from utrace.testing.world import World
    from utrace.tracer.engine import Engine

_SIGNAL: Final = int(Event.SIGNAL)
_LAST_EVENTS: Final = frozenset({DEATH, REAP})


class Violation(AssertionError):
    """A law that a run did not keep."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a run's log.

    Attributes:
        kind: "call", "deed" or "release".
        task: label of the task.
        engine: name of the engine.
        what: the callback, or the deed.
        detail: arguments of the callback; how the deed ended.
        steps: instructions the task had begun in user mode by then.
        event: of a call: the event of the pass.
    """

    kind: str
    task: str
    engine: str
    what: str
    detail: tuple[object, ...]
    steps: int = 0
    event: int = 0

    def __str__(self) -> str:
        words = (self.task, self.engine, self.what, *map(str, self.detail))
        return f"{self.kind:7} {' '.join(word for word in words if word)}"


@dataclass(slots=True)
class _Engine:
    """What is known of one engine on one task, independently of the core."""

    name: str
    label: str
    mask: int
    steadfast: bool = True
    """Never touched from outside: same mask from attach to the end."""
    calls: list[tuple[int, int]] = field(default_factory=list)
    is_in_callback: bool = False
    leaving: bool = False
    """Detached in a callback of its own that has not returned."""
    may_begin: bool = False
    gone: bool = False
    releases: int = 0
    settled_at: int = 0
    """Steps of its task when the loop had seen to the last change of its mask."""


class Ledger:
    """Who is attached where, with which mask, and what was called.

    Attributes:
        handles: by label of the task and name of the engine, the latest.
        masks: of every engine ever seen.
        order: of each task its engines in the order of attaching.
        calls: of each task the callbacks made: place of the engine, callback, event of the pass.
        unsettled: engines whose mask was changed since the loop last waited.
    """

    def __init__(self) -> None:
        self.handles: dict[tuple[str, str], Engine] = {}
        self.masks: dict[Engine, _Engine] = {}
        self.order: dict[str, list[Engine]] = {}
        self.calls: dict[str, list[tuple[int, int, int]]] = {}
        self.unsettled: list[Engine] = []

    def attached(self, engine: Engine, label: str) -> None:
        """Take in an engine."""
        name = str(getattr(engine.client, "name", ""))
        self.handles[label, name] = engine
        order = self.order.setdefault(label, [])
        self.masks[engine] = _Engine(name, label, engine.mask, steadfast=not self.calls.get(label))
        order.append(engine)

    def label_of(self, engine: Engine) -> str:
        """Give the label of the engine's task; "" if it was never seen."""
        known = self.masks.get(engine)
        return "" if known is None else known.label

    def is_leaving(self, engine: Engine) -> bool:
        """Tell whether it was detached already."""
        return self.masks[engine].leaving or self.masks[engine].gone

    def set_mask(self, engine: Engine, mask: int, outcome: Outcome, *, outside: bool) -> None:
        """Note a change of mask.

        Raises:
            Violation: bits were cleared and that was DONE, while a callback of the engine is running.
        """
        known = self.masks[engine]
        known.steadfast = False
        if outside and known.is_in_callback and known.mask & ~mask and outcome is Outcome.DONE:
            raise Violation(f"INV-40: the mask of {engine!r} was cut in its callback, and that was DONE")
        if outcome is Outcome.IN_PROGRESS and engine.task.reporting is not engine:
            raise Violation(
                f"INV-21: the mask of {engine!r} was cut, and that was IN_PROGRESS without a callback"
            )
        known.mask = mask
        self.unsettled.append(engine)

    def barred(self, engine: Engine, outcome: Outcome, *, outside: bool) -> None:
        """Check what a barrier promises.

        Raises:
            Violation: a callback is running.
        """
        if outside and self.masks[engine].is_in_callback and outcome is Outcome.DONE:
            raise Violation(f"INV-22: a callback of {engine!r} runs behind a barrier")
        if outcome is Outcome.IN_PROGRESS and engine.task.reporting is not engine:
            raise Violation(f"LB-2: a barrier waits for {engine!r}, of which no callback runs")

    def detached(self, engine: Engine, outcome: Outcome, *, in_callback: bool) -> None:
        """Note that it was detached: DONE means that no callback begins any more.

        Raises:
            Violation: DONE from inside its callback.
        """
        known = self.masks[engine]
        known.steadfast = False
        if outcome is Outcome.DONE:
            if in_callback:
                raise Violation(f"INV-20: {engine!r} was detached at once, in its own callback")
            known.gone = True
        else:
            known.leaving = True
            # It has begun for the core, which may look at the task before it calls.
            known.may_begin = not known.is_in_callback

    def called(self, engine: Engine, callback: int, event: int) -> None:
        """Check that this callback may begin.

        Raises:
            Violation: it may not.
        """
        known = self.masks[engine]
        if known.gone or (known.leaving and not known.may_begin):
            raise Violation(f"INV-20: {engine!r} is called after it was detached")
        if known.releases:
            raise Violation(f"INV-1: {engine!r} is called after it was released")
        wanted = callback | (SIGNAL_ALL | QUIESCE if callback == _SIGNAL else 0)
        if not known.leaving and not known.mask & wanted:
            raise Violation(f"INV-41: {engine!r} is called for {callback:#x}, its mask is {known.mask:#x}")
        if not known.leaving and callback == _SIGNAL and not known.mask & (event | QUIESCE):
            raise Violation(f"INV-41: {engine!r} is told of {event:#x}, its mask is {known.mask:#x}")
        known.may_begin = False
        known.is_in_callback = True
        known.calls.append((callback, event))
        calls = self.calls.setdefault(known.label, [])
        calls.append((self.order[known.label].index(engine), callback, event))

    def returned(self, engine: Engine) -> None:
        """Note that a callback is about to return."""
        self.masks[engine].is_in_callback = False

    def released(self, engine: Engine) -> None:
        """Check that a release comes once, and while no callback runs.

        Raises:
            Violation: it does not.
        """
        known = self.masks.get(engine)
        if known is None:
            return
        known.releases += 1
        known.gone = True
        if known.releases > 1:
            raise Violation(f"INV-1: {engine!r} is released twice")
        if known.is_in_callback:
            raise Violation(f"INV-1: {engine!r} is released in its callback")


def check_run(world: World) -> None:
    """Check a run that has ended.

    Raises:
        Violation: a law does not hold.
    """
    _check_end(world)
    for engine, known in world.ledger.masks.items():
        if known.releases != 1:
            raise Violation(f"INV-1: {engine!r} was released {known.releases} times")
        _check_last_reports(engine, known)
    for label in world.ledger.order:
        _check_order(world, label)
    _check_births(world)


def _check_end(world: World) -> None:
    if world.kernel.is_anyone_traced():
        raise Violation(f"somebody is still traced at the end\n{world.kernel.describe()}")
    if world.kernel.alive() and not world.scenario.remains:
        raise Violation(f"somebody never ends after all let go\n{world.kernel.describe()}")
    for label, tracee in world.tracees.items():
        task = tracee.task
        if task.held:
            raise Violation(f"INV-39: {label} is still held")
        if task.engines:
            raise Violation(f"engines are left on {label}: {task.engines}")
        if task.pending is not ResumeAction.RESUME:
            raise Violation(f"INV-38: {task.pending} is left pending on {label}")


def _check_last_reports(engine: Engine, known: _Engine) -> None:
    reports = [callback for callback, _ in known.calls]
    last = [callback for callback in reports if callback in {EXIT, DEATH, REAP}]
    if last != sorted(set(last), key=(EXIT, DEATH, REAP).index):
        raise Violation(f"INV-7: {engine!r} got its last reports as {[Event(c).name for c in last]}")
    ended = False
    for callback, event in known.calls:
        if ended and event not in {*_LAST_EVENTS, EXIT}:
            raise Violation(f"INV-33: {engine!r} is told of {Event(event)!r} after EXIT")
        ended = ended or callback == EXIT
    if known.steadfast:
        missing = [bit for bit in (EXIT, DEATH, REAP) if known.mask & bit and bit not in last]
        if missing:
            raise Violation(f"INV-33: {engine!r} was never told of {[Event(bit).name for bit in missing]}")


def _check_order(world: World, label: str) -> None:
    """Check each pass: who was called, in attach order or, at syscall entry, the reverse."""
    if world.scenario.serial:
        return
    ledger = world.ledger
    engines = ledger.order[label]
    passes: list[tuple[int, list[int]]] = []
    for place, _, event in ledger.calls.get(label, ()):
        ahead = -place if event == SYSCALL_ENTRY else place
        if passes and passes[-1][0] == event and passes[-1][1][-1] <= ahead:
            passes[-1][1].append(ahead)
        else:
            passes.append((event, [ahead]))
    for event, called in passes:
        for place, engine in enumerate(engines):
            known = ledger.masks[engine]
            due = known.mask & (QUIESCE | event) and (event != REAP or known.mask & REAP)
            if not known.steadfast or not due or engine.syscalls is not None:
                continue
            if event == NO_EVENT or place in {abs(ahead) for ahead in called}:
                continue
            raise Violation(
                f"INV-4: a pass of {Event(event)!r} on {label} did not call {engine!r} in its turn"
            )


def _check_births(world: World) -> None:
    """Check that each child was reported once to whoever asked (INV-32)."""
    told: dict[tuple[str, str], list[str]] = {}
    for entry in world.log:
        if entry.kind == "call" and entry.what == "CLONE":
            told.setdefault((entry.task, entry.engine), []).append(str(entry.detail[0]))
    for (label, name), children in told.items():
        if len(set(children)) != len(children):
            raise Violation(f"INV-32: {name} was told twice of a child of {label}: {children}")
    for maker, born, traced in world.kernel.births():
        mother = world.tids.get(maker)
        if traced and mother is not None:
            _check_birth(world, mother, born, told)


def _check_birth(world: World, mother: str, born: int, told: dict[tuple[str, str], list[str]]) -> None:
    label = world.tids.get(born)
    if label is None:
        raise Violation(f"INV-32: the child {born} of {mother} was never known")
    for engine in world.ledger.order.get(mother, ()):
        known = world.ledger.masks[engine]
        # Which thread made a child that a kill hid is not known: any of its process may tell.
        if (
            known.steadfast
            and known.mask & CLONE
            and not any(label in children for (_, name), children in told.items() if name == known.name)
        ):
            raise Violation(f"INV-32: {engine!r} was not told of {label}")
