"""What cannot be traced or launched is refused in one clear line, and nothing is left of the attempt."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live.recorder import DEADLINE_S, Recorder
from tests.tracees import build
from tests.waiting import status_field, tracer_pid, wait_until
from utrace import Event, Session, errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import TraceeFactory

pytestmark = pytest.mark.requires("gcc")

NOBODY = 65534


def refusal(pid: int) -> str:
    """Try to attach; give the message of the refusal."""
    with Session() as session, pytest.raises(errors.NotPermitted) as caught:
        session.attach(pid, engines=[Recorder(Event.EXIT)])
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_attach_to_no_such_process() -> None:
    highest = int(Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii"))
    with Session() as session, pytest.raises(errors.TaskGone, match=f"no process .* has the id {highest}"):
        session.attach(highest)


def test_attach_to_a_dead_process() -> None:
    with subprocess.Popen(["/bin/true"]) as child:
        wait_until(lambda: status_field(child.pid, "State").startswith("Z"), DEADLINE_S, "its end")
        with Session() as session, pytest.raises(errors.TaskGone, match="dead already"):
            session.attach(child.pid)


@pytest.mark.difference("kernel-threads")
def test_attach_to_a_kernel_thread() -> None:
    assert "kernel thread" in refusal(2)


def test_attach_to_ourselves() -> None:
    assert "this very process" in refusal(os.getpid())


def in_child(act: Callable[[], str]) -> str:
    """Do something in a forked child, and give what it returned."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write_end, act().encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return text


def attach_message(pid: int) -> str:
    with Session() as session:
        try:
            session.attach(pid, engines=[Recorder(Event.EXIT)])
        except errors.UtraceError as error:
            return f"{type(error).__name__}: {error}"
        return "attached"


def test_attach_to_an_ancestor_is_refused() -> None:
    message = in_child(lambda: attach_message(os.getppid()))
    assert "ancestor" in message
    assert str(os.getpid()) in message
    assert tracer_pid(os.getpid()) == 0


@pytest.mark.difference("beside-another-tracer")
@pytest.mark.requires("strace")
def test_attach_to_what_is_traced_already_names_the_tracer(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    with subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(program.pid)]) as strace:
        try:
            wait_until(lambda: tracer_pid(program.pid) == strace.pid, DEADLINE_S, "strace's attach")
            message = refusal(program.pid)
        finally:
            strace.terminate()
    assert f"already traced by {strace.pid} (strace)" in message


def test_attach_to_what_another_session_traces_is_refused(tracee: TraceeFactory) -> None:
    program = tracee("spins", "2")
    program.read_line()
    with Session() as session:
        session.attach(program.pid, engines=[Recorder(Event.EXIT)])
        assert "already traced by" in refusal(program.pid)
        assert tracer_pid(program.pid)


def test_attach_twice_in_one_session_adds_engines(tracee: TraceeFactory) -> None:
    program = tracee("spins", "2")
    program.read_line()
    one, other = Recorder(Event.EXIT), Recorder(Event.SYSCALL_ENTRY)
    with Session() as session:
        first = session.attach(program.pid, engines=[one])
        second = session.attach(program.pid, engines=[other])
        assert first is second
        assert first.engines == [one, other]
        other.wait_for("entry getppid")


def as_nobody(act: Callable[[], str]) -> Callable[[], str]:
    def become_and_act() -> str:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        return act()

    return become_and_act


@pytest.mark.difference("permission")
@pytest.mark.requires("root")
def test_attach_to_another_users_program_names_both(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    message = in_child(as_nobody(lambda: attach_message(program.pid)))
    assert message.startswith("NotPermitted")
    assert f"uid 0 gid 0, we as uid {NOBODY} gid {NOBODY}" in message


@pytest.mark.requires("root")
def test_attach_to_an_undumpable_program_says_so(tracee: TraceeFactory) -> None:
    program = tracee("drops")
    assert program.read_line() == "ready"
    message = in_child(as_nobody(lambda: attach_message(program.pid)))
    assert message.startswith("NotPermitted")
    assert "not dumpable" in message


@pytest.mark.parametrize(
    ("program", "status", "what"),
    [
        ("no-such-program-anywhere", 127, "no-such-program-anywhere: command not found"),
        ("/nonexistent/program", 127, "No such file"),
        ("/etc/passwd", 126, "Permission denied"),
        ("/etc", 126, "/etc: "),
    ],
    ids=["not-in-path", "no-such-file", "not-executable", "directory"],
)
def test_spawn_of_what_cannot_be_started(program: str, status: int, what: str) -> None:
    with Session() as session:
        with pytest.raises(errors.ProgramNotStarted, match=what) as caught:
            session.spawn([program], engines=[Recorder(Event.EXIT)])
        assert caught.value.status == status
        # The session is as good as new.
        session.spawn(["/bin/sh", "-c", "exit 4"])
        assert session.run(timeout_s=DEADLINE_S) == 4


def test_spawn_of_what_the_kernel_does_not_know_how_to_execute(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("neither a program nor a script\n", encoding="ascii")
    text.chmod(0o755)
    seen = Recorder(Event.EXIT)
    with Session() as session:
        with pytest.raises(errors.ProgramNotStarted, match="Exec format error") as caught:
            session.spawn([text], engines=[seen])
        assert caught.value.status == 126
        session.spawn([build("asks")], engines=[seen])
        assert session.run(timeout_s=DEADLINE_S) == 0


def test_spawn_with_a_missing_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/nonexistent/interpreter\n", encoding="ascii")
    script.chmod(0o755)
    with Session() as session, pytest.raises(errors.ProgramNotStarted, match="No such file") as caught:
        session.spawn([script])
    assert caught.value.status in {126, 127}


def test_spawn_of_nothing_is_misuse() -> None:
    with Session() as session, pytest.raises(errors.Misuse):
        session.spawn([])


def test_spawn_into_a_directory_that_is_not_there() -> None:
    with Session() as session:
        with pytest.raises((errors.ProgramNotStarted, FileNotFoundError)):
            session.spawn(["/bin/true"], cwd="/nonexistent/directory")
        session.spawn(["/bin/true"])
        assert session.run(timeout_s=DEADLINE_S) == 0


def test_attach_while_the_target_is_being_killed_is_a_clean_answer(tracee: TraceeFactory) -> None:
    for _ in range(20):
        program = tracee("spins", "4")
        program.read_line()
        seen = Recorder(Event.EXIT | Event.DEATH)
        with Session() as session:
            program.signal(signal.SIGKILL)
            try:
                session.attach(program.pid, engines=[seen])
            except errors.TaskGone:
                continue
            session.run(timeout_s=DEADLINE_S)
            assert session.faults == []
            # Reports come in pairs for whoever was caught alive.
            assert len(seen.lines(starting="exit")) == len(seen.lines(starting="death"))
