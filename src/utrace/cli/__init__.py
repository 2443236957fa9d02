"""The `utrace` command: one module for each sub-command, imported when it is used.

Exit status of utrace's own errors is 1; a program that is not found gives 127, one that cannot be
executed 126; otherwise the status is the traced program's.
"""

from __future__ import annotations

import gc
import signal
import sys
from typing import Final

from utrace.cli.console import complain, fill_standard, put

_OBJECTS_BETWEEN_LOOKS: Final = 100_000

_HELP = """\
Usage: utrace COMMAND [ARGUMENTS]

Any number of independent tracing engines on one running program, on a stock Linux kernel.

Commands:
  trace    show the system calls and signals of a program, with the letters of strace
  run      run a program under engines, with strace and gdb served inside
  who      tell which engines hold which tasks of such a session
  doctor   tell what can be traced here, what cannot, and why
  completion  write what lets bash, zsh or fish complete all this

  utrace trace ls /                      a program from its beginning
  utrace trace -f -o calls.txt make      with its children, into a file
  utrace trace -p 1234                   a running process; Ctrl-C lets it go
  utrace run bash                        strace and gdb in it share one process
  utrace doctor                          is tracing allowed here?

utrace COMMAND --help tells more; utrace --version tells the version.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; `arguments` are those behind the program's name."""
    # What is imported stays: to look through it for garbage again and again takes a seventh of the start.
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)
    fill_standard()
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    finally:
        # Nor is it worth a look when all of it goes.
        gc.freeze()


def _run(words: list[str]) -> int:  # noqa: PLR0911 — one line a command
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Ctrl-C before there is anything to let go of just ends us, without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    command, rest = (words[0], words[1:]) if words else ("", [])
    match command:
        case "trace":
            from utrace.cli import trace  # noqa: PLC0415 — what is not used is not imported

            return trace.main(rest)
        case "run":
            from utrace.cli import run  # noqa: PLC0415 — the same

            return run.main(rest)
        case "who":
            from utrace.cli import who  # noqa: PLC0415 — the same

            return who.main(rest)
        case "doctor":
            from utrace.cli import doctor  # noqa: PLC0415 — the same

            return doctor.main(rest)
        case "completion":
            from utrace.cli import completion  # noqa: PLC0415 — the same

            return completion.main(rest)
        case "-h" | "--help" | "help":
            return put(_HELP)
        case "-V" | "--version":
            from importlib.metadata import version  # noqa: PLC0415 — the same

            return put(f"utrace {version('utrace')}\n")
        case "":
            return complain("utrace: no command given (try 'utrace --help')")
        case _:
            return complain(f"utrace: there is no command '{command}' (try 'utrace --help')")
