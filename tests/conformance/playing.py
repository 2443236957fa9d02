"""A scenario of `utrace.testing` played on Linux: a session, its engines, and a thread for each outsider."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from tests.tracees import build
from tests.waiting import task_state, wait_until
from utrace.core.events import Event
from utrace.core.task_life import TaskLife
from utrace.core.verdicts import ResumeAction
from utrace.errors import UtraceError
from utrace.kernel.api import Fact, FactKind
from utrace.kernel.linux import LinuxKernel
from utrace.testing.run_laws import Entry
from utrace.testing.sights import SIGHTS, Sights
from utrace.testing.usher import Usher
from utrace.tracer.session import Session
from utrace.tracer.task import Task

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from utrace.core.examine import Examiner
    from utrace.core.verdicts import Answer
    from utrace.testing.conditions import Condition
    from utrace.testing.scenario import Outsider, Scenario
    from utrace.testing.scripted import Deed, Detail, ScriptedEngine
    from utrace.tracer.engine import Engine
    from utrace.tracer.loop import LiveTracee

DEADLINE_S: Final = 30.0
ANY_MOMENT_S: Final = 0.004
"""Who acts at any moment does so within this time from the program's beginning."""

_BIRTHS: Final = frozenset({FactKind.FORK, FactKind.VFORK, FactKind.CLONE})
#: Conditions that only /proc tells: letters of a task's state.
_SEEN: Final = {"asleep": "S"}


class _TellingKernel(LinuxKernel):
    """Tells of each birth before the tracer learns of it, so that tasks can be named."""

    born: Callable[[int, int], None]

    def next_fact(self, tid: int, request: int, signo: int, /) -> Fact:
        fact = super().next_fact(tid, request, signo)
        if fact[1] in _BIRTHS:
            self.born(fact[0], fact[2])
        return fact


class Play:
    """One run on Linux: a `Stage` for scripted engines.

    Attributes:
        log: what was reported and done, as `World.log`.
        names: labels by the tid that a task had first.
        tasks: every task that an engine was told of, by label.
    """

    def __init__(self, scenario: Scenario, text: Path, lots: random.Random) -> None:
        self.scenario = scenario
        self.log: list[Entry] = []
        self.names: dict[int, str] = {}
        self.tasks: dict[str, Task] = {}
        self.ops = {script.name: script.make(self) for script in scenario.engines}
        self._text = text
        self._lots = lots
        self._over = threading.Event()
        self._children: dict[str, int] = {}
        self._cloning: dict[str, Task] = {}
        self._engines: dict[tuple[str, str], Engine] = {}
        self._examiners: dict[tuple[str, str], Examiner] = {}
        self._sights = Sights()
        self._writing = threading.Lock()
        self._has_begun = False
        self._finished: set[str] = set()
        self._failures: list[BaseException] = []
        self._session = Session(
            kernel=self._kernel, serial=scenario.serial, when_blocked=scenario.blocked.value
        )

    def _kernel(self) -> LinuxKernel:
        kernel = _TellingKernel()
        kernel.born = self._born
        return kernel

    # -- the run ----------------------------------------------------------------------------------

    def run(self) -> None:
        """Run it to its end.

        Raises:
            AssertionError: it does not end, or something is left behind.
        """
        guest = str(build("guest"))
        with self._session as session:
            outsiders = [
                threading.Thread(target=self._interfere, args=(outsider,), name=outsider.name)
                for outsider in self.scenario.outsiders
            ]
            session.spawn([guest, str(self._text), "main"], [Usher(self._let_in)], env={})
            for outsider in outsiders:
                outsider.start()
            try:
                session.run(DEADLINE_S)
            except TimeoutError as error:
                lines = "\n".join(map(str, self.log))
                raise AssertionError(f"{self.scenario.name} does not end:\n{lines}") from error
            finally:
                self._over.set()
                session.loop.ring()
                for outsider in outsiders:
                    outsider.join(DEADLINE_S)
            assert not self._failures, self._failures
            assert not [fault for fault in session.faults if "Scripted" not in repr(fault.__cause__)]
            self._check_nothing_is_left()

    def _check_nothing_is_left(self) -> None:
        assert self._session.loop.tracees.is_empty()
        for label, task in self.tasks.items():
            record = task._tracee.task
            assert not record.held, label
            assert not record.engines, label
            assert not record.mask, label
            assert record.pending is ResumeAction.RESUME, label

    def _let_in(self, task: Task) -> None:
        self.tasks["m"] = task
        self.names[task.tid] = "m"
        for script in self.scenario.engines:
            if script.attached:
                self._engines["m", script.name] = task.attach(self.ops[script.name])
        self._has_begun = True

    # -- outside callers --------------------------------------------------------------------------

    def _interfere(self, outsider: Outsider) -> None:
        try:
            for _ in range(outsider.times):
                if not self._wait_for(outsider):
                    return
                for deed in outsider.deeds:
                    self.perform(deed, None)
            self._finished.add(outsider.name)
            self._session.loop.ring()
        except BaseException as error:  # noqa: BLE001 — shown by the test
            self._failures.append(error)

    def _wait_for(self, outsider: Outsider) -> bool:
        """Wait until the outsider may act; false: all is over."""
        loop = self._session.loop
        known = [each for each in outsider.conditions if each.what not in _SEEN]
        seen = [each for each in outsider.conditions if each.what in _SEEN]

        def is_over() -> bool:
            return loop.quiet.is_set()

        def may_act() -> bool:
            if not self._has_begun or self._tracee(outsider.on) is None:
                return False
            return all(map(self._is_met, known)) if outsider.when else self._is_ready(outsider.deeds[0])

        with loop.entered():
            loop.wait_for(lambda: may_act() or is_over(), DEADLINE_S)
            if not may_act():
                return False
        if not outsider.when:
            # At any moment: this run's.
            self._over.wait(self._lots.uniform(0, ANY_MOMENT_S))
        for each in seen:
            wait_until(
                lambda each=each: is_over() or self._state(each.on) in _SEEN[each.what],  # type: ignore[misc]
                DEADLINE_S,
                f"{outsider.name}: {outsider.when}",
            )
        return not is_over()

    def _is_met(self, condition: Condition) -> bool:
        if condition.what == "after":
            return condition.name in self._finished
        tracee = self._tracee(condition.on)
        return tracee is not None and condition.is_met(tracee, self._engine(condition.on, condition.engine))

    def _state(self, label: str) -> str:
        task = self.tasks.get(label)
        return "-" if task is None else task_state(task.tid) or "-"

    def _is_ready(self, deed: Deed) -> bool:
        if not deed.engine or deed.verb == "attach":
            return True
        return self._engine(deed.on, deed.engine) is not None

    def _tracee(self, label: str) -> LiveTracee | None:
        task = self.tasks.get(label)
        return None if task is None else task._tracee

    def _engine(self, label: str, name: str) -> Engine | None:
        """Find an engine, also one that followed its task's parent, or has left."""
        if not name:
            return None
        task = self.tasks.get(label)
        known = self._engines.get((label, name))
        if known is None and task is not None:
            found = [
                engine
                for engine in self._session.loop.engines_on(task._tracee)
                if engine.client is self.ops[name]
            ]
            if found:
                known = self._engines[label, name] = found[0]
        return known

    # -- what engines and outside callers do ------------------------------------------------------

    def perform(self, deed: Deed, task: Task | None) -> None:
        """Do one deed and log how it ended, at the place where it was begun unless it is one that waits."""
        label = deed.on
        if deed.on == "child" and task is not None:
            label = self._label_of(self._cloning[self._label_of(task)])
        elif not deed.on and task is not None:
            label = self._label_of(task)
        waits = deed.verb in {"barrier", "prepare"}
        place = 0
        if not waits:
            with self._writing:
                place = len(self.log)
                self.log.append(Entry("deed", label, deed.engine, str(deed), ()))
        try:
            outcome = self._perform(deed, label)
        except UtraceError as error:
            outcome = type(error).__name__
        entry = Entry("deed", label, deed.engine, str(deed), (outcome,))
        if waits:
            self._write(entry)
        else:
            self.log[place] = entry

    def _write(self, entry: Entry) -> None:
        with self._writing:
            self.log.append(entry)

    def _perform(self, deed: Deed, label: str) -> str:  # noqa: C901, PLR0911, PLR0912 — a case for each verb
        loop = self._session.loop
        task = self.tasks[label]
        if deed.verb in SIGHTS:
            return self._sights.perform(deed, label, task)
        match deed.verb:
            case "kill" | "tgkill":
                with loop.entered():
                    if task._tracee.task.life is TaskLife.REAPED:
                        return "False"
                    send = loop.kernel.kill if deed.verb == "kill" else loop.kernel.tgkill
                    return str(send(task.tid, deed.signo))
            case "attach":
                stopped = deed.action is ResumeAction.STOP
                self._engines[label, deed.engine] = task.attach(self.ops[deed.engine], stopped=stopped)
                return "attached"
            case "set_regs":
                task.regs = task.regs
                return "True"
            case _:
                engine = self._engine(label, deed.engine)
                assert engine is not None, deed
        match deed.verb:
            case "control":
                return engine.control(deed.action).name
            case "set_events":
                return engine.set_events(deed.events).name
            case "barrier":
                return "DONE" if engine.barrier(DEADLINE_S) else "IN_PROGRESS"
            case "prepare":
                self._examiners[label, deed.engine] = engine.prepare_examine(DEADLINE_S)
                return "prepared"
            case "finish":
                examiner = self._examiners.pop((label, deed.engine), None)
                if examiner is None:
                    return "nothing"
                engine.finish_examine(examiner)
                return "undisturbed"
            case _:
                message = f"no deed is called {deed.verb}"
                raise ValueError(message)

    # -- names ------------------------------------------------------------------------------------

    def _born(self, maker: int, child: int) -> None:
        tracee = self._session.loop.tracees.by_tid.get(maker)
        if tracee is not None:
            self.names.setdefault(child, self._next_child(self._label_of(tracee.handle)))

    def _next_child(self, mother: str) -> str:
        self._children[mother] = self._children.get(mother, 0) + 1
        return f"{mother}.{self._children[mother]}"

    def _label_of(self, task: Task) -> str:
        for label, known in self.tasks.items():
            if known is task:
                return label
        label = self.names.get(task.tid, "m")
        self.tasks[label] = task
        return label

    # -- a stage for scripted engines -------------------------------------------------------------

    def started(self, ops: ScriptedEngine, task: Task, key: Event, detail: Detail) -> None:
        """Log a callback."""
        label = self._label_of(task)
        if key is Event.CLONE and isinstance(detail[0], Task):
            child = detail[0]
            if child.tid not in self.names:
                # The kernel did not tell of it: its mother was killed.
                self.names[child.tid] = self._next_child(label)
            self._label_of(child)
            self._cloning[label] = child
        shown = tuple(self._label_of(part) if isinstance(part, Task) else part for part in detail)
        name = (key.name or "REPORT") if key else "REPORT"
        self._write(Entry("call", label, ops.name, name, shown))

    def pause(self) -> None:
        """Let nobody in: what is to happen in a callback is done there."""

    def ended(self, ops: ScriptedEngine, task: Task, key: Event, answer: Answer) -> None:
        """Leave it to the loop."""

    def released(self, ops: ScriptedEngine, engine: Engine) -> None:
        """Log the release of an engine."""
        for label, task in list(self.tasks.items()):
            if task._tracee.task is engine.task:
                self._write(Entry("release", label, ops.name, "", ()))
                return
        raise AssertionError(f"{engine!r} is released from a task that nobody knows")
