"""SimKernel against Linux: what the simulated kernel can tell must contain what the real one tells."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.conformance.driving import Log, Observation
from tests.conformance.scenarios import SCENARIOS, Scenario
from tests.tracees import build
from utrace.kernel.api import Spawn
from utrace.kernel.linux import LinuxKernel
from utrace.testing import PCT, Random, SimKernel, parse_programs

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S: Final = 20.0


def observe_linux(scenario: Scenario, text: Path) -> Log:
    guest = bytes(build("guest"))
    kernel = LinuxKernel()
    deadline = threading.Timer(DEADLINE_S, kernel.ring)
    deadline.start()
    try:
        tid = kernel.spawn(Spawn(guest, [guest, bytes(text), b"main"], []), exit_kill=True)
        return Observation(kernel, scenario.plan, has_startup=True).run(tid)
    finally:
        deadline.cancel()
        deadline.join()
        kernel.close()


def observe_simulated(scenario: Scenario, seed: int) -> Log:
    scheduler = PCT(1 + seed % 5, seed) if seed % 2 else Random(seed)
    kernel = SimKernel(parse_programs(scenario.text), scheduler)
    tid = kernel.spawn(Spawn(b"main", [b"main"], []), exit_kill=True)
    return Observation(kernel, scenario.plan, has_startup=False).run(tid)


def show(logs: set[Log]) -> str:
    return "\n  or\n".join("\n".join(f"  {name}: {', '.join(facts)}" for name, facts in log) for log in logs)


@pytest.mark.parametrize("name", SCENARIOS)
def test_facts_of_linux_are_among_those_of_the_simulation(name: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]
    text = tmp_path / "guest.txt"
    text.write_text(scenario.text)
    seen = {observe_linux(scenario, text) for _ in range(scenario.runs)}
    simulated: set[Log] = set()
    for seed in range(scenario.schedules):
        simulated.add(observe_simulated(scenario, seed))
        if seen <= simulated:
            return
    pytest.fail(f"only on Linux:\n{show(seen - simulated)}\nsimulated:\n{show(simulated)}", pytrace=False)
