"""A new program, and a thread that takes over its leader's tid."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import doing
from tests.unit.tracehook.rig import ROOT, Rig
from utrace.core.control import control
from utrace.core.events import DEATH, EXEC, EXIT, QUIESCE, REAP, SYSCALL
from utrace.core.verdicts import ResumeAction
from utrace.errors import TaskGone
from utrace.kernel.api import FactKind
from utrace.tracehook.deaths import DELAYED_LEADER, Death

STOP, RESUME, DETACH = ResumeAction.STOP, ResumeAction.RESUME, ResumeAction.DETACH
EXECED = FactKind.EXEC
THREAD = 105
ALL = EXEC | EXIT | DEATH | REAP


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_exec_is_reported_with_the_engine_still_on(rig: Rig) -> None:
    engine = rig.engine("A", EXEC)
    assert rig.feed(EXECED, ROOT) == ["A.exec", "CONT"]
    assert rig.task.engines == (engine,)


@pytest.mark.parametrize(("mask", "name"), [(QUIESCE, "CONT"), (SYSCALL, "SYSCALL")])
def test_nobody_asking_it_runs_on(rig: Rig, mask: int, name: str) -> None:
    rig.engine("A", mask)
    assert rig.feed(EXECED, ROOT) == [name]


@pytest.mark.law("INV-18")
def test_a_stop_comes_before_the_first_instruction(rig: Rig) -> None:
    engine = rig.engine("A", EXEC, exec=STOP)
    assert rig.feed(EXECED, ROOT) == ["A.exec", "interrupt", "CONT"]
    assert rig.feed(FactKind.TRAP) == ["held"]
    control(engine, RESUME)
    assert rig.settle() == ["CONT"]


def test_a_new_program_is_not_job_stopped(rig: Rig) -> None:
    rig.engine("A", EXEC)
    rig.task.jctl = True
    rig.feed(EXECED, ROOT)
    assert not rig.task.jctl


def test_when_the_last_engine_leaves_the_tracee_is_let_go(rig: Rig) -> None:
    rig.engine("A", EXEC, exec=DETACH)
    assert rig.feed(EXECED, ROOT) == ["A.exec", "detach", "over"]


@pytest.mark.law("INV-6", "INV-7", "INV-33")
@pytest.mark.parametrize("leader_told_exit", [True, False])
def test_by_another_thread_than_the_leader(rig: Rig, leader_told_exit: bool) -> None:
    thread = rig.thread(THREAD)
    leaders = rig.engine("L", ALL)
    threads = rig.engine("T", ALL, of=thread)
    before = rig.task.id
    generation = thread.task.id.generation
    happened = rig.feed(FactKind.EXIT, 9) if leader_told_exit else []
    happened += rig.feed(EXECED, THREAD)
    told = [line for line in happened if "." in line]
    assert told == ["L.exit", "L.death", "L.reap", "T.exec"]
    with pytest.raises(TaskGone):
        control(leaders, RESUME)
    assert rig.tracees.by_tid == {ROOT: thread}
    assert thread.process.tracees == {ROOT: thread}
    assert (thread.tid, thread.task.id.tid, thread.task.id.generation) == (ROOT, ROOT, generation)
    assert thread.task.id != before
    assert thread.is_leader()
    assert threads.task is thread.task
    assert rig.feed(FactKind.EXIT, 0) == ["T.exit", "CONT"]
    assert rig.feed(FactKind.DEATH, 0) == ["T.death", "T.reap", "over"]


@pytest.mark.law("INV-6")
def test_by_another_thread_while_the_leader_is_held_at_exit(rig: Rig) -> None:
    rig.thread(THREAD)
    rig.engine("L", ALL, exit=STOP)
    rig.engine("T", EXEC, of=rig.tracees.by_tid[THREAD])
    assert rig.feed(FactKind.EXIT, 9)[-1] == "held"
    assert [line for line in rig.feed(EXECED, THREAD) if "." in line] == ["L.death", "L.reap", "T.exec"]


@pytest.mark.law("INV-6")
def test_by_a_thread_whose_leader_was_a_zombie_already(rig: Rig) -> None:
    thread = rig.thread(THREAD)
    deaths: list[object] = []
    rig.engine("L", ALL, death=doing(lambda: deaths.append(rig.task.occurrence)))
    rig.engine("T", EXEC, of=thread)
    rig.feed(FactKind.EXIT, 0)
    rig.feed(FactKind.ZOMBIE_LEADER, 0)
    assert [line for line in rig.feed(EXECED, THREAD) if "." in line] == ["L.reap", "T.exec"]
    assert len(deaths) == 1


def test_by_a_thread_of_a_leader_that_is_not_traced(rig: Rig) -> None:
    thread = rig.thread(THREAD)
    rig.tracees.forget(rig.root)
    rig.engine("T", EXEC, of=thread)
    assert rig.feed(EXECED, THREAD) == ["T.exec", "CONT"]
    assert rig.tracees.by_tid == {ROOT: thread}


def test_by_a_thread_that_is_not_traced_ends_the_leader(rig: Rig) -> None:
    rig.engine("L", ALL)
    assert rig.feed(EXECED, THREAD) == ["L.exit", "L.death", "L.reap", "over"]


def test_nobody_is_sent_a_signal_when_the_old_leader_ends(rig: Rig) -> None:
    rig.thread(THREAD)
    seen: list[object] = []
    rig.engine("L", DEATH, death=doing(lambda: seen.append(rig.task.occurrence)))
    rig.feed(FactKind.EXIT, 9)
    rig.feed(EXECED, THREAD)
    assert [death.signal for death in seen if isinstance(death, Death)] == [DELAYED_LEADER]
