"""Which calls, signals and messages are shown.

Reference: strace(1) "Filtering"; strace 6.1 in doubtful cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.cli.options.grammar import Option, natural, words_of
from utrace.cli.options.settings import ALL_SIGNALS, MESSAGES, Needs, Numbers, UsageError
from utrace.engines.records import CallStatus
from utrace.errors import Misuse
from utrace.syscalls import syscall_set
from utrace.syscalls.abi import ABIS
from utrace.syscalls.siginfo import SIGNAL_NUMBERS

if TYPE_CHECKING:
    from utrace.cli.options.settings import TraceOptions


def checked_calls(value: str) -> str:
    """Check a set of system calls.

    Raises:
        UsageError: something in it is no call, no group and no pattern.
    """
    try:
        for abi in ABIS:
            syscall_set(value, abi)
    except Misuse as error:
        raise UsageError(str(error)) from error
    return value


def _calls(options: TraceOptions, value: str) -> None:
    options.calls = checked_calls(value)


def signal_number(word: str) -> int:
    """Read a signal's name, with or without SIG, or its number; 0 if there is none."""
    name = word.upper().removeprefix("SIG")
    number = SIGNAL_NUMBERS.get(f"SIG{name}", natural(word) or 0)
    return number if number in ALL_SIGNALS else 0


def _signals(options: TraceOptions, value: str) -> None:
    chosen: set[int] = set()
    for word in value.removeprefix("!").split(","):
        if word == "all":
            chosen |= ALL_SIGNALS
        elif signo := signal_number(word):
            chosen.add(signo)
        elif word != "none":
            raise UsageError(f"invalid signal '{word}'")
    options.signals = ALL_SIGNALS - chosen if value.startswith("!") else frozenset(chosen)


_STATUSES: Final = {status.value: status for status in CallStatus}


def _statuses(options: TraceOptions, value: str) -> None:
    words = words_of(value, frozenset(_STATUSES), "status")
    options.statuses = frozenset(_STATUSES[word] for word in words)


def _successful_only(options: TraceOptions, _value: str) -> None:
    _only_one(options, CallStatus.SUCCESSFUL, other="Z")


def _failed_only(options: TraceOptions, _value: str) -> None:
    _only_one(options, CallStatus.FAILED, other="z")


def _only_one(options: TraceOptions, status: CallStatus, *, other: str) -> None:
    if other in options.given:
        options.warnings.append(
            "only the last of -z/--successful-only and -Z/--failed-only takes effect; "
            "-e status= makes other choices"
        )
    options.statuses = frozenset({status})


def _path(options: TraceOptions, value: str) -> None:
    if not value:
        raise UsageError("invalid -P argument: ''")
    options.paths.append(value)


def numbers_of(value: str) -> Numbers:
    """Read a set of descriptors: `3,5`, `!3`, `all`, `none`.

    Raises:
        UsageError: one of them is none.
    """
    body = value.removeprefix("!")
    inverted = value.startswith("!")
    listed: set[int] = set()
    for word in body.split(","):
        if word == "all":
            return Numbers(frozenset(), inverted=not inverted)
        fd = natural(word)
        if fd is not None:
            listed.add(fd)
        elif word != "none":
            raise UsageError(f"invalid descriptor '{word}'")
    return Numbers(frozenset(listed), inverted)


def _trace_fds(options: TraceOptions, value: str) -> None:
    options.trace_fds = numbers_of(value)


#: -q, -qq and -qqq.
_QUIETER: Final = (
    frozenset({"attach", "personality"}),
    frozenset({"attach", "personality", "exit"}),
    MESSAGES,
)


def _quiet(options: TraceOptions, value: str) -> None:
    options.quiet = words_of(value.replace("superseded", "thread-execve"), MESSAGES, "quiet")


def _quieter(options: TraceOptions, value: str) -> None:
    if value:
        _quiet(options, value)
    else:
        options.quiet = next((level for level in _QUIETER if options.quiet < level), MESSAGES)


FILTERS: Final = (
    Option(
        ("trace",),
        _calls,
        "SET",
        "only these calls: names, %groups, /patterns, !SET",
        qualifiers=("trace", "t"),
        offers=("<calls>",),
    ),
    Option(
        ("signal", "signals"),
        _signals,
        "SET",
        "only these signals",
        qualifiers=("signal", "signals", "s"),
        offers=("<signals>",),
    ),
    Option(
        ("status",),
        _statuses,
        "SET",
        "only calls that are successful, failed, unfinished, ...",
        qualifiers=("status",),
        offers=tuple(_STATUSES),
    ),
    Option(("z", "successful-only"), _successful_only, "", "only calls that succeed"),
    Option(("Z", "failed-only"), _failed_only, "", "only calls that fail"),
    Option(
        ("P", "trace-path"),
        _path,
        "PATH",
        "only calls that access PATH, by name or descriptor",
        needs=Needs.LIVE_TASK,
        offers=("<file>",),
    ),
    Option(
        ("trace-fds", "trace-fd"),
        _trace_fds,
        "SET",
        "only calls that use these descriptors",
        qualifiers=("trace-fds", "trace-fd", "fds", "fd"),
    ),
    Option(
        ("q", "quiet", "silent", "silence"),
        _quieter,
        "[SET]",
        "less: -q attaching, -qq also exits, -qqq all messages",
        qualifiers=("quiet", "silent", "silence", "q"),
        offers=tuple(sorted(MESSAGES)),
    ),
)
