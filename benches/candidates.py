"""What is measured: one way to run the same loop each, or one start-up."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from benches.placement import Placement, placed
from benches.programs import BUILT, C_TRACER, LOOP, ROOT, TIMED

if TYPE_CHECKING:
    from collections.abc import Sequence

DEADLINE_S: Final = 60
UTRACE: Final = Path(sys.executable).parent / "utrace"

# As after an installation: Python finds its bytecode, whatever the environment says about writing it.
ENVIRONMENT: Final = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PYTHONPYCACHEPREFIX": str(BUILT / "bytecode"),
}


class NotMeasuredError(Exception):
    """A candidate could not run, or did not do what it is measured for; the text says why."""


class Candidate(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def placement(self) -> Placement: ...

    def measure(self) -> float:
        """Run once; give µs a call, or ms a start-up."""
        ...


def finished(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its successful end.

    Raises:
        NotMeasuredError: it is not installed, failed, or took too long.
    """
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=ENVIRONMENT,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=DEADLINE_S,
        )
    except FileNotFoundError as error:
        raise NotMeasuredError(f"{error.filename} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise NotMeasuredError(f"not over after {DEADLINE_S} s") from error
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["nothing on standard error"]
        raise NotMeasuredError(f"exit status {done.returncode}: {last[0]}")
    return done


@dataclass(frozen=True, slots=True)
class LoopUnder:
    """The getppid loop under some tracer.

    Attributes:
        tracer: the command that the loop's is appended to.
        calls: how many are timed.
        seen: how many things a call the tracer tells on standard error that it has seen; None if it
            tells nothing.
        threads: that the program has besides, all blocked.
    """

    name: str
    placement: Placement
    tracer: tuple[str, ...]
    calls: int
    seen: int | None = None
    threads: int = 0

    def measure(self) -> float:
        """Give µs a call by the loop's own clock."""
        with placed(self.placement) as options:
            threads = ["-t", str(self.threads)] if self.threads else []
            done = finished([*self.tracer, str(LOOP), *options, *threads, str(self.calls)])
        if self.seen is not None:
            words = done.stderr.split()
            if not words or int(words[-1]) < self.seen * self.calls:
                raise NotMeasuredError(f"saw {words[-1:]} of {self.seen * self.calls}")
        return int(done.stdout) / self.calls / 1e3


@dataclass(frozen=True, slots=True)
class Attach:
    """`import utrace` and attach to a process with four threads.

    Attributes:
        parts: which of import (0) and attach (1) count.
    """

    name: str
    parts: tuple[int, ...]
    placement: Placement = Placement.FREE

    def measure(self) -> float:
        """Give ms by the attaching program's own clock."""
        with placed(self.placement) as options:
            target = subprocess.Popen(
                [str(LOOP), *options, "-t", "3", "-w", "1"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            try:
                if target.stdout is None or target.stdout.readline() != "ready\n":
                    raise NotMeasuredError("the process to attach to did not start")
                done = finished([sys.executable, "-m", "benches.attaching", str(target.pid)])
            finally:
                target.kill()
                target.communicate()
        figures = [int(word) for word in done.stdout.split()]
        return sum(figures[part] for part in self.parts) / 1e6


@dataclass(frozen=True, slots=True)
class StartUp:
    """A command from its start to its end."""

    name: str
    command: tuple[str, ...]
    placement: Placement = Placement.FREE

    def measure(self) -> float:
        """Give ms."""
        with placed(self.placement):
            start = time.perf_counter_ns()
            finished(self.command)
            return (time.perf_counter_ns() - start) / 1e6


SESSION: Final = (str(UTRACE), "run", "--")


@dataclass(frozen=True, slots=True)
class Whole:
    """A program from its start to its end, alone or under something.

    Attributes:
        tracer: the command that the program is appended to; its own start and end do not count.
        command: the program, with its arguments; its output is thrown away.
    """

    name: str
    tracer: tuple[str, ...]
    command: tuple[str, ...]
    placement: Placement = Placement.ONE

    def measure(self) -> float:
        """Give ms by the clock of the program's parent, which is under the tracer too."""
        with placed(self.placement):
            done = finished([*self.tracer, str(TIMED), *self.command])
        return int(done.stdout) / 1e6


def module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"benches.{name}", *arguments)


@dataclass(frozen=True, slots=True)
class Loops:
    """The candidates that run the loop, under one placement.

    Attributes:
        calls: timed by a tracer that takes some µs a stop; the slow ones get a part of it.
    """

    placement: Placement
    calls: int

    def untraced(self) -> LoopUnder:
        return LoopUnder("untraced", self.placement, (), 50 * self.calls)

    def c_tracer(self, *, info: bool, threads: int = 0) -> LoopUnder:
        return LoopUnder(
            f"C tracer, {'syscall info' if info else 'bare'}{_of(threads)}",
            self.placement,
            (str(C_TRACER), "-i") if info else (str(C_TRACER),),
            self.calls,
            seen=2,
            threads=threads,
        )

    def under_strace(self) -> LoopUnder:
        return LoopUnder("strace", self.placement, ("strace", "-f", "-o", "/dev/null"), self.calls)

    def strace_of_session(self) -> LoopUnder:
        return LoopUnder(
            "utrace run strace",
            self.placement,
            (*SESSION, "strace", "-f", "-o", "/dev/null"),
            self.calls // 4,
        )

    def in_session(self) -> LoopUnder:
        return LoopUnder("utrace run", self.placement, SESSION, 50 * self.calls)

    def python_ptrace(self) -> LoopUnder:
        return LoopUnder(
            "python-ptrace", self.placement, module("under_python_ptrace"), self.calls // 4, seen=2
        )

    def native(self) -> LoopUnder:
        return LoopUnder(
            "utrace, native loop only", self.placement, module("under_native"), self.calls, seen=1
        )

    def engines(self, number: int, *, threads: int = 0) -> LoopUnder:
        return LoopUnder(
            f"utrace, {number} engine{'s' if number > 1 else ''}{_of(threads)}",
            self.placement,
            module("under_utrace", "--engines", str(number)),
            self.calls,
            seen=1,
            threads=threads,
        )

    def uninterested(self) -> LoopUnder:
        return LoopUnder(
            "utrace, 1 engine for unlink alone",
            self.placement,
            module("under_utrace", "--only", "unlink"),
            self.calls,
            seen=0,
        )

    def filtered(self) -> LoopUnder:
        return LoopUnder(
            "utrace, the same with seccomp",
            self.placement,
            module("under_utrace", "--only", "unlink", "--seccomp"),
            50 * self.calls,
            seen=0,
        )


def _of(threads: int) -> str:
    return f", {threads:,} threads" if threads else ""
