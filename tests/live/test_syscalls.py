"""System calls under engines: aborted, skipped, rewritten, given another result; order; 32-bit calls."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

import utrace
from tests.live.recorder import DEADLINE_S, Recorder, output
from tests.tracees import build
from tests.waiting import wait_for_state, wait_until
from utrace import Answer, Event, ResumeAction, Session, Syscall, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import TraceeFactory

pytestmark = pytest.mark.requires("gcc")

I386 = 0x40000003
X86_64 = 0xC000003E
GETPID = 39


class Decides(Recorder):
    """Answers the entries and the exits of one call by functions."""

    def __init__(
        self,
        syscall: str,
        entry: Callable[[Syscall], Answer] = lambda _: None,
        back: Callable[[Syscall], Answer] = lambda _: None,
        *,
        name: str = "",
    ) -> None:
        super().__init__(Event.SYSCALL, syscalls={syscall}, name=name)
        self.entry = entry
        self.back = back

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        super().report_syscall_entry(task, call)
        return self.entry(call)

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        super().report_syscall_exit(task, call)
        return self.back(call)


def run(program: str, *args: str, engines: list[Recorder], bits: int = 64) -> str:
    """Run a program under engines to a good end, and give its first line."""
    with output() as (fd, reader), Session() as session:
        session.spawn([build(program, bits), *args], engines=engines, stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert session.faults == []
        return reader.line(DEADLINE_S)


@pytest.mark.parametrize("args", [(), ("filtered",)], ids=["plain", "under-seccomp"])
def test_aborted_call_fails_as_told(args: tuple[str, ...]) -> None:
    refuses = Decides("unlink", lambda _: utrace.abort(errno.EPERM))
    assert run("unlinks", *args, engines=[refuses]) == f"-1 {errno.EPERM}"
    assert refuses.lines() == ["entry unlink", f"return unlink {-errno.EPERM}"]


@pytest.mark.parametrize("args", [(), ("filtered",)], ids=["plain", "under-seccomp"])
def test_skipped_call_returns_as_told(args: tuple[str, ...]) -> None:
    skips = Decides("unlink", lambda _: utrace.skip(17))
    assert run("unlinks", *args, engines=[skips]) == "17 0"
    assert skips.lines() == ["entry unlink", "return unlink 17"]


def test_abort_seen_by_an_engine_for_entries_only_still_gives_its_result() -> None:
    class Refuses(Recorder):
        def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
            return utrace.abort(errno.EROFS)

    assert run("unlinks", engines=[Refuses(Event.SYSCALL_ENTRY, syscalls={"unlink"})]) == f"-1 {errno.EROFS}"


def test_call_is_replaced_by_another() -> None:
    def rewrite(call: Syscall) -> Answer:
        call.nr = GETPID
        return None

    rewrites = Decides("getppid", rewrite)
    first, second = run("asks", engines=[rewrites]).split()
    assert first == second


def test_arguments_are_rewritten() -> None:
    def rewrite(call: Syscall) -> Answer:
        assert call.raw[0] == 3
        call.raw = (5, *call.raw[1:])
        return None

    with Session() as session:
        session.spawn(["/bin/sh", "-c", "exit 3"], engines=[Decides("exit_group", rewrite)])
        assert session.run(timeout_s=DEADLINE_S) == 5
        assert session.faults == []


def test_string_argument_is_rewritten_in_memory() -> None:
    def rewrite(call: Syscall) -> Answer:
        if call.raw[0] == 1:
            address = call.raw[1]
            data = task.memory.read(address, call.raw[2])
            task.memory.write(address, data.replace(b"tea", b"TEA"))
        return None

    with output() as (fd, reader), Session() as session:
        held = Decides("write", rewrite)
        task = session.spawn(["/bin/echo", "green tea"], engines=[held], stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert reader.line(DEADLINE_S) == "green TEA"


def test_result_is_changed() -> None:
    def change(call: Syscall) -> Answer:
        assert call.result == os.getpid()
        call.result = 4242
        return None

    assert run("asks", engines=[Decides("getppid", back=change)]).split()[0] == "4242"


def test_result_set_to_an_error_becomes_errno() -> None:
    def change(call: Syscall) -> Answer:
        assert call.error == errno.ENOENT
        call.result = -errno.ELOOP
        return None

    assert run("unlinks", engines=[Decides("unlink", back=change)]) == f"-1 {errno.ELOOP}"


def test_decoded_arguments_are_at_hand() -> None:
    paths: list[str] = []

    def look(call: Syscall) -> Answer:
        paths.append(call.path)
        assert call.arch == X86_64
        return None

    run("unlinks", engines=[Decides("unlink", look)])
    assert paths == ["/nonexistent/utrace-unlinks"]


@pytest.mark.law("INV-4")
def test_entry_is_reported_in_reverse_order_and_exit_forward() -> None:
    order: list[str] = []

    def says(word: str) -> Callable[[Syscall], Answer]:
        return lambda _: order.append(word)

    engines: list[Recorder] = [
        Decides("getppid", says(f"{name} entry"), says(f"{name} exit"), name=name) for name in "AB"
    ]
    run("asks", engines=engines)
    assert order == ["B entry", "A entry", "A exit", "B exit"]


def test_last_engine_called_decides_whether_a_call_is_made() -> None:
    allows = Decides("unlink", lambda _: utrace.Verdict(syscall=utrace.SyscallAction.RUN))
    refuses = Decides("unlink", lambda _: utrace.abort(errno.EPERM))
    # Entries are reported last attached first: the first attached has the last word.
    assert run("unlinks", engines=[allows, refuses]) == f"-1 {errno.ENOENT}"
    assert run("unlinks", engines=[refuses, allows]) == f"-1 {errno.EPERM}"


class HoldsEntry(Recorder):
    """Stops at the first entry, and notes which reports are repeated."""

    def __init__(self) -> None:
        super().__init__(Event.SYSCALL | Event.QUIESCE, syscalls={"getppid"})
        self.resumed: list[bool] = []

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        self.resumed.append(call.resumed)
        return ResumeAction.RESUME if call.resumed else ResumeAction.STOP


@pytest.mark.law("INV-14")
@pytest.mark.parametrize(
    ("action", "resumed"),
    [(ResumeAction.RESUME, [False]), (ResumeAction.REPORT, [False, True])],
)
def test_stop_at_entry_is_repeated_if_a_report_is_asked_for(
    action: ResumeAction, resumed: list[bool]
) -> None:
    holds = HoldsEntry()
    with output() as (fd, reader), Session() as session:
        task = session.spawn([build("asks")], engines=[holds], stdio=(0, fd, 2))
        wait_until(lambda: task.is_held, DEADLINE_S, "the stop at entry")
        task.engine(holds).control(action)
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert reader.line(DEADLINE_S)
    assert holds.resumed == resumed


class AsksLate(Recorder):
    """Asks for the ends of calls in the middle of one that makes a child."""

    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        task.engine(self).set_events(Event.CLONE | Event.SYSCALL_EXIT)
        return super().report_clone(task, child, clone_flags)


def test_exit_without_entry_is_reported_with_its_call() -> None:
    late = AsksLate(Event.CLONE, follow=False)
    line = run("makes", "fork", engines=[late])
    child = line.removeprefix("child ")
    assert late.lines()[:2] == [f"clone {child}", f"return clone {child}"]


def test_call_that_blocked_at_attach_is_reported_when_it_ends(tracee: TraceeFactory) -> None:
    program = tracee("asks", "each")
    program.read_line()
    wait_for_state(program.pid, "S")
    seen = Recorder(Event.SYSCALL_EXIT | Event.QUIESCE)
    with Session() as session:
        engine = session.attach(program.pid, engines=[seen]).engine(seen)
        # The report tells that the task has been brought to where its calls are traced.
        engine.control(ResumeAction.REPORT)
        seen.wait_for("quiesce 0")
        program.write("\n")
        assert program.read_line()
        seen.wait_for("return write")
    assert seen.lines(starting="return")[0] == "return read 1"


def test_entries_without_exits_are_all_seen() -> None:
    seen = Recorder(Event.SYSCALL_ENTRY)
    run("asks", engines=[seen])
    names = [line.removeprefix("entry ") for line in seen.lines()]
    assert names[0] == "execve"
    assert names[-1] == "exit_group"
    assert {"getppid", "getpid", "write"} <= set(names)
    assert not seen.lines(starting="return")


def test_only_the_calls_asked_for_are_reported() -> None:
    seen = Recorder(Event.SYSCALL, syscalls={"getpid", "getppid"})
    run("asks", engines=[seen])
    assert [line.split()[1] for line in seen.lines()] == ["getppid", "getppid", "getpid", "getpid"]


@pytest.mark.requires("x86-64")
def test_quiesce_comes_before_events_of_others_interest() -> None:
    quiesces = Recorder(Event.QUIESCE)
    other = Recorder(Event.SYSCALL_ENTRY, syscalls={"getppid"})
    run("asks", engines=[quiesces, other])
    assert quiesces.lines(starting="quiesce SYSCALL_ENTRY") == ["quiesce SYSCALL_ENTRY"]


@pytest.mark.requires("x86-64", "i386-tasks")
def test_i386_call_of_a_64_bit_program_is_told_by_its_arch() -> None:
    archs: list[tuple[int, str]] = []

    class Notes(Recorder):
        def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
            archs.append((call.arch, call.name))
            return None

    first = run("int80", engines=[Notes(Event.SYSCALL_ENTRY)])
    assert int(first) > 0
    assert (I386, "getpid") in archs
    assert {name for arch, name in archs if arch == I386} == {"getpid"}


@pytest.mark.requires("x86-64", "i386-tasks")
def test_i386_call_of_a_64_bit_program_is_chosen_by_name_and_skipped() -> None:
    skips = Decides("getpid", lambda _: utrace.skip(4711))
    assert run("int80", engines=[skips]) == "4711"
    assert skips.lines() == ["entry getpid", "return getpid 4711"]


@pytest.mark.requires("x86-64", "i386-tasks")
def test_32_bit_program_is_traced() -> None:
    seen = Recorder(Event.SYSCALL | Event.EXIT)
    with Session() as session:
        task = session.spawn([build("exits32", 32)], engines=[seen])
        assert session.run(timeout_s=DEADLINE_S) == 42
        assert session.faults == []
    assert seen.lines(task.tid)[-2:] == ["entry exit", f"exit {42 << 8}"]


@pytest.mark.requires("x86-64", "i386-tasks")
def test_argument_of_a_32_bit_program_is_rewritten() -> None:
    def rewrite(call: Syscall) -> Answer:
        assert call.arch == I386
        call.raw = (43, *call.raw[1:])
        return None

    with Session() as session:
        session.spawn([build("exits32", 32)], engines=[Decides("exit", rewrite)])
        assert session.run(timeout_s=DEADLINE_S) == 43
        assert session.faults == []
