"""The record of a tracee."""

from __future__ import annotations

import pytest

from tests.unit.tracehook.rig import ROOT, Rig
from utrace.arch.aarch64 import AARCH64
from utrace.core.events import SYSCALL
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import ResumeRequest


def test_a_new_tracee_runs_and_is_of_its_process() -> None:
    rig = Rig()
    assert rig.root.running
    assert rig.root.process.tracees == {ROOT: rig.root}
    assert rig.root.is_leader()
    assert not rig.thread(105).is_leader()


@pytest.mark.parametrize("syscalls", [0, SYSCALL])
@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (ResumeAction.SINGLESTEP, ResumeRequest.SINGLESTEP),
        (ResumeAction.BLOCKSTEP, ResumeRequest.SINGLEBLOCK),
        (ResumeAction.RESUME, None),
    ],
)
def test_a_step_comes_before_syscall_stops(
    action: ResumeAction, expected: ResumeRequest | None, syscalls: int
) -> None:
    rig = Rig()
    rig.engine("A", syscalls)
    tracee = rig.root
    tracee.run_by(action)
    free = ResumeRequest.SYSCALL if syscalls else ResumeRequest.CONT
    assert tracee.request == (expected or free)


def test_a_block_step_is_a_single_step_where_the_kernel_has_none() -> None:
    rig = Rig()
    rig.kernel.regsets[ROOT] = bytes(AARCH64.registers.LENGTH)
    rig.root.run_by(ResumeAction.BLOCKSTEP)
    assert rig.root.request == ResumeRequest.SINGLESTEP
