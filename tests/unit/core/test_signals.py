"""The ways back to user mode: what is pending, and what becomes of signals."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import BackEnd, doing
from utrace.core.control import control
from utrace.core.events import EXEC, NO_EVENT, QUIESCE, Event
from utrace.core.reporting import Pause, Wake
from utrace.core.signals import classify, report_resume, report_signal, signal_pass, take_step
from utrace.core.verdicts import ResumeAction, SignalAction, Verdict
from utrace.errors import InvariantViolation

STOP, INTERRUPT, REPORT = ResumeAction.STOP, ResumeAction.INTERRUPT, ResumeAction.REPORT
SINGLESTEP, BLOCKSTEP = ResumeAction.SINGLESTEP, ResumeAction.BLOCKSTEP
RESUME, DETACH = ResumeAction.RESUME, ResumeAction.DETACH

DELIVER, IGN, TERM, CORE = SignalAction.DELIVER, SignalAction.IGN, SignalAction.TERM, SignalAction.CORE
NOTHING = [IGN, SignalAction.REPORT, SignalAction.HANDLER]
SOMETHING = [DELIVER, TERM, CORE, SignalAction.STOP, SignalAction.TSTP]

CAUGHT = int(Event.SIGNAL)

#: signal(7), "Standard signals", by default action; SIGKILL is never classified.
DEFAULTS = {
    TERM: (Event.SIGNAL_TERM, [1, 2, 10, 12, 13, 14, 15, 16, 26, 27, 29, 30, *range(32, 65)]),
    CORE: (Event.SIGNAL_CORE, [3, 4, 5, 6, 7, 8, 11, 24, 25, 31]),
    IGN: (Event.SIGNAL_IGN, [17, 18, 23, 28]),
    SignalAction.STOP: (Event.SIGNAL_STOP, [19]),
    SignalAction.TSTP: (Event.SIGNAL_STOP, [20, 21, 22]),
}
BY_DEFAULT = [(signo, event, action) for action, (event, numbers) in DEFAULTS.items() for signo in numbers]


@pytest.fixture
def backend() -> BackEnd:
    return BackEnd()


class TestClassify:
    def test_every_signal_but_kill_is_in_the_table(self) -> None:
        assert sorted([9, *(signo for signo, _, _ in BY_DEFAULT)]) == list(range(1, 65))

    @pytest.mark.parametrize(("signo", "event", "action"), BY_DEFAULT)
    def test_by_default(self, signo: int, event: Event, action: SignalAction) -> None:
        assert classify(signo, ignored=False, caught=False) == (event, action)

    @pytest.mark.parametrize("signo", [1, 3, 17, 20, 64])
    def test_caught_and_ignored_come_before_the_default(self, signo: int) -> None:
        assert classify(signo, ignored=False, caught=True) == (Event.SIGNAL, DELIVER)
        assert classify(signo, ignored=True, caught=False) == (Event.SIGNAL_IGN, IGN)


class TestSignalPass:
    @pytest.mark.law("INV-4", "INV-41")
    def test_who_asked_for_the_class_and_who_has_quiesce_are_called_once(self, backend: BackEnd) -> None:
        backend.engine("A", CAUGHT)
        backend.engine("B", Event.SIGNAL_TERM)
        backend.engine("C", QUIESCE)
        backend.engine("D", QUIESCE | CAUGHT)
        backend.engine("E", EXEC)
        backend.go(signal_pass(backend.task, CAUGHT))
        assert backend.log == ["A.signal", "C.signal", "D.signal"]

    def test_quiesce_stands_in_for_a_missing_signal_callback(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE, signal_callback=False, quiesce=Verdict(signal=IGN, resume=SINGLESTEP))
        backend.task.signal_action = TERM
        backend.go(signal_pass(backend.task, int(Event.SIGNAL_TERM)))
        assert backend.log == ["A.quiesce"]
        assert backend.task.signal_action is TERM
        assert backend.task.resume_action is SINGLESTEP

    @pytest.mark.law("INV-41")
    def test_without_either_an_engine_is_not_called(self, backend: BackEnd) -> None:
        backend.engine("A", CAUGHT, signal_callback=False)
        backend.go(signal_pass(backend.task, CAUGHT))
        assert backend.log == []

    def test_a_pass_without_signal_calls_quiesce_engines(self, backend: BackEnd) -> None:
        backend.engine("A", Event.SIGNAL_ALL)
        backend.engine("B", QUIESCE)
        backend.go(signal_pass(backend.task, NO_EVENT))
        assert backend.log == ["B.signal"]

    @pytest.mark.law("INV-15")
    @pytest.mark.parametrize("answer", [None, RESUME, SINGLESTEP, Verdict(), Verdict(resume=RESUME)])
    @pytest.mark.parametrize("before", list(SignalAction))
    def test_no_opinion_echoes(
        self, backend: BackEnd, answer: ResumeAction | Verdict | None, before: SignalAction
    ) -> None:
        backend.engine("A", CAUGHT, signal=answer)
        backend.task.signal_action = before
        backend.go(signal_pass(backend.task, CAUGHT))
        assert backend.task.signal_action is before

    def test_the_last_opinion_decides(self, backend: BackEnd) -> None:
        backend.engine("A", CAUGHT, signal=Verdict(signal=IGN, hold=True))
        backend.engine("B", CAUGHT, signal=Verdict(signal=CORE))
        backend.engine("C", CAUGHT)
        backend.go(signal_pass(backend.task, CAUGHT))
        assert backend.task.signal_action is CORE
        assert not backend.task.signal_hold

    @pytest.mark.law("INV-15")
    def test_hold_may_be_said_without_another_action(self, backend: BackEnd) -> None:
        backend.engine("A", CAUGHT, signal=Verdict(signal=IGN))
        backend.engine("B", CAUGHT, signal=Verdict(hold=True))
        backend.engine("C", CAUGHT, signal=Verdict(resume=RESUME))
        backend.go(signal_pass(backend.task, CAUGHT))
        assert backend.task.signal_action is IGN
        assert backend.task.signal_hold

    @pytest.mark.parametrize("answer", [REPORT, INTERRUPT])
    @pytest.mark.parametrize("in_verdict", [True, False])
    def test_reports_answered_count_as_resume(
        self, backend: BackEnd, answer: ResumeAction, in_verdict: bool
    ) -> None:
        engine = backend.engine("A", CAUGHT, signal=Verdict(answer, signal=IGN) if in_verdict else answer)
        engine.wants_stop = True
        backend.engine("B", CAUGHT, signal=BLOCKSTEP)
        backend.go(signal_pass(backend.task, CAUGHT))
        assert not engine.wants_stop
        assert backend.views == [RESUME, RESUME]
        assert backend.task.action is backend.task.resume_action is BLOCKSTEP
        assert backend.task.signal_action is (IGN if in_verdict else DELIVER)

    def test_a_standing_wish_counts_as_stop(self, backend: BackEnd) -> None:
        backend.engine("A", EXEC).wants_stop = True
        backend.go(signal_pass(backend.task, CAUGHT))
        assert backend.task.action is STOP

    @pytest.mark.law("INV-36")
    def test_detach_during_the_callback_beats_its_answer(self, backend: BackEnd) -> None:
        engine = backend.engine(
            "A", CAUGHT, signal=doing(lambda: control(engine, DETACH), Verdict(STOP, signal=IGN))
        )
        backend.go(signal_pass(backend.task, CAUGHT))
        assert backend.task.engines == ()
        assert backend.task.action is RESUME
        assert backend.task.signal_action is DELIVER

    def test_what_is_no_answer_is_a_bug(self, backend: BackEnd) -> None:
        backend.engine("A", CAUGHT)
        way = signal_pass(backend.task, CAUGHT)
        next(way)
        with pytest.raises(InvariantViolation):
            way.send(Wake.LET_RUN)


class TestReportSignal:
    @pytest.mark.parametrize("action", SOMETHING)
    def test_a_signal_that_nobody_minds_is_acted_on(self, backend: BackEnd, action: SignalAction) -> None:
        backend.engine("A", CAUGHT)
        backend.task.signal_hold = True
        assert backend.go(report_signal(backend.task, CAUGHT, action)) is False
        assert backend.task.signal_action is action
        assert not backend.task.signal_hold
        assert backend.task.pending is RESUME

    @pytest.mark.parametrize("answer", [STOP, SINGLESTEP, BLOCKSTEP])
    def test_with_something_delivered_the_rest_waits_for_the_handler(
        self, backend: BackEnd, answer: ResumeAction
    ) -> None:
        backend.engine("A", CAUGHT, signal=answer)
        assert backend.go(report_signal(backend.task, CAUGHT, DELIVER)) is False
        assert backend.task.pending is INTERRUPT
        assert "held" not in backend.log

    @pytest.mark.parametrize("answer", [REPORT, INTERRUPT])
    def test_a_report_answered_to_a_delivered_signal_is_not_asked_for(
        self, backend: BackEnd, answer: ResumeAction
    ) -> None:
        backend.engine("A", CAUGHT, signal=answer)
        backend.go(report_signal(backend.task, CAUGHT, DELIVER))
        assert backend.task.pending is RESUME

    @pytest.mark.parametrize("action", [REPORT, INTERRUPT])
    def test_a_report_asked_for_by_control_is_kept(self, backend: BackEnd, action: ResumeAction) -> None:
        engine = backend.engine("A", QUIESCE, signal=doing(lambda: control(engine, action)))
        backend.go(report_signal(backend.task, CAUGHT, DELIVER))
        assert backend.task.pending is action

    def test_nothing_waits_for_a_handler_when_all_have_left(self, backend: BackEnd) -> None:
        one = backend.engine("A", CAUGHT, signal=SINGLESTEP)
        backend.engine("B", CAUGHT, signal=doing(lambda: control(one, DETACH), DETACH))
        backend.go(report_signal(backend.task, CAUGHT, DELIVER))
        assert backend.task.pending is RESUME

    @pytest.mark.parametrize("action", NOTHING)
    @pytest.mark.parametrize("answer", [RESUME, SINGLESTEP, BLOCKSTEP])
    def test_with_nothing_delivered_a_step_is_pending_at_once(
        self, backend: BackEnd, action: SignalAction, answer: ResumeAction
    ) -> None:
        backend.engine("A", CAUGHT, signal=Verdict(answer, signal=action))
        assert backend.go(report_signal(backend.task, CAUGHT, TERM)) is False
        assert backend.task.signal_action is action
        assert backend.task.pending is answer
        assert backend.log == ["A.signal"]

    @pytest.mark.parametrize("action", NOTHING)
    def test_with_nothing_delivered_a_stop_holds_here(self, backend: BackEnd, action: SignalAction) -> None:
        engine = backend.engine("A", CAUGHT, signal=Verdict(STOP, signal=action))
        assert backend.go(report_signal(backend.task, CAUGHT, TERM)) is Pause.HELD
        control(engine, RESUME)
        assert backend.let_run() is False
        assert backend.task.signal_action is action

    @pytest.mark.law("INV-16")
    def test_a_kill_in_that_stop_is_told(self, backend: BackEnd) -> None:
        backend.engine("A", CAUGHT, signal=Verdict(STOP, signal=IGN))
        backend.go(report_signal(backend.task, CAUGHT, TERM))
        assert backend.kill() is True
        assert backend.task.signal_action is IGN

    @pytest.mark.law("INV-30", "INV-49")
    @pytest.mark.parametrize("action", [REPORT, INTERRUPT])
    def test_a_parked_signal_is_delivered_by_the_report_after_the_stop(
        self, backend: BackEnd, action: ResumeAction
    ) -> None:
        seen: list[SignalAction] = []
        engine = backend.engine(
            "A",
            QUIESCE | CAUGHT,
            signal=[
                Verdict(STOP, signal=IGN, hold=True),
                doing(lambda: seen.append(backend.task.signal_action), Verdict(RESUME, signal=DELIVER)),
            ],
        )
        assert backend.go(report_signal(backend.task, CAUGHT, DELIVER)) is Pause.HELD
        control(engine, action)
        assert backend.let_run() is False
        assert seen == [SignalAction.REPORT]
        assert backend.task.signal_action is DELIVER
        assert not backend.task.signal_hold
        assert backend.task.pending is RESUME

    @pytest.mark.law("INV-30")
    def test_parking_by_an_interrupt_of_ones_own_callback(self, backend: BackEnd) -> None:
        """As the kernel's ptrace engine did: control(INTERRUPT), and STOP with the signal ignored."""
        engine = backend.engine(
            "A",
            QUIESCE | CAUGHT,
            signal=[
                doing(lambda: control(engine, INTERRUPT), Verdict(STOP, signal=IGN)),
                Verdict(signal=TERM),
            ],
        )
        assert backend.go(report_signal(backend.task, CAUGHT, DELIVER)) is Pause.HELD
        control(engine, RESUME)
        assert backend.let_run() is False
        assert backend.log == ["A.signal", "held", "A.signal"]
        assert backend.task.signal_action is TERM

    def test_no_report_is_made_when_all_have_left_during_the_stop(self, backend: BackEnd) -> None:
        engine = backend.engine("A", QUIESCE | CAUGHT, signal=Verdict(STOP, signal=IGN))
        backend.go(report_signal(backend.task, CAUGHT, DELIVER))
        control(engine, DETACH)
        assert backend.let_run() is False
        assert backend.log == ["A.signal", "held"]

    def test_answering_reports_for_ever_ends(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE | CAUGHT, signal=Verdict(REPORT, signal=IGN))
        assert backend.go(report_signal(backend.task, CAUGHT, DELIVER)) is False
        assert backend.log == ["A.signal"]


class TestReportResume:
    @pytest.mark.parametrize("pending", [RESUME, SINGLESTEP, BLOCKSTEP])
    def test_with_no_report_pending_nobody_is_called(self, backend: BackEnd, pending: ResumeAction) -> None:
        backend.engine("A", QUIESCE)
        backend.task.pending = pending
        assert backend.go(report_resume(backend.task)) is False
        assert backend.log == []
        assert backend.task.pending is pending

    def test_report_calls_quiesce(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE)
        backend.engine("B", EXEC)
        backend.task.pending = REPORT
        assert backend.go(report_resume(backend.task)) is False
        assert backend.log == ["A.quiesce"]
        assert backend.task.pending is RESUME

    @pytest.mark.law("INV-12", "INV-49")
    @pytest.mark.parametrize(("handler", "expected"), [(False, "REPORT"), (True, "HANDLER")])
    def test_interrupt_calls_report_signal(self, backend: BackEnd, handler: bool, expected: str) -> None:
        backend.engine("A", QUIESCE)
        backend.task.pending = INTERRUPT
        assert backend.go(report_resume(backend.task, handler=handler)) is False
        assert backend.log == ["A.signal"]
        assert backend.task.signal_action is SignalAction[expected]
        assert backend.task.pending is RESUME

    def test_at_a_handler_a_report_is_a_handler_report_too(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE)
        backend.task.pending = REPORT
        backend.go(report_resume(backend.task, handler=True))
        assert backend.log == ["A.signal"]
        assert backend.task.signal_action is SignalAction.HANDLER

    def test_the_handler_is_reported_once(self, backend: BackEnd) -> None:
        seen: list[SignalAction] = []
        engine = backend.engine(
            "A", QUIESCE, signal=doing(lambda: seen.append(backend.task.signal_action), STOP)
        )
        backend.task.pending = INTERRUPT
        backend.go(report_resume(backend.task, handler=True))
        control(engine, INTERRUPT)
        backend.let_run()
        assert seen == [SignalAction.HANDLER, SignalAction.REPORT]

    @pytest.mark.law("INV-28")
    @pytest.mark.parametrize("answer", [SINGLESTEP, BLOCKSTEP])
    @pytest.mark.parametrize("pending", [REPORT, INTERRUPT])
    def test_a_step_answered_is_pending_then(
        self, backend: BackEnd, answer: ResumeAction, pending: ResumeAction
    ) -> None:
        backend.engine("A", QUIESCE, quiesce=answer, signal=answer)
        backend.task.pending = pending
        assert backend.go(report_resume(backend.task)) is False
        assert backend.task.pending is answer

    def test_report_answered_to_report_is_no_endless_loop(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE, quiesce=REPORT)
        backend.task.pending = REPORT
        assert backend.go(report_resume(backend.task)) is False
        assert backend.log == ["A.quiesce"]
        assert backend.task.pending is RESUME

    @pytest.mark.parametrize("answer", [REPORT, INTERRUPT])
    def test_reports_answered_to_an_interrupt_are_no_endless_loop(
        self, backend: BackEnd, answer: ResumeAction
    ) -> None:
        backend.engine("A", QUIESCE, signal=answer)
        backend.task.pending = INTERRUPT
        assert backend.go(report_resume(backend.task)) is False
        assert backend.log == ["A.signal"]

    def test_interrupt_answered_to_report_is_served_before_user_mode(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE, quiesce=INTERRUPT)
        backend.task.pending = REPORT
        assert backend.go(report_resume(backend.task)) is False
        assert backend.log == ["A.quiesce", "A.signal"]

    @pytest.mark.law("INV-9", "INV-28")
    def test_a_report_answered_beside_a_stop_is_made_after_it(self, backend: BackEnd) -> None:
        one = backend.engine("A", QUIESCE, quiesce=[STOP])
        backend.engine("B", QUIESCE, quiesce=[REPORT])
        backend.task.pending = REPORT
        assert backend.go(report_resume(backend.task)) is Pause.HELD
        control(one, RESUME)
        assert backend.let_run() is False
        assert backend.log == ["A.quiesce", "B.quiesce", "held", "A.quiesce", "B.quiesce"]

    @pytest.mark.law("INV-30")
    @pytest.mark.parametrize("asked", [REPORT, INTERRUPT])
    def test_a_report_asked_for_during_the_stop_is_made_before_user_mode(
        self, backend: BackEnd, asked: ResumeAction
    ) -> None:
        engine = backend.engine("A", QUIESCE, quiesce=[STOP])
        backend.task.pending = REPORT
        backend.go(report_resume(backend.task))
        control(engine, asked)
        assert backend.let_run() is False
        assert backend.log[2:] == ["A.signal" if asked is INTERRUPT else "A.quiesce"]

    @pytest.mark.parametrize(
        ("resume", "pending"), [(None, RESUME), (RESUME, RESUME), (STOP, INTERRUPT), (SINGLESTEP, INTERRUPT)]
    )
    @pytest.mark.parametrize("action", SOMETHING)
    def test_a_signal_made_up_in_a_report_is_for_the_caller_to_deliver(
        self, backend: BackEnd, action: SignalAction, resume: ResumeAction | None, pending: ResumeAction
    ) -> None:
        backend.engine("A", QUIESCE, signal=Verdict(resume, signal=action))
        backend.task.pending = INTERRUPT
        assert backend.go(report_resume(backend.task)) is False
        assert backend.task.signal_action is action
        assert backend.task.pending is pending
        assert backend.log == ["A.signal"]

    def test_nothing_is_to_be_delivered_where_no_report_was_made(self, backend: BackEnd) -> None:
        backend.engine("A", QUIESCE)
        backend.task.signal_action = TERM
        backend.go(report_resume(backend.task))
        assert backend.task.signal_action is SignalAction.REPORT

    @pytest.mark.law("LB-6")
    @pytest.mark.parametrize("pending", [RESUME, REPORT, INTERRUPT, SINGLESTEP])
    def test_a_stop_is_honoured_though_nobody_has_quiesce(
        self, backend: BackEnd, pending: ResumeAction
    ) -> None:
        engine = backend.engine("A", EXEC)
        engine.wants_stop = True
        backend.task.pending = pending
        assert backend.go(report_resume(backend.task)) is Pause.HELD
        assert backend.log == ["held"]
        control(engine, RESUME)
        assert backend.let_run() is False
        assert backend.task.pending is (SINGLESTEP if pending is SINGLESTEP else RESUME)

    @pytest.mark.law("INV-18")
    def test_a_stop_asked_for_by_control_calls_quiesce_and_holds(self, backend: BackEnd) -> None:
        engine = backend.engine("A", QUIESCE)
        control(engine, STOP)
        assert backend.go(report_resume(backend.task)) is Pause.HELD
        assert backend.log == ["A.quiesce", "held"]

    @pytest.mark.law("INV-18")
    def test_a_stop_asked_for_after_ones_turn_in_the_last_pass_holds(self, backend: BackEnd) -> None:
        one = backend.engine("A", QUIESCE)
        backend.engine("B", QUIESCE, quiesce=[doing(lambda: control(one, STOP))])
        backend.task.pending = REPORT
        assert backend.go(report_resume(backend.task)) is Pause.HELD
        assert backend.log == ["A.quiesce", "B.quiesce", "A.quiesce", "B.quiesce", "held"]

    @pytest.mark.law("INV-34")
    @pytest.mark.parametrize("pending", [RESUME, REPORT, INTERRUPT])
    def test_a_kill_in_the_stop_is_told(self, backend: BackEnd, pending: ResumeAction) -> None:
        backend.engine("A", QUIESCE).wants_stop = True
        backend.task.pending = pending
        backend.go(report_resume(backend.task))
        assert backend.kill() is True


@pytest.mark.law("INV-11")
@pytest.mark.parametrize("pending", [INTERRUPT, REPORT, SINGLESTEP, BLOCKSTEP, RESUME])
def test_a_step_is_taken_once_and_nothing_else_is(backend: BackEnd, pending: ResumeAction) -> None:
    backend.task.pending = pending
    if pending in {SINGLESTEP, BLOCKSTEP}:
        assert take_step(backend.task) is pending
        assert backend.task.pending is RESUME
    assert take_step(backend.task) is RESUME
    assert backend.task.pending is (RESUME if pending in {SINGLESTEP, BLOCKSTEP} else pending)
