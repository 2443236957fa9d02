"""One way through the kernel, from the launch on."""

from __future__ import annotations

import pytest

from tests.unit.tracehook.rig import ROOT, Rig, ending, entry, siginfo
from utrace.core.events import DEATH, EXEC, EXIT, SYSCALL
from utrace.core.verdicts import ResumeAction
from utrace.errors import InvariantViolation
from utrace.kernel.api import FactKind
from utrace.tracehook.tracee_life import STOPS

EXECVE = 59


def test_every_fact_about_a_tracee_is_decided_somewhere() -> None:
    by_hand = {FactKind.SYSCALL_ENTRY, FactKind.SYSCALL_EXIT, FactKind.SECCOMP, FactKind.TRAP}
    by_hand |= {FactKind.GROUP_STOP}
    elsewhere = {FactKind.BELL, FactKind.NO_TRACEES, FactKind.IN_CALL, FactKind.WAITED, FactKind.LATE}
    elsewhere |= {FactKind.UNTAUGHT}
    assert set(STOPS) | by_hand | elsewhere == set(FactKind)


def test_what_the_launch_does_is_not_shown() -> None:
    rig = Rig(launched=True)
    rig.engine("A", SYSCALL | EXEC)
    assert rig.feed(FactKind.SYSCALL_ENTRY, *entry(3)) == ["SYSCALL"]
    assert rig.feed(FactKind.SYSCALL_EXIT, *ending(0)) == ["SYSCALL"]
    assert rig.feed(FactKind.SIGNAL, 10, siginfo(10)) == ["SYSCALL 10"]
    assert rig.feed(FactKind.SYSCALL_ENTRY, *entry(EXECVE)) == ["A.syscall_entry", "SYSCALL"]
    assert rig.feed(FactKind.EXEC, ROOT) == ["A.exec", "SYSCALL"]


@pytest.mark.parametrize("kind", [FactKind.EXIT, FactKind.DEATH])
def test_a_launch_that_fails_ends_as_any_task(kind: FactKind) -> None:
    rig = Rig(launched=True)
    rig.engine("A", EXIT | DEATH)
    happened = rig.feed(kind, 9)
    assert happened[0] == "A.exit"


@pytest.mark.law("INV-34")
def test_what_broke_a_stop_is_worked_on_next() -> None:
    rig = Rig()
    rig.engine("A", SYSCALL | EXIT | DEATH, syscall_entry=ResumeAction.STOP)
    rig.feed(FactKind.SYSCALL_ENTRY, *entry(1))
    assert rig.feed(FactKind.EXIT, 9) == ["A.exit", "CONT"]


def test_a_running_tracee_is_sent_nothing_but_facts() -> None:
    rig = Rig()
    with pytest.raises(InvariantViolation, match="sent facts"):
        rig.root.send(None)
