"""What is made of options."""

from __future__ import annotations

import pytest

from utrace.cli.trace_options import parse
from utrace.cli.tracing import Tracing
from utrace.engines.leaving import DetachOn
from utrace.engines.line_style import PidShown
from utrace.syscalls import decode
from utrace.syscalls.abi import X86_64
from utrace.syscalls.tables import numbers


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        (["-v"], {"stat", "uname"}),
        (["-e", "abbrev=none"], {"stat", "uname"}),
        (["-e", "abbrev=!stat"], {"stat"}),
        (["-e", "abbrev=stat"], {"uname"}),
        ([], set()),
    ],
)
def test_calls_that_are_not_abbreviated_are_whole(words: list[str], whole: set[str]) -> None:
    values = Tracing(parse([*words, "x"]))._line_style().values
    shown = {
        name
        for name in ("stat", "uname")
        if values.verbose
        or (
            values.whole_calls is not None
            and decode("x86_64", numbers(X86_64)[name], (0,) * 6) in values.whole_calls
        )
    }
    assert shown == whole


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], PidShown.WHEN_SEVERAL),
        (["--always-show-pid"], PidShown.ALWAYS),
        (["-o", "/dev/null"], PidShown.NEVER),
        (["-f", "-o", "/dev/null"], PidShown.COLUMN),
        (["--always-show-pid", "-o", "/dev/null"], PidShown.COLUMN),
    ],
)
def test_pids_are_shown_as_the_output_wants(words: list[str], shown: PidShown) -> None:
    tracing = Tracing(parse([*words, "x"]))
    assert tracing._line_style().pids is shown
    tracing.log.close()


def test_the_log_is_asked_first_at_the_entry_of_a_call() -> None:
    tracing = Tracing(parse(["-b", "execve", "-e", "inject=read:error=EIO", "x"]))
    assert [type(ops).__name__ for ops in tracing.engines[:3]] == ["DetachOn", "Inject", "SyscallLog"]
    assert isinstance(tracing.engines[0], DetachOn)
