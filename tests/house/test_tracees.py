"""The fixtures themselves: a tracee lives and ends as said, and leaks are found."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import leaks
from tests.tracees import Tracee
from tests.waiting import task_state, tracer_pid, wait_for_state, wait_until

if TYPE_CHECKING:
    from tests.conftest import TraceeFactory

pytestmark = pytest.mark.requires("gcc")


def test_tracee_is_past_its_execve(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    assert Path(f"/proc/{program.pid}/exe").readlink().name.startswith("pauses-64-")
    assert program.read_line() == "ready"
    wait_for_state(program.pid, "S")
    assert tracer_pid(program.pid) == 0


def test_tracee_tells_what_its_parent_sees(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    program.signal(signal.SIGSTOP)
    assert program.next_news() == f"stopped {signal.SIGSTOP.value}"
    program.signal(signal.SIGCONT)
    assert program.next_news() == "continued"
    program.signal(signal.SIGTERM)
    assert program.next_news() == f"killed {signal.SIGTERM.value}"


def test_tracee_takes_input_and_exits(tracee: TraceeFactory) -> None:
    program = tracee("/bin/sh", "-c", "read line; echo got $line; exit 3")
    program.write("tea\n")
    assert program.read_line() == "got tea"
    assert program.next_news() == "exited 3"


def test_tracee_that_cannot_be_executed_is_an_error(tracee: TraceeFactory) -> None:
    with pytest.raises(FileNotFoundError):
        tracee("/nonexistent")


def test_tracee_with_threads_lists_them(tracee: TraceeFactory) -> None:
    program = tracee("spins", "3")
    program.read_line()
    assert program.threads()[0] == program.pid
    assert len(program.threads()) == 3


@pytest.mark.requires("i386-tasks")
def test_tracee_of_32_bits_runs(tracee: TraceeFactory) -> None:
    assert tracee("exits32", bits=32).next_news() == "exited 42"


def test_leak_check_finds_processes_and_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "GRACE_S", 0.05)
    before = leaks.Snapshot.take()
    with Tracee(["/bin/sh", "-c", "sleep 60 & wait"], alarm_s=60) as program:
        wait_until(lambda: len(leaks.processes() - before.processes) == 3, 5.0, "launcher, shell and sleep")
        lines = "\n".join(before.leaked())
    assert f"pid {program.pid} state" in lines
    assert "sleep 60" in lines
    assert "descriptor" in lines
    # The orphaned sleep was found by its mark alone and killed.
    wait_until(lambda: not (leaks.processes() - before.processes), 5.0, "the end of all three")
    assert task_state(program.pid) in {"", "Z"}


def test_leak_check_is_quiet_if_nothing_is_left() -> None:
    before = leaks.Snapshot.take()
    with Tracee(["/bin/true"], alarm_s=60) as program:
        assert program.next_news() == "exited 0"
    assert before.leaked() == []


def test_wait_until_names_what_did_not_happen() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.01 s: pigs fly"):
        wait_until(lambda: False, 0.01, "pigs fly")
