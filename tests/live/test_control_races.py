"""control, examine and SIGKILL from several threads at once, a thousand times.

The contract: STOP of a running task is IN_PROGRESS, a quiesce report follows, what is then read is
one consistent picture or `finish_examine` says that it is not; and however a kill falls, each task
reports EXIT, DEATH and REAP once, in this order, and its engine is released once.
"""

from __future__ import annotations

import collections
import contextlib
import os
import random
import signal
import threading
from typing import TYPE_CHECKING

import pytest

import utrace
from tests.waiting import wait_until
from utrace import Event, Outcome, ResumeAction

if TYPE_CHECKING:
    from tests.conftest import TraceeFactory

ROUNDS = 1000
SCRATCH_BYTES = 16


class Watcher(utrace.EngineOps):
    """Writes down the reports of one task."""

    events = Event.QUIESCE | Event.EXIT | Event.DEATH | Event.REAP

    def __init__(self) -> None:
        self.quiet = threading.Event()
        self.log: list[str] = []

    def report_quiesce(self, _task: utrace.Task, event: Event) -> None:
        if not event:
            self.quiet.set()

    def report_exit(self, _task: utrace.Task, _code: int) -> None:
        self.log.append("exit")

    def report_death(self, _task: utrace.Task, _group_dead: bool, _signal: int) -> None:
        self.log.append("death")

    def report_reap(self, _task: utrace.Task) -> None:
        self.log.append("reap")

    def release(self, _engine: utrace.Engine) -> None:
        self.log.append("release")


def stop_and_change(engine: utrace.Engine) -> Outcome:
    """Stop the task, change a register and memory back and forth, let it run."""
    outcome = engine.control(ResumeAction.STOP)
    with engine.examining(timeout_s=20) as task:
        registers = task.regs
        before = task.memory[registers.sp : registers.sp + SCRATCH_BYTES]
        task.memory.write(registers.sp, bytes(SCRATCH_BYTES))
        assert task.memory[registers.sp : registers.sp + SCRATCH_BYTES] == bytes(SCRATCH_BYTES)
        task.memory.write(registers.sp, before)
        task.regs = registers
    assert engine.control(ResumeAction.RESUME) is Outcome.DONE
    return outcome


@pytest.mark.law("INV-17", "INV-18")
@pytest.mark.parametrize("program", ["spins", "pauses"])
def test_control_stop_of_a_running_task_quiesces_it_and_resume_lets_it_run(
    tracee: TraceeFactory, program: str
) -> None:
    running = tracee(program)
    assert running.read_line()
    watcher = Watcher()
    with utrace.Session() as session:
        task = session.attach(running.pid, [watcher])
        engine = task.engine(watcher)
        for _ in range(50):
            watcher.quiet.clear()
            # Until the wake-up is done the task still stands, and STOP would be DONE at once.
            wait_until(lambda: not task.is_held, 20, "the task runs")
            assert stop_and_change(engine) is Outcome.IN_PROGRESS
            assert watcher.quiet.is_set()
        wait_until(lambda: not task.is_held, 20, "the task runs")
        assert engine.control(ResumeAction.STOP) is Outcome.IN_PROGRESS
        engine.prepare_examine(timeout_s=20)
        assert engine.control(ResumeAction.STOP) is Outcome.DONE
        assert task.is_held
        assert engine.control(ResumeAction.RESUME) is Outcome.DONE
    assert watcher.log == ["release"]


@pytest.mark.law("INV-1", "INV-7", "INV-23", "INV-31", "INV-33")
def test_control_and_examine_against_sigkill_at_random_moments_never_hang_or_lie() -> None:
    chance = random.Random(2026)  # noqa: S311 — repeatable chance
    outcomes: collections.Counter[str] = collections.Counter()
    programs = (["sh", "-c", "while :; do :; done"], ["sleep", "1000"])
    with utrace.Session() as session:
        for round_number in range(ROUNDS):
            watcher = Watcher()
            task = session.spawn(programs[round_number % 2], [watcher])
            engine = task.engine(watcher)
            delay_s = chance.random() * 0.002
            killer = threading.Timer(delay_s, os.kill, (task.pid, signal.SIGKILL))
            killer.start()
            try:
                for _ in range(3):
                    outcomes[stop_and_change(engine).name] += 1
            except utrace.UtraceError as error:
                outcomes[type(error).__name__] += 1
            killer.join()
            wait_until(lambda: "release" in watcher.log, 20, "the release of the engine")  # noqa: B023
            assert watcher.log == ["exit", "death", "reap", "release"]
        assert session.run(timeout_s=20) == 128 + signal.SIGKILL
        assert session.faults == []
        assert session.tasks == []
    assert set(outcomes) <= {"IN_PROGRESS", "DONE", "TaskGone", "Disturbed", "BadAddress"}, outcomes
    assert outcomes["IN_PROGRESS"], outcomes
    assert outcomes["TaskGone"] + outcomes["Disturbed"], "no kill fell into an examination"


def test_control_from_many_threads_on_a_task_that_makes_calls_all_the_time_is_served() -> None:
    """A thread that wants the lock gets it, however many stops there are."""
    watcher = Watcher()

    class Everything(utrace.EngineOps):
        events = Event.SYSCALL
        calls = 0

        def report_syscall_entry(self, _task: utrace.Task, _call: utrace.Syscall) -> None:
            self.calls += 1

        def report_syscall_exit(self, _task: utrace.Task, _call: utrace.Syscall) -> None:
            pass

    everything = Everything()
    rounds = 20
    done: list[int] = []
    with utrace.Session() as session:
        task = session.spawn(["sh", "-c", "while :; do kill -0 $$; done"], [watcher, everything])
        engine = task.engine(watcher)

        def ask() -> None:
            for _ in range(rounds):
                engine.control(ResumeAction.REPORT)
            done.append(rounds)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert done == [rounds] * 4
        wait_until(lambda: everything.calls > 100, 20, "a hundred calls")
        with contextlib.suppress(ProcessLookupError):
            os.kill(task.pid, signal.SIGKILL)
        session.run(timeout_s=20)
