"""`utrace run`: a program and its children under a session in which tracers work too."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import sys
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from utrace.cli.console import complain, put, standard
from utrace.cli.dying import die_by
from utrace.core.events import Event
from utrace.errors import Misuse, ProgramNotStarted, UtraceError
from utrace.ptrace_emu.interpose import Interposer
from utrace.tracer.ops import EngineOps
from utrace.tracer.roster import Announcement
from utrace.tracer.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_HELP = """\
Usage: utrace run [--engine FILE.py[:NAME]]... [--hide] [--no-seccomp] [--no-native-answers]
                  [--] PROGRAM [ARGUMENT]...

Run a program so that any number of tracers hold it, and its children, at once: unmodified strace and gdb
started inside are served by ptrace engines, beside engines of your own.

  utrace run bash                                then, in it: strace -fp PID & gdb -p PID
  utrace run --engine deny.py:KeepEtc -- make    an engine of yours on the whole tree

      --engine FILE.py[:NAME]   attach the engine class NAME of this file (its only one, if not named)
      --hide                    show every program in /proc/PID/status and stat the tracers inside, not us:
                                each file that is opened for reading costs a stop
      --no-seccomp              let every system call stop, also those that nobody wants to see
      --no-native-answers       answer every tracer by Python, also one that only follows system calls, as
                                strace does: some nine times slower, and the same to see
  -h, --help                    show this help

The exit status is the program's.  Everything started inside dies with utrace.
"""


def load_engine(where: str) -> EngineOps:
    """Make the engine that `FILE.py[:NAME]` names.

    Raises:
        Misuse: no such file, no such class, or more than one to choose from; or it raises.
    """
    path, _, name = where.partition(":")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None or not os.path.isfile(path):
        message = f"--engine {where}: there is no Python file {path}"
        raise Misuse(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        return _engine_class(module, where, name)()
    except Misuse:
        raise
    except Exception as error:
        raise Misuse(f"--engine {where}: {_place(error)}{type(error).__name__}: {error}") from error


def _engine_class(module: ModuleType, where: str, name: str) -> type[EngineOps]:
    classes = {
        found.__name__: found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, EngineOps) and found.__module__ == module.__name__
    }
    if name:
        classes = {key: found for key, found in classes.items() if key == name}
    if len(classes) != 1:
        known = ", ".join(classes) or "none"
        message = f"--engine {where}: name one engine class of {module.__file__} (found: {known})"
        raise Misuse(message)
    return next(iter(classes.values()))


def _place(error: Exception) -> str:
    """Say where in a client's code something went wrong; empty if it was not begun."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    ours = [frame for frame in frames if not frame.filename.startswith("<frozen")]
    return f"line {ours[-1].lineno} of {ours[-1].filename}: " if ours else ""


class _Parser(argparse.ArgumentParser):
    """The options, as `_HELP` tells them; a mistake is one line and status 1."""

    def __init__(self) -> None:
        super().__init__(prog="utrace run", add_help=False, allow_abbrev=False)
        self.add_argument("-h", "--help", action="store_true")
        self.add_argument("--engine", action="append", default=[])
        self.add_argument("--hide", action="store_true")
        self.add_argument("--no-seccomp", action="store_true")
        self.add_argument("--no-native-answers", action="store_true")
        self.add_argument("program", nargs=argparse.REMAINDER)

    def error(self, message: str) -> NoReturn:
        """End with one line."""
        raise SystemExit(complain(f"utrace run: {message} (try 'utrace run --help')"))


def main(words: Sequence[str]) -> int:
    """Run `utrace run` with these arguments."""
    parser = _Parser()
    options = parser.parse_args(words)
    program = options.program[1:] if options.program[:1] == ["--"] else options.program
    if options.help:
        return put(_HELP)
    if not program:
        parser.error("no program given")
    try:
        engines = [load_engine(where) for where in options.engine]
        interposer = Interposer(serves=not options.no_native_answers, hides=options.hide)
        status = run_under(program, [interposer, *engines], seccomp=not options.no_seccomp)
    except UtraceError as error:
        complain(f"utrace: {error}")
        return error.status if isinstance(error, ProgramNotStarted) else 1
    except OSError as error:
        why = error.strerror or error
        return complain(f"utrace: cannot run {program[0]}: {why} (try 'utrace doctor' or --no-seccomp)")
    if os.WIFSIGNALED(status):
        die_by(os.WTERMSIG(status))
    return os.WEXITSTATUS(status)


def run_under(program: Sequence[str], engines: Sequence[EngineOps], *, seccomp: bool) -> int:
    """Run a program under engines and served tracers; give its wait status.

    A keyboard's SIGINT and SIGQUIT are the program's affair.

    Raises:
        UtraceError: it cannot be started.
        OSError: it cannot be traced here.
    """
    selective = all(not ops.events & Event.SYSCALL or ops.syscalls is not None for ops in engines)
    for signo in (signal.SIGINT, signal.SIGQUIT):
        # What is ignored, as in a background job, stays so, also for the program.
        if signal.getsignal(signo) is not signal.SIG_IGN:
            signal.signal(signo, lambda *_: None)
    with Session() as session, ExitStack() as announced:
        session.spawn(program, engines, seccomp=seccomp and selective, stdio=standard(), heed_filters=False)
        try:
            announced.enter_context(Announcement(session.loop))
        except OSError as error:
            complain(f"utrace: 'utrace who' cannot ask this session: {error}")
        session.run()
        return session.wait_status or 0
