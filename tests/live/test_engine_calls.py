"""Calls on engines from other threads: control, set_events, barrier, detach, release, exclusive attach."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.live.recorder import DEADLINE_S, Recorder
from tests.waiting import tracer_pid, wait_for_state, wait_until
from utrace import Answer, Engine, Event, Outcome, ResumeAction, Session, Syscall, Task, errors

if TYPE_CHECKING:
    from tests.conftest import TraceeFactory

pytestmark = pytest.mark.requires("gcc")


class Dwells(Recorder):
    """Stays in each entry callback until it is let out."""

    def __init__(self) -> None:
        super().__init__(Event.SYSCALL_ENTRY)
        self.inside = threading.Event()
        self.out = threading.Event()

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        self.log.append((task.tid, "in"))
        self.inside.set()
        self.out.wait(DEADLINE_S)
        self.log.append((task.tid, "out"))
        return None


@pytest.mark.law("INV-18")
def test_stop_of_a_running_task_is_told_by_a_quiesce_report(tracee: TraceeFactory) -> None:
    program = tracee("spins", "2")
    program.read_line()
    seen = Recorder(Event.QUIESCE)
    with Session() as session:
        task = session.attach(program.pid, engines=[seen])
        engine = task.engine(seen)
        assert engine.control(ResumeAction.STOP) is Outcome.IN_PROGRESS
        seen.wait_for("quiesce 0")
        wait_until(lambda: task.is_held, DEADLINE_S, "the stop")
        # The other thread goes on.
        other = program.threads()[1]
        wait_for_state(other, "R")
        wait_for_state(program.pid, "t")
        assert engine.control(ResumeAction.STOP) is Outcome.DONE
        assert engine.control(ResumeAction.RESUME) is Outcome.DONE
        wait_for_state(program.pid, "R")


def is_gone(engine: Engine) -> bool:
    """Wait for its callback to end; true once it is detached."""
    try:
        return not engine.barrier(DEADLINE_S)
    except errors.TaskGone:
        return True


@pytest.mark.law("LB-6")
def test_stop_without_quiesce_stops_all_the_same(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    seen = Recorder(Event.EXIT)
    with Session() as session:
        task = session.attach(program.pid, engines=[seen])
        engine = task.engine(seen)
        assert engine.control(ResumeAction.STOP) is Outcome.IN_PROGRESS
        with engine.examining(DEADLINE_S) as held:
            assert held.regs.pc
            assert task.is_held
        assert seen.lines() == []
        engine.control(ResumeAction.RESUME)
        wait_for_state(program.pid, "R")


@pytest.mark.parametrize("action", [ResumeAction.REPORT, ResumeAction.SINGLESTEP, ResumeAction.BLOCKSTEP])
def test_report_and_steps_without_quiesce_are_misuse(tracee: TraceeFactory, action: ResumeAction) -> None:
    program = tracee("pauses")
    program.read_line()
    seen = Recorder(Event.EXIT)
    with Session() as session:
        engine = session.attach(program.pid, engines=[seen]).engine(seen)
        with pytest.raises(errors.Misuse):
            engine.control(action)


def test_report_of_a_running_task_is_a_quiesce_report(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    seen = Recorder(Event.QUIESCE)
    with Session() as session:
        engine = session.attach(program.pid, engines=[seen]).engine(seen)
        for count in range(1, 6):
            assert engine.control(ResumeAction.REPORT) is Outcome.DONE
            seen.wait_for("quiesce 0", count)


def test_two_engines_must_both_let_go_of_a_stopped_task(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    one, other = Recorder(Event.QUIESCE), Recorder(Event.QUIESCE)
    with Session() as session:
        task = session.attach(program.pid, engines=[one, other])
        task.engine(one).control(ResumeAction.STOP)
        wait_until(lambda: task.is_held, DEADLINE_S, "the stop")
        assert task.engine(other).control(ResumeAction.STOP) is Outcome.DONE
        task.engine(one).control(ResumeAction.RESUME)
        assert task.is_held
        task.engine(other).detach()
        wait_for_state(program.pid, "R")
        assert not task.is_held


def test_syscall_events_are_added_to_a_blocked_task_and_cleared(tracee: TraceeFactory) -> None:
    program = tracee("asks", "each")
    program.read_line()
    wait_for_state(program.pid, "S")
    seen = Recorder(Event.EXIT | Event.SYSCALL_ENTRY, syscalls={"getppid"})
    seen.events = Event.EXIT
    with Session() as session:
        engine = session.attach(program.pid, engines=[seen]).engine(seen)
        program.write("\n")
        program.read_line()
        assert engine.set_events(Event.EXIT | Event.SYSCALL_ENTRY) is Outcome.DONE

        def asked() -> bool:
            program.write("\n")
            program.read_line()
            return bool(seen.lines())

        # A call may begin before the task has been interrupted to be told.
        wait_until(asked, DEADLINE_S, "an entry")
        assert engine.set_events(Event.EXIT) is Outcome.DONE
        assert engine.events == Event.EXIT
        before = seen.lines()
        asked()
    assert seen.lines() == before
    assert set(before) == {"entry getppid"}


def test_syscall_events_are_added_to_a_task_that_runs_in_user_mode(tracee: TraceeFactory) -> None:
    program = tracee("spins", "4")
    program.read_line()
    seen = Recorder(Event.EXIT)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        for task in session.tasks:
            task.engine(seen).set_events(Event.SYSCALL)
        wait_until(lambda: {tid for tid, _ in seen.log} == set(program.threads()), DEADLINE_S, "all seen")


@pytest.mark.law("INV-40", "INV-22")
def test_clearing_events_during_a_callback_is_in_progress_and_barrier_waits(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    dwells = Dwells()
    with Session() as session:
        engine = session.attach(program.pid, engines=[dwells]).engine(dwells)
        assert dwells.inside.wait(DEADLINE_S)
        assert engine.set_events(Event(0)) is Outcome.IN_PROGRESS
        assert engine.barrier(timeout_s=0.05) is False
        dwells.out.set()
        assert engine.barrier(DEADLINE_S) is True
        assert dwells.lines() == ["in", "out"]
        # Nothing that the mask excludes is called any more.
        assert engine.set_events(Event(0)) is Outcome.DONE
        wait_for_state(program.pid, "R")
        assert dwells.lines() == ["in", "out"]


@pytest.mark.law("INV-22", "INV-1")
def test_detach_during_a_callback_is_in_progress_and_barrier_waits_for_it(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    dwells = Dwells()
    with Session() as session:
        engine = session.attach(program.pid, engines=[dwells]).engine(dwells)
        assert dwells.inside.wait(DEADLINE_S)
        assert engine.detach() is Outcome.IN_PROGRESS
        assert engine.barrier(timeout_s=0.05) is False
        assert dwells.released == []
        dwells.out.set()
        wait_until(lambda: is_gone(engine), DEADLINE_S, "its leaving")
        wait_until(lambda: dwells.released == [engine], DEADLINE_S, "the release")
        wait_until(lambda: tracer_pid(program.pid) == 0, DEADLINE_S, "letting go")
    assert dwells.lines() == ["in", "out"]
    assert dwells.released == [engine]


def test_barrier_inside_a_callback_returns_at_once(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    answers: list[bool] = []

    class Asks(Recorder):
        def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
            answers.append(task.engine(self).barrier())
            return ResumeAction.DETACH

    with Session() as session:
        session.attach(program.pid, engines=[Asks(Event.SYSCALL_ENTRY)])
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert session.faults == []
    assert answers == [True]


@pytest.mark.law("INV-1")
def test_every_engine_is_released_once(tracee: TraceeFactory) -> None:
    program = tracee("makes", "repeat")
    program.read_line()
    seen = Recorder(Event.CLONE)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        seen.wait_for("clone", 50)
        session.close()
    assert len(seen.released) >= 50
    assert len(set(map(id, seen.released))) == len(seen.released)


@pytest.mark.law("INV-2")
def test_stale_handles_raise_task_gone() -> None:
    seen = Recorder(Event.REAP)
    with Session() as session:
        task = session.spawn(["/bin/true"], engines=[seen])
        session.run(timeout_s=DEADLINE_S)
        wait_until(lambda: seen.released, DEADLINE_S, "the release")
        engine = seen.released[0]
        for action in ResumeAction:
            with pytest.raises(errors.TaskGone):
                engine.control(action)
        for call in (
            lambda: engine.set_events(Event.EXIT),
            engine.barrier,
            engine.prepare_examine,
            engine.detach,
            lambda: task.attach(seen),
            lambda: task.regs,
        ):
            with pytest.raises(errors.TaskGone):
                call()
        with pytest.raises(errors.NoSuchEngine):
            task.engine(seen)
        assert not task.is_alive
        assert task.memory.read(0x400000, 8) == b""


def test_detached_engine_of_a_living_task_raises_task_gone(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    one, other = Recorder(Event.EXIT), Recorder(Event.EXIT)
    with Session() as session:
        task = session.attach(program.pid, engines=[one, other])
        engine = task.engine(one)
        assert engine.detach() is Outcome.DONE
        with pytest.raises(errors.TaskGone):
            engine.detach()
        with pytest.raises(errors.NoSuchEngine):
            task.engine(one)
        assert task.engines == [other]
        assert tracer_pid(program.pid)


def test_exclusive_attach_refuses_beside_another(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    one, other = Recorder(Event.EXIT, name="one"), Recorder(Event.EXIT, name="other")
    with Session() as session:
        task = session.attach(program.pid, engines=[one])
        with pytest.raises(errors.EngineExists):
            task.attach(other, exclusive=True)
        with pytest.raises(errors.EngineExists):
            task.attach(other, exclusive=lambda ops: isinstance(ops, Recorder) and ops.name == "one")
        task.attach(other, exclusive=lambda ops: isinstance(ops, Recorder) and ops.name == "other")
        assert task.engines == [one, other]


def test_attach_stopped_stops(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    first, second = Recorder(Event.EXIT), Recorder(Event.QUIESCE)
    with Session() as session:
        task = session.attach(program.pid, engines=[first])
        engine = task.attach(second, stopped=True)
        wait_until(lambda: task.is_held, DEADLINE_S, "the stop")
        second.wait_for("quiesce 0")
        engine.detach()
        wait_for_state(program.pid, "R")


@pytest.mark.law("INV-26")
def test_attaches_from_many_threads_at_once_give_that_many_engines(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    engines = [Recorder(Event.SYSCALL_ENTRY) for _ in range(8)]
    with Session() as session:
        task = session.attach(program.pid, engines=[])
        start = threading.Barrier(len(engines))

        def attach(ops: Recorder) -> None:
            start.wait(DEADLINE_S)
            task.attach(ops)

        threads = [threading.Thread(target=attach, args=(ops,)) for ops in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
        assert sorted(map(id, task.engines)) == sorted(map(id, engines))
        wait_until(lambda: all(ops.log for ops in engines), DEADLINE_S, "all called")


@pytest.mark.law("INV-46")
def test_callback_detaches_another_engine_which_is_skipped(tracee: TraceeFactory) -> None:
    program = tracee("asks", "each")
    program.read_line()
    victim = Recorder(Event.SYSCALL_EXIT, syscalls={"getppid"})
    found: list[Engine] = []

    class Detaches(Recorder):
        def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
            if victim in task.engines:
                found.append(task.engine(victim))
                found[0].detach()
            return super().report_syscall_exit(task, call)

    first = Detaches(Event.SYSCALL_EXIT, syscalls={"getppid"})
    with Session() as session:
        session.attach(program.pid, engines=[first, victim])
        for _ in range(2):
            program.write("\n")
            program.read_line()
        first.wait_for("return", 2)
        wait_until(lambda: victim.released == found, DEADLINE_S, "the release")
    assert victim.log == []


def test_engine_detaches_itself_by_its_answer(tracee: TraceeFactory) -> None:
    program = tracee("asks", "each")
    program.read_line()

    class Leaves(Recorder):
        def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
            super().report_syscall_exit(task, call)
            return ResumeAction.DETACH

    leaves = Leaves(Event.SYSCALL_EXIT, syscalls={"getppid"})
    with Session() as session:
        session.attach(program.pid, engines=[leaves])
        program.write("\n")
        program.read_line()
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert tracer_pid(program.pid) == 0
        program.write("\n")
        program.read_line()
    assert len(leaves.log) == 1


def test_calls_after_close_raise_task_gone(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    session = Session()
    seen = Recorder(Event.EXIT)
    task = session.attach(program.pid, engines=[seen])
    engine = task.engine(seen)
    session.close()
    session.close()
    for call in (engine.detach, lambda: task.regs, lambda: session.attach(program.pid)):
        with pytest.raises(errors.TaskGone):
            call()
