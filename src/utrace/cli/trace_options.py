"""The options of `utrace trace`: strace's letters with strace's meaning, or refused by name.

Reference: strace(1); getopt(3) for the grammar: options end at the first word that is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.engines.line_log import Clock
from utrace.engines.records import ALL_STATUSES, CallStatus
from utrace.errors import Misuse
from utrace.syscalls import syscall_set
from utrace.syscalls.abi import ABIS
from utrace.syscalls.siginfo import SIGNAL_NAMES, SIGNAL_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Apply = Callable[["TraceOptions", str], None]

ALL_SIGNALS: Final = frozenset(SIGNAL_NAMES)
MESSAGES: Final = frozenset({"attach", "exit", "path-resolution", "personality", "thread-execve"})


class UsageError(Exception):
    """The command line cannot be understood; the message is for its user."""


class TraceOptions:
    """What a command line asks for; without options, what is here."""

    output: str | None = None
    append: bool = False
    follow: bool = False
    separately: bool = False
    calls: str | None = None
    signals: frozenset[int] = ALL_SIGNALS
    statuses: frozenset[CallStatus] = ALL_STATUSES
    quiet: frozenset[str] = frozenset()
    text_max: int = 32
    verbose: bool = False
    hex_strings: int = 0
    column: int = 40
    clock: Clock = Clock.NONE
    since_last: bool = False
    durations: bool = False
    fd_paths: bool = False
    counts: bool = False
    lines: bool = True
    wall: bool = False
    kill_on_exit: bool = False
    seccomp: bool = False
    show_help: bool = False
    show_version: bool = False

    def __init__(self) -> None:
        self.program: list[str] = []
        self.pids: list[int] = []
        self.environment: dict[str, str | None] = {}


# -- what the options do ----------------------------------------------------------------------------


def _follow(options: TraceOptions, _value: str) -> None:
    options.separately = options.follow
    options.follow = True


def _separately(options: TraceOptions, _value: str) -> None:
    options.separately = True


def _output(options: TraceOptions, value: str) -> None:
    if value.startswith(("|", "!")):
        raise _unsupported(f"-o '{value[0]}COMMAND'")
    options.output = value


def _append(options: TraceOptions, _value: str) -> None:
    options.append = True


def _calls(options: TraceOptions, value: str) -> None:
    try:
        for abi in ABIS:
            syscall_set(value, abi)
    except Misuse as error:
        raise UsageError(str(error)) from error
    options.calls = value


def _signals(options: TraceOptions, value: str) -> None:
    options.signals = frozenset(
        number for word in _set_words(options, value) for number in _signal_numbers(word)
    )
    if value.startswith("!"):
        options.signals = ALL_SIGNALS - options.signals


def _signal_numbers(word: str) -> frozenset[int]:
    if word == "all":
        return ALL_SIGNALS
    if word == "none":
        return frozenset()
    name = word.upper().removeprefix("SIG")
    number = SIGNAL_NUMBERS.get(f"SIG{name}", int(word) if word.isdecimal() else 0)
    if number not in ALL_SIGNALS:
        message = f"-e signal={word}: invalid signal '{word}'"
        raise UsageError(message)
    return frozenset({number})


def _statuses(options: TraceOptions, value: str) -> None:
    names = {status.value: status for status in CallStatus}
    chosen: set[CallStatus] = set()
    for word in _set_words(options, value):
        if word == "all":
            chosen |= ALL_STATUSES
        elif word in names:
            chosen.add(names[word])
        elif word != "none":
            message = f"-e status={word}: invalid status '{word}' (known: {', '.join(names)})"
            raise UsageError(message)
    options.statuses = ALL_STATUSES - chosen if value.startswith("!") else frozenset(chosen)


def _quiet(options: TraceOptions, value: str) -> None:
    chosen: set[str] = set()
    for word in _set_words(options, value):
        if word == "all":
            chosen |= MESSAGES
        elif word in MESSAGES:
            chosen.add(word)
        elif word != "none":
            message = f"-e quiet={word}: invalid message '{word}' (known: {', '.join(sorted(MESSAGES))})"
            raise UsageError(message)
    options.quiet = MESSAGES - chosen if value.startswith("!") else frozenset(chosen)


_QUIETER: Final = (
    frozenset({"attach", "personality"}),
    frozenset({"attach", "personality", "exit"}),
    MESSAGES,
)


def _quieter(options: TraceOptions, value: str) -> None:
    if value:
        _quiet(options, value)
        return
    options.quiet = next((level for level in _QUIETER if options.quiet < level), MESSAGES)


def _set_words(_options: TraceOptions, value: str) -> Iterator[str]:
    return (word for word in value.removeprefix("!").split(","))


def _qualify(options: TraceOptions, value: str) -> None:
    name, equals, rest = value.partition("=")
    if not equals or not name.replace("-", "").isalpha():
        _calls(options, value)
    elif name in _QUALIFIERS:
        _QUALIFIERS[name](options, rest)
    elif name in _QUALIFIERS_OF_STRACE:
        raise _unsupported(f"-e {name}=")
    else:
        _calls(options, value)


_QUALIFIERS: Final[dict[str, Apply]] = {
    "trace": _calls,
    "t": _calls,
    "signal": _signals,
    "signals": _signals,
    "s": _signals,
    "status": _statuses,
    "quiet": _quiet,
    "silent": _quiet,
    "silence": _quiet,
    "q": _quiet,
}
_QUALIFIERS_OF_STRACE: Final = frozenset(
    (
        *("abbrev", "a", "verbose", "v", "raw", "x", "read", "reads", "r", "write", "writes", "w", "fault"),
        *("inject", "kvm", "decode-fds", "decode-fd", "decode-pids", "trace-fds", "trace-fd", "fds", "fd"),
    )
)


def _pids(options: TraceOptions, value: str) -> None:
    for word in value.replace(",", " ").split():
        if not word.isdecimal() or not int(word):
            message = f"-p {value}: invalid process id '{word}'"
            raise UsageError(message)
        options.pids.append(int(word))


def _environment(options: TraceOptions, value: str) -> None:
    name, equals, setting = value.partition("=")
    options.environment[name] = setting if equals else None


def _number(letter: str, value: str) -> int:
    if not value.isdecimal():
        message = f"invalid -{letter} argument: '{value}'"
        raise UsageError(message)
    return int(value)


def _text_max(options: TraceOptions, value: str) -> None:
    options.text_max = _number("s", value)


def _column(options: TraceOptions, value: str) -> None:
    options.column = _number("a", value)


def _verbose(options: TraceOptions, _value: str) -> None:
    options.verbose = True


def _hex(options: TraceOptions, value: str) -> None:
    levels = {"": options.hex_strings + 1, "none": 0, "non-ascii": 1, "all": 2}
    if value not in levels:
        raise _unsupported(f"--strings-in-hex={value}")
    options.hex_strings = min(levels[value], 2)


_CLOCKS: Final = (Clock.NONE, Clock.SECONDS, Clock.MICROSECONDS, Clock.UNIX)


def _clock(options: TraceOptions, value: str) -> None:
    if value:
        raise _unsupported(f"--absolute-timestamps={value}")
    options.clock = _CLOCKS[min(_CLOCKS.index(options.clock) + 1, 3)]


def _since_last(options: TraceOptions, value: str) -> None:
    if value not in {"", "us"}:
        raise _unsupported(f"--relative-timestamps={value}")
    options.since_last = True


def _durations(options: TraceOptions, value: str) -> None:
    if value not in {"", "us"}:
        raise _unsupported(f"--syscall-times={value}")
    options.durations = True


def _fd_paths(options: TraceOptions, value: str) -> None:
    if options.fd_paths or value not in {"", "path"}:
        raise _unsupported(f"--decode-fds={value}" if value else "-yy")
    options.fd_paths = True


def _only_counts(options: TraceOptions, _value: str) -> None:
    options.counts, options.lines = True, False


def _also_counts(options: TraceOptions, _value: str) -> None:
    options.counts = True


def _wall(options: TraceOptions, _value: str) -> None:
    options.wall = True


def _only_successful(options: TraceOptions, _value: str) -> None:
    options.statuses = frozenset({CallStatus.SUCCESSFUL})


def _only_failed(options: TraceOptions, _value: str) -> None:
    options.statuses = frozenset({CallStatus.FAILED})


def _kill_on_exit(options: TraceOptions, _value: str) -> None:
    options.kill_on_exit = True


def _seccomp(options: TraceOptions, _value: str) -> None:
    # A program cannot get rid of its filter, and without a tracer its calls would fail.
    options.seccomp = options.kill_on_exit = True


def _help(options: TraceOptions, _value: str) -> None:
    options.show_help = True


def _version(options: TraceOptions, _value: str) -> None:
    options.show_version = True


# -- which options there are ------------------------------------------------------------------------


class Option(NamedTuple):
    """One option.

    Attributes:
        names: a letter, or none, and long names.
        apply: what it does.
        value: the name of its argument, "" for none; "[...]" for one only long names may have.
        text: for the help.
    """

    names: tuple[str, ...]
    apply: Apply
    value: str
    text: str


OPTIONS: Final = (
    Option(("f", "follow-forks"), _follow, "", "trace children too; -ff: each into its own FILE.PID"),
    Option(("output-separately",), _separately, "", "with -f -o FILE: the same as -ff"),
    Option(("o", "output"), _output, "FILE", "write to FILE instead of standard error"),
    Option(("A", "output-append-mode"), _append, "", "with -o: append to FILE"),
    Option(("p", "attach"), _pids, "PID[,PID]", "attach to processes; with -f to all their threads"),
    Option(("e",), _qualify, "EXPR", "[trace=]SET, signal=SET, status=SET or quiet=SET"),
    Option(("trace",), _calls, "SET", "only these calls: names, %groups, /patterns, !SET"),
    Option(("signal",), _signals, "SET", "only these signals"),
    Option(("status",), _statuses, "SET", "only calls that are successful, failed, unfinished, ..."),
    Option(("z", "successful-only"), _only_successful, "", "only calls that succeed"),
    Option(("Z", "failed-only"), _only_failed, "", "only calls that fail"),
    Option(("s", "string-limit"), _text_max, "N", "show N bytes of a string (32)"),
    Option(("v", "no-abbrev"), _verbose, "", "show structures and lists whole"),
    Option(("x", "strings-in-hex"), _hex, "[...]", "hex for strings that are not ASCII; -xx: for all"),
    Option(("y", "decode-fds"), _fd_paths, "[path]", "show the file behind each descriptor"),
    Option(("a", "columns"), _column, "N", "column of the results (40)"),
    Option(("t", "absolute-timestamps"), _clock, "[...]", "time of day; -tt: to the microsecond; -ttt: UNIX"),
    Option(("r", "relative-timestamps"), _since_last, "[us]", "time since the line before"),
    Option(("T", "syscall-times"), _durations, "[us]", "time spent in each call"),
    Option(("c", "summary-only"), _only_counts, "", "no lines but a table: calls, errors, CPU time"),
    Option(("C", "summary"), _also_counts, "", "lines and the table"),
    Option(("w", "summary-wall-clock"), _wall, "", "with -c, -C: time that passed instead of CPU time"),
    Option(("q", "quiet"), _quieter, "[SET]", "less: -q attaching, -qq also exits, -qqq all messages"),
    Option(("E", "env"), _environment, "VAR[=VAL]", "set VAR in the program's environment, or remove it"),
    Option(("kill-on-exit",), _kill_on_exit, "", "the program does not outlive utrace"),
    Option(("seccomp-bpf",), _seccomp, "", "other calls do not stop; needs -f; as --kill-on-exit"),
    Option(("h", "help"), _help, "", "show this help"),
    Option(("V", "version"), _version, "", "show the version"),
)

_BY_NAME: Final = {name: option for option in OPTIONS for name in option.names}

#: The rest of strace's, so that they are refused and not taken for mistakes.
_LETTERS_OF_STRACE: Final = frozenset("bDIuPXiknYOSUdL")
_LONG_OF_STRACE: Final = frozenset(
    (
        *("abbrev", "always-show-pid", "argv0", "color", "const-print-style", "daemonize", "daemonise"),
        *("debug", "decode-pids", "detach-on", "fault", "inject", "instruction-pointer", "interruptible"),
        *("kvm", "namespace", "raw", "read", "reads", "silence", "silent", "stack-trace"),
        *("stack-traces", "stack-trace-frame-limit", "summary-columns", "summary-sort-by"),
        *("summary-syscall-overhead", "syscall-limit", "syscall-number", "tips", "trace-fds", "trace-path"),
        *("user", "verbose", "write", "writes"),
    )
)


def _unsupported(name: str) -> UsageError:
    return UsageError(f"option '{name}' of strace is not supported yet")


def parse(words: list[str]) -> TraceOptions:
    """Read a command line.

    Raises:
        UsageError: it makes no sense, or uses an option of strace that is not supported.
    """
    options = TraceOptions()
    waiting = list(words)
    while waiting and waiting[0].startswith("-") and waiting[0] != "-":
        word = waiting.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            _long(options, word[2:], waiting)
        else:
            _cluster(options, word[1:], waiting)
    options.program = waiting
    _check(options)
    return options


def _cluster(options: TraceOptions, letters: str, waiting: list[str]) -> None:
    while letters:
        letter, letters = letters[0], letters[1:]
        option = _BY_NAME.get(letter)
        if option is None:
            if letter in _LETTERS_OF_STRACE:
                raise _unsupported(f"-{letter}")
            message = f"invalid option -- '{letter}'"
            raise UsageError(message)
        if not option.value or option.value.startswith("["):
            option.apply(options, "")
            continue
        value, letters = letters, ""
        if not value:
            if not waiting:
                message = f"option requires an argument -- '{letter}'"
                raise UsageError(message)
            value = waiting.pop(0)
        option.apply(options, value)


def _long(options: TraceOptions, text: str, waiting: list[str]) -> None:
    name, equals, value = text.partition("=")
    option = _BY_NAME.get(name) if len(name) > 1 else None
    if option is None:
        if name in _LONG_OF_STRACE:
            raise _unsupported(f"--{name}")
        message = f"unrecognized option '--{name}'"
        raise UsageError(message)
    if equals and not option.value:
        message = f"option '--{name}' doesn't allow an argument"
        raise UsageError(message)
    if not equals and option.value and not option.value.startswith("["):
        if not waiting:
            message = f"option '--{name}' requires an argument"
            raise UsageError(message)
        value = waiting.pop(0)
    option.apply(options, value)


def _check(options: TraceOptions) -> None:
    if options.show_help or options.show_version:
        return
    if not options.program and not options.pids:
        message = "must have PROG [ARGS] or -p PID"
        raise UsageError(message)
    if options.counts and options.separately:
        message = "(-c/--summary-only or -C/--summary) and -ff/--output-separately are mutually exclusive"
        raise UsageError(message)
    if options.seccomp and not (options.follow and options.program):
        message = "--seccomp-bpf needs -f/--follow-forks and a program to launch"
        raise UsageError(message)
    if options.environment and not options.program:
        message = "-E/--env has no effect without PROG"
        raise UsageError(message)
