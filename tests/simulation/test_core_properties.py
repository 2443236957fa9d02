"""The core against a naive model of it, over random histories; and the merge rule over random passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.simulation.core_model import Act, Decision, Model
from tests.unit.core.backend import ARCH, BackEnd, Client, Way
from utrace.core.attach import attach_task
from utrace.core.control import control, set_events
from utrace.core.engine_life import Engine
from utrace.core.events import (
    ALL_EVENTS,
    CLONE,
    DEATH,
    EXEC,
    EXIT,
    QUIESCE,
    REAP,
    SIGNAL_ALL,
    SYSCALL_ENTRY,
    SYSCALL_EXIT,
    Event,
)
from utrace.core.laws import check
from utrace.core.reporting import (
    Pause,
    report,
    report_death,
    report_exit,
    report_reap,
    report_syscall_entry,
    report_syscall_exit,
    run_pass,
)
from utrace.core.signals import report_resume, report_signal, take_step
from utrace.core.task_life import TaskLife
from utrace.core.verdicts import Answer, Outcome, ResumeAction, SignalAction, SyscallAction, Verdict
from utrace.errors import Misuse, TaskGone, TooLate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SETTINGS = settings(max_examples=60, stateful_step_count=30)

MASKS = st.one_of(
    st.sampled_from(
        [QUIESCE, QUIESCE | SYSCALL_ENTRY, QUIESCE | SIGNAL_ALL, EXIT | DEATH | REAP, ALL_EVENTS]
    ),
    st.integers(0, ALL_EVENTS),
)
ACTS = st.one_of(
    st.builds(Act, st.integers(0, 5), action=st.sampled_from(ResumeAction)),
    st.builds(Act, st.integers(0, 5), mask=MASKS),
    st.builds(Act, st.just(-1), mask=MASKS),
)
VERDICTS = st.builds(
    Verdict,
    resume=st.sampled_from([None, *ResumeAction]),
    syscall=st.sampled_from([None, *SyscallAction]),
    signal=st.sampled_from([None, *SignalAction]),
    hold=st.booleans(),
)
DECISIONS = st.lists(
    st.builds(
        Decision,
        acts=st.lists(ACTS, max_size=2),
        answer=VERDICTS,
        kill=st.integers(0, 9).map(lambda chance: chance == 0),
    ),
    max_size=10,
)

ERRNO = {TaskGone: "ESRCH", Misuse: "EINVAL", TooLate: "EALREADY"}
CODES = {Outcome.DONE: "0", Outcome.IN_PROGRESS: "EINPROGRESS"}


class DecidingClient(Client):
    """An engine whose callbacks do as the next decision says."""

    def __init__(self, name: str, real: Real) -> None:
        super().__init__(name, {})
        self.real = real

    def answer(self, callback: str) -> Answer:
        return self.real.callback(self.name, callback)


class Real:
    """The core, driven by the same decisions as the model."""

    def __init__(self) -> None:
        self.backend = BackEnd()
        self.task = self.backend.task
        self.ever: list[Engine] = []
        self.log: list[str] = []
        self.decisions: Iterator[Decision] = iter(())

    def callback(self, name: str, callback: str) -> Answer:
        shown = "" if callback == "reap" else f" sees {self.task.action.name}"
        self.log.append(f"{name}.{callback}{shown}")
        decision = next(self.decisions, Decision())
        for act in decision.acts:
            self.perform(act)
        return decision.answer

    def perform(self, act: Act) -> None:
        try:
            self.log.append(CODES[self._call(act)])
        except (TaskGone, Misuse, TooLate) as error:
            self.log.append(ERRNO[type(error)])
        check(self.task)

    def _call(self, act: Act) -> Outcome:
        if act.action is not None:
            return control(self.ever[act.who % len(self.ever)], act.action)
        if act.mask is not None and act.who >= 0:
            return set_events(self.ever[act.who % len(self.ever)], act.mask, from_callback=False)
        return self.attach(act.mask or 0)

    def attach(self, mask: int) -> Outcome:
        name = f"E{len(self.ever)}"
        engine = Engine(self.task, DecidingClient(name, self), signal_callback=True)
        self.ever.append(engine)
        try:
            attach_task(engine)
        except TaskGone:
            engine.state = type(engine.state).DETACHED
            raise
        return set_events(engine, mask, from_callback=False)

    def play(self, way: Way) -> bool:
        """Run a way to its end; true if killed."""
        ended = self.backend.go(way)
        while ended is Pause.HELD:
            self.log.append("held")
            decision = next(self.decisions, Decision())
            for act in decision.acts:
                self.perform(act)
            if decision.kill:
                ended = self.backend.kill()
                continue
            for engine in self.task.engines:
                if engine.wants_stop:
                    self.perform(Act(self.ever.index(engine), ResumeAction.RESUME))
            ended = self.backend.let_run()
        return bool(ended)


class CoreMachine(RuleBasedStateMachine):
    """Histories of one task: both worlds do the same and look the same after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.real = Real()
        self.model = Model()

    def decide(self, decisions: Sequence[Decision]) -> None:
        self.real.decisions, self.model.decisions = iter(decisions), iter(decisions)

    def alive(self) -> bool:
        return self.real.task.life is TaskLife.ALIVE

    @precondition(lambda self: len(self.real.ever) < 6)
    @rule(mask=MASKS)
    def attach(self, mask: int) -> None:
        act = Act(-1, mask=mask)
        self.real.perform(act)
        self.model.perform(act)

    @precondition(lambda self: self.real.ever)
    @rule(acts=st.lists(ACTS, min_size=1, max_size=3))
    def call(self, acts: list[Act]) -> None:
        for act in acts:
            self.real.perform(act)
            self.model.perform(act)

    @precondition(alive)
    @rule(stopped=st.booleans())
    def job_control(self, stopped: bool) -> None:
        self.real.task.jctl = self.model.jctl = stopped

    @precondition(alive)
    @rule(event=st.sampled_from([CLONE, EXEC, SYSCALL_EXIT]), decisions=DECISIONS)
    def ordinary(self, event: int, decisions: list[Decision]) -> None:
        self.decide(decisions)
        task = self.real.task
        self.real.play(report_syscall_exit(task, ARCH, 1) if event == SYSCALL_EXIT else report(task, event))
        self.model.ordinary(event)

    @precondition(alive)
    @rule(decisions=DECISIONS)
    def syscall_entry(self, decisions: list[Decision]) -> None:
        self.decide(decisions)
        assert self.real.play(report_syscall_entry(self.real.task, ARCH, 1)) is self.model.entry()

    @precondition(alive)
    @rule(
        event=st.sampled_from([Event.SIGNAL, Event.SIGNAL_IGN, Event.SIGNAL_TERM]),
        action=st.sampled_from([SignalAction.DELIVER, SignalAction.IGN, SignalAction.TERM]),
        decisions=DECISIONS,
    )
    def signal(self, event: Event, action: SignalAction, decisions: list[Decision]) -> None:
        self.decide(decisions)
        killed = self.real.play(report_signal(self.real.task, int(event), action))
        assert killed is self.model.deliver(int(event), action)

    @precondition(alive)
    @rule(handler=st.booleans(), decisions=DECISIONS)
    def return_to_user(self, handler: bool, decisions: list[Decision]) -> None:
        self.decide(decisions)
        task = self.real.task
        killed = self.real.play(report_resume(task, handler=handler))
        assert killed is self.model.resume(handler=handler)
        if not killed and task.signal_action in {SignalAction.IGN, SignalAction.REPORT, SignalAction.HANDLER}:
            assert task.pending not in {ResumeAction.INTERRUPT, ResumeAction.REPORT}
            assert not task.is_wanted_stopped()
        take_step(task)
        if self.model.pending in {ResumeAction.SINGLESTEP, ResumeAction.BLOCKSTEP}:
            self.model.pending = ResumeAction.RESUME

    @precondition(lambda self: self.real.task.life is not TaskLife.REAPED)
    @rule(live=st.booleans(), decisions=DECISIONS, luck=st.integers(0, 3))
    def towards_the_end(self, live: bool, decisions: list[Decision], luck: int) -> None:
        self.decide(decisions)
        task = self.real.task
        match task.life:
            case TaskLife.ALIVE if luck == 0:
                assert self.real.play(report_exit(task, live=live)) is self.model.exit(live=live)
            case TaskLife.EXITING:
                self.real.play(report_death(task))
                self.model.death()
            case TaskLife.DEAD:
                self.real.play(report_reap(task))
                self.model.reap()
            case _:
                pass

    @invariant()
    def both_look_the_same(self) -> None:
        real, model = self.real, self.model
        task = real.task
        check(task)
        assert real.log == model.log
        names = {id(engine): f"E{number}" for number, engine in enumerate(real.ever)}
        assert [(names[id(engine)], engine.mask, engine.wants_stop) for engine in task.engines] == [
            (engine.name, engine.mask, engine.wish) for engine in model.engines
        ]
        union = 0
        for engine in model.engines:
            union |= engine.mask
        assert task.mask == union
        assert (task.pending, task.life.name, task.held) == (model.pending, model.life, False)
        assert (task.syscall_action, task.signal_action) == (model.syscall, model.signal)
        assert task.signal_hold is model.hold
        real.backend.asked()
        assert [names[id(engine)] for engine in real.backend.released] == model.released
        assert len(set(model.released)) == len(model.released)


TestCore = pytest.mark.law("INV-1", "INV-3", "INV-4", "INV-9", "INV-10", "INV-14", "INV-39", "INV-46")(
    CoreMachine.TestCase
)
TestCore.settings = SETTINGS


@pytest.mark.law("INV-3", "INV-4", "INV-9", "LB-4")
@SETTINGS
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, QUIESCE, EXEC, QUIESCE | EXEC]),
            st.booleans(),
            st.sampled_from([None, *ResumeAction]),
            st.sampled_from([None, *ResumeAction]),
        ),
        max_size=5,
    ),
    st.booleans(),
)
def test_a_pass_merges_to_the_strictest_answer(
    engines: list[tuple[int, bool, ResumeAction | None, ResumeAction | None]], reverse: bool
) -> None:
    """The specification's small oracle (section 9)."""
    backend = BackEnd()
    expected_log: list[str] = []
    answers: list[int] = []
    wishes = 0
    for number, (mask, wish, quiesce, specific) in enumerate(engines):
        engine = backend.engine(f"E{number}", mask, quiesce=quiesce, exec=specific)
        engine.wants_stop = wish
    for number, (mask, wish, quiesce, specific) in (
        list(reversed(list(enumerate(engines)))) if reverse else list(enumerate(engines))
    ):
        wanting, attached = wish, True
        for bit, name, answer in ((QUIESCE, "quiesce", quiesce), (EXEC, "exec", specific)):
            if mask & bit and attached:
                expected_log.append(f"E{number}.{name}")
                attached = answer is not ResumeAction.DETACH
                if answer is not None:
                    wanting = answer is ResumeAction.STOP
                    answers += [answer.value] if attached and not wanting else []
        wishes += wanting
    backend.go(run_pass(backend.task, EXEC, reverse=reverse))
    assert backend.log == expected_log
    assert backend.task.resume_action.value == min(answers, default=ResumeAction.RESUME.value)
    final = ResumeAction.STOP.value if wishes else min(answers, default=ResumeAction.RESUME.value)
    assert backend.task.action.value == final
    assert sum(engine.wants_stop for engine in backend.task.engines) == wishes
