"""strace's letters: what they set, and what is refused."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.tracees import ROOT
from utrace.cli.trace_options import ALL_SIGNALS, OPTIONS, REFUSED, TABLE, Daemon, Needs, UsageError, parse
from utrace.engines import CallStatus, Clock


def test_letters_are_read_in_clusters_with_their_arguments() -> None:
    options = parse(["-fttTo", "log", "-s100", "-p", "1,2", "-p3 4", "make", "-j2", "-o"])
    assert options.follow
    assert not options.separately
    assert (options.clock, options.clock_digits) == (Clock.TIME, 6)
    assert options.durations == 6
    assert options.output == "log"
    assert options.text_max == 100
    assert options.pids == [1, 2, 3, 4]
    assert options.program == ["make", "-j2", "-o"]


def test_long_names_are_the_same_options() -> None:
    options = parse(["--follow-forks", "--output=log", "--string-limit", "5", "--trace=read", "--", "-x"])
    assert (options.follow, options.output, options.text_max, options.calls) == (True, "log", 5, "read")
    assert options.program == ["-x"]


@pytest.mark.parametrize(
    ("word", "clock", "digits"),
    [
        ("-t", Clock.TIME, 0),
        ("-tt", Clock.TIME, 6),
        ("-ttt", Clock.UNIX, 6),
        ("-tttt", Clock.UNIX, 6),
        ("--absolute-timestamps", Clock.TIME, 0),
        ("--timestamps=unix", Clock.UNIX, 0),
        ("--absolute-timestamps=ns", Clock.TIME, 9),
        ("--absolute-timestamps=format:unix,precision:ms", Clock.UNIX, 3),
        ("--absolute-timestamps=none", Clock.NONE, 0),
    ],
)
def test_times_of_day_have_a_format_and_a_precision(word: str, clock: Clock, digits: int) -> None:
    options = parse([word, "x"])
    assert (options.clock, options.clock_digits) == (clock, digits)


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


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_strace_has_and_this_has_not_is_refused_by_name(name: str) -> None:
    words = (
        ["-e", f"{name[3:]}=all"]
        if name.startswith("-e ")
        else [f"-{name}" if len(name) == 1 else f"--{name}"]
    )
    with pytest.raises(UsageError, match=rf"option '{words[0] if name[0] != '-' else name}"):
        parse([*words, "x"])


def strace_help() -> str:
    """Give the help of the installed strace, each option with what belongs to it on one line."""
    done = subprocess.run(["strace", "--help"], capture_output=True, text=True, check=True)
    return re.sub(r"\n {4,}(?! *-)", " ", done.stdout)


@pytest.mark.requires("strace")
def test_every_option_in_the_help_of_strace_is_on_the_page_about_them() -> None:
    page = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8").partition("\n## ")[0]
    spelling = re.compile(r"(?<![\w-])-(?:-[\w-]+|e [a-z][\w-]*|\w+)")
    shown = set(spelling.findall(" ".join(re.findall(r"`[^`]*`", page))))
    rows = [line for line in strace_help().splitlines() if line.startswith("  -")]
    assert len(rows) > 60
    for row in rows:
        # A row names one option, by a letter, a long name or both.
        assert set(spelling.findall(row)) & shown, row


@pytest.mark.requires("strace")
def test_every_value_in_the_help_of_strace_is_known() -> None:
    text = strace_help()

    def words(pattern: str) -> list[str]:
        found = re.search(pattern, text)
        assert found is not None, pattern
        return re.findall(r"[\w-]+", re.sub(r"\([^)]*\)|default.*", "", found[1]))

    for name in {*words(r"options: (.*)"), *re.findall(r"-e ([a-z-]+)=", text)}:
        assert f"-e {name}" in REFUSED or TABLE.qualifier(name) is not None, name
    given = [
        *(("-e", f"trace={group}") for group in re.findall(r"%+\w+", text)),
        *(("-e", f"status={word}") for word in words(r"statuses: ([\w, ]+)")),
        *(("-e", f"quiet={word}") for word in words(r"messages: ([\w, -]+)")),
        *(("-e", f"decode-fds={word}") for word in ("dev", "path", "pidfd", "socket")),
        *(("-X", word) for word in words(r"formats: ([\w, ]+)")),
        *((f"--absolute-timestamps={word}",) for word in ("none", "time", "unix")),
        *((f"--syscall-times={unit}",) for unit in words(r"precision: +one of ([\w, ]+);")),
        *((f"--interruptible={word}",) for word in re.findall(r"\d, (\w+):", text)),
        *(("-c", "-S", word) for word in words(r"sort syscall counts by: ([^(]+)")),
        *(("-c", "-U", word) for word in words(r"list of ([^(]+)")),
        *(("-e", f"inject=read:{part}=1ms") for part in ("delay_enter", "delay_exit")),
    ]
    assert len(given) > 60
    for option in given:
        parse([*option, "x"])


@pytest.mark.requires("strace")
def test_no_letter_and_no_name_of_the_installed_strace_is_a_mistake_here() -> None:
    done = subprocess.run(["strace", "--help"], capture_output=True, text=True, check=False)
    names = set(re.findall(r"(?<![\w-])--?([A-Za-z][\w-]*)", done.stdout))
    letters = {letter for name in names if "-" not in name for letter in name if len(set(name)) == 1}
    known = {name for option in OPTIONS for name in option.names} | set(REFUSED)
    assert {name for name in names if len(name) > 3 and name.islower()} | letters <= known


def test_every_option_is_in_the_manual_and_every_option_there_is_one() -> None:
    page = (ROOT / "docs" / "man" / "utrace-trace.1").read_text(encoding="utf-8").replace("\\-", "-")
    written = set(re.findall(r"(?<![\w-])--?[A-Za-z0-9][\w-]*", re.sub(r"\\f.", "", page)))
    spelled = {name for option in OPTIONS for name in option.spelled}
    assert spelled <= written
    refused = {("-" if len(name) == 1 else "--") + name for name in REFUSED}
    long_names = {word for word in written if word.startswith("--")} - {"--name"}
    assert long_names <= spelled | refused


REFUSALS = {
    (): "must have PROG",
    ("-f",): "must have PROG",
    ("-K", "x"): "invalid option -- 'K'",
    ("--follow-forks=yes", "x"): "doesn't allow an argument",
    ("--output",): "requires an argument",
    ("-s",): "requires an argument -- 's'",
    ("--nosuch", "x"): "unrecognized option '--nosuch'",
    ("--s", "x"): "option '--s' is ambiguous; possibilities: .*'--string-limit'",
    ("-e", "trace=", "x"): "no system call named",
    ("-e", "foo=bar", "x"): "invalid system call",
    ("-e", "signal=FOO", "x"): "invalid signal 'FOO'",
    ("-e", "status=foo", "x"): "invalid status 'foo'",
    ("-e", "quiet=foo", "x"): "invalid quiet 'foo'",
    ("-e", "read=x", "x"): "invalid descriptor 'x'",
    ("-e", "write=5000000000", "x"): "invalid descriptor",
    ("-e", "trace-fds=-1", "x"): "invalid descriptor '-1'",
    ("-e", "raw=nosuch", "x"): "invalid system call 'nosuch'",
    ("-e", "decode-fds=foo", "x"): "invalid decode-fds 'foo'",
    ("-e", "decode-pids=foo", "x"): "invalid decode-pids 'foo'",
    ("-a", "-1", "x"): "invalid -a argument: '-1'",
    ("-s", "x", "x"): "invalid -s argument: 'x'",
    ("-X", "foo", "x"): "invalid -X argument: 'foo'",
    ("-I", "5", "x"): "invalid -I argument: '5'",
    ("-b", "open", "x"): "only execve can be detached on",
    ("-u", "nosuchuser", "x"): "cannot find user 'nosuchuser'",
    ("-p", "0"): "invalid process id: '0'",
    ("-p", "1,x"): "invalid process id: 'x'",
    ("-P", "", "x"): "invalid -P argument",
    ("-O", "x", "-c", "x"): "invalid -O argument: 'x'",
    ("-O", "-1", "-c", "x"): "invalid -O argument: '-1'",
    ("-c", "-S", "foo", "x"): "invalid sortby: 'foo'",
    ("-c", "-U", "foo", "x"): "unknown column name: 'foo'",
    ("-c", "-U", "calls,count", "x"): "more than once: 'count'",
    ("-c", "-C", "x"): "mutually exclusive",
    ("-U", "calls", "x"): "must be given with",
    ("-w", "x"): "must be given with",
    ("-c", "-ff", "x"): "mutually exclusive",
    ("-o", "|cat", "-ff", "x"): "mutually exclusive",
    ("-o", "!cat", "-A", "x"): "mutually exclusive",
    ("-DDDD", "x"): "too many -D's",
    ("--daemonize=foo", "x"): "invalid --daemonize argument: 'foo'",
    ("-D", "-p", "1"): "PROG .ARGS. must be specified with -D",
    ("-E", "A=1", "-p", "1"): "no effect without PROG",
    ("-u", "root", "-p", "1"): "no effect without PROG",
    ("--argv0=x", "-p", "1"): "no effect without PROG",
    ("--seccomp-bpf", "x"): "--seccomp-bpf needs -f",
    ("-f", "--seccomp-bpf", "-b", "execve", "x"): "cannot be let go",
    ("-f", "--seccomp-bpf", "--syscall-limit=3", "x"): "cannot be let go",
    ("--syscall-limit=0", "x"): "invalid --syscall-limit argument: '0'",
    ("--syscall-times=foo", "x"): "invalid --syscall-times argument: 'foo'",
    ("--relative-timestamps=foo", "x"): "invalid --relative-timestamps argument: 'foo'",
    ("--absolute-timestamps=foo", "x"): "invalid --absolute-timestamps argument: 'foo'",
    ("--strings-in-hex=foo", "x"): "invalid --strings-in-hex argument: 'foo'",
    ("--color=foo", "x"): "invalid --color argument: 'foo'",
    ("-y", "--decode-fds=path", "x"): "cannot be provided simultaneously",
    ("-e", "inject=openat", "x"): "invalid inject argument 'openat': nothing to inject",
    ("-e", "fault=openat:signal=HUP", "x"): "invalid fault argument 'openat:signal=HUP'",
    ("--inject-replay=x", "x"): "needs the rules of the journal",
}


@pytest.mark.parametrize(("words", "message"), REFUSALS.items(), ids=[" ".join(words) for words in REFUSALS])
def test_nonsense_is_refused_and_said(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(list(words))


WARNINGS = {
    ("-A", "x"): "-A/--output-append-mode has no effect without -o",
    ("--output-separately", "x"): "--output-separately has no effect without -o",
    ("-c", "-i", "x"): "-i/--instruction-pointer has no effect with -c/--summary-only",
    ("-c", "-T", "x"): "-T/--syscall-times has no effect with -c",
    ("-z", "-Z", "x"): "only the last of",
    ("-e", "inject=read:retval=-2", "x"): "retval=-2 means error 2",
}


@pytest.mark.parametrize(("words", "message"), WARNINGS.items(), ids=[" ".join(words) for words in WARNINGS])
def test_what_has_no_effect_is_said(words: tuple[str, ...], message: str) -> None:
    assert [warning for warning in parse(list(words)).warnings if message in warning]


def test_long_names_may_be_cut_while_they_are_clear() -> None:
    assert parse(["--foll", "--string-l=7", "x"]).text_max == 7
    # Both names are one option's.
    assert parse(["--daemoni", "x"]).daemon is Daemon.GRANDCHILD


def test_what_options_need_of_tracing_is_gathered() -> None:
    assert parse(["-f", "x"]).needs == Needs(0)
    assert parse(["-y", "x"]).needs == Needs.LIVE_TASK
    assert (
        parse(["-e", "inject=read:error=EIO", "-b", "execve", "x"]).needs
        == Needs.LIVE_TASK | Needs.LETTING_GO
    )


def test_numbers_of_descriptors_are_listed_and_inverted() -> None:
    some, others = parse(["-e", "read=3,5", "x"]).reads, parse(["-e", "write=!3", "x"]).writes
    assert [some.has(number) for number in (3, 4, 5)] == [True, False, True]
    assert [others.has(number) for number in (3, 4)] == [False, True]
    assert parse(["-e", "read=all", "x"]).reads.has(9)
    assert not parse(["-e", "read=none", "x"]).reads.has(9)


def test_columns_get_the_name_if_it_is_left_out() -> None:
    assert parse(["-c", "-U", "calls,shortest", "x"]).columns == ("calls", "min-time", "name")
    assert parse(["-c", "-U", "syscall,count", "x"]).columns == ("name", "calls")


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("5", 5_000), ("1.5ms", 1_500_000), ("2s", 2_000_000_000), ("7ns", 7), (".5us", 500)],
)
def test_overheads_have_units(text: str, nanoseconds: int) -> None:
    assert parse(["-c", "-O", text, "x"]).overhead_ns == nanoseconds


def test_x_grows_by_letters_and_is_named() -> None:
    levels = [parse([word, "x"]).hex_strings for word in ("-x", "-xx", "-xxx", "--strings-in-hex")]
    assert levels == [1, 2, 2, 2]
    assert parse(["--strings-in-hex=non-ascii", "x"]).hex_strings == 1


def test_every_option_has_a_name_of_its_own_and_a_text() -> None:
    names = [name for option in OPTIONS for name in option.names]
    assert len(names) == len(set(names))
    assert all(option.text and len(option.text) < 60 for option in OPTIONS)


def test_the_manual_names_every_option() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "man" / "utrace-trace.1").read_text().replace("\\-", "-")
    for option in OPTIONS:
        for name in option.names:
            assert ("-" if len(name) == 1 else "--") + name in manual, name
