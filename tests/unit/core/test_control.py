"""Control calls: every action on every target, then masks and barriers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.core.backend import BackEnd
from tests.unit.core.control_table import EXPECTED, TARGET_OF_COLUMN, Answer, Column, Stage
from tests.unit.core.totality import check_total
from utrace.core import control as module
from utrace.core.control import CONTROL, NEEDS_QUIESCE, Target, barrier, control, set_events, target_of
from utrace.core.engine_life import EngineState
from utrace.core.events import (
    ALL_EVENTS,
    CLONE,
    DEATH,
    EXEC,
    QUIESCE,
    REAP,
    SYSCALL_ENTRY,
    SYSCALL_EXIT,
)
from utrace.core.reporting import Pause, report, report_death, report_exit, report_reap, stop
from utrace.core.tables import Go, Never, Refuse
from utrace.core.task_life import Need, TaskLife
from utrace.core.verdicts import RESUME_STRICTNESS, Outcome, ResumeAction
from utrace.errors import InvariantViolation, Misuse, TaskGone, TooLate

if TYPE_CHECKING:
    from utrace.core.engine_life import Engine

STOP, INTERRUPT, REPORT = ResumeAction.STOP, ResumeAction.INTERRUPT, ResumeAction.REPORT
SINGLESTEP, BLOCKSTEP = ResumeAction.SINGLESTEP, ResumeAction.BLOCKSTEP
RESUME, DETACH = ResumeAction.RESUME, ResumeAction.DETACH
LATER = [INTERRUPT, REPORT, SINGLESTEP, BLOCKSTEP, RESUME]


@pytest.fixture
def backend() -> BackEnd:
    return BackEnd()


CELLS = [
    pytest.param(action, column, id=f"{action.name}-{column.value}")
    for action in ResumeAction
    for column in Column
]


def test_the_table_is_total_and_has_no_impossible_cell() -> None:
    check_total(CONTROL, ResumeAction, Target)
    assert not [cell for cell in CONTROL.values() if isinstance(cell, Never)]


@pytest.mark.parametrize("column", list(Column))
def test_target_is_told_from_where_the_task_stands(column: Column) -> None:
    seen: list[Target] = []
    Stage(lambda engine: seen.append(target_of(engine))).play(column)
    assert seen == [TARGET_OF_COLUMN[column]]


@pytest.mark.law("INV-2", "INV-20", "INV-39")
@pytest.mark.parametrize(("action", "column"), CELLS)
def test_control_answers_and_does_as_specified(action: ResumeAction, column: Column) -> None:
    expected = EXPECTED[action][column]
    played: list[bool] = []

    def act(engine: Engine) -> None:
        played.append(True)
        task = engine.task
        match expected.answer:
            case Answer.DONE:
                assert control(engine, action) is Outcome.DONE
            case Answer.LATER:
                assert control(engine, action) is Outcome.IN_PROGRESS
            case Answer.GONE:
                with pytest.raises(TaskGone):
                    control(engine, action)
            case Answer.TOO_LATE:
                with pytest.raises(TooLate):
                    control(engine, action)
        assert task.pending is expected.pending
        assert engine.wants_stop is expected.wish
        assert [need for _, need, _ in stage.backend.needs] == list(expected.asked)
        linked = engine in task.engines
        assert linked is (Need.RELEASE not in expected.asked and column is not Column.REAPED)

    stage = Stage(act)
    stage.play(column)
    assert played


@pytest.mark.parametrize("target", list(Target))
@pytest.mark.parametrize("action", list(ResumeAction))
def test_every_cell_of_the_table_is_met_by_a_column(action: ResumeAction, target: Target) -> None:
    """The table that `control` uses says no more and no less than the specification's."""
    answers = {EXPECTED[action][column].answer for column, its in TARGET_OF_COLUMN.items() if its is target}
    assert len(answers) == 1
    cell = CONTROL[action, target]
    told = {
        Outcome.DONE: Answer.DONE,
        Outcome.IN_PROGRESS: Answer.LATER,
        TaskGone: Answer.GONE,
        TooLate: Answer.TOO_LATE,
    }
    match cell:
        case Go((outcome, _)):
            assert answers == {told[outcome]}
        case Refuse(error, _):
            assert answers == {told[error]}
        case _:
            pytest.fail(f"{cell} is met")


def test_an_impossible_cell_would_be_a_bug_of_ours(backend: BackEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONTROL", dict.fromkeys(CONTROL, Never("no such thing")))
    with pytest.raises(InvariantViolation, match="no such thing"):
        control(backend.engine("A"), RESUME)


class TestQuiesceNeeded:
    @pytest.mark.parametrize("action", [REPORT, SINGLESTEP, BLOCKSTEP])
    @pytest.mark.parametrize(
        "column", [column for column in Column if column not in {Column.DEAD, Column.REAPED}]
    )
    def test_reports_and_steps_without_quiesce_are_misuse_and_change_nothing(
        self, action: ResumeAction, column: Column
    ) -> None:
        def act(engine: Engine) -> None:
            engine.mask &= ~QUIESCE
            wish = engine.wants_stop
            with pytest.raises(Misuse):
                control(engine, action)
            assert engine.task.pending is RESUME
            assert engine.wants_stop is wish
            assert not stage.backend.needs
            engine.mask |= QUIESCE

        stage = Stage(act)
        stage.play(column)

    @pytest.mark.law("LB-7")
    @pytest.mark.parametrize("action", [REPORT, SINGLESTEP, BLOCKSTEP])
    def test_a_detached_engine_is_gone_rather_than_misused(
        self, backend: BackEnd, action: ResumeAction
    ) -> None:
        engine = backend.engine("A")
        control(engine, DETACH)
        with pytest.raises(TaskGone):
            control(engine, action)

    @pytest.mark.parametrize("action", [one for one in ResumeAction if one not in NEEDS_QUIESCE])
    def test_the_others_need_no_quiesce(self, backend: BackEnd, action: ResumeAction) -> None:
        control(backend.engine("A"), action)


class TestWishes:
    @pytest.mark.law("INV-37", "INV-39", "LB-3")
    @pytest.mark.parametrize("action", LATER)
    def test_a_wish_that_was_not_acted_on_is_withdrawn(self, backend: BackEnd, action: ResumeAction) -> None:
        engine = backend.engine("A", QUIESCE)
        control(engine, STOP)
        control(engine, action)
        assert not engine.wants_stop
        assert backend.go(stop(backend.task)) is False

    @pytest.mark.law("INV-17")
    @pytest.mark.parametrize("action", [*LATER, DETACH])
    def test_the_task_stays_held_as_long_as_anyone_wants_it(
        self, backend: BackEnd, action: ResumeAction
    ) -> None:
        one, other = backend.engine("A", QUIESCE), backend.engine("B", QUIESCE)
        one.wants_stop = other.wants_stop = True
        backend.go(stop(backend.task))
        control(one, action)
        assert Need.WAKE not in backend.asked()
        control(other, RESUME)
        assert backend.let_run() is False

    @pytest.mark.law("INV-17")
    def test_a_stop_that_was_done_outlives_a_wake_on_its_way(self, backend: BackEnd) -> None:
        one, other = backend.engine("A", QUIESCE), backend.engine("B", QUIESCE)
        one.wants_stop = True
        backend.go(stop(backend.task))
        control(one, RESUME)
        assert control(other, STOP) is Outcome.DONE
        stops = backend.task.stops
        assert backend.let_run() is Pause.HELD
        assert backend.task.stops == stops + 1

    @pytest.mark.parametrize("action", LATER)
    def test_a_freeze_of_a_job_stop_is_lifted(self, backend: BackEnd, action: ResumeAction) -> None:
        engine = backend.engine("A", QUIESCE)
        backend.task.jctl = True
        control(engine, STOP)
        control(engine, action)
        assert not engine.wants_stop
        assert backend.task.jctl


class TestPending:
    @pytest.mark.parametrize("before", RESUME_STRICTNESS[1:])
    @pytest.mark.parametrize("action", [STOP, *LATER])
    def test_nothing_weaker_replaces_what_is_pending(
        self, backend: BackEnd, before: ResumeAction, action: ResumeAction
    ) -> None:
        engine = backend.engine("A", QUIESCE)
        backend.task.pending = before
        control(engine, action)
        asked = REPORT if action is STOP else action
        assert backend.task.pending.value == min(before.value, asked.value)

    @pytest.mark.law("INV-27")
    @pytest.mark.parametrize("step", [SINGLESTEP, BLOCKSTEP])
    @pytest.mark.parametrize("action", [STOP, DETACH])
    @pytest.mark.parametrize("column", [Column.RUN, Column.CALLBACK])
    def test_stop_and_detach_turn_a_pending_step_into_a_report(
        self, step: ResumeAction, action: ResumeAction, column: Column
    ) -> None:
        def act(engine: Engine) -> None:
            engine.task.pending = step
            control(engine, action)
            assert engine.task.pending is REPORT

        Stage(act).play(column)

    @pytest.mark.law("INV-27")
    def test_a_step_dies_with_the_last_engine(self, backend: BackEnd) -> None:
        engine = backend.engine("A", QUIESCE)
        control(engine, SINGLESTEP)
        control(engine, DETACH)
        assert backend.task.pending is RESUME

    @pytest.mark.law("INV-9")
    def test_detach_of_the_holder_leaves_anothers_step(self, backend: BackEnd) -> None:
        holder, stepper = backend.engine("A", QUIESCE), backend.engine("B", QUIESCE)
        holder.wants_stop = True
        backend.go(stop(backend.task))
        control(stepper, SINGLESTEP)
        control(holder, DETACH)
        assert backend.task.pending is SINGLESTEP
        assert backend.let_run() is False


class TestSetEvents:
    def test_a_new_mask_is_in_force_and_in_the_union(self, backend: BackEnd) -> None:
        engine = backend.engine("A", QUIESCE)
        backend.engine("B", EXEC)
        assert set_events(engine, CLONE, from_callback=False) is Outcome.DONE
        assert engine.mask == CLONE
        assert backend.task.mask == CLONE | EXEC

    def test_a_bit_that_is_no_event_is_misuse(self, backend: BackEnd) -> None:
        engine = backend.engine("A", QUIESCE)
        with pytest.raises(Misuse):
            set_events(engine, ALL_EVENTS + 1, from_callback=False)
        assert engine.mask == QUIESCE

    @pytest.mark.law("INV-2")
    def test_a_detached_engine_is_gone(self, backend: BackEnd) -> None:
        engine = backend.engine("A", QUIESCE)
        control(engine, DETACH)
        with pytest.raises(TaskGone):
            set_events(engine, 0, from_callback=False)

    def test_an_engine_marked_for_detach_is_gone(self, backend: BackEnd) -> None:
        def leave() -> None:
            control(engine, DETACH)
            with pytest.raises(TaskGone):
                set_events(engine, EXEC, from_callback=True)

        engine = backend.engine("A", EXEC, exec=leave)
        backend.go(report(backend.task, EXEC))
        assert backend.log == ["A.exec"]

    @pytest.mark.parametrize("before", [DEATH | QUIESCE | REAP, DEATH | REAP, QUIESCE | REAP, REAP])
    @pytest.mark.parametrize("after", [DEATH | QUIESCE | REAP, DEATH | REAP, QUIESCE | REAP, REAP, 0])
    def test_during_the_death_report_the_final_bits_stay_as_they_are(
        self, backend: BackEnd, before: int, after: int
    ) -> None:
        engine = backend.engine("A", before)

        def act() -> None:
            if (before ^ after) & (DEATH | QUIESCE):
                with pytest.raises(TooLate):
                    set_events(engine, after, from_callback=False)
                assert engine.mask == before
            else:
                assert set_events(engine, after, from_callback=False) is Outcome.DONE
                assert engine.mask == after

        backend.engine("B", DEATH, death=[act])
        backend.go(report_exit(backend.task, live=True))
        backend.go(report_death(backend.task))
        assert "B.death" in backend.log

    @pytest.mark.parametrize("bit", [DEATH, QUIESCE])
    def test_a_dead_task_takes_no_new_final_bit(self, backend: BackEnd, bit: int) -> None:
        engine = backend.engine("A", REAP)
        backend.task.life = TaskLife.DEAD
        with pytest.raises(TooLate):
            set_events(engine, REAP | bit, from_callback=False)
        assert set_events(engine, 0, from_callback=False) is Outcome.DONE

    def test_once_the_reap_began_it_is_too_late_to_clear_reap(self, backend: BackEnd) -> None:
        def act() -> None:
            with pytest.raises(TaskGone):
                set_events(second, 0, from_callback=True)

        backend.engine("A", REAP, reap=act)
        second = backend.engine("B", REAP)
        backend.task.life = TaskLife.DEAD
        backend.go(report_reap(backend.task))
        assert backend.log == ["A.reap", "B.reap"]

    @pytest.mark.law("INV-21", "INV-40")
    @pytest.mark.parametrize(
        ("after", "from_callback", "outcome"),
        [
            (EXEC | QUIESCE, False, Outcome.DONE),
            (EXEC, False, Outcome.DONE),
            (QUIESCE, False, Outcome.IN_PROGRESS),
            (QUIESCE, True, Outcome.DONE),
        ],
    )
    def test_only_clearing_during_the_engines_own_callback_is_in_progress(
        self, backend: BackEnd, after: int, from_callback: bool, outcome: Outcome
    ) -> None:
        outcomes: list[Outcome] = []
        engine = backend.engine(
            "A",
            EXEC,
            exec=lambda: outcomes.append(set_events(engine, after, from_callback=from_callback)),
        )
        backend.go(report(backend.task, EXEC))
        assert outcomes == [outcome]
        assert engine.mask == after

    def test_clearing_during_anothers_callback_is_done(self, backend: BackEnd) -> None:
        outcomes: list[Outcome] = []
        second = backend.engine("B", EXEC, link=False)
        backend.engine("A", EXEC, exec=lambda: outcomes.append(set_events(second, 0, from_callback=False)))
        backend.task.link(second)
        backend.go(report(backend.task, EXEC))
        assert outcomes == [Outcome.DONE]
        assert backend.log == ["A.exec"]

    @pytest.mark.law("INV-21")
    def test_clearing_on_a_held_task_is_done(self, backend: BackEnd) -> None:
        engine = backend.engine("A", QUIESCE | EXEC)
        engine.wants_stop = True
        backend.go(stop(backend.task))
        assert set_events(engine, 0, from_callback=False) is Outcome.DONE
        control(engine, RESUME)
        backend.let_run()
        assert backend.task.mask == 0

    def test_clearing_in_the_own_death_report_is_done(self, backend: BackEnd) -> None:
        outcomes: list[Outcome] = []
        engine = backend.engine(
            "A", DEATH | REAP, death=lambda: outcomes.append(set_events(engine, DEATH, from_callback=False))
        )
        backend.task.life = TaskLife.EXITING
        backend.go(report_death(backend.task))
        assert outcomes == [Outcome.DONE]

    @pytest.mark.law("LB-1")
    def test_quiesce_set_on_a_held_task_forces_no_report(self, backend: BackEnd) -> None:
        engine = backend.engine("A", EXEC)
        engine.wants_stop = True
        backend.go(stop(backend.task))
        set_events(engine, QUIESCE, from_callback=False)
        assert backend.task.pending is RESUME

    @pytest.mark.parametrize(
        ("before", "after", "held", "asked"),
        [
            (0, SYSCALL_ENTRY, False, [Need.ATTENTION]),
            (SYSCALL_ENTRY, SYSCALL_ENTRY | SYSCALL_EXIT, False, [Need.ATTENTION]),
            (SYSCALL_ENTRY, 0, False, []),
            (SYSCALL_ENTRY, SYSCALL_ENTRY | EXEC, False, []),
            (0, SYSCALL_ENTRY, True, []),
            (0, EXEC, False, []),
        ],
    )
    def test_new_interest_in_syscalls_wants_attention_unless_held(
        self, backend: BackEnd, before: int, after: int, held: bool, asked: list[Need]
    ) -> None:
        engine = backend.engine("A", before)
        backend.task.held = held
        set_events(engine, after, from_callback=False)
        assert backend.asked() == asked

    def test_interest_in_syscalls_that_another_has_asks_for_nothing(self, backend: BackEnd) -> None:
        backend.engine("A", SYSCALL_ENTRY)
        set_events(backend.engine("B"), SYSCALL_ENTRY, from_callback=False)
        assert backend.asked() == []

    @pytest.mark.law("INV-42")
    @pytest.mark.parametrize("life", [TaskLife.ALIVE, TaskLife.EXITING])
    def test_death_that_could_be_asked_for_is_reported(self, backend: BackEnd, life: TaskLife) -> None:
        engine = backend.engine("A")
        if life is TaskLife.EXITING:
            backend.go(report_exit(backend.task, live=True))
        set_events(engine, DEATH, from_callback=False)
        if life is TaskLife.ALIVE:
            backend.go(report_exit(backend.task, live=True))
        backend.go(report_death(backend.task))
        assert backend.log == ["A.death"]


class TestBarrier:
    @pytest.mark.law("INV-22")
    def test_no_callback_running_is_done(self, backend: BackEnd) -> None:
        assert barrier(backend.engine("A"), from_callback=False) is Outcome.DONE

    @pytest.mark.law("INV-22")
    @pytest.mark.parametrize(
        ("from_callback", "outcome"), [(False, Outcome.IN_PROGRESS), (True, Outcome.DONE)]
    )
    def test_the_own_callback_is_waited_for_from_outside(
        self, backend: BackEnd, from_callback: bool, outcome: Outcome
    ) -> None:
        outcomes: list[Outcome] = []
        engine = backend.engine(
            "A", EXEC, exec=lambda: outcomes.append(barrier(engine, from_callback=from_callback))
        )
        backend.go(report(backend.task, EXEC))
        assert outcomes == [outcome]
        assert barrier(engine, from_callback=False) is Outcome.DONE

    def test_anothers_callback_is_not_waited_for(self, backend: BackEnd) -> None:
        outcomes: list[Outcome] = []
        other = backend.engine("B")
        backend.engine("A", EXEC, exec=lambda: outcomes.append(barrier(other, from_callback=False)))
        backend.go(report(backend.task, EXEC))
        assert outcomes == [Outcome.DONE]

    @pytest.mark.law("INV-22", "LB-2")
    def test_a_leaving_engine_is_waited_for_only_while_its_callback_runs(self, backend: BackEnd) -> None:
        outcomes: list[Outcome] = []

        def leave() -> None:
            control(engine, DETACH)
            outcomes.append(barrier(engine, from_callback=False))

        engine = backend.engine("A", EXEC, exec=leave)
        backend.go(report(backend.task, EXEC))
        assert outcomes == [Outcome.IN_PROGRESS]
        with pytest.raises(TaskGone):
            barrier(engine, from_callback=False)

    def test_once_the_reap_began_the_others_are_gone(self, backend: BackEnd) -> None:
        def act() -> None:
            with pytest.raises(TaskGone):
                barrier(second, from_callback=False)

        backend.engine("A", REAP, reap=act)
        second = backend.engine("B", REAP)
        backend.task.life = TaskLife.DEAD
        backend.go(report_reap(backend.task))
        assert backend.log == ["A.reap", "B.reap"]


class TestTearDown:
    """Who cleans up, whatever the detach meets: exactly one release (spec 4.6)."""

    @pytest.mark.law("INV-1", "INV-24")
    @pytest.mark.parametrize("column", list(Column))
    def test_detach_at_any_point_of_a_life_releases_once(self, column: Column) -> None:
        def act(engine: Engine) -> None:
            try:
                control(engine, DETACH)
            except (TaskGone, TooLate):
                return
            assert engine.state is not EngineState.ATTACHED
            for again in ResumeAction:
                with pytest.raises(TaskGone):
                    control(engine, again)

        stage = Stage(act)
        stage.play(column)
        backend = stage.backend
        task = backend.task
        task.held = False
        if task.life is TaskLife.ALIVE:
            backend.go(report_exit(task, live=True))
        if task.life is TaskLife.EXITING:
            backend.go(report_death(task))
        if task.life is TaskLife.DEAD:
            backend.go(report_reap(task))
        backend.asked()
        assert backend.released.count(stage.engine) == 1
        assert stage.engine.state is EngineState.DETACHED
        assert task.engines == ()
