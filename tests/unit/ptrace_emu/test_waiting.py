from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from utrace.ptrace_emu import waiting
from utrace.ptrace_emu.registry import CLD_DUMPED, CLD_EXITED, CLD_KILLED, CLD_TRAPPED, child_siginfo

if TYPE_CHECKING:
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task


@dataclass
class Call:
    name: str
    raw: tuple[int, ...]


@dataclass
class Caller:
    tid: int


def parsed(name: str, *raw: int) -> waiting.Wait:
    call = Call(name, (*raw, *(0,) * (6 - len(raw))))
    return waiting.parse(cast("Syscall", call), cast("Task", Caller(os.getpid())))


def test_wait4_takes_its_pid_as_a_signed_int() -> None:
    assert parsed("wait4", (1 << 32) - 1).pid == -1
    assert parsed("wait4", (1 << 64) - 5).pid == -5
    assert parsed("wait4", 77, 8, waiting.WNOHANG, 16) == waiting.Wait(
        pid=77, options=1, status_at=8, siginfo_at=0, rusage_at=16, ends=True, is_waitid=False
    )


def test_waitid_tells_ends_only_where_asked() -> None:
    assert not parsed("waitid", waiting.P_PID, 5, 0, waiting.WSTOPPED).ends
    both = parsed("waitid", waiting.P_PID, 5, 64, waiting.WSTOPPED | waiting.WEXITED, 128)
    assert (both.pid, both.ends, both.siginfo_at, both.rusage_at, both.status_at) == (5, True, 64, 128, 0)


def test_a_group_is_a_negative_pid_and_zero_is_the_callers_own() -> None:
    assert parsed("waitid", waiting.P_PGID, 9, 0, waiting.WEXITED).pid == -9
    assert parsed("wait4", 0).pid == -os.getpgid(0)
    mine = parsed("wait4", 0)
    assert mine.wants(os.getpid())
    assert not parsed("wait4", 1).wants(os.getpid())


@pytest.mark.parametrize(
    ("status", "stopped", "code", "value"),
    [
        (0x137F, True, CLD_TRAPPED, 19),
        (0x6057F, True, CLD_TRAPPED, 0x605),
        (0x0300, False, CLD_EXITED, 3),
        (0x0009, False, CLD_KILLED, 9),
        (0x008B, False, CLD_DUMPED, 11),
    ],
)
def test_siginfo_of_a_wait(status: int, stopped: bool, code: int, value: int) -> None:
    siginfo = waiting.siginfo_of(os.getpid(), status, stopped=stopped)
    signo, _, its_code, _, pid, uid, its_status = struct.unpack_from("<iiiiiii", siginfo)
    assert (signo, its_code, pid, uid, its_status) == (17, code, os.getpid(), os.getuid(), value)


def test_a_siginfo_has_the_kernels_size() -> None:
    assert len(child_siginfo(CLD_EXITED, 1, 0, 0)) == 128
