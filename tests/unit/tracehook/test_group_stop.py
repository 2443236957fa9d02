"""Job control under the engines' eyes."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import doing
from tests.unit.tracehook.rig import ROOT, Rig
from utrace.core.control import control
from utrace.core.events import EXEC, JCTL, QUIESCE
from utrace.core.verdicts import Outcome, ResumeAction
from utrace.kernel.api import Disposition, FactKind
from utrace.tracehook.group_stop import CLD_CONTINUED, CLD_STOPPED, JobControl

GROUP_STOP, TRAP = FactKind.GROUP_STOP, FactKind.TRAP
STOP, REPORT, RESUME = ResumeAction.STOP, ResumeAction.REPORT, ResumeAction.RESUME
INTERRUPT, DETACH = ResumeAction.INTERRUPT, ResumeAction.DETACH
SIGSTOP, SIGTSTP = 19, 20
THREAD = 105


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_group_stop_is_reported_and_listened_in(rig: Rig) -> None:
    seen: list[object] = []
    rig.engine("A", JCTL, jctl=doing(lambda: seen.append(rig.task.occurrence)))
    assert rig.feed(GROUP_STOP, SIGTSTP) == ["A.jctl", "LISTEN"]
    assert seen == [JobControl(CLD_STOPPED, CLD_STOPPED, SIGTSTP)]
    assert rig.task.jctl


def test_a_trap_in_a_group_stop_is_no_new_stop(rig: Rig) -> None:
    rig.engine("A", JCTL)
    rig.feed(GROUP_STOP, SIGSTOP)
    assert rig.feed(GROUP_STOP, SIGSTOP) == ["LISTEN"]


def test_nobody_asking_it_is_listened_in_all_the_same(rig: Rig) -> None:
    rig.engine("A", EXEC)
    assert rig.feed(GROUP_STOP, SIGSTOP) == ["LISTEN"]
    assert rig.feed(TRAP) == ["CONT"]
    assert not rig.task.jctl


def test_the_end_is_reported_once_by_the_first_to_wake(rig: Rig) -> None:
    seen: list[object] = []
    thread = rig.thread(THREAD)
    rig.engine("A", JCTL, jctl=doing(lambda: seen.append(rig.task.occurrence)))
    rig.engine("B", JCTL, of=thread, jctl=doing(lambda: seen.append(thread.task.occurrence)))
    rig.feed(GROUP_STOP, SIGSTOP)
    rig.feed(GROUP_STOP, SIGSTOP, tid=THREAD)
    assert rig.feed(TRAP, tid=THREAD) == [f"{THREAD} B.jctl", f"{THREAD} CONT"]
    assert rig.feed(TRAP) == ["CONT"]
    assert seen == [
        JobControl(CLD_STOPPED, 0, SIGSTOP),
        JobControl(CLD_STOPPED, CLD_STOPPED, SIGSTOP),
        JobControl(CLD_CONTINUED, CLD_CONTINUED),
    ]


def test_a_continue_of_a_running_task_is_no_event(rig: Rig) -> None:
    rig.engine("A", JCTL | QUIESCE)
    assert rig.feed(TRAP) == ["CONT"]


@pytest.mark.law("INV-17")
def test_a_stop_freezes_it_in_place_until_let_go(rig: Rig) -> None:
    engine = rig.engine("A", QUIESCE)
    rig.feed(GROUP_STOP, SIGSTOP)
    assert control(engine, STOP) is Outcome.DONE
    assert rig.settle() == ["interrupt"]
    assert rig.feed(GROUP_STOP, SIGSTOP) == ["held"]
    control(engine, RESUME)
    assert rig.settle() == ["LISTEN"]
    assert rig.task.jctl


@pytest.mark.law("INV-17")
def test_a_continue_that_beats_the_freeze_does_not_let_it_run(rig: Rig) -> None:
    engine = rig.engine("A", QUIESCE)
    rig.feed(GROUP_STOP, SIGSTOP)
    control(engine, STOP)
    rig.settle()
    assert rig.feed(TRAP) == ["held"]
    control(engine, RESUME)
    assert rig.settle() == ["CONT"]


def test_a_freeze_that_was_lifted_before_the_trap_listens_on(rig: Rig) -> None:
    engine = rig.engine("A", QUIESCE)
    rig.feed(GROUP_STOP, SIGSTOP)
    control(engine, STOP)
    control(engine, RESUME)
    rig.settle()
    assert not rig.task.is_wanted_stopped()


@pytest.mark.law("INV-30")
@pytest.mark.parametrize(("action", "callback"), [(REPORT, "quiesce"), (INTERRUPT, "signal")])
def test_what_was_asked_for_in_the_stop_is_served_when_it_ends(
    rig: Rig, action: ResumeAction, callback: str
) -> None:
    engine = rig.engine("A", QUIESCE)
    rig.feed(GROUP_STOP, SIGSTOP)
    control(engine, action)
    assert rig.settle() == []
    assert rig.feed(TRAP) == [f"A.{callback}", "CONT"]


def test_a_stop_answered_to_the_report_holds_in_the_trap(rig: Rig) -> None:
    engine = rig.engine("A", JCTL | QUIESCE, jctl=[STOP])
    assert rig.feed(GROUP_STOP, SIGSTOP) == ["A.quiesce", "A.jctl", "held"]
    control(engine, RESUME)
    assert rig.settle() == ["LISTEN"]


def test_a_kill_in_that_stop_is_worked_on(rig: Rig) -> None:
    rig.engine("A", JCTL, jctl=STOP)
    rig.feed(GROUP_STOP, SIGSTOP)
    rig.feed(FactKind.EXIT, 9)
    assert rig.task.life.name == "EXITING"
    assert not rig.task.jctl


def test_when_the_last_engine_leaves_here_the_thread_stays_stopped(rig: Rig) -> None:
    rig.engine("A", JCTL, jctl=DETACH)
    assert rig.feed(GROUP_STOP, SIGSTOP) == ["A.jctl", "detach", "over"]


def test_when_the_last_engine_leaves_while_listening_it_is_trapped_for_that(rig: Rig) -> None:
    engine = rig.engine("A", JCTL)
    rig.feed(GROUP_STOP, SIGSTOP)
    control(engine, DETACH)
    assert rig.settle() == ["interrupt"]
    assert rig.feed(GROUP_STOP, SIGSTOP) == ["detach", "over"]


@pytest.mark.parametrize(
    ("asks", "pending", "nudged", "told"),
    [
        (True, True, False, True),
        (True, True, True, True),
        (True, False, False, False),
        (False, True, False, False),
    ],
)
def test_a_sigcont_that_stopped_nothing_is_told_to_who_stops_at_events(
    rig: Rig, asks: bool, pending: bool, nudged: bool, told: bool
) -> None:
    rig.engine("A", QUIESCE).stops_at_events = asks
    rig.kernel.dispositions[ROOT] = Disposition(0, 0, 0, shared=1 << 17 if pending else 0)
    rig.root.nudged = nudged
    assert rig.feed(TRAP) == (["A.quiesce", "CONT"] if told else ["CONT"])
    assert rig.task.notices == told


def test_what_listens_stays_where_it_is_until_it_traps_again(rig: Rig) -> None:
    rig.engine("A", EXEC)
    rig.task.listens = 1
    assert rig.feed(TRAP) == ["LISTEN"]
    assert rig.feed(TRAP) == ["LISTEN"]
    rig.task.listens = 0
    assert rig.feed(TRAP) == ["CONT"]
    assert not rig.task.in_trap


def test_an_interrupt_in_a_stopped_group_that_was_let_run_is_no_new_stop(rig: Rig) -> None:
    rig.engine("A", JCTL | QUIESCE)
    assert rig.feed(GROUP_STOP, SIGSTOP)[-1] == "LISTEN"
    rig.task.jctl = rig.root.listening = False
    rig.root.nudged = True
    assert rig.feed(GROUP_STOP, SIGSTOP) == ["CONT"]
    assert rig.feed(GROUP_STOP, SIGSTOP)[-1] == "LISTEN", "nobody asked for that one"


def test_a_sigcont_is_told_though_an_interrupt_ends_a_lean_run(rig: Rig) -> None:
    rig.engine("A", QUIESCE).stops_at_events = True
    rig.kernel.dispositions[ROOT] = Disposition(0, 0, 0, shared=1 << 17)
    rig.root.nudged = rig.root.lean = True
    assert rig.feed(TRAP) == ["A.quiesce", "CONT"]
