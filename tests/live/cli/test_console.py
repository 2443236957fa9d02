"""Whatever standard input, output and error are, whatever is typed: no traceback, and nothing is mixed up."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.live.cli.oracle import DEADLINE_S, TRACE, UTRACE, run

if TYPE_CHECKING:
    from pathlib import Path

U = shlex.join(UTRACE)
T = shlex.join(TRACE)


def shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
        errors="surrogateescape",
        timeout=DEADLINE_S,
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("trace --help >&-", "Bad file descriptor"),
        ("--help >/dev/full", "No space left on device"),
        ("completion bash >/dev/full", "No space left on device"),
    ],
)
def test_what_cannot_be_written_is_one_line_and_status_1(words: str, why: str) -> None:
    done = shell(f"{U} {words}")
    assert (done.returncode, done.stderr) == (1, f"utrace: cannot write to standard output: {why}\n")


def test_a_reader_that_has_gone_is_no_error_of_ours() -> None:
    with subprocess.Popen([*UTRACE, "completion", "zsh"], stdout=-1, stderr=-1) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.close()
        assert command.stderr.read() == b""
        assert command.wait(DEADLINE_S) == -signal.SIGPIPE


def test_a_slow_reader_of_a_pipe_that_does_not_block_gets_all() -> None:
    whole = run(*UTRACE, "completion", "zsh").stdout
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    with (
        subprocess.Popen([*UTRACE, "completion", "zsh"], stdout=writer) as command,
        os.fdopen(reader) as slow,
    ):
        os.close(writer)
        assert len(whole) > 4096
        assert slow.read() == whole
        assert command.wait(DEADLINE_S) == 0


@pytest.mark.parametrize("words", ["", "nosuch", "trace -Q", "trace nosuch", "run", "who x"])
def test_a_complaint_needs_no_standard_error(words: str) -> None:
    assert shell(f"{U} {words} 2>&-").returncode in {1, 127}


@pytest.mark.parametrize(
    "command", ["trace -f -o {log}", "trace --no-tap -o {log}", "trace -D -o {log}", "run"]
)
def test_a_program_has_closed_what_we_were_given_closed(command: str, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    script = (
        f"for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && echo $fd; done >{shown}.new; mv {shown}.new {shown}"
    )
    done = shell(f"{U} {command.format(log=tmp_path / 'log')} sh -c {shlex.quote(script)} <&- >&- 2>&-")
    assert done.returncode == 0
    # What the shell itself has open while it looks: its standard output.
    assert shown.read_text() == "1\n"


def test_a_log_has_only_lines_of_the_log_without_standard_error(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = shell(f"{T} -e trace=exit_group -o {log} sh -c 'echo to error >&2; exit 3' <&- >&- 2>&-")
    assert done.returncode == 3
    assert len(log.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-p", "99999999999999999999"], "invalid process id: '99999999999999999999'"),
        (["-p", "9" * 5000], "invalid process id"),
        (["-s", "9" * 5000, "true"], "invalid -s argument"),
        (["-a", "9" * 15, "true"], "invalid -a argument"),
        (["-e", "trace-fds=" + "9" * 5000, "true"], "invalid descriptor"),
        (["-e", "signal=" + "9" * 5000, "true"], "invalid signal"),
        (["-e", f"inject=read:error=EIO:when={'9' * 5000}", "true"], "is not FIRST"),
        (["-e", f"inject=read:error={'9' * 5000}", "true"], "no error of that name"),
        (["-e", f"inject=read:delay_enter={'9' * 5000}", "true"], "is too long"),
        (["--inject-replay", "/bin/sh", "-e", "inject=read:error=EIO", "true"], "not a line of a journal"),
        (["/etc/passwd/x"], "utrace: /etc/passwd/x: Not a directory"),
        (["\x1b[31m"], "utrace: \\x1b[31m: command not found"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_no_word_is_too_long_or_too_strange(words: list[str], message: str) -> None:
    done = run(*TRACE, *words)
    assert done.returncode in {1, 126, 127}
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


ENGINES = {
    "def": "SyntaxError",
    "import utrace\nclass A(utrace.EngineOps):\n    def __init__(self, x): pass\n": "missing 1 required",
    "import nosuchmodule": "line 1 of {path}: ModuleNotFoundError",
    "x = 1": "name one engine class of {path} (found: none)",
}


@pytest.mark.parametrize("text", ENGINES, ids=ENGINES.values())
def test_an_engine_that_cannot_be_made_is_said_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "engine.py"
    path.write_text(text)
    done = run(*UTRACE, "run", "--engine", path, "true")
    assert done.returncode == 1
    assert ENGINES[text].format(path=path) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_session_nobody_can_ask_goes_on() -> None:
    done = shell(f"{U} run sh -c 'exit 3'", XDG_RUNTIME_DIR="/nonexistent")
    assert done.returncode == 3
    assert done.stderr.startswith("utrace: 'utrace who' cannot ask this session: ")
    asked = shell(f"{U} who", XDG_RUNTIME_DIR="/nonexistent")
    assert (asked.returncode, asked.stderr) == (
        1,
        "utrace who: /nonexistent/utrace: No such file or directory\n",
    )


def test_the_table_goes_behind_the_lines_also_to_a_command(tmp_path: Path) -> None:
    done = run(*TRACE, "-C", "-e", "trace=exit_group", "-o", "|cat >lines", "true", cwd=tmp_path)
    assert done.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["lines"]
    lines = (tmp_path / "lines").read_text().splitlines()
    assert lines[1] == "+++ exited with 0 +++"
    assert lines[2].startswith("% time")


def test_a_disk_that_is_full_is_told_once_for_lines_and_table() -> None:
    done = run(*TRACE, "-C", "-o", "/dev/full", "true")
    assert done.stderr.count("lost at the end") == 1
