"""Words that scenarios are written in: guests, outside callers, and what is expected of every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import Event
from utrace.core.verdicts import ResumeAction
from utrace.testing.run_laws import Violation
from utrace.testing.scenario import Outsider, Scenario
from utrace.testing.scripted import (
    Script,
    control,
    kill,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from utrace.testing.run_laws import Entry
    from utrace.testing.world import World

A: Final = ResumeAction
Q: Final = Event.QUIESCE
LIFE: Final = Event.EXIT | Event.DEATH | Event.REAP
ENTRY: Final = Event.SYSCALL_ENTRY
EXIT: Final = Event.SYSCALL_EXIT
SIGKILL, SIGUSR1, SIGCONT, SIGSTOP = 9, 10, 18, 19

NOTHING: Final = "program main {\n  user 2\n}\n"
ONE_CALL: Final = "program main {\n  syscall getuid\n  user 1\n}\n"
STOPS_ITSELF: Final = "program main {\n  kill self SIGSTOP\n  user 1\n}\n"
HANDLES: Final = """
program main {
  handle SIGUSR1 {
    user 1
  }
  kill self SIGUSR1
  user 1
}
"""
FORKS: Final = "program main {\n  fork {\n    user 1\n  }\n  wait\n}\n"
TWO_THREADS: Final = "program main {\n  thread {\n    user 1\n  }\n  user 1\n}\n"


def outsider(name: str, *deeds: object, when: str = "", times: int = 1, on: str = "m") -> Outsider:
    return Outsider(name, deeds, when, times, on)  # type: ignore[arg-type]


def frees(engine: str, action: ResumeAction = A.RESUME, *, on: str = "m", times: int = 1) -> Outsider:
    """Somebody who lets the task go as soon as the engine is seen to want it stopped."""
    return outsider(
        f"frees {engine}", control(engine, action, on), when=f"wants {engine}", times=times, on=on
    )


def asks(engine: str, action: ResumeAction, *, on: str = "m", times: int = 1) -> Outsider:
    return outsider(f"asks {engine} {action.name}", control(engine, action, on), times=times)


def continues(*, times: int = 1) -> Outsider:
    """Somebody who continues the program once it is stopped."""
    return outsider("continues", kill(SIGCONT), when="stopped", times=times)


def wakes() -> Outsider:
    return outsider("wakes", kill(SIGUSR1), when="asleep")


def kills(signo: int = SIGKILL, *, times: int = 1) -> Outsider:
    return outsider(f"sends {signo}", kill(signo), times=times)


LAUNCH: Final = ("QUIESCE SYSCALL_ENTRY", "SYSCALL_ENTRY 59", "QUIESCE SYSCALL_EXIT", "SYSCALL_EXIT 59 0")
"""What a launch shows an engine that asks for calls and QUIESCE."""


# -- expectations ---------------------------------------------------------------------------------


def calls(world: World, engine: str, task: str = "m") -> list[Entry]:
    return [e for e in world.log if e.kind == "call" and e.engine == engine and e.task == task]


def require(condition: object, law: str, world: World) -> None:
    if not condition:
        log = "\n".join(map(str, world.log))
        raise Violation(f"{law}\n{log}")


def interrupt_is_served_first(world: World) -> None:
    """After INTERRUPT of a stopped task was accepted, a report comes before user mode and any signal."""
    log = world.log
    for place, entry in enumerate(log):
        if (
            entry.kind == "deed"
            and entry.what.startswith("control A INTERRUPT")
            and entry.detail == ("DONE",)
        ):
            later = [e for e in log[place:] if e.kind == "call" and e.engine == "A"]
            killed = any(e.what in {"EXIT", "DEATH"} for e in later[:1])
            leaves = any(e.kind == "deed" and "DETACH" in e.what for e in log[place:])
            if not later or killed or leaves:
                continue
            require(
                later[0].what == "REPORT" and later[0].steps == entry.steps,
                "INV-30: INTERRUPT of a stopped task was lost",
                world,
            )


def interrupt_is_served(world: World) -> None:
    """After INTERRUPT in a stop, a report comes before any instruction and any signal."""
    log = world.log
    for place, entry in enumerate(log):
        if (
            entry.kind == "deed"
            and entry.what.startswith("control A INTERRUPT")
            and entry.detail == ("DONE",)
        ):
            later = [e for e in log[place:] if e.engine == "A" and e.kind == "call"]
            later = [e for e in later if e.what not in {"QUIESCE", "JCTL", "SYSCALL_EXIT"}]
            require(
                later and later[0].what == "REPORT" and later[0].steps == entry.steps,
                "INV-30: INTERRUPT in a stop was lost",
                world,
            )


def calls_are_seen_from_then(world: World) -> None:
    """Once set_events was done and seen to, the next system call is reported."""
    engine = world.engine_of("m", "A")
    at = 0 if engine is None else world.ledger.masks[engine].settled_at
    if at and at < world.steps("m"):
        seen = [e.detail[0] for e in calls(world, "A") if e.what == "SYSCALL_ENTRY"]
        require(231 in seen, "set_events: the calls of a running task are not seen", world)


def woken(world: World) -> None:
    """The program slept until somebody woke it, whatever else it was asked."""
    require(any(e.what == "kill 10 on m" for e in world.log), "DEC-4: a report made the call fail", world)


def has_no_child(world: World) -> None:
    require(not world.kernel.births(), "an aborted call was made", world)


def keeps_still_while_stopped(world: World) -> None:
    """Between a job control stop and its end, nothing runs."""
    stopped = None
    for entry in calls(world, "A"):
        if entry.what == "JCTL" and entry.detail[0] == 5:
            stopped = entry
        elif stopped is not None and entry.what == "JCTL":
            require(entry.steps == stopped.steps, "a stopped task ran", world)
            stopped = None
    require(stopped is None, "the end of a job control stop was not reported", world)


def handler_is_told(world: World) -> None:
    reports = [e.detail[0] for e in calls(world, "A") if e.what == "REPORT"]
    require("HANDLER" in reports, "SIGNAL_HANDLER was not told", world)


def leader_dies_first(world: World) -> None:
    deaths = [(e.task, e.detail) for e in world.log if e.kind == "call" and e.what == "DEATH"]
    require(deaths and deaths[0] == ("m", (False, -2)), "the zombie leader's death came late", world)


def only(*wanted: str, engine: str = "A") -> object:
    """Expect exactly these callbacks of an engine on the program, by name and details."""

    def expect(world: World) -> None:
        got = [" ".join((e.what, *map(str, e.detail))) for e in calls(world, engine)]
        require(got == list(wanted), f"expected {list(wanted)}, got {got}", world)

    return expect


def all_of(*expectations: object) -> object:
    def expect(world: World) -> None:
        for one in expectations:
            one(world)  # type: ignore[operator]

    return expect


def call_never_runs(world: World) -> None:
    results = [
        e.detail[1] for e in calls(world, "A") if e.what == "SYSCALL_EXIT" and e.detail[0] in {102, -1}
    ]
    require(all(result == -1 for result in results), "LB-5: an aborted call was made", world)


def steps_are_single(world: World) -> None:
    """Between two reports of A that a step connects, exactly one instruction ran."""
    stepped = [e for e in calls(world, "A") if e.what == "SIGNAL" and e.detail[0] == 5]
    before = None
    for entry in calls(world, "A"):
        if entry in stepped and before is not None and before.what in {"REPORT", "SIGNAL"}:
            require(entry.steps - before.steps == 1, "INV-11: a step ran more than one instruction", world)
        before = entry


def released_never_called(world: World) -> None:
    released: set[tuple[str, str]] = set()
    for entry in world.log:
        if entry.kind == "release":
            released.add((entry.task, entry.engine))
        elif entry.kind == "call":
            require((entry.task, entry.engine) not in released, "INV-1: called after release", world)


def scenario(
    name: str, text: str, *engines: Script, by: Iterable[Outsider] = (), expect: object = None, **how: object
) -> Scenario:
    return Scenario(name, text, engines, tuple(by), expect, **how)  # type: ignore[arg-type]
