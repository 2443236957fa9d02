"""Unmodified gdb under a session shows what it shows on the kernel."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from tests.emulation.gdb_behaviours import SCRIPTS, SHELL
from tests.tracees import build

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S: Final = 40
SETTINGS: Final = (
    "set confirm off",
    "set width 0",
    "set height 0",
    "set style enabled off",
    "set debuginfod enabled off",
    "set startup-with-shell on",
)
#: Waits until all four threads of the server are in pause(2), whatever the shell had to do meanwhile.
STILL: Final = 'until [ "$(cat /proc/$PID/task/*/syscall | grep -c "^34 ")" = 4 ]; do :; done; '
GDB: Final = "gdb -q -nx -nh -batch " + " ".join(f"-iex '{setting}'" for setting in SETTINGS)
UNDER_A_SESSION: Final = (sys.executable, "-m", "utrace", "run", "--")

#: What differs from one run to the next: ids, and where the kernel put what is not the program's.
VARYING: Final = (
    (
        re.compile(r"(process|LWP|Thread|thread|pid|PID|attach|tid|si_pid =|Inferior) (?:0x)?[0-9a-f]{3,}\b"),
        r"\1 N",
    ),
    (re.compile(r"\bThread 0x[0-9a-f]+ \(LWP \d+\)"), "Thread N"),
    (re.compile(r"(?<=/proc/)\d+"), "N"),
    (re.compile(r"line \d+, [A-Z][a-z]+ process"), "process"),
)

THREAD_END: Final = re.compile(r"\[Thread .* exited\]$")


def outcome(argv: list[str], folder: Path) -> str:
    """Run a command in a session and folder of its own; what it wrote and how it ended, normalized."""
    folder.mkdir()
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        start_new_session=True,
    )
    try:
        written, _ = process.communicate(timeout=DEADLINE_S)
        ended = f"exit status {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        written, _ = process.communicate()
        ended = "it did not end"
    text = written.decode(errors="replace").replace(str(folder), "DIR")
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    # Where these come among the others is a matter of chance.
    lines = text.splitlines(keepends=True)
    ends = [line for line in lines if THREAD_END.match(line)]
    return "".join([*(line for line in lines if line not in ends), *ends]) + ended


def both(command: str, tmp_path: Path) -> tuple[str, str]:
    """Run a command line of sh natively and under a session, at the same time."""
    # Of the same length, since names in the environment move the stack.
    folders = [tmp_path / "native", tmp_path / "served"]
    argvs = [
        [*prefix, "sh", "-c", command.replace("GDB", GDB).replace("DIR", str(folder))]
        for prefix, folder in zip(((), UNDER_A_SESSION), folders, strict=True)
    ]
    with ThreadPoolExecutor(2) as pool:
        native, session = pool.map(outcome, argvs, folders)
    return native, session


IN_CI: Final = frozenset(
    {
        "break",
        "next",
        "finish",
        "call",
        "watch",
        "catch_syscall",
        "follow_child",
        "step_into_a_handler",
        "info_threads",
    }
)


NOTHING: Final = re.compile(r"(?!)")
CHANCE: Final = {
    "schedule_multiple": re.compile(r"\bInferior \d|^.* <null> .*\n|^.* process N .*\n", re.MULTILINE)
}
"""What differs from run to run of gdb natively, too: of two programs that have ended, which is told first."""


@pytest.mark.requires("gdb")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.core] if name in IN_CI else []) for name in SCRIPTS]
)
def test_gdb_shows_what_it_shows_natively(name: str, tmp_path: Path) -> None:
    mode, script = SCRIPTS[name]
    program = build("debugged")
    # A gdb script ends at the first error; each command is to be tried.
    commands = tmp_path / "commands.gdb"
    commands.write_text(script)
    words = " ".join(f"-ex '{line}'" for line in script.splitlines()) if "\ncommands\n" not in script else ""
    words = words or f"-x {commands}"
    native, session = both(f"GDB {words} --args {program} {mode}", tmp_path)
    chance = CHANCE.get(name, NOTHING)
    assert chance.sub("", session) == chance.sub("", native)
    assert "exit status" in native


@pytest.mark.requires("gdb")
@pytest.mark.parametrize("name", SHELL)
def test_gdb_attaches_as_natively(name: str, tmp_path: Path) -> None:
    program = build("debugged")
    command = (
        f"mkfifo DIR/news; setarch -R {program} serve >DIR/news & PID=$!; read line <DIR/news; {STILL} "
        + SHELL[name].replace("PROGRAM", str(program))
        + "; kill -KILL $PID 2>/dev/null; wait $PID 2>/dev/null; true"
    )
    native, session = both(command, tmp_path)
    assert session == native
    assert "exit status 0" in native
