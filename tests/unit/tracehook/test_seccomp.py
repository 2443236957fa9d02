"""Seccomp stops: our filter's, which stand for an entry, and those of a program's own filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.tracehook.rig import ROOT, X86_64, Rig, ending, entry, x86_64_regset
from utrace.core.control import control
from utrace.core.events import QUIESCE, SYSCALL, SYSCALL_ENTRY
from utrace.core.verdicts import ResumeAction, skip
from utrace.kernel.api import FactKind
from utrace.kernel.seccomp import OUR_DATA
from utrace.tracehook.tracee import CONT_REQUEST

if TYPE_CHECKING:
    from utrace.core.engine_life import Engine

ENTRY, SECCOMP, EXIT = FactKind.SYSCALL_ENTRY, FactKind.SECCOMP, FactKind.SYSCALL_EXIT
STOP, RESUME = ResumeAction.STOP, ResumeAction.RESUME
GETPID, WAIT4 = 39, 61
THEIRS = 0x123


def filtered(nr: int, data: int = OUR_DATA) -> tuple[int, tuple[int, ...]]:
    value, detail = entry(nr)
    return value, (*detail, data)


@pytest.fixture
def rig() -> Rig:
    made = Rig()
    made.root.filter = {X86_64: frozenset({WAIT4})}
    return made


def last(rig: Rig, **script: object) -> Engine:
    """Attach an engine that has the last word on wait4."""
    engine = rig.engine("last", SYSCALL_ENTRY, **script)  # type: ignore[arg-type]
    engine.syscalls = {X86_64: frozenset({WAIT4})}
    engine.has_last_word = True
    rig.task.recompute()
    return engine


def tracer(rig: Rig, **script: object) -> Engine:
    """Attach an engine that stops at events."""
    engine = rig.engine("tracer", QUIESCE, **script)  # type: ignore[arg-type]
    engine.stops_at_events = True
    return engine


def test_our_filters_stop_stands_for_the_entry(rig: Rig) -> None:
    last(rig)
    assert rig.feed(SECCOMP, *filtered(WAIT4)) == ["last.syscall_entry", "CONT"]
    assert not rig.root.more_to_come


def test_after_an_entry_stop_only_the_last_word_is_asked_for_again(rig: Rig) -> None:
    last(rig)
    rig.engine("A", SYSCALL)
    assert rig.feed(ENTRY, *entry(WAIT4)) == ["A.syscall_entry", "last.syscall_entry", "SYSCALL"]
    assert rig.root.more_to_come
    assert rig.feed(SECCOMP, *filtered(WAIT4)) == ["last.syscall_entry", "SYSCALL"]
    assert rig.feed(EXIT, *ending(-10)) == ["A.syscall_exit", "SYSCALL"]


def test_what_the_last_word_aborts_is_over_at_the_seccomp_stop(rig: Rig) -> None:
    last(rig, syscall_entry=[None, skip(5)])
    rig.engine("A", SYSCALL_ENTRY)
    rig.feed(ENTRY, *entry(WAIT4))
    assert rig.feed(SECCOMP, *filtered(WAIT4)) == [
        "last.syscall_entry",
        "set_syscall -1",
        "set_result 5",
        "SYSCALL",
    ]


def test_a_filter_of_the_programs_own_without_a_tracer_is_enosys(rig: Rig) -> None:
    rig.engine("A", QUIESCE)
    assert rig.feed(SECCOMP, *filtered(GETPID, THEIRS)) == ["set_syscall -1", "set_result -38", "CONT"]


def test_a_tracer_stops_in_the_event_and_the_call_is_made(rig: Rig) -> None:
    engine = tracer(rig, quiesce=STOP)
    assert rig.feed(SECCOMP, *filtered(GETPID, THEIRS)) == ["tracer.quiesce", "held"]
    control(engine, RESUME)
    assert rig.settle() == ["CONT"]


def test_the_event_comes_after_the_entry_and_before_the_last_word(rig: Rig) -> None:
    last(rig)
    engine = tracer(rig, quiesce=[None, STOP])
    rig.kernel.regsets[ROOT] = x86_64_regset(orig_rax=WAIT4, rax=-38)
    rig.engine("A", SYSCALL_ENTRY)
    assert rig.feed(SECCOMP, *filtered(WAIT4, THEIRS)) == [
        "A.syscall_entry",
        "tracer.quiesce",
        "last.syscall_entry",
        "tracer.quiesce",
        "held",
    ]
    control(engine, RESUME)
    assert rig.settle() == ["last.syscall_entry", "SYSCALL"]


def test_killed_in_the_event_the_call_is_not_made(rig: Rig) -> None:
    tracer(rig, quiesce=STOP)
    rig.feed(SECCOMP, *filtered(GETPID, THEIRS))
    assert "CONT" in rig.feed(FactKind.EXIT, 9)


def test_an_entry_resumed_by_cont_may_be_followed_by_another_calls_stop(rig: Rig) -> None:
    last(rig)
    rig.feed(ENTRY, *entry(GETPID))
    assert rig.root.request == CONT_REQUEST
    assert rig.feed(SECCOMP, *filtered(WAIT4)) == ["last.syscall_entry", "CONT"]
