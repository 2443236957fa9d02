from __future__ import annotations

import struct

from tests.conformance.driving import Plan
from tests.unit.testing.observing import SYSCALL, launch, main, observe, run_to
from utrace.kernel.api import FactKind, ResumeRequest

STEP = ResumeRequest.SINGLESTEP


def ip(regs: bytes | None) -> int:
    assert regs is not None
    (pointer,) = struct.unpack_from("<Q", regs, 128)
    assert isinstance(pointer, int)
    return pointer


def code(detail: object) -> int:
    assert isinstance(detail, bytes)
    return int.from_bytes(detail[8:12], "little", signed=True)


def test_step_from_entry_traps_after_the_call_without_an_exit_stop() -> None:
    kernel, tid = launch(main("syscall getuid", "user 1"))
    run_to(kernel, tid, FactKind.SYSCALL_EXIT)
    assert kernel.next_fact(tid, SYSCALL, 0)[2] == 102
    before = ip(kernel.get_regs(tid))
    fact = kernel.next_fact(tid, STEP, 0)
    assert fact[:3] == (tid, FactKind.SIGNAL, 5)
    assert code(fact[3]) == 1
    assert ip(kernel.get_regs(tid)) == before


def test_step_in_user_mode_makes_one_instruction_each() -> None:
    kernel, tid = launch(main("syscall getuid", "user 3"))
    run_to(kernel, tid, FactKind.SYSCALL_EXIT)
    kernel.next_fact(tid, SYSCALL, 0)
    kernel.next_fact(tid, SYSCALL, 0)
    places = []
    for _ in range(3):
        fact = kernel.next_fact(tid, STEP, 0)
        assert code(fact[3]) == 2
        places.append(ip(kernel.get_regs(tid)))
    assert places == [places[0], places[0] + 1, places[0] + 2]


def test_step_with_a_handled_signal_stops_at_the_handler() -> None:
    kernel, tid = launch(main("handle SIGUSR1 {", "user 2", "}", "kill self SIGUSR1"))
    run_to(kernel, tid, FactKind.SIGNAL)
    fact = kernel.next_fact(tid, STEP, 10)
    assert (fact[1], fact[2], code(fact[3])) == (FactKind.SIGNAL, 5, 5)
    assert kernel.next_fact(tid, SYSCALL, 0)[2] == 15


def test_interrupt_pending_takes_the_step() -> None:
    plan = Plan(
        steps={("m", FactKind.SYSCALL_EXIT, 1): lambda kernel, tid: kernel.interrupt(tid)},
        requests={("m", FactKind.SYSCALL_EXIT, 1): STEP},
    )
    facts = observe(main("syscall getuid", "user 1"), plan)["m"]
    assert facts[4] == "TRAP 0"
    assert "SIGNAL 5 code 2" not in facts


def test_handler_interrupted_by_another_signal_nests() -> None:
    text = main(
        "handle SIGUSR1 {", "kill self SIGUSR2", "syscall getuid", "}",
        "handle SIGUSR2 {", "syscall gettid", "}",
        "kill self SIGUSR1",
    )  # fmt: skip
    calls = [fact for fact in observe(text)["m"] if fact.startswith("SYSCALL_ENTRY")]
    numbers = [int(call.split()[1]) for call in calls]
    assert numbers == [59, 13, 13, 62, 62, 186, 15, 102, 15, 231]


def test_loop_runs_its_body_again() -> None:
    facts = observe(main("loop 3 {", "syscall getuid", "}"))["m"]
    assert facts.count("SYSCALL_ENTRY 102") == 3


def test_end_of_a_thread_is_exit_and_of_a_program_exit_group() -> None:
    plan = Plan(after={("m.1", FactKind.EXIT, 1): lambda kernel, tid: kernel.kill(tid, 9)})
    assert "SYSCALL_ENTRY 60" in observe(main("thread {", "}", "pause"), plan)["m.1"]
    assert "SYSCALL_ENTRY 231" in observe(main())["m"]
