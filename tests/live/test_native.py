"""The facts of LinuxKernel: which come, and that no race loses one."""

from __future__ import annotations

import errno
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.tracees import build
from tests.waiting import task_state, tracer_pid, wait_for_state, wait_until
from utrace.kernel.api import Fact, FactKind, ResumeRequest, SeizeOutcome, Spawn, Tid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import TraceeFactory

from tests.live.native_rig import (
    I386,
    NOBODY,
    NR_RT_TGSIGQUEUEINFO,
    NR_WAIT4,
    Rig,
    is_birth,
    is_entry,
    is_kind,
)


@pytest.fixture
def rig(no_leaks: None) -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Give a pipe for a tracee's output; its writing end is closed by `text_of`."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError as error:
            assert error.errno == errno.EBADF  # noqa: PT017


def run_for_output(rig: Rig, pipe: tuple[int, int], *argv: str, cwd: bytes | None = None) -> str:
    tid = rig.spawn(*argv, stdout=pipe[1], cwd=cwd)
    os.close(pipe[1])
    facts = rig.until(is_kind(FactKind.DEATH), tid, ResumeRequest.CONT)
    assert facts[-1] == (tid, FactKind.DEATH, 0, None)
    with os.fdopen(os.dup(pipe[0])) as output:
        return output.read()


def test_seize_threads_of_a_running_program(rig: Rig, tracee: TraceeFactory) -> None:
    program = tracee("spins", "4")
    assert program.read_line() == "ready"
    tids = rig.kernel.threads(program.pid)
    assert len(tids) == 4
    for tid in tids:
        rig.seize(tid)
        assert rig.kernel.interrupt(tid)
        assert rig.kernel.parentage(tid) == (program.pid, rig.kernel.parentage(program.pid)[1])  # type: ignore[index]
    assert {rig.next()[:3] for _ in tids} == {(tid, FactKind.TRAP, 0) for tid in tids}
    assert rig.kernel.seize(tids[0], exit_kill=True) is SeizeOutcome.ALREADY_OURS
    assert all(rig.kernel.detach(tid, 0) for tid in tids)
    rig.alive.clear()
    assert [tracer_pid(tid) for tid in tids] == [0] * 4
    wait_for_state(program.pid, "R")


def test_seize_nobody_or_ourselves(rig: Rig) -> None:
    assert rig.kernel.seize(NOBODY, exit_kill=False) is SeizeOutcome.GONE
    assert rig.kernel.seize(threading.get_native_id(), exit_kill=False) is SeizeOutcome.REFUSED


def test_requests_to_nobody_answer_that_it_is_gone(rig: Rig) -> None:
    kernel = rig.kernel
    assert not kernel.resume(NOBODY, ResumeRequest.CONT, 0)
    assert not kernel.pending_fact(NOBODY)
    assert not kernel.interrupt(NOBODY)
    assert not kernel.detach(NOBODY, 0)
    assert not kernel.kill(NOBODY, 0)
    assert not kernel.set_syscall(NOBODY, 0, None)
    assert not kernel.set_result(NOBODY, 0)
    assert not kernel.set_siginfo(NOBODY, bytes(128))
    assert not kernel.syscall_restart(NOBODY, {})
    assert not kernel.watch_reap(NOBODY)
    assert kernel.get_regs(NOBODY) is None
    assert kernel.get_debug_register(NOBODY, 0) is None
    assert kernel.disposition(NOBODY) is None
    assert kernel.parentage(NOBODY) is None
    assert kernel.threads(NOBODY) == []
    assert kernel.children(NOBODY) == []
    assert kernel.is_own_child(NOBODY)
    assert kernel.next_fact(NOBODY, ResumeRequest.CONT, 0)[1] == FactKind.NO_TRACEES


def test_resume_by_a_number_that_is_no_resume_request_is_refused(rig: Rig) -> None:
    ptrace_kill = 8
    with pytest.raises(OSError, match="Invalid argument"):
        rig.next(rig.spawn("/bin/true"), ptrace_kill)


def test_requests_from_another_thread_are_refused(rig: Rig) -> None:
    rig.next()
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            rig.kernel.next_fact(0, 0, 0)
        except RuntimeError as error:
            caught.append(error)

    other = threading.Thread(target=ask)
    other.start()
    other.join()
    assert len(caught) == 1


def test_sigkill_breaks_a_stop_and_the_death_follows(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    rig.until(is_entry(110), tid)
    assert not rig.kernel.pending_fact(tid)
    rig.kernel.kill(tid, signal.SIGKILL)
    wait_until(lambda: rig.kernel.pending_fact(tid), 10, "a newer status")
    # Not resumed: that would swallow the exit stop.
    facts = rig.until(is_kind(FactKind.DEATH))
    assert facts == [
        (tid, FactKind.EXIT, signal.SIGKILL, None),
        (tid, FactKind.DEATH, signal.SIGKILL, None),
    ]
    assert len(rig.usages[tid] or b"") == struct.calcsize("@18l")  # getrusage(2)


def test_a_tracee_whose_stops_dominate_does_not_starve_another(rig: Rig) -> None:
    turns = 16  # native/utrace-sys/src/pace.rs: `ALONE`
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cpus)})
    try:
        other = rig.spawn(str(build("spins")))
        rig.until(is_entry(110), other)
        lively = rig.spawn(str(build("spins")))
        rig.until(is_entry(110), lively)
        for _ in range(500):
            assert rig.next(lively)[0] == lively
        assert rig.kernel.resume(other, ResumeRequest.SYSCALL, 0)
        wait_for_state(other, "t")
        facts = rig.until(lambda fact: fact[0] == other, lively)
        assert len(facts) <= turns + 1
    finally:
        os.sched_setaffinity(0, cpus)


@pytest.mark.parametrize("threads", [1, 4])
def test_sigkill_at_any_moment_ends_in_deaths(rig: Rig, threads: int) -> None:
    for turn in range(30):
        tid = rig.spawn(str(build("spins")), str(threads))
        rig.until(is_entry(110), tid)
        killer = threading.Timer(turn * 0.0003, rig.kernel.kill, (tid, signal.SIGKILL))
        killer.start()
        facts = rig.until(is_kind(FactKind.NO_TRACEES), tid)
        killer.join()
        assert facts[-2][1:3] == (FactKind.DEATH, signal.SIGKILL)


def test_facts_of_busy_threads_come_in_turn(rig: Rig, tracee: TraceeFactory) -> None:
    program = tracee("spins", "4")
    assert program.read_line() == "ready"
    tids = rig.kernel.threads(program.pid)
    for tid in tids:
        rig.seize(tid)
        rig.kernel.interrupt(tid)
    stops = dict.fromkeys(tids, 0)
    stopped = 0
    for _ in range(8000):
        stopped = rig.next(stopped)[0]
        stops[Tid(stopped)] += 1
    assert min(stops.values()) > 8000 / 4 / 4, stops
    rig.kernel.kill(program.pid, signal.SIGKILL)
    rig.until(is_kind(FactKind.DEATH), stopped)


def test_group_stop_is_told_and_listened_to(rig: Rig) -> None:
    tid = rig.spawn(str(build("pauses")), stdout=2)
    rig.until(is_entry(34), tid)
    rig.kernel.kill(tid, signal.SIGSTOP)
    stop = rig.until(is_kind(FactKind.GROUP_STOP), tid, ResumeRequest.CONT)
    assert [fact[1:3] for fact in stop] == [
        (FactKind.SIGNAL, signal.SIGSTOP),
        (FactKind.GROUP_STOP, signal.SIGSTOP),
    ]
    assert rig.kernel.resume(tid, ResumeRequest.LISTEN, 0)
    rig.kernel.kill(tid, signal.SIGCONT)
    trap = rig.next()
    assert trap == (tid, FactKind.TRAP, 0, None)
    assert rig.next(tid, ResumeRequest.CONT)[:3] == (tid, FactKind.SIGNAL, signal.SIGCONT)


def test_siginfo_is_told_and_can_be_changed(rig: Rig) -> None:
    tid = rig.spawn("/bin/sleep", "1000")
    rig.until(is_kind(FactKind.EXEC), tid)
    rig.kernel.kill(tid, signal.SIGTERM)
    signo, siginfo = rig.until(is_kind(FactKind.SIGNAL), tid)[-1][2:]
    assert signo == signal.SIGTERM
    assert isinstance(siginfo, bytes)
    assert len(siginfo) == 128
    assert int.from_bytes(siginfo[:4], sys.byteorder) == signal.SIGTERM
    assert int.from_bytes(siginfo[16:20], sys.byteorder) == os.getpid()
    assert rig.kernel.set_siginfo(tid, signal.SIGKILL.to_bytes(4, sys.byteorder) + siginfo[4:])
    with pytest.raises(ValueError, match="128"):
        rig.kernel.set_siginfo(tid, siginfo[1:])
    assert rig.until(is_kind(FactKind.DEATH), tid, signo=signal.SIGINT)[-1][2] == signal.SIGINT


def test_births_are_told_before_and_with_the_child(rig: Rig) -> None:
    tid = rig.spawn("/bin/sh", "-c", "(exit 3); exit $?")
    facts = rig.until(is_kind(FactKind.NO_TRACEES), tid)
    births = [fact for fact in facts if is_birth(fact)]
    assert len(births) == 1
    child = births[0][2]
    assert [fact[1] for fact in facts if fact[0] == child][0] == FactKind.TRAP  # noqa: RUF015
    assert (child, FactKind.DEATH, 3 << 8, None) in facts
    assert (tid, FactKind.DEATH, 3 << 8, None) in facts


@pytest.mark.requires("i386-tasks")
def test_i386_program_has_its_arch_and_its_registers(rig: Rig) -> None:
    tid = rig.spawn(str(build("exits32", bits=32)))
    rig.until(is_kind(FactKind.SYSCALL_EXIT), tid)
    fact = rig.until(is_kind(FactKind.SYSCALL_ENTRY), tid)[-1]
    detail = fact[3]
    assert isinstance(detail, tuple)
    assert detail[0] == I386
    assert len(rig.kernel.get_regs(tid) or b"") == 68


def test_ring_before_the_first_wait_is_not_lost(rig: Rig) -> None:
    rig.kernel.ring()
    assert rig.next() == (0, FactKind.BELL, 0, None)
    assert rig.next()[1] == FactKind.NO_TRACEES


def test_ring_after_ring_each_is_heard(rig: Rig) -> None:
    rings = 10_000
    tid = rig.spawn("/bin/sleep", "1000")
    rig.kernel.resume(tid, ResumeRequest.CONT, 0)
    heard = threading.Semaphore(0)

    def ringer() -> None:
        for _ in range(rings):
            rig.kernel.ring()
            if not heard.acquire(timeout=20):
                return

    other = threading.Thread(target=ringer)
    other.start()
    bells = 0
    resumed = 0
    while bells < rings:
        fact = rig.next(resumed, ResumeRequest.CONT)
        resumed = fact[0]
        if fact[1] == FactKind.BELL:
            bells += 1
            heard.release()
    other.join()
    assert bells == rings


def test_ring_among_facts_each_is_heard_soon(rig: Rig) -> None:
    rings = 5_000
    tid: int = rig.spawn(str(build("spins")))
    heard = threading.Semaphore(0)

    def ringer() -> None:
        for _ in range(rings):
            rig.kernel.ring()
            if not heard.acquire(timeout=20):
                return

    other = threading.Thread(target=ringer)
    other.start()
    bells = 0
    resumed = tid
    for _ in range(rings * 400):
        fact = rig.next(resumed)
        resumed = fact[0]
        if fact[1] == FactKind.BELL:
            bells += 1
            heard.release()
            if bells == rings:
                break
    other.join()
    assert bells == rings


RINGS_ITSELF: Final = """
import subprocess, sys, threading
from utrace.kernel.linux import LinuxKernel
kernel = LinuxKernel()
# Not a tracee, for it is one already; a wait for any waits for it too.
child = subprocess.Popen(["/bin/sleep", "1000"])
threading.Thread(target=lambda: (sys.stdin.readline(), kernel.ring())).start()
kernel.next_fact(0, 0, 0)
"""


def is_blocking_wait(fact: Fact) -> bool:
    detail = fact[3]
    return is_entry(NR_WAIT4)(fact) and isinstance(detail, tuple) and not detail[5] & os.WNOHANG


@pytest.mark.requires("x86-64")
def test_ring_between_the_look_and_the_wait_is_not_lost(rig: Rig, pipe: tuple[int, int]) -> None:
    # The tracee is a tracer.  It is held right before the `syscall` instruction of its wait, which it
    # has looked for a bell before, and rung for there.
    python = sys.executable.encode()
    program = Spawn(python, [python, b"-c", RINGS_ITSELF.encode()], [], stdio=(pipe[0], 1, 2))
    tid = rig.kernel.spawn(program, exit_kill=True)
    rig.alive.add(tid)
    behind = rig.until(lambda fact: fact[0] == tid and is_blocking_wait(fact), tid)[-1][3]
    assert isinstance(behind, tuple)
    rig.kernel.set_syscall(tid, -1, None)
    rig.until(lambda fact: fact[:2] == (tid, FactKind.SYSCALL_EXIT), tid)
    regs = bytearray(rig.kernel.get_regs(tid) or b"")
    before = behind[1] - 2
    regs[80:88] = NR_WAIT4.to_bytes(8, "little")
    regs[128:136] = before.to_bytes(8, "little")
    assert rig.kernel.set_regs(tid, bytes(regs))
    os.write(pipe[1], b"ring\n")
    rung = rig.until(is_entry(NR_RT_TGSIGQUEUEINFO))[-1][0]
    assert rung != tid
    rig.until(lambda fact: fact[:2] == (rung, FactKind.SYSCALL_EXIT), rung)
    assert rig.kernel.resume(rung, ResumeRequest.SYSCALL, 0)
    facts = rig.until(lambda fact: fact[0] == tid, tid)
    assert facts[-1][:3] == (tid, FactKind.SIGNAL, signal.SIGURG)
    assert (rig.kernel.get_regs(tid) or b"")[128:136] == before.to_bytes(8, "little")
    rest = rig.until(
        lambda fact: fact[0] == tid and (fact[1] == FactKind.EXIT or is_blocking_wait(fact)),
        tid,
        signo=signal.SIGURG,
    )
    assert rest[-1] == (tid, FactKind.EXIT, 0, None)
    rig.until(is_kind(FactKind.DEATH), tid)


def test_ring_leaves_the_hosts_own_sigurg_handler_in_force() -> None:
    host = """
import os, signal, threading
from utrace.kernel.linux import LinuxKernel
seen = []
signal.signal(signal.SIGURG, lambda *_: seen.append(1))
kernel = LinuxKernel()
kernel.ring()
kernel.next_fact(0, 0, 0)
threading.Thread(target=kernel.ring).start()
kernel.next_fact(0, 0, 0)
mine = len(seen)
os.kill(os.getpid(), signal.SIGURG)
kernel.close()
print(mine, len(seen))
"""
    done = subprocess.run([sys.executable, "-c", host], capture_output=True, text=True, check=True)
    assert done.stdout == "0 1\n"


def test_reap_by_the_real_parent_is_told(rig: Rig, tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    assert program.read_line() == "ready"
    rig.seize(program.pid)
    family = rig.kernel.parentage(program.pid)
    assert family is not None
    parent = family[1]
    assert not rig.kernel.is_own_child(program.pid)
    os.kill(parent, signal.SIGSTOP)
    try:
        wait_for_state(parent, "T")
        rig.kernel.kill(program.pid, signal.SIGKILL)
        rig.until(is_kind(FactKind.DEATH))
        assert rig.kernel.watch_reap(program.pid)
        assert task_state(program.pid) == "Z"
    finally:
        os.kill(parent, signal.SIGCONT)
    assert rig.until(is_kind(FactKind.REAPED))[-1] == (program.pid, FactKind.REAPED, 0, None)
    assert not rig.kernel.watch_reap(program.pid)


def test_own_child_is_reaped_by_its_death(rig: Rig) -> None:
    tid = rig.spawn("/bin/true")
    assert rig.kernel.is_own_child(tid)
    rig.until(is_kind(FactKind.DEATH), tid, ResumeRequest.CONT)
    assert not rig.kernel.watch_reap(tid)


def test_zombie_leader_is_told_while_its_group_lives(rig: Rig, pipe: tuple[int, int]) -> None:
    leaves = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
ctypes.CDLL(None).syscall(60, 7)
"""
    tid = rig.spawn(sys.executable, "-S", "-c", leaves)
    facts = rig.until(lambda fact: fact[:2] == (tid, FactKind.EXIT), tid, ResumeRequest.CONT)
    assert facts[-1] == (tid, FactKind.EXIT, 7 << 8, None)
    rig.kernel.watch_zombie(tid)
    facts = rig.until(is_kind(FactKind.ZOMBIE_LEADER), tid, ResumeRequest.CONT)
    assert facts[-1] == (tid, FactKind.ZOMBIE_LEADER, 0, None)
    assert rig.kernel.kill(tid, signal.SIGKILL)
    ends = rig.until(is_kind(FactKind.NO_TRACEES), request=ResumeRequest.CONT)
    assert (tid, FactKind.DEATH, signal.SIGKILL, None) in ends


def test_wait_for_a_reap_ends_by_a_ring(rig: Rig, tracee: TraceeFactory) -> None:
    program = tracee("pauses")
    assert program.read_line() == "ready"
    rig.seize(program.pid)
    parent = (rig.kernel.parentage(program.pid) or (0, 0))[1]
    os.kill(parent, signal.SIGSTOP)
    try:
        wait_for_state(parent, "T")
        rig.kernel.kill(program.pid, signal.SIGKILL)
        rig.until(is_kind(FactKind.DEATH))
        assert rig.kernel.watch_reap(program.pid)
        begun = time.monotonic()
        bell = threading.Timer(0.05, rig.kernel.ring)
        bell.start()
        assert rig.next()[1] == FactKind.BELL
        bell.join()
        assert time.monotonic() - begun < 10
    finally:
        os.kill(parent, signal.SIGCONT)
    rig.until(is_kind(FactKind.REAPED))


def test_children_are_those_it_made(rig: Rig) -> None:
    tid = rig.spawn("/bin/sh", "-c", "sleep 1000; :")
    birth = rig.until(is_birth, tid, ResumeRequest.CONT)[-1]
    assert rig.kernel.children(tid) == [birth[2]]
