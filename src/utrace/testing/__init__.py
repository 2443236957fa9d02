"""A simulated kernel, guest programs, schedules and schedulers: for exploring engines without Linux.

    programs = {"main": (Fork((Exit(3),)), Wait())}
    kernel = SimKernel(programs, Random(seed=7))
    tid = kernel.spawn(Spawn(b"main", [b"main"], []), exit_kill=True)
    fact = kernel.next_fact(tid, ResumeRequest.SYSCALL, 0)

A run is its choices: `kernel.choices`, kept as a `Schedule`, made again by `Replay`.
"""

from __future__ import annotations

from utrace.testing.depth_first import DepthFirst, RunCut
from utrace.testing.guest import (
    Block,
    Default,
    Exec,
    Exit,
    ExitGroup,
    Fork,
    Handle,
    Ignore,
    Kill,
    Loop,
    Pause,
    Programs,
    Restart,
    Step,
    Steps,
    Store,
    Syscall,
    Tgkill,
    Thread,
    Unblock,
    User,
    VFork,
    Wait,
    blocking,
    digest,
)
from utrace.testing.guest_text import BadGuestText, format_programs, parse_programs
from utrace.testing.moves import Move, MoveKind, Observer, Schedule, Scheduler, StaleSchedule
from utrace.testing.schedulers import PCT, First, Random, Replay, RoundRobin, Uneven
from utrace.testing.sim.turns import Stuck, TooManySteps
from utrace.testing.simkernel import SimKernel

__all__ = [
    "PCT",
    "BadGuestText",
    "Block",
    "Default",
    "DepthFirst",
    "Exec",
    "Exit",
    "ExitGroup",
    "First",
    "Fork",
    "Handle",
    "Ignore",
    "Kill",
    "Loop",
    "Move",
    "MoveKind",
    "Observer",
    "Pause",
    "Programs",
    "Random",
    "Replay",
    "Restart",
    "RoundRobin",
    "RunCut",
    "Schedule",
    "Scheduler",
    "SimKernel",
    "StaleSchedule",
    "Step",
    "Steps",
    "Store",
    "Stuck",
    "Syscall",
    "Tgkill",
    "Thread",
    "TooManySteps",
    "Unblock",
    "Uneven",
    "User",
    "VFork",
    "Wait",
    "blocking",
    "digest",
    "format_programs",
    "parse_programs",
]
