"""When a tracee may be recorded, and what is learnt of it afterwards."""

from __future__ import annotations

import pytest

from tests.unit.tracehook.rig import ROOT, X86_64, Rig
from utrace.core.events import Event
from utrace.core.task_life import Need
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import FactKind, ResumeRequest
from utrace.tracehook.recording import catch_up, may_record

CALLS = int(Event.SYSCALL)


def rig_with_batcher() -> Rig:
    rig = Rig()
    engine = rig.engine("log", CALLS)
    engine.takes_batches = True
    rig.task.recompute()
    rig.root.request = int(ResumeRequest.SYSCALL)
    return rig


def test_may_record_one_engine_that_takes_batches() -> None:
    assert may_record(rig_with_batcher().root)


@pytest.mark.parametrize("mask", [CALLS, int(Event.QUIESCE)])
def test_may_record_not_beside_an_engine_that_is_to_be_told(mask: int) -> None:
    rig = rig_with_batcher()
    rig.engine("other", mask)
    assert not may_record(rig.root)


def test_may_record_beside_an_engine_for_other_events() -> None:
    rig = rig_with_batcher()
    rig.engine("other", int(Event.EXEC))
    assert may_record(rig.root)


def test_may_record_not_with_a_report_pending_nor_inside_of_a_call() -> None:
    rig = rig_with_batcher()
    rig.root.in_syscall = True
    assert not may_record(rig.root)
    rig.root.in_syscall = False
    rig.task.pend(ResumeAction.REPORT)
    assert not may_record(rig.root)


def test_a_changed_interest_ends_recording() -> None:
    rig = rig_with_batcher()
    rig.task.recorded = True
    rig.engine("other", CALLS)
    assert (rig.task, Need.ORDINARY, None) in rig.tracees.needs


def test_catch_up_learns_the_call_in_progress() -> None:
    root = rig_with_batcher().root
    detail = (X86_64, 1, 2, 3, 4, 5, 6, 7, 8)
    fact = (ROOT, int(FactKind.SYSCALL_ENTRY), 39, detail)
    catch_up(root, fact)
    assert (root.in_syscall, root.nr, root.arch, root.entry) == (True, 39, X86_64, fact)
    catch_up(root, None)
    assert root.in_syscall
    catch_up(root, ())
    assert not root.in_syscall
