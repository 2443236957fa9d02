from __future__ import annotations

from tests.conformance.driving import Plan
from tests.unit.testing.observing import CONT, launch, main, observe, run_to
from utrace.kernel.api import FactKind, Tid
from utrace.testing import Random

OTHER = "program other {\n  exit_group 5\n}\n"


def test_exec_by_a_thread_takes_over_the_leaders_tid() -> None:
    facts = observe(main("thread {", "exec other", "}", "pause") + OTHER, Plan(request=CONT))
    assert facts["m"] == ("EXEC m", "CLONE m.1", "EXIT 0", "EXEC m.1", "EXIT 1280", "DEATH 1280")
    assert facts["m.1"] == ("TRAP 0",)


def test_exec_waits_until_the_other_threads_are_waited_for() -> None:
    text = main("thread {", "pause", "}", "exec other") + OTHER
    for seed in range(30):
        kernel, tid = launch(text, Random(seed))
        order = []
        while (fact := kernel.next_fact(tid, CONT, 0))[1] != FactKind.NO_TRACEES:
            if fact[1] in {FactKind.DEATH, FactKind.EXEC}:
                order.append(fact[:2])
            tid = Tid(fact[0] if fact[1] != FactKind.DEATH else 0)
        assert order[1:3] == [(101, FactKind.DEATH), (100, FactKind.EXEC)]


def test_exec_forgets_handlers_and_memory() -> None:
    kernel, tid = launch(main("handle SIGUSR1 {", "}", "store 0x700000 07", "exec other") + OTHER)
    run_to(kernel, tid, FactKind.EXEC)
    kernel.resume(tid, CONT, 0)
    run_to(kernel, 0, FactKind.EXEC, CONT)
    disposition = kernel.disposition(tid)
    assert disposition is not None
    assert disposition.caught == 0
    assert kernel.read_memory(tid, 0x700000, 1) == b""


def test_request_by_tgid_before_the_exec_is_known_is_refused() -> None:
    kernel, tid = launch(main("thread {", "exec other", "}", "pause") + OTHER)
    run_to(kernel, tid, FactKind.TRAP, CONT)
    kernel.resume(tid + 1, CONT, 0)
    run_to(kernel, 0, FactKind.EXIT, CONT)
    kernel.resume(tid, CONT, 0)
    kernel.add_actor("ring", kernel.ring, when=lambda: kernel.pending_fact(tid))
    assert kernel.next_fact(0, CONT, 0)[1] in {FactKind.BELL, FactKind.EXEC}


def test_killed_exec_ends_the_process() -> None:
    def ends(seed: int) -> bool:
        kernel, tid = launch(main("thread {", "exec other", "}", "pause") + OTHER, Random(seed))
        kernel.add_signal_actor(tid, 9)
        while (fact := kernel.next_fact(tid, CONT, 0))[1] != FactKind.NO_TRACEES:
            tid = Tid(fact[0] if fact[1] != FactKind.DEATH else 0)
        return not kernel.alive()

    assert all(ends(seed) for seed in range(300))
