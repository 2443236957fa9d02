"""Forks, vforks and clones: in whichever order the kernel tells."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import doing
from tests.unit.tracehook.rig import ROOT, Rig
from utrace.core.control import control
from utrace.core.events import CLONE, EXEC, QUIESCE, SYSCALL
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import FactKind, Tid

STOP, REPORT, RESUME = ResumeAction.STOP, ResumeAction.REPORT, ResumeAction.RESUME
DETACH = ResumeAction.DETACH
FORK, VFORK, CLONED, TRAP = FactKind.FORK, FactKind.VFORK, FactKind.CLONE, FactKind.TRAP
CHILD = 101
BIRTHS = [FORK, VFORK, CLONED]


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.kernel.parentages[CHILD] = (Tid(CHILD), Tid(ROOT))
    return rig


@pytest.mark.law("INV-5", "INV-29", "INV-32")
@pytest.mark.parametrize("kind", BIRTHS)
def test_parent_first_or_child_first_the_child_starts_after_the_report(kind: FactKind) -> None:
    for child_first in (False, True):
        rig = Rig()
        tgid = ROOT if kind is CLONED else CHILD
        rig.kernel.parentages[CHILD] = (Tid(tgid), Tid(ROOT))
        rig.follow = {"A"}
        rig.engine("A", CLONE)
        if child_first:
            assert rig.feed(TRAP, tid=CHILD) == []
            happened = rig.feed(kind, CHILD)
        else:
            happened = [*rig.feed(kind, CHILD), *rig.feed(TRAP, tid=CHILD)]
        assert happened == ["A.clone", "CONT", f"{CHILD} CONT"]
        child = rig.tracees.by_tid[CHILD]
        assert child.process is rig.root.process if kind is CLONED else child.is_leader()
        assert child.own_child is (kind is CLONED)


@pytest.mark.law("INV-32")
def test_a_birth_is_reported_once(rig: Rig) -> None:
    rig.engine("A", CLONE)
    rig.feed(FORK, CHILD)
    assert rig.feed(FORK, CHILD) == ["CONT"]


def test_the_child_is_shown_while_it_is_reported(rig: Rig) -> None:
    seen: list[object] = []
    rig.engine("A", CLONE, clone=doing(lambda: seen.append(rig.task.cloning)))
    rig.feed(FORK, CHILD)
    assert seen == [rig.tracees.by_tid[CHILD].task]
    assert rig.task.cloning is None


def test_a_child_that_no_engine_follows_is_let_go_at_its_first_stop(rig: Rig) -> None:
    rig.engine("A", EXEC)
    assert rig.feed(FORK, CHILD) == ["CONT"]
    assert rig.feed(TRAP, tid=CHILD) == [f"{CHILD} detach", f"{CHILD} over"]
    assert CHILD not in rig.tracees.by_tid


@pytest.mark.law("INV-5")
def test_an_engine_put_on_the_child_in_its_report_stops_it_before_user_mode(rig: Rig) -> None:
    def put() -> None:
        child = rig.tracees.by_tid[CHILD]
        control(rig.engine("B", QUIESCE, of=child), STOP)

    rig.engine("A", CLONE, clone=doing(put))
    assert rig.feed(FORK, CHILD)[:2] == ["A.clone", "CONT"]
    assert rig.feed(TRAP, tid=CHILD)[-2:] == [f"{CHILD} B.quiesce", f"{CHILD} held"]


def test_a_vforking_parent_stops_here_after_its_child_was_let_go(rig: Rig) -> None:
    rig.follow = {"A"}
    engine = rig.engine("A", CLONE, clone=STOP)
    rig.feed(TRAP, tid=CHILD)
    assert rig.feed(VFORK, CHILD) == ["A.clone", "held", f"{CHILD} CONT"]
    control(engine, RESUME)
    assert rig.settle()[-1] == "CONT"


def test_a_kill_in_that_stop_is_worked_on(rig: Rig) -> None:
    rig.engine("A", CLONE, clone=STOP)
    rig.feed(VFORK, CHILD)
    rig.feed(FactKind.EXIT, 9)
    assert rig.task.life.name == "EXITING"


@pytest.mark.parametrize("kind", [FORK, CLONED])
@pytest.mark.parametrize("syscalls", [True, False])
def test_other_parents_stop_before_user_mode(rig: Rig, kind: FactKind, syscalls: bool) -> None:
    rig.engine("A", CLONE | QUIESCE | (SYSCALL if syscalls else 0), clone=STOP, quiesce=[None, None])
    happened = rig.feed(kind, CHILD)
    assert happened[-2:] == (["A.clone", "SYSCALL"] if syscalls else ["interrupt", "CONT"])
    assert rig.feed(TRAP)[-1] == "held"


def test_when_the_last_engine_leaves_the_parent_is_let_go(rig: Rig) -> None:
    rig.engine("A", CLONE, clone=DETACH)
    assert rig.feed(FORK, CHILD) == ["A.clone", "detach", "over"]


def test_the_end_of_a_vfork_is_no_event(rig: Rig) -> None:
    rig.engine("A", CLONE | QUIESCE)
    assert rig.feed(FactKind.VFORK_DONE, CHILD) == ["CONT"]


def test_children_die_with_the_tracer_if_their_parent_does(rig: Rig) -> None:
    rig.root.exit_kill = True
    rig.engine("A", EXEC)
    rig.feed(FORK, CHILD)
    assert rig.tracees.by_tid[CHILD].exit_kill
