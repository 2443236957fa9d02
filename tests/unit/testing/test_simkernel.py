from __future__ import annotations

import errno

import pytest

from tests.conformance.driving import Observation, Plan
from tests.unit.testing.observing import CONT, SYSCALL, launch, main, observe, run_to
from utrace.kernel.api import FactKind, Kernel, ResumeRequest, SeizeOutcome, Spawn, Tid
from utrace.testing import Random, Replay, SimKernel, Stuck, TooManySteps, parse_programs

SIGKILL, SIGSTOP, SIGCONT = 9, 19, 18


def seam(kernel: SimKernel) -> Kernel:
    return kernel


def start(text: str) -> tuple[SimKernel, int]:
    kernel = SimKernel(parse_programs(text))
    return kernel, kernel.start("main")


def test_simkernel_is_a_kernel() -> None:
    assert seam(SimKernel({})).next_fact(0, CONT, 0) == (0, FactKind.NO_TRACEES, 0, None)


def test_spawn_stops_before_its_execve() -> None:
    kernel, tid = launch(main("exit_group 3"))
    assert not kernel.pending_fact(tid)
    kinds = []
    while (fact := kernel.next_fact(tid, SYSCALL, 0))[1] != FactKind.NO_TRACEES:
        kinds.append((FactKind(fact[1]).name, fact[2]))
    assert kinds == [
        ("SYSCALL_ENTRY", 59),
        ("EXEC", tid),
        ("SYSCALL_EXIT", 0),
        ("SYSCALL_ENTRY", 231),
        ("EXIT", 3 << 8),
        ("DEATH", 3 << 8),
    ]


def test_spawn_of_nothing_tells_its_error_and_ends_with_127() -> None:
    kernel = SimKernel({})
    tid = kernel.spawn(Spawn(b"main", [], []), exit_kill=True)
    run_to(kernel, tid, FactKind.SYSCALL_EXIT)
    assert kernel.spawn_error(tid) == 2
    assert run_to(kernel, tid, FactKind.DEATH) == tid


def test_replay_of_choices_gives_the_same_facts() -> None:
    text = main("thread {", "syscall getuid", "}", "fork {", "exit 3", "}", "wait")

    def facts(scheduler: Random | Replay) -> tuple[object, tuple[str, ...]]:
        kernel, tid = launch(text, scheduler)
        log = Observation(kernel, Plan(), has_startup=False).run(tid)
        return log, kernel.choices

    log, choices = facts(Random(11))
    assert choices
    assert facts(Replay(choices)) == (log, choices)


def test_bell_is_delivered_once() -> None:
    kernel = SimKernel({})
    kernel.ring()
    assert kernel.next_fact(0, CONT, 0)[1] == FactKind.BELL
    assert kernel.next_fact(0, CONT, 0)[1] == FactKind.NO_TRACEES


def test_actor_rings_while_a_task_sleeps() -> None:
    kernel, tid = launch(main("pause"))
    kernel.add_actor("ring", kernel.ring, when=lambda: kernel.describe().find("sleeping") >= 0)
    assert run_to(kernel, tid, FactKind.BELL, CONT) == 0


def test_nothing_can_move_is_stuck() -> None:
    kernel, tid = launch(main("pause"))
    with pytest.raises(Stuck, match="task 100 of 100: sleeping"):
        run_to(kernel, tid, FactKind.DEATH, CONT)


def test_endless_guest_is_too_many_steps() -> None:
    kernel = SimKernel(parse_programs(main("loop 10000 {", "user 1", "}")), steps_max=500)
    tid = kernel.spawn(Spawn(b"main", [], []), exit_kill=True)
    with pytest.raises(TooManySteps):
        run_to(kernel, tid, FactKind.DEATH, CONT)


def test_seize_outcomes() -> None:
    kernel = SimKernel(parse_programs(main("pause")))
    mine = kernel.start("main")
    other = kernel.start("main", traced_elsewhere=True)
    assert kernel.seize(mine, exit_kill=False) is SeizeOutcome.SEIZED
    assert kernel.seize(mine, exit_kill=False) is SeizeOutcome.ALREADY_OURS
    assert kernel.seize(other, exit_kill=False) is SeizeOutcome.REFUSED
    assert kernel.seize(999, exit_kill=False) is SeizeOutcome.GONE


def test_seized_task_runs_on_until_interrupted_and_detach_leaves_it() -> None:
    kernel, tid = start(main("syscall nanosleep restart_block", "exit_group 1"))
    kernel.run_untraced()
    kernel.seize(tid, exit_kill=False)
    assert not kernel.detach(tid, 0)
    assert kernel.interrupt(tid)
    assert kernel.next_fact(0, CONT, 0) == (tid, FactKind.TRAP, 0, None)
    assert kernel.detach(tid, 0)
    kernel.run_untraced()
    assert kernel.alive() == [tid]
    assert "sleeping" in kernel.describe()


def test_seize_of_a_stopped_task_traps_at_once_and_detach_leaves_it_stopped() -> None:
    kernel, tid = start(main("kill self SIGSTOP", "exit_group 1"))
    kernel.run_untraced()
    kernel.seize(tid, exit_kill=False)
    assert kernel.next_fact(0, CONT, 0) == (tid, FactKind.GROUP_STOP, SIGSTOP, None)
    assert kernel.detach(tid, 0)
    kernel.run_untraced()
    assert "stopped" in kernel.describe()
    kernel.kill(tid, SIGCONT)
    kernel.run_untraced()
    assert kernel.alive() == []


def test_adopted_task_is_reaped_by_its_parent_after_us() -> None:
    kernel, tid = start(main("exit_group 1"))
    kernel.seize(tid, exit_kill=False)
    assert not kernel.is_own_child(tid)
    assert run_to(kernel, 0, FactKind.DEATH, CONT) == tid
    assert kernel.watch_reap(tid)
    assert kernel.next_fact(0, CONT, 0) == (tid, FactKind.REAPED, 0, None)
    assert kernel.next_fact(0, CONT, 0)[1] == FactKind.NO_TRACEES
    assert not kernel.watch_reap(tid)


def test_own_child_is_reaped_by_our_wait() -> None:
    kernel, tid = launch(main("exit_group 1"))
    assert kernel.is_own_child(tid)
    run_to(kernel, tid, FactKind.DEATH)
    assert kernel.parentage(tid) is None
    assert not kernel.watch_reap(tid)


def test_zombie_leader_is_told_before_its_death() -> None:
    kernel, tid = launch(main("thread {", "pause", "}", "exit 4"))
    kernel.watch_zombie(tid)
    assert run_to(kernel, tid, FactKind.ZOMBIE_LEADER, CONT) == tid
    assert kernel.threads(tid) == [tid, tid + 1]
    kernel.kill(tid, SIGKILL)
    assert run_to(kernel, 0, FactKind.DEATH, CONT) == tid + 1
    assert run_to(kernel, 0, FactKind.DEATH, CONT) == tid


def test_request_on_a_running_task_is_refused() -> None:
    kernel, tid = start(main("pause"))
    kernel.seize(tid, exit_kill=False)
    assert kernel.get_regs(tid) is None
    assert not kernel.resume(tid, CONT, 0)
    assert not kernel.set_regs(tid, bytes(216))
    assert not kernel.set_result(tid, 0)
    assert not kernel.set_syscall(tid, 1, None)
    assert not kernel.set_siginfo(tid, bytes(128))
    assert not kernel.syscall_restart(tid, {})
    assert not kernel.interrupt(999)


def test_registers_are_read_and_written_whole() -> None:
    kernel, tid = launch(main("syscall getuid"))
    run_to(kernel, tid, FactKind.SYSCALL_ENTRY)
    regs = kernel.get_regs(tid)
    assert regs is not None
    assert len(regs) == 216
    changed = bytes(8) + regs[8:]
    assert kernel.set_regs(tid, changed)
    assert kernel.get_regs(tid) == changed
    with pytest.raises(ValueError, match="216"):
        kernel.set_regs(tid, b"short")


def test_raw_requests_are_refused() -> None:
    kernel, tid = launch(main("pause"))
    assert kernel.request_number(0x4201, tid, 0, 0) == -errno.EIO
    assert kernel.request_buffer(0x4202, tid, 0, b"abc") == (-errno.EIO, b"abc")
    assert kernel.request_number(0x4201, 999, 0, 0) == -errno.ESRCH
    assert kernel.get_regset(tid, 1) == kernel.get_regs(tid)
    assert kernel.get_regset(tid, 2) is None
    assert kernel.set_regset(tid, 1, bytes(216))
    assert not kernel.set_regset(tid, 2, bytes(216))


def test_blocked_syscall_is_that_of_a_sleeping_task() -> None:
    kernel, tid = start(main("pause"))
    assert kernel.blocked_syscall(tid) is None
    kernel.run_untraced()
    assert kernel.blocked_syscall(tid) == 34


def test_siginfo_written_at_the_stop_is_what_the_child_gets() -> None:
    kernel, tid = launch(main("handle SIGUSR2 {", "user 1", "}", "kill self SIGUSR1", "syscall getuid"))
    run_to(kernel, tid, FactKind.SIGNAL)
    forged = (12).to_bytes(4, "little") + bytes(124)
    assert kernel.set_siginfo(tid, forged)
    fact = kernel.next_fact(tid, SYSCALL, 12)
    assert fact[:3] == (tid, FactKind.SYSCALL_ENTRY, 15)


def test_memory_of_a_call_and_of_a_store() -> None:
    kernel, tid = launch(main('syscall unlink "/etc/passwd" -> -13', "store 0x600100 abcd", "pause"))
    run_to(kernel, tid, FactKind.SYSCALL_EXIT)
    fact = kernel.next_fact(tid, SYSCALL, 0)
    detail = fact[3]
    assert isinstance(detail, tuple)
    assert kernel.read_cstring(tid, detail[3], 100) == (b"/etc/passwd", True)
    assert kernel.read_cstring(tid, detail[3], 4) == (b"/etc", False)
    assert kernel.write_memory(tid, detail[3], b"/tmp") == 4
    assert kernel.read_many(tid, [(detail[3], 11), (8, 4)]) == [b"/tmp/passwd", b""]
    kernel.next_fact(tid, SYSCALL, 0)
    kernel.next_fact(tid, SYSCALL, 0)
    assert kernel.read_memory(tid, 0x600100, 2) == b"\xab\xcd"
    assert kernel.read_memory(999, 0x600100, 2) == b""
    assert kernel.write_memory(999, 0x600100, b"x") == 0
    assert kernel.read_cstring(999, 0, 1) == (b"", False)


def test_proc_tells_family_and_dispositions() -> None:
    steps = ("handle SIGUSR1 {", "}", "ignore SIGINT", "block SIGTERM", "fork {", "}", "wait")
    kernel, tid = launch(main(*steps))
    child = run_to(kernel, tid, FactKind.TRAP)
    assert kernel.parentage(child) == (child, tid)
    assert kernel.children(tid) == [child]
    assert kernel.children(999) == []
    disposition = kernel.disposition(tid)
    assert disposition is not None
    assert disposition.caught == 1 << 9
    assert disposition.ignored == 1 << 1
    assert disposition.blocked == 1 << 14
    assert kernel.disposition(999) is None


def test_close_kills_the_launched_and_lets_the_adopted_run_on() -> None:
    kernel = SimKernel(parse_programs(main("pause")))
    adopted = kernel.start("main")
    kernel.seize(adopted, exit_kill=False)
    launched = kernel.spawn(Spawn(b"main", [], []), exit_kill=True)
    assert kernel.alive() == [adopted, launched]
    kernel.close()
    kernel.run_untraced()
    assert kernel.alive() == [adopted]


def test_close_gives_the_dead_to_their_parents() -> None:
    kernel, tid = start(main("thread {", "exit 1", "}", "exit_group 1"))
    kernel.seize(tid, exit_kill=False)
    run_to(kernel, 0, FactKind.EXIT, CONT)
    kernel.resume(tid, CONT, 0)
    for other in kernel.threads(tid):
        kernel.resume(other, CONT, 0)
    kernel.close()
    kernel.run_untraced()
    assert kernel.describe() == ""


def test_tids_are_recycled_only_if_asked() -> None:
    forks = main("loop 3 {", "fork {", "exit 1", "}", "wait", "}")
    assert set(observe(forks, Plan(request=CONT))) == {"m", "m.1", "m.2", "m.3"}
    kernel, tid = launch(forks, recycle_tids=True)
    born = set()
    while (fact := kernel.next_fact(tid, CONT, 0))[1] != FactKind.NO_TRACEES:
        born |= {fact[2]} if fact[1] == FactKind.FORK else set()
        tid = Tid(fact[0] if fact[1] != FactKind.DEATH else 0)
    assert len(born) == 1


def test_kill_between_a_stop_and_its_answer_makes_requests_fail() -> None:
    def outcomes(seed: int, *, atomic: bool) -> set[bool]:
        kernel, tid = launch(main("syscall getuid"), Random(seed), atomic_tracer=atomic)
        kernel.add_actor("kill", lambda: kernel.kill(tid, SIGKILL))
        seen = set()
        while (fact := kernel.next_fact(tid, SYSCALL, 0))[1] != FactKind.NO_TRACEES:
            if fact[1] == FactKind.SYSCALL_ENTRY:
                seen.add(kernel.set_syscall(fact[0], -1, None))
        return seen

    assert any(False in outcomes(seed, atomic=False) for seed in range(50))
    assert all(outcomes(seed, atomic=True) <= {True} for seed in range(50))


def test_listen_in_another_stop_is_refused() -> None:
    kernel, tid = launch(main("syscall getuid"))
    run_to(kernel, tid, FactKind.SYSCALL_ENTRY)
    assert not kernel.resume(tid, ResumeRequest.LISTEN, 0)


def test_tgkill_is_private() -> None:
    kernel, tid = launch(main("thread {", "pause", "}", "pause"))
    child = run_to(kernel, tid, FactKind.TRAP, CONT)
    kernel.resume(child, CONT, 0)
    assert kernel.tgkill(child, 10)
    assert run_to(kernel, 0, FactKind.SIGNAL, CONT) == child
    assert not kernel.tgkill(999, 10)


def test_signal_actor_acts_as_often_as_asked() -> None:
    kernel, tid = launch(main("ignore SIGUSR1", "loop 50 {", "user 1", "}"), Random(2))
    kernel.add_signal_actor(tid, 10, times=2)
    facts = []
    while (fact := kernel.next_fact(tid, CONT, 0))[1] != FactKind.NO_TRACEES:
        facts.append(FactKind(fact[1]))
    assert 1 <= facts.count(FactKind.SIGNAL) <= 2
