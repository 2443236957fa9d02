"""One run of a scenario: guest programs on a simulated kernel, the real loop, engines, outside callers.

Rules of this file:

1. Everything runs in the calling thread; who goes on next is the scheduler's choice alone.
2. An outside caller acts between stops and while a callback runs, whenever the session's lock is free.
3. What must always hold is checked whenever the loop or a caller has changed something; what must
   hold of a whole run is in `run_laws`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from utrace.core import control as core_control
from utrace.core.events import Event
from utrace.core.examine import Examiner, finish_examine, prepare_examine
from utrace.core.laws import check
from utrace.core.task_life import TaskLife
from utrace.core.verdicts import Answer, Outcome, ResumeAction
from utrace.errors import TaskGone, UtraceError
from utrace.kernel.api import Spawn
from utrace.testing.promises import Promises
from utrace.testing.run_laws import Entry, Ledger, Violation, check_run
from utrace.testing.scripted import Deed, ScriptedEngine
from utrace.testing.sights import SIGHTS, Sights
from utrace.testing.usher import Usher
from utrace.testing.world_loop import WorldKernel, WorldLoop
from utrace.tracer.engine import Engine
from utrace.tracer.processes import seize, spawn
from utrace.tracer.task import Task

if TYPE_CHECKING:
    from utrace.core.task_life import TracedTask
    from utrace.testing.conditions import Condition
    from utrace.testing.moves import Scheduler
    from utrace.testing.scenario import Outsider, Scenario
    from utrace.testing.scripted import Detail
    from utrace.testing.sim.truth import Truth
    from utrace.tracer.loop import LiveTracee

_SIGNALS: Final = frozenset({"kill", "tgkill"})


@dataclass
class World:
    """One run.

    Attributes:
        log: what was reported and done, oldest first.
        tracees: everything that was ever traced, by label: "m" is the program, "m.1" the first task it
            made, "m.1.1" the first made by that.
        tids: labels by the tid that a task had first.
        is_outside: an outside caller is acting.
    """

    scenario: Scenario
    scheduler: Scheduler
    log: list[Entry] = field(default_factory=list)
    tracees: dict[str, LiveTracee] = field(default_factory=dict)
    is_outside: bool = False
    laws_checked: int = 0

    def __post_init__(self) -> None:
        scenario = self.scenario
        kernel = WorldKernel(
            scenario.programs, self.scheduler, atomic_tracer=scenario.atomic, steps_max=scenario.moves_max
        )
        kernel.world = self
        self.kernel = kernel
        self.loop = WorldLoop(kernel, self)
        self.scripts = {script.name: script for script in scenario.engines}
        self.ops = {script.name: script.make(self) for script in scenario.engines}
        self.ledger = Ledger()
        self.promises = Promises()
        self.tids: dict[int, str] = {}
        self._children: dict[str, int] = {}
        self.truths: dict[str, Truth] = {}
        self._leaving: dict[str, int] = {}
        self._examiners: dict[tuple[str, str], Examiner] = {}
        self._sights = Sights()
        self._has_begun = not scenario.marked
        self._finished: set[str] = set()

    # -- the run ----------------------------------------------------------------------------------

    def run(self) -> None:
        """Run it to the end, and what was let go too.

        Raises:
            Violation: a law did not hold.
            InvariantViolation: the same, found by the code itself.
            Stuck: nothing moves although tasks are left.
        """
        scenario = self.scenario
        engines = [self.ops[script.name] for script in scenario.engines if script.attached]

        def let_in(task: Task) -> None:
            for ops in engines:
                task.attach(ops)
            self._has_begun = True

        if scenario.marked:
            program = Spawn(b"main", [b"main"], [])
            spawn(self.loop, program, [Usher(let_in)], exit_kill=False, launched=lambda: None)
        elif scenario.attached:
            pid = self.kernel.start("main")
            self.tids[pid] = "m"
            try:
                seize(self.loop, pid, list(engines), explain=str)
            except TaskGone:
                # It was faster.
                return
            with self.loop.entered():
                self.loop.settle()
        else:
            program = Spawn(b"main", [b"main"], [])
            spawn(self.loop, program, engines, exit_kill=False, launched=lambda: None)
        for outsider in scenario.outsiders:
            self._cast(outsider)
        self.loop.drive()
        self.settled()
        self.kernel.run_untraced()
        check_run(self)
        if scenario.expect is not None:
            scenario.expect(self)

    def _cast(self, outsider: Outsider) -> None:
        """Give an outside caller its moves, one a deed."""
        done = 0
        deeds = outsider.deeds
        conditions = outsider.conditions
        needs_lock = [deed.verb not in _SIGNALS for deed in deeds]
        free = self.loop.is_free

        def may_act() -> bool:
            place = done % len(deeds)
            if needs_lock[place] and not free():
                return False
            if place or not conditions:
                return self._has_begun and self._is_ready(deeds[place])
            return self._has_begun and all(map(self._is_met, conditions))

        def act() -> None:
            nonlocal done
            deed = deeds[done % len(deeds)]
            done += 1
            if done == len(deeds) * outsider.times:
                self._finished.add(outsider.name)
            # Whether a promise was kept is told by what a task did before this, and before what follows.
            self.promises.check()
            for truth in self.truths.values():
                self.kernel.depend_on(truth)
            self.is_outside = True
            try:
                self.perform(deed, None)
            finally:
                self.is_outside = False
            if self.loop.moving is None and free() and not self.loop.tracees.needs:
                # Nothing is left for the loop to do about it.
                self.settled()
            else:
                self.check()

        self.kernel.add_actor(outsider.name, act, when=may_act, times=outsider.times * len(deeds))

    def _is_met(self, condition: Condition) -> bool:
        on = condition.on
        tracee = self.tracees.get(on)
        if tracee is None:
            return False
        match condition.what:
            case "stopped":
                return self.truths[on].is_stopped
            case "asleep":
                return self.truths[on].is_asleep
            case "after":
                return condition.name in self._finished
            case _:
                return condition.is_met(tracee, self.engine_of(on, condition.engine))

    def _is_ready(self, deed: Deed) -> bool:
        """Tell whether a deed that would block in a real thread would not block now."""
        if deed.verb in _SIGNALS or deed.verb == "attach" or deed.verb in SIGHTS:
            return deed.on in self.tracees
        engine = self.engine_of(deed.on, deed.engine)
        if engine is None:
            return False
        if deed.verb == "prepare":
            task = engine.task
            return task.held or not engine.wants_stop or task.is_dead()
        return True

    # -- what engines and outside callers do ------------------------------------------------------

    def engine_of(self, label: str, name: str) -> Engine | None:
        """Find the handle of an engine on a task, also after it was detached."""
        return self.ledger.handles.get((label, name))

    def perform(self, deed: Deed, task: Task | None) -> None:
        """Do one deed and log how it ended."""
        where = self._where(deed, task)
        try:
            outcome = self._perform(deed, where)
        except UtraceError as error:
            outcome = type(error).__name__
        self.log.append(Entry("deed", where, deed.engine, str(deed), (outcome,), self.steps(where)))

    def _where(self, deed: Deed, task: Task | None) -> str:
        if deed.on == "child" and task is not None:
            tracee = self.tracees[self.label_of(task)]
            child = tracee.task.cloning
            return "" if child is None else self._label_of_record(child)
        if deed.on or task is None:
            return deed.on
        return self.label_of(task)

    def _perform(self, deed: Deed, where: str) -> str:  # noqa: C901, PLR0911, PLR0912 — a case for each verb
        kernel = self.kernel
        tracee = self.tracees[where]
        match deed.verb:
            case "kill":
                return str(kernel.kill(tracee.tid, deed.signo))
            case "tgkill":
                return str(kernel.tgkill(tracee.tid, deed.signo))
            case "attach":
                stopped = deed.action is ResumeAction.STOP
                engine = self.loop.attach(tracee, self.ops[deed.engine], stopped=stopped)
                self._attached(engine, where)
                if stopped:
                    self.promises.asked(engine, Outcome.IN_PROGRESS, self.truths[where])
                return "attached"
            case verb if verb in SIGHTS:
                return self._sights.perform(deed, where, tracee.handle)
            case "set_regs":
                regset = kernel.get_regs(tracee.tid)
                return "gone" if regset is None else str(kernel.set_regs(tracee.tid, regset))
            case _:
                engine = self.ledger.handles[where, deed.engine]
        match deed.verb:
            case "control":
                return self._control(engine, deed.action, where).name
            case "set_events":
                outcome = engine.set_events(deed.events)
                self.ledger.set_mask(engine, int(deed.events), outcome, outside=self.is_outside)
                return outcome.name
            case "barrier":
                with self.loop.entered():
                    outcome = core_control.barrier(engine, from_callback=self.loop.is_mine())
                self.ledger.barred(engine, outcome, outside=self.is_outside)
                return outcome.name
            case "prepare":
                with self.loop.entered():
                    examiner = prepare_examine(engine)
                if examiner is not None:
                    self._examiners[where, deed.engine] = examiner
                    self.promises.looks(engine, self.truths[where])
                return "prepared" if examiner is not None else "not yet"
            case "finish":
                return self._finish(engine, where)
            case _:
                message = f"no deed is called {deed.verb}"
                raise ValueError(message)

    def _control(self, engine: Engine, action: ResumeAction, where: str) -> Outcome:
        reporting = engine.task.reporting is engine
        outcome = engine.control(action)
        if action is ResumeAction.STOP:
            self.promises.asked(engine, outcome, self.truths[where])
        else:
            self.promises.let_go(engine)
        if action is ResumeAction.DETACH:
            self.ledger.detached(engine, outcome, in_callback=reporting)
        return outcome

    def _finish(self, engine: Engine, where: str) -> str:
        examiner = self._examiners.pop((where, self.ledger.masks[engine].name), None)
        if examiner is None:
            return "nothing"
        self.loop.look_for_a_kill(engine.task)
        with self.loop.entered():
            finish_examine(examiner)
        self.promises.looked(engine)
        return "undisturbed"

    # -- a stage for scripted engines -------------------------------------------------------------

    def adopted(self, tracee: LiveTracee) -> None:
        """Name a new tracee, and begin to count its steps."""
        tid = tracee.tid
        label = self._label_for(tid)
        truth = self.kernel.truth(tid)
        if truth is not None:
            self.truths[label] = truth
        self.tracees[label] = tracee

    def _label_for(self, tid: int) -> str:
        label = self.tids.get(tid)
        if label is None:
            maker = next((maker for maker, born, _ in self.kernel.births() if born == tid), None)
            if maker is None:
                label = "m"
            else:
                mother = self.tids.get(maker, "?")
                self._children[mother] = self._children.get(mother, 0) + 1
                label = f"{mother}.{self._children[mother]}"
            self.tids[tid] = label
        return label

    def _label_of_record(self, task: TracedTask) -> str:
        return next((label for label, tracee in self.tracees.items() if tracee.task is task), "")

    def label_of(self, task: Task) -> str:
        """Give the label of the task that a callback was handed."""
        for label, tracee in self.tracees.items():
            if tracee.handle is task:
                return label
        message = f"an unknown task {task!r}"
        raise Violation(message)

    def steps(self, label: str) -> int:
        """Tell how many instructions a task has begun in user mode."""
        truth = self.truths.get(label)
        return 0 if truth is None else truth.steps

    def _attached(self, engine: Engine, where: str) -> None:
        if _is_scripted(engine):
            self.ledger.attached(engine, where)

    def started(self, ops: ScriptedEngine, task: Task, key: Event, detail: Detail) -> None:
        """Check that this callback may be made at all, and log it."""
        label = self.label_of(task)
        tracee = self.tracees[label]
        record = tracee.task
        self.find_new_engines(label, record)
        engine = self.ledger.handles[label, ops.name]
        shown = tuple(self.label_of(part) if isinstance(part, Task) else part for part in detail)
        self._check_last_report(label, key, record)
        self.ledger.called(engine, record.callback, record.event)
        self.promises.called(engine)
        self.log.append(
            Entry("call", label, ops.name, _key_name(key), shown, self.steps(label), record.event)
        )
        self.check()

    def pause(self) -> None:
        """Let others act while the callback runs."""
        if not self.scenario.hasty:
            self.kernel.let_time_pass()

    def ended(self, ops: ScriptedEngine, task: Task, key: Event, answer: Answer) -> None:
        """Note what the answer promises."""
        label = self.label_of(task)
        engine = self.ledger.handles[label, ops.name]
        self.ledger.returned(engine)
        resume = answer if answer is None or isinstance(answer, ResumeAction) else answer.resume
        if resume is None:
            return
        if resume is ResumeAction.DETACH:
            self.ledger.detached(engine, Outcome.DONE, in_callback=False)
        alive = self.tracees[label].task.life in {TaskLife.ALIVE, TaskLife.EXITING}
        if (
            resume is ResumeAction.STOP
            and alive
            and key is not Event.REAP
            and not self.ledger.is_leaving(engine)
        ):
            self.promises.asked(engine, Outcome.DONE, self.truths[label])
        else:
            self.promises.let_go(engine)

    def released(self, ops: ScriptedEngine, engine: Engine) -> None:
        """Note that an engine's client was told to clean up."""
        label = self.ledger.label_of(engine) or self._label_of_record(engine.task)
        self.ledger.released(engine)
        self.log.append(Entry("release", label, ops.name, "", (), self.steps(label)))

    def _expect_departures(self) -> None:
        """Note who is to be let go before its next instruction: all its engines have left."""
        for label, tracee in self.tracees.items():
            if tracee.over or tracee.task.engines or tracee.task.life is not TaskLife.ALIVE:
                self._leaving.pop(label, None)
            elif label not in self._leaving and self.ledger.order.get(label):
                self._leaving[label] = self.steps(label)

    def _check_last_report(self, label: str, key: Event, task: TracedTask) -> None:
        truth = self.truths.get(label)
        if truth is None:
            return
        if key is Event.REAP and not truth.is_released:
            raise Violation(f"REAP of {label} is reported before anybody has reaped it")
        if key is Event.EXIT and task.synthetic and truth.stood_at_exit and self.scenario.atomic:
            raise Violation(f"the exit event of {label} was let pass, and EXIT had to be made up")

    # -- laws -------------------------------------------------------------------------------------

    def find_new_engines(self, label: str, task: TracedTask) -> None:
        """Take in engines that came to a task by attaching at the start, or by following."""
        for engine in task.engines:
            if isinstance(engine, Engine) and engine not in self.ledger.masks:
                self._attached(engine, label)

    def settled(self) -> None:
        """Check everything: the loop has done what was asked, and is about to wait."""
        for label, tracee in self.tracees.items():
            self.find_new_engines(label, tracee.task)
        if self.promises.settled():
            for truth in self.truths.values():
                self.kernel.depend_on(truth)
        self._expect_departures()
        for engine in self.ledger.unsettled:
            self.ledger.masks[engine].settled_at = self.steps(self.ledger.label_of(engine))
        self.ledger.unsettled.clear()
        self.check()

    def check(self) -> None:
        """Check the laws of every task, and every promise given.

        Raises:
            Violation: one does not hold.
            InvariantViolation: the same.
        """
        for tracee in self.tracees.values():
            check(tracee.task)
        self.promises.check()
        self.check_departures()
        self.laws_checked += 1

    def check_departures(self) -> None:
        """Check that nobody ran on who was to be let go; also right before that is done."""
        for label, steps in self._leaving.items():
            tracee = self.tracees[label]
            if self.steps(label) != steps and not tracee.over and not tracee.task.engines:
                raise Violation(f"{label} runs on under us, although nobody traces it")


def _key_name(key: Event) -> str:
    return (key.name or "REPORT") if key else "REPORT"


def _is_scripted(engine: Engine) -> bool:
    return isinstance(engine.client, ScriptedEngine)
