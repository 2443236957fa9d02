"""The examples do what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tracees import ROOT
from tests.waiting import tracer_pid, wait_for_state

if TYPE_CHECKING:
    from tests.conftest import TraceeFactory

EXAMPLES = ROOT / "examples"
DEADLINE_S = 60


def run(name: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *args],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_every_example_has_a_test() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f'run("{path.name}"' not in here] == []


def test_ten_lines_keeps_files_of_etc(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.touch()
    kept = run("ten_lines.py", "unlink", "/etc/nothing-of-this-name")
    assert kept.returncode == 1
    assert "Operation not permitted" in kept.stderr
    assert run("ten_lines.py", "unlink", str(victim)).returncode == 0
    assert not victim.exists()


@pytest.mark.requires("gcc")
def test_two_engines_hold_one_program() -> None:
    done = run("two_engines.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "as promised" in done.stdout.splitlines()[-1]


def test_slow_calls_tells_what_was_slow_and_what_was_missing() -> None:
    done = run("slow_calls.py", "cat", "/nonexistent")
    assert done.returncode == 1, done.stderr
    assert "/nonexistent" in done.stdout.splitlines()[0]
    assert " ms  " in done.stdout


def test_edit_arguments_gives_the_program_another_file(tmp_path: Path) -> None:
    wanted, given = tmp_path / "wanted", tmp_path / "given"
    wanted.write_text("coffee\n", encoding="ascii")
    given.write_text("tea\n", encoding="ascii")
    done = run("edit_arguments.py", str(wanted), str(given), "cat", str(wanted))
    assert (done.returncode, done.stdout) == (0, "tea\n"), done.stderr


def test_edit_arguments_by_itself_shows_what_it_does() -> None:
    done = run("edit_arguments.py")
    assert done.returncode == 0, done.stderr
    assert "instead of" in done.stderr


@pytest.mark.requires("gcc")
def test_attach_running_counts_calls_and_lets_go(tracee: TraceeFactory) -> None:
    program = tracee("spins", "3")
    program.read_line()
    done = run("attach_running.py", str(program.pid), "2")
    assert done.returncode == 0, done.stderr
    assert "getppid" in done.stdout
    assert "3 threads" in done.stdout
    for tid in program.threads():
        assert tracer_pid(tid) == 0
        wait_for_state(tid, "R")


def test_attach_running_refuses_in_one_line() -> None:
    done = run("attach_running.py", "2")
    assert done.returncode == 1
    assert "kernel thread" in done.stderr
    assert "Traceback" not in done.stderr
