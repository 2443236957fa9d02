"""Calls that are recorded without a stop are those that would have stopped (D21)."""

from __future__ import annotations

import collections
import functools
import re
import signal
from typing import TYPE_CHECKING, Final

import pytest

from tests.live.cli.oracle import TRACE, lines_of, normalised, run
from tests.tracees import build
from tests.waiting import wait_until
from utrace import Session
from utrace.engines.leaving import let_go
from utrace.engines.line_log import LineStyle, PidShown
from utrace.engines.syscall_log import SyscallLog
from utrace.tracer.taps import PLANS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.cli.oracle import Line

pytestmark = pytest.mark.requires("gcc", "tap")

STYLE: Final = LineStyle(pids=PidShown.COLUMN)
#: What they say is different each time.
TELLS: Final = frozenset({"getrandom", "sysinfo", "times", "getrusage"})
DEADLINE_S: Final = 60
#: So many that the ring is full many times over.
MANY: Final = 20_000


def traced(path: Path, *words: str | Path, tap: bool = True) -> tuple[int, list[Line]]:
    """Trace a program and its children: its status, and the lines."""
    with Session() as session, SyscallLog(path, style=STYLE, follow=True) as log:
        session.spawn([str(word) for word in words], [log], tap=tap)
        status = session.run(DEADLINE_S)
        assert session.calls_lost == 0
        recording = session.loop.recording
        assert recording is not None
        assert recording.is_tapping is tap
    return status, lines_of(path.read_text("utf-8", "surrogateescape"))


def is_longer(path: Path, size: int) -> bool:
    return path.stat().st_size > size


def of_call(name: str, lines: list[Line]) -> list[str]:
    """Give the lines of a call; addresses and pids are others each time."""
    return [re.sub(r"0x\w+|l_pid=\d+", "N", line.text) for line in lines if line.call == name]


def calls(lines: list[Line]) -> collections.Counter[str]:
    return collections.Counter(line.call for line in lines)


def test_no_call_of_threads_that_all_write_is_lost(tmp_path: Path) -> None:
    status, lines = traced(tmp_path / "log", build("taps"), "threads", str(MANY))
    assert status == 0
    assert calls(lines)["getppid"] == 4 * MANY
    fstats = [line.text for line in lines if line.text.startswith(("fstat(0, {", "newfstatat(0, "))]
    assert len(fstats) == 4 * MANY
    assert len(set(fstats)) == 1


def test_calls_that_stop_are_among_those_that_do_not_where_they_were(tmp_path: Path) -> None:
    status, lines = traced(tmp_path / "log", build("taps"), "ordered", "200")
    assert status == 0
    names = [line.call for line in lines if line.call in {"getppid", "writev"}]
    assert names == [*["getppid"] * 1500, "writev"] * 200


def test_who_blocks_the_signal_waits_by_another_and_keeps_none(tmp_path: Path) -> None:
    status, lines = traced(tmp_path / "log", build("taps"), "blocked", str(2 * MANY))
    assert status == 0
    assert calls(lines)["getppid"] == 2 * MANY
    assert not [line for line in lines if line.text.startswith("---")]


@pytest.mark.parametrize("what", ["threads", "blocked"])
def test_who_is_let_go_gets_no_signal_that_was_under_way(what: str, tmp_path: Path) -> None:
    for turn in range(2):
        path = tmp_path / f"log{turn}"
        with Session() as session, SyscallLog(path, style=STYLE, follow=True) as log:
            session.spawn([str(build("taps")), what, str(MANY)], [log], tap=True)
            least = (turn + 1) << 16
            wait_until(functools.partial(is_longer, path, least), DEADLINE_S, "some lines")
            for task in session.tasks:
                let_go(task)
            assert session.run(DEADLINE_S) == 0


def test_sums_of_wall_clock_time_have_every_call(tmp_path: Path) -> None:
    run(*TRACE, "-f", "-c", "-w", "-o", "sums", build("taps"), "threads", "5000", cwd=tmp_path)
    rows = [line.split() for line in (tmp_path / "sums").read_text().splitlines()]
    assert [row[3] for row in rows if row[-1] == "getppid"] == ["20000"]


def test_breakpoints_of_a_program_are_its_own(tmp_path: Path) -> None:
    status, lines = traced(tmp_path / "log", build("taps"), "traps", "300")
    assert status == 0
    assert calls(lines)["getppid"] == 300 * 100
    assert (
        sum(line.text.startswith("--- SIGTRAP {si_signo=SIGTRAP, si_code=SI_KERNEL") for line in lines) == 300
    )


def test_calls_of_i386_go_their_own_way(tmp_path: Path) -> None:
    status, lines = traced(tmp_path / "log", build("taps"), "mixed", "200")
    assert status == 0
    # One getpid of each kind a round.
    assert (calls(lines)["getpid"], calls(lines)["getppid"]) == (400, 200)


@pytest.mark.requires("i386-tasks")
def test_a_program_of_i386_is_traced_by_stops(tmp_path: Path) -> None:
    words = ("sh", "-c", f"{build('exits32', bits=32)}; exit $?")
    status, lines = traced(tmp_path / "log", *words)
    assert status == 42
    _, others = traced(tmp_path / "stops", *words, tap=False)
    assert calls(lines) == calls(others)


def test_what_was_not_in_memory_at_the_entry_is_read_later(tmp_path: Path) -> None:
    status, lines = traced(tmp_path / "log", build("taps"), "pages")
    assert status == 0
    assert 'openat(AT_FDCWD, "/unread", O_RDONLY) = -1 ENOENT (No such file or directory)' in [
        line.text for line in lines
    ]


def test_what_another_filter_answers_is_told(tmp_path: Path) -> None:
    status, lines = traced(tmp_path / "log", build("taps"), "denied")
    assert status == 0
    found = [re.sub(" +", " ", line.text) for line in lines if line.call == "getppid"]
    assert found == ["getppid() = -1 EPERM (Operation not permitted)"] * 3


def test_a_folder_of_which_nothing_is_left_in_memory_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(700):
        (folder / f"{number}{'x' * 60}").touch()
    words = (build("taps"), "listing", folder)
    texts = [
        of_call("getdents64", traced(tmp_path / f"log{tap}", *words, tap=tap)[1]) for tap in (True, False)
    ]
    assert texts[0] == texts[1]
    assert len(texts[0]) > 2
    counts = [int(found[1]) for text in texts[0] if (found := re.search(r"/\* (\d+) entries", text))]
    assert sum(counts) == 702


def test_what_a_command_says_is_no_pointer_is_none(tmp_path: Path) -> None:
    status, lines = traced(tmp_path / "log", build("taps"), "locked")
    _, others = traced(tmp_path / "stops", build("taps"), "locked", tap=False)
    assert status == 0
    assert of_call("fcntl", lines) == of_call("fcntl", others)
    assert "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=3, l_len=4}) = 0" in of_call(
        "fcntl", lines
    )


def test_a_call_that_a_kill_ends_is_told_as_unfinished(tmp_path: Path) -> None:
    status, _ = traced(tmp_path / "log", build("taps"), "killed")
    assert status == 128 + signal.SIGKILL
    text = (tmp_path / "log").read_text()
    assert "read(3,  <unfinished ...>" in text
    assert text.count("+++ killed by SIGKILL +++") == 2


@pytest.mark.parametrize(
    "program",
    [
        "decode_every",
        "decode_files",
        "decode_handles",
        "decode_kernel",
        "decode_memory",
        "decode_options",
        "decode_tasks",
    ],
)
def test_what_is_written_is_what_stops_would_show(program: str, tmp_path: Path) -> None:
    texts = []
    for words in ((), ("--no-tap",)):
        folder = tmp_path / f"run{words}"
        folder.mkdir()
        run(*TRACE, "-f", *words, "-o", "log", "setarch", "-R", build(program), cwd=folder)
        lines = lines_of((folder / "log").read_text("utf-8", "surrogateescape"))
        shown = normalised(line for line in lines if line.call in PLANS and line.call not in TELLS)
        texts.append(collections.Counter(re.sub(r"\d{2,}", "N", text) for text in shown.elements()))
    assert texts[0] == texts[1]
    assert texts[0].total() > 60
