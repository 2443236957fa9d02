from __future__ import annotations

from tests.conformance.driving import Plan
from tests.unit.testing.observing import CONT, launch, main, observe
from utrace.kernel.api import FactKind, Tid
from utrace.testing import Random, SimKernel, parse_programs


def test_zombie_leader_is_told_last_with_the_status_of_the_last_thread() -> None:
    kernel, tid = launch(main("thread {", "user 9", "exit 3", "}", "exit 4"))
    deaths = []
    while (fact := kernel.next_fact(tid, CONT, 0))[1] != FactKind.NO_TRACEES:
        if fact[1] == FactKind.DEATH:
            deaths.append(fact[:3:2])
        tid = Tid(fact[0] if fact[1] != FactKind.DEATH else 0)
    assert deaths == [(101, 3 << 8), (100, 3 << 8)]


def test_exit_event_is_lost_in_a_racing_group_exit() -> None:
    def lost(seed: int) -> bool:
        facts = observe(main("thread {", "exit 0", "}", "exit_group 5"), Plan(request=CONT), Random(seed))
        return any("EXIT" not in " ".join(seen) for seen in facts.values())

    assert any(lost(seed) for seed in range(300))


def test_status_of_a_thread_is_the_groups_once_it_exits() -> None:
    statuses = {
        observe(main("thread {", "exit 3", "}", "exit_group 5"), Plan(request=CONT), Random(seed))["m.1"][-1]
        for seed in range(100)
    }
    assert statuses == {"DEATH 768", "DEATH 1280"}


def test_wait_returns_when_the_tracer_has_waited() -> None:
    facts = observe(main("fork {", "exit 3", "}", "wait"))["m"]
    assert "SYSCALL_EXIT m.1" in facts[facts.index("SYSCALL_ENTRY 61") :]


def test_parent_that_ignores_sigchld_gets_no_zombie() -> None:
    facts = observe(main("ignore SIGCHLD", "fork {", "exit 3", "}", "wait"))["m"]
    assert "SYSCALL_EXIT -10" in facts


def test_orphan_goes_to_init() -> None:
    kernel = SimKernel(parse_programs(main("fork {", "pause", "}", "exit 0")))
    kernel.start("main")
    kernel.run_untraced()
    (child,) = kernel.alive()
    assert kernel.parentage(child) == (child, 1)
    kernel.kill(child, 9)
    kernel.run_untraced()
    assert kernel.describe() == ""
