"""The engine that tampers, used from Python beside other engines."""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

import utrace
from tests.tracees import build
from tests.waiting import wait_until
from utrace.engines import DetachOn, Inject, Injection, Rule, SyscallLog, When

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from utrace.core.verdicts import Answer
    from utrace.tracer.ops import EngineOps
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

pytestmark = pytest.mark.requires("gcc")


def _traced(argv: Sequence[str | Path], *engines: EngineOps) -> tuple[int, list[str]]:
    """Run a program under engines and a log of its openat and read calls; status and lines."""
    stream = io.StringIO()
    null = os.open(os.devnull, os.O_RDWR)
    try:
        with SyscallLog(stream, syscalls={"openat", "read"}) as log, utrace.Session() as session:
            session.spawn(argv, engines=[*engines, log], stdio=(null, null, null))
            status = session.run(60)
    finally:
        os.close(null)
        for ops in engines:
            if isinstance(ops, Inject):
                ops.close()
    lines = [re.sub(r" +", " ", line) for line in stream.getvalue().splitlines()]
    return status, lines


@pytest.fixture
def reader(tmp_path: Path) -> list[str | Path]:
    file = tmp_path / "file"
    file.write_text("text")
    return [build("reads_in_functions"), file]


def test_several_rules_meet_one_call_and_each_counts_for_itself(reader: list[str | Path]) -> None:
    inject = Inject(
        [
            Rule("openat", signal=18, when=When(2, step=0)),
            "openat:delay_exit=1ms:when=3",
            Rule("%file", error=errno.EIO, where=lambda _task, call: call.path == str(reader[1])),
        ]
    )
    status, lines = _traced(reader, inject)
    assert status == 1
    assert lines[2].startswith("--- SIGCONT {si_signo=SIGCONT, si_code=SI_KERNEL")
    assert lines[4].endswith('/file", O_RDONLY) = -1 EIO (Input/output error) (INJECTED) (DELAYED)')
    assert not inject.troubles


def test_the_last_result_given_counts(reader: list[str | Path]) -> None:
    status, lines = _traced(reader, Inject(["read:retval=3:when=2", "read:error=EINTR:when=2"]))
    assert status == 0
    assert lines[-2].endswith("= -1 EINTR (Interrupted system call) (INJECTED)")


class Counts(utrace.EngineOps):
    """Another engine on the same calls."""

    events = utrace.Event.SYSCALL
    syscalls = frozenset({"read"})

    def __init__(self) -> None:
        self.results: list[int | None] = []

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        return None

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        self.results.append(call.result)
        return None


def test_other_engines_see_the_result_that_the_program_gets(reader: list[str | Path]) -> None:
    counts = Counts()
    _traced(reader, Inject(["read:error=EBADF:when=2"]), counts)
    assert counts.results[-1] == -errno.EBADF


def test_what_cannot_be_poked_is_told(reader: list[str | Path]) -> None:
    inject = Inject(["close:poke_enter=@arg7=41:poke_exit=@arg1=41"])
    _traced(reader, inject)
    assert inject.troubles == [
        "close has no argument 7 to poke at, only 1",
        "close: argument 1 points to no memory that could be poked",
    ]


def test_memory_is_poked_before_the_call_reads_it(reader: list[str | Path]) -> None:
    path = str(reader[1]).encode()
    poke = Rule("openat", poke_enter={2: path[:-4] + b"none"}, when=When(3, step=0))
    status, lines = _traced(reader, Inject([poke]))
    assert status == 1
    assert lines[-3].endswith("= -1 ENOENT (No such file or directory) (INJECTED: args)")


def test_a_delay_holds_nothing_but_its_thread(tmp_path: Path) -> None:
    script = f"sleep 0 & : > {tmp_path}/a; wait; echo"
    started = time.monotonic()
    hits: list[Injection] = []
    inject = Inject(["clone,clone3,vfork,fork:delay_exit=300ms"], journal=hits.append)
    status, _ = _traced(["sh", "-c", script], inject)
    assert status == 0
    assert hits
    assert time.monotonic() - started >= 0.3 * len(hits)


def test_a_journal_is_repeated_to_the_call(reader: list[str | Path]) -> None:
    rules = ["openat,read:error=EINTR:probability=0.5"]
    journal: list[Injection] = []
    first = _traced(reader, Inject(rules, seed=3, journal=journal.append))
    again: list[Injection] = []
    second = _traced(reader, Inject(rules, seed=99, journal=again.append, replay=journal))
    assert again == journal
    assert [line.split("(")[0] for line in first[1]] == [line.split("(")[0] for line in second[1]]
    third: list[Injection] = []
    _traced(reader, Inject(rules, seed=3, journal=third.append))
    assert third == journal


def test_children_count_for_themselves() -> None:
    journal: list[Injection] = []
    inject = Inject([Rule("exit_group", signal=18, when=When(1, step=0))], journal=journal.append)
    _traced(["sh", "-c", "/bin/true; /bin/true"], inject)
    assert [(one.thread, one.invocation) for one in journal] == [(0, 1), (1, 1), (2, 1)]


def test_a_program_that_is_killed_while_it_is_delayed_ends() -> None:
    inject = Inject(["exit_group:delay_enter=3600s"])
    with utrace.Session() as session:
        task = session.spawn(["true"], engines=[inject])
        wait_until(lambda: task.is_held, 10, "the delay")
        os.kill(task.pid, signal.SIGKILL)
        assert session.run(60) == 128 + 9
    inject.close()


def test_detach_on_spares_the_launch_and_lets_go_at_the_next_execve() -> None:
    leave = DetachOn({"execve"})
    status, lines = _traced(["sh", "-c", "exec /bin/sh -c 'exit 5'"], leave)
    assert status == 5
    assert "+++" not in "".join(lines)
