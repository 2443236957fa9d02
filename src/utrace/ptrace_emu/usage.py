"""Resource usage of stopped processes, as wait4(2) and waitid tell it.

The kernel gives it with a wait, and the wait for a tracee's stop was utrace's.  At a stop it is put together
from the process' clocks and /proc; at an end it is the kernel's own (`Task.usage`).

Reference: getrusage(2), clock_getcpuclockid(3), proc_pid_stat(5); Linux 6.18 kernel/sys.c:getrusage(),
kernel/sched/cputime.c:cputime_adjust().
"""

from __future__ import annotations

import os
import struct
import time
from typing import Final

from utrace.kernel import procfs
from utrace.ptrace_emu.ends import RUSAGE_BYTES

_RUSAGE: Final = struct.Struct("<18q")
_NS_PER_S: Final = 1_000_000_000
_NS_PER_US: Final = 1_000
_SECTOR_SHIFT: Final = 9
_PROF, _VIRT, _SCHED = range(3)
"""The kernel's clocks of a process: ticks in both modes, ticks in user mode, time on a processor."""


def split_time(runtime_ns: int, user_ns: int, system_ns: int) -> tuple[int, int]:
    """Share the time on a processor among user and system mode as the ticks were shared."""
    if not system_ns:
        return runtime_ns, 0
    if not user_ns:
        return 0, runtime_ns
    system = system_ns * runtime_ns // (system_ns + user_ns)
    return runtime_ns - system, system


class Usage:
    """Usage of living processes; neither of a process' times ever goes back."""

    def __init__(self) -> None:
        self._told: dict[int, tuple[int, int]] = {}

    def forget(self, pid: int) -> None:
        """Forget a process that is gone."""
        self._told.pop(pid, None)

    def of_process(self, pid: int) -> bytes:
        """Make the struct rusage of a living process with the children it has waited for."""
        counts = procfs.counts(pid)
        if counts is None:
            return bytes(RUSAGE_BYTES)
        user, system = self._times(pid)
        tick = _NS_PER_S // os.sysconf("SC_CLK_TCK")
        user += counts.children_user_ticks * tick
        system += counts.children_system_ticks * tick
        return _RUSAGE.pack(
            *_timeval(user),
            *_timeval(system),
            counts.peak_kib,
            *(0, 0, 0),
            counts.minor_faults,
            counts.major_faults,
            0,
            counts.read_bytes >> _SECTOR_SHIFT,
            counts.written_bytes >> _SECTOR_SHIFT,
            *(0, 0, 0),
            counts.voluntary_switches,
            counts.involuntary_switches,
        )

    def _times(self, pid: int) -> tuple[int, int]:
        try:
            both, user, runtime = (
                time.clock_gettime_ns(_clock(pid, which)) for which in (_PROF, _VIRT, _SCHED)
            )
        except OSError:
            return self._told.get(pid, (0, 0))
        before_user, before_system = self._told.get(pid, (0, 0))
        user, system = split_time(runtime, user, both - user)
        if user < before_user:
            user, system = before_user, max(before_system, runtime - before_user)
        elif system < before_system:
            user, system = max(before_user, runtime - before_system), before_system
        self._told[pid] = (user, system)
        return user, system


def _clock(pid: int, which: int) -> int:
    """Give the id of a clock of a process (include/linux/posix-timers.h)."""
    return ~pid << 3 | which


def _timeval(time_ns: int) -> tuple[int, int]:
    return time_ns // _NS_PER_S, time_ns % _NS_PER_S // _NS_PER_US
