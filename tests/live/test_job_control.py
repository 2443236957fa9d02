"""Group stops: reported, kept, frozen, ended by SIGCONT."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.live.recorder import DEADLINE_S, Recorder
from tests.waiting import task_state, tracer_pid, wait_for_state, wait_until
from utrace import Event, Outcome, ResumeAction, Session

if TYPE_CHECKING:
    from tests.conftest import TraceeFactory

pytestmark = pytest.mark.requires("gcc")

CLD_STOPPED = 5
CLD_CONTINUED = 6
STOPPED = f"stopped {signal.SIGSTOP.value}"


def test_group_stop_and_continue_reach_the_real_parent(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    seen = Recorder(Event.JCTL)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        for _ in range(3):
            program.signal(signal.SIGSTOP)
            assert program.next_news() == STOPPED
            program.signal(signal.SIGCONT)
            assert program.next_news() == "continued"
        seen.wait_for("jctl", 6)
    assert seen.lines() == [f"jctl {CLD_STOPPED} {CLD_STOPPED}", f"jctl {CLD_CONTINUED} {CLD_CONTINUED}"] * 3


def test_every_thread_reports_the_stop_and_one_the_continuation(tracee: TraceeFactory) -> None:
    program = tracee("spins", "4")
    program.read_line()
    seen = Recorder(Event.JCTL)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        program.signal(signal.SIGSTOP)
        seen.wait_for(f"jctl {CLD_STOPPED}", 4)
        assert sorted(tid for tid, _ in seen.log) == program.threads()
        # The last to stop is the one of whom the parent is told.
        assert seen.lines() == [f"jctl {CLD_STOPPED} 0"] * 3 + [f"jctl {CLD_STOPPED} {CLD_STOPPED}"]
        assert program.next_news() == STOPPED
        program.signal(signal.SIGCONT)
        assert program.next_news() == "continued"
        wait_until(
            lambda: all(task_state(tid) not in "tT" for tid in program.threads()), DEADLINE_S, "all running"
        )
    assert seen.lines()[4:] == [f"jctl {CLD_CONTINUED} {CLD_CONTINUED}"]


def test_stop_of_a_job_stopped_task_is_done_and_freezes_it_across_sigcont(tracee: TraceeFactory) -> None:
    program = tracee("asks", "each")
    program.read_line()
    seen = Recorder(Event.JCTL)
    with Session() as session:
        task = session.attach(program.pid, engines=[seen])
        engine = task.engine(seen)
        program.signal(signal.SIGSTOP)
        seen.wait_for(f"jctl {CLD_STOPPED}")
        assert program.next_news() == STOPPED
        assert engine.control(ResumeAction.STOP) is Outcome.DONE
        program.signal(signal.SIGCONT)
        program.write("\n")
        assert program.next_news() == "continued"
        with engine.examining(DEADLINE_S) as held:
            assert held.regs.pc
        with pytest.raises(AssertionError, match="no line"):
            program.read_line(0.1)
        engine.control(ResumeAction.RESUME)
        assert program.read_line()
        seen.wait_for(f"jctl {CLD_CONTINUED}")


def test_attach_to_a_stopped_program_leaves_it_stopped(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    program.signal(signal.SIGSTOP)
    assert program.next_news() == STOPPED
    seen = Recorder(Event.JCTL)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        seen.wait_for(f"jctl {CLD_STOPPED}")
        wait_for_state(program.pid, "tT")
    assert tracer_pid(program.pid) == 0
    wait_for_state(program.pid, "T")
    program.signal(signal.SIGCONT)
    assert program.next_news() == "continued"
    wait_for_state(program.pid, "S")


def test_sigcont_to_a_running_program_is_no_continuation(tracee: TraceeFactory) -> None:
    program = tracee("asks", "each")
    program.read_line()
    seen = Recorder(Event.JCTL | Event.SIGNAL_ALL)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        program.signal(signal.SIGCONT)
        seen.wait_for(f"signal {signal.SIGCONT.value}")
        program.write("\n")
        assert program.read_line()
    assert seen.lines(starting="jctl") == []


def test_killed_while_stopped_dies(tracee: TraceeFactory) -> None:
    program = tracee("spins", "3")
    program.read_line()
    seen = Recorder(Event.JCTL | Event.EXIT)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        program.signal(signal.SIGSTOP)
        seen.wait_for("jctl", 3)
        program.signal(signal.SIGKILL)
        assert session.run(timeout_s=DEADLINE_S) == 0
    assert seen.lines(starting="exit") == ["exit 9"] * 3
