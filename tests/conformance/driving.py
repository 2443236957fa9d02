"""A tracer of a few lines that writes down what a kernel tells, the same for Linux and for SimKernel.

It lets every task go on from every stop, as a scenario's `Plan` says.  What it saw is a log for each
task, in which tids are replaced by names that follow from the births: "m" is the program, "m.1" the first
task it made, "?" a task whose birth was hidden by a kill.  The order of facts of different tasks is not
part of a log: kernels are free there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from utrace.kernel.api import Fact, FactKind, Kernel, ResumeRequest, Tid
from utrace.testing.guest import MARKER

Log: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""(task's name, its facts), sorted by name."""

FACTS_MAX: Final = 20_000

_SIGKILL: Final = 9

_BIRTHS: Final = frozenset({FactKind.FORK, FactKind.VFORK, FactKind.CLONE})
_NOBODY_LEFT: Final = frozenset({FactKind.DEATH, FactKind.REAPED, FactKind.ZOMBIE_LEADER})
_SHOWN_AS_TID: Final = frozenset({*_BIRTHS, FactKind.VFORK_DONE, FactKind.EXEC, FactKind.SYSCALL_EXIT})

Step: TypeAlias = Callable[[Kernel, Tid], object]
"""Done at a stop, before the task is resumed."""


@dataclass(frozen=True)
class Plan:
    """What the tracer does.

    Attributes:
        request: how tasks are resumed where `requests` says nothing else.
        requests: how a task is resumed at its n-th fact of a kind: {(name, kind, n): request}.
        steps: what else is done at that stop, before.
        after: what is done right after the task was resumed, in a race with it.
        drop: signals not to be delivered.
        on_zombie: signal sent to a leader when it is told to be a zombie; 0: none.
    """

    request: ResumeRequest = ResumeRequest.SYSCALL
    requests: Mapping[tuple[str, FactKind, int], ResumeRequest] = field(default_factory=dict)
    steps: Mapping[tuple[str, FactKind, int], Step] = field(default_factory=dict)
    after: Mapping[tuple[str, FactKind, int], Step] = field(default_factory=dict)
    drop: frozenset[int] = frozenset()
    on_zombie: int = 0


class Diverged(Exception):
    """What is being observed is not the beginning of the expected log."""


class Observation:
    """One run of a program under a kernel.

    Args:
        expected: stop with `Diverged` as soon as the run cannot end in this log.
        has_startup: whether a program makes calls before its first step that are not to be shown, as on
            Linux; the last of them is `MARKER`.
    """

    def __init__(self, kernel: Kernel, plan: Plan, *, has_startup: bool, expected: Log | None = None) -> None:
        self._kernel = kernel
        self._plan = plan
        self._has_startup = has_startup
        self._names: dict[int, str] = {}
        self._births: dict[str, int] = {}
        self._facts: list[Fact] = []
        self._counts: dict[tuple[int, FactKind], int] = {}
        self._starting: dict[int, bool] = {}
        self._hung = False
        self._expected = None if expected is None else dict(expected)
        self.facts_expected = 0
        """How many facts have been as expected."""

    def run(self, tid: int) -> Log:
        """Resume `tid` and everyone who stops, until nobody is left."""
        self._names[tid] = "m"
        request, signo = int(self._plan.request), 0
        after: Step | None = None
        for _ in range(FACTS_MAX):
            if after is not None:
                self._kernel.resume(tid, request, signo)
                after(self._kernel, Tid(tid))
                tid = 0
            fact = self._kernel.next_fact(tid, request, signo)
            if fact[1] == FactKind.NO_TRACEES:
                assert not self._hung, f"nothing more came after {self._log()}"
                return self._log()
            tid, request, signo, after = self._answer(fact)
        raise AssertionError(f"no end after {FACTS_MAX} facts: {self._facts[-20:]}")

    def end(self) -> None:
        """Kill everyone and wait for the end of all, so that the next run finds nobody."""
        self._kill_all()
        tid = 0
        while (fact := self._kernel.next_fact(tid, ResumeRequest.CONT, 0))[1] != FactKind.NO_TRACEES:
            tid = 0 if fact[1] in _NOBODY_LEFT else fact[0]

    def _kill_all(self) -> None:
        for known in self._names:
            self._kernel.kill(known, _SIGKILL)

    def _answer(self, fact: Fact) -> tuple[int, int, int, Step | None]:
        tid, number, value, detail = fact
        kind = FactKind(number)
        if kind is FactKind.BELL:
            self._hung = True
            self._kill_all()
            return (0, 0, 0, None)
        if self._belongs_to_startup(tid, kind, value):
            return (tid, ResumeRequest.SYSCALL, 0, None)
        self._facts.append(fact)
        self._compare(fact)
        if kind is FactKind.ZOMBIE_LEADER and self._plan.on_zombie:
            self._kernel.kill(tid, self._plan.on_zombie)
        if kind in _NOBODY_LEFT:
            return (0, 0, 0, None)
        if kind in _BIRTHS:
            name = self._name(tid)
            self._births[name] = self._births.get(name, 0) + 1
            self._names[value] = f"{name}.{self._births[name]}"
        count = self._counts.get((tid, kind), 0) + 1
        self._counts[tid, kind] = count
        where = (self._name(tid), kind, count)
        step = self._plan.steps.get(where)
        if step is not None:
            step(self._kernel, Tid(tid))
        usual = ResumeRequest.LISTEN if kind is FactKind.GROUP_STOP else self._plan.request
        request = self._plan.requests.get(where, usual)
        signo = value if kind is FactKind.SIGNAL and self._is_delivered(value, detail) else 0
        return (tid, request, signo, self._plan.after.get(where))

    def _belongs_to_startup(self, tid: int, kind: FactKind, value: int) -> bool:
        if kind is FactKind.EXEC and self._plan.request is ResumeRequest.SYSCALL:
            self._starting[tid] = not self._has_startup
        if tid not in self._starting or kind not in {FactKind.SYSCALL_ENTRY, FactKind.SYSCALL_EXIT}:
            return False
        if kind is FactKind.SYSCALL_ENTRY:
            self._starting[tid] = value == MARKER
        elif self._starting[tid]:
            del self._starting[tid]
        return True

    def _is_delivered(self, signo: int, detail: object) -> bool:
        # si_code equal to the signal: the step trap at a handler's first instruction, not a signal
        return signo not in self._plan.drop and _si_code(detail) != signo

    def _name(self, tid: int) -> str:
        return self._names.get(tid, "?")

    def _compare(self, fact: Fact) -> None:
        name = self._names.get(fact[0])
        if self._expected is None or name is None:
            return
        so_far = [
            self._show(FactKind(number), value, detail)
            for tid, number, value, detail in self._facts
            if tid == fact[0]
        ]
        expected = self._expected.get(name, ())[: len(so_far)]
        if FactKind(fact[1]) in _BIRTHS:
            so_far, expected = so_far[:-1], expected[: len(so_far) - 1]  # the child has no name yet
        if tuple(so_far) != tuple(expected):
            raise Diverged
        self.facts_expected += 1

    def _log(self) -> Log:
        logs: dict[int, list[str]] = {}
        for tid, number, value, detail in self._facts:
            logs.setdefault(tid, []).append(self._show(FactKind(number), value, detail))
        return tuple(sorted((self._name(tid), tuple(facts)) for tid, facts in logs.items()))

    def _show(self, kind: FactKind, value: int, detail: object) -> str:
        if kind is FactKind.SIGNAL:
            return f"SIGNAL {value} code {_si_code(detail)}"
        if kind in _SHOWN_AS_TID and (kind is not FactKind.SYSCALL_EXIT or value in self._names):
            return f"{kind.name} {self._name(value)}"
        return f"{kind.name} {value}"


def _si_code(detail: object) -> int:
    assert isinstance(detail, bytes)
    return int.from_bytes(detail[8:12], "little", signed=True)
