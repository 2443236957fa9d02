"""`utrace trace`: the system calls and signals of programs."""

from __future__ import annotations

import os
import resource
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from utrace.cli.trace_options import OPTIONS, TraceOptions, UsageError, parse
from utrace.engines.call_counts import CallCounts
from utrace.engines.line_log import LineLog, LineStyle, PidShown
from utrace.engines.output import Output
from utrace.engines.syscall_log import SyscallLog
from utrace.errors import NotPermitted, ProgramNotStarted, TaskGone
from utrace.syscalls import Style
from utrace.tracer.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from utrace.engines.records import LogListener, Thread

_OWN_ERROR: Final = 1
_FROM_TERMINAL: Final = (signal.SIGINT, signal.SIGQUIT)
_TO_END_US: Final = (signal.SIGHUP, signal.SIGTERM)

_NAMES_WIDTH: Final = 35

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

Options end at the program's name:
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
        return _fail(f"utrace trace: {error} (try 'utrace trace --help')")
    if options.show_help:
        sys.stdout.write(_help())
        return 0
    if options.show_version:
        from utrace.cli import main as utrace  # noqa: PLC0415 — only here

        return utrace(["--version"])
    try:
        tracing = Tracing(options)
    except OSError as error:
        return _fail(f"utrace: cannot write {options.output}: {error.strerror}")
    return tracing.run()


def _fail(message: str, status: int = _OWN_ERROR) -> int:
    sys.stderr.write(message + "\n")
    return status


def _help() -> str:
    lines = [_HELP_HEAD]
    for option in OPTIONS:
        names = ", ".join(f"-{name}" if len(name) == 1 else f"--{name}" for name in option.names)
        if option.value:
            names += option.value if option.value.startswith("[") else f" {option.value}"
        lines.append(f"  {names:<{_NAMES_WIDTH}} {option.text}\n")
    return "".join([*lines, _HELP_FOOT])


class LetGo(BaseException):
    """A signal asks us to end, and what we trace to go on."""

    def __init__(self, signo: int) -> None:
        super().__init__(signo)
        self.signo = signo


class Tracing:
    """One run of `utrace trace`."""

    def __init__(self, options: TraceOptions) -> None:
        """Open the outputs.

        Raises:
            OSError: one cannot be opened.
        """
        self.options = options
        self.errors = Output.to_descriptor(2, name="standard error")
        self.lines = self._line_log() if options.lines else None
        self.counts = CallCounts(wall=options.wall) if options.counts else None
        self.table = self._shared_output() if self.lines is None else None
        listeners: list[LogListener] = [one for one in (self.lines, self.counts) if one is not None]
        self.log = SyscallLog(
            listeners=listeners,
            text_max=options.text_max,
            syscalls=options.calls,
            signals=options.signals,
            follow=options.follow,
            cpu_times=options.counts and not options.wall,
        )

    def _line_log(self) -> LineLog:
        options = self.options
        style = LineStyle(
            values=Style(options.text_max, options.verbose, options.hex_strings, options.column),
            pids=self._pids_shown(),
            clock=options.clock,
            since_last=options.since_last,
            durations=options.durations,
            fd_paths=options.fd_paths,
            exits="exit" not in options.quiet,
            successions="thread-execve" not in options.quiet,
            modes="personality" not in options.quiet,
        )
        # Children that come and go are no news to somebody who has asked for a file of them all.
        silent = "attach" in options.quiet or (options.output is not None and not options.pids)
        separate = options.separately and options.output is not None
        return LineLog(
            self._output_of if separate else self._shared_output(),
            style,
            statuses=options.statuses,
            notices=None if silent else self.errors,
        )

    def _pids_shown(self) -> PidShown:
        options = self.options
        if options.output is None:
            return PidShown.WHEN_SEVERAL
        several = options.follow or len(options.pids) + bool(options.program) > 1
        return PidShown.COLUMN if several and not options.separately else PidShown.NEVER

    def _shared_output(self) -> Output:
        path = self.options.output
        return self.errors if path is None else Output.to_file(path, append=self.options.append)

    def _output_of(self, thread: Thread) -> Output:
        path = f"{self.options.output}.{thread.tid}"
        try:
            return Output.to_file(path, append=self.options.append)
        except OSError as error:
            return Output.failed(path, error)

    def run(self) -> int:
        """Trace until everything has ended, or a signal ends us; give the exit status."""
        status, wait_status, letting_go = 0, None, None
        with Session(exit_kill=self.options.kill_on_exit, watchdog_s=None) as session:
            try:
                with _signals_handled(self.options):
                    status = self._start(session)
                    session.run()
            except LetGo as signal_received:
                letting_go = signal_received.signo
            wait_status = session.wait_status
        self._finish()
        if letting_go is not None:
            _die_by(letting_go)
        if wait_status is None:
            return status
        if os.WIFSIGNALED(wait_status):
            _die_by(os.WTERMSIG(wait_status))
        return os.waitstatus_to_exitcode(wait_status)

    def _start(self, session: Session) -> int:
        options = self.options
        attached = sum(self._attach(session, pid) for pid in options.pids)
        if not options.program:
            return 0 if attached else _OWN_ERROR
        try:
            environment = _environment(options)
            session.spawn(options.program, [self.log], env=environment, seccomp=options.seccomp)
        except ProgramNotStarted as error:
            self.errors.write(f"utrace: {error}\n")
            return error.status
        except OSError as error:
            self.errors.write(f"utrace: cannot trace {options.program[0]}: {error} (try 'utrace doctor')\n")
            return _OWN_ERROR
        return 0

    def _attach(self, session: Session, pid: int) -> bool:
        follow = self.options.follow
        try:
            task = session.attach(pid, [self.log], all_threads=follow)
        except (TaskGone, NotPermitted) as error:
            self.errors.write(f"utrace: {error}\n")
            return False
        if self.lines is not None:
            threads = sum(one.pid == task.pid for one in session.tasks)
            several = f" with {threads} threads" if threads > 1 else ""
            self.lines.notice(f"utrace: Process {pid} attached{several}")
        return True

    def _finish(self) -> None:
        self.log.close()
        losses = [] if self.lines is None else self.lines.losses
        if self.counts is not None:
            table = self.table or self._reopened()
            table.write(self.counts.table())
            table.close()
            losses += [table.loss] if table.loss is not None else []
        for loss in losses:
            self.errors.write(f"utrace: {loss}\n")

    def _reopened(self) -> Output:
        path = self.options.output
        return self.errors if path is None else Output.to_file(path, append=True)


def _environment(options: TraceOptions) -> dict[str, str] | None:
    if not options.environment:
        return None
    environment = dict(os.environ)
    for name, value in options.environment.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


@contextmanager
def _signals_handled(options: TraceOptions) -> Iterator[None]:
    """Decide what signals to us do, as strace does.

    A program that we launched gets the terminal's signals itself, and we see it through; what is to
    end us lets it go, unless the log goes to a file.  Attached processes are let go.
    """
    let_go = False

    def end(signo: int, _frame: FrameType | None) -> None:
        nonlocal let_go
        if not let_go:
            let_go = True
            raise LetGo(signo)

    def stay(_signo: int, _frame: FrameType | None) -> None:
        pass

    launched = bool(options.program)
    before = {signo: signal.getsignal(signo) for signo in (*_FROM_TERMINAL, *_TO_END_US)}
    for signo, handler in before.items():
        # What is ignored (nohup, a shell's background job) is to be ignored by the program too.
        if handler is signal.SIG_IGN and (launched or signo == signal.SIGHUP):
            continue
        stays = launched and (signo in _FROM_TERMINAL or options.output is not None)
        signal.signal(signo, stay if stays else end)
    try:
        yield
    finally:
        if not let_go:
            for signo, handler in before.items():
                signal.signal(signo, handler)


def _die_by(signo: int) -> None:
    """End as the program ended, without a core dump of our own on top of its."""
    sys.stdout.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if signo not in {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(signo, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signo])
    signal.raise_signal(signo)
