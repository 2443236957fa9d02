"""Registers and memory of held tasks, from other threads; and what becomes of it when they are killed."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.live.recorder import DEADLINE_S, Recorder
from tests.waiting import wait_until
from utrace import Event, ResumeAction, Session, errors

if TYPE_CHECKING:
    from tests.conftest import TraceeFactory

pytestmark = pytest.mark.requires("gcc")


def test_memory_is_read_and_written_while_held(tracee: TraceeFactory) -> None:
    program = tracee("maps")
    text, _, _ = map(int, program.read_line().split())
    seen = Recorder(Event.QUIESCE)
    with Session() as session:
        engine = session.attach(program.pid, engines=[seen]).engine(seen)
        engine.control(ResumeAction.STOP)
        with engine.examining(DEADLINE_S) as task:
            assert task.memory.cstring(text) == b"as it was"
            assert task.memory[text : text + 5] == b"as it"
            task.memory[text : text + 5] = b"so he"
        engine.control(ResumeAction.RESUME)
        program.write("\n")
        assert program.read_line() == "so he was"


def test_memory_that_may_not_be_written_by_the_program_is_written(tracee: TraceeFactory) -> None:
    program = tracee("maps")
    _, read_only, _ = map(int, program.read_line().split())
    with Session() as session:
        task = session.attach(program.pid, engines=[Recorder(Event.EXIT)])
        task.memory.write(read_only, b"B")
        assert task.memory.read(read_only, 2) == b"BA"


def test_memory_ends_where_it_is_not_mapped(tracee: TraceeFactory) -> None:
    program = tracee("maps")
    _, _, last = map(int, program.read_line().split())
    end = last + 4096
    with Session() as session:
        memory = session.attach(program.pid, engines=[Recorder(Event.EXIT)]).memory
        assert memory.read(end - 3, 100) == b"AAA"
        assert memory.read(end, 8) == b""
        assert memory.read(0, 8) == b""
        assert memory.read_cstring(end - 5) == (b"AAAAA", False)
        assert memory.read_cstring(last, limit=10) == (b"A" * 10, False)
        for call in (
            lambda: memory.read_exact(end - 3, 4),
            lambda: memory.cstring(end - 5),
            lambda: memory.cstring(last, limit=10),
            lambda: memory.write(end - 3, b"long"),
            lambda: memory.write(0, b"x"),
            lambda: memory[0:4],
        ):
            with pytest.raises(errors.BadAddress):
                call()
        assert memory.read(end - 3, 3) == b"lon"


@pytest.mark.requires("x86-64")
def test_registers_are_read_and_changed_while_held(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    seen = Recorder(Event.QUIESCE)
    with Session() as session:
        task = session.attach(program.pid, engines=[seen])
        engine = task.engine(seen)
        with pytest.raises(errors.TaskGone):
            _ = task.regs
        engine.control(ResumeAction.STOP)
        with engine.examining(DEADLINE_S):
            registers = before = task.regs
            values = registers.as_dict()
            assert values["rip"] == registers.pc
            assert task.memory.read(registers.sp, 8)
            changed = type(registers).from_bytes(registers.to_bytes())
            changed.pc = registers.pc + 1
            task.regs = changed
            assert task.regs.pc == before.pc + 1
            task.regs = before
            assert task.regs == before
        engine.control(ResumeAction.RESUME)


def test_examination_needs_the_wish_to_stop(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    seen = Recorder(Event.QUIESCE)
    with Session() as session:
        engine = session.attach(program.pid, engines=[seen]).engine(seen)
        with pytest.raises(errors.Misuse):
            engine.prepare_examine(DEADLINE_S)


@pytest.mark.law("INV-23")
def test_examination_of_a_task_that_is_killed_is_disturbed(tracee: TraceeFactory) -> None:
    for _ in range(10):
        program = tracee("spins", "2")
        program.read_line()
        seen = Recorder(Event.QUIESCE)
        with Session() as session:
            engine = session.attach(program.pid, engines=[seen]).engine(seen)
            engine.control(ResumeAction.STOP)
            examiner = engine.prepare_examine(DEADLINE_S)
            program.signal(signal.SIGKILL)
            with pytest.raises((errors.Disturbed, errors.TaskGone)):
                engine.finish_examine(examiner)
            assert session.run(timeout_s=DEADLINE_S) == 0


@pytest.mark.law("INV-23")
def test_examination_of_a_task_that_was_let_go_is_disturbed(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    seen = Recorder(Event.QUIESCE)
    with Session() as session:
        task = session.attach(program.pid, engines=[seen])
        engine = task.engine(seen)
        engine.control(ResumeAction.STOP)
        examiner = engine.prepare_examine(DEADLINE_S)
        engine.control(ResumeAction.RESUME)
        wait_until(lambda: not task.is_held, DEADLINE_S, "its going on")
        engine.control(ResumeAction.STOP)
        wait_until(lambda: task.is_held, DEADLINE_S, "the second stop")
        with pytest.raises(errors.Disturbed):
            engine.finish_examine(examiner)
