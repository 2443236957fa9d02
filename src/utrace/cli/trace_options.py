"""The options of `utrace trace`: strace's letters with strace's meaning, or refused by name.

The tables are in `utrace.cli.options`, one for each concept; this is where they are put together, and where
is checked what only several options together can get wrong.

Reference: strace(1); getopt(3) for the grammar: options end at the first word that is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.cli.further_outputs import settle_outputs
from utrace.cli.options.beyond import BEYOND
from utrace.cli.options.filters import FILTERS
from utrace.cli.options.formats import FORMATS, OUTPUTS
from utrace.cli.options.grammar import Option, Table
from utrace.cli.options.settings import (
    ALL_SIGNALS,
    Daemon,
    Interruptible,
    Needs,
    Stacks,
    TraceOptions,
    UsageError,
)
from utrace.cli.options.startup import STARTUP, TRACING
from utrace.cli.options.statistics import STATISTICS
from utrace.cli.options.tampering import TAMPERING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "ALL_SIGNALS",
    "OPTIONS",
    "REFUSED",
    "SECTIONS",
    "TABLE",
    "Daemon",
    "Interruptible",
    "Needs",
    "Option",
    "Stacks",
    "TraceOptions",
    "UsageError",
    "parse",
]


def _qualify(options: TraceOptions, value: str) -> None:
    """Do what `-e EXPR` does: another option, or a set of calls."""
    name, equals, rest = value.partition("=")
    option = TABLE.qualifier(name) if equals else None
    if option is None:
        trace = TABLE.qualifier("trace")
        if trace is not None:
            trace.give(options, value)
    else:
        option.give(options, rest)


def _help(options: TraceOptions, _value: str) -> None:
    options.show_help = True


def _version(options: TraceOptions, _value: str) -> None:
    options.show_version = True


GENERAL: Final = (
    Option(
        ("e",),
        _qualify,
        "EXPR",
        "[trace=]SET, or NAME=VALUE for many options below",
        offers=("<expression>",),
    ),
    Option(("h", "help"), _help, "", "show this help"),
    Option(("V", "version"), _version, "", "show the version"),
)

#: All options, as the help lists them.
SECTIONS: Final[Mapping[str, tuple[Option, ...]]] = {
    "General": GENERAL,
    "Startup": STARTUP,
    "Tracing": TRACING,
    "Filtering": FILTERS,
    "Output": OUTPUTS,
    "Output format": FORMATS,
    "Statistics": STATISTICS,
    "Tampering": TAMPERING,
    "Beyond strace": BEYOND,
}
OPTIONS: Final = tuple(option for section in SECTIONS.values() for option in section)


def _unsupported(why: str, *names: str) -> dict[str, str]:
    """Refuse options of strace by name, so that they are not taken for mistakes."""
    messages: dict[str, str] = {}
    for name in names:
        shown = name if name.startswith("-e ") else f"-{name}" if len(name) == 1 else f"--{name}"
        messages[name] = f"option '{shown}' of strace is not supported: {why}"
    return messages


#: What strace has and this has not, with what is said about it.
REFUSED: Final[Mapping[str, str]] = {
    **_unsupported("why a virtual processor exits is not decoded", "kvm", "-e kvm"),
    **_unsupported("labels of SELinux are not read", "secontext", "-e secontext"),
    **_unsupported("its tips are about strace; docs/cookbook.md has some about utrace", "tips"),
    **_unsupported("it shows strace's own workings; see 'utrace who' and 'utrace doctor'", "d", "debug"),
    **_unsupported("say --decode-pids=pidns", "pidns-translation"),
    "F": "option '-F' is deprecated: use -f/--follow-forks instead",
}

TABLE: Final = Table(OPTIONS, REFUSED)


def parse(words: Sequence[str]) -> TraceOptions:
    """Read a command line.

    Raises:
        UsageError: it makes no sense, or uses an option of strace that is not supported.
    """
    options = TraceOptions()
    TABLE.read(words, options)
    if not options.show_help and not options.show_version:
        settle_outputs(options)
        _check(options)
        _warn(options)
    return options


def _check(options: TraceOptions) -> None:
    """Refuse what does not go together.

    Raises:
        UsageError: something does not.
    """
    given = options.given
    to_command = options.output is not None and options.output.startswith(("|", "!"))
    several_files = options.separately and options.output is not None
    wrong = (
        (not options.program and not options.pids, "must have PROG [ARGS] or -p PID"),
        (
            options.counts and options.separately,
            "(-c/--summary-only or -C/--summary) and -ff/--output-separately are mutually exclusive",
        ),
        (
            "U" in given and not options.counts,
            "-U/--summary-columns must be given with (-c/--summary-only or -C/--summary)",
        ),
        (
            options.wall and not options.counts,
            "-w/--summary-wall-clock must be given with (-c/--summary-only or -C/--summary)",
        ),
        (
            to_command and several_files,
            "piping the output and -ff/--output-separately are mutually exclusive",
        ),
        (
            to_command and options.append,
            "piping the output and -A/--output-append-mode are mutually exclusive",
        ),
        (
            options.seccomp is True and not (options.follow and options.program),
            "--seccomp-bpf needs -f/--follow-forks and a program to launch",
        ),
        (
            options.seccomp is True and bool(options.needs & Needs.LETTING_GO),
            "--seccomp-bpf leaves a filter in the program: it cannot be let go by -b or --syscall-limit",
        ),
        (
            options.seccomp is True and options.daemon is not Daemon.NO,
            "--seccomp-bpf and -D/--daemonize are mutually exclusive",
        ),
        (bool(options.environment) and not options.program, "-E/--env has no effect without PROG"),
        (options.user is not None and not options.program, "-u/--user has no effect without PROG"),
        (options.argv0 is not None and not options.program, "--argv0 has no effect without PROG"),
        (
            options.daemon is not Daemon.NO and not options.program,
            "PROG [ARGS] must be specified with -D/--daemonize",
        ),
        (
            "y" in given and "decode-fds" in given,
            "-y and --decode-fds cannot be provided simultaneously",
        ),
        (options.replay is not None and not options.rules, "--inject-replay needs the rules of the journal"),
    )
    for is_wrong, message in wrong:
        if is_wrong:
            raise UsageError(message)


#: Options that only change lines, so that -c leaves them without effect.
_OF_LINES: Final = ("i", "k", "n", "N", "r", "t", "absolute-timestamps", "T", "y", "decode-fds", "Y")


def _warn(options: TraceOptions) -> None:
    if not options.lines:
        for option in OPTIONS:
            if option.names[0] in _OF_LINES and option.names[0] in options.given:
                spelled = "/".join(option.spelled[:2])
                options.warnings.append(f"{spelled} has no effect with -c/--summary-only")
    if options.output is None:
        if options.append:
            options.warnings.append("-A/--output-append-mode has no effect without -o/--output")
        if options.separately and "output-separately" in options.given:
            options.warnings.append("--output-separately has no effect without -o/--output")
