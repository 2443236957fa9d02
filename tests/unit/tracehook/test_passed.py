"""What was passed on of a recorded tracee's life, reported late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.core.backend import doing
from tests.unit.tracehook.rig import ROOT, Rig, siginfo
from utrace.core.events import CLONE, DEATH, EXEC, EXIT, REAP, SYSCALL, Event
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import FactKind, Passed
from utrace.tracehook.recording import passes

if TYPE_CHECKING:
    from utrace.core.engine_life import Engine

SIGNALS = int(Event.SIGNAL_ALL)
LATE = CLONE | EXEC | EXIT | DEATH | SIGNALS
CHILD = 101
SIGCHLD = 17


def late_engine(rig: Rig, name: str = "A", mask: int = LATE | SYSCALL) -> Engine:
    engine = rig.engine(name, mask)
    engine.late = LATE
    rig.follow.add(name)
    return engine


def feed(rig: Rig, kind: FactKind, value: int = 0, detail: object = None) -> list[str]:
    """Feed a late fact; what happened, but for the resumption that the rig makes and the loop does not."""
    happened = rig.feed(FactKind.LATE, value, Passed(int(kind), detail, 5))
    return [what for what in happened if what not in {"CONT", "SYSCALL"}]


@pytest.mark.parametrize("kind", [FactKind.FORK, FactKind.VFORK, FactKind.CLONE])
def test_a_child_is_known_and_followed_as_if_told_in_time(kind: FactKind) -> None:
    rig = Rig()
    late_engine(rig)
    tgid = ROOT if kind is FactKind.CLONE else CHILD
    assert feed(rig, kind, CHILD, tgid) == ["A.clone"]
    child = rig.tracees.by_tid[CHILD]
    assert (child.process.tgid, child.running) == (tgid, True)
    assert [engine.ops for engine in child.task.engines] == [engine.ops for engine in rig.task.engines]


@pytest.mark.law("INV-3")
def test_who_has_not_said_so_is_not_told_late() -> None:
    rig = Rig()
    late_engine(rig)
    rig.engine("B", CLONE | EXEC | SIGNALS)
    assert feed(rig, FactKind.FORK, CHILD, CHILD) == ["A.clone"]
    assert feed(rig, FactKind.EXEC, ROOT, b"true") == ["A.exec"]
    assert feed(rig, FactKind.SIGNAL, SIGCHLD, siginfo(SIGCHLD)) == ["A.signal"]


@pytest.mark.law("INV-7", "INV-33")
def test_ends_are_told_to_all_once_and_in_order() -> None:
    rig = Rig()
    late_engine(rig)
    rig.engine("B", EXIT | DEATH | REAP)
    assert feed(rig, FactKind.EXIT, 3 << 8) == ["A.exit", "B.exit"]
    assert rig.root.exit_status == 3 << 8
    assert feed(rig, FactKind.DEATH, 3 << 8, b"usage") == ["A.death", "B.death", "B.reap", "over"]
    assert rig.root.usage == b"usage"


def test_a_late_report_shows_that_it_is_and_leaves_what_is_pending() -> None:
    rig = Rig()
    seen: list[object] = []
    engine = rig.engine("A", EXEC, exec=doing(lambda: seen.append((rig.task.synthetic, rig.root.told))))
    engine.late = EXEC
    rig.task.pend(ResumeAction.REPORT)
    # It runs: what is pending has it brought to a stop.
    assert feed(rig, FactKind.EXEC, ROOT, b"true") == ["A.exec", "interrupt"]
    assert seen == [(True, Passed(int(FactKind.EXEC), b"true", 5))]
    assert (rig.task.synthetic, rig.root.told) == (False, None)
    assert rig.task.pending is ResumeAction.REPORT


@pytest.mark.parametrize("answer", [ResumeAction.STOP, ResumeAction.DETACH])
def test_a_late_answer_takes_effect_at_the_next_stop(answer: ResumeAction) -> None:
    rig = Rig()
    engine = rig.engine("A", EXEC, exec=answer)
    engine.late = EXEC
    assert feed(rig, FactKind.EXEC, ROOT, b"true") == ["A.exec", "interrupt"]
    expected = ["held"] if answer is ResumeAction.STOP else ["detach", "over"]
    assert rig.feed(FactKind.TRAP) == ["syscall_restart", *expected]


def test_passes_what_all_who_are_told_let_come_late() -> None:
    rig = Rig()
    late_engine(rig)
    assert passes(rig.root) == CLONE | EXEC | EXIT | SIGNALS
    other = rig.engine("B", EXEC)
    assert passes(rig.root) == EXIT | SIGNALS
    rig.follow.add("B")
    assert passes(rig.root) == CLONE | EXIT | SIGNALS
    other.mask = DEATH
    assert passes(rig.root) == CLONE | EXEC | SIGNALS
    other.mask, other.late = int(Event.SIGNAL), SIGNALS
    assert passes(rig.root) == CLONE | EXEC | EXIT


def test_passes_nothing_where_a_reap_is_to_be_told_or_an_engine_stops_at_events() -> None:
    rig = Rig()
    engine = late_engine(rig)
    engine.stops_at_events = True
    assert passes(rig.root) == 0
    engine.stops_at_events = False
    late_engine(rig, "B", REAP)
    rig.task.recompute()
    assert passes(rig.root) == 0
