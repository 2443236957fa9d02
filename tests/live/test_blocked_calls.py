"""Tracing does not make blocking calls fail (DEC-4): the program sees no EINTR that is our doing."""

from __future__ import annotations

import errno
import signal
from typing import TYPE_CHECKING, Final, Literal

import pytest

from tests.live.recorder import DEADLINE_S, Recorder
from tests.waiting import tracer_pid, wait_for_state, wait_until
from utrace import Event, ResumeAction, Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import TraceeFactory
    from tests.tracees import Tracee

pytestmark = [pytest.mark.requires("gcc"), pytest.mark.law("DEC-4", "INV-19")]

TIMED_OUT: Final[Mapping[str, str]] = {
    "epoll_wait": "0 0 whole",
    "sigtimedwait": f"-1 {errno.EAGAIN} whole",
    "semtimedop": f"-1 {errno.EAGAIN} whole",
    "recv": f"-1 {errno.EAGAIN} whole",
    "nanosleep": "0 0 whole",
    "poll": "0 0 whole",
    "futex": f"-1 {errno.ETIMEDOUT} whole",
}
BLOCK_MS = "900"


@pytest.fixture
def blocked(tracee: TraceeFactory) -> dict[str, Tracee]:
    """One program for each call, blocked in it."""
    programs = {call: tracee("blocks", call, BLOCK_MS) for call in TIMED_OUT}
    for program in programs.values():
        assert program.read_line() == "ready"
    for program in programs.values():
        wait_for_state(program.pid, "S")
    return programs


def outcomes(programs: Mapping[str, Tracee]) -> dict[str, str]:
    return {call: program.read_line() for call, program in programs.items()}


def test_calls_untraced_end_as_expected(blocked: dict[str, Tracee]) -> None:
    assert outcomes(blocked) == TIMED_OUT


def test_calls_survive_attach_and_detach(blocked: dict[str, Tracee]) -> None:
    with Session() as session:
        for program in blocked.values():
            session.attach(program.pid, engines=[Recorder(Event.EXIT)])
    assert {tracer_pid(program.pid) for program in blocked.values()} == {0}
    assert outcomes(blocked) == TIMED_OUT


def test_calls_survive_attach_with_system_calls_traced(blocked: dict[str, Tracee]) -> None:
    seen = Recorder(Event.SYSCALL)
    with Session() as session:
        for program in blocked.values():
            session.attach(program.pid, engines=[seen])
        assert outcomes(blocked) == TIMED_OUT
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert session.faults == []


def test_calls_survive_a_stop_and_a_report(blocked: dict[str, Tracee]) -> None:
    seen = Recorder(Event.QUIESCE)
    with Session() as session:
        engines = [session.attach(program.pid, engines=[seen]).engine(seen) for program in blocked.values()]
        for engine in engines:
            engine.control(ResumeAction.STOP)
        for engine in engines:
            with engine.examining(DEADLINE_S) as task:
                assert task.regs.pc
        for engine in engines:
            engine.control(ResumeAction.REPORT)
        seen.wait_for("quiesce 0", 2 * len(engines))
        assert outcomes(blocked) == TIMED_OUT


@pytest.mark.difference("free-attachment")
def test_calls_survive_an_ignored_signal_while_traced(blocked: dict[str, Tracee]) -> None:
    with Session() as session:
        for program in blocked.values():
            session.attach(program.pid, engines=[Recorder(Event.EXIT)])
        for program in blocked.values():
            program.signal(signal.SIGWINCH)
        assert outcomes(blocked) == TIMED_OUT


def test_read_of_a_pipe_goes_on_through_attach_and_detach(tracee: TraceeFactory) -> None:
    program = tracee("/bin/sh", "-c", "read line; echo got $line")
    wait_for_state(program.pid, "S")
    for _ in range(5):
        with Session() as session:
            session.attach(program.pid, engines=[Recorder(Event.SYSCALL)])
    wait_until(lambda: tracer_pid(program.pid) == 0, DEADLINE_S, "letting go")
    program.write("tea\n")
    assert program.read_line() == "got tea"


def test_interrupt_breaks_a_blocked_call(tracee: TraceeFactory) -> None:
    program = tracee("blocks", "epoll_wait", "20000")
    program.read_line()
    wait_for_state(program.pid, "S")
    seen = Recorder(Event.EXIT)
    with Session() as session:
        engine = session.attach(program.pid, engines=[seen]).engine(seen)
        engine.control(ResumeAction.INTERRUPT)
        assert program.read_line() == f"-1 {errno.EINTR} short"


@pytest.mark.law("DEC-3")
@pytest.mark.parametrize(("when_blocked", "at_once"), [("interrupt", True), ("auto", False), ("lazy", False)])
def test_report_asked_of_a_task_in_a_traced_epoll_wait_comes_by_the_policy(
    tracee: TraceeFactory, when_blocked: Literal["interrupt", "auto", "lazy"], at_once: bool
) -> None:
    program = tracee("blocks", "epoll_wait", BLOCK_MS)
    assert program.read_line() == "ready"
    wait_for_state(program.pid, "S")
    seen = Recorder(Event.QUIESCE | Event.SYSCALL)
    with Session(when_blocked=when_blocked) as session:
        engine = session.attach(program.pid, engines=[seen]).engine(seen)
        # The entry of the call made again after the attach: it is traced now.
        seen.wait_for("entry epoll_wait")
        wait_for_state(program.pid, "S")
        engine.control(ResumeAction.REPORT)
        assert outcomes({"epoll_wait": program})["epoll_wait"] == TIMED_OUT["epoll_wait"]
    lines = seen.lines()
    asked = lines[lines.index("entry epoll_wait") :]
    # Made at once, the report is the quiesce before the exit of the interrupted call.
    assert [line for line in asked if line.startswith("return epoll_wait")] == (
        [f"return epoll_wait {-errno.EINTR}", "return epoll_wait 0"] if at_once else ["return epoll_wait 0"]
    )
