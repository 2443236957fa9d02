"""SimKernel against Linux: what the simulated kernel can tell must contain what the real one tells."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from tests.conformance.driving import Diverged, Log, Observation
from tests.conformance.scenarios import SCENARIOS, Scenario
from tests.tracees import build
from utrace.kernel.api import Spawn
from utrace.kernel.linux import LinuxKernel
from utrace.testing import Programs, Replay, Scheduler, SimKernel, Stuck, Uneven, parse_programs

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S: Final = 20.0
OUTSIDER_S: Final = 0.006
RANDOM_RUNS: Final = 4_000
ATTEMPTS: Final = 6_000
SEARCHES: Final = 12
BEGINNINGS_MAX: Final = 50


def observe_linux(scenario: Scenario, text: Path, delay_s: float) -> Log:
    guest = bytes(build("guest"))
    kernel = LinuxKernel()
    deadline = threading.Timer(DEADLINE_S, kernel.ring)
    deadline.start()
    try:
        tid = kernel.spawn(Spawn(guest, [guest, bytes(text), b"main"], []), exit_kill=True)
        outsider = threading.Timer(delay_s, kernel.kill, (tid, scenario.outsider))
        if scenario.outsider:
            outsider.start()
        observation = Observation(kernel, scenario.plan, has_startup=True)
        try:
            return observation.run(tid)
        except OSError:
            observation.end()
            raise
        finally:
            if scenario.outsider:
                outsider.join()
    finally:
        deadline.cancel()
        deadline.join()
        kernel.close()


def observe_all_linux(scenario: Scenario, text: Path) -> set[Log]:
    lots = random.Random(1)  # noqa: S311
    # In a thread of its own: its waits see no other child of the test process.
    with ThreadPoolExecutor(max_workers=1) as thread:
        delays_s = (lots.uniform(0, OUTSIDER_S) for _ in range(scenario.runs))
        return {thread.submit(observe_linux, scenario, text, delay_s).result() for delay_s in delays_s}


def observe_simulated(
    scenario: Scenario, programs: Programs, scheduler: Scheduler, expected: Log | None
) -> tuple[Log | None, int, tuple[str, ...]]:
    """Give the log, None if there is none or another than expected; facts as expected; the choices."""
    kernel = SimKernel(programs, scheduler)
    tid = kernel.spawn(Spawn(b"main", [b"main"], []), exit_kill=True)
    if scenario.outsider:
        kernel.add_signal_actor(tid, scenario.outsider)
    observation = Observation(kernel, scenario.plan, has_startup=False, expected=expected)
    try:
        log = observation.run(tid)
    except (Diverged, Stuck):
        return None, observation.facts_expected, kernel.choices
    return log, observation.facts_expected, kernel.choices


def find_by_chance(scenario: Scenario, logs: set[Log]) -> set[Log]:
    """Give those of some logs that no random schedule has shown."""
    programs = parse_programs(scenario.text)
    unknown = set(logs)
    for seed in range(RANDOM_RUNS):
        if not unknown:
            break
        log, _, _ = observe_simulated(scenario, programs, Uneven(seed), None)
        if log is not None:
            unknown.discard(log)
    return unknown


def find_by_search(scenario: Scenario, log: Log) -> bool:
    """Look for a schedule under which the simulation tells the same.

    A busy machine shows rare logs, and a search may run into a blind alley: then another one is begun.
    """
    programs = parse_programs(scenario.text)
    return any(search(scenario, programs, log, number) for number in range(SEARCHES))


def search(scenario: Scenario, programs: Programs, log: Log, number: int) -> bool:
    """Give up runs as soon as they diverge; begin new ones with the choices of those that came farthest."""
    lots = random.Random(number)  # noqa: S311
    beginnings: dict[int, list[tuple[str, ...]]] = {0: [()]}
    for attempt in range(ATTEMPTS):
        level = lots.choice((0, max(beginnings), lots.choice(list(beginnings))))
        beginning = lots.choice(beginnings[level])
        seed = number * ATTEMPTS + attempt
        found, matched, choices = observe_simulated(
            scenario, programs, Replay(beginning, then=Uneven(seed)), log
        )
        if found == log:
            return True
        kept = beginnings.setdefault(matched, [])
        kept.append(choices[: max(0, len(choices) - int(lots.expovariate(0.1)))])
        if len(kept) > BEGINNINGS_MAX:
            kept.pop(lots.randrange(len(kept)))
    return False


def show(log: Log) -> str:
    return "\n".join(f"  {name}: {', '.join(facts)}" for name, facts in log)


@pytest.mark.parametrize("name", SCENARIOS)
def test_facts_of_linux_can_be_those_of_the_simulation(name: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]
    text = tmp_path / "guest.txt"
    text.write_text(scenario.text)
    seen = observe_all_linux(scenario, text)
    unknown = [log for log in find_by_chance(scenario, seen) if not find_by_search(scenario, log)]
    assert not unknown, "only on Linux:\n" + "\n  or\n".join(map(show, unknown))
