"""Small scenarios, each about one race or rule: few enough runs to make them all.

Each is named after what it is about; `larger` has those that are sampled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import Event
from utrace.core.verdicts import ResumeAction, SignalAction, SyscallAction, Verdict, abort
from utrace.testing.run_laws import Violation
from utrace.testing.scripted import (
    BEFORE_USER_MODE,
    Script,
    attach,
    barrier,
    control,
    detach,
    fault,
    finish_examine,
    kill,
    prepare_examine,
    say,
    set_events,
    tgkill,
)
from utrace.testing.world import Outsider, Scenario

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

_NOTHING: Final = "program main {\n  user 2\n}\n"
_ONE_CALL: Final = "program main {\n  syscall getuid\n  user 1\n}\n"
_STOPS_ITSELF: Final = "program main {\n  kill self SIGSTOP\n  user 1\n}\n"
_HANDLES: Final = """
program main {
  handle SIGUSR1 {
    user 1
  }
  kill self SIGUSR1
  user 1
}
"""
_FORKS: Final = "program main {\n  fork {\n    user 1\n  }\n  wait\n}\n"
_TWO_THREADS: Final = "program main {\n  thread {\n    user 1\n  }\n  user 1\n}\n"


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


_CALLBACK_KINDS: Final = (
    (Event.SYSCALL_ENTRY, _ONE_CALL),
    (Event.SYSCALL_EXIT, _ONE_CALL),
    (Event.CLONE, _FORKS),
    (Event.EXIT, _NOTHING),
    (Event.DEATH, _NOTHING),
    (Event.REAP, _NOTHING),
    (Event.SIGNAL, _HANDLES),
    (Event.JCTL, _STOPS_ITSELF),
    (Event.EXEC, "program main {\n  exec other\n}\nprogram other {\n  user 1\n}\n"),
)


def _detaches() -> Iterable[Scenario]:
    for event, text in _CALLBACK_KINDS:
        more = (continues(),) if event is Event.JCTL else ()
        yield scenario(
            f"detach_in_{(event.name or '').lower()}",
            text,
            Script("A", event, {event: [A.DETACH]}, follow=False),
            Script("B", Q | event | LIFE, follow=False),
            by=more,
        )
        yield scenario(
            f"detach_from_outside_{(event.name or '').lower()}",
            text,
            Script("A", event | Event.REAP, follow=False),
            by=(*more, outsider("leaves", detach("A", "m"))),
        )


SMALL: Final = (
    # -- stops and their ends
    scenario(
        "answered_stop_is_resumed",
        _NOTHING,
        Script("A", Q | LIFE, {BEFORE_USER_MODE: [A.STOP]}),
        by=(asks("A", A.REPORT), frees("A")),
    ),
    scenario("stop_from_outside", _NOTHING, Script("A", Q | LIFE), by=(asks("A", A.STOP), frees("A"))),
    scenario("stop_without_quiesce", _NOTHING, Script("A", LIFE), by=(asks("A", A.STOP), frees("A"))),
    scenario(
        "two_stops",
        _NOTHING,
        Script("A", Q | LIFE),
        Script("B", Q | LIFE),
        by=(asks("A", A.STOP), asks("B", A.STOP), frees("A"), frees("B")),
        hasty=True,
    ),
    scenario(
        "stop_and_resume_in_entry",
        _ONE_CALL,
        Script("A", Q | ENTRY, {ENTRY: [A.STOP]}),
        by=(asks("A", A.STOP), frees("A", times=2)),
    ),
    scenario(
        "stop_at_exit_of_call", _ONE_CALL, Script("A", Q | EXIT | LIFE, {EXIT: [A.STOP]}), by=(frees("A"),)
    ),
    scenario("stop_at_exit", _NOTHING, Script("A", LIFE, {Event.EXIT: [A.STOP]}), by=(frees("A"), kills())),
    scenario(
        "quiesce_stop_taken_back",
        _ONE_CALL,
        Script("A", Q | ENTRY, {Event.QUIESCE: [A.STOP], ENTRY: [A.RESUME]}),
        by=(outsider("late", kill(SIGUSR1), when="holds A"),),
    ),
    scenario(
        "stop_with_reporting_other",
        _ONE_CALL,
        Script("A", Q | ENTRY | EXIT, {ENTRY: [None, A.STOP]}),
        Script("B", Q | ENTRY | EXIT, {ENTRY: [None, A.REPORT]}),
        by=(frees("A"),),
        expect=only(
            *LAUNCH,
            "QUIESCE SYSCALL_ENTRY",
            "SYSCALL_ENTRY 102",
            "QUIESCE SYSCALL_ENTRY",
            "SYSCALL_ENTRY 102 resumed",
            "QUIESCE SYSCALL_EXIT",
            "SYSCALL_EXIT 102 0",
            "QUIESCE SYSCALL_ENTRY",
            "SYSCALL_ENTRY 231",
            "QUIESCE DEATH",
        ),
        attached=False,
    ),
    scenario(
        "stop_with_resuming_other",
        _ONE_CALL,
        Script("A", Q | ENTRY | EXIT, {ENTRY: [None, A.STOP]}),
        Script("B", ENTRY, {ENTRY: [None, A.RESUME]}),
        by=(frees("A"),),
        expect=only(
            *LAUNCH,
            "QUIESCE SYSCALL_ENTRY",
            "SYSCALL_ENTRY 102",
            "QUIESCE SYSCALL_EXIT",
            "SYSCALL_EXIT 102 0",
            "QUIESCE SYSCALL_ENTRY",
            "SYSCALL_ENTRY 231",
            "QUIESCE DEATH",
        ),
        attached=False,
    ),
    scenario(
        "resume_by_each_action",
        _NOTHING,
        Script("A", Q | LIFE, {BEFORE_USER_MODE: [A.STOP, A.STOP]}),
        by=(
            asks("A", A.INTERRUPT),
            frees("A", A.REPORT, times=1),
            outsider("again", control("A", A.RESUME, "m"), when="wants A", times=2),
        ),
        hasty=True,
    ),
    # -- steps
    scenario(
        "step_beside_stop",
        "program main {\n  user 3\n}\n",
        Script("A", Q | Event.SIGNAL_ALL, {BEFORE_USER_MODE: [A.SINGLESTEP], Event.SIGNAL: [A.SINGLESTEP]}),
        Script("B", Q),
        by=(asks("A", A.REPORT), asks("B", A.STOP), frees("B")),
        expect=steps_are_single,
        hasty=True,
    ),
    scenario(
        "step_beside_detach",
        "program main {\n  user 3\n}\n",
        Script("A", Q | Event.SIGNAL_ALL, {BEFORE_USER_MODE: [A.SINGLESTEP], Event.SIGNAL: [A.SINGLESTEP]}),
        Script("B", Q),
        by=(asks("A", A.REPORT), outsider("leaves", detach("B", "m"))),
        expect=steps_are_single,
    ),
    scenario(
        "step_from_stop_beside_stop",
        "program main {\n  user 2\n}\n",
        Script("A", Q | Event.SIGNAL_ALL, {BEFORE_USER_MODE: [A.STOP]}),
        Script("B", Q),
        by=(asks("A", A.REPORT), frees("A", A.SINGLESTEP), asks("B", A.STOP), frees("B")),
        hasty=True,
    ),
    scenario(
        "step_over_call",
        _ONE_CALL,
        Script("A", Q | ENTRY | EXIT | Event.SIGNAL_ALL, {ENTRY: [A.SINGLESTEP]}),
        by=(),
    ),
    # -- INTERRUPT
    scenario(
        "interrupt_in_stop",
        _NOTHING,
        Script("A", Q | LIFE | Event.SIGNAL_ALL, {BEFORE_USER_MODE: [A.STOP]}),
        by=(asks("A", A.REPORT), frees("A", A.INTERRUPT), kills(SIGUSR1)),
        expect=interrupt_is_served_first,
        hasty=True,
    ),
    scenario(
        "interrupt_in_group_stop",
        _STOPS_ITSELF,
        Script("A", Q | Event.JCTL | LIFE, {Event.JCTL: [None]}),
        by=(asks("A", A.INTERRUPT), kills(SIGCONT), continues(times=2)),
        hasty=True,
    ),
    # -- job control
    scenario(
        "freeze_a_group_stop",
        _STOPS_ITSELF,
        Script("A", Q | Event.JCTL | LIFE),
        by=(asks("A", A.STOP), continues(), frees("A")),
        hasty=True,
    ),
    scenario(
        "leave_a_group_stop",
        _STOPS_ITSELF,
        Script("A", Event.JCTL | LIFE),
        by=(outsider("leaves", detach("A", "m")), continues()),
    ),
    # -- detaching
    *_detaches(),
    scenario(
        "detach_the_next",
        _ONE_CALL,
        Script("A", Q | EXIT, {EXIT: [say(None, detach("B"))]}),
        Script("B", EXIT | LIFE),
        by=(),
    ),
    scenario(
        "detach_and_wait",
        _ONE_CALL,
        Script("A", Q | ENTRY | EXIT | LIFE),
        Script("B", Event.REAP),
        by=(outsider("leaves", detach("A", "m"), barrier("A", "m")),),
    ),
    scenario(
        "stop_answered_while_detached",
        _ONE_CALL,
        Script("A", Q | ENTRY, {ENTRY: [A.STOP]}),
        Script("B", LIFE),
        by=(outsider("leaves", detach("A", "m")), frees("A")),
    ),
    scenario(
        "all_leave_before_a_stop",
        _NOTHING,
        Script("A", Q, {BEFORE_USER_MODE: [A.STOP]}),
        Script("B", Q, {BEFORE_USER_MODE: [say(None, control("A", A.RESUME))]}),
        by=(asks("A", A.REPORT), frees("A")),
    ),
    scenario(
        "fault_of_one",
        _ONE_CALL,
        Script("A", Q | ENTRY | EXIT, {ENTRY: [say(None, fault())]}),
        Script("B", Q | ENTRY | EXIT | LIFE),
        by=(asks("A", A.STOP), frees("A")),
    ),
    # -- masks
    scenario(
        "mask_grows",
        _ONE_CALL,
        Script("A", LIFE),
        by=(outsider("grows", set_events("A", ENTRY | EXIT | LIFE, "m")),),
    ),
    scenario(
        "mask_shrinks",
        _ONE_CALL,
        Script("A", Q | ENTRY | EXIT | LIFE),
        by=(outsider("shrinks", set_events("A", Event.REAP, "m"), barrier("A", "m")),),
    ),
    scenario(
        "mask_of_a_stopped_task",
        _ONE_CALL,
        Script("A", Q | EXIT | LIFE, {BEFORE_USER_MODE: [A.STOP]}),
        by=(
            asks("A", A.REPORT),
            outsider("shrinks", set_events("A", LIFE, "m"), control("A", A.RESUME, "m"), when="holds A"),
        ),
    ),
    scenario(
        "quiesce_adds_the_event",
        _ONE_CALL,
        Script("A", Q | LIFE, {Event.QUIESCE: [say(None, set_events("A", Q | ENTRY))]}),
        Script("B", ENTRY),
        by=(),
    ),
    # -- attaching
    scenario(
        "attach_at_any_time",
        _ONE_CALL,
        Script("A", Q | ENTRY | LIFE),
        Script("B", Q | ENTRY | LIFE, attached=False),
        by=(outsider("joins", attach("B", "m")),),
    ),
    scenario(
        "attach_in_callback",
        _ONE_CALL,
        Script("A", Q | EXIT | LIFE, {EXIT: [say(None, attach("B"))]}),
        Script("B", Q | EXIT | LIFE, attached=False),
        by=(),
    ),
    scenario(
        "attach_stopped",
        _NOTHING,
        Script("A", LIFE),
        Script("B", Q, attached=False),
        by=(outsider("joins", attach("B", "m", stopped=True)), frees("B")),
    ),
    scenario(
        "come_and_go",
        "program main {\n  syscall getuid\n}\n",
        Script("A", Event.REAP),
        Script("B", Q | ENTRY, attached=False),
        by=(outsider("comes", attach("B", "m"), detach("B", "m"), times=2),),
    ),
    # -- what an entry decides
    scenario(
        "abort_before_quiesce_only",
        _ONE_CALL,
        Script("A", EXIT),
        Script("B", Q, {Event.QUIESCE: [A.RESUME]}),
        Script("C", ENTRY, {ENTRY: [abort(1)]}),
        by=(),
        expect=call_never_runs,
    ),
    scenario(
        "abort_taken_back",
        _ONE_CALL,
        Script("A", ENTRY, {ENTRY: [None, Verdict(syscall=SyscallAction.RUN)]}),
        Script("B", ENTRY | EXIT, {ENTRY: [None, abort(1)]}),
        by=(),
        expect=only(
            "SYSCALL_ENTRY 59",
            "SYSCALL_EXIT 59 0",
            "SYSCALL_ENTRY 102",
            "SYSCALL_EXIT 102 0",
            "SYSCALL_ENTRY 231",
            engine="B",
        ),
        attached=False,
    ),
    scenario(
        "abort_in_a_stop",
        _ONE_CALL,
        Script("A", ENTRY | EXIT, {ENTRY: [Verdict(A.STOP, SyscallAction.ABORT, 7)]}),
        by=(frees("A"), kills()),
    ),
    # -- kills
    scenario(
        "kill_of_a_stopped_task",
        _NOTHING,
        Script("A", Q | LIFE, {BEFORE_USER_MODE: [A.STOP]}),
        by=(asks("A", A.REPORT), kills(), frees("A")),
        hasty=True,
    ),
    scenario(
        "kill_at_entry_stop",
        _ONE_CALL,
        Script("A", ENTRY | EXIT | LIFE, {ENTRY: [A.STOP]}),
        by=(kills(), frees("A")),
    ),
    scenario("kill_of_a_forker", _FORKS, Script("A", Event.CLONE | LIFE), by=(kills(),), hasty=True),
    scenario(
        "kill_and_control",
        _NOTHING,
        Script("A", Q | LIFE),
        by=(kills(), asks("A", A.STOP), frees("A")),
        hasty=True,
    ),
    scenario(
        "examine_and_kill",
        _NOTHING,
        Script("A", Q | LIFE, {BEFORE_USER_MODE: [A.STOP]}),
        by=(
            asks("A", A.REPORT),
            kills(),
            frees("A"),
            outsider("looks", prepare_examine("A", "m"), finish_examine("A", "m"), when="wants A"),
        ),
        hasty=True,
    ),
    scenario(
        "control_in_last_reports",
        _NOTHING,
        Script(
            "A",
            Q | LIFE,
            {
                Event.DEATH: [say(None, detach("A"), control("A", A.STOP))],
                Event.REAP: [say(None, detach("A"))],
            },
        ),
        by=(outsider("leaves", detach("A", "m")),),
    ),
    # -- births
    scenario(
        "child_stopped_at_birth",
        _FORKS,
        Script(
            "A",
            Event.CLONE | LIFE,
            {Event.CLONE: [say(None, attach("B", "child", stopped=True))]},
            follow=False,
        ),
        Script("B", Q | LIFE, attached=False),
        by=(frees("B", on="m.1"),),
        hasty=True,
    ),
    scenario(
        "parent_stopped_at_birth",
        _FORKS,
        Script("A", Q | Event.CLONE | LIFE, {Event.CLONE: [A.STOP]}, follow=False),
        by=(frees("A"),),
        hasty=True,
    ),
    scenario(
        "vfork_stop",
        "program main {\n  vfork {\n    exit 4\n  }\n  user 1\n}\n",
        Script("A", Event.CLONE | LIFE, {Event.CLONE: [A.STOP]}, follow=False),
        by=(frees("A"),),
        hasty=True,
    ),
    scenario(
        "kill_in_vfork_stop",
        "program main {\n  vfork {\n    exit 4\n  }\n  user 1\n}\n",
        Script("A", Event.CLONE | LIFE, {Event.CLONE: [A.STOP]}, follow=False),
        by=(frees("A"), kills()),
        hasty=True,
    ),
    # -- signals
    scenario(
        "stop_at_handler",
        _HANDLES,
        Script("A", Event.SIGNAL_ALL | Q, {Event.SIGNAL: [A.STOP]}),
        by=(frees("A"),),
        expect=None,
    ),
    scenario(
        "signal_held_back",
        _HANDLES,
        Script("A", Event.SIGNAL, {Event.SIGNAL: [Verdict(A.STOP, signal=SignalAction.IGN, hold=True)]}),
        by=(frees("A"),),
        expect=only("SIGNAL 10 DELIVER", "SIGNAL 10 DELIVER"),
    ),
    scenario(
        "signal_parked",
        _HANDLES,
        Script(
            "A",
            Q | Event.SIGNAL_ALL,
            {
                Event.SIGNAL: [Verdict(A.STOP, signal=SignalAction.IGN)],
                BEFORE_USER_MODE: [Verdict(signal=SignalAction.DELIVER)],
            },
        ),
        by=(frees("A", A.REPORT),),
    ),
    scenario(
        "signal_in_a_stop",
        _NOTHING,
        Script("A", Q | Event.SIGNAL_ALL, {BEFORE_USER_MODE: [A.STOP]}),
        by=(asks("A", A.REPORT), frees("A"), outsider("thread", tgkill(SIGCONT))),
        hasty=True,
    ),
    # -- calls that block
    scenario(
        "stop_in_a_sleep",
        "program main {\n  handle SIGUSR1 {\n    user 1\n  }\n  pause\n  user 1\n}\n",
        Script("A", Q | EXIT | LIFE),
        by=(asks("A", A.STOP), frees("A"), wakes()),
        hasty=True,
    ),
    scenario(
        "report_in_a_call_that_would_fail",
        "program main {\n  handle SIGUSR1 {\n    user 1\n  }\n  syscall epoll_wait eintr\n  user 1\n}\n",
        Script("A", Q | LIFE),
        by=(asks("A", A.REPORT, times=2), wakes()),
        hasty=True,
    ),
)
