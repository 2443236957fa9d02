"""Engines of one's own under exploration: bugs in them are found, and one without bugs passes."""

from __future__ import annotations

from utrace import Answer, EngineOps, Event, ResumeAction, Syscall, Task
from utrace.testing import Budget, Exhaustive, Outsider, Scenario, control, explore, own, replay

TWO_CALLS = "program main {\n  syscall getuid\n  syscall getpid\n}\n"


class StopsAtTheSecond(EngineOps):
    """Stops a task at its second system call, and lets go of it at the first chance."""

    events = Event.QUIESCE | Event.SYSCALL_ENTRY

    def __init__(self) -> None:
        self.seen = 0

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        self.seen += 1
        return ResumeAction.STOP if self.seen == 2 else None


class DividesByCalls(EngineOps):
    """Has a bug that shows only where somebody outside was quick enough to ask before the first call."""

    events = Event.QUIESCE | Event.SYSCALL_ENTRY

    def __init__(self) -> None:
        self.seen = 0
        self.rates: list[float] = []

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        self.seen += 1
        task.engine(self)
        return None

    def report_quiesce(self, task: Task, event: Event) -> Answer:
        if not event:
            self.rates.append(1 / self.seen)
        return None


def test_an_engine_that_is_let_go_breaks_no_law() -> None:
    frees = Outsider("frees", (control("mine", ResumeAction.RESUME, "m"),), when="wants mine")
    scenario = Scenario("own", TWO_CALLS, (own("mine", StopsAtTheSecond),), (frees,))
    report = explore(scenario, Exhaustive(), Budget(runs=2_000))
    assert report.failure is None, str(report.failure)
    assert report.complete


def test_an_engine_that_nobody_lets_go_of_is_found_to_hang() -> None:
    report = explore(
        Scenario("own", TWO_CALLS, (own("mine", StopsAtTheSecond),)), Exhaustive(), Budget(runs=2_000)
    )
    assert report.failure is not None
    assert "nothing can move" in str(report.failure.error)


def test_a_race_in_an_engine_is_found_and_its_schedule_replays() -> None:
    asks = Outsider("asks", (control("mine", ResumeAction.REPORT, "m"),))
    scenario = Scenario("own", TWO_CALLS, (own("mine", DividesByCalls),), (asks,))
    report = explore(scenario, Exhaustive(), Budget(runs=5_000))
    assert report.failure is not None
    assert isinstance(report.failure.error, ZeroDivisionError)
    again = replay(scenario, report.failure.schedule)
    assert again is not None
    assert isinstance(again.error, ZeroDivisionError)
