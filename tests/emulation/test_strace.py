"""Unmodified strace under a session writes what it writes on the kernel."""

from __future__ import annotations

import collections
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.tracees import SOURCES, build
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.requires("strace", "gcc")

DEADLINE_S: Final = 30
UTRACE: Final = (sys.executable, "-m", "utrace", "run", "--")


def normal(text: str) -> list[str]:
    """Give every pid a name in the order of appearance; hide addresses, times, random bytes, columns."""
    names: dict[str, str] = {}
    text = re.sub(r'getrandom\("[^"]*"', 'getrandom("…"', text)
    text = re.sub(r"0x[0-9a-f]{4,}", "ADDRESS", text)
    text = re.sub(r"\bsi_([us])time=\d+", r"si_\1time=T", text)
    # Pids of three digits come after a wrap.
    text = re.sub(r"\b\d{3,7}\b", lambda found: names.setdefault(found[0], f"N{len(names)}"), text)
    return [re.sub(r" +", " ", line) for line in text.splitlines()]


def run(command: list[str | Path], log: Path) -> tuple[int, str, list[str]]:
    """Run to the end: the exit status, what it said, and the log."""
    log.unlink(missing_ok=True)
    done = subprocess.run([*command], capture_output=True, text=True, check=False, timeout=DEADLINE_S)
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


@pytest.mark.core
@pytest.mark.parametrize("name", ONE_PROCESS)
def test_one_process(tmp_path: Path, name: str) -> None:
    native, ours = both(tmp_path, ["strace", "-o", tmp_path / "log", *ONE_PROCESS[name]])
    assert ours == native


SEVERAL: Final = {
    "follow": ["-f"],
    "chosen": ["-f", "-e", "trace=process,getppid"],
    "seccomp": ["-f", "--seccomp-bpf", "-e", "trace=getppid,vfork,execve,exit_group"],
    "inject": ["-f", "-e", "inject=getppid:error=ENOSYS"],
    "let_go_at_execve": ["-f", "-b", "execve", "-e", "trace=getppid,vfork,execve,exit_group"],
}


def per_process(log: list[str]) -> list[tuple[str, ...]]:
    """Split a log by process, as `-ff` would; lines of one process keep their order.

    Whether a line is cut in two, a SIGCHLD's place and a futex are up to the scheduler.  So is, natively too,
    whether strace says of a call that it let go in that it is detached, or leaves the line it had begun.
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
    for who, what in begun.items():
        lines[who].append(f"{what}<detached...>".replace(" ", ""))
    return sorted(tuple(told) for told in lines.values())


@pytest.mark.parametrize("name", SEVERAL)
def test_several_processes(tmp_path: Path, name: str) -> None:
    command: list[str | Path] = ["strace", *SEVERAL[name], "-o", tmp_path / "log", build("ptrace_family")]
    native, ours = both(tmp_path, command)
    assert ours[:2] == native[:2]
    assert per_process(ours[2]) == per_process(native[2])


def test_counts(tmp_path: Path) -> None:
    columns = ["-c", "-f", "-S", "name", "-U", "name,calls,errors", "-e", "trace=!futex"]
    command: list[str | Path] = [
        "strace",
        *columns,
        "-e",
        "trace=!futex",
        "-o",
        tmp_path / "log",
        build("ptrace_family"),
    ]
    native, ours = both(tmp_path, command)
    assert ours == native


def test_a_log_for_each_process(tmp_path: Path) -> None:
    logs = []
    for prefix in ((), UTRACE):
        directory = tmp_path / f"logs{len(prefix)}"
        directory.mkdir()
        command: list[str | Path] = [
            "strace",
            "-ff",
            "-e",
            "trace=getppid,execve,exit",
            "-o",
            directory / "log",
        ]
        subprocess.run([*prefix, *command, build("ptrace_family")], check=False, timeout=DEADLINE_S)
        logs.append(
            sorted(re.sub(r"\d+", "N", "\n".join(normal(log.read_text()))) for log in directory.iterdir())
        )
    assert logs[1] == logs[0]


@pytest.mark.core
def test_strace_of_strace(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    command: list[str | Path] = ["strace", "-o", "/dev/null", "strace", "-o", inner, "cat", "/etc/hostname"]
    native, ours = both(tmp_path, command)
    native_inner: tuple[str, ...] | None = None
    for prefix in ((), UTRACE):
        subprocess.run([*prefix, *command], check=True, capture_output=True, timeout=DEADLINE_S)
        written = normal(inner.read_text())
        assert native_inner in {None, tuple(written)}
        native_inner = tuple(written)
    assert ours[:2] == native[:2]


def test_two_straces_trace_one_program(tmp_path: Path) -> None:
    """The kernel has one tracer a task; a session any number."""
    logs = [tmp_path / "outer", tmp_path / "inner"]
    wanted = "trace=getppid,execve,exit_group"
    command: list[str | Path] = [
        "strace",
        "-f",
        "-e",
        wanted,
        "-o",
        logs[0],
        "strace",
        "-e",
        wanted,
        "-o",
        logs[1],
        "sh",
        "-c",
        ":",
    ]
    done = subprocess.run(
        [*UTRACE, *command], check=False, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert (done.returncode, done.stderr) == (0, "")
    inner = logs[1].read_text()
    # The outer one sees inner strace's own calls, and the program's, which both of them hold.
    outer = logs[0].read_text()
    assert [line.partition("(")[0] for line in inner.splitlines()][-2:] == [
        "exit_group",
        "+++ exited with 0 +++",
    ]
    for call in ("execve", "getppid", "exit_group"):
        assert 1 <= inner.count(f"{call}(") <= outer.count(f"{call}(")


SHELL_OF_ATTACH: Final = """
exec 3>&1
{ticks} > {ready} & child=$!
while [ ! -s {ready} ]; do :; done
strace -f -o {log} -p $child 2> {said} & tracer=$!
read word
kill -INT $tracer
wait $tracer; echo tracer $?
kill -0 $child && echo alive
grep TracerPid /proc/$child/status >&2
kill -TERM $child
wait $child; echo child $?
"""


@pytest.mark.parametrize("prefix", [(), UTRACE], ids=["native", "session"])
def test_attached_to_threads_and_let_go_by_a_signal(tmp_path: Path, prefix: tuple[str, ...]) -> None:
    log, said = tmp_path / "log", tmp_path / "said"
    script = SHELL_OF_ATTACH.format(ticks=build("ptrace_ticks"), log=log, said=said, ready=tmp_path / "ready")
    with subprocess.Popen(
        [*prefix, "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:

        def every_thread_is_seen() -> bool:
            lines = log.read_text().splitlines() if log.exists() else []
            return len({line.partition(" ")[0] for line in lines if "getppid" in line}) == 3

        try:
            wait_until(every_thread_is_seen, DEADLINE_S, "calls of all three threads in the log")
            words, _ = shell.communicate("go\n", timeout=DEADLINE_S)
        finally:
            shell.kill()
    assert words.splitlines() == ["tracer 130", "alive", "child 143"]
    assert said.read_text().count("attached") == 3 or "with 3 threads" in said.read_text()
    assert said.read_text().count("detached") == 3


@pytest.mark.parametrize("prefix", [(), UTRACE], ids=["native", "session"])
def test_group_stops_under_strace(tmp_path: Path, prefix: tuple[str, ...]) -> None:
    log = tmp_path / "log"
    script = "(while ! grep -q 'stopped by SIGSTOP' $1; do :; done; kill -CONT $$) & kill -STOP $$; exit 4"
    done = subprocess.run(
        [*prefix, "strace", "-e", "trace=none", "-o", log, "sh", "-c", script, "sh", log],
        check=False,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 4
    told = [line for line in normal(log.read_text()) if "SIGCHLD" not in line]
    assert [re.sub(r" \{.*\}", "", line) for line in told] == [
        "--- SIGSTOP ---",
        "--- stopped by SIGSTOP ---",
        "--- SIGCONT ---",
        "+++ exited with 4 +++",
    ]


ENGINE: Final = """
import utrace


class Counts(utrace.EngineOps):
    events = utrace.Event.SYSCALL_ENTRY
    syscalls = frozenset({"munmap"})
    follow = True

    def report_syscall_entry(self, task, call):
        return None
"""


@pytest.mark.requires("leak-sanitizer")
def test_a_leak_is_found_beside_strace_and_an_engine(tmp_path: Path) -> None:
    """LeakSanitizer traces the program it is in, which the kernel lets nobody else do then."""
    program, engine, log = tmp_path / "leak", tmp_path / "counts.py", tmp_path / "log"
    source = SOURCES / "ptrace_leak.c"
    subprocess.run(["gcc", "-g", "-fsanitize=leak", "-o", program, source], check=True)
    engine.write_text(ENGINE)
    command: list[str | Path] = ["strace", "-f", "-o", log, program]
    native = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_S)
    assert "LeakSanitizer does not work under ptrace" in native.stderr
    ours = subprocess.run(
        [*UTRACE[:-1], "--engine", engine, "--", *command],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert "SUMMARY: LeakSanitizer: 1234 byte(s) leaked in 1 allocation(s)." in ours.stderr
    assert "exit_group(23)" in log.read_text()
