"""The recording tier against every stop reported: the same engine is told the same (D6)."""

from __future__ import annotations

import collections
import os
import random
import re
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.live.cli.oracle import by_program, lines_of, normalised
from tests.tracees import build
from tests.waiting import wait_until
from utrace import EngineOps, Event, Session
from utrace.engines.call_counts import CallCounts
from utrace.engines.line_log import LineStyle, PidShown
from utrace.engines.records import QuietListener
from utrace.engines.syscall_log import SyscallLog

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import utrace
    from tests.live.cli.oracle import Line
    from utrace.engines.records import EndRecord, Thread

pytestmark = pytest.mark.requires("gcc")

TELLS: Final = frozenset({"sysinfo", "statfs", "fstatfs", "getppid", "times", "getrusage"})
NOWHERE: Final = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
STYLE: Final = LineStyle(pids=PidShown.COLUMN)
DEADLINE_S: Final = 60
CALLS: Final = 3000
MANY: Final = f"import os\nfor _ in range({CALLS}): os.getppid()"
FOREVER: Final = "import os\nwhile True: os.getppid()"
THREADS: Final = """
import os, threading
def work():
    for _ in range(200): os.getppid(); os.stat("/")
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def steady(lines: Iterable[Line]) -> list[str]:
    """Write lines without what differs from run to run, also what the system tells of itself."""
    texts: list[str] = []
    for line in lines:
        text = next(iter(normalised([line])))
        texts.append(text.partition("(")[0] if line.call in TELLS else re.sub(r"PID=\d+", "PID", text))
    return texts


def log_of(
    path: Path, words: list[str], *, record: bool, seccomp: bool = False, syscalls: set[str] | None = None
) -> list[Line]:
    """Run a program under a log in a file; its lines."""
    with SyscallLog(path, style=STYLE, syscalls=syscalls) as log:
        assert log.batches is not None
        with Session(record=record) as session:
            session.spawn(words, [log], stdio=(NOWHERE, NOWHERE, NOWHERE), seccomp=seccomp)
            session.run(DEADLINE_S)
    assert not log.losses
    return lines_of(path.read_text("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    "words",
    [
        ["ls", "-l", "/usr"],
        ["sh", "-c", "kill -USR1 $$"],
        ["sh", "-c", "exit 3"],
        ["cat", "/nonexistent"],
        ["find", "/etc/init.d", "-name", "x*"],
        [sys.executable, "-S", "-c", MANY],
    ],
    ids=lambda words: " ".join(words)[:30],
)
@pytest.mark.parametrize("syscalls", [None, {"%file", "write"}], ids=["all", "some"])
def test_recorded_lines_are_those_of_reported_stops(
    words: list[str], syscalls: set[str] | None, tmp_path: Path
) -> None:
    recorded, reported = (
        log_of(tmp_path / str(record), words, record=record, syscalls=syscalls) for record in (True, False)
    )
    assert steady(recorded) == steady(reported)


@pytest.mark.parametrize("name", ["exits32"])
def test_recorded_lines_of_32_bits_are_those_of_reported_stops(name: str, tmp_path: Path) -> None:
    words = [str(build(name, bits=32))]
    recorded, reported = (log_of(tmp_path / str(record), words, record=record) for record in (True, False))
    assert steady(recorded) == steady(reported)


@pytest.mark.parametrize(
    "script",
    [
        "for i in 1 2 3; do /bin/true; done; (exit 3); exit 2",
        "cat /etc/hostname | wc -c; kill -SEGV $$",
        "sleep 0.2 & sleep 0.1; wait",
    ],
)
@pytest.mark.parametrize("seccomp", [False, True], ids=["every call", "seccomp"])
def test_recorded_children_are_those_of_reported_stops(script: str, seccomp: bool, tmp_path: Path) -> None:
    syscalls = {"%process", "%file", "read", "write"} if seccomp else None
    words = ["sh", "-c", script]
    recorded, reported = (
        log_of(tmp_path / str(record), words, record=record, seccomp=seccomp, syscalls=syscalls)
        for record in (True, False)
    )
    # How often a shell waits depends on when its children end.
    assert {key: n for key, n in by_program(recorded).items() if key[1] not in {"wait4", "rt_sigreturn"}} == {
        key: n for key, n in by_program(reported).items() if key[1] not in {"wait4", "rt_sigreturn"}
    }
    ends = [
        collections.Counter(line.text for line in lines if line.text.startswith("+++"))
        for lines in (recorded, reported)
    ]
    assert ends[0] == ends[1]


def test_recorded_threads_lose_nothing(tmp_path: Path) -> None:
    lines = log_of(tmp_path / "log", [sys.executable, "-S", "-c", THREADS], record=True)
    by_call = collections.Counter(line.call for line in lines)
    assert by_call["getppid"] == 4 * 200
    assert sum('"/"' in line.text for line in lines if line.call in {"stat", "newfstatat"}) >= 4 * 200
    assert all(line.text.endswith(")") or " = " in line.text or line.text.startswith("+++") for line in lines)


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_recorded_ends_as_it_began(seed: int, tmp_path: Path) -> None:
    lines = log_of(tmp_path / "log", [str(build("storms")), str(seed), "3"], record=True)
    begun = {line.pid for line in lines}
    ended = {line.pid for line in lines if line.text.startswith("+++")}
    # A thread that calls execve ends under its leader's id.
    renamed = {int(line.text.split()[6]) for line in lines if line.text.startswith("+++ superseded")}
    assert begun == ended | renamed


def test_records_of_a_recorded_call_are_those_of_reported_stops(tmp_path: Path) -> None:
    sums = []
    for record in (True, False):
        counts = CallCounts()
        log = SyscallLog(listeners=[counts], cpu_times=True)
        with Session(record=record) as session:
            session.spawn(["ls", "-l", "/usr"], [log], stdio=(NOWHERE, NOWHERE, NOWHERE))
            session.run(DEADLINE_S)
        sums.append({name: (one.calls, one.errors) for name, one in counts.sums.items()})
    assert sums[0] == sums[1]


class Counts(EngineOps):
    """Counts the entries of getppid."""

    events = Event.SYSCALL_ENTRY
    syscalls = frozenset({"getppid"})

    def __init__(self) -> None:
        self.count = 0

    def report_syscall_entry(self, task: utrace.Task, call: utrace.Syscall) -> None:
        self.count += 1


def test_an_engine_that_comes_and_goes_is_told_and_the_log_misses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with SyscallLog(path, style=STYLE, syscalls={"getppid", "exit_group"}) as log, Session() as session:
        script = MANY.replace(str(CALLS), str(20 * CALLS))
        task = session.spawn([sys.executable, "-S", "-c", script], [log], stdio=(NOWHERE, NOWHERE, NOWHERE))
        wait_until(lambda: path.stat().st_size > 0, DEADLINE_S, "the first lines")
        for _ in range(10):
            counts = Counts()
            engine = task.attach(counts)
            wait_until(lambda counts=counts: counts.count > 3, DEADLINE_S, "its first calls")  # type: ignore[misc]
            engine.detach()
        assert task.is_alive
        session.run(DEADLINE_S)
    calls = [line for line in lines_of(path.read_text()) if line.call == "getppid"]
    assert len(calls) == 20 * CALLS


@pytest.mark.parametrize("seed", range(8))
def test_a_kill_while_recorded_ends_the_log_with_it(seed: int, tmp_path: Path) -> None:
    choose = random.Random(seed)  # noqa: S311 - interleavings, not secrets
    path = tmp_path / "log"
    with SyscallLog(path, style=STYLE) as log, Session() as session:
        task = session.spawn([sys.executable, "-S", "-c", FOREVER], [log], stdio=(NOWHERE, NOWHERE, NOWHERE))
        wait_until(lambda: path.stat().st_size > 0, DEADLINE_S, "the first lines")
        threading.Event().wait(choose.uniform(0, 0.02))
        os.kill(task.pid, signal.SIGKILL)
        session.run(DEADLINE_S)
    lines = lines_of(path.read_text())
    assert lines[-1].text == "+++ killed by SIGKILL +++"
    assert all(" = " in line.text for line in lines[:-1])


class Ends(QuietListener):
    """Notes names, and when threads began and ended."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.times_ns: list[int] = []

    def appeared(self, thread: Thread) -> None:
        self.times_ns.append(thread.time_ns)

    def died(self, record: EndRecord) -> None:
        self.names.append(record.thread.comm)
        self.times_ns.append(record.thread.time_ns)


def test_programs_that_come_and_go_are_told_late_by_their_names_and_in_their_time() -> None:
    ends = Ends()
    begun_ns = time.time_ns()
    with SyscallLog(listeners=[ends], syscalls={"swapon"}) as log, Session() as session:
        script = "for i in 1 2 3; do /bin/true; /bin/sleep 0.01; done"
        session.spawn(["sh", "-c", script], [log], stdio=(NOWHERE, NOWHERE, NOWHERE), seccomp=True)
        session.run(DEADLINE_S)
    assert ends.names == ["true", "sleep"] * 3 + ["sh"]
    times_ns = [begun_ns, *ends.times_ns, time.time_ns()]
    assert times_ns == sorted(times_ns)
    # Not when they were told, which is many at once.
    assert ends.times_ns[-1] - ends.times_ns[0] > 3 * 10**7


class Threads(QuietListener):
    """Notes which threads it is told of, and which have ended or were let go."""

    def __init__(self) -> None:
        self.begun: list[Thread] = []
        self.over: list[Thread] = []

    def appeared(self, thread: Thread) -> None:
        self.begun.append(thread)

    def died(self, record: EndRecord) -> None:
        self.over.append(record.thread)

    def let_go(self, thread: Thread) -> None:
        self.over.append(thread)


@pytest.mark.parametrize("seed", range(4))
def test_a_log_that_leaves_a_recorded_shell_has_left_whom_it_has_begun_with(seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - interleavings, not secrets
    threads = Threads()
    with SyscallLog(listeners=[threads]) as log, Session() as session:
        script = "for i in $(seq 20); do /bin/true; (/bin/true; /bin/true) & /bin/true; done; wait"
        shell = session.spawn(["sh", "-c", script], [log], stdio=(NOWHERE, NOWHERE, NOWHERE))
        wait_until(lambda: len(threads.begun) > 3, DEADLINE_S, "its first children")
        threading.Event().wait(choose.uniform(0, 0.02))
        shell.engine(log).detach()
        session.run(DEADLINE_S)
    assert collections.Counter(threads.begun) == collections.Counter(threads.over)


class Births(EngineOps):
    """Notes children, and whether they had run when they were told of."""

    events = Event.CLONE
    follow = False

    def __init__(self) -> None:
        self.children: list[int] = []
        self.late: list[bool] = []

    def report_clone(self, task: utrace.Task, child: utrace.Task, clone_flags: int) -> None:
        self.children.append(child.tid)
        self.late.append(task.synthetic)


def test_an_engine_that_wants_births_in_time_has_them_so_from_then_on(tmp_path: Path) -> None:
    path, enough = tmp_path / "log", tmp_path / "enough"
    with SyscallLog(path, style=STYLE, syscalls={"exit_group"}) as log, Session() as session:
        script = f"until [ -e {enough} ]; do /bin/true; done"
        shell = session.spawn(["sh", "-c", script], [log], stdio=(NOWHERE, NOWHERE, NOWHERE), seccomp=True)
        wait_until(lambda: path.stat().st_size > 0, DEADLINE_S, "the first ends")
        known = {task.tid for task in session.tasks}
        births = Births()
        shell.attach(births)
        wait_until(lambda: len(births.children) > 10, DEADLINE_S, "children")
        enough.touch()
        session.run(DEADLINE_S)
    assert not any(births.late)
    assert len(births.children) == len(set(births.children))
    assert not known & set(births.children)
    # The log has all of them all the same, and each once.
    ends = [line.pid for line in lines_of(path.read_text()) if line.text == "+++ exited with 0 +++"]
    assert len(ends) == len(set(ends))
    assert {*births.children, shell.tid} <= set(ends)


class ExitStops(EngineOps):
    """Notes of each end whether it was told in the exit stop."""

    events = Event.EXIT

    def __init__(self) -> None:
        self.in_time: list[bool] = []

    def report_exit(self, task: utrace.Task, code: int) -> None:
        self.in_time.append(not task.synthetic)


@pytest.mark.law("INV-33")
def test_an_engine_that_wants_ends_has_them_in_time_from_then_on(tmp_path: Path) -> None:
    path, ends = tmp_path / "log", ExitStops()
    awaited, end = os.pipe()
    with SyscallLog(path, style=STYLE, syscalls={"swapon"}) as log, Session() as session:
        script = "exec 3<&0; for i in 1 2 3; do cat <&3 & done; /bin/true; wait"
        shell = session.spawn(["sh", "-c", script], [log], stdio=(awaited, NOWHERE, NOWHERE), seccomp=True)
        os.close(awaited)
        wait_until(lambda: "+++ exited" in path.read_text(), DEADLINE_S, "the first end")
        children = [task for task in session.tasks if task.pid != shell.pid]
        for child in children:
            child.attach(ends)
        os.close(end)
        session.run(DEADLINE_S)
    assert ends.in_time == [True] * len(children)
    assert len(children) == 3


def test_what_waits_is_written_soon(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with SyscallLog(path, style=STYLE) as log, Session() as session:
        task = session.spawn(["sleep", "1000"], [log], stdio=(NOWHERE, NOWHERE, NOWHERE))
        wait_until(lambda: "nanosleep(" in path.read_text(), DEADLINE_S, "the call it sleeps in")
        os.kill(task.pid, signal.SIGTERM)
        session.run(DEADLINE_S)


def test_a_task_let_go_while_recorded_is_shown_detached(tmp_path: Path) -> None:
    path = tmp_path / "log"
    child = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "1000")  # noqa: S606 - no shell is wanted
    try:
        with SyscallLog(path, style=STYLE) as log, Session() as session:
            session.attach(child, [log])
            os.kill(child, signal.SIGCONT)
            wait_until(lambda: "SIGCONT" in path.read_text(), DEADLINE_S, "the signal")
            session.close()
        assert "<detached ...>" in path.read_text()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
