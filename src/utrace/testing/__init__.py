"""A simulated kernel, guest programs, schedulers and exploration: for engines to be tried without Linux.

    programs = {"main": (Fork((Exit(3),)), Wait())}
    kernel = SimKernel(programs, Random(seed=7))
    tid = kernel.spawn(Spawn(b"main", [b"main"], []), exit_kill=True)
    fact = kernel.next_fact(tid, ResumeRequest.SYSCALL, 0)

A run is its choices: `kernel.choices`, kept as a `Schedule`, made again by `Replay`.
"""

from __future__ import annotations

from utrace.testing.depth_first import DepthFirst, RunCut
from utrace.testing.explore import Budget, Exhaustive, Failure, Report, Seeded, explore, record, replay
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
from utrace.testing.own import Own, own
from utrace.testing.run_laws import Entry, Violation
from utrace.testing.scenario import Outsider, Scenario
from utrace.testing.schedulers import PCT, First, Random, Replay, RoundRobin, Uneven
from utrace.testing.scripted import (
    BEFORE_USER_MODE,
    Deed,
    Say,
    Script,
    ScriptedEngine,
    at_handler,
    attach,
    barrier,
    change_call,
    control,
    detach,
    fault,
    finish_examine,
    is_leader,
    kill,
    look,
    make_up,
    prepare_examine,
    say,
    set_events,
    tgkill,
    touch_registers,
)
from utrace.testing.shrink import shrink
from utrace.testing.sim.truth import Truth
from utrace.testing.sim.turns import Stuck, TooManySteps
from utrace.testing.simkernel import SimKernel
from utrace.testing.world import World

__all__ = [
    "BEFORE_USER_MODE",
    "PCT",
    "BadGuestText",
    "Block",
    "Budget",
    "Deed",
    "Default",
    "DepthFirst",
    "Entry",
    "Exec",
    "Exhaustive",
    "Exit",
    "ExitGroup",
    "Failure",
    "First",
    "Fork",
    "Handle",
    "Ignore",
    "Kill",
    "Loop",
    "Move",
    "MoveKind",
    "Observer",
    "Outsider",
    "Own",
    "Pause",
    "Programs",
    "Random",
    "Replay",
    "Report",
    "Restart",
    "RoundRobin",
    "RunCut",
    "Say",
    "Scenario",
    "Schedule",
    "Scheduler",
    "Script",
    "ScriptedEngine",
    "Seeded",
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
    "Truth",
    "Unblock",
    "Uneven",
    "User",
    "VFork",
    "Violation",
    "Wait",
    "World",
    "at_handler",
    "attach",
    "barrier",
    "blocking",
    "change_call",
    "control",
    "detach",
    "digest",
    "explore",
    "fault",
    "finish_examine",
    "format_programs",
    "is_leader",
    "kill",
    "look",
    "make_up",
    "own",
    "parse_programs",
    "prepare_examine",
    "record",
    "replay",
    "say",
    "set_events",
    "shrink",
    "tgkill",
    "touch_registers",
]
