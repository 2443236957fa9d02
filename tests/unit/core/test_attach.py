"""Attaching, looking up, inheriting."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import BackEnd
from utrace.core.attach import attach_task, find_engine, inherit_engines
from utrace.core.control import control, set_events
from utrace.core.events import ALL_EVENTS, CLONE, EXEC, QUIESCE, REAP
from utrace.core.reporting import report, report_death, report_exit, report_reap, stop
from utrace.core.task_life import TaskId, TaskLife, TracedTask
from utrace.core.verdicts import Outcome, ResumeAction
from utrace.errors import EngineExists, NoSuchEngine, TaskGone


@pytest.fixture
def backend() -> BackEnd:
    return BackEnd()


class TestAttach:
    @pytest.mark.law("INV-4", "INV-26")
    def test_attach_appends_and_asks_for_nothing(self, backend: BackEnd) -> None:
        engines = [backend.engine(name, link=False) for name in "ABC"]
        for engine in engines:
            attach_task(engine)
        assert backend.task.engines == tuple(engines)
        assert backend.task.mask == 0
        assert backend.asked() == []

    def test_attach_of_an_equal_engine_makes_another(self, backend: BackEnd) -> None:
        one = backend.engine("A")
        other = one.copy_to(backend.task)
        attach_task(other)
        assert backend.task.engines == (one, other)

    @pytest.mark.law("INV-3")
    def test_attach_in_a_pass_waits_for_the_next(self, backend: BackEnd) -> None:
        late = backend.engine("B", QUIESCE | EXEC, link=False)
        backend.engine("A", EXEC, exec=[lambda: attach_task(late)])
        backend.go(report(backend.task, EXEC))
        assert backend.log == ["A.exec"]
        backend.go(report(backend.task, EXEC))
        assert backend.log == ["A.exec", "A.exec", "B.quiesce", "B.exec"]

    @pytest.mark.law("INV-45")
    def test_attach_to_a_held_task_takes_part_in_what_follows(self, backend: BackEnd) -> None:
        holder = backend.engine("A", QUIESCE)
        holder.wants_stop = True
        backend.go(stop(backend.task))
        late = backend.engine("B", link=False)
        attach_task(late)
        assert set_events(late, EXEC, from_callback=False) is Outcome.DONE
        control(holder, ResumeAction.RESUME)
        assert backend.let_run() is False
        backend.go(report(backend.task, EXEC))
        assert backend.log == ["held", "A.quiesce", "B.exec"]

    def test_exclusive_attach_is_refused_by_a_match(self, backend: BackEnd) -> None:
        present = backend.engine("A")
        newcomer = backend.engine("B", link=False)
        with pytest.raises(EngineExists):
            attach_task(newcomer, exclusive=lambda engine: engine is present)
        assert backend.task.engines == (present,)

    @pytest.mark.law("INV-1")
    def test_a_refused_attach_releases_nothing(self, backend: BackEnd) -> None:
        backend.engine("A")
        with pytest.raises(EngineExists):
            attach_task(backend.engine("B", link=False), exclusive=lambda _: True)
        assert backend.asked() == []

    def test_exclusive_attach_without_a_match_attaches(self, backend: BackEnd) -> None:
        backend.engine("A")
        newcomer = backend.engine("B", link=False)
        attach_task(newcomer, exclusive=lambda engine: engine is newcomer)
        assert backend.task.engines[1] is newcomer

    def test_an_engine_marked_for_detach_does_not_stand_in_the_way(self, backend: BackEnd) -> None:
        newcomer = backend.engine("B", link=False)

        def replace() -> None:
            assert control(leaving, ResumeAction.DETACH) is Outcome.IN_PROGRESS
            attach_task(newcomer, exclusive=lambda _: True)

        leaving = backend.engine("A", EXEC, exec=replace)
        backend.go(report(backend.task, EXEC))
        assert backend.task.engines == (newcomer,)

    @pytest.mark.law("INV-43")
    def test_a_zombie_takes_engines_which_get_only_reap(self, backend: BackEnd) -> None:
        backend.go(report_exit(backend.task, live=True))
        backend.go(report_death(backend.task))
        late = backend.engine("A", link=False)
        attach_task(late)
        set_events(late, REAP, from_callback=False)
        backend.go(report_reap(backend.task))
        assert backend.log == ["A.reap"]

    @pytest.mark.law("INV-43")
    def test_a_reaped_task_takes_none(self, backend: BackEnd) -> None:
        backend.task.life = TaskLife.REAPED
        with pytest.raises(TaskGone):
            attach_task(backend.engine("A", link=False))
        assert backend.task.engines == ()


class TestFind:
    def test_the_first_match_in_attach_order_wins(self, backend: BackEnd) -> None:
        backend.engine("A")
        second, third = backend.engine("B", EXEC), backend.engine("C", EXEC)
        assert find_engine(backend.task, lambda engine: engine.mask == EXEC) is second
        assert find_engine(backend.task, lambda engine: engine is third) is third

    def test_no_match_is_no_such_engine(self, backend: BackEnd) -> None:
        backend.engine("A")
        with pytest.raises(NoSuchEngine):
            find_engine(backend.task, lambda _: False)

    def test_an_engine_marked_for_detach_is_not_found(self, backend: BackEnd) -> None:
        def leave_and_look() -> None:
            control(leaving, ResumeAction.DETACH)
            with pytest.raises(NoSuchEngine):
                find_engine(backend.task, lambda _: True)

        leaving = backend.engine("A", EXEC, exec=leave_and_look)
        backend.go(report(backend.task, EXEC))
        assert backend.log == ["A.exec"]


class TestInherit:
    @pytest.mark.law("INV-4")
    def test_those_that_follow_are_copied_in_order_with_their_masks(self, backend: BackEnd) -> None:
        one = backend.engine("A", CLONE)
        stays = backend.engine("B", ALL_EVENTS)
        other = backend.engine("C", QUIESCE)
        child = TracedTask(TaskId(101, 2), backend.needs)
        born = inherit_engines(backend.task, child, lambda ops: ops is not stays.ops)
        assert child.engines == tuple(born)
        assert [(engine.ops, engine.mask) for engine in born] == [(one.ops, CLONE), (other.ops, QUIESCE)]
        assert child.mask == CLONE | QUIESCE
        assert backend.task.engines == (one, stays, other)

    def test_who_attached_there_itself_is_passed_over(self, backend: BackEnd) -> None:
        one = backend.engine("A", CLONE)
        other = backend.engine("B", CLONE)
        child = TracedTask(TaskId(101, 2), backend.needs)
        own = one.copy_to(child)
        attach_task(own)
        born = inherit_engines(backend.task, child, lambda _: True)
        assert [engine.ops for engine in born] == [other.ops]
        assert child.engines == (own, *born)
