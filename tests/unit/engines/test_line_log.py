"""Lines from records: what is broken off, resumed, prefixed and stamped."""

from __future__ import annotations

import io
import re

import pytest

from utrace.engines.line_log import Clock, LineLog, LineStyle, PidShown
from utrace.engines.output import Output
from utrace.engines.process_names import ProcessNames
from utrace.engines.records import (
    ALL_STATUSES,
    CallRecord,
    CallStatus,
    EndRecord,
    ModeRecord,
    Place,
    SignalRecord,
    StopRecord,
    SupersededRecord,
    Thread,
)
from utrace.syscalls import Result, decode, encode_siginfo
from utrace.syscalls.abi import X86_64
from utrace.syscalls.tables import numbers
from utrace.tracer.syscall import Tampering


class Fixture:
    """A log into a string."""

    def __init__(
        self,
        style: LineStyle | None = None,
        *,
        prompt: bool = False,
        notices: bool = False,
        statuses: frozenset[CallStatus] = ALL_STATUSES,
    ) -> None:
        self.stream = io.StringIO()
        output = Output.to_stream(self.stream)
        output.prompt = prompt
        shown = output if notices else None
        self.log = LineLog(output, style or LineStyle(), statuses=statuses, notices=shown)

    def thread(self, tid: int, *, born: bool = False) -> Thread:
        thread = Thread(tid, born=born, bits=64)
        self.log.appeared(thread)
        return thread

    def enter(self, thread: Thread, name: str, *raw: int) -> CallRecord:
        call = decode("x86_64", numbers(X86_64)[name], (*raw, *(0,) * (6 - len(raw))))
        record = CallRecord(thread, call, 1_000_000_000_250_000_000, 0)
        self.log.entered(record)
        return record

    def leave(self, record: CallRecord, value: int = 0, status: CallStatus | None = None) -> None:
        if status is None:
            result = Result(value)
            record.call.finish(result)
            record.duration_ns = 1_500_000
            status = CallStatus.FAILED if result.is_error else CallStatus.SUCCESSFUL
        record.status = status
        self.log.ended(record)

    def lines(self) -> list[str]:
        self.log.close()
        return [re.sub(r" +", " ", line) for line in self.stream.getvalue().splitlines()]


def test_a_call_is_one_line_with_its_result_in_the_column() -> None:
    fixture = Fixture()
    fixture.leave(fixture.enter(fixture.thread(7), "close", 3))
    fixture.log.close()
    assert fixture.stream.getvalue() == f"{'close(3)':39} = 0\n"


def test_another_threads_line_breaks_a_line_off() -> None:
    fixture = Fixture(LineStyle(pids=PidShown.COLUMN))
    one, two = fixture.thread(7), fixture.thread(8)
    reading = fixture.enter(one, "read", 3, 4096, 1)
    fixture.leave(fixture.enter(two, "close", 4), -9)
    fixture.leave(reading, 1)
    assert fixture.lines() == [
        "7 read(3, <unfinished ...>",
        "8 close(4) = -1 EBADF (Bad file descriptor)",
        "7 <... read resumed>0x1000, 1) = 1",
    ]


def test_pids_are_shown_while_there_are_several() -> None:
    fixture = Fixture()
    one = fixture.thread(7)
    fixture.leave(fixture.enter(one, "getppid"), 1)
    two = fixture.thread(8, born=True)
    fixture.leave(fixture.enter(one, "getppid"), 1)
    fixture.leave(fixture.enter(two, "getppid"), 7)
    fixture.log.died(EndRecord(two, 3 << 8))
    fixture.log.died(EndRecord(one, 9))
    assert fixture.lines() == [
        "getppid() = 1",
        "getppid() = 1",
        "[pid 8] getppid() = 7",
        "[pid 8] +++ exited with 3 +++",
        "+++ killed by SIGKILL +++",
    ]


def test_a_prompt_output_shows_a_call_before_it_returns_and_notices_between_lines() -> None:
    fixture = Fixture(prompt=True, notices=True)
    one = fixture.thread(7)
    waiting = fixture.enter(one, "wait4", 2**32 - 1, 4096)
    assert fixture.stream.getvalue() == "wait4(-1, "
    two = fixture.thread(8, born=True)
    fixture.leave(fixture.enter(two, "getppid"), 7)
    fixture.log.let_go(two)
    fixture.leave(waiting, -10)
    assert fixture.lines() == [
        "wait4(-1, <unfinished ...>",
        "utrace: Process 8 attached",
        "[pid 8] getppid() = 7",
        "utrace: Process 8 detached",
        "<... wait4 resumed>0x1000, 0, NULL) = -1 ECHILD (No child processes)",
    ]


def test_calls_that_never_return_have_no_result() -> None:
    fixture = Fixture()
    thread = fixture.thread(7)
    fixture.leave(fixture.enter(thread, "exit_group", 2), status=CallStatus.UNFINISHED)
    fixture.leave(fixture.enter(thread, "read", 0, 4096, 9), status=CallStatus.UNFINISHED)
    fixture.leave(fixture.enter(thread, "read", 0, 4096, 9), status=CallStatus.DETACHED)
    assert fixture.lines() == [
        "exit_group(2) = ?",
        "read(0, <unfinished ...>) = ?",
        "read(0, <detached ...>",
    ]


def test_a_broken_off_call_that_never_returns_is_resumed_without_a_result() -> None:
    fixture = Fixture(LineStyle(pids=PidShown.COLUMN))
    one, two = fixture.thread(7), fixture.thread(8)
    first, second = fixture.enter(one, "pause"), fixture.enter(two, "pause")
    fixture.leave(first, status=CallStatus.UNFINISHED)
    fixture.leave(second, status=CallStatus.DETACHED)
    assert fixture.lines() == [
        "7 pause( <unfinished ...>",
        "8 pause( <unfinished ...>",
        "7 <... pause resumed>) = ?",
        "8 <... pause resumed> <detached ...>",
    ]


def test_a_choice_of_statuses_waits_for_the_end_of_each_call() -> None:
    fixture = Fixture(prompt=True, statuses=frozenset({CallStatus.FAILED}))
    thread = fixture.thread(7)
    fixture.leave(fixture.enter(thread, "close", 3))
    record = fixture.enter(thread, "close", 4)
    assert fixture.stream.getvalue() == ""
    fixture.leave(record, -9)
    assert fixture.lines() == ["close(4) = -1 EBADF (Bad file descriptor)"]


def test_a_restarted_call_says_what_it_goes_on_with() -> None:
    fixture = Fixture()
    record = CallRecord(fixture.thread(7), decode("x86_64", 219, (0,) * 6), 0, 0)
    record.resumes = "nanosleep"
    fixture.log.entered(record)
    fixture.leave(record, 0)
    assert fixture.lines() == ["restart_syscall(<... resuming interrupted nanosleep ...>) = 0"]


@pytest.mark.parametrize(
    ("style", "line"),
    [
        (LineStyle(durations=6), "getppid() = 1 <0.001500>"),
        (LineStyle(durations=0), "getppid() = 1 <0>"),
        (LineStyle(clock=Clock.UNIX, clock_digits=6), "1000000000.250000 getppid() = 1"),
        (LineStyle(since_last=6), " 0.000000 getppid() = 1"),
        (LineStyle(since_last=0, numbers=True), " 0 [ 110] getppid() = 1"),
        (LineStyle(numbers=True, ips=True), "[ 110] [????????????????] getppid() = 1"),
        (
            LineStyle(since_last=6, clock=Clock.UNIX, clock_digits=6),
            "1000000000.250000 (+ 0.000000) getppid() = 1",
        ),
    ],
)
def test_times_are_stamped(style: LineStyle, line: str) -> None:
    fixture = Fixture(style)
    fixture.leave(fixture.enter(fixture.thread(7), "getppid"), 1)
    assert fixture.lines() == [line]


@pytest.mark.parametrize(
    ("digits", "fraction"), [(0, ""), (3, r"\.250"), (6, r"\.250000"), (9, r"\.250000000")]
)
def test_the_time_of_day_is_stamped(digits: int, fraction: str) -> None:
    fixture = Fixture(LineStyle(clock=Clock.TIME, clock_digits=digits))
    fixture.leave(fixture.enter(fixture.thread(7), "getppid"), 1)
    assert re.fullmatch(rf"\d\d:\d\d:\d\d{fraction} getppid\(\) = 1", fixture.lines()[0])


def test_signals_stops_and_changes_of_mode_have_lines() -> None:
    fixture = Fixture()
    thread = fixture.thread(7)
    fixture.log.signaled(SignalRecord(thread, encode_siginfo(10, 0, si_pid=1, si_uid=0)))
    fixture.log.stopped(StopRecord(thread, 19))
    fixture.log.changed_mode(ModeRecord(thread, 32))
    assert fixture.lines() == [
        "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=1, si_uid=0} ---",
        "--- stopped by SIGSTOP ---",
        "[ Process PID=7 runs in 32 bit mode. ]",
    ]


def test_what_is_to_be_quiet_is() -> None:
    style = LineStyle(exits=False, successions=False, modes=False)
    fixture = Fixture(style)
    leader, heir = fixture.thread(7), fixture.thread(8, born=True)
    fixture.log.changed_mode(ModeRecord(leader, 32))
    fixture.log.superseded(SupersededRecord(leader, heir, 8))
    fixture.log.died(EndRecord(heir, 0))
    assert fixture.lines() == []


def test_an_heir_writes_on_in_its_leaders_output() -> None:
    streams = {7: io.StringIO(), 8: io.StringIO()}
    log = LineLog(lambda thread: Output.to_stream(streams[thread.tid]), LineStyle(pids=PidShown.NEVER))
    leader, heir = (Thread(tid, born=False, bits=64) for tid in (7, 8))
    log.appeared(leader)
    log.appeared(heir)
    record = CallRecord(heir, decode("x86_64", 59, (0,) * 6), 0, 0)
    log.entered(record)
    heir.tid = 7
    log.superseded(SupersededRecord(leader, heir, 8))
    record.call.finish(0)
    record.status = CallStatus.SUCCESSFUL
    log.ended(record)
    log.close()
    assert streams[8].getvalue().endswith("<unfinished ...>\n")
    first, second = streams[7].getvalue().splitlines()
    assert first == "+++ superseded by execve in pid 8 +++"
    assert re.fullmatch(r"<\.\.\. execve resumed>\) += 0", second)


def test_styles_are_values() -> None:
    assert LineStyle()._replace(durations=True) == LineStyle(durations=True)


@pytest.mark.parametrize(
    ("tampering", "text"),
    [
        (Tampering.RESULT, " (INJECTED)"),
        (Tampering.ARGUMENTS, " (INJECTED: args)"),
        (Tampering.ARGUMENTS | Tampering.RESULT, " (INJECTED: args, retval)"),
        (Tampering.DELAY, " (DELAYED)"),
        (Tampering.RESULT | Tampering.DELAY, " (INJECTED) (DELAYED)"),
    ],
)
def test_what_was_done_to_a_call_is_said(tampering: Tampering, text: str) -> None:
    fixture = Fixture(LineStyle(durations=6))
    record = fixture.enter(fixture.thread(7), "getppid")
    record.tampering = tampering
    fixture.leave(record, 1)
    assert fixture.lines() == [f"getppid() = 1{text} <0.001500>"]


class TwoFrames:
    """A stack."""

    def places(self) -> list[Place]:
        return [Place("/x", 0x14, "inner", 4, None, 0), Place("/x", 0x20, "outer", 8, "x.c", 3)]


def test_the_stack_stands_behind_calls_and_signals_and_behind_dumps() -> None:
    fixture = Fixture(LineStyle(stacks=True, tail=lambda record: f" | {record.call.name}\n"))
    thread = fixture.thread(7)
    thread.stack = TwoFrames()
    fixture.leave(fixture.enter(thread, "getppid"), 1)
    fixture.log.signaled(SignalRecord(thread, encode_siginfo(10, 0, si_pid=1, si_uid=0)))
    assert fixture.lines() == [
        "getppid() = 1",
        " | getppid",
        " > /x(inner+0x4) [0x14]",
        " > /x(outer+0x8) [0x20] x.c:3",
        "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=1, si_uid=0} ---",
        " > /x(inner+0x4) [0x14]",
        " > /x(outer+0x8) [0x20] x.c:3",
    ]


def test_a_single_pid_is_shown_if_asked() -> None:
    fixture = Fixture(LineStyle(pids=PidShown.ALWAYS))
    fixture.leave(fixture.enter(fixture.thread(7), "getppid"), 1)
    assert fixture.lines() == ["[pid 7] getppid() = 1"]


class Shells(ProcessNames):
    """Every process is a shell."""

    def name(self, tid: int, known: str = "") -> str:
        return f"<sh{tid}>"


def test_a_process_name_neither_ends_its_line_nor_its_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("utrace.kernel.procfs.comm", lambda _tid: "a>1\x1b\udcff\nb")
    assert ProcessNames(names=True, translations=False).name(7) == r"<a\0761\33\377>"


def test_processes_are_named_in_front_of_lines_too() -> None:
    shells = Shells(names=True, translations=False)
    fixture = Fixture(LineStyle(processes=shells, pids=PidShown.COLUMN))
    fixture.leave(fixture.enter(fixture.thread(7), "getppid"), 1)
    assert fixture.lines() == ["7<sh7> getppid() = 1<sh1>"]
