"""Several rules together: a task's way over several passes (the specification's 9.1)."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import ARCH, BackEnd, Way, doing
from utrace.core.control import control, set_events
from utrace.core.engine_life import EngineState
from utrace.core.events import CLONE, DEATH, EXEC, EXIT, QUIESCE, REAP, SYSCALL_ENTRY, SYSCALL_EXIT, Event
from utrace.core.reporting import (
    Pause,
    report,
    report_death,
    report_exit,
    report_reap,
    report_syscall_entry,
    report_syscall_exit,
)
from utrace.core.signals import report_resume, report_signal, take_step
from utrace.core.task_life import TaskLife
from utrace.core.verdicts import Outcome, ResumeAction, SignalAction, SyscallAction, Verdict
from utrace.errors import TaskGone

STOP, INTERRUPT, REPORT = ResumeAction.STOP, ResumeAction.INTERRUPT, ResumeAction.REPORT
SINGLESTEP, RESUME, DETACH = ResumeAction.SINGLESTEP, ResumeAction.RESUME, ResumeAction.DETACH
NR = 39


@pytest.fixture
def backend() -> BackEnd:
    return BackEnd()


class TestDetachInAPass:
    @pytest.mark.law("INV-35", "INV-46")
    @pytest.mark.parametrize("entry", [True, False])
    def test_an_engine_detached_before_its_turn_is_skipped(self, backend: BackEnd, entry: bool) -> None:
        event = SYSCALL_ENTRY if entry else SYSCALL_EXIT
        mask = QUIESCE | event
        one = backend.engine("A", mask)
        backend.engine("B", mask, quiesce=[doing(lambda: control(one if entry else other, DETACH))])
        other = backend.engine("C", mask)
        backend.go((report_syscall_entry if entry else report_syscall_exit)(backend.task, ARCH, NR))
        assert [line[0] for line in backend.log] == (
            ["C"] * 2 + ["B"] * 2 if entry else ["A"] * 2 + ["B"] * 2
        )

    @pytest.mark.law("INV-35")
    @pytest.mark.parametrize("how", ["answer", "control"])
    @pytest.mark.parametrize("event", [EXEC, SYSCALL_ENTRY, SYSCALL_EXIT])
    def test_detached_in_its_quiesce_it_is_called_no_more_and_the_others_are(
        self, backend: BackEnd, how: str, event: int
    ) -> None:
        ways: dict[int, Way] = {
            EXEC: report(backend.task, EXEC),
            SYSCALL_ENTRY: report_syscall_entry(backend.task, ARCH, NR),
            SYSCALL_EXIT: report_syscall_exit(backend.task, ARCH, NR),
        }
        leaving = backend.engine(
            "A",
            QUIESCE | event,
            quiesce=DETACH if how == "answer" else doing(lambda: control(leaving, DETACH)),
        )
        backend.engine("B", event)
        backend.go(ways[event])
        assert [line for line in backend.log if line[0] == "A"] == ["A.quiesce"]
        assert sum(line[0] == "B" for line in backend.log) == 1
        backend.asked()
        assert backend.released == [leaving]

    def test_detach_in_a_verdict_still_decides_the_call(self, backend: BackEnd) -> None:
        backend.engine(
            "A", SYSCALL_ENTRY, syscall_entry=Verdict(resume=DETACH, syscall=SyscallAction.ABORT, result=3)
        )
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        assert backend.task.syscall_action is SyscallAction.ABORT
        assert backend.task.syscall_result == 3
        assert backend.task.engines == ()


class TestRepeatedEntry:
    @pytest.mark.law("INV-14")
    @pytest.mark.parametrize("asked", [REPORT, INTERRUPT])
    def test_a_report_asked_by_control_during_the_stop_repeats_it_too(
        self, backend: BackEnd, asked: ResumeAction
    ) -> None:
        one = backend.engine("A", QUIESCE | SYSCALL_ENTRY, syscall_entry=[STOP])
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        control(one, asked)
        assert backend.let_run() is False
        assert backend.log.count("A.syscall_entry") == 2
        assert backend.task.pending is (INTERRUPT if asked is INTERRUPT else RESUME)

    @pytest.mark.law("INV-14")
    @pytest.mark.parametrize("answer", [RESUME, SINGLESTEP, None])
    def test_otherwise_it_is_not_repeated(self, backend: BackEnd, answer: ResumeAction | None) -> None:
        one = backend.engine("A", SYSCALL_ENTRY, syscall_entry=[STOP])
        backend.engine("B", SYSCALL_ENTRY, syscall_entry=[answer])
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        control(one, RESUME)
        assert backend.let_run() is False
        assert backend.log == ["B.syscall_entry", "A.syscall_entry", "held"]
        assert backend.task.pending is (answer or RESUME)

    @pytest.mark.law("INV-14", "INV-45")
    def test_the_repeated_pass_may_stop_again_and_calls_newcomers(self, backend: BackEnd) -> None:
        one = backend.engine("A", QUIESCE | SYSCALL_ENTRY, syscall_entry=[STOP, STOP])
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        backend.engine("B", SYSCALL_ENTRY)
        control(one, REPORT)
        assert backend.let_run() is Pause.HELD
        control(one, RESUME)
        assert backend.let_run() is False
        assert [line for line in backend.log if line[0] == "B"] == ["B.syscall_entry"]
        assert backend.log.count("A.syscall_entry") == 2

    @pytest.mark.law("INV-14")
    def test_the_decision_carries_over_into_the_repeated_pass(self, backend: BackEnd) -> None:
        one = backend.engine(
            "A",
            QUIESCE | SYSCALL_ENTRY,
            syscall_entry=[Verdict(resume=STOP, syscall=SyscallAction.ABORT, result=-1)],
        )
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        control(one, REPORT)
        backend.let_run()
        assert (backend.task.syscall_action, backend.task.syscall_result) == (SyscallAction.ABORT, -1)

    @pytest.mark.law("INV-14")
    def test_who_yielded_to_a_stop_is_called_again_even_if_the_stop_was_taken_back(
        self, backend: BackEnd
    ) -> None:
        backend.engine("A", SYSCALL_ENTRY, syscall_entry=[doing(lambda: control(stopper, RESUME), REPORT)])
        stopper = backend.engine("B", SYSCALL_ENTRY, syscall_entry=[STOP])
        assert backend.go(report_syscall_entry(backend.task, ARCH, NR)) is False
        assert backend.views == [RESUME, STOP, RESUME, RESUME]


class TestTheEnd:
    def test_a_dead_task_takes_other_bits_and_nothing_comes_of_them(self, backend: BackEnd) -> None:
        backend.task.life = TaskLife.DEAD
        assert set_events(backend.engine("A"), REAP | EXEC, from_callback=False) is Outcome.DONE
        backend.go(report_reap(backend.task))
        assert backend.log == ["A.reap"]

    @pytest.mark.law("INV-7", "INV-33")
    def test_a_whole_end_is_told_in_order(self, backend: BackEnd) -> None:
        for name in "AB":
            backend.engine(name, EXIT | DEATH | REAP)
        task = backend.task
        backend.go(report_exit(task, live=True))
        backend.go(report_death(task))
        backend.go(report_reap(task))
        assert backend.log == [f"{name}.{what}" for what in ("exit", "death", "reap") for name in "AB"]
        assert task.life is TaskLife.REAPED

    @pytest.mark.law("INV-1")
    def test_detach_by_the_exit_callback_is_the_last_of_it(self, backend: BackEnd) -> None:
        engine = backend.engine("A", EXIT | DEATH | REAP, exit=DETACH)
        task = backend.task
        backend.go(report_exit(task, live=True))
        backend.go(report_death(task))
        backend.go(report_reap(task))
        assert backend.log == ["A.exit"]
        backend.asked()
        assert backend.released == [engine]

    @pytest.mark.law("INV-1")
    def test_nothing_can_be_asked_of_an_engine_in_its_reap_callback(self, backend: BackEnd) -> None:
        def ask() -> None:
            for action in ResumeAction:
                with pytest.raises(TaskGone):
                    control(engine, action)

        engine = backend.engine("A", REAP, reap=ask)
        backend.task.life = TaskLife.DEAD
        backend.go(report_reap(backend.task))
        backend.asked()
        assert backend.released == [engine]

    def test_a_kill_of_a_task_that_three_hold(self, backend: BackEnd) -> None:
        """Only EXIT, DEATH and REAP follow, and control calls say how far it is."""
        task = backend.task
        engines = [
            backend.engine(name, QUIESCE | SYSCALL_ENTRY | EXIT | DEATH | REAP, syscall_entry=STOP)
            for name in "ABC"
        ]
        backend.go(report_syscall_entry(task, ARCH, NR))
        del backend.log[:]
        assert backend.kill() is True
        backend.go(report_exit(task, live=True))
        backend.go(report_death(task))
        backend.go(report_reap(task))
        told = [line.partition(".")[2] for line in backend.log]
        assert told == ["quiesce", "exit"] * 3 + ["quiesce", "death"] * 3 + ["reap"] * 3
        for engine in engines:
            with pytest.raises(TaskGone):
                control(engine, RESUME)


class TestStepsAndStops:
    @pytest.mark.parametrize("callback", ["exec", "syscall_exit"])
    def test_no_other_callback_decides_about_a_call_or_a_signal(
        self, backend: BackEnd, callback: str
    ) -> None:
        verdict = Verdict(syscall=SyscallAction.ABORT, result=-1, signal=SignalAction.IGN, hold=True)
        backend.engine("A", EXEC | SYSCALL_EXIT, exec=verdict, syscall_exit=verdict)
        task = backend.task
        backend.go(report(task, EXEC) if callback == "exec" else report_syscall_exit(task, ARCH, NR))
        assert backend.log == [f"A.{callback}"]
        assert task.syscall_action is SyscallAction.RUN
        assert task.signal_action is SignalAction.DELIVER
        assert not task.signal_hold

    def test_the_answer_of_the_last_engine_to_leave_leaves_nothing(self, backend: BackEnd) -> None:
        one = backend.engine("A", EXEC, exec=REPORT)
        backend.engine("B", EXEC, exec=doing(lambda: control(one, DETACH), DETACH))
        backend.go(report(backend.task, EXEC))
        assert backend.task.engines == ()
        assert backend.task.pending is RESUME

    @pytest.mark.parametrize("answer", [STOP, Verdict(resume=STOP)])
    def test_the_answer_wins_over_control_during_the_callback(
        self, backend: BackEnd, answer: ResumeAction | Verdict
    ) -> None:
        def resumed() -> ResumeAction | Verdict:
            control(engine, RESUME)
            return answer

        engine = backend.engine("A", EXEC, exec=resumed)
        backend.go(report(backend.task, EXEC))
        assert engine.wants_stop

        def stopped() -> ResumeAction:
            control(other, STOP)
            return RESUME

        other = backend.engine("B", CLONE, clone=stopped)
        backend.go(report(backend.task, CLONE))
        assert not other.wants_stop

    @pytest.mark.law("INV-12", "INV-27")
    def test_a_stop_takes_the_step_that_was_pending(self, backend: BackEnd) -> None:
        stepper, stopper = backend.engine("A", QUIESCE), backend.engine("B", QUIESCE)
        control(stepper, SINGLESTEP)
        control(stopper, STOP)
        assert backend.go(report_resume(backend.task)) is Pause.HELD
        assert backend.log == ["A.quiesce", "B.quiesce", "held"]
        control(stopper, RESUME)
        assert backend.let_run() is False
        assert take_step(backend.task) is RESUME

    @pytest.mark.law("INV-11", "INV-12")
    def test_a_step_said_again_is_taken_after_the_stop(self, backend: BackEnd) -> None:
        stepper = backend.engine("A", QUIESCE, quiesce=SINGLESTEP)
        stopper = backend.engine("B", QUIESCE)
        control(stepper, SINGLESTEP)
        control(stopper, STOP)
        backend.go(report_resume(backend.task))
        control(stopper, RESUME)
        assert backend.let_run() is False
        assert take_step(backend.task) is SINGLESTEP
        assert take_step(backend.task) is RESUME

    @pytest.mark.law("INV-18")
    def test_a_stop_at_syscall_exit_comes_before_the_signal(self, backend: BackEnd) -> None:
        task = backend.task
        engine = backend.engine(
            "A", QUIESCE | SYSCALL_EXIT | Event.SIGNAL, syscall_exit=STOP, quiesce=[None, None]
        )
        backend.go(report_syscall_exit(task, ARCH, NR))
        assert backend.go(report_resume(task)) is Pause.HELD
        control(engine, RESUME)
        assert backend.let_run() is False
        assert backend.go(report_signal(task, Event.SIGNAL, SignalAction.DELIVER)) is False
        assert backend.log == ["A.quiesce", "A.syscall_exit", "A.quiesce", "held", "A.signal"]

    def test_a_signal_delivered_and_stopped_stops_at_its_handler(self, backend: BackEnd) -> None:
        task = backend.task
        engine = backend.engine(
            "A", QUIESCE | Event.SIGNAL, signal=[Verdict(STOP, signal=SignalAction.DELIVER)]
        )
        assert backend.go(report_signal(task, Event.SIGNAL, SignalAction.DELIVER)) is False
        assert task.signal_action is SignalAction.DELIVER
        assert backend.go(report_resume(task, handler=True)) is Pause.HELD
        assert backend.task.signal_action is SignalAction.HANDLER
        control(engine, RESUME)
        assert backend.let_run() is False
        assert backend.log == ["A.signal", "A.signal", "held"]

    @pytest.mark.law("INV-1")
    def test_many_attachments_leave_nothing(self, backend: BackEnd) -> None:
        task = backend.task
        for number in range(100):
            engine = backend.engine(str(number), QUIESCE | EXEC, exec=REPORT)
            control(engine, (STOP, INTERRUPT, SINGLESTEP)[number % 3])
            if number % 2:
                backend.go(report(task, EXEC))
            control(engine, DETACH)
        backend.asked()
        assert len(backend.released) == 100
        assert (task.engines, task.mask, task.pending, task.is_wanted_stopped()) == ((), 0, RESUME, False)
        assert task.life is TaskLife.ALIVE
        assert {engine.state for engine in backend.released} == {EngineState.DETACHED}


class TestSerial:
    """Passes that stop after each engine that wants it, and call the next when it has let go."""

    @pytest.fixture
    def backend(self) -> BackEnd:
        backend = BackEnd()
        backend.task.serial = True
        return backend

    @pytest.mark.law("DEC-1", "INV-4")
    @pytest.mark.parametrize("kind", ["report", "exit", "signal"])
    def test_the_next_is_called_when_this_one_has_let_go(self, backend: BackEnd, kind: str) -> None:
        task = backend.task
        mask = EXEC | SYSCALL_EXIT | Event.SIGNAL
        one = backend.engine("A", mask, exec=STOP, syscall_exit=STOP, signal=STOP)
        backend.engine("B", mask)
        ways: dict[str, Way] = {
            "report": report(task, EXEC),
            "exit": report_syscall_exit(task, ARCH, NR),
            "signal": report_signal(task, Event.SIGNAL, SignalAction.DELIVER),
        }
        assert backend.go(ways[kind]) is Pause.HELD
        assert len(backend.log) == 2
        control(one, RESUME)
        assert not backend.let_run()
        assert [line.partition(".")[0] for line in backend.log] == ["A", "held", "B"]

    @pytest.mark.law("DEC-1", "INV-4")
    def test_at_entry_from_the_last_attached_to_the_first(self, backend: BackEnd) -> None:
        engines = [backend.engine(name, SYSCALL_ENTRY, syscall_entry=STOP) for name in "AB"]
        assert backend.go(report_syscall_entry(backend.task, ARCH, NR)) is Pause.HELD
        assert backend.log == ["B.syscall_entry", "held"]
        control(engines[1], RESUME)
        assert backend.let_run() is Pause.HELD
        control(engines[0], RESUME)
        assert backend.let_run() is False
        assert backend.log == ["B.syscall_entry", "held", "A.syscall_entry", "held"]

    @pytest.mark.law("DEC-1")
    def test_a_call_that_was_virtualized_is_not_seen_behind(self, backend: BackEnd) -> None:
        task = backend.task
        mask = SYSCALL_ENTRY | SYSCALL_EXIT
        backend.engine("A", mask)
        backend.engine("B", mask, syscall_entry=[Verdict(syscall=SyscallAction.ABORT, result=1), None])
        backend.engine("C", mask)
        for _ in range(2):
            backend.go(report_syscall_entry(task, ARCH, NR))
            backend.go(report_syscall_exit(task, ARCH, NR))
        first = ["C.syscall_entry", "B.syscall_entry", "B.syscall_exit", "C.syscall_exit"]
        second = [*first[:2], "A.syscall_entry", "A.syscall_exit", *first[2:]]
        assert backend.log == [*first, *second]

    @pytest.mark.law("DEC-1")
    def test_who_virtualizes_may_leave_with_that(self, backend: BackEnd) -> None:
        task = backend.task
        mask = SYSCALL_ENTRY | SYSCALL_EXIT
        backend.engine("A", mask)
        backend.engine("B", mask, syscall_entry=Verdict(DETACH, syscall=SyscallAction.ABORT, result=1))
        backend.go(report_syscall_entry(task, ARCH, NR))
        backend.go(report_syscall_exit(task, ARCH, NR))
        assert backend.log == ["B.syscall_entry"]

    @pytest.mark.law("DEC-1")
    def test_the_next_call_is_seen_by_all_even_if_no_exit_was_reported(self, backend: BackEnd) -> None:
        task = backend.task
        first = backend.engine("A", SYSCALL_ENTRY)
        backend.engine(
            "B", SYSCALL_ENTRY, syscall_entry=[Verdict(syscall=SyscallAction.ABORT, result=1), None]
        )
        backend.go(report_syscall_entry(task, ARCH, NR))
        first.mask |= SYSCALL_EXIT
        task.recompute()
        backend.go(report_syscall_entry(task, ARCH, NR))
        backend.go(report_syscall_exit(task, ARCH, NR))
        assert backend.log[1:] == ["B.syscall_entry", "A.syscall_entry", "A.syscall_exit"]

    @pytest.mark.law("INV-13")
    def test_a_kill_in_such_a_stop_aborts_the_call(self, backend: BackEnd) -> None:
        backend.engine("A", SYSCALL_ENTRY)
        backend.engine("B", SYSCALL_ENTRY, syscall_entry=STOP)
        backend.go(report_syscall_entry(backend.task, ARCH, NR))
        assert backend.kill() is True
        assert backend.task.syscall_action is SyscallAction.ABORT
        assert backend.log == ["B.syscall_entry", "held"]

    @pytest.mark.law("INV-32", "INV-33", "INV-34")
    @pytest.mark.parametrize(("event", "told"), [(CLONE, True), (EXIT, True), (EXEC, False)])
    def test_a_kill_in_such_a_stop_hides_no_birth_and_no_exit(
        self, backend: BackEnd, event: int, told: bool
    ) -> None:
        task = backend.task
        for name in "ABC":
            backend.engine(name, event, clone=STOP, exit=STOP, exec=STOP)
        way: Way = report_exit(task, live=True) if event == EXIT else report(task, event)
        assert backend.go(way) is Pause.HELD
        assert not backend.kill()
        assert [line[0] for line in backend.log] == ["A", "h", *("BC" if told else "")]
        assert not task.is_wanted_stopped()

    @pytest.mark.law("INV-33")
    def test_a_made_up_exit_and_a_death_stop_nobody(self, backend: BackEnd) -> None:
        backend.engine("A", EXIT | DEATH, exit=STOP, death=STOP)
        backend.engine("B", EXIT | DEATH)
        assert backend.go(report_exit(backend.task, live=False)) is False
        assert backend.go(report_death(backend.task)) is None
        assert backend.log == ["A.exit", "B.exit", "A.death", "B.death"]
