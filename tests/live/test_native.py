"""LinuxKernel on processes: what each request does, and what no race may lose."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.tracees import build
from tests.waiting import task_state, wait_for_state, wait_until
from utrace.kernel.api import Fact, FactKind, ResumeRequest, SeizeOutcome, Spawn, Tid
from utrace.kernel.linux import LinuxKernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import TraceeFactory

X86_64: Final = 0xC000003E
I386: Final = 0x40000003
NOBODY: Final = 0x3FFFFFFF
FACTS_MAX: Final = 100_000

NR_EXECVE: Final = 59
NR_EPOLL_WAIT: Final = 232


class Rig:
    """A kernel whose tracees end with the test.  Its tracer thread is the test's."""

    def __init__(self) -> None:
        self.kernel = LinuxKernel()
        self.alive: set[int] = set()

    def spawn(self, *argv: str, stdout: int = 1, cwd: bytes | None = None) -> Tid:
        words = [word.encode() for word in argv]
        program = Spawn(words[0], words, [b"LC_ALL=C"], cwd=cwd, stdio=(0, stdout, 2))
        tid = self.kernel.spawn(program, exit_kill=True)
        self.alive.add(tid)
        return tid

    def next(self, tid: int = 0, request: int = ResumeRequest.SYSCALL, signo: int = 0) -> Fact:
        fact = self.kernel.next_fact(tid, request, signo)
        if fact[1] == FactKind.DEATH:
            self.alive.discard(fact[0])
        elif fact[1] in {FactKind.FORK, FactKind.VFORK, FactKind.CLONE}:
            self.alive.add(fact[2])
        return fact

    def until(
        self,
        found: Callable[[Fact], bool],
        tid: int = 0,
        request: int = ResumeRequest.SYSCALL,
        signo: int = 0,
    ) -> list[Fact]:
        """Let everyone go on until a fact is as wanted; give all facts, that one last."""
        facts: list[Fact] = []
        now = request
        while len(facts) < FACTS_MAX:
            facts.append(self.next(tid, now, signo))
            tid, kind, value, _ = facts[-1]
            if found(facts[-1]):
                return facts
            signo = value if kind == FactKind.SIGNAL else 0
            now = ResumeRequest.LISTEN if kind == FactKind.GROUP_STOP else request
            if kind >= FactKind.DEATH:
                tid = 0
        raise AssertionError(facts[-20:])

    def seize(self, tid: int) -> None:
        assert self.kernel.seize(tid, exit_kill=True) is SeizeOutcome.SEIZED
        self.alive.add(tid)

    def seize_and_stop(self, tid: int) -> None:
        self.seize(tid)
        assert self.kernel.interrupt(tid)
        assert self.next() == (tid, FactKind.TRAP, 0, None)

    def close(self) -> None:
        for tid in self.alive:
            self.kernel.kill(tid, signal.SIGKILL)
        self.until(is_kind(FactKind.NO_TRACEES), request=ResumeRequest.CONT)
        self.kernel.close()


def is_kind(kind: FactKind) -> Callable[[Fact], bool]:
    return lambda fact: fact[1] == kind


def is_entry(nr: int) -> Callable[[Fact], bool]:
    return lambda fact: fact[1] == FactKind.SYSCALL_ENTRY and fact[2] == nr


def kinds(facts: list[Fact]) -> list[FactKind]:
    return [FactKind(fact[1]) for fact in facts]


@pytest.fixture
def rig(no_leaks: None) -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


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


# ------------------------------------------------------------------------------------------ spawn


def test_spawn_first_call_is_the_execve_and_all_is_told_to_the_end(rig: Rig) -> None:
    tid = rig.spawn("/bin/true")
    facts = rig.until(is_kind(FactKind.NO_TRACEES), tid)
    assert facts[0][:3] == (tid, FactKind.SYSCALL_ENTRY, NR_EXECVE)
    assert facts[1] == (tid, FactKind.EXEC, tid, None)
    assert facts[2][:3] == (tid, FactKind.SYSCALL_EXIT, 0)
    assert facts[-3:] == [
        (tid, FactKind.EXIT, 0, None),
        (tid, FactKind.DEATH, 0, None),
        (0, FactKind.NO_TRACEES, 0, None),
    ]
    calls = kinds(facts[3:-4])
    assert calls[::2] == [FactKind.SYSCALL_ENTRY] * len(calls[::2])
    assert calls[1::2] == [FactKind.SYSCALL_EXIT] * len(calls[1::2])
    assert rig.kernel.spawn_error(tid) == 0


def test_spawn_program_missing_tells_errno_after_the_death(rig: Rig) -> None:
    tid = rig.spawn("/nonexistent/program")
    assert rig.kernel.spawn_error(tid) == 0
    facts = rig.until(is_kind(FactKind.DEATH), tid, ResumeRequest.CONT)
    assert facts[-1] == (tid, FactKind.DEATH, 127 << 8, None)
    assert rig.kernel.spawn_error(tid) == errno.ENOENT


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (Spawn(b"/bin/true", [b"true"], [], cwd=b"/nonexistent"), errno.ENOENT),
        (Spawn(b"/bin/true", [b"true"], [], stdio=(0, 1, 999_999)), errno.EBADF),
        (Spawn(b"/bin/true", [b"true"], [], parent_death_signal=1000), errno.EINVAL),
    ],
)
def test_spawn_set_up_fails_raises_and_leaves_nobody(rig: Rig, program: Spawn, error: int) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011
        rig.kernel.spawn(program, exit_kill=True)
    assert caught.value.errno == error
    assert rig.next()[1] == FactKind.NO_TRACEES


def test_spawn_null_in_an_argument_is_refused(rig: Rig) -> None:
    with pytest.raises(ValueError, match="null"):
        rig.kernel.spawn(Spawn(b"/bin/true", [b"a\0b"], []), exit_kill=True)


def test_spawn_signals_are_as_from_a_shell(rig: Rig, pipe: tuple[int, int]) -> None:
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
    status = run_for_output(rig, pipe, "/bin/cat", "/proc/self/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {name: int(fields[name], 16) for name in ("SigBlk", "SigIgn", "SigCgt")} == {
        "SigBlk": 0,
        "SigIgn": 0,
        "SigCgt": 0,
    }


def test_spawn_mask_is_the_one_given() -> None:
    mask = 1 << (signal.SIGUSR1 - 1)
    rig = Rig()
    rig.kernel = LinuxKernel(mask)
    try:
        tid = rig.spawn("/bin/true")
        rig.until(is_kind(FactKind.EXEC), tid)
        assert rig.kernel.disposition(tid).blocked == mask  # type: ignore[union-attr]
    finally:
        rig.close()


def test_spawn_passes_three_descriptors_and_no_more(rig: Rig, pipe: tuple[int, int]) -> None:
    os.set_inheritable(pipe[0], True)
    # 3 is ls reading the directory.
    assert run_for_output(rig, pipe, "/bin/ls", "/proc/self/fd").split() == ["0", "1", "2", "3"]


def test_spawn_begins_in_the_directory_given(rig: Rig, pipe: tuple[int, int]) -> None:
    assert run_for_output(rig, pipe, "/bin/pwd", "-P", cwd=b"/usr") == "/usr\n"


def test_spawn_new_session_leads_it(rig: Rig) -> None:
    program = Spawn(b"/bin/true", [b"true"], [], new_session=True)
    tid = rig.kernel.spawn(program, exit_kill=True)
    rig.alive.add(tid)
    assert os.getsid(tid) == tid
    assert os.getsid(rig.spawn("/bin/true")) == os.getsid(0)


def test_spawn_killed_before_its_execve_is_a_death(rig: Rig) -> None:
    tid = rig.spawn("/bin/true")
    assert rig.kernel.kill(tid, signal.SIGKILL)
    facts = rig.until(is_kind(FactKind.DEATH), tid)
    assert facts[-1] == (tid, FactKind.DEATH, signal.SIGKILL, None)


# ------------------------------------------------------------------------------------ seize and kill


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
    assert rig.next()[1] == FactKind.NO_TRACEES
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


# --------------------------------------------------------------------------------------- facts


def test_facts_of_busy_threads_come_in_turn(rig: Rig, tracee: TraceeFactory) -> None:
    program = tracee("spins", "4")
    assert program.read_line() == "ready"
    tids = rig.kernel.threads(program.pid)
    for tid in tids:
        rig.seize(tid)
        rig.kernel.interrupt(tid)
    stops = dict.fromkeys(tids, 0)
    tid = 0
    for _ in range(8000):
        tid = rig.next(tid)[0]
        stops[Tid(tid)] += 1
    assert min(stops.values()) > 8000 / 4 / 4, stops
    rig.kernel.kill(program.pid, signal.SIGKILL)
    rig.until(is_kind(FactKind.NO_TRACEES), tid)


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
    births = [fact for fact in facts if fact[1] in {FactKind.FORK, FactKind.CLONE, FactKind.VFORK}]
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


# ------------------------------------------------------------------------- syscalls and registers


def test_syscall_skipped_and_its_result_chosen(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    rig.until(is_entry(110), tid)
    assert rig.kernel.set_syscall(tid, -1, None)
    assert rig.next(tid)[1:3] == (FactKind.SYSCALL_EXIT, -errno.ENOSYS)
    assert rig.kernel.set_result(tid, -errno.EPERM)
    regs = rig.kernel.get_regs(tid)
    assert regs is not None
    assert len(regs) == 216
    assert int.from_bytes(regs[80:88], "little", signed=True) == -errno.EPERM


def test_syscall_replaced_with_arguments(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    rig.until(is_entry(110), tid)
    kill = 62
    assert rig.kernel.set_syscall(tid, kill, (tid, 0, 2**64 - 1, 0, 0, 0))
    assert rig.next(tid)[1:3] == (FactKind.SYSCALL_EXIT, 0)
    detail = rig.next(tid)[3]
    assert isinstance(detail, tuple)
    assert detail[0] == X86_64


def test_registers_are_written_as_given(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    rig.until(is_entry(110), tid)
    regs = rig.kernel.get_regs(tid)
    assert regs is not None
    changed = (0x1234).to_bytes(8, "little") + regs[8:]
    assert rig.kernel.set_regs(tid, changed)
    assert rig.kernel.get_regs(tid) == changed
    nt_prfpreg, nt_x86_xstate = 2, 0x202
    floating = rig.kernel.get_regset(tid, nt_prfpreg)
    assert floating is not None
    assert len(floating) == 512
    assert rig.kernel.set_regset(tid, nt_prfpreg, floating)
    assert len(rig.kernel.get_regset(tid, nt_x86_xstate) or b"") >= 576


@pytest.mark.requires("x86-64")
def test_debug_registers_keep_what_is_written(rig: Rig) -> None:
    tid = rig.spawn("/bin/true")
    assert rig.kernel.set_debug_register(tid, 0, 0x1000)
    assert rig.kernel.get_debug_register(tid, 0) == 0x1000
    with pytest.raises(OSError, match="Invalid argument"):
        rig.kernel.get_debug_register(tid, 8)


def test_syscall_restart_hides_the_eintr_of_our_interrupt(rig: Rig) -> None:
    waits = "import select; select.epoll().poll()"
    tid = rig.spawn(sys.executable, "-S", "-c", waits)
    rig.until(is_entry(NR_EPOLL_WAIT), tid)
    for nrs, is_restarted in (({X86_64: frozenset({NR_EPOLL_WAIT})}, True), ({}, False)):
        assert rig.kernel.resume(tid, ResumeRequest.CONT, 0)
        wait_for_state(tid, "S")
        assert rig.kernel.interrupt(tid)
        assert rig.next() == (tid, FactKind.TRAP, 0, None)
        assert rig.kernel.syscall_restart(tid, nrs) is is_restarted
        again = rig.next(tid)
        assert again[:3] == (tid, FactKind.SYSCALL_ENTRY, NR_EPOLL_WAIT)


# ----------------------------------------------------------------------------------------- ring


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
    tid = 0
    while bells < rings:
        fact = rig.next(tid, ResumeRequest.CONT)
        tid = fact[0]
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


def test_ring_leaves_the_hosts_own_sigurg_handler_in_force(tmp_path: os.PathLike[str]) -> None:
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
    done = subprocess.run([sys.executable, "-c", host], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "0 1\n"


# --------------------------------------------------------------------------------------- memory


def test_memory_of_a_tracee_its_text_included(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    detail = rig.until(is_entry(110), tid)[-1][3]
    assert isinstance(detail, tuple)
    counter, stack = detail[1], detail[2]
    read, write = rig.kernel.read_memory, rig.kernel.write_memory
    code = read(tid, counter, 16)
    assert len(code) == 16
    assert write(tid, counter, b"\xcc") == 1
    assert read(tid, counter, 16) == b"\xcc" + code[1:]
    assert write(tid, counter, code) == 16
    assert write(tid, stack, b"stack") == 5
    assert rig.kernel.read_cstring(tid, stack, 3) == (b"sta", False)


def stack_top(tid: int) -> int:
    with open(f"/proc/{tid}/maps", encoding="ascii") as maps:
        line = next(line for line in maps if line.endswith("[stack]\n"))
    return int(line.split()[0].partition("-")[2], 16)


def test_memory_ends_with_its_mapping(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    rig.until(is_entry(110), tid)
    end = stack_top(tid)
    kernel = rig.kernel
    assert kernel.write_memory(tid, end - 10, b"0123456789too long") == 10
    assert kernel.read_memory(tid, end - 10, 18) == b"0123456789"
    assert kernel.read_memory(tid, end - 10_000, 20_000)[-10:] == b"0123456789"
    assert kernel.read_cstring(tid, end - 10, 100) == (b"0123456789", False)
    assert kernel.read_cstring(tid, end - 10, 10) == (b"0123456789", False)
    assert kernel.write_memory(tid, end - 5, b"\0") == 1
    assert kernel.read_cstring(tid, end - 10, 100) == (b"01234", True)
    assert kernel.read_cstring(tid, end - 10, 5) == (b"01234", True)


@pytest.mark.parametrize("address", [0, 1, 0xFFFFFFFFFFFFF000, 0x7FFFFFFFFFFFFFF0, 2**64 - 1])
def test_memory_where_there_is_none(rig: Rig, address: int) -> None:
    tid = rig.spawn("/bin/true")
    assert rig.kernel.read_memory(tid, address, 16) == b""
    assert rig.kernel.read_cstring(tid, address, 16) == (b"", False)
    assert rig.kernel.write_memory(tid, address, b"x") == 0
    assert rig.kernel.read_memory(NOBODY, address, 16) == b""


def test_memory_of_a_hostile_length_is_not_taken_first(rig: Rig) -> None:
    tid = rig.spawn("/bin/true")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert rig.kernel.read_memory(tid, 0, 1 << 40) == b""
    assert rig.kernel.read_cstring(tid, 0, 1 << 40) == (b"", False)
    assert 0 < len(rig.kernel.read_memory(tid, stack_top(tid) - 4096, 1 << 40)) <= 1 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 65536


# ------------------------------------------------------------------------------------ what no wait tells


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
    assert rig.next() == (program.pid, FactKind.REAPED, 0, None)
    assert rig.next()[1] == FactKind.NO_TRACEES
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
    assert rig.next()[1] == FactKind.REAPED


def test_children_are_those_it_made(rig: Rig) -> None:
    tid = rig.spawn("/bin/sh", "-c", "sleep 1000; :")
    birth = rig.until(
        lambda fact: fact[1] in {FactKind.FORK, FactKind.VFORK, FactKind.CLONE}, tid, ResumeRequest.CONT
    )[-1]
    assert rig.kernel.children(tid) == [birth[2]]
