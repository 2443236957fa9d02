"""A back end without a kernel: it runs a task's passes, answers by a script and writes all down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from utrace.core.engine_life import Engine
from utrace.core.events import Event
from utrace.core.laws import check
from utrace.core.reporting import Pause, Reply, Wake
from utrace.core.task_life import Need, TaskId, TracedTask
from utrace.core.verdicts import Answer, ResumeAction

if TYPE_CHECKING:
    from collections.abc import Generator

ARCH = 0xC000003E

Act: TypeAlias = Callable[[], Answer]
"""Something done inside a callback, before it answers."""
Script: TypeAlias = Answer | Act | Sequence[Answer | Act]
"""One answer for every call, or a list: one for each, and None when it is used up."""


def doing(what: Callable[[], object], answer: Answer = None) -> Act:
    """Do something inside a callback, then answer."""

    def act() -> Answer:
        what()
        return answer

    return act


class Client:
    """The ops of a scripted engine."""

    def __init__(self, name: str, script: Mapping[str, Script]) -> None:
        self.name = name
        self.turns = {
            callback: list(answers) if isinstance(answers, Sequence) else [answers]
            for callback, answers in script.items()
        }
        self.endless = {callback for callback, answers in script.items() if not isinstance(answers, Sequence)}

    def answer(self, callback: str) -> Answer:
        turns = self.turns.get(callback)
        if not turns:
            return None
        answer = turns[0] if callback in self.endless else turns.pop(0)
        return answer() if callable(answer) else answer


Way: TypeAlias = "Generator[Engine | Pause, Reply, bool] | Generator[Engine | Pause, Reply, None]"


class BackEnd:
    """One task, and what happened to it.

    Attributes:
        log: callbacks as "A.quiesce", stops as "held", in order.
        views: the merged action that each callback was shown.
        released: engines whose client was told to clean up, as far as `asked` has taken.
    """

    def __init__(self) -> None:
        self.needs: list[tuple[TracedTask, Need, Engine | None]] = []
        self.task = TracedTask(TaskId(100, 1), self.needs)
        self.log: list[str] = []
        self.views: list[ResumeAction] = []
        self.released: list[Engine] = []
        self._way: Way | None = None

    def engine(
        self,
        name: str,
        mask: int = 0,
        *,
        syscalls: Mapping[int, frozenset[int]] | None = None,
        signal_callback: bool = True,
        link: bool = True,
        **script: Script,
    ) -> Engine:
        """Make an engine, linked to the task with its mask unless told not to."""
        engine = Engine(self.task, Client(name, script), syscalls=syscalls, signal_callback=signal_callback)
        engine.mask = mask
        if link:
            self.task.link(engine)
        return engine

    def go(self, way: Way) -> Pause | bool | None:
        """Run one way through the kernel until the task is held or the way ends."""
        self._way = way
        return self._send(None)

    def let_run(self) -> Pause | bool | None:
        """Wake the held task, which must have been asked for."""
        assert Need.WAKE in self.asked()
        return self._send(Wake.LET_RUN)

    def kill(self) -> Pause | bool | None:
        """Break the stop by SIGKILL."""
        return self._send(Wake.KILLED)

    def asked(self) -> list[Need]:
        """Take what the task has asked for since the last time."""
        asked = [need for _, need, _ in self.needs]
        self.released += [engine for _, need, engine in self.needs if need is Need.RELEASE and engine]
        self.needs.clear()
        return asked

    def _send(self, reply: Reply) -> Pause | bool | None:
        way = self._way
        assert way is not None
        try:
            while True:
                effect = way.send(reply)
                check(self.task)
                if not isinstance(effect, Engine):
                    self.log.append(effect.name.lower())
                    return effect
                client = effect.ops
                assert isinstance(client, Client)
                callback = (Event(self.task.callback).name or "?").lower()
                self.log.append(f"{client.name}.{callback}")
                self.views.append(self.task.action)
                reply = client.answer(callback)
                check(self.task)
        except StopIteration as end:
            check(self.task)
            ended: bool | None = end.value
            return ended
