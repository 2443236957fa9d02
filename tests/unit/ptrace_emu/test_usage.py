from __future__ import annotations

import os
import resource
import struct

import pytest

from utrace.ptrace_emu.ends import RUSAGE_BYTES
from utrace.ptrace_emu.usage import Usage, split_time


@pytest.mark.parametrize(
    ("runtime", "user", "system", "expected"),
    [(900, 0, 0, (900, 0)), (900, 5, 0, (900, 0)), (900, 0, 5, (0, 900)), (900, 20, 10, (600, 300))],
)
def test_time_is_shared_as_the_ticks_were(
    runtime: int, user: int, system: int, expected: tuple[int, int]
) -> None:
    assert split_time(runtime, user, system) == expected


def test_usage_of_this_process_is_what_the_kernel_tells_of_it() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF)
    told = Usage().of_process(os.getpid())
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert len(told) == RUSAGE_BYTES
    words = struct.unpack("<18q", told)
    spent = words[0] + words[2] + (words[1] + words[3]) / 1e6
    # With the children it has waited for, whose times have the granularity of ticks.
    assert spent >= before.ru_utime + before.ru_stime - 0.05
    assert words[4] >= before.ru_maxrss * 0.5
    assert words[8] >= before.ru_minflt
    # Those of threads that are gone are not known.
    assert 0 < words[16] <= after.ru_nvcsw + resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw


def test_times_never_go_back() -> None:
    usage = Usage()
    last = (0, 0)
    for _ in range(50):
        words = struct.unpack("<18q", usage.of_process(os.getpid()))
        now = (words[0] * 1_000_000 + words[1], words[2] * 1_000_000 + words[3])
        assert now[0] >= last[0]
        assert now[1] >= last[1]
        last = now


def test_a_process_that_is_gone_has_used_nothing() -> None:
    assert Usage().of_process(1 << 22 | 1) == bytes(RUSAGE_BYTES)
