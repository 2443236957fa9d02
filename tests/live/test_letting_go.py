"""Letting go: what was attached runs on as it was found; what was launched follows the session's policy."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live.recorder import DEADLINE_S, Recorder, output
from tests.tracees import build
from tests.waiting import task_state, tracer_pid, wait_for_state, wait_until
from utrace import Event, ResumeAction, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import TraceeFactory

pytestmark = pytest.mark.requires("gcc")

LIFE = Event.CLONE | Event.EXIT
KILLS = int(os.environ.get("UTRACE_TRACER_KILLS", "100"))
LATEST_KILL_S = 0.02


def test_detach_leaves_a_running_program_running(tracee: TraceeFactory) -> None:
    program = tracee("spins", "4")
    program.read_line()
    seen = Recorder(Event.SYSCALL)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        for task in session.tasks:
            task.engine(seen).detach()
        assert session.run(timeout_s=DEADLINE_S) == 0
        for tid in program.threads():
            assert tracer_pid(tid) == 0
            wait_for_state(tid, "R")


def test_detach_leaves_a_stopped_program_stopped(tracee: TraceeFactory) -> None:
    program = tracee("spins", "3")
    program.read_line()
    seen = Recorder(Event.JCTL)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        program.signal(signal.SIGSTOP)
        seen.wait_for("jctl", 3)
        for task in session.tasks:
            task.engine(seen).detach()
        assert session.run(timeout_s=DEADLINE_S) == 0
    for tid in program.threads():
        assert tracer_pid(tid) == 0
        wait_for_state(tid, "T")
    program.signal(signal.SIGCONT)
    for tid in program.threads():
        wait_for_state(tid, "R")


def test_detach_of_a_held_program_lets_it_run(tracee: TraceeFactory) -> None:
    program = tracee("spins")
    program.read_line()
    seen = Recorder(Event.QUIESCE)
    with Session() as session:
        task = session.attach(program.pid, engines=[seen])
        engine = task.engine(seen)
        engine.control(ResumeAction.STOP)
        wait_until(lambda: task.is_held, DEADLINE_S, "the stop")
        engine.detach()
        wait_for_state(program.pid, "R")
        wait_until(lambda: tracer_pid(program.pid) == 0, DEADLINE_S, "letting go")


def test_detach_of_a_blocked_program_leaves_it_blocked(tracee: TraceeFactory) -> None:
    program = tracee("asks", "each")
    program.read_line()
    for events in (Event.EXIT, Event.SYSCALL):
        seen = Recorder(events)
        with Session() as session:
            session.attach(program.pid, engines=[seen]).engine(seen).detach()
            assert session.run(timeout_s=DEADLINE_S) == 0
        assert tracer_pid(program.pid) == 0
        wait_for_state(program.pid, "S")
    program.write("\n")
    assert program.read_line()


@pytest.mark.parametrize("events", [LIFE, LIFE | Event.SYSCALL, LIFE | Event.SIGNAL_ALL | Event.QUIESCE])
def test_close_lets_go_of_attached_programs(tracee: TraceeFactory, events: Event) -> None:
    programs = [tracee("spins", "3"), tracee("asks", "each"), tracee("handles"), tracee("makes", "repeat")]
    for program in programs:
        program.read_line()
    seen = Recorder(events)
    with Session() as session:
        for program in programs:
            session.attach(program.pid, engines=[seen])
    for program in programs:
        for tid in program.threads():
            assert tracer_pid(tid) == 0
            assert task_state(tid) not in set("tTZ") or task_state(tid) == ""
    programs[1].write("\n")
    assert programs[1].read_line()
    programs[2].signal(signal.SIGUSR1)
    assert programs[2].read_line()


def test_close_lets_go_of_held_programs(tracee: TraceeFactory) -> None:
    program = tracee("spins", "3")
    program.read_line()
    seen = Recorder(Event.QUIESCE)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        tasks = session.tasks
        for task in tasks:
            task.engine(seen).control(ResumeAction.STOP)
        wait_until(lambda: all(task.is_held for task in tasks), DEADLINE_S, "the stops")
    for tid in program.threads():
        assert tracer_pid(tid) == 0
        wait_for_state(tid, "R")


def test_close_kills_what_was_launched_to_die_with_the_session(tracee: TraceeFactory) -> None:
    attached = tracee("spins")
    attached.read_line()
    seen = Recorder(LIFE)
    with output() as (fd, reader), Session() as session:
        script = "sleep 100 & echo $!; wait"
        launched = session.spawn(["/bin/sh", "-c", script], engines=[seen], stdio=(0, fd, 2))
        session.attach(attached.pid, engines=[seen])
        child = int(reader.line(DEADLINE_S))
    assert task_state(launched.tid) in {"", "Z"}
    wait_until(lambda: task_state(child) in {"", "Z"}, DEADLINE_S, "the end of the launched program's child")
    wait_for_state(attached.pid, "R")
    assert tracer_pid(attached.pid) == 0
    assert f"exit {signal.SIGKILL.value}" in seen.lines(launched.tid)


def test_close_leaves_launched_programs_running_if_told() -> None:
    with output() as (fd, reader):
        with Session(exit_kill=False) as session:
            launched = session.spawn([build("handles")], engines=[Recorder(Event.SYSCALL)], stdio=(0, fd, 2))
            assert reader.line(DEADLINE_S).startswith("ready")
        try:
            assert tracer_pid(launched.tid) == 0
            os.kill(launched.tid, signal.SIGUSR1)
            assert reader.line(DEADLINE_S).startswith("10 ")
        finally:
            os.kill(launched.tid, signal.SIGKILL)
            os.waitpid(launched.tid, 0)


INTERRUPTED = """
import sys
from utrace import Event, EngineOps, Session

class Counts(EngineOps):
    events = Event.SYSCALL
    def report_syscall_entry(self, task, call): return None
    def report_syscall_exit(self, task, call): return None

with Session() as session:
    session.attach(int(sys.argv[1]), engines=[Counts()])
    try:
        print("attached", flush=True)
        session.run()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_ctrl_c_ends_run_and_lets_go(tracee: TraceeFactory) -> None:
    program = tracee("spins", "2")
    program.read_line()
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(program.pid)], stdout=subprocess.PIPE, text=True
    ) as tracer:
        try:
            assert tracer.stdout is not None
            assert tracer.stdout.readline() == "attached\n"
            tracer.send_signal(signal.SIGINT)
            assert tracer.stdout.readline() == "interrupted\n"
            assert tracer.wait(DEADLINE_S) == 0
        finally:
            tracer.kill()
    for tid in program.threads():
        assert tracer_pid(tid) == 0
        wait_for_state(tid, "R")


@contextlib.contextmanager
def forked(trace: Callable[[], object]) -> Iterator[int]:
    """Do something in a forked process, which is killed with -9 on leaving, if it has not been before."""
    pid = os.fork()
    if pid == 0:
        try:
            trace()
            signal.pause()
        finally:
            os._exit(1)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_attached_program_is_unharmed_when_its_tracer_is_killed(
    tracee: TraceeFactory, tmp_path: Path
) -> None:
    counts = tmp_path / "counts"
    counts.write_bytes(bytes(4096))
    program = tracee("verifies", str(counts))
    program.read_line()

    def rounds_and_faults() -> tuple[int, int]:
        rounds, faults = struct.unpack("QQ", counts.read_bytes()[:16])
        return rounds, faults

    def trace() -> None:
        session = Session()
        session.attach(program.pid, engines=[Recorder(Event.SYSCALL | Event.SIGNAL_ALL | Event.CLONE)])

    def goes_on() -> None:
        before = rounds_and_faults()[0]
        wait_until(lambda: not any(tracer_pid(tid) for tid in program.threads()), DEADLINE_S, "letting go")
        wait_until(lambda: rounds_and_faults()[0] > before + 8, DEADLINE_S, "its going on")

    moments = random.Random(1)  # noqa: S311 - no secret
    traced = 0
    for _ in range(KILLS):
        with forked(trace):
            # A random moment, from before the attach to well after it, is what is being tested.
            time.sleep(moments.uniform(0, LATEST_KILL_S))
            traced += any(tracer_pid(tid) for tid in program.threads())
        goes_on()
        assert not [tid for tid in program.threads() if task_state(tid) in "tT"]
    assert rounds_and_faults()[1] == 0
    assert len(program.threads()) == 4
    assert traced > KILLS // 4


@pytest.mark.difference("outliving-the-tracer")
@pytest.mark.parametrize("exit_kill", [True, False])
def test_launched_program_follows_the_policy_when_its_tracer_is_killed(exit_kill: bool) -> None:
    moments = random.Random(2)  # noqa: S311 - no secret
    for _ in range(KILLS // 4):
        kill_tracer_of_launched(exit_kill, moments.uniform(0, LATEST_KILL_S))


def kill_tracer_of_launched(exit_kill: bool, delay_s: float) -> None:
    with output() as (fd, reader):

        def trace() -> None:
            session = Session(exit_kill=exit_kill)
            session.spawn([build("handles")], engines=[Recorder(Event.SYSCALL)], stdio=(0, fd, 2))

        with forked(trace) as tracer:
            assert reader.line(DEADLINE_S).startswith("ready")
            children = Path(f"/proc/{tracer}/task").glob("*/children")
            [launched] = [int(pid) for path in children for pid in path.read_text(encoding="ascii").split()]
            time.sleep(delay_s)
        if exit_kill:
            wait_until(lambda: task_state(launched) in {"", "Z"}, DEADLINE_S, "its death")
            return
        try:
            wait_until(lambda: tracer_pid(launched) == 0, DEADLINE_S, "letting go")
            os.kill(launched, signal.SIGUSR1)
            assert reader.line(DEADLINE_S).startswith("10 ")
        finally:
            os.kill(launched, signal.SIGKILL)
