"""Syscall-stops: entry, exit, abort, and steps over calls."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import doing
from tests.unit.tracehook.rig import ROOT, X86_64, Rig, ending, entry, siginfo, x86_64_regset
from utrace.core.control import control
from utrace.core.events import EXEC, QUIESCE, SIGNAL_ALL, SYSCALL, SYSCALL_ENTRY, SYSCALL_EXIT
from utrace.core.verdicts import ResumeAction, SyscallAction, Verdict, abort, skip
from utrace.kernel.api import FactKind
from utrace.tracehook.syscalls import learn_of_call

ENTRY, EXIT, SIGNAL = FactKind.SYSCALL_ENTRY, FactKind.SYSCALL_EXIT, FactKind.SIGNAL
STOP, REPORT, RESUME = ResumeAction.STOP, ResumeAction.REPORT, ResumeAction.RESUME
SINGLESTEP, DETACH = ResumeAction.SINGLESTEP, ResumeAction.DETACH
GETPID = 39


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_entry_and_exit_are_reported_and_run_to_the_next_syscall_stop(rig: Rig) -> None:
    rig.engine("A", SYSCALL)
    assert rig.feed(ENTRY, *entry(GETPID)) == ["A.syscall_entry", "SYSCALL"]
    assert rig.feed(EXIT, *ending(ROOT)) == ["A.syscall_exit", "SYSCALL"]


@pytest.mark.parametrize(("mask", "request_name"), [(EXEC, "CONT"), (SYSCALL_ENTRY, "SYSCALL")])
def test_what_nobody_asked_for_runs_on_as_the_masks_say(rig: Rig, mask: int, request_name: str) -> None:
    engine = rig.engine("A", mask)
    engine.syscalls = {}
    rig.task.recompute()
    assert rig.feed(ENTRY, *entry(GETPID)) == [request_name]
    assert rig.feed(EXIT, *ending(ROOT)) == [request_name]


def test_only_calls_of_the_union_are_reported(rig: Rig) -> None:
    engine = rig.engine("A", SYSCALL)
    engine.syscalls = {X86_64: frozenset({GETPID})}
    rig.task.recompute()
    assert rig.feed(ENTRY, *entry(1)) == ["SYSCALL"]
    assert rig.feed(EXIT, *ending(0)) == ["SYSCALL"]
    assert rig.feed(ENTRY, *entry(GETPID)) == ["A.syscall_entry", "SYSCALL"]


@pytest.mark.parametrize(("answer", "result"), [(abort(13), -13), (skip(7), 7)])
def test_an_aborted_call_is_skipped_and_given_its_result(rig: Rig, answer: Verdict, result: int) -> None:
    rig.engine("A", SYSCALL_ENTRY, syscall_entry=[answer])
    assert rig.feed(ENTRY, *entry(GETPID)) == ["A.syscall_entry", "set_syscall -1", "SYSCALL"]
    assert rig.feed(EXIT, *ending(-38)) == [f"set_result {result}", f"set_syscall {GETPID}", "SYSCALL"]
    assert rig.feed(ENTRY, *entry(GETPID)) == ["A.syscall_entry", "SYSCALL"]
    assert rig.feed(EXIT, *ending(ROOT)) == ["SYSCALL"]


def test_an_abort_without_result_fails_with_enosys(rig: Rig) -> None:
    rig.engine("A", SYSCALL_ENTRY, syscall_entry=Verdict(syscall=SyscallAction.ABORT))
    rig.feed(ENTRY, *entry(GETPID))
    assert rig.feed(EXIT, *ending(-1)) == ["set_result -38", f"set_syscall {GETPID}", "SYSCALL"]


def test_the_exit_report_of_an_aborted_call_shows_the_result_it_gets(rig: Rig) -> None:
    seen: list[object] = []
    rig.engine(
        "A",
        SYSCALL,
        syscall_entry=abort(13),
        syscall_exit=doing(lambda: seen.append(rig.task.occurrence)),
    )
    rig.feed(ENTRY, *entry(GETPID))
    rig.feed(EXIT, *ending(-38))
    assert seen == [(ROOT, EXIT, *ending(-13))]


def test_the_exit_of_an_aborted_call_is_awaited_though_nobody_traces_exits(rig: Rig) -> None:
    rig.engine("A", SYSCALL_ENTRY, syscall_entry=Verdict(DETACH, syscall=SyscallAction.ABORT, result=5))
    rig.engine("B", EXEC)
    assert rig.feed(ENTRY, *entry(GETPID))[-1] == "SYSCALL"
    assert rig.feed(EXIT, *ending(-38)) == ["set_result 5", f"set_syscall {GETPID}", "CONT"]


@pytest.mark.law("INV-20")
def test_the_last_engine_may_detach_after_aborting(rig: Rig) -> None:
    rig.engine("A", SYSCALL_ENTRY, syscall_entry=Verdict(DETACH, syscall=SyscallAction.ABORT, result=5))
    rig.feed(ENTRY, *entry(GETPID))
    assert rig.feed(EXIT, *ending(-38)) == ["set_result 5", f"set_syscall {GETPID}", "detach", "over"]


@pytest.mark.parametrize("kind", [ENTRY, EXIT])
def test_when_the_last_engine_leaves_the_tracee_is_let_go_there(rig: Rig, kind: FactKind) -> None:
    rig.engine("A", SYSCALL, syscall_entry=DETACH, syscall_exit=DETACH)
    fact = entry(GETPID) if kind is ENTRY else ending(ROOT)
    if kind is EXIT:
        rig.root.in_syscall, rig.root.nr, rig.root.arch = True, GETPID, X86_64
    assert rig.feed(kind, *fact)[1:] == ["detach", "over"]
    assert rig.tracees.is_empty()


@pytest.mark.law("INV-17")
def test_a_stop_at_entry_holds_the_call(rig: Rig) -> None:
    engine = rig.engine("A", SYSCALL_ENTRY, syscall_entry=STOP)
    assert rig.feed(ENTRY, *entry(GETPID)) == ["A.syscall_entry", "held"]
    control(engine, RESUME)
    assert rig.settle() == ["SYSCALL"]


@pytest.mark.law("INV-13")
def test_a_kill_in_that_stop_ends_the_call_and_the_newer_fact_is_worked_on(rig: Rig) -> None:
    rig.engine("A", SYSCALL_ENTRY, syscall_entry=STOP)
    rig.feed(ENTRY, *entry(GETPID))
    assert "SYSCALL" not in rig.feed(FactKind.EXIT, 9)
    assert rig.task.life.name == "EXITING"
    assert not rig.task.held


def test_what_is_pending_at_entry_waits_for_the_exit_stop(rig: Rig) -> None:
    """An interrupt at the entry would be used up by the exit stop, after disturbing the call."""
    rig.engine("A", QUIESCE | SYSCALL_ENTRY, syscall_entry=REPORT)
    assert rig.feed(ENTRY, *entry(GETPID))[-1] == "SYSCALL"
    assert "interrupt" not in rig.log
    assert rig.feed(EXIT, *ending(ROOT)) == ["A.quiesce", "SYSCALL"]


@pytest.mark.law("INV-19")
def test_an_interrupt_pending_at_entry_breaks_a_call_that_would_block(rig: Rig) -> None:
    engine = rig.engine("A", QUIESCE | SYSCALL_ENTRY, syscall_entry=[STOP, None])
    rig.feed(ENTRY, *entry(GETPID))
    control(engine, ResumeAction.INTERRUPT)
    assert rig.settle()[-2:] == ["interrupt", "SYSCALL"]
    assert rig.feed(EXIT, *ending(-512))[-2:] == ["A.signal", "SYSCALL"]


@pytest.mark.law("INV-17", "LB-6")
def test_a_stop_answered_at_the_exit_holds_before_user_mode(rig: Rig) -> None:
    engine = rig.engine("A", SYSCALL_EXIT, syscall_exit=STOP)
    rig.feed(ENTRY, *entry(GETPID))
    assert rig.feed(EXIT, *ending(ROOT)) == ["A.syscall_exit", "held"]
    control(engine, RESUME)
    assert rig.settle() == ["SYSCALL"]


def test_an_exit_without_entry_finds_its_call_in_the_registers(rig: Rig) -> None:
    rig.engine("A", SYSCALL_EXIT)
    rig.kernel.regsets[ROOT] = x86_64_regset(orig_rax=GETPID, rax=ROOT)
    assert rig.feed(EXIT, *ending(ROOT)) == ["A.syscall_exit", "SYSCALL"]
    assert (rig.root.nr, rig.root.arch) == (GETPID, X86_64)
    assert rig.root.entry is not None


def test_an_exit_without_entry_of_a_killed_tracee_has_no_call(rig: Rig) -> None:
    rig.engine("A", SYSCALL_EXIT)
    rig.feed(EXIT, *ending(ROOT))
    assert (rig.root.nr, rig.root.entry) == (-1, None)


def test_an_exit_after_an_entry_not_told_is_of_the_call_learned(rig: Rig) -> None:
    rig.engine("A", SYSCALL)
    nr, detail = entry(GETPID)
    learn_of_call(rig.root, (ROOT, FactKind.IN_CALL, nr, detail))
    assert (rig.root.nr, rig.root.at_entry, rig.root.more_to_come) == (GETPID, True, False)
    assert rig.feed(EXIT, *ending(ROOT)) == ["A.syscall_exit", "SYSCALL"]
    assert rig.root.entry == (ROOT, ENTRY, GETPID, detail)


def test_between_calls_nothing_is_learned_but_that(rig: Rig) -> None:
    rig.engine("A", SYSCALL)
    rig.feed(ENTRY, *entry(GETPID))
    learn_of_call(rig.root, (ROOT, FactKind.IN_CALL, -1, None))
    assert (rig.root.in_syscall, rig.root.at_entry) == (False, False)


class TestSteps:
    @pytest.mark.law("INV-11")
    def test_a_step_answered_at_the_exit_is_armed_there(self, rig: Rig) -> None:
        rig.engine("A", QUIESCE | SIGNAL_ALL, quiesce=[SINGLESTEP])
        rig.task.pending = REPORT
        rig.root.in_syscall = True
        assert rig.feed(EXIT, *ending(ROOT)) == ["A.quiesce", "SINGLESTEP"]

    @pytest.mark.law("INV-25")
    def test_the_trap_after_a_call_stepped_over_is_its_exit(self, rig: Rig) -> None:
        rig.engine("A", QUIESCE | SYSCALL | SIGNAL_ALL, syscall_entry=SINGLESTEP)
        assert rig.feed(ENTRY, *entry(GETPID))[-1] == "SINGLESTEP"
        rig.kernel.regsets[ROOT] = x86_64_regset(orig_rax=GETPID, rax=ROOT)
        assert rig.feed(SIGNAL, 5, siginfo(5, 1)) == ["A.quiesce", "A.syscall_exit", "A.signal", "SYSCALL"]

    @pytest.mark.law("INV-25")
    def test_an_aborted_call_that_is_stepped_over_gets_its_result(self, rig: Rig) -> None:
        rig.engine("A", SYSCALL, syscall_entry=abort(13))
        rig.root.stepping = SINGLESTEP
        assert rig.feed(ENTRY, *entry(GETPID))[-1] == "SINGLESTEP"
        rig.kernel.regsets[ROOT] = x86_64_regset(orig_rax=-1, rax=-38)
        assert rig.feed(SIGNAL, 5, siginfo(5, 1)) == [
            "set_result -13",
            f"set_syscall {GETPID}",
            "A.syscall_exit",
            "SYSCALL",
        ]

    def test_a_killed_tracee_reports_no_exit_for_the_step(self, rig: Rig) -> None:
        rig.engine("A", SYSCALL, syscall_entry=SINGLESTEP)
        rig.feed(ENTRY, *entry(GETPID))
        assert rig.feed(SIGNAL, 5, siginfo(5, 1)) == ["SYSCALL"]

    def test_a_step_put_off_is_armed_at_the_entry(self, rig: Rig) -> None:
        rig.engine("A", SYSCALL)
        rig.root.stepping = SINGLESTEP
        assert rig.feed(ENTRY, *entry(GETPID)) == ["A.syscall_entry", "SINGLESTEP"]
        assert rig.root.stepping is RESUME

    @pytest.mark.law("INV-10")
    def test_a_step_put_off_is_forgotten_where_the_task_was_stopped(self, rig: Rig) -> None:
        engine = rig.engine("A", SYSCALL, syscall_entry=STOP)
        rig.root.stepping = SINGLESTEP
        assert rig.feed(ENTRY, *entry(GETPID)) == ["A.syscall_entry", "held"]
        control(engine, RESUME)
        assert rig.settle() == ["SYSCALL"]
        assert rig.root.stepping is RESUME
