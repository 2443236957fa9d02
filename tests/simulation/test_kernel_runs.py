"""Every run of small guests on SimKernel: nothing hangs, every death is told once, runs repeat."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.conformance.driving import Log, Observation, Plan
from utrace.kernel.api import FactKind, ResumeRequest, Spawn
from utrace.testing import (
    DepthFirst,
    Exit,
    ExitGroup,
    Fork,
    Kill,
    Pause,
    Programs,
    Random,
    Replay,
    RunCut,
    Schedule,
    Scheduler,
    SimKernel,
    Thread,
    Uneven,
    Wait,
    digest,
)

CONT = Plan(request=ResumeRequest.CONT)
SIGKILL = 9
FORK: Programs = {"main": (Fork((Exit(3),)), Wait())}
FORK_ONLY: Programs = {"main": (Fork((Exit(3),)),)}
THREAD: Programs = {"main": (Thread((Exit(3),)), ExitGroup(2))}
THREADS: Programs = {
    "main": (Thread((Exit(0),)), Thread((Pause(),)), Fork((Kill("parent", 15),)), ExitGroup(5))
}


def observe(
    programs: Programs, scheduler: Scheduler, *, killed: bool = False, atomic: bool = False
) -> tuple[Log, SimKernel]:
    kernel = SimKernel(programs, scheduler, atomic_tracer=atomic)
    tid = kernel.spawn(Spawn(b"main", [b"main"], []), exit_kill=True)
    if killed:
        kernel.add_signal_actor(tid, SIGKILL)
    return Observation(kernel, CONT, has_startup=False).run(tid), kernel


def all_logs(programs: Programs, explorer: DepthFirst, *, killed: bool, atomic: bool) -> set[Log]:
    logs: set[Log] = set()
    for _ in explorer.runs():
        try:
            log, kernel = observe(programs, explorer, killed=killed, atomic=atomic)
        except RunCut:
            continue
        assert not kernel.alive()
        logs.add(log)
    return logs


@pytest.mark.parametrize(
    ("programs", "killed", "atomic"),
    [(FORK, False, False), (FORK_ONLY, True, False), (THREAD, False, True)],
    ids=["fork", "killed fork", "thread"],
)
def test_every_run_ends_with_every_death_told_once(programs: Programs, killed: bool, atomic: bool) -> None:
    explorer = DepthFirst()
    for log in all_logs(programs, explorer, killed=killed, atomic=atomic):
        for _name, facts in log:
            assert Counter(fact.split()[0] for fact in facts)["DEATH"] == 1
            assert facts[-1].startswith("DEATH")
    assert explorer.complete


def test_sleep_sets_lose_no_outcome() -> None:
    reduced, whole = DepthFirst(), DepthFirst(sleep_sets=False)
    assert all_logs(FORK, reduced, killed=False, atomic=True) == all_logs(
        FORK, whole, killed=False, atomic=True
    )
    assert reduced.runs_made < whole.runs_made / 10


def test_kill_at_any_moment_hides_births_and_exits_but_no_death() -> None:
    logs = all_logs(FORK_ONLY, DepthFirst(), killed=True, atomic=False)
    facts = [dict(log) for log in logs]
    assert any("?" in log for log in facts)
    assert any(not any(fact.startswith("EXIT") for fact in log["m"]) for log in facts)


@pytest.mark.parametrize("kind", [Random, Uneven])
def test_found_schedule_is_made_again_from_its_text(kind: type[Random | Uneven]) -> None:
    for seed in range(100):
        log, kernel = observe(THREADS, kind(seed), killed=True)
        text = Schedule("threads", digest(THREADS), kernel.choices).text()
        schedule = Schedule.from_text(text)
        schedule.check("threads", digest(THREADS))
        again, repeated = observe(THREADS, Replay(schedule.choices), killed=True)
        assert again == log
        assert repeated.choices == kernel.choices


def choices_of_seeds() -> str:
    return "\n".join(" ".join(observe(THREADS, Random(seed), killed=True)[1].choices) for seed in range(30))


def test_runs_do_not_depend_on_the_hash_seed() -> None:
    def run(hash_seed: str) -> str:
        code = "from tests.simulation.test_kernel_runs import choices_of_seeds as c; print(c())"
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert run("1") == run("2") != ""


def test_every_fact_kind_of_a_dying_process_is_seen() -> None:
    seen = {
        fact.split()[0]
        for seed in range(200)
        for _, facts in observe(THREADS, Uneven(seed), killed=True)[0]
        for fact in facts
    }
    births = {FactKind.CLONE.name, FactKind.FORK.name}
    assert births | {"EXEC", "TRAP", "EXIT", "DEATH", "SIGNAL"} <= seen
