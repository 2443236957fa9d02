"""Reporting passes: who is called, in which order, and what the answers add up to."""

from __future__ import annotations

import itertools

import pytest

from tests.unit.core.backend import ARCH, BackEnd, Way, doing
from utrace.core.control import control, set_events
from utrace.core.engine_life import EngineInput, EngineState
from utrace.core.events import (
    CLONE,
    DEATH,
    EXEC,
    EXIT,
    JCTL,
    NO_EVENT,
    QUIESCE,
    REAP,
    SYSCALL_ENTRY,
    SYSCALL_EXIT,
)
from utrace.core.reporting import (
    Pause,
    Wake,
    finish_callback,
    report,
    report_death,
    report_exit,
    report_reap,
    report_syscall_entry,
    report_syscall_exit,
    run_pass,
    start_pass,
    stop,
)
from utrace.core.task_life import TaskLife
from utrace.core.verdicts import (
    RESUME_STRICTNESS,
    ResumeAction,
    SyscallAction,
    Verdict,
    abort,
    skip,
)
from utrace.errors import InvariantViolation

STOP, INTERRUPT, REPORT = ResumeAction.STOP, ResumeAction.INTERRUPT, ResumeAction.REPORT
SINGLESTEP, BLOCKSTEP = ResumeAction.SINGLESTEP, ResumeAction.BLOCKSTEP
RESUME, DETACH = ResumeAction.RESUME, ResumeAction.DETACH
NR = 39


@pytest.fixture
def backend() -> BackEnd:
    return BackEnd()


class TestOrder:
    @pytest.mark.law("INV-4")
    def test_attach_order_with_quiesce_before_the_event(self, backend: BackEnd) -> None:
        for name in "ABC":
            backend.engine(name, QUIESCE | EXEC)
        backend.go(report(backend.task, EXEC))
        assert backend.log == [f"{name}.{what}" for name in "ABC" for what in ("quiesce", "exec")]

    @pytest.mark.law("INV-4")
    def test_syscall_entry_is_reversed_with_its_quiesce_calls(self, backend: BackEnd) -> None:
        for name in "ABC":
            backend.engine(name, QUIESCE | SYSCALL_ENTRY)
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        assert backend.log == [f"{name}.{what}" for name in "CBA" for what in ("quiesce", "syscall_entry")]

    @pytest.mark.law("INV-4")
    def test_syscall_exit_is_in_attach_order(self, backend: BackEnd) -> None:
        for name in "ABC":
            backend.engine(name, QUIESCE | SYSCALL_EXIT)
        backend.go(report_syscall_exit(backend.task, ARCH, NR))
        assert backend.log == [f"{name}.{what}" for name in "ABC" for what in ("quiesce", "syscall_exit")]

    def test_a_pass_may_be_run_backwards(self, backend: BackEnd) -> None:
        for name in "AB":
            backend.engine(name, EXEC)
        backend.go(run_pass(backend.task, EXEC, reverse=True))
        assert backend.log == ["B.exec", "A.exec"]

    @pytest.mark.law("INV-41")
    def test_each_is_called_for_what_it_asked_and_quiesce_for_everything(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE)
        backend.engine("B", EXEC)
        backend.engine("C", CLONE | JCTL)
        backend.engine("D")
        backend.go(report(backend.task, EXEC))
        assert backend.log == ["A.quiesce", "B.exec"]

    def test_a_pass_without_event_calls_quiesce_only(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE)
        backend.engine("B", EXEC)
        backend.go(run_pass(backend.task, NO_EVENT))
        assert backend.log == ["A.quiesce"]

    def test_events_set_in_quiesce_count_for_this_occurrence(self, backend: BackEnd) -> None:
        engine = backend.engine(
            "A", QUIESCE, quiesce=[doing(lambda: set_events(engine, QUIESCE | EXEC, from_callback=True))]
        )
        backend.go(report(backend.task, EXEC))
        assert backend.log == ["A.quiesce", "A.exec"]

    def test_events_cleared_in_quiesce_count_for_this_occurrence(self, backend: BackEnd) -> None:
        engine = backend.engine(
            "A", QUIESCE | EXEC, quiesce=[doing(lambda: set_events(engine, QUIESCE, from_callback=True))]
        )
        backend.go(report(backend.task, EXEC))
        assert backend.log == ["A.quiesce"]

    @pytest.mark.parametrize("entry", [True, False])
    @pytest.mark.parametrize(
        ("numbers", "called"),
        [(None, True), ({ARCH: frozenset({NR})}, True), ({ARCH: frozenset({1})}, False), ({}, False)],
    )
    def test_only_engines_whose_set_has_the_call_are_told_of_it(
        self, backend: BackEnd, entry: bool, numbers: dict[int, frozenset[int]] | None, called: bool
    ) -> None:
        event, name = (SYSCALL_ENTRY, "syscall_entry") if entry else (SYSCALL_EXIT, "syscall_exit")
        backend.engine("A", event, syscalls=numbers)
        backend.engine("B", QUIESCE)
        way = report_syscall_entry if entry else report_syscall_exit
        backend.go(way(backend.task, ARCH, NR))
        assert (f"A.{name}" in backend.log) is called
        assert "B.quiesce" in backend.log

    def test_one_pass_at_a_time(self, backend: BackEnd) -> None:
        backend.task.event = EXEC
        with pytest.raises(InvariantViolation, match="one pass"):
            start_pass(backend.task, CLONE)


class TestMerge:
    @pytest.mark.law("INV-9")
    @pytest.mark.parametrize(
        ("one", "other"), list(itertools.product([*RESUME_STRICTNESS, DETACH], repeat=2))
    )
    def test_two_minima_of_two_answers(
        self, backend: BackEnd, one: ResumeAction, other: ResumeAction
    ) -> None:
        backend.engine("A", EXEC, exec=one)
        backend.engine("B", EXEC, exec=other)
        backend.engine("C")
        backend.go(run_pass(backend.task, EXEC))
        answers = [RESUME if answer is DETACH else answer for answer in (one, other)]
        running = [answer for answer in answers if answer is not STOP]
        assert backend.task.action.value == min(answer.value for answer in answers)
        assert backend.task.resume_action.value == min((answer.value for answer in running), default=5)

    def test_each_sees_the_merged_answers_before_its_own(self, backend: BackEnd) -> None:
        backend.engine("A", EXEC, exec=BLOCKSTEP)
        backend.engine("B", EXEC, exec=REPORT)
        backend.engine("C", QUIESCE | EXEC, exec=STOP, quiesce=SINGLESTEP)
        backend.engine("D", EXEC)
        backend.go(run_pass(backend.task, EXEC))
        assert backend.views == [RESUME, BLOCKSTEP, REPORT, REPORT, STOP]

    def test_a_standing_wish_of_an_uncalled_engine_counts_as_stop(self, backend: BackEnd) -> None:
        backend.engine("A", CLONE).wants_stop = True
        backend.engine("B", EXEC, exec=RESUME)
        backend.go(run_pass(backend.task, EXEC))
        assert backend.task.action is STOP
        assert backend.views == [STOP]

    @pytest.mark.parametrize("way", ["run_pass", "entry", "exit"])
    def test_none_leaves_the_engines_own_wish_as_it_is(self, backend: BackEnd, way: str) -> None:
        engine = backend.engine("A", QUIESCE | EXEC | SYSCALL_ENTRY | SYSCALL_EXIT)
        engine.wants_stop = True
        ways: dict[str, Way] = {
            "run_pass": run_pass(backend.task, EXEC),
            "entry": report_syscall_entry(backend.task, ARCH, NR),
            "exit": report_syscall_exit(backend.task, ARCH, NR),
        }
        backend.go(ways[way])
        assert engine.wants_stop
        assert backend.task.action is STOP

    @pytest.mark.parametrize("answer", [INTERRUPT, REPORT, SINGLESTEP, BLOCKSTEP, RESUME])
    @pytest.mark.parametrize("in_verdict", [True, False])
    def test_any_answer_but_stop_withdraws_the_wish(
        self, backend: BackEnd, answer: ResumeAction, in_verdict: bool
    ) -> None:
        engine = backend.engine("A", EXEC, exec=Verdict(resume=answer) if in_verdict else answer)
        engine.wants_stop = True
        backend.go(run_pass(backend.task, EXEC))
        assert not engine.wants_stop
        assert backend.task.action is answer

    @pytest.mark.law("INV-36")
    @pytest.mark.parametrize("answer", [None, STOP, REPORT, abort(1)])
    def test_detach_beats_whatever_the_callback_answers(
        self, backend: BackEnd, answer: ResumeAction | Verdict | None
    ) -> None:
        def leave() -> ResumeAction | Verdict | None:
            control(leaving, DETACH)
            return answer

        leaving = backend.engine("A", SYSCALL_ENTRY, syscall_entry=leave)
        backend.engine("B", EXEC)
        assert backend.go(report_syscall_entry(backend.task, ARCH, NR)) is False
        assert backend.task.syscall_action is SyscallAction.RUN
        assert backend.task.pending is RESUME
        assert leaving not in backend.task.engines

    @pytest.mark.law("LB-4")
    @pytest.mark.parametrize("way", ["exit", "entry", "report"])
    def test_stop_to_quiesce_and_resume_to_the_event_does_not_stop(self, backend: BackEnd, way: str) -> None:
        event = {"exit": EXIT, "entry": SYSCALL_ENTRY, "report": EXEC}[way]
        backend.engine("A", QUIESCE | event, quiesce=STOP, exit=RESUME, syscall_entry=RESUME, exec=RESUME)
        ways: dict[str, Way] = {
            "exit": report_exit(backend.task, live=True),
            "entry": report_syscall_entry(backend.task, ARCH, NR),
            "report": report(backend.task, EXEC),
        }
        assert not backend.go(ways[way])
        assert "held" not in backend.log
        assert backend.task.pending is RESUME

    @pytest.mark.law("LB-4", "INV-14")
    def test_a_stop_that_was_taken_back_repeats_no_pass(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE | SYSCALL_ENTRY, quiesce=STOP, syscall_entry=REPORT)
        assert backend.go(report_syscall_entry(backend.task, ARCH, NR)) is False
        assert backend.log == ["A.quiesce", "A.syscall_entry"]
        assert backend.task.pending is REPORT

    def test_what_is_no_answer_is_a_bug(self, backend: BackEnd) -> None:
        with pytest.raises(InvariantViolation, match="answered by an Answer"):
            finish_callback(backend.task, backend.engine("A", EXEC), Wake.LET_RUN)

    def test_an_answer_of_nothing_or_of_nobody_changes_nothing(self, backend: BackEnd) -> None:
        engine = backend.engine("A", EXEC)
        finish_callback(backend.task, engine, None)
        engine.state = EngineState.DETACHED
        finish_callback(backend.task, engine, STOP)
        assert not engine.wants_stop
        assert backend.task.action is RESUME


class TestEndOfAPass:
    @pytest.mark.law("INV-10")
    @pytest.mark.parametrize("before", [REPORT, SINGLESTEP, BLOCKSTEP])
    def test_a_pass_consumes_what_is_pending(self, backend: BackEnd, before: ResumeAction) -> None:
        backend.engine("A", EXEC)
        backend.task.pending = before
        backend.go(report(backend.task, EXEC))
        assert backend.task.pending is RESUME

    @pytest.mark.law("INV-10")
    def test_interrupt_outlives_a_pass(self, backend: BackEnd) -> None:
        backend.engine("A", EXEC)
        backend.task.pending = INTERRUPT
        backend.go(report(backend.task, EXEC))
        assert backend.task.pending is INTERRUPT

    @pytest.mark.law("INV-9", "INV-10")
    @pytest.mark.parametrize("answer", [INTERRUPT, REPORT, SINGLESTEP, BLOCKSTEP, RESUME])
    def test_the_last_answers_become_pending(self, backend: BackEnd, answer: ResumeAction) -> None:
        backend.engine("A", EXEC, exec=answer)
        backend.task.pending = BLOCKSTEP
        backend.go(report(backend.task, EXEC))
        assert backend.task.pending is answer

    def test_stop_becomes_a_pending_report(self, backend: BackEnd) -> None:
        backend.engine("A", EXEC, exec=STOP)
        backend.engine("B", EXEC, exec=SINGLESTEP)
        backend.go(report(backend.task, EXEC))
        assert backend.task.pending is REPORT
        assert "held" not in backend.log

    @pytest.mark.law("INV-37")
    def test_a_stop_withdrawn_before_the_end_of_the_pass_leaves_no_report(self, backend: BackEnd) -> None:
        one = backend.engine("A", EXEC, exec=STOP)
        backend.engine("B", EXEC, exec=[doing(lambda: control(one, RESUME))])
        backend.go(report(backend.task, EXEC))
        assert backend.task.action is STOP
        assert backend.task.pending is RESUME

    @pytest.mark.law("INV-38")
    def test_a_pass_that_nobody_takes_leaves_nothing(self, backend: BackEnd) -> None:
        backend.engine("A", CLONE)
        backend.task.pending = REPORT
        backend.go(report(backend.task, EXEC))
        assert backend.log == []
        assert backend.task.pending is RESUME

    @pytest.mark.law("INV-9")
    def test_an_exit_report_leaves_its_answers_pending(self, backend: BackEnd) -> None:
        backend.engine("A", SYSCALL_EXIT, syscall_exit=SINGLESTEP)
        backend.go(report_syscall_exit(backend.task, ARCH, NR))
        assert backend.task.pending is SINGLESTEP


class TestStop:
    def test_nobody_wanting_it_no_stop(self, backend: BackEnd) -> None:
        assert backend.go(stop(backend.task)) is False
        assert backend.task.stops == 0

    def test_held_until_let_go(self, backend: BackEnd) -> None:
        engine = backend.engine("A", QUIESCE)
        engine.wants_stop = True
        assert backend.go(stop(backend.task)) is Pause.HELD
        assert backend.task.held
        control(engine, RESUME)
        assert backend.let_run() is False
        assert not backend.task.held

    @pytest.mark.law("INV-34")
    def test_a_kill_ends_it_and_every_wish(self, backend: BackEnd) -> None:
        engines = [backend.engine(name, QUIESCE) for name in "ABC"]
        for engine in engines:
            engine.wants_stop = True
        backend.go(stop(backend.task))
        assert backend.kill() is True
        assert not backend.task.held
        assert not backend.task.is_wanted_stopped()

    def test_a_held_task_is_sent_nothing_but_a_wake(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE).wants_stop = True
        way = stop(backend.task)
        next(way)
        with pytest.raises(InvariantViolation, match="woken by a Wake"):
            way.send(RESUME)


class TestSyscallEntry:
    def test_the_last_called_decides(self, backend: BackEnd) -> None:
        backend.engine("A", SYSCALL_ENTRY, syscall_entry=Verdict(syscall=SyscallAction.RUN))
        backend.engine("B", SYSCALL_ENTRY, syscall_entry=abort(13))
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        assert backend.task.syscall_action is SyscallAction.RUN

    def test_an_abort_stands_where_later_engines_have_no_opinion(self, backend: BackEnd) -> None:
        backend.engine("A", SYSCALL_ENTRY)
        backend.engine("B", SYSCALL_ENTRY, syscall_entry=RESUME)
        backend.engine("C", SYSCALL_ENTRY, syscall_entry=skip(9))
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        assert (backend.task.syscall_action, backend.task.syscall_result) == (SyscallAction.ABORT, 9)

    @pytest.mark.law("LB-5")
    def test_quiesce_answers_do_not_touch_the_call(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE, quiesce=Verdict(syscall=SyscallAction.RUN))
        backend.engine("B", SYSCALL_ENTRY, syscall_entry=abort(13))
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        assert (backend.task.syscall_action, backend.task.syscall_result) == (SyscallAction.ABORT, -13)

    def test_the_next_call_begins_afresh(self, backend: BackEnd) -> None:
        backend.engine("A", SYSCALL_ENTRY, syscall_entry=[abort(13), None])
        for expected in (SyscallAction.ABORT, SyscallAction.RUN):
            backend.go(report_syscall_entry(backend.task, ARCH, NR))
            assert backend.task.syscall_action is expected
        assert backend.task.syscall_result is None

    @pytest.mark.parametrize("answer", [REPORT, INTERRUPT, SINGLESTEP])
    def test_without_a_stop_there_is_one_pass_and_the_answer_is_pending(
        self, backend: BackEnd, answer: ResumeAction
    ) -> None:
        backend.engine("A", SYSCALL_ENTRY, syscall_entry=answer)
        assert backend.go(report_syscall_entry(backend.task, ARCH, NR)) is False
        assert backend.log == ["A.syscall_entry"]
        assert backend.task.pending is answer

    @pytest.mark.law("INV-14")
    def test_a_stop_that_ends_with_a_report_pending_repeats_the_pass(self, backend: BackEnd) -> None:
        """Spec 9.1: A answers STOP, B REPORT, A resumes: B and A are called again, resumed."""
        resumed: list[bool] = []
        one = backend.engine("A", SYSCALL_ENTRY, syscall_entry=[STOP])
        backend.engine(
            "B", SYSCALL_ENTRY, syscall_entry=[REPORT, lambda: resumed.append(backend.task.resumed)]
        )
        assert backend.go(report_syscall_entry(backend.task, ARCH, NR)) is Pause.HELD
        assert not backend.task.resumed
        control(one, RESUME)
        assert backend.let_run() is False
        first = ["B.syscall_entry", "A.syscall_entry"]
        assert backend.log == [*first, "held", *first]
        assert resumed == [True]
        assert backend.task.pending is RESUME

    @pytest.mark.law("INV-14")
    def test_when_all_have_left_during_the_stop_nothing_is_repeated(self, backend: BackEnd) -> None:
        one = backend.engine("A", SYSCALL_ENTRY, syscall_entry=[STOP])
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        control(one, DETACH)
        assert backend.let_run() is False
        assert backend.task.pending is RESUME

    @pytest.mark.law("INV-13")
    def test_a_kill_in_the_stop_aborts_the_call(self, backend: BackEnd) -> None:
        backend.engine("A", SYSCALL_ENTRY, syscall_entry=STOP)
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        assert backend.kill() is True
        assert backend.task.syscall_action is SyscallAction.ABORT


class TestExitDeathReap:
    def test_a_stop_at_exit_holds_right_there(self, backend: BackEnd) -> None:
        engine = backend.engine("A", EXIT, exit=STOP)
        backend.task.jctl = True
        assert backend.go(report_exit(backend.task, live=True)) is Pause.HELD
        assert not backend.task.jctl
        control(engine, RESUME)
        assert backend.let_run() is False

    def test_a_kill_ends_the_stop_at_exit(self, backend: BackEnd) -> None:
        backend.engine("A", EXIT, exit=STOP)
        backend.go(report_exit(backend.task, live=True))
        assert backend.kill() is True

    @pytest.mark.law("INV-33")
    @pytest.mark.parametrize("answer", [STOP, None])
    def test_a_made_up_exit_is_reported_and_holds_nothing(
        self, backend: BackEnd, answer: ResumeAction | None
    ) -> None:
        seen: list[bool] = []

        def look() -> ResumeAction | None:
            seen.append(backend.task.synthetic)
            return answer

        engine = backend.engine("A", EXIT | DEATH, exit=look)
        assert backend.go(report_exit(backend.task, live=False)) is False
        backend.go(report_death(backend.task))
        assert seen == [True]
        assert backend.log == ["A.exit", "A.death"]
        assert not engine.wants_stop

    def test_nobody_asking_nobody_is_told(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE)
        backend.go(report_exit(backend.task, live=True))
        assert backend.log == []
        assert backend.task.life is TaskLife.EXITING

    def test_a_wish_to_stop_ends_with_death(self, backend: BackEnd) -> None:
        engine = backend.engine("A", DEATH | REAP, death=STOP)
        control(engine, STOP)
        backend.task.life = TaskLife.EXITING
        backend.go(report_death(backend.task))
        assert not engine.wants_stop
        assert backend.task.pending is RESUME
        assert engine.mask == backend.task.mask == REAP

    def test_quiesce_is_an_interest_in_death(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE)
        backend.task.life = TaskLife.EXITING
        backend.go(report_death(backend.task))
        assert backend.log == ["A.quiesce"]

    def test_reap_alone_is_not(self, backend: BackEnd) -> None:
        backend.engine("A", REAP)
        backend.task.life = TaskLife.EXITING
        backend.go(report_death(backend.task))
        assert backend.log == []

    @pytest.mark.law("INV-8")
    @pytest.mark.parametrize("callback", ["quiesce", "death"])
    def test_detach_at_death_means_no_reap(self, backend: BackEnd, callback: str) -> None:
        backend.engine(
            "A",
            QUIESCE | DEATH | REAP,
            quiesce=DETACH if callback == "quiesce" else None,
            death=DETACH if callback == "death" else None,
        )
        other = backend.engine("B", REAP)
        backend.task.life = TaskLife.EXITING
        backend.go(report_death(backend.task))
        assert backend.task.engines == (other,)
        backend.go(report_reap(backend.task))
        assert backend.log[-1] == "B.reap"
        assert "A.reap" not in backend.log

    @pytest.mark.law("INV-1")
    def test_reap_forces_every_engine_off_and_releases_it_once(self, backend: BackEnd) -> None:
        engines = [backend.engine("A", REAP), backend.engine("B"), backend.engine("C", REAP)]
        backend.task.life = TaskLife.DEAD
        backend.go(report_reap(backend.task))
        assert backend.log == ["A.reap", "C.reap"]
        backend.asked()
        assert backend.released == engines
        assert {engine.state for engine in engines} == {EngineState.DETACHED}
        assert not any(engine.mask for engine in engines)

    @pytest.mark.law("INV-7", "INV-33")
    @pytest.mark.parametrize("way", [report_death, report_reap])
    def test_no_end_before_the_one_that_precedes_it(self, backend: BackEnd, way: object) -> None:
        with pytest.raises(InvariantViolation):
            backend.go(report_death(backend.task) if way is report_death else report_reap(backend.task))

    def test_detach_while_dead_needs_no_reap(self, backend: BackEnd) -> None:
        engine = backend.engine("A", REAP)
        backend.task.life = TaskLife.DEAD
        backend.task.unlink(engine, EngineInput.DETACH)
        backend.go(report_reap(backend.task))
        assert backend.log == []
