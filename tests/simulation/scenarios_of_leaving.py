"""Coming and going: attach, detach, masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.vocabulary import (
    ENTRY,
    EXIT,
    FORKS,
    HANDLES,
    LIFE,
    NOTHING,
    ONE_CALL,
    STOPS_ITSELF,
    A,
    Q,
    asks,
    calls_are_seen_from_then,
    continues,
    frees,
    outsider,
    scenario,
)
from utrace.core.events import Event
from utrace.testing.scripted import (
    BEFORE_USER_MODE,
    Script,
    attach,
    barrier,
    control,
    detach,
    fault,
    say,
    set_events,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from utrace.testing.scenario import Scenario

_CALLBACK_KINDS: Final = (
    (Event.SYSCALL_ENTRY, ONE_CALL),
    (Event.SYSCALL_EXIT, ONE_CALL),
    (Event.CLONE, FORKS),
    (Event.EXIT, NOTHING),
    (Event.DEATH, NOTHING),
    (Event.REAP, NOTHING),
    (Event.SIGNAL, HANDLES),
    (Event.JCTL, STOPS_ITSELF),
    (Event.EXEC, "program main {\n  exec other\n}\nprogram other {\n  user 1\n}\n"),
)


def _detaches() -> Iterable[Scenario]:
    for event, text in _CALLBACK_KINDS:
        more = (continues(),) if event is Event.JCTL else ()
        yield scenario(
            f"detach_in_{(event.name or '').lower()}",
            text,
            Script("A", event | Event.REAP, {event: [A.DETACH]}, follow=False),
            Script("B", Q | event | LIFE, follow=False),
            by=more,
        )
        yield scenario(
            f"detach_from_outside_{(event.name or '').lower()}",
            text,
            Script("A", event | Event.REAP, follow=False),
            by=(*more, outsider("leaves", detach("A", "m"))),
        )


LEAVING: Final = (
    *_detaches(),
    scenario(
        "detach_the_next",
        ONE_CALL,
        Script("A", Q | EXIT, {EXIT: [say(None, detach("B"))]}),
        Script("B", EXIT | LIFE),
        by=(),
    ),
    scenario(
        "the_last_leaves_in_a_signal", HANDLES, Script("A", Event.SIGNAL_ALL, {Event.SIGNAL: [A.DETACH]})
    ),
    scenario(
        "detach_and_wait",
        ONE_CALL,
        Script("A", Q | ENTRY | EXIT | LIFE),
        Script("B", Event.REAP),
        by=(outsider("leaves", detach("A", "m"), barrier("A", "m")),),
    ),
    scenario(
        "stop_answered_while_detached",
        ONE_CALL,
        Script("A", Q | ENTRY, {ENTRY: [A.STOP]}),
        Script("B", LIFE),
        by=(outsider("leaves", detach("A", "m")), frees("A")),
    ),
    scenario(
        "all_leave_before_a_stop",
        NOTHING,
        Script("A", Q, {BEFORE_USER_MODE: [A.STOP]}),
        Script("B", Q, {BEFORE_USER_MODE: [say(None, control("A", A.RESUME))]}),
        by=(asks("A", A.REPORT), frees("A")),
    ),
    scenario(
        "fault_of_one",
        ONE_CALL,
        Script("A", Q | ENTRY | EXIT, {ENTRY: [say(None, fault())]}),
        Script("B", Q | ENTRY | EXIT | LIFE),
        by=(asks("A", A.STOP), frees("A")),
    ),
    scenario(
        "mask_grows",
        ONE_CALL,
        Script("A", LIFE),
        by=(outsider("grows", set_events("A", ENTRY | EXIT | LIFE, "m")),),
        expect=calls_are_seen_from_then,
    ),
    scenario(
        "mask_shrinks",
        ONE_CALL,
        Script("A", Q | ENTRY | EXIT | LIFE),
        by=(outsider("shrinks", set_events("A", Event.REAP, "m"), barrier("A", "m")),),
    ),
    scenario(
        "mask_of_a_stopped_task",
        ONE_CALL,
        Script("A", Q | EXIT | LIFE, {BEFORE_USER_MODE: [A.STOP]}),
        by=(
            asks("A", A.REPORT),
            outsider("shrinks", set_events("A", LIFE, "m"), control("A", A.RESUME, "m"), when="holds A"),
        ),
    ),
    scenario(
        "quiesce_adds_the_event",
        ONE_CALL,
        Script("A", Q | LIFE, {Event.QUIESCE: [say(None, set_events("A", Q | ENTRY))]}),
        Script("B", ENTRY),
        by=(),
    ),
    scenario(
        "attach_at_any_time",
        ONE_CALL,
        Script("A", Q | ENTRY | LIFE),
        Script("B", Q | ENTRY | LIFE, attached=False),
        by=(outsider("joins", attach("B", "m")),),
    ),
    scenario(
        "attach_in_callback",
        ONE_CALL,
        Script("A", Q | EXIT | LIFE, {EXIT: [say(None, attach("B"))]}),
        Script("B", Q | EXIT | LIFE, attached=False),
        by=(),
    ),
    scenario(
        "attach_stopped",
        NOTHING,
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
    scenario(
        "detach_of_a_stopped_task",
        NOTHING,
        Script("A", Q, {BEFORE_USER_MODE: [A.STOP]}),
        Script("B", LIFE),
        by=(asks("A", A.REPORT), outsider("leaves", detach("A", "m"), when="holds A")),
    ),
)
