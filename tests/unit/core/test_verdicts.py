"""Answers, and the one place that merges two of them."""

from __future__ import annotations

import errno
import itertools

import pytest

from utrace.core.verdicts import (
    REPORTS,
    RESUME_STRICTNESS,
    STEPS,
    ResumeAction,
    SignalAction,
    SyscallAction,
    Verdict,
    abort,
    skip,
    strictest,
)

MERGED = list(RESUME_STRICTNESS)


def test_actions_have_the_values_of_the_kernel_api() -> None:
    assert {action.name: action.value for action in ResumeAction} == {
        "STOP": 0,
        "INTERRUPT": 1,
        "REPORT": 2,
        "SINGLESTEP": 3,
        "BLOCKSTEP": 4,
        "RESUME": 5,
        "DETACH": 6,
    }
    assert {action.name: action.value for action in SyscallAction} == {"RUN": 0, "ABORT": 0x10}
    assert {action.name: action.value for action in SignalAction} == {
        "DELIVER": 0x00,
        "IGN": 0x10,
        "TERM": 0x20,
        "CORE": 0x30,
        "STOP": 0x40,
        "TSTP": 0x50,
        "REPORT": 0x60,
        "HANDLER": 0x70,
    }


@pytest.mark.parametrize(("one", "other"), list(itertools.product(MERGED, repeat=2)))
def test_strictest_is_the_smaller_of_the_kernel_api(one: ResumeAction, other: ResumeAction) -> None:
    assert strictest(one, other).value == min(one.value, other.value)


@pytest.mark.parametrize("other", list(ResumeAction))
def test_strictest_has_no_place_for_detach(other: ResumeAction) -> None:
    with pytest.raises(KeyError):
        strictest(ResumeAction.DETACH, other)


def test_reports_and_steps_are_what_may_be_pending_besides_resume() -> None:
    assert {*REPORTS, *STEPS} == {*MERGED} - {ResumeAction.STOP, ResumeAction.RESUME}
    assert not REPORTS & STEPS


def test_a_verdict_abstains_in_everything_unless_told() -> None:
    assert Verdict() == Verdict(resume=None, syscall=None, result=None, signal=None, hold=False)


def test_abort_fails_with_the_errno_and_skip_returns_the_value() -> None:
    assert abort(errno.EPERM) == Verdict(syscall=SyscallAction.ABORT, result=-errno.EPERM)
    assert skip(7) == Verdict(syscall=SyscallAction.ABORT, result=7)
