from __future__ import annotations

from tests.conformance.driving import Plan
from tests.unit.testing.observing import CONT, launch, main, observe, run_to
from utrace.kernel.api import FactKind, ResumeRequest

SIGCONT, SIGSTOP, SIGUSR2 = 18, 19, 12


def test_handler_runs_between_the_signal_and_sigreturn() -> None:
    facts = observe(main("handle SIGUSR1 {", "syscall gettid", "}", "kill self SIGUSR1"))["m"]
    assert facts[6:11] == (
        "SIGNAL 10 code 0",
        "SYSCALL_ENTRY 186",
        "SYSCALL_EXIT m",
        "SYSCALL_ENTRY 15",
        "SYSCALL_EXIT 0",
    )


def test_replaced_signal_has_the_disposition_of_the_new_one() -> None:
    kernel, tid = launch(main("handle SIGUSR2 {", "syscall gettid", "}", "kill self SIGTERM"))
    run_to(kernel, tid, FactKind.SIGNAL)
    assert kernel.next_fact(tid, ResumeRequest.SYSCALL, SIGUSR2)[:3] == (tid, FactKind.SYSCALL_ENTRY, 186)


def test_blocked_replacement_is_queued_again() -> None:
    kernel, tid = launch(main("block SIGUSR2", "kill self SIGTERM", "unblock SIGUSR2"))
    run_to(kernel, tid, FactKind.SIGNAL)
    assert kernel.next_fact(tid, CONT, SIGUSR2)[:3] == (tid, FactKind.SIGNAL, SIGUSR2)


def test_interrupted_pause_restarts_without_a_handler() -> None:
    plan = Plan(
        after={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.interrupt(tid)},
        steps={("m", FactKind.SYSCALL_ENTRY, 3): lambda kernel, tid: kernel.kill(tid, 9)},
    )
    facts = observe(main("pause"), plan)["m"]
    assert facts[2:5] == ("SYSCALL_ENTRY 34", "SYSCALL_EXIT -514", "SYSCALL_ENTRY 34")


def test_group_stop_listens_until_sigcont() -> None:
    kernel, tid = launch(main("kill self SIGSTOP", "exit_group 1"))
    run_to(kernel, tid, FactKind.GROUP_STOP, CONT)
    assert kernel.resume(tid, ResumeRequest.LISTEN, 0)
    assert kernel.get_regs(tid) is None
    assert kernel.interrupt(tid)
    assert kernel.next_fact(0, CONT, 0) == (tid, FactKind.GROUP_STOP, SIGSTOP, None)
    kernel.resume(tid, ResumeRequest.LISTEN, 0)
    kernel.kill(tid, SIGCONT)
    assert kernel.next_fact(0, CONT, 0)[:2] == (tid, FactKind.TRAP)
    assert kernel.next_fact(tid, CONT, 0)[:3] == (tid, FactKind.SIGNAL, SIGCONT)


def test_sigcont_during_a_held_group_stop_traps_on_listen() -> None:
    kernel, tid = launch(main("kill self SIGSTOP", "exit_group 1"))
    run_to(kernel, tid, FactKind.GROUP_STOP, CONT)
    kernel.kill(tid, SIGCONT)
    assert kernel.get_regs(tid) is not None
    assert kernel.next_fact(tid, ResumeRequest.LISTEN, 0)[:2] == (tid, FactKind.TRAP)


def test_interrupts_coalesce_and_any_stop_clears_them() -> None:
    plan = Plan(
        steps={
            ("m", FactKind.SYSCALL_EXIT, 1): lambda kernel, tid: (
                kernel.interrupt(tid),
                kernel.interrupt(tid),
            ),
            ("m", FactKind.SYSCALL_ENTRY, 3): lambda kernel, tid: kernel.interrupt(tid),
        }
    )
    facts = observe(main("syscall getuid", "syscall getuid"), plan)["m"]
    assert facts.count("TRAP 0") == 1
