"""Real programs under `utrace trace` and under the installed strace: how many lines are the same.

No two runs of a program make quite the same calls, so strace is run twice: a line that its second run
lacks as well says nothing about us.  Of the others each belongs to a class, the name of its system call.

    python -m tests.live.cli.corpus [NAME]...
"""

from __future__ import annotations

import argparse
import collections
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.live.cli.oracle import STRACE, TRACE, Line, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DEADLINE_S: Final = 240
#: A commit has the same name in every run.
ENVIRONMENT: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
}
SHOWN: Final = 6
SHOWN_WIDTH: Final = 300

#: What a line has of the run it is of: times, random bytes, sizes and places that depend on those.
_OF_ONE_RUN: Final = (
    (re.compile(r" +"), " "),
    (re.compile(r"0x[0-9a-f]{5,}"), "ADDRESS"),
    (
        re.compile(
            r"(tv_n?u?sec|st_[acm]time_?n?s?e?c?|si_[us]time|tms_\w+|uptime|ru_\w+|freeram|bufferram|procs)"
            r"=\d+( /\* [^*]*\*/)?"
        ),
        r"\1=N",
    ),
    (re.compile(r"\b(1[67]\d{8})\b( /\* [^*]*\*/)?"), "TIME"),
    (re.compile(r"\[?(0?\.\d{6,9}|[0-9]+\.[0-9]{6,9})\]?"), "SECONDS"),
    (re.compile(r"(pipe|socket|inode|st_ino|d_ino|anon_inode)(:\[|=)\d+"), r"\1\2N"),
    (re.compile(r"f_(bfree|bavail|ffree)=\d+"), r"f_\1=N"),
    (re.compile(r"(getppid\(\) = )\d+"), r"\1PID"),
    (re.compile(r"(getrandom\()\"[^\"]*\"(\.\.\.)?"), r"\1RANDOM"),
    (re.compile(r"(rt_sigreturn\(.*= )-?\d+"), r"\1N"),
    (re.compile(r"(/tmp/|/var/tmp/)[\w.+-]*"), r"\1NAME"),
)


@dataclass(frozen=True)
class Program:
    """One program of corpus.toml, which explains the fields."""

    name: str
    script: str
    needs: Sequence[str] = ()
    prepare: str = ":"
    options: Sequence[str] = ()
    quick: bool = False


PROGRAMS: Final[Mapping[str, Program]] = {
    entry["name"]: Program(**entry)
    for entry in tomllib.loads(Path(__file__).with_suffix(".toml").read_text())["program"]
}


@dataclass
class Compared:
    """What became of one program's lines.

    Attributes:
        lines: how many strace wrote.
        ours_only: lines that neither run of strace has.
        theirs_only: lines that both runs of strace have, and we do not.
        varying: by class, how many lines two runs of strace do not have in common.
        statuses: exit statuses, ours and strace's.
    """

    name: str
    lines: int
    ours_only: collections.Counter[str]
    theirs_only: collections.Counter[str]
    varying: collections.Counter[str]
    statuses: tuple[int, int]

    @property
    def different(self) -> collections.Counter[str]:
        """By class, how many lines differ by more than strace differs from itself; a pair counts once."""
        return (by_class(self.ours_only) | by_class(self.theirs_only)) - self.varying

    @property
    def equal(self) -> float:
        """Which part of the lines is the same."""
        return 1 - self.different.total() / max(self.lines, 1)


@dataclass
class Total:
    """All programs."""

    parts: list[Compared] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many lines were compared."""
        return sum(part.lines for part in self.parts)

    @property
    def different(self) -> collections.Counter[str]:
        """By class, how many lines differ."""
        return sum((part.different for part in self.parts), collections.Counter())

    @property
    def equal(self) -> float:
        """Which part of the lines is the same."""
        return 1 - self.different.total() / max(self.lines, 1)

    def examples(self, call: str) -> tuple[list[str], list[str]]:
        """Give lines of a class that differ: ours, and strace's."""
        parts = [part for part in self.parts if part.different[call]]
        ours = [text for part in parts for text in part.ours_only if call_of(text) == call]
        theirs = [text for part in parts for text in part.theirs_only if call_of(text) == call]
        return ours, theirs


def by_class(lines: collections.Counter[str]) -> collections.Counter[str]:
    """Count lines by their class."""
    counted: collections.Counter[str] = collections.Counter()
    for text, count in lines.items():
        counted[call_of(text)] += count
    return counted


def call_of(text: str) -> str:
    """Name the class of a line."""
    found = re.match(r"(?:\[[^]]*\] )?(\w+)\(", text)
    return found[1] if found else text.split(" ", maxsplit=1)[0]


def normal(lines: Iterable[Line]) -> collections.Counter[str]:
    """Count lines without what belongs to one run; pids are numbered in the order of their appearance."""
    lines = list(lines)
    pids: dict[str, str] = {}
    for line in lines:
        pids.setdefault(str(line.pid), f"P{len(pids)}")
    known = re.compile(r"\b(" + "|".join(sorted(pids, key=len, reverse=True)) + r")\b")
    counted: collections.Counter[str] = collections.Counter()
    for line in lines:
        text = known.sub("PID", line.text)
        for pattern, replacement in _OF_ONE_RUN:
            text = pattern.sub(replacement, text)
        counted[text] += 1
    return counted


def observe(tool: Sequence[str], program: Program, place: Path) -> tuple[int, collections.Counter[str]]:
    """Run one program under one tracer, in a place made anew."""
    shutil.rmtree(place, ignore_errors=True)
    (place / "work").mkdir(parents=True)
    # No address space randomisation: malloc() then asks for memory equally often.
    prepare = ["setarch", "-R", "sh", "-ec", program.prepare]
    subprocess.run(
        prepare,
        cwd=place / "work",
        check=True,
        capture_output=True,
        timeout=DEADLINE_S,
        env=ENVIRONMENT | {"HOME": str(place)},
    )
    command = [
        *tool,
        "-f",
        *program.options,
        "-o",
        str(place / "log"),
        "setarch",
        "-R",
        "sh",
        "-c",
        program.script,
    ]
    done = subprocess.run(
        command,
        cwd=place / "work",
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE_S,
        env=ENVIRONMENT | {"HOME": str(place)},
    )
    return done.returncode, normal(lines_of((place / "log").read_text("utf-8", "surrogateescape")))


def compare(program: Program) -> Compared:
    """Run a program under strace, under us, and under strace again."""
    with tempfile.TemporaryDirectory(prefix="corpus") as name:
        place = Path(name) / "run"
        first_status, first = observe(STRACE, program, place)
        status, ours = observe(TRACE, program, place)
        _, second = observe(STRACE, program, place)
    return Compared(
        program.name,
        first.total(),
        ours - (first | second),
        (first & second) - ours,
        by_class(first - second) | by_class(second - first),
        (status, first_status),
    )


def missing(program: Program) -> list[str]:
    """Give the commands it needs that are not installed."""
    return [command for command in program.needs if shutil.which(command) is None]


def main() -> int:
    """Compare the programs named, or all; print what differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.cli.corpus")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROGRAMS))
    chosen = parser.parse_args().names or list(PROGRAMS)
    total = Total()
    print(f"{'program':24} {'lines':>8} {'equal':>8} {'differ':>7} {'strace itself':>14}  status")
    for name in chosen:
        program = PROGRAMS[name]
        lacking = missing(program)
        if lacking:
            print(f"{name:24} not run: {', '.join(lacking)} not installed")
            continue
        part = compare(program)
        total.parts.append(part)
        status = (
            "same" if len(set(part.statuses)) == 1 else f"{part.statuses[0]}, strace's {part.statuses[1]}"
        )
        print(
            f"{name:24} {part.lines:8} {part.equal:8.2%} {part.different.total():7}"
            f" {part.varying.total():14}  {status}",
            flush=True,
        )
    print(f"{'all':24} {total.lines:8} {total.equal:8.2%} {total.different.total():7}")
    for call, count in total.different.most_common():
        print(f"\n{call}: {count}")
        for sign, lines in zip("+-", total.examples(call), strict=True):
            for text in lines[:SHOWN]:
                print(f"  {sign} {text[:SHOWN_WIDTH]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
