"""Engines whose answers are written down beforehand, and what they and outside callers may do.

A script is a table: for each kind of report the answers to give, one after the other, counted for each
task by itself; when they are used up the engine has no opinion.  An answer may come with deeds that
are done inside the callback, before it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from utrace.core.events import Event
from utrace.core.verdicts import Answer, ResumeAction
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from utrace.tracehook.group_stop import JobControl
    from utrace.tracer.engine import Engine
    from utrace.tracer.signal import SignalReport
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

BEFORE_USER_MODE: Final = Event(0)
"""The key of a script for reports that were asked for: quiesce, SIGNAL_REPORT or SIGNAL_HANDLER."""

Detail: TypeAlias = tuple[object, ...]


class ScriptedFault(Exception):
    """What a scripted callback raises when its script says so."""


class Stage(Protocol):
    """Where scripted engines play: `World` is one; a test that runs on Linux has another."""

    def started(self, ops: ScriptedEngine, task: Task, key: Event, detail: Detail) -> None:
        """Take note that a callback has begun."""
        ...

    def pause(self) -> None:
        """Let others act while a callback runs."""
        ...

    def ended(self, ops: ScriptedEngine, task: Task, key: Event, answer: Answer) -> None:
        """Take note of what it is about to answer."""
        ...

    def perform(self, deed: Deed, task: Task | None) -> None:
        """Do one deed; `task`: the one whose callback does it, None for an outside caller."""
        ...

    def released(self, ops: ScriptedEngine, engine: Engine) -> None:
        """Take note that an engine's client was told to clean up."""
        ...


@dataclass(frozen=True)
class Deed:
    """Something that an engine does inside a callback, or an outside caller at any moment.

    Attributes:
        verb: "control", "set_events", "attach", "barrier", "prepare", "finish", "kill", "tgkill", "raise",
            "set_regs", "make_up", or one of `sights.SIGHTS`.
        engine: whose handle it is done with, or, for "attach", whose script.
        on: label of the task; "" for the callback's own; "child" for the child of a clone report.
        action: of "control".
        events: of "set_events".
        signo: of "kill", "tgkill", "make_up" and "at_handler".
        call: of "change_call": a name in `guest.SYSCALL_NUMBERS`.
    """

    verb: str
    engine: str = ""
    on: str = ""
    action: ResumeAction = ResumeAction.RESUME
    events: Event = BEFORE_USER_MODE
    signo: int = 0
    call: str = ""

    def __str__(self) -> str:
        what = {
            "control": self.action.name,
            "set_events": f"{int(self.events):#x}",
            "kill": str(self.signo),
            "tgkill": str(self.signo),
            "make_up": str(self.signo),
            "at_handler": str(self.signo),
            "change_call": self.call,
        }.get(self.verb, "")
        return " ".join(word for word in (self.verb, self.engine, what, self.on and f"on {self.on}") if word)


def control(engine: str, action: ResumeAction, on: str = "") -> Deed:
    """Call `Engine.control`."""
    return Deed("control", engine, on, action=action)


def detach(engine: str, on: str = "") -> Deed:
    """Call `Engine.detach`."""
    return Deed("control", engine, on, action=ResumeAction.DETACH)


def set_events(engine: str, events: Event, on: str = "") -> Deed:
    """Call `Engine.set_events`."""
    return Deed("set_events", engine, on, events=events)


def attach(engine: str, on: str = "", *, stopped: bool = False) -> Deed:
    """Attach another engine of the scenario to a task."""
    return Deed("attach", engine, on, action=ResumeAction.STOP if stopped else ResumeAction.RESUME)


def barrier(engine: str, on: str = "") -> Deed:
    """Ask whether a callback of the engine is running; from outside, what follows waits until none is."""
    return Deed("barrier", engine, on)


def prepare_examine(engine: str, on: str = "") -> Deed:
    """Begin to examine a task; what follows waits until it stands still."""
    return Deed("prepare", engine, on)


def finish_examine(engine: str, on: str = "") -> Deed:
    """End the examination."""
    return Deed("finish", engine, on)


def kill(signo: int, on: str = "m") -> Deed:
    """Send a signal to a process."""
    return Deed("kill", on=on, signo=signo)


def tgkill(signo: int, on: str = "m") -> Deed:
    """Send a signal to one thread."""
    return Deed("tgkill", on=on, signo=signo)


def fault() -> Deed:
    """Raise from the callback."""
    return Deed("raise")


def make_up(signo: int) -> Deed:
    """Put a number where the report has no signal, or another one."""
    return Deed("make_up", signo=signo)


def touch_registers() -> Deed:
    """Read the registers and write them back, as an engine that looks at the task does."""
    return Deed("set_regs")


def look(on: str = "") -> Deed:
    """See whether the stopped task has moved since somebody looked last: "seen", "still" or "moved"."""
    return Deed("look", on=on)


def at_handler(signo: int, on: str = "") -> Deed:
    """See whether the stopped task stands at the first instruction of the handler of a signal."""
    return Deed("at_handler", on=on, signo=signo)


def change_call(call: str, on: str = "") -> Deed:
    """Have the task, stopped at the entry of a system call, make another one."""
    return Deed("change_call", on=on, call=call)


def is_leader(on: str = "") -> Deed:
    """See whether the task has the tid of its process."""
    return Deed("is_leader", on=on)


@dataclass(frozen=True)
class Say:
    """An answer, and what is done before it is given."""

    answer: Answer
    deeds: tuple[Deed, ...] = ()


def say(answer: Answer, *deeds: Deed) -> Say:
    """Make an answer with deeds."""
    return Say(answer, deeds)


@dataclass(frozen=True)
class Script:
    """One engine of a scenario.

    Attributes:
        name: one word.
        events: what it asks for when attached.
        answers: by event what it answers; `BEFORE_USER_MODE` for reports asked for, `Event.QUIESCE` for
            quiesce reports of an event, `Event.SIGNAL` for every real signal.
        follow: whether children get it too.
        attached: whether it is on the program from the start; otherwise a deed attaches it.
        syscalls: names of the calls it is told of; None for all.
    """

    name: str
    events: Event
    answers: Mapping[Event, Sequence[Answer | Say]] | None = None
    follow: bool = True
    attached: bool = True
    syscalls: Collection[str] | None = None

    def make(self, stage: Stage) -> ScriptedEngine:
        """Make the engine of one run."""
        signals = bool(self.events & Event.SIGNAL_ALL) or Event.SIGNAL in (self.answers or ())
        return (ScriptedSignals if signals else ScriptedEngine)(self, stage)


class ScriptedEngine(EngineOps):
    """Plays a `Script`."""

    def __init__(self, script: Script, stage: Stage) -> None:
        self.script = script
        self.name = script.name
        self.events = script.events
        self.follow = script.follow
        self.syscalls = script.syscalls
        self._stage = stage
        self._answers = script.answers or {}
        self._given: dict[tuple[object, Event], int] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _play(
        self,
        task: Task,
        key: Event,
        detail: Detail,
        make_up: Callable[[int], None] | None = None,
    ) -> Answer:
        stage = self._stage
        stage.started(self, task, key, detail)
        answers = self._answers.get(key)
        answer: Answer = None
        if answers:
            given = self._given.get((task.id, key), 0)
            if given < len(answers):
                self._given[task.id, key] = given + 1
                said = answers[given]
                if isinstance(said, Say):
                    answer = said.answer
                    stage.pause()
                    for deed in said.deeds:
                        self._do(deed, task, make_up)
                else:
                    answer = said
        stage.pause()
        stage.ended(self, task, key, answer)
        return answer

    def _do(self, deed: Deed, task: Task, make_up: Callable[[int], None] | None) -> None:
        if deed.verb == "raise":
            self._stage.ended(self, task, BEFORE_USER_MODE, ResumeAction.DETACH)
            raise ScriptedFault(self.name)
        if deed.verb == "make_up":
            if make_up is not None:
                make_up(deed.signo)
        else:
            self._stage.perform(deed, task)

    def report_quiesce(self, task: Task, event: Event) -> Answer:
        """Play the script."""
        if not event:
            return self._play(task, BEFORE_USER_MODE, ("quiesce",))
        return self._play(task, Event.QUIESCE, (event.name,))

    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        """Play the script."""
        return self._play(task, Event.CLONE, (child, clone_flags))

    def report_exec(self, task: Task) -> Answer:
        """Play the script."""
        return self._play(task, Event.EXEC, ())

    def report_exit(self, task: Task, code: int) -> Answer:
        """Play the script."""
        return self._play(task, Event.EXIT, (code,))

    def report_death(self, task: Task, group_dead: bool, signal: int) -> Answer:  # noqa: FBT001 — EngineOps'
        """Play the script."""
        return self._play(task, Event.DEATH, (group_dead, signal))

    def report_reap(self, task: Task) -> None:
        """Play the script."""
        self._play(task, Event.REAP, ())

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Play the script."""
        return self._play(task, Event.SYSCALL_ENTRY, (call.nr, "resumed") if call.resumed else (call.nr,))

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        """Play the script."""
        return self._play(task, Event.SYSCALL_EXIT, (call.nr, call.result))

    def report_jctl(self, task: Task, job_control: JobControl) -> Answer:
        """Play the script."""
        return self._play(task, Event.JCTL, (job_control.type, job_control.notify))

    def release(self, engine: Engine) -> None:
        """Take note."""
        self._stage.released(self, engine)


class ScriptedSignals(ScriptedEngine):
    """Plays a `Script` with signals in it: SIGNAL_REPORT comes in the place of a bare quiesce report."""

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        """Play the script."""

        def make_up(signo: int) -> None:
            signal.signo = signo

        if signal.is_report:
            return self._play(task, BEFORE_USER_MODE, (signal.action.name, signal.signo), make_up)
        return self._play(task, Event.SIGNAL, (signal.signo, signal.action.name), make_up)
