from __future__ import annotations

import pytest

from tests.conformance.driving import Plan
from tests.unit.testing.observing import CONT, launch, main, observe, run_to
from utrace.kernel.api import FactKind

SIGKILL, SIGTERM, SIGCONT, SIGSTOP, SIGCHLD = 9, 15, 18, 19, 17


def signals_of(facts: tuple[str, ...]) -> list[str]:
    return [fact for fact in facts if fact.startswith("SIGNAL")]


def test_standard_signal_is_pending_once_and_a_realtime_signal_each_time() -> None:
    sends = ["kill self SIGUSR1"] * 3 + ["kill self 40"] * 3
    held = ("handle SIGUSR1 {", "}", "handle 40 {", "}", "block SIGUSR1", "block 40")
    facts = observe(main(*held, *sends, "unblock SIGUSR1", "unblock 40"))["m"]
    assert signals_of(facts) == ["SIGNAL 10 code 0", *["SIGNAL 40 code 0"] * 3]


def test_ignored_signal_is_told_to_a_tracer_and_unknown_to_an_untraced_task() -> None:
    assert signals_of(observe(main("kill self SIGWINCH"))["m"]) == ["SIGNAL 28 code 0"]
    kernel, tid = launch(main("pause"))
    kernel.close()
    assert not kernel.kill(tid + 99, SIGTERM)


def test_shared_signal_goes_to_a_thread_that_does_not_block_it() -> None:
    facts = observe(main("thread {", "pause", "}", "block SIGTERM", "kill self SIGTERM", "pause"))
    assert "SIGNAL 15 code 0" in facts["m.1"]
    assert facts["m"][-1] == "DEATH 15"


@pytest.mark.parametrize("signo", [SIGTERM, SIGKILL])
def test_fatal_signal_ends_every_thread(signo: int) -> None:
    kernel, tid = launch(main("thread {", "pause", "}", "pause"))
    run_to(kernel, tid, FactKind.TRAP, CONT)
    kernel.resume(tid + 1, CONT, 0)
    kernel.kill(tid, signo)
    deaths = []
    while (fact := kernel.next_fact(tid, CONT, 0))[1] != FactKind.NO_TRACEES:
        if fact[1] == FactKind.DEATH:
            deaths.append(fact[2])
        kernel.resume(fact[0], CONT, fact[2] if fact[1] == FactKind.SIGNAL else 0)
    assert deaths == [signo, signo]


def test_sigcont_forgets_stop_signals_and_the_other_way_round() -> None:
    stops = main("block SIGTSTP", "kill self SIGTSTP", "kill self SIGCONT", "unblock SIGTSTP")
    assert signals_of(observe(stops)["m"]) == ["SIGNAL 18 code 0"]
    blocks = ("block SIGCONT", "block SIGTSTP")
    continues = observe(main(*blocks, "kill self SIGCONT", "kill self SIGTSTP", "unblock SIGCONT"))
    assert signals_of(continues["m"]) == []


def test_parent_is_told_of_a_childs_stop_and_continuation() -> None:
    plan = Plan(
        request=CONT,
        after={("m.1", FactKind.GROUP_STOP, 1): lambda kernel, tid: kernel.kill(tid, SIGCONT)},
    )
    facts = observe(main("fork {", "kill self SIGSTOP", "exit 1", "}", "loop 9 {", "wait", "}"), plan)["m"]
    assert {"SIGNAL 17 code 5", "SIGNAL 17 code 6", "SIGNAL 17 code 1"} <= set(facts)


def test_sigkill_takes_a_listening_task() -> None:
    plan = Plan(after={("m", FactKind.GROUP_STOP, 1): lambda kernel, tid: kernel.kill(tid, SIGKILL)})
    assert observe(main("kill self SIGSTOP"), plan)["m"][-2:] == ("EXIT 9", "DEATH 9")
