from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from utrace.core.task_life import TaskId
from utrace.engines.ptrace import PtraceEngine
from utrace.engines.ptrace_stops import PtraceStop, StopKind
from utrace.ptrace_emu import waiting
from utrace.ptrace_emu.ends import (
    CLD_DUMPED,
    CLD_EXITED,
    CLD_KILLED,
    CLD_TRAPPED,
    Ended,
    child_siginfo,
)
from utrace.ptrace_emu.registry import Registry
from utrace.tracehook.group_stop import CLD_CONTINUED

if TYPE_CHECKING:
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task


@dataclass
class Call:
    name: str
    raw: tuple[int, ...]
    arch: int = 0xC000003E


@dataclass
class Caller:
    tid: int


def parsed(name: str, *raw: int) -> waiting.Wait:
    found = parse(name, *raw)
    assert found is not None
    return found


def parse(name: str, *raw: int) -> waiting.Wait | None:
    call = Call(name, (*raw, *(0,) * (6 - len(raw))))
    return waiting.parse(cast("Syscall", call), cast("Task", Caller(os.getpid())))


def test_wait4_takes_its_pid_as_a_signed_int() -> None:
    assert parsed("wait4", (1 << 32) - 1).pid == -1
    assert parsed("wait4", (1 << 64) - 5).pid == -5
    assert parsed("wait4", 77, 8, waiting.WNOHANG, 16) == waiting.Wait(
        pid=77, options=1, status_at=8, siginfo_at=0, rusage_at=16, ends=True, is_waitid=False
    )


def test_waitid_tells_ends_only_where_asked() -> None:
    assert not parsed("waitid", waiting.Kind.P_PID, 5, 0, waiting.WSTOPPED).ends
    both = parsed("waitid", waiting.Kind.P_PID, 5, 64, waiting.WSTOPPED | waiting.WEXITED, 128)
    assert (both.pid, both.ends, both.siginfo_at, both.rusage_at, both.status_at) == (5, True, 64, 128, 0)


def test_a_group_is_a_negative_pid_and_zero_is_the_callers_own() -> None:
    assert parsed("waitid", waiting.Kind.P_PGID, 9, 0, waiting.WEXITED).pid == -9
    assert parsed("wait4", 0).pid == -os.getpgid(0)
    mine = parsed("wait4", 0)
    assert mine.wants(os.getpid())
    assert not parsed("wait4", 1).wants(os.getpid())


@pytest.mark.parametrize(
    ("status", "ended", "code", "value"),
    [
        (0x137F, False, CLD_TRAPPED, 19),
        (0x6057F, False, CLD_TRAPPED, 0x605),
        (0xFFFF, False, CLD_CONTINUED, 18),
        (0x0300, True, CLD_EXITED, 3),
        (0x0009, True, CLD_KILLED, 9),
        (0x008B, True, CLD_DUMPED, 11),
    ],
)
def test_siginfo_of_a_wait(status: int, ended: bool, code: int, value: int) -> None:
    siginfo = waiting.siginfo_of(os.getpid(), 1000, status, ended=ended)
    signo, _, its_code, _, pid, uid, its_status = struct.unpack_from("<iiiiiii", siginfo)
    assert (signo, its_code, pid, uid, its_status) == (17, code, os.getpid(), 1000, value)


def test_a_siginfo_has_the_kernels_size() -> None:
    assert len(child_siginfo(CLD_EXITED, 1, 0, 0)) == 128


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("wait4", (5, 0, 0x100)),
        ("wait4", (5, 0, waiting.WEXITED)),
        ("wait4", (0x80000000,)),
        ("waitid", (77, 5, 0, waiting.WEXITED)),
        ("waitid", (waiting.Kind.P_PID, 5, 0, 0)),
        ("waitid", (waiting.Kind.P_PID, 0, 0, waiting.WEXITED)),
        ("waitid", (waiting.Kind.P_PGID, 0xFFFFFFFF, 0, waiting.WEXITED)),
        ("waitid", (waiting.Kind.P_PIDFD, 0, 0, waiting.WEXITED)),
    ],
)
def test_wrong_arguments_are_left_to_the_kernel(name: str, raw: tuple[int, ...]) -> None:
    assert parse(name, *raw) is None


def test_a_pidfd_that_does_not_block_makes_the_wait_one_that_does_not() -> None:
    for flags, blocks in ((0, True), (os.O_NONBLOCK, False)):
        fd = os.pidfd_open(os.getpid(), flags)
        try:
            wait = parsed("waitid", waiting.Kind.P_PIDFD, fd, 0, waiting.WEXITED)
        finally:
            os.close(fd)
        assert (wait.pid, wait.may_block, wait.by_descriptor) == (os.getpid(), blocks, not blocks)


class Tracees(Registry):
    """The tracees of one tracer, which is their parent, by age."""

    def __init__(self, *tids: int) -> None:
        super().__init__()
        self.tracer = SimpleNamespace(pid=1, tid=1)
        for tid in tids:
            task = SimpleNamespace(tid=tid, pid=tid, id=TaskId(tid, tid))
            self.parents[tid] = cast("Task", self.tracer)
            link = PtraceEngine(self, 1, 1, seized=True, options=0)
            link.tracee = cast("Task", task)
            self._add(link)

    def stop(self, *tids: int) -> None:
        for tid in tids:
            (link,) = self.links[tid]
            link.stop = PtraceStop(StopKind.SYSCALL_ENTRY, 0x85, None)
            self.number(link.stop)

    def tell(self) -> int:
        found = waiting.find(self, cast("Task", self.tracer), parsed("wait4", (1 << 32) - 1))
        if found is None or isinstance(found, Ended) or found.stop is None:
            return 0
        found.stop.waited = True
        return found.tracee.tid


def test_of_several_stops_the_kernels_first_is_told() -> None:
    tracees = Tracees(10, 11, 12)
    tracees.stop(12, 11)
    assert [tracees.tell(), tracees.tell(), tracees.tell()] == [11, 12, 0]


def test_a_tracee_that_stops_again_at_once_does_not_keep_others_from_being_told() -> None:
    tracees = Tracees(10, 11, 12)
    tracees.stop(10, 11, 12)
    told = []
    for _ in range(30):
        told.append(tracees.tell())
        tracees.stop(told[-1])
    assert [told.count(tid) for tid in (10, 11, 12)] == [10, 10, 10]
