"""The kernel beneath, first of all: where one differs, this names it, and not a test of semantics.

What may be missing is told by `utrace doctor`; what may not is here.
"""

from __future__ import annotations

import functools
import os
from typing import Final

import pytest

from utrace.kernel.probe import examine
from utrace.kernel.probe_program import NATIVE, ProbeProgram
from utrace.kernel.probe_stops import EXPECTATIONS
from utrace.kernel.probe_trial import DoesNotWork, Finding, Trial, make_trial

NEEDED: Final = (
    "launch and trace a program",
    "attach to a process",
    "PTRACE_GET_SYSCALL_INFO",
    "change a system call",
    "process_vm_readv",
    "single step",
    "seccomp RET_TRACE",
)


@functools.cache
def findings() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine()}


@pytest.mark.parametrize("name", NEEDED)
def test_the_tests_find_what_they_need(name: str) -> None:
    finding = findings()[name]
    assert finding.works, finding.why


@pytest.mark.parametrize(("name", "attempt"), EXPECTATIONS, ids=[name for name, _ in EXPECTATIONS])
def test_ptrace_does_as_expected(name: str, attempt: object) -> None:
    assert callable(attempt)
    finding = make_trial(name, attempt, NATIVE[os.uname().machine])
    assert finding.works, finding.why


def test_an_expectation_that_fails_is_named_with_what_was_seen() -> None:
    def attempt(trial: Trial, program: ProbeProgram) -> str:
        trial.begin(program)
        raise DoesNotWork("something else was seen")

    finding = make_trial("a wrong expectation", attempt, NATIVE[os.uname().machine])
    assert (finding.name, finding.works, finding.why) == (
        "a wrong expectation",
        False,
        "something else was seen",
    )
