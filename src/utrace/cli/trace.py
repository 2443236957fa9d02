"""`utrace trace`: the system calls and signals of programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.cli.console import complain, put
from utrace.cli.options.settings import UsageError
from utrace.cli.trace_options import SECTIONS, parse

if TYPE_CHECKING:
    from utrace.cli.trace_options import Option

_NAMES_WIDTH: Final = 41

_HELP_HEAD: Final = """\
Usage: utrace trace [OPTIONS] PROG [ARGS]
       utrace trace [OPTIONS] -p PID[,PID]...

Show every system call of a program with its arguments and result, its signals and its end, in the
lines of strace.  Letters mean what they mean to strace; what is not supported is refused by name.

  utrace trace ls /                            one program
  utrace trace -f -o calls.txt -- make -j2     with all its children, into a file
  utrace trace -e trace=%file cat x            only calls that take a file name
  utrace trace -e openat,read -z cat x         two calls, where they succeed
  utrace trace -c -f make                      count calls, errors and CPU time
  utrace trace -f -tt -T -p 1234               a running process with its threads, with times

Options end at the program's name.  Those with a longer name NAME=SET may be written -e NAME=SET too.
"""

_HELP_FOOT: Final = """
The exit status is the program's own; if a signal kills it, the same signal kills utrace.  A program
that is not found gives 127, one that cannot be executed 126, any other error 1.  With -p, Ctrl-C lets
the processes go on as they were found.
"""


def main(words: list[str]) -> int:
    """Run `utrace trace` with these arguments."""
    try:
        options = parse(words)
    except UsageError as error:
        # Where something is pointed at, a hint behind it would only be in the way.
        hint = "" if "\n" in str(error) else " (try 'utrace trace --help')"
        return complain(f"utrace trace: {error}{hint}")
    if options.show_help:
        return put(_help())
    if options.show_version:
        from utrace.cli import main as utrace  # noqa: PLC0415 — only here

        return utrace(["--version"])
    for warning in options.warnings:
        complain(f"utrace trace: {warning}")
    from utrace.cli.tracing import run  # noqa: PLC0415 — not for help and mistakes

    return run(options)


def _help() -> str:
    lines = [_HELP_HEAD]
    for title, options in SECTIONS.items():
        lines.append(f"\n{title}:\n")
        lines += [f"  {_spelled(option):<{_NAMES_WIDTH}} {option.text}\n" for option in options]
    return "".join([*lines, _HELP_FOOT])


def _spelled(option: Option) -> str:
    """Write an option's name and argument; other spellings are in the manual."""
    letters = [name for name in option.spelled if len(name) == 2]
    long_names = [name for name in option.spelled if len(name) > 2]
    names = ", ".join([*letters, *long_names[:1]]) or option.spelled[0]
    if option.value:
        names += f"[={option.value[1:]}" if option.value.startswith("[") else f" {option.value}"
    return names
