"""Lines of `utrace trace` against those of the installed strace."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.live.cli.oracle import DEADLINE_S, STRACE, TRACE, by_program, logged, normalised, run
from tests.tracees import build
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.requires("strace", "gcc")


@pytest.mark.parametrize(
    "words",
    [
        ["cat", "/etc/hostname"],
        ["ls", "/"],
        ["ls", "-l", "/usr"],
        ["cat", "/nonexistent"],
        ["sh", "-c", "kill -TERM $$"],
        ["sh", "-c", "exit 3"],
        ["-s", "5", "cat", "/etc/passwd"],
        ["-x", "cat", "/bin/true"],
        ["-xx", "cat", "/etc/hostname"],
        ["-y", "cat", "/etc/hostname"],
        ["-a", "60", "true"],
        ["-qq", "true"],
        ["-z", "cat", "/nonexistent"],
        ["-Z", "cat", "/nonexistent"],
        ["-e", "status=unfinished", "true"],
        ["-e", "trace=%file", "ls", "/"],
        ["-e", "trace=!%memory", "ls", "/"],
        ["-e", "openat,?nosuchcall,/^fst", "ls", "/"],
        ["-e", "trace=none", "sh", "-c", "kill -USR1 $$"],
        ["-e", "signal=none", "sh", "-c", "kill -USR1 $$"],
        ["-E", "A=b", "-E", "HOME", "sh", "-c", "echo $A $HOME"],
    ],
    ids=" ".join,
)
def test_lines_of_one_process_are_those_of_strace(words: list[str], tmp_path: Path) -> None:
    ours = logged(TRACE, tmp_path / "ours", *words)
    theirs = logged(STRACE, tmp_path / "theirs", *words)
    assert ours[0] == theirs[0]
    assert normalised(ours[1]) == normalised(theirs[1])


@pytest.mark.parametrize(
    "script", ["/bin/true; (exit 3); exit 2", "cat /etc/hostname | wc -c", "kill -SEGV $$"], ids=str
)
def test_lines_of_children_are_those_of_strace(script: str, tmp_path: Path) -> None:
    ours = logged(TRACE, tmp_path / "ours", "-e", "trace=!wait4,rt_sigreturn", "sh", "-c", script)
    theirs = logged(STRACE, tmp_path / "theirs", "-e", "trace=!wait4,rt_sigreturn", "sh", "-c", script)
    assert ours[0] == theirs[0]
    assert by_program(ours[1]) == by_program(theirs[1])
    ends = [normalised(line for line in lines if line.text.startswith("+++")) for _, lines in (ours, theirs)]
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    "options", [["-t"], ["-tt"], ["-ttt"], ["-r"], ["-T"], ["-r", "-tt", "-T"]], ids=" ".join
)
def test_times_are_written_as_strace_writes_them(options: list[str]) -> None:
    shapes = []
    for tool in (TRACE, STRACE):
        done = run(*tool, *options, "-e", "trace=openat,exit_group", "true")
        assert done.returncode == 0
        shapes.append([re.sub(r"\d", "9", line) for line in done.stderr.splitlines()])
    assert shapes[0] == shapes[1]


def test_standard_error_has_pids_only_while_there_are_several() -> None:
    done = run(*TRACE, "-f", "-e", "trace=exit_group", "sh", "-c", "/bin/true; exit 2")
    lines = [re.sub(r"\d{2,}", "PID", re.sub(r" +", " ", line)) for line in done.stderr.splitlines()]
    assert [line for line in lines if "SIGCHLD" not in line] == [
        "utrace: Process PID attached",
        "[pid PID] exit_group(0) = ?",
        "[pid PID] +++ exited with 0 +++",
        "exit_group(2) = ?",
        "+++ exited with 2 +++",
    ]
    assert done.returncode == 2


def test_without_f_children_run_untraced(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = run(*TRACE, "-o", log, "-e", "trace=execve", "sh", "-c", "/bin/echo hello; exit 4")
    assert done.returncode == 4
    assert done.stdout == "hello\n"
    assert log.read_text().count("execve(") == 1


def test_each_process_has_its_file_with_ff(tmp_path: Path) -> None:
    done = run(
        *TRACE, "-ff", "-o", tmp_path / "log", "-e", "trace=exit_group", "sh", "-c", "/bin/true; exit 2"
    )
    assert done.returncode == 2
    ends = sorted(path.read_text().splitlines()[-1] for path in tmp_path.iterdir())
    assert ends == ["+++ exited with 0 +++", "+++ exited with 2 +++"]
    assert not any("unfinished" in path.read_text() for path in tmp_path.iterdir())


def test_a_thread_that_calls_execve_supersedes_its_leader(tmp_path: Path) -> None:
    source = tmp_path / "thread_exec.c"
    source.write_text(
        "#include <pthread.h>\n#include <unistd.h>\n"
        'static void *f(void *a) { execl("/bin/true", "true", (char *)0); return a; }\n'
        "int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); return 1; }\n"
    )
    program = tmp_path / "thread_exec"
    subprocess.run(["gcc", "-pthread", "-o", program, source], check=True)
    status, lines = logged(TRACE, tmp_path / "log", program)
    assert status == 0
    assert sum(line.text.startswith("+++ superseded by execve in pid ") for line in lines) == 1
    # The memory of the new program is read under the leader's id.
    texts = [line.text for line in lines]
    after = texts[next(i for i, text in enumerate(texts) if text.startswith("+++ superseded")) :]
    assert any(text.startswith('openat(AT_FDCWD, "/') for text in after)


@pytest.mark.requires("i386-tasks")
def test_a_program_of_32_bits_is_told(tmp_path: Path) -> None:
    program = build("exits32", bits=32)
    shown = [run(*tool, "-o", tmp_path / "log", program) for tool in (STRACE, TRACE)]
    assert [done.returncode for done in shown] == [42, 42]
    text = (tmp_path / "log").read_text()
    assert re.search(
        r"^\[ Process PID=\d+ runs in 32 bit mode\. \]\nexit\(42\) +  = \?\n", text, re.MULTILINE
    )


def test_a_job_control_stop_is_shown_when_it_happens(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "echo $$; kill -STOP $$; echo back; exit 5"
    with subprocess.Popen(
        [*TRACE, "-o", str(log), "sh", "-c", script], stdout=subprocess.PIPE, text=True
    ) as tracer:
        assert tracer.stdout is not None
        pid = int(tracer.stdout.readline())
        wait_until(
            lambda: log.exists() and "--- stopped by SIGSTOP ---" in log.read_text(),
            10,
            "the stop in the log",
        )
        os.kill(pid, signal.SIGCONT)
        assert tracer.stdout.readline() == "back\n"
        assert tracer.wait(DEADLINE_S) == 5
    text = log.read_text()
    stopped = text.index("--- SIGSTOP {si_signo=SIGSTOP, si_code=SI_USER, si_pid=")
    assert stopped < text.index("--- stopped by SIGSTOP ---") < text.index("--- SIGCONT {si_signo=SIGCONT")


def test_a_call_that_blocks_is_shown_before_it_returns(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with subprocess.Popen([*TRACE, "-o", str(log), "cat"], stdin=subprocess.PIPE) as tracer:
        wait_until(lambda: log.exists() and log.read_text().endswith("\nread(0, "), 10, "the open line")
        assert tracer.stdin is not None
        tracer.stdin.close()
        assert tracer.wait(DEADLINE_S) == 0
    assert re.search(r'^read\(0, "", \d+\) +  = 0$', log.read_text(), re.MULTILINE)


def test_counts_are_those_of_the_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = run(*TRACE, "-f", "-C", "-o", log, "sh", "-c", "ls /nonexistent; true")
    assert done.returncode == 0
    head, _, table = log.read_text().partition("% time ")
    counted = {row.split()[-1]: row.split() for row in table.splitlines()[2:-2]}
    returned = [line for line in head.splitlines() if re.search(r"\) += (?!\?)", line)]
    assert sum(int(row[3]) for row in counted.values()) == len(returned)
    assert int(counted["openat"][3]) == sum("openat" in line for line in returned)
    assert table.splitlines()[-1].split()[-1] == "total"


def test_calls_not_asked_for_run_without_stops_under_seccomp(tmp_path: Path) -> None:
    plain = run(*TRACE, "-f", "-o", tmp_path / "plain", "-e", "trace=openat", "ls", "/")
    fast = run(*TRACE, "-f", "--seccomp-bpf", "-o", tmp_path / "fast", "-e", "trace=openat", "ls", "/")
    assert (plain.returncode, fast.returncode) == (0, 0)
    lines = [
        re.sub(r"^\d+", "", (tmp_path / name).read_text(), flags=re.MULTILINE) for name in ("plain", "fast")
    ]
    assert lines[0] == lines[1]


_WRITES_NOTHING: Final = """
import ctypes, os, signal
child = os.fork()
if not child:
    signal.pause()
libc, room, status = ctypes.CDLL(None), ctypes.create_string_buffer(256), ctypes.c_int(5)
os.getppid()
libc.wait4(child, ctypes.byref(status), os.WNOHANG, room)
libc.llistxattr(b"/", room, 0)
libc.flistxattr(0, room, 0)
os.kill(child, signal.SIGKILL)
os.wait()
"""


def test_what_a_call_does_not_write_is_an_address(tmp_path: Path) -> None:
    words = ("-e", "trace=wait4,llistxattr,flistxattr", "-e", "signal=none")
    program = (sys.executable, "-I", "-S", "-c", _WRITES_NOTHING)
    ours, theirs = (logged(tool, tmp_path / "log", *words, *program) for tool in (TRACE, STRACE))
    assert normalised(ours[1]) == normalised(theirs[1])
    assert sum("ADDRESS, 0)" in line for line in normalised(ours[1])) == 2
