"""How `utrace trace` ends: exit statuses, signals, lost output, and what becomes of the traced."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.live.cli.oracle import DEADLINE_S, STRACE, TRACE, run
from tests.waiting import task_state, tracer_pid, wait_for_state, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import TraceeFactory

pytestmark = pytest.mark.requires("gcc")


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_status_is_that_of_the_program(status: int) -> None:
    assert run(*TRACE, "-o", os.devnull, "sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGINT], ids=str)
def test_a_signal_that_kills_the_program_kills_utrace(signo: signal.Signals, tmp_path: Path) -> None:
    done = run(*TRACE, "sh", "-c", f"kill -{signo.value} $$", cwd=tmp_path)
    assert done.returncode == -signo
    assert re.search(rf"^\+\+\+ killed by {signo.name}( \(core dumped\))? \+\+\+$", done.stderr, re.MULTILINE)


def test_the_first_program_decides_also_if_children_live_longer(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "(read line; exit 7) & exit 3"
    with subprocess.Popen([*TRACE, "-f", "-o", log, "sh", "-c", script], stdin=subprocess.PIPE) as tracer:
        wait_until(
            lambda: log.exists() and "+++ exited with 3 +++" in log.read_text(), 10, "the parent's end"
        )
        assert tracer.stdin is not None
        tracer.stdin.close()
        assert tracer.wait(DEADLINE_S) == 3
    assert "+++ exited with" in log.read_text().splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["no-such-program"], 127, "utrace: no-such-program: command not found"),
        (["/nonexistent/x"], 127, "utrace: /nonexistent/x: No such file or directory"),
        (["/etc/passwd"], 126, "utrace: /etc/passwd: Permission denied"),
        (["-e", "trace=nosuch", "true"], 1, "utrace trace: -e trace=nosuch: invalid system call 'nosuch'"),
        (["-e", "nosuch", "true"], 1, "invalid system call 'nosuch'"),
        (["-e", "signal=SIGNO", "true"], 1, "invalid signal 'SIGNO'"),
        (["-e", "status=bad", "true"], 1, "invalid status 'bad'"),
        (["-e", "inject=open", "true"], 1, "invalid inject argument 'open': nothing to inject"),
        (["-d", "true"], 1, "option '-d' of strace is not supported"),
        (["--tips", "true"], 1, "option '--tips' of strace is not supported"),
        (["-Q", "true"], 1, "invalid option -- 'Q'"),
        (["--nonsense", "true"], 1, "unrecognized option '--nonsense'"),
        (["-s", "many", "true"], 1, "invalid -s argument: 'many'"),
        (["-o"], 1, "option requires an argument -- 'o'"),
        ([], 1, "must have PROG [ARGS] or -p PID"),
        (["-ff", "-c", "true"], 1, "mutually exclusive"),
        (["-o", "/nonexistent/log", "true"], 1, "utrace: cannot open /nonexistent/log: No such file"),
        (["-p", "0"], 1, "invalid process id: '0'"),
        (["-p", "1x"], 1, "invalid process id: '1x'"),
        (["-p", "4194305"], 1, "utrace: no process or thread has the id 4194305"),
        (["-p", "2"], 1, "kernel thread"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_bad_input_gives_one_clear_line(words: list[str], status: int, message: str) -> None:
    done = run(*TRACE, *words)
    assert done.returncode == status
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_options_end_at_the_program_and_at_two_dashes() -> None:
    done = run(*TRACE, "-e", "trace=none", "echo", "-f", "-o", "x")
    assert (done.returncode, done.stdout) == (0, "-f -o x\n")
    done = run(*TRACE, "-e", "trace=none", "--", "echo", "-f")
    assert (done.returncode, done.stdout) == (0, "-f\n")


def test_a_full_disk_disturbs_nothing_and_is_told() -> None:
    done = run(*TRACE, "-o", "/dev/full", "sh", "-c", "echo whole; exit 3")
    assert (done.returncode, done.stdout) == (3, "whole\n")
    assert re.fullmatch(
        r"utrace: /dev/full: \d+ lines lost at the end: No space left on device\n", done.stderr
    )


def test_a_reader_that_goes_away_disturbs_nothing() -> None:
    with subprocess.Popen([*TRACE, "sh", "-c", "echo whole; exit 3"], stdout=-1, stderr=-1) as tracer:
        assert tracer.stdout is not None
        assert tracer.stderr is not None
        tracer.stderr.close()
        assert tracer.stdout.read() == b"whole\n"
        assert tracer.wait(DEADLINE_S) == 3


def test_the_terminals_signal_is_the_programs_affair(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap 'exit 9' INT; echo > {ready}; while :; do read line; done"
    with subprocess.Popen(
        [*TRACE, "-o", tmp_path / "log", "sh", "-c", script], stdin=subprocess.PIPE, start_new_session=True
    ) as tracer:
        wait_until(ready.exists, 20, "the script's trap")
        os.killpg(tracer.pid, signal.SIGINT)
        assert tracer.wait(DEADLINE_S) == 9
    assert "--- SIGINT {" in (tmp_path / "log").read_text()


def test_sigterm_lets_the_program_go_on_unless_the_log_goes_to_a_file(tmp_path: Path) -> None:
    script = "echo $$; read line; exit 6"
    words = ["-e", "trace=none", "sh", "-c", script]
    with subprocess.Popen([*TRACE, *words], stdin=-1, stdout=-1, stderr=-1, text=True) as tracer:
        assert tracer.stdout is not None
        assert tracer.stdin is not None
        pid = int(tracer.stdout.readline())
        tracer.terminate()
        assert tracer.wait(DEADLINE_S) == -signal.SIGTERM
        assert tracer_pid(pid) == 0
        assert task_state(pid) in "SR"
        tracer.stdin.close()
        wait_until(lambda: task_state(pid) in {"", "Z"}, 10, "the program's own end")
    with subprocess.Popen([*TRACE, "-o", tmp_path / "log", *words], stdin=-1, stdout=-1, text=True) as tracer:
        assert tracer.stdout is not None
        assert tracer.stdin is not None
        pid = int(tracer.stdout.readline())
        tracer.terminate()
        tracer.stdin.close()
        assert tracer.wait(DEADLINE_S) == 6


@pytest.mark.parametrize(
    ("signo", "words"),
    [(signal.SIGINT, ""), (signal.SIGTERM, ""), (signal.SIGINT, "-c"), (signal.SIGINT, "--format=jsonl")],
)
def test_attached_processes_are_let_go_as_they_were_found(
    signo: signal.Signals, words: str, tracee: TraceeFactory
) -> None:
    program = tracee("pauses")
    program.read_line()
    wait_for_state(program.pid, "S")
    argv = [*TRACE, *words.split(), "-p", str(program.pid)]
    with subprocess.Popen(argv, stderr=-1, text=True) as tracer:
        assert tracer.stderr is not None
        assert tracer.stderr.readline() == f"utrace: Process {program.pid} attached\n"
        assert tracer_pid(program.pid) != 0
        tracer.send_signal(signo)
        assert tracer.wait(DEADLINE_S) == -signo
        rest = tracer.stderr.read()
        assert words or f"utrace: Process {program.pid} detached\n" in rest
    assert tracer_pid(program.pid) == 0
    wait_for_state(program.pid, "S")


def test_attach_without_f_holds_one_thread_and_with_f_all(tracee: TraceeFactory) -> None:
    program = tracee("spins", "3")
    program.read_line()
    for options, traced in (([], 1), (["-f"], 3)):
        with subprocess.Popen(
            [*TRACE, *options, "-e", "trace=none", "-p", str(program.pid)], stderr=-1, text=True
        ) as tracer:
            assert tracer.stderr is not None
            tail = " with 3 threads" if traced == 3 else ""
            assert tracer.stderr.readline() == f"utrace: Process {program.pid} attached{tail}\n"
            assert sum(tracer_pid(tid) != 0 for tid in program.threads()) == traced
            tracer.send_signal(signal.SIGINT)
            tracer.wait(DEADLINE_S)
        assert [tracer_pid(tid) for tid in program.threads()] == [0, 0, 0]


def test_attached_process_that_ends_is_seen_to_its_end(tracee: TraceeFactory) -> None:
    program = tracee("/bin/sh", "-c", "read line; exit 3")
    with subprocess.Popen([*TRACE, "-p", f"{program.pid},4194305"], stderr=-1, text=True) as tracer:
        assert tracer.stderr is not None
        first = {tracer.stderr.readline(), tracer.stderr.readline()}
        assert f"utrace: Process {program.pid} attached\n" in first
        program.write("\n")
        rest = tracer.stderr.read()
        assert tracer.wait(DEADLINE_S) == 0
    assert rest.endswith("+++ exited with 3 +++\n")
    assert program.next_news() == "exited 3"


def test_attach_to_a_traced_process_names_its_tracer(tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    program.read_line()
    with subprocess.Popen([*TRACE, "-p", str(program.pid)], stderr=-1, text=True) as tracer:
        assert tracer.stderr is not None
        tracer.stderr.readline()
        second = run(*TRACE, "-p", str(program.pid))
        tracer.send_signal(signal.SIGINT)
        tracer.wait(DEADLINE_S)
    assert second.returncode == 1
    assert re.fullmatch(
        rf"utrace: {program.pid} \(.*\): it is already traced by \d+ \(.*\); .*\n", second.stderr
    )


@pytest.mark.requires("strace")
def test_a_program_that_traces_is_refused_as_under_strace() -> None:
    """Its child is ours already: it is told so, and nobody waits for ever."""
    inner = ("strace", "-o", "/dev/null", "true")
    ours, theirs = (run(*tool, "-f", "-o", "/dev/null", *inner) for tool in (TRACE, STRACE))
    assert "PTRACE_TRACEME" in ours.stderr
    assert (ours.returncode, ours.stderr) == (theirs.returncode, theirs.stderr)


def test_help_and_version_are_given() -> None:
    for words in (["--help"], ["-h"]):
        done = run(*TRACE, *words)
        assert done.returncode == 0
        assert "-e EXPR" in done.stdout
    assert re.fullmatch(r"utrace \d.*\n", run(*TRACE, "-V").stdout)


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "in the stop"])
def test_counts_have_the_time_that_the_calls_took(recorded: bool, tmp_path: Path) -> None:
    # A megabyte is copied for each read: that takes the kernel time.
    command = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1M", "count=200"]
    log = tmp_path / "counts"
    options: list[str | Path] = ["-c", "-o", log] if recorded else ["-c", "-y", "-o", log]
    assert run(*TRACE, *options, *command).returncode == 0
    seconds = {line.split()[-1]: float(line.split()[1]) for line in log.read_text().splitlines()[2:-2]}
    assert seconds["read"] > 0
    assert max(seconds, key=lambda call: seconds[call]) == "read"
