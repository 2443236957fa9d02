"""A naive model of utrace, from the prose of the specification: lists, loops, no generators, no tables.

A way through the kernel runs to its end at once.  What callbacks do and answer, and what controllers do
while the task is held, comes from a list of decisions, taken one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from utrace.core.events import DEATH, EXIT, QUIESCE, REAP, SYSCALL_ENTRY, Event
from utrace.core.verdicts import ResumeAction, SignalAction, SyscallAction, Verdict

STOP, INTERRUPT, REPORT = ResumeAction.STOP, ResumeAction.INTERRUPT, ResumeAction.REPORT
RESUME, DETACH = ResumeAction.RESUME, ResumeAction.DETACH
STEPS: Final = (ResumeAction.SINGLESTEP, ResumeAction.BLOCKSTEP)
NOTHING: Final = (SignalAction.IGN, SignalAction.REPORT, SignalAction.HANDLER)


@dataclass(frozen=True)
class Act:
    """A call by somebody: control, set_events or attach; `who` counts all engines there ever were."""

    who: int
    action: ResumeAction | None = None
    mask: int | None = None


@dataclass(frozen=True)
class Decision:
    """What one callback does and answers; or what is done while held, and whether SIGKILL ends that."""

    acts: Sequence[Act] = ()
    answer: Verdict = field(default_factory=Verdict)
    kill: bool = False


Performer: TypeAlias = Callable[[Act], None]


@dataclass(eq=False)
class ModelEngine:
    name: str
    mask: int
    wish: bool = False
    leaving: bool = False
    gone: bool = False


def least(actions: Sequence[ResumeAction]) -> ResumeAction:
    return min(actions, key=lambda action: action.value, default=RESUME)


@dataclass(eq=False)
class Model:
    engines: list[ModelEngine] = field(default_factory=list)
    ever: list[ModelEngine] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    pending: ResumeAction = RESUME
    life: str = "ALIVE"
    held: bool = False
    jctl: bool = False
    running: ModelEngine | None = None
    stopping: bool = False
    answers: list[ResumeAction] = field(default_factory=list)
    syscall: SyscallAction = SyscallAction.RUN
    signal: SignalAction = SignalAction.DELIVER
    hold: bool = False
    decisions: Iterator[Decision] = field(default_factory=lambda: iter(()))

    # -- calls (section 4) ------------------------------------------------------------------------

    def perform(self, act: Act) -> None:
        if act.action is not None:
            outcome = self.control(self.ever[act.who % len(self.ever)], act.action)
        elif act.mask is not None and act.who >= 0:
            outcome = self.set_events(self.ever[act.who % len(self.ever)], act.mask)
        else:
            outcome = self.attach(act.mask or 0)
        self.log.append(outcome)

    def attach(self, mask: int) -> str:
        engine = ModelEngine(f"E{len(self.ever)}", 0, gone=self.life == "REAPED")
        self.ever.append(engine)
        if engine.gone:
            return "ESRCH"
        self.engines.append(engine)
        return self.set_events(engine, mask)

    def pend(self, action: ResumeAction) -> None:
        if self.engines:
            self.pending = least([self.pending, action])

    def remove(self, engine: ModelEngine) -> None:
        self.engines.remove(engine)
        engine.gone, engine.wish, engine.mask = True, False, 0
        self.released.append(engine.name)
        if not self.engines:
            self.pending = RESUME

    def control(self, engine: ModelEngine, action: ResumeAction) -> str:  # noqa: PLR0911 — one for each row
        dead = self.life in {"DEATH", "DEAD"}
        if engine.gone or engine.leaving or self.life == "REAPED":
            return "ESRCH"
        needs_quiesce = action is REPORT or action in STEPS
        if needs_quiesce and self.life != "DEAD" and not engine.mask & QUIESCE:
            return "EINVAL"
        if dead and action is not DETACH:
            return "ESRCH"
        if action is DETACH:
            if self.life == "DEATH":
                return "EALREADY"
            if not self.held and not self.jctl and self.pending in STEPS:
                self.pending = REPORT
            if self.running is engine:
                engine.leaving, engine.wish, engine.mask = True, False, 0
                return "EINPROGRESS"
            self.remove(engine)
            return "0"
        engine.wish = action is STOP
        if action is not STOP:
            self.pend(action)
        elif not self.held and (self.running is engine or not self.jctl):
            self.pend(REPORT)
            return "EINPROGRESS"
        return "0"

    def set_events(self, engine: ModelEngine, mask: int) -> str:
        if engine.gone or engine.leaving or self.life == "REAPED":
            return "ESRCH"
        final = DEATH | QUIESCE
        if self.life == "DEATH" and (engine.mask ^ mask) & final:
            return "EALREADY"
        if self.life == "DEAD" and mask & ~engine.mask & final:
            return "EALREADY"
        cleared = engine.mask & ~mask
        engine.mask = mask
        inside = self.running is engine and self.life not in {"DEATH", "DEAD"}
        return "EINPROGRESS" if cleared and inside else "0"

    # -- one pass (section 3.3) -------------------------------------------------------------------

    def call(self, engine: ModelEngine, callback: int, *, decides: bool, calm: bool = False) -> None:
        seen = STOP if self.stopping else least(self.answers)
        self.log.append(f"{engine.name}.{(Event(callback).name or '').lower()} sees {seen.name}")
        decision = next(self.decisions, Decision())
        self.running = engine
        for act in decision.acts:
            self.perform(act)
        self.running = None
        if engine.leaving:
            self.remove(engine)
            return
        verdict = decision.answer
        if decides and callback == SYSCALL_ENTRY:
            self.syscall = verdict.syscall or self.syscall
        if decides and callback == Event.SIGNAL:
            self.hold = verdict.hold if verdict.signal else self.hold or verdict.hold
            self.signal = verdict.signal or self.signal
        answer = verdict.resume
        if calm and answer in {INTERRUPT, REPORT}:
            answer = RESUME
        if answer is DETACH:
            self.remove(engine)
        elif answer is not None:
            engine.wish = answer is STOP
            if answer is not STOP:
                self.answers.append(answer)

    def begin(self) -> None:
        if self.pending is REPORT or self.pending in STEPS:
            self.pending = RESUME
        self.answers, self.stopping = [], False

    def one_pass(self, event: int, *, reverse: bool = False) -> None:
        self.begin()
        for engine in list(reversed(self.engines)) if reverse else list(self.engines):
            if engine.mask & QUIESCE:
                self.call(engine, QUIESCE, decides=False)
            if engine.mask & event:
                self.call(engine, event, decides=True)
            self.stopping |= engine.wish

    def signal_pass(self, event: int) -> None:
        self.begin()
        for engine in list(self.engines):
            if engine.mask & (event | QUIESCE):
                self.call(engine, int(Event.SIGNAL), decides=True, calm=True)
            self.stopping |= engine.wish

    def anyone_wants_stop(self) -> bool:
        return any(engine.wish for engine in self.engines)

    def stop(self) -> bool:
        """Hold as long as anyone wants it; true if killed."""
        while self.anyone_wants_stop():
            self.held = True
            self.log.append("held")
            decision = next(self.decisions, Decision())
            for act in decision.acts:
                self.perform(act)
            if decision.kill:
                self.held = False
                for engine in self.engines:
                    engine.wish = False
                return True
            for engine in list(self.engines):
                if engine.wish:
                    self.log.append(self.control(engine, RESUME))
            self.held = False
        return False

    def stop_here(self) -> bool:
        self.pend(least(self.answers))
        return self.stopping and self.stop()

    # -- ways through the kernel (sections 1.6, 3.4, 3.5, 3.6) ------------------------------------

    def wanted(self, event: int) -> bool:
        return any(engine.mask & event for engine in self.engines)

    def ordinary(self, event: int) -> None:
        self.one_pass(event)
        self.pend(least(self.answers))
        if self.stopping and self.anyone_wants_stop():
            self.pend(REPORT)

    def entry(self) -> bool:
        self.syscall = SyscallAction.RUN
        while True:
            self.one_pass(SYSCALL_ENTRY, reverse=True)
            stopping = self.stopping
            if self.stop_here():
                self.syscall = SyscallAction.ABORT
                return True
            if not stopping or not self.engines or self.pending not in {REPORT, INTERRUPT}:
                return False

    def deliver(self, event: int, action: SignalAction) -> bool:
        self.signal, self.hold = action, False
        self.signal_pass(event)
        while self.signal in NOTHING:
            if self.stop_here():
                return True
            if not self.engines or self.pending not in {REPORT, INTERRUPT}:
                return False
            self.pending, self.signal, self.hold = RESUME, SignalAction.REPORT, False
            self.signal_pass(0)
        if self.stopping or least(self.answers) is not RESUME:
            self.pend(INTERRUPT)
        return False

    def resume(self, *, handler: bool) -> bool:
        self.signal = SignalAction.REPORT
        while True:
            if self.pending is INTERRUPT or (handler and self.pending is REPORT):
                self.pending = RESUME
                self.signal = SignalAction.HANDLER if handler else SignalAction.REPORT
                handler = False
                self.signal_pass(0)
                if self.signal not in NOTHING:
                    if self.stopping or least(self.answers) is not RESUME:
                        self.pend(INTERRUPT)
                    return False
            elif self.pending is REPORT:
                self.one_pass(0)
                if least(self.answers) is REPORT and not self.stopping:
                    self.answers = []
            elif self.anyone_wants_stop():
                self.answers, self.stopping = [], True
            else:
                return False
            if self.stop_here():
                return True

    def exit(self, *, live: bool) -> bool:
        self.life, self.jctl = "EXITING", False
        if not self.wanted(EXIT):
            return False
        self.one_pass(EXIT)
        return live and self.stop_here()

    def death(self) -> None:
        self.life = "DEATH"
        for engine in self.engines:
            engine.wish = False
        if self.wanted(DEATH | QUIESCE):
            self.one_pass(DEATH)
        self.life, self.pending = "DEAD", RESUME
        for engine in self.engines:
            engine.wish = False
            engine.mask &= REAP

    def reap(self) -> None:
        self.life = "REAPED"
        self.answers, self.stopping = [], False
        for engine in list(self.engines):
            if engine.mask & REAP:
                self.log.append(f"{engine.name}.reap")
                for act in next(self.decisions, Decision()).acts:
                    self.perform(act)
            self.remove(engine)
