"""strace's letters: what they set, and what is refused."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from utrace.cli.trace_options import ALL_SIGNALS, OPTIONS, UsageError, parse
from utrace.engines import CallStatus, Clock


def test_letters_are_read_in_clusters_with_their_arguments() -> None:
    options = parse(["-fttTo", "log", "-s100", "-p", "1,2", "-p3 4", "make", "-j2", "-o"])
    assert options.follow
    assert not options.separately
    assert options.clock is Clock.MICROSECONDS
    assert options.durations
    assert options.output == "log"
    assert options.text_max == 100
    assert options.pids == [1, 2, 3, 4]
    assert options.program == ["make", "-j2", "-o"]


def test_long_names_are_the_same_options() -> None:
    options = parse(["--follow-forks", "--output=log", "--string-limit", "5", "--trace=read", "--", "-x"])
    assert (options.follow, options.output, options.text_max, options.calls) == (True, "log", 5, "read")
    assert options.program == ["-x"]


@pytest.mark.parametrize(
    ("letters", "clock"),
    [("-t", Clock.SECONDS), ("-tt", Clock.MICROSECONDS), ("-ttt", Clock.UNIX), ("-tttt", Clock.UNIX)],
)
def test_more_ts_are_another_clock(letters: str, clock: Clock) -> None:
    assert parse([letters, "x"]).clock is clock


def test_ff_is_a_file_for_each() -> None:
    assert parse(["-ff", "x"]).separately
    assert parse(["-f", "--output-separately", "x"]).separately
    assert not parse(["-f", "x"]).separately


def test_a_bare_expression_is_a_set_of_calls_and_the_last_one_counts() -> None:
    assert parse(["-e", "read,write", "x"]).calls == "read,write"
    assert parse(["-e", "!read", "x"]).calls == "!read"
    assert parse(["-e", "trace=read", "-e", "t=%net", "x"]).calls == "%net"


@pytest.mark.parametrize(
    ("value", "signals"),
    [
        ("SIGUSR1", {signal.SIGUSR1}),
        ("usr1,15", {signal.SIGUSR1, signal.SIGTERM}),
        ("none", set()),
        ("all", set(ALL_SIGNALS)),
        ("!CHLD", set(ALL_SIGNALS) - {signal.SIGCHLD}),
        ("!none", set(ALL_SIGNALS)),
    ],
)
def test_signals_are_named_numbered_and_inverted(value: str, signals: set[int]) -> None:
    assert parse(["-e", f"signal={value}", "x"]).signals == signals


def test_statuses_are_chosen_and_inverted() -> None:
    assert parse(["-z", "x"]).statuses == {CallStatus.SUCCESSFUL}
    assert parse(["-Z", "x"]).statuses == {CallStatus.FAILED}
    assert parse(["-e", "status=failed,unfinished", "x"]).statuses == {
        CallStatus.FAILED,
        CallStatus.UNFINISHED,
    }
    assert CallStatus.FAILED not in parse(["-e", "status=!failed", "x"]).statuses


def test_quiet_grows_by_letters_and_is_set_by_name() -> None:
    assert parse(["-q", "x"]).quiet == {"attach", "personality"}
    assert parse(["-qq", "x"]).quiet == {"attach", "personality", "exit"}
    assert "thread-execve" in parse(["-qqq", "x"]).quiet
    assert parse(["--quiet=exit", "x"]).quiet == {"exit"}
    assert "exit" not in parse(["-e", "quiet=!exit", "x"]).quiet


def test_environment_is_changed_in_order() -> None:
    assert parse(["-E", "A=1", "-E", "B", "--env=C=", "x"]).environment == {"A": "1", "B": None, "C": ""}


@pytest.mark.parametrize("letter", sorted("bDIuPXiknYOSUd"))
def test_other_letters_of_strace_are_refused_by_name(letter: str) -> None:
    with pytest.raises(UsageError, match=rf"option '-{letter}' of strace is not supported yet"):
        parse([f"-{letter}", "x"])


@pytest.mark.parametrize("name", ["inject", "fault", "read", "write", "abbrev", "raw", "kvm", "decode-fds"])
def test_other_qualifiers_of_strace_are_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=rf"option '-e {name}=' of strace is not supported yet"):
        parse(["-e", f"{name}=all", "x"])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-f"],
        ["-K", "x"],
        ["--follow-forks=yes", "x"],
        ["--output"],
        ["-e", "trace=", "x"],
        ["-e", "foo=bar", "x"],
        ["-a", "-1", "x"],
        ["-E", "A=1", "-p", "1"],
        ["--seccomp-bpf", "x"],
        ["--syscall-times=ns", "x"],
    ],
)
def test_nonsense_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        parse(words)


def test_every_option_has_a_name_of_its_own_and_a_text() -> None:
    names = [name for option in OPTIONS for name in option.names]
    assert len(names) == len(set(names))
    assert all(option.text and len(option.text) < 60 for option in OPTIONS)


def test_the_manual_names_every_option() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "man" / "utrace-trace.1").read_text().replace("\\-", "-")
    for option in OPTIONS:
        for name in option.names:
            assert ("-" if len(name) == 1 else "--") + name in manual, name
