"""What a callback that raises, answers nonsense or takes long does: to its own engine, and to nobody else."""

from __future__ import annotations

import errno
import logging
import os
import threading
from typing import TYPE_CHECKING

import pytest

from tests.live.recorder import DEADLINE_S, Recorder, output
from tests.tracees import build
from tests.waiting import tracer_pid, wait_until
from utrace import Answer, EngineOps, Event, Session, SignalAction, Syscall, Task, errors
from utrace.kernel.linux import LinuxKernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import TraceeFactory
    from utrace.kernel.api import Fact, Spawn, Tid

pytestmark = pytest.mark.requires("gcc")


class Misbehaves(Recorder):
    """Does something bad in every entry callback."""

    def __init__(self, does: Callable[[], object]) -> None:
        super().__init__(Event.SYSCALL_ENTRY, syscalls={"getppid"})
        self.does = does

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        super().report_syscall_entry(task, call)
        return self.does()  # type: ignore[return-value]  # nonsense is what is tested


def raises(error: BaseException) -> Callable[[], object]:
    def does() -> object:
        raise error

    return does


@pytest.mark.parametrize(
    ("does", "cause"),
    [
        (raises(ZeroDivisionError("tea")), ZeroDivisionError),
        (raises(KeyboardInterrupt()), KeyboardInterrupt),
        (raises(SystemExit(3)), SystemExit),
        (raises(errors.TaskGone("old")), errors.TaskGone),
        (lambda: 42, errors.Misuse),
        (lambda: "RESUME", errors.Misuse),
        (lambda: SignalAction.IGN, errors.Misuse),
    ],
    ids=["error", "ctrl-c", "exit", "own-error", "number", "text", "bare-signal-action"],
)
def test_bad_callback_detaches_its_engine_alone(
    does: Callable[[], object], cause: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = Misbehaves(does), Recorder(Event.SYSCALL, syscalls={"getppid", "getpid"})
    with output() as (fd, reader), Session() as session:
        task = session.spawn([build("asks")], engines=[bad, good], stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert reader.line(DEADLINE_S)
        [fault] = session.faults
    assert isinstance(fault, errors.EngineFault)
    assert isinstance(fault.__cause__, cause)
    assert f"Misbehaves.report_syscall_entry on task {task.tid}" in str(fault)
    assert bad.lines() == ["entry getppid"]
    assert len(bad.released) == 1
    assert [line.split()[:2] for line in good.lines()] == [
        ["entry", "getppid"],
        ["return", "getppid"],
        ["entry", "getpid"],
        ["return", "getpid"],
    ]
    assert [record.levelname for record in caplog.records if record.name == "utrace"] == ["ERROR"]


def test_raising_engine_on_many_threads_is_detached_from_each(
    tracee: TraceeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    program = tracee("spins", "3")
    program.read_line()
    bad = Misbehaves(raises(ZeroDivisionError()))
    with Session() as session:
        session.attach(program.pid, engines=[bad])
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert len(session.faults) == 3
        assert {tracer_pid(tid) for tid in program.threads()} == {0}


def test_fault_ends_the_session_if_told_and_lets_go(
    tracee: TraceeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    program = tracee("spins", "2")
    program.read_line()
    bad, good = Misbehaves(raises(ZeroDivisionError("tea"))), Recorder(Event.SYSCALL_ENTRY)
    with Session(on_engine_fault="kill_session") as session:
        session.attach(program.pid, engines=[good, bad])
        with pytest.raises(errors.EngineFault, match="tea") as caught:
            session.run(timeout_s=DEADLINE_S)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
    wait_until(lambda: not any(tracer_pid(tid) for tid in program.threads()), DEADLINE_S, "letting go")


class BreakingKernel(LinuxKernel):
    """Tells of nothing once a program is launched."""

    launched: Tid | None = None

    def spawn(self, program: Spawn, *, exit_kill: bool) -> Tid:
        self.launched = super().spawn(program, exit_kill=exit_kill)
        return self.launched

    def next_fact(self, tid: int, request: int, signo: int, /) -> Fact:
        if self.launched is not None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return super().next_fact(tid, request, signo)


def test_a_tracer_that_breaks_at_a_launch_is_an_error_and_no_wait() -> None:
    kernel = BreakingKernel()
    with Session(kernel=lambda: kernel) as session, pytest.raises(OSError, match="Invalid argument"):
        session.spawn(["true"])
    # It was launched to die with its tracer, and has nobody else to wait for it.
    assert kernel.launched is not None
    while os.WIFSTOPPED(os.waitpid(kernel.launched, 0)[1]):
        # A stop that the tracer had not looked at.
        pass


def test_raising_release_is_noted_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Clumsy(Recorder):
        def release(self, engine: object) -> None:
            raise ZeroDivisionError

    good = Recorder(Event.EXIT)
    with Session() as session:
        session.spawn(["/bin/true"], engines=[Clumsy(Event.EXIT), good])
        assert session.run(timeout_s=DEADLINE_S) == 0
        wait_until(lambda: session.faults, DEADLINE_S, "the fault")
    assert good.lines() == ["exit 0"]
    assert len(good.released) == 1


def test_engine_without_a_callback_it_asks_for_is_refused() -> None:
    class Lacks(EngineOps):
        events = Event.SYSCALL_ENTRY | Event.EXIT

        def report_exit(self, task: Task, code: int) -> Answer:
            return None

    with (
        Session() as session,
        pytest.raises(errors.Misuse, match=r"Lacks .*SYSCALL_ENTRY.*report_syscall_entry"),
    ):
        session.spawn(["/bin/true"], engines=[Lacks()])


def test_unknown_system_call_name_is_refused(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    with Session() as session, pytest.raises(errors.Misuse, match="brew_tea"):
        session.attach(program.pid, engines=[Recorder(Event.SYSCALL, syscalls={"brew_tea"})])
    assert tracer_pid(program.pid) == 0


def test_watchdog_names_a_callback_that_takes_long(
    tracee: TraceeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    program = tracee("spins")
    program.read_line()
    out = threading.Event()

    class Slow(Recorder):
        def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
            out.wait(DEADLINE_S)
            return None

    def warned() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]

    with Session(watchdog_s=0.1) as session:
        session.attach(program.pid, engines=[Slow(Event.SYSCALL_ENTRY)])
        wait_until(warned, DEADLINE_S, "the warning")
        out.set()
    assert f"Slow.report_syscall_entry on task {program.pid} has been running for 0.1 s" in warned()[0]
    assert len(warned()) == 1


def test_watchdog_is_silent_about_quick_callbacks(
    tracee: TraceeFactory, caplog: pytest.LogCaptureFixture
) -> None:
    program = tracee("spins")
    program.read_line()
    seen = Recorder(Event.SYSCALL)
    with Session(watchdog_s=0.05) as session:
        session.attach(program.pid, engines=[seen])
        seen.wait_for("return", 2000)
    assert [record.getMessage() for record in caplog.records] == []
