from __future__ import annotations

from tests.conformance.driving import Plan
from tests.unit.testing.observing import CONT, launch, main, observe, run_to
from utrace.kernel.api import FactKind, ResumeRequest

SIGKILL = 9


def test_syscall_facts_tell_place_and_arguments() -> None:
    kernel, tid = launch(main("syscall openat -100 0x10 2 -> -13"))
    run_to(kernel, tid, FactKind.SYSCALL_EXIT)
    entry = kernel.next_fact(tid, ResumeRequest.SYSCALL, 0)
    assert entry[2] == 257
    assert isinstance(entry[3], tuple)
    arch, ip, _sp, *args = entry[3]
    assert arch == 0xC000003E
    assert args == [(1 << 64) - 100, 0x10, 2, 0, 0, 0]
    leave = kernel.next_fact(tid, ResumeRequest.SYSCALL, 0)
    assert leave[:3] == (tid, FactKind.SYSCALL_EXIT, -13)
    assert isinstance(leave[3], tuple)
    assert leave[3][:2] == (arch, ip)
    assert leave[3][3] is True


def test_killed_task_leaves_its_stop_for_the_exit_event() -> None:
    kernel, tid = launch(main("syscall getuid"))
    run_to(kernel, tid, FactKind.SYSCALL_ENTRY)
    kernel.kill(tid, SIGKILL)
    assert kernel.get_regs(tid) is None
    assert kernel.next_fact(0, CONT, 0) == (tid, FactKind.EXIT, SIGKILL, None)


def test_blind_resume_swallows_the_exit_event() -> None:
    kernel, tid = launch(main("syscall getuid"))
    run_to(kernel, tid, FactKind.SYSCALL_ENTRY)
    kernel.add_actor("kill", lambda: kernel.kill(tid, SIGKILL))
    other = kernel.start("main")  # something else to wait for, so that time passes
    kernel.seize(other, exit_kill=True)
    assert run_to(kernel, 0, FactKind.EXIT, CONT) in {tid, other}
    assert kernel.resume(tid, CONT, 0) or not kernel.pending_fact(tid)


def test_task_killed_before_it_stops_does_not_stop() -> None:
    plan = Plan(steps={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.kill(tid, SIGKILL)})
    assert observe(main("fork {", "}"), plan)["m"][-3:] == ("SYSCALL_ENTRY 56", "EXIT 9", "DEATH 9")


def test_held_exit_event_cannot_be_killed() -> None:
    kernel, tid = launch(main("exit_group 3"))
    run_to(kernel, tid, FactKind.EXIT)
    kernel.kill(tid, SIGKILL)
    assert kernel.get_regs(tid) is not None
    assert kernel.next_fact(tid, CONT, 0) == (tid, FactKind.DEATH, 3 << 8, None)


def test_pending_fact_is_seen_until_it_is_taken() -> None:
    kernel, tid = launch(main("syscall getuid"))
    kernel.resume(tid, ResumeRequest.SYSCALL, 0)
    kernel.add_actor("ring", kernel.ring, when=lambda: kernel.pending_fact(tid))
    while kernel.next_fact(0, CONT, 0)[1] != FactKind.SYSCALL_ENTRY:
        assert kernel.pending_fact(tid)
    assert not kernel.pending_fact(tid)
