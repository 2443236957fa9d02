"""The last point before user mode."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import doing
from tests.unit.tracehook.rig import ROOT, X86_64, Rig, siginfo, x86_64_regset
from utrace.core.control import control
from utrace.core.events import EXEC, QUIESCE, SYSCALL
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import Disposition, FactKind

TRAP, SIGUSR1, SIGTSTP = FactKind.TRAP, 10, 20
STOP, REPORT, RESUME = ResumeAction.STOP, ResumeAction.REPORT, ResumeAction.RESUME
INTERRUPT, SINGLESTEP = ResumeAction.INTERRUPT, ResumeAction.SINGLESTEP
BLOCKSTEP, DETACH = ResumeAction.BLOCKSTEP, ResumeAction.DETACH
SYSCALL_INSTRUCTION = b"\x0f\x05"


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize(("mask", "name"), [(EXEC, "CONT"), (EXEC | SYSCALL, "SYSCALL")])
def test_with_nothing_pending_it_runs_on(rig: Rig, mask: int, name: str) -> None:
    rig.engine("A", mask)
    assert rig.feed(TRAP) == [name]


@pytest.mark.law("INV-12", "INV-18", "INV-19")
@pytest.mark.parametrize(
    ("action", "happens"),
    [
        (STOP, ["A.quiesce", "held"]),
        (REPORT, ["A.quiesce", "CONT"]),
        (INTERRUPT, ["A.signal", "CONT"]),
        (SINGLESTEP, ["SINGLESTEP"]),
        (BLOCKSTEP, ["SINGLEBLOCK"]),
        (DETACH, ["detach", "over"]),
    ],
)
def test_a_running_tracee_is_interrupted_for_what_is_asked_and_it_is_served(
    rig: Rig, action: ResumeAction, happens: list[str]
) -> None:
    engine = rig.engine("A", QUIESCE)
    control(engine, action)
    assert rig.settle() == ["interrupt"]
    served = rig.feed(TRAP)
    assert [what for what in served if what != "syscall_restart"] == happens


@pytest.mark.law("INV-19")
@pytest.mark.parametrize(("action", "mended"), [(REPORT, True), (INTERRUPT, False)])
def test_only_an_interrupt_that_was_asked_for_disturbs_a_call(
    rig: Rig, action: ResumeAction, mended: bool
) -> None:
    engine = rig.engine("A", QUIESCE)
    control(engine, action)
    rig.settle()
    assert ("syscall_restart" in rig.feed(TRAP)) is mended
    assert "syscall_restart" not in rig.feed(TRAP)


def test_one_interrupt_serves_several_who_ask(rig: Rig) -> None:
    one, other = rig.engine("A", QUIESCE), rig.engine("B", QUIESCE)
    control(one, REPORT)
    control(other, STOP)
    assert rig.settle() == ["interrupt"]


@pytest.mark.law("INV-19")
def test_an_interrupt_asked_for_after_a_report_disturbs_the_call_all_the_same(rig: Rig) -> None:
    one, other = rig.engine("A", QUIESCE), rig.engine("B", QUIESCE)
    control(one, REPORT)
    rig.settle()
    control(other, INTERRUPT)
    assert rig.settle() == []
    assert rig.feed(TRAP) == ["A.signal", "B.signal", "CONT"]


def test_what_was_withdrawn_before_it_got_there_interrupts_nobody(rig: Rig) -> None:
    engine = rig.engine("A", EXEC)
    control(engine, STOP)
    control(engine, RESUME)
    rig.task.pending = RESUME
    assert rig.settle() == []


@pytest.mark.law("INV-34")
def test_a_kill_in_the_stop_is_worked_on(rig: Rig) -> None:
    rig.engine("A", QUIESCE, quiesce=STOP)
    rig.task.pending = REPORT
    assert rig.feed(TRAP)[-1] == "held"
    rig.feed(FactKind.EXIT, 9)
    assert rig.task.life.name == "EXITING"


def test_the_last_engine_may_leave_from_its_report(rig: Rig) -> None:
    rig.engine("A", QUIESCE, quiesce=DETACH)
    rig.task.pending = REPORT
    assert rig.feed(TRAP) == ["A.quiesce", "detach", "over"]


def test_the_last_engine_may_leave_while_held(rig: Rig) -> None:
    engine = rig.engine("A", QUIESCE, quiesce=STOP)
    rig.task.pending = REPORT
    rig.feed(TRAP)
    control(engine, DETACH)
    assert rig.settle() == ["detach", "over"]


@pytest.mark.law("INV-25")
@pytest.mark.parametrize(
    ("mask", "code", "registers", "request_name"),
    [
        (SYSCALL, SYSCALL_INSTRUCTION, True, "SYSCALL"),
        (SYSCALL, b"\x90\x90", True, "SINGLESTEP"),
        (SYSCALL, SYSCALL_INSTRUCTION, False, "SINGLESTEP"),
        (0, SYSCALL_INSTRUCTION, True, "SINGLESTEP"),
    ],
)
def test_a_step_over_a_call_that_is_traced_is_armed_at_its_entry(
    rig: Rig, mask: int, code: bytes, registers: bool, request_name: str
) -> None:
    if registers:
        rig.kernel.regsets[ROOT] = x86_64_regset(orig_rax=-1, rax=0)
    rig.kernel.memory = code
    rig.engine("A", QUIESCE | mask, quiesce=SINGLESTEP)
    rig.task.pending = REPORT
    assert rig.feed(TRAP)[-1] == request_name
    assert rig.root.stepping is (SINGLESTEP if request_name == "SYSCALL" else RESUME)


@pytest.mark.parametrize(
    ("result", "nr", "request_name"), [(-512, 0, "SYSCALL"), (-512, -1, "SINGLESTEP"), (-4, 0, "SINGLESTEP")]
)
def test_a_call_that_the_kernel_restarts_is_stepped_over_from_its_entry(
    rig: Rig, result: int, nr: int, request_name: str
) -> None:
    rig.kernel.regsets[ROOT] = x86_64_regset(orig_rax=nr, rax=result)
    rig.kernel.memory = b"\x90\x90"
    rig.engine("A", QUIESCE | SYSCALL, quiesce=SINGLESTEP)
    rig.task.pending = REPORT
    assert rig.feed(TRAP)[-1] == request_name


@pytest.mark.law("INV-11")
@pytest.mark.parametrize(("action", "name"), [(SINGLESTEP, "SINGLESTEP"), (BLOCKSTEP, "SINGLEBLOCK")])
def test_a_step_goes_on_behind_what_nobody_is_told_of(rig: Rig, action: ResumeAction, name: str) -> None:
    """As behind the interrupt of a newborn, which comes again when the first stop is over."""
    rig.engine("A", QUIESCE, quiesce=action)
    rig.task.pending = REPORT
    assert rig.feed(TRAP)[-1] == name
    assert rig.feed(TRAP) == [name]
    assert rig.feed(FactKind.SIGNAL, SIGUSR1, siginfo(SIGUSR1)) == [f"{name} {SIGUSR1}"]


@pytest.mark.law("INV-11")
def test_a_step_put_off_to_an_entry_goes_on_behind_what_nobody_is_told_of(rig: Rig) -> None:
    rig.root.filter = {X86_64: frozenset({1})}
    rig.kernel.regsets[ROOT] = x86_64_regset(orig_rax=-1, rax=0)
    rig.kernel.memory = SYSCALL_INSTRUCTION
    rig.task.syscalls = {X86_64: frozenset({1})}
    rig.engine("A", QUIESCE | SYSCALL, quiesce=SINGLESTEP)
    rig.task.pending = REPORT
    assert rig.feed(TRAP)[-1] == "SYSCALL"
    assert rig.feed(TRAP) == ["SYSCALL"]
    assert rig.root.stepping is SINGLESTEP
    rig.kernel.dispositions[ROOT] = Disposition(0, 0, 0)
    assert rig.feed(FactKind.SIGNAL, SIGTSTP, siginfo(SIGTSTP))[-1] == f"SYSCALL {SIGTSTP}", "no handler"
    rig.kernel.dispositions[ROOT] = Disposition(0, 0, 1 << (SIGUSR1 - 1))
    assert rig.feed(FactKind.SIGNAL, SIGUSR1, siginfo(SIGUSR1))[-1] == f"SINGLESTEP {SIGUSR1}", "of a handler"
    assert rig.root.stepping is RESUME


def test_a_report_is_about_no_signal(rig: Rig) -> None:
    seen: list[object] = []
    rig.engine("A", QUIESCE, quiesce=doing(lambda: seen.append(rig.task.occurrence)))
    rig.task.occurrence = "an old signal"
    rig.task.pending = REPORT
    rig.feed(TRAP)
    assert seen
    assert "an old signal" not in seen
