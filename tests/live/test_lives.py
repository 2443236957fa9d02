"""From birth to reap: what engines are told of tasks, launched and attached, and in which order."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.live.recorder import DEADLINE_S, Recorder, input_pipe, output
from tests.tracees import build
from tests.waiting import task_state, tracer_pid, wait_for_state, wait_until
from utrace import Answer, Event, ResumeAction, Session, Task

if TYPE_CHECKING:
    from tests.conftest import TraceeFactory

pytestmark = pytest.mark.requires("gcc")

LIFE = Event.CLONE | Event.EXEC | Event.EXIT | Event.DEATH | Event.REAP
SIGCHLD = 17


@pytest.mark.law("INV-7", "DEC-5")
def test_launched_program_is_seen_from_its_execve_to_its_reap() -> None:
    seen = Recorder(LIFE | Event.SYSCALL)
    with Session() as session:
        task = session.spawn(["/bin/sh", "-c", "exit 3"], engines=[seen])
        assert session.run(timeout_s=DEADLINE_S) == 3
    lines = seen.lines(task.tid)
    assert lines[:3] == ["entry execve", "exec", "return execve 0"]
    assert lines[-4:] == ["entry exit_group", f"exit {3 << 8}", f"death {SIGCHLD}", "reap"]


def test_launched_program_that_is_killed_gives_its_signal() -> None:
    seen = Recorder(LIFE)
    with Session() as session:
        session.spawn(["/bin/sh", "-c", "kill -9 $$"], engines=[seen])
        assert session.run(timeout_s=DEADLINE_S) == 128 + signal.SIGKILL
        assert session.wait_status == signal.SIGKILL
    assert seen.lines()[-3:] == ["exit 9", f"death {SIGCHLD}", "reap"]


def test_callbacks_of_a_session_run_on_one_thread() -> None:
    seen = Recorder(LIFE | Event.SYSCALL)
    with Session() as session:
        session.spawn(["/bin/sh", "-c", "/bin/true & /bin/true & wait"], engines=[seen])
        session.run(timeout_s=DEADLINE_S)
    assert len(seen.threads) == 1


def test_spawn_without_engines_runs_the_program() -> None:
    with output() as (fd, reader), Session() as session:
        session.spawn(["echo", "free"], stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert reader.line(DEADLINE_S) == "free"


def test_spawn_passes_environment_and_directory() -> None:
    command = ["/bin/sh", "-c", 'echo "$TEA" $(pwd)']
    with output() as (fd, reader), Session() as session:
        session.spawn(command, env={"TEA": "green"}, cwd="/", stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert reader.line(DEADLINE_S) == "green /"


@pytest.mark.parametrize("kind", ["fork", "vfork", "thread"])
@pytest.mark.law("INV-32")
def test_child_is_reported_and_inherits_the_engine(kind: str) -> None:
    seen = Recorder(LIFE)
    with output() as (fd, reader), Session() as session:
        task = session.spawn([build("makes"), kind], engines=[seen], stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        child = int(reader.line(DEADLINE_S).removeprefix("child "))
    assert seen.lines(task.tid, starting="clone") == [f"clone {child}"]
    expected = ["exit 0", "death -1"] if kind == "thread" else ["exit 1792", f"death {SIGCHLD}"]
    assert seen.lines(child)[:2] == expected
    assert seen.lines(child, starting="reap") == ["reap"]


def test_child_of_an_engine_that_does_not_follow_is_free() -> None:
    seen = Recorder(LIFE, follow=False)
    with output() as (fd, reader), Session() as session:
        session.spawn([build("makes"), "fork"], engines=[seen], stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        child = int(reader.line(DEADLINE_S).removeprefix("child "))
        assert reader.line(DEADLINE_S) == "done"
    assert seen.lines(starting="clone") == [f"clone {child}"]
    assert seen.lines(child) == []


@pytest.mark.difference("untraced-clones")
def test_child_made_with_clone_untraced_is_invisible() -> None:
    seen = Recorder(LIFE)
    with output() as (fd, reader), Session() as session:
        session.spawn([build("makes"), "untraced"], engines=[seen], stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        child = int(reader.line(DEADLINE_S).removeprefix("child "))
        assert reader.line(DEADLINE_S) == "done"
    assert seen.lines(starting="clone") == []
    assert seen.lines(child) == []


class AttachesToChildren(Recorder):
    """Puts another engine on each child, before it runs."""

    def __init__(self, other: Recorder) -> None:
        super().__init__(Event.CLONE, follow=False)
        self.other = other
        self.flags: list[int] = []

    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        self.flags.append(clone_flags)
        child.attach(self.other)
        return super().report_clone(task, child, clone_flags)


@pytest.mark.law("INV-5")
def test_engine_attached_in_report_clone_sees_the_child_from_its_first_instruction() -> None:
    other = Recorder(Event.SYSCALL_ENTRY | Event.EXIT)
    maker = AttachesToChildren(other)
    with output() as (fd, reader), Session() as session:
        session.spawn([build("makes"), "fork"], engines=[maker], stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        child = int(reader.line(DEADLINE_S).removeprefix("child "))
    assert other.lines(child)[-2:] == ["entry exit_group", "exit 1792"]
    assert {tid for tid, _ in other.log} == {child}
    assert maker.flags[0] & 0xFF == SIGCHLD


class HoldsVfork(Recorder):
    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        super().report_clone(task, child, clone_flags)
        return ResumeAction.STOP


def test_stop_in_report_clone_holds_a_vforking_parent_while_its_child_runs() -> None:
    holds = HoldsVfork(LIFE)
    with output() as (fd, reader), Session() as session:
        task = session.spawn([build("makes"), "vfork"], engines=[holds], stdio=(0, fd, 2))
        # The child ends although its parent has not begun to wait for it.
        holds.wait_for("death")
        assert task.is_held
        assert not holds.lines(task.tid, starting="exit")
        task.engine(holds).control(ResumeAction.RESUME)
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert reader.line(DEADLINE_S).startswith("child ")


def test_birth_is_reported_once_for_each_of_many_children() -> None:
    seen = Recorder(LIFE)
    with Session() as session:
        script = "i=0; while [ $i -lt 30 ]; do /bin/true & i=$((i+1)); done; wait"
        task = session.spawn(["/bin/sh", "-c", script], engines=[seen])
        assert session.run(timeout_s=DEADLINE_S) == 0
    children = [int(line.split()[1]) for line in seen.lines(task.tid, starting="clone")]
    assert len(children) == 30
    for child in children:
        assert seen.lines(child) == ["exec", "exit 0", f"death {SIGCHLD}", "reap"]


def wait_for_engine_on_all(session: Session, ops: Recorder) -> None:
    # A child whose birth is being reported has none yet.
    wait_until(lambda: all(task.engines == [ops] for task in session.tasks), DEADLINE_S, "engines on all")


def test_attach_reaches_every_thread_while_threads_are_born_and_die(tracee: TraceeFactory) -> None:
    program = tracee("makes", "repeat")
    assert program.read_line() == "ready"
    for _ in range(10):
        seen = Recorder(Event.CLONE | Event.EXIT)
        with Session() as session:
            session.attach(program.pid, engines=[seen])
            wait_until(
                lambda: all(tracer_pid(tid) or task_state(tid) in "XZ" for tid in program.threads()),
                DEADLINE_S,
                "every thread traced",
            )
            seen.wait_for("clone", 20)
            seen.wait_for("exit", 20)
            wait_for_engine_on_all(session, seen)
        assert tracer_pid(program.pid) == 0
    assert program.threads()[0] == program.pid


def test_attach_to_every_thread_of_a_busy_program(tracee: TraceeFactory) -> None:
    program = tracee("spins", "4")
    program.read_line()
    seen = Recorder(Event.SYSCALL_ENTRY)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        assert sorted(task.tid for task in session.tasks) == program.threads()
        wait_until(
            lambda: all("entry getppid" in seen.lines(tid) for tid in program.threads()),
            DEADLINE_S,
            "all seen",
        )


@pytest.mark.law("INV-7", "DEC-5")
def test_attached_program_is_reaped_after_its_parent_waited(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    seen = Recorder(Event.EXIT | Event.DEATH | Event.REAP)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        program.signal(signal.SIGTERM)
        assert program.next_news() == "killed 15"
        seen.wait_for("reap")
        assert session.run(timeout_s=DEADLINE_S) == 0
    assert seen.lines() == ["exit 15", f"death {SIGCHLD}", "reap"]
    wait_until(lambda: len(seen.released) == 1, DEADLINE_S, "the release")


def test_exec_keeps_engine_and_mask(tracee: TraceeFactory) -> None:
    program = tracee("execs", "leader")
    program.read_line()
    seen = Recorder(Event.EXEC | Event.EXIT)
    with Session() as session:
        task = session.attach(program.pid, engines=[seen])
        engine = task.engine(seen)
        program.write("\n")
        assert program.read_line() == f"executed {program.pid}"
        assert engine.events == Event.EXEC | Event.EXIT
        assert task.engines == [seen]
        program.write("\n")
        assert program.next_news() == "exited 3"
        session.run(timeout_s=DEADLINE_S)
    assert seen.lines(program.pid) == ["exec", "exit 768"]


@pytest.mark.law("INV-6")
def test_exec_by_another_thread_takes_over_the_leaders_tid(tracee: TraceeFactory) -> None:
    program = tracee("execs", "thread")
    program.read_line()
    tids = program.threads()
    assert len(tids) == 4
    seen = Recorder(LIFE)
    with Session() as session:
        leader = session.attach(program.pid, engines=[seen])
        by_tid = {task.tid: task for task in session.tasks}
        caller = by_tid[tids[-1]]
        program.write("\n")
        assert program.read_line() == f"executed {program.pid}"
        seen.wait_for("exec")
        assert seen.lines(starting="exec") == ["exec"]
        assert seen.lines(program.pid, starting="exec") == ["exec"]
        for start in ("exit", "death", "reap"):
            seen.wait_for(start, 3)
        assert [len(seen.lines(starting=start)) for start in ("exit", "death", "reap")] == [3, 3, 3]
        # The handle of the thread that called execve lives on, under the leader's tid; the leader's is dead.
        assert caller.tid == program.pid
        assert caller.is_alive
        assert not leader.is_alive
        assert leader.id != caller.id
        assert [task.tid for task in session.tasks] == [program.pid]
        assert caller.engine(seen).events == LIFE
        program.write("\n")
        assert program.next_news() == "exited 3"
        session.run(timeout_s=DEADLINE_S)
    assert seen.lines(starting="exit")[3:] == ["exit 768"]


def test_leader_that_ends_first_is_reported_when_it_dies(tracee: TraceeFactory) -> None:
    program = tracee("leaderless")
    program.read_line()
    wait_for_state(program.pid, "Z")
    other = program.threads()[1]
    seen = Recorder(LIFE)
    with Session() as session:
        session.attach(other, engines=[seen])
        program.write("\n")
        assert program.next_news() == "exited 5"
        session.run(timeout_s=DEADLINE_S)
    assert seen.lines(other) == ["exit 1280", "death -1", "reap"]


def test_leader_under_engines_dies_before_its_group() -> None:
    seen = Recorder(LIFE)
    with output() as (fd, reader), Session() as session, input_pipe() as (stdin, write):
        task = session.spawn([build("leaderless")], engines=[seen], stdio=(stdin, fd, 2))
        assert reader.line(DEADLINE_S) == "ready"
        seen.wait_for("death -2")
        assert seen.lines(task.tid)[-2:] == ["exit 0", "death -2"]
        write(b"\n")
        assert session.run(timeout_s=DEADLINE_S) == 5
    assert seen.lines(task.tid)[-2:] == ["death -2", "reap"]


class HoldsExit(Recorder):
    def report_exit(self, task: Task, code: int) -> Answer:
        super().report_exit(task, code)
        return ResumeAction.STOP


def test_stop_at_exit_holds_everything_for_examination() -> None:
    holds = HoldsExit(Event.EXIT | Event.DEATH)
    with Session() as session:
        task = session.spawn(["/bin/sh", "-c", "exit 9"], engines=[holds])
        holds.wait_for("exit")
        engine = task.engine(holds)
        with engine.examining(DEADLINE_S) as held:
            assert held.memory.read(held.regs.sp, 8)
            assert held.name == "sh"
        assert not holds.lines(starting="death")
        engine.control(ResumeAction.RESUME)
        assert session.run(timeout_s=DEADLINE_S) == 9
