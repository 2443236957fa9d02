"""Each letter of strace that changes lines, against the installed strace."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.live.cli.oracle import DEADLINE_S, STRACE, TRACE, logged, normalised, run
from tests.tracees import build
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.requires("strace", "gcc")


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    """A program that opens its file by the third openat and reads it by the second read."""
    file = tmp_path / "file"
    file.write_text("some text in a file")
    return [str(build("reads_in_functions")), str(file)]


@pytest.mark.requires("root")
def test_pids_of_other_namespaces_are_those_strace_shows(tmp_path: Path) -> None:
    def lines(tool: tuple[str, ...]) -> list[str]:
        log = tmp_path / tool[-1]
        script = "(exit 3); kill -0 $$; /bin/true"
        calls = "trace=getpid,kill,clone,vfork,wait4"
        run(*tool, "-f", "--decode-pids=all", "-e", calls, "-o", log, "unshare", "-pf", "sh", "-c", script)
        text = re.sub(r"si_[us]time=\d+( /\* [\d.]+ s \*/)?|0x\w+", "", log.read_text())
        pids = list(dict.fromkeys(re.findall(r"^\d+", text, re.MULTILINE)))
        text = re.sub(r"\b\d{3,}\b", lambda pid: f"P{pids.index(pid[0])}" if pid[0] in pids else "N", text)
        text = re.sub(" +", " ", text)
        whole = re.compile(
            r"^(\S+) (.*) <unfinished \.\.\.>\n((?:.*\n)*?)\1 <\.\.\. \w+ resumed>(.*\n)", re.MULTILINE
        )
        while whole.search(text):
            text = whole.sub(r"\1 \2\4\3", text, count=1)
        # Whether a child has called execve or is gone is up to the scheduler, as is what goes on meanwhile.
        text = re.sub(
            r"((?:clone|vfork)\(.*= \w+|si_pid=\w+)(?:<\w+>| /\* \w+ in strace's PID NS \*/)", r"\1", text
        )
        lines = [line for line in text.splitlines() if "wait4" not in line]
        return sorted(lines, key=lambda line: line.split()[0])

    assert lines(TRACE) == lines(STRACE)


@pytest.mark.parametrize(
    "options",
    [
        ["-n", "-e", "trace=none"],
        ["-X", "raw"],
        ["--strings-in-hex=non-ascii-chars", "-e", "trace=read"],
        ["-X", "verbose"],
        ["-e", "raw=openat,mmap"],
        ["-e", "verbose=none"],
        ["-e", "read=3"],
        ["-e", "write=1"],
        ["-e", "read=!0", "-e", "write=all", "-e", "trace=read,write,pread64"],
        ["-n", "-e", "trace=!set_tid_address"],
        ["-e", "inject=openat:error=ENOENT:when=3"],
        ["-e", "inject=openat:error=4095:when=3"],
        ["-e", "inject=openat:retval=42:when=3"],
        ["-e", "inject=openat:error=EPERM:syscall=getpid:when=3"],
        ["-e", "inject=openat:signal=USR1:when=3"],
        ["-e", "inject=openat:error=ENOENT:signal=CONT:when=3"],
        ["-e", "inject=read:delay_enter=1ms:when=2"],
        ["-e", "inject=read:delay_exit=1ms:when=2"],
        ["-e", "inject=read:error=EIO:delay_enter=1:delay_exit=1:when=2"],
        ["-e", "inject=read:poke_exit=@arg2=414243:when=2"],
        ["-e", "inject=read:poke_enter=@arg2=414243:when=2"],
        ["-e", "inject=read:retval=3:poke_exit=@arg2=414243:when=2"],
        ["-e", "inject=read:error=EIO:poke_exit=@arg2=41:when=2"],
        ["-e", "fault=openat:when=3"],
        ["-e", "fault=openat:error=EIO:when=2+"],
        ["-e", "inject=!openat:error=EIO:when=65535"],
        ["-z", "-e", "inject=openat:error=EIO:when=3"],
        ["-Z", "-e", "inject=openat:error=EIO:when=3"],
        ["-e", "trace=read", "-e", "inject=openat:error=EIO:when=3"],
    ],
    ids=" ".join,
)
def test_lines_are_those_of_strace(options: list[str], program: list[str], tmp_path: Path) -> None:
    ours = logged(TRACE, tmp_path / "ours", *options, *program)
    theirs = logged(STRACE, tmp_path / "theirs", *options, *program)
    assert ours[0] == theirs[0]
    assert normalised(ours[1]) == normalised(theirs[1])


@pytest.mark.parametrize(
    "options",
    [
        ["-P", "{file}"],
        ["-P", "{link}"],
        ["-P", "{file}", "-e", "trace=read"],
        ["-P", "{file}", "-e", "inject=%file:error=EIO"],
    ],
    ids=" ".join,
)
def test_calls_that_access_a_path_are_those_of_strace(
    options: list[str], program: list[str], tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(program[1])
    words = [word.format(file=program[1], link=link) for word in options]
    ours = logged(TRACE, tmp_path / "ours", *words, *program)
    theirs = logged(STRACE, tmp_path / "theirs", *words, *program)
    assert ours[0] == theirs[0]
    assert normalised(ours[1]) == normalised(theirs[1])
    assert len(ours[1]) > 1
    said = [run(*tool, *words, "-e", "trace=none", *program).stderr for tool in (TRACE, STRACE)]
    assert said[0].replace("utrace:", "strace:") == said[1]


@pytest.mark.parametrize(
    "options",
    [
        ["--relative-timestamps=ns"],
        ["--relative-timestamps=s"],
        ["-r", "--absolute-timestamps=unix,ms"],
        ["--absolute-timestamps=format:time,precision:ns"],
        ["--syscall-times=ns"],
        ["--syscall-times=ms"],
        ["--syscall-times=s"],
        ["-i", "-n", "-tt"],
    ],
    ids=" ".join,
)
def test_prefixes_have_the_shape_of_strace(options: list[str]) -> None:
    shapes = []
    for tool in (TRACE, STRACE):
        done = run(*tool, *options, "true")
        assert done.returncode == 0
        shapes.append(
            [re.sub(r"[\da-f]", "9", line[:48]) for line in done.stderr.splitlines() if "exit" in line]
        )
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    "options",
    [
        ["-c", "-S", "name", "-U", "time,calls,total-time"],
        ["-c", "-S", "calls", "-U", "calls,errors"],
        ["-c", "-S", "errors", "-U", "name,errors"],
        ["-c", "-S", "nothing", "-U", "name,calls,errors"],
        ["-c", "-w", "-S", "name", "-U", "time,total-time,shortest,longest,count,error"],
        ["-C", "-S", "name", "-O", "1s", "-U", "calls", "-e", "trace=openat,read"],
    ],
    ids=" ".join,
)
def test_tables_are_those_of_strace_but_for_times(options: list[str], program: list[str]) -> None:
    tables = []
    for tool in (TRACE, STRACE):
        done = run(*tool, *options, *program)
        text = re.sub(r"\d+\.\d+", "T", done.stderr)
        tables.append([re.sub(r" +", " ", line.strip()) for line in text.splitlines()])
    assert tables[0] == tables[1]


def test_output_goes_to_a_command_which_is_awaited(program: list[str], tmp_path: Path) -> None:
    for sign in "|!":
        file = tmp_path / "piped"
        done = run(*TRACE, "-o", f"{sign}sleep 0.1; cat -n > {file}", "-e", "trace=openat", *program)
        assert done.returncode == 0
        assert not done.stderr
        assert "     3\topenat(" in file.read_text()


def test_each_argument_has_its_name(program: list[str]) -> None:
    done = run(*TRACE, "-N", "-e", "trace=openat,close", *program)
    assert 'openat(dirfd=AT_FDCWD, pathname="/etc/ld.so.cache", flags=O_RDONLY|O_CLOEXEC) = 3' in done.stderr
    assert re.search(r"^close\(fd=3\) +  = 0$", done.stderr, re.MULTILINE)


def test_the_pid_is_always_shown_if_asked(program: list[str]) -> None:
    lines = run(*TRACE, "--always-show-pid", "-e", "trace=openat", *program).stderr.splitlines()
    assert all(re.match(r"\[pid +\d+\] ", line) for line in lines)


def test_argv0_is_what_was_asked_for() -> None:
    done = run(*TRACE, "--argv0=somename", "-e", "trace=execve", "sh", "-c", "echo $0")
    assert done.stdout == "somename\n"
    assert '["somename", "-c", "echo $0"]' in done.stderr


@pytest.mark.requires("root")
def test_a_program_runs_as_another_user() -> None:
    done = run(*TRACE, "-u", "nobody", "-e", "trace=execve", "id")
    assert (done.returncode, done.stdout) == (
        0,
        run("strace", "-u", "nobody", "-o", "/dev/null", "id").stdout,
    )
    assert done.stdout.startswith("uid=65534(nobody)")
    assert done.stderr.startswith("execve(")


def test_processes_are_let_go_at_execve(tmp_path: Path) -> None:
    texts = []
    for tool, name in ((TRACE, "ours"), (STRACE, "theirs")):
        done = run(
            *tool,
            "-f",
            "-b",
            "execve",
            "-o",
            tmp_path / name,
            "-e",
            "trace=execve,write",
            "sh",
            "-c",
            "/bin/true; echo hi",
        )
        assert (done.returncode, done.stdout) == (0, "hi\n")
        text = re.sub(r"^\d+|0x[0-9a-f]+", "N", (tmp_path / name).read_text(), flags=re.MULTILINE)
        texts.append([line for line in text.splitlines() if "SIGCHLD" not in line])
    assert texts[0] == texts[1]
    assert any(line.endswith("<detached ...>") for line in texts[0])


def test_everything_is_let_go_after_so_many_calls() -> None:
    done = run(
        *TRACE,
        "-f",
        "--syscall-limit=3",
        "-e",
        "trace=execve,wait4",
        "sh",
        "-c",
        "/bin/true; /bin/true; /bin/true; exit 7",
    )
    calls = [line for line in done.stderr.splitlines() if re.search(r"\) += ", line)]
    assert len(calls) == 3
    assert done.returncode == 7


@pytest.mark.parametrize("letter", ["-D", "-DD", "-DDD"])
def test_the_tracer_is_a_grandchild(letter: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = (
        "import os, sys; os.getppid(); status = open('/proc/self/status').read();"
        "tracer = int(status.split('TracerPid:')[1].split()[0]);"
        "print(os.getppid(), os.getpgid(tracer) == os.getpgid(0), os.getsid(tracer) == os.getsid(0));"
        "sys.exit(5)"
    )
    with subprocess.Popen(
        [*TRACE, letter, "-o", str(log), "-e", "trace=execve,getppid", sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
    ) as tracer:
        out, _ = tracer.communicate(timeout=DEADLINE_S)
        # It is the program that has the pid we were given, and whose parent we are.
        expected = {"-D": "True True", "-DD": "False True", "-DDD": "False False"}[letter]
        assert out == f"{os.getpid()} {expected}\n"
        assert tracer.returncode == 5
    wait_until(lambda: "+++ exited with 5 +++" in log.read_text(), 10, "the end of the log")
    lines = log.read_text().splitlines()
    assert lines[0].startswith("execve(")
    assert f"getppid() = {os.getpid()}" in re.sub(" +", " ", log.read_text())


def test_a_program_that_is_not_found_is_no_grandchilds_affair() -> None:
    done = run(*TRACE, "-D", "/nonexistent/program")
    assert done.returncode == 127
    assert "No such file or directory" in done.stderr


@pytest.mark.parametrize(
    ("level", "signo", "status"), [("1", "TERM", 143), ("2", "INT", 130), ("3", "INT", 0), ("4", "TSTP", 0)]
)
def test_signals_end_the_tracer_when_it_is_interruptible(
    level: str, signo: str, status: int, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with subprocess.Popen(
        [*TRACE, "-I", level, "-o", str(log), "cat"], stdin=subprocess.PIPE, process_group=0
    ) as tracer:
        wait_until(lambda: log.exists() and log.read_text().endswith("\nread(0, "), DEADLINE_S, "the program")
        tracer.send_signal(getattr(signal, f"SIG{signo}"))
        if status:
            assert tracer.wait(DEADLINE_S) == -(status - 128)
        assert tracer.stdin is not None
        tracer.stdin.close()
        if status == 0:
            assert tracer.wait(DEADLINE_S) == 0


def test_colour_is_for_terminals(program: list[str]) -> None:
    plain = run(*TRACE, "-e", "trace=openat", *program).stderr
    painted = run(*TRACE, "--color", "-e", "trace=openat", *program).stderr
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[\d+m", "", painted) == plain
