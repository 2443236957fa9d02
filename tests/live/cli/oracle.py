"""The installed strace as a black box beside ours, and what makes their output comparable."""

from __future__ import annotations

import collections
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

UTRACE: Final = (sys.executable, "-m", "utrace")
TRACE: Final = (*UTRACE, "trace")
STRACE: Final = ("strace",)
DEADLINE_S: Final = 60


def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with no input."""
    return subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        cwd=cwd,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=DEADLINE_S,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line: what was `<unfinished ...>` is joined with what was `resumed`."""

    pid: int
    text: str

    @property
    def call(self) -> str:
        """The name of the system call, "" in lines about something else."""
        return self.text.partition("(")[0] if re.match(r"\w+\(", self.text) else ""

    @property
    def outcome(self) -> str:
        """ "ok", the name of the error, or "?" without a result."""
        result = self.text.rpartition(" = ")[2]
        if result.startswith("?"):
            return result.split(" (")[0]
        return result.split()[1] if result.startswith("-1 E") else "ok"


def logged(
    tool: Sequence[str], path: Path, *words: str | Path, cwd: Path | None = None
) -> tuple[int, list[Line]]:
    """Trace a command into a file, with pids: its status, and its lines in order of their ends."""
    done = run(*tool, "-f", "-o", path, *words, cwd=cwd)
    return done.returncode, lines_of(path.read_text("utf-8", "surrogateescape"))


def lines_of(text: str) -> list[Line]:
    """Read a log with a column of pids."""
    unfinished: dict[int, str] = {}
    lines = []
    for raw in text.splitlines():
        if raw.startswith(" "):
            # A dump, or a frame of a stack, behind a call.
            lines.append(Line(0, raw))
            continue
        pid_text, _, rest = raw.partition(" ")
        pid, rest = int(pid_text.partition("<")[0]), rest.strip()
        if rest.endswith(" <unfinished ...>"):
            unfinished[pid] = rest.removesuffix(" <unfinished ...>")
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>", rest)
        if resumed is not None:
            rest = unfinished.pop(pid, "") + rest[resumed.end() :]
        lines.append(Line(pid, rest))
    return lines


_NORMAL_FORMS: Final = (
    (re.compile(r"0x[0-9a-f]{5,}"), "ADDRESS"),
    (re.compile(r"si_[us]time=\d+( /\* [\d.]+ s \*/)?"), "si_time=TIME"),
    (re.compile(r"<(pipe|socket):\[\d+\]>"), r"<\1:[INODE]>"),
    (re.compile(r"si_pid=\d+"), "si_pid=PID"),
    (re.compile(r"(getrandom\()\"[^\"]*\"(\.\.\.)?"), r"\1RANDOM"),
    (re.compile(r"^((?:v?fork|clone3?|wait4|get(?:p|t|pp)id|set_tid_address)\(.*= )\d+$"), r"\1PID"),
    (re.compile(r"_tid=\[\d+\]"), "_tid=[PID]"),
    (re.compile(r"^(kill|tgkill|wait4)\(\d+(, \d+)?"), r"\1(PID"),
    (re.compile(r"(rt_sigreturn\(.*= )-?\d+"), r"\1N"),
    (re.compile(r" +"), " "),
)


def normalised(lines: Iterable[Line]) -> collections.Counter[str]:
    """Count lines without what differs from run to run: pids, addresses, times, random bytes."""
    counted: collections.Counter[str] = collections.Counter()
    for line in lines:
        text = line.text
        for pattern, replacement in _NORMAL_FORMS:
            text = pattern.sub(replacement, text)
        counted[text] += 1
    return counted


_BIRTHS: Final = frozenset({"fork", "vfork", "clone", "clone3"})


def by_program(lines: Iterable[Line]) -> collections.Counter[tuple[str, str, str]]:
    """Count (program, system call, outcome); a child is its parent's program until its execve."""
    lines = list(lines)
    parent = {
        int(line.text.rpartition(" = ")[2]): line.pid
        for line in lines
        if line.call in _BIRTHS and line.outcome == "ok"
    }
    program: dict[int, str] = {}
    counted: collections.Counter[tuple[str, str, str]] = collections.Counter()
    for line in lines:
        name = line.call
        if not name:
            continue
        if line.pid not in program:
            program[line.pid] = program.get(parent.get(line.pid, 0), "")
        counted[program[line.pid], name, line.outcome] += 1
        if name == "execve" and line.outcome == "ok":
            path = line.text.partition('"')[2].partition('"')[0]
            program[line.pid] = path.rpartition("/")[2]
    return counted
