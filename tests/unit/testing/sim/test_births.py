from __future__ import annotations

import pytest

from tests.conformance.driving import Plan
from tests.unit.testing.observing import CONT, launch, main, observe, run_to
from utrace.kernel.api import FactKind, Tid
from utrace.testing import Random

SIGKILL, SIGUSR1 = 9, 10


@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        ("fork", ("FORK m.1",)),
        ("vfork", ("VFORK m.1", "VFORK_DONE m.1")),
        ("thread", ("CLONE m.1",)),
    ],
)
def test_birth_is_told_and_the_child_begins_in_a_trap(step: str, kinds: tuple[str, ...]) -> None:
    plan = Plan(
        request=CONT,
        after={("m.1", FactKind.EXIT, 1): lambda kernel, tid: kernel.kill(tid - 1, SIGUSR1)},
        drop=frozenset({17}),
    )
    facts = observe(main(f"{step} {{", "exit 0", "}", "pause"), plan)
    assert facts["m"][1 : 1 + len(kinds)] == kinds
    assert facts["m.1"][0] == "TRAP 0"


def test_child_may_be_told_before_its_parents_event() -> None:
    def first(seed: int) -> int:
        kernel, tid = launch(main("fork {", "exit 0", "}"), Random(seed))
        kernel.next_fact(tid, CONT, 0)
        return kernel.next_fact(tid, CONT, 0)[1]

    assert {first(seed) for seed in range(40)} == {FactKind.FORK, FactKind.TRAP}


def test_kill_hides_a_birth_from_its_parents_facts() -> None:
    def kinds(seed: int) -> frozenset[int]:
        kernel, tid = launch(main("fork {", "exit 0", "}", "wait"), Random(seed))
        kernel.add_signal_actor(tid, SIGKILL)
        seen = set()
        while (fact := kernel.next_fact(tid, CONT, 0))[1] != FactKind.NO_TRACEES:
            seen.add(fact[1])
            tid = Tid(fact[0] if fact[1] != FactKind.DEATH else 0)
        return frozenset(seen)

    hidden = [seen for seen in map(kinds, range(300)) if FactKind.TRAP in seen and FactKind.FORK not in seen]
    assert hidden


def test_fork_with_a_signal_pending_is_made_again() -> None:
    plan = Plan(steps={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.interrupt(tid)})
    facts = observe(main("fork {", "}", "wait"), plan)["m"]
    assert facts[2:6] == ("SYSCALL_ENTRY 56", "SYSCALL_EXIT -513", "SYSCALL_ENTRY 56", "FORK m.1")


def test_fork_copies_memory_and_vfork_shares_it() -> None:
    for step, seen in (("fork", b"\0"), ("vfork", b"\x07")):
        kernel, tid = launch(main(f"{step} {{", "store 0x600800 07", "exit 0", "}", "pause"))
        run_to(kernel, tid, FactKind.DEATH, CONT)
        assert kernel.read_memory(tid, 0x600800, 1) == seen
