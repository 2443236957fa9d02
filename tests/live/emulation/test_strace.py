"""Unmodified strace under a session writes what it writes on the kernel."""

from __future__ import annotations

import collections
import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.tracees import build
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")

DEADLINE_S: Final = 30
UTRACE: Final = (sys.executable, "-m", "utrace", "run", "--")


def normal(text: str) -> list[str]:
    """Give every pid a name in the order of appearance; hide addresses, times, random bytes, columns."""
    names: dict[str, str] = {}
    text = re.sub(r'getrandom\("[^"]*"', 'getrandom("…"', text)
    text = re.sub(r"0x[0-9a-f]{4,}", "ADDRESS", text)
    text = re.sub(r"\bsi_([us])time=\d+", r"si_\1time=T", text)
    text = re.sub(r"\b\d{4,7}\b", lambda found: names.setdefault(found[0], f"N{len(names)}"), text)
    return [re.sub(r" +", " ", line) for line in text.splitlines()]


def run(command: list[str | Path], log: Path) -> tuple[int, str, list[str]]:
    """Run to the end: the exit status, what it said, and the log."""
    log.unlink(missing_ok=True)
    done = subprocess.run(
        [*command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=DEADLINE_S
    )
    written = log.read_text() if log.exists() else ""
    return done.returncode, done.stdout, normal(done.stderr + written)


def both(tmp_path: Path, command: list[str | Path]) -> tuple[tuple[int, str, list[str]], ...]:
    """Run natively, and under a session."""
    log = tmp_path / "log"
    return run(command, log), run([*UTRACE, *command], log)


ONE_PROCESS: Final = {
    "plain": ["ls", "/usr/share"],
    "paths": ["-y", "cat", "/etc/hostname"],
    "grandchild": ["-D", "cat", "/etc/hostname"],
    "failures": ["-e", "inject=getuid,geteuid:error=ENOSYS", "sh", "-c", "exit 3"],
    "made_up_results": ["-e", "inject=getppid:retval=4242", "sh", "-c", "echo $PPID"],
    "made_up_signals": ["-e", "inject=close:signal=USR1:when=2", "cat", "/etc/hostname"],
    "one_call": ["-e", "trace=read", "cat", "/etc/hostname"],
    "killed": ["sh", "-c", "kill -9 $$"],
    "aborted": ["sh", "-c", "ulimit -c 0; kill -ABRT $$"],
    "exec": ["sh", "-c", "exec sh -c 'exec true'"],
    "stack": ["-k", "true"],
    "no_such_program": ["/no/such/program"],
}


@pytest.mark.parametrize("name", ONE_PROCESS)
def test_one_process(tmp_path: Path, name: str) -> None:
    native, ours = both(tmp_path, ["strace", "-o", tmp_path / "log", *ONE_PROCESS[name]])
    assert ours == native


SEVERAL: Final = {
    "follow": ["-f"],
    "chosen": ["-f", "-e", "trace=process,getppid"],
    "seccomp_or_not": ["-f", "--seccomp-bpf", "-e", "trace=getppid,vfork,execve,exit_group"],
    "inject": ["-f", "-e", "inject=getppid:error=ENOSYS"],
}


def per_process(log: list[str]) -> list[tuple[str, ...]]:
    """Split a log by process, as `-ff` would; lines of one process keep their order.

    Whether a line is cut in two, a SIGCHLD's place and a futex are up to the scheduler.
    """
    lines: dict[str, list[str]] = collections.defaultdict(list)
    begun: dict[str, str] = {}
    for line in log:
        who, _, what = line.partition(" ")
        if not who.startswith("N"):
            continue
        if what.endswith(" <unfinished ...>"):
            begun[who] = what.removesuffix("<unfinished ...>").rstrip()
            continue
        resumed = re.fullmatch(r"<\.\.\. \w+ resumed>(.*)", what)
        if resumed is not None:
            what = begun.pop(who, "") + resumed[1]
        what = re.sub(r"\bN\d+\b", "N", what).replace(" ", "")
        if not re.match(r"---SIGCHLD|futex\(|wait4\(|rt_sigprocmask\(", what):
            lines[who].append(what)
    return sorted(tuple(told) for told in lines.values())


@pytest.mark.parametrize("name", SEVERAL)
def test_several_processes(tmp_path: Path, name: str) -> None:
    command = ["strace", *SEVERAL[name], "-o", tmp_path / "log", build("forks_and_execs")]
    native, ours = both(tmp_path, command)
    assert ours[:2] == native[:2]
    assert per_process(ours[2]) == per_process(native[2])


def test_counts(tmp_path: Path) -> None:
    columns = ["-c", "-f", "-S", "name", "-U", "name,calls,errors"]
    command = ["strace", *columns, "-e", "trace=!futex", "-o", tmp_path / "log", build("forks_and_execs")]
    native, ours = both(tmp_path, command)
    assert ours == native


def test_a_log_for_each_process(tmp_path: Path) -> None:
    logs = []
    for prefix in ([], UTRACE):
        directory = tmp_path / f"logs{len(prefix)}"
        directory.mkdir()
        command = ["strace", "-ff", "-e", "trace=getppid,execve,exit", "-o", directory / "log"]
        subprocess.run([*prefix, *command, build("forks_and_execs")], check=False, timeout=DEADLINE_S)
        logs.append(
            sorted(re.sub(r"\d+", "N", "\n".join(normal(log.read_text()))) for log in directory.iterdir())
        )
    assert logs[1] == logs[0]


def test_strace_of_strace(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    command = ["strace", "-o", "/dev/null", "strace", "-o", inner, "cat", "/etc/hostname"]
    native, ours = both(tmp_path, command)
    native_inner = None
    for prefix in ([], UTRACE):
        subprocess.run([*prefix, *command], check=True, capture_output=True, timeout=DEADLINE_S)
        written = normal(inner.read_text())
        assert native_inner in {None, tuple(written)}
        native_inner = tuple(written)
    assert ours[:2] == native[:2]


def test_two_straces_trace_one_program(tmp_path: Path) -> None:
    """The kernel has one tracer a task; a session any number."""
    logs = [tmp_path / "outer", tmp_path / "inner"]
    wanted = "trace=getppid,execve,exit_group"
    command = ["strace", "-f", "-e", wanted, "-o", logs[0], "strace", "-e", wanted, "-o", logs[1], "sh", "-c", ":"]
    done = subprocess.run([*UTRACE, *command], check=False, capture_output=True, text=True, timeout=DEADLINE_S)
    assert (done.returncode, done.stderr) == (0, "")
    inner = normal(logs[1].read_text())
    assert any(line.startswith("execve") for line in inner)
    outer = [line.partition(" ")[2] for line in normal(logs[0].read_text())]
    assert [line for line in inner if line.startswith(("getppid", "exit_group"))] == [
        line for line in outer if line in inner and line.startswith(("getppid", "exit_group"))
    ][: len(inner)]


@pytest.mark.parametrize("under_session", [False, True])
def test_attached_to_threads_and_let_go_by_ctrl_c(tmp_path: Path, under_session: bool) -> None:  # noqa: FBT001 — a pytest parameter
    log = tmp_path / "log"
    script = (
        f"{build('makes')} & child=$!; strace -f -o {log} -p $child & tracer=$!; echo $child $tracer;"
        " read line; kill -INT $tracer; wait $tracer; echo tracer $?; kill -0 $child && echo alive;"
        " kill -TERM $child; wait $child; echo child $?"
    )
    del script  # replaced below by the threaded server
