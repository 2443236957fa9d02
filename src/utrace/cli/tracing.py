"""One run of `utrace trace`: engines and outputs made from options, and the session they run in."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from utrace.cli.console import complain, plain, standard
from utrace.cli.dying import die_by
from utrace.cli.endings import LetGo, signals_handled
from utrace.cli.filtering import chooses_filter, chooses_tap, why_rights_are_lost
from utrace.cli.options.settings import NO_NUMBERS, Daemon, Interruptible, Stacks, UsageError
from utrace.cli.privileges import LostRights
from utrace.cli.screening import OutputFilter, Screening
from utrace.engines import colour
from utrace.engines.line_log import LineLog
from utrace.engines.line_style import LineStyle, PidShown
from utrace.engines.output import Output
from utrace.engines.records import OnlyCalls
from utrace.engines.syscall_log import SyscallLog
from utrace.errors import MissingExtra, NotPermitted, ProgramNotStarted, TaskGone
from utrace.kernel.caps import read_caps
from utrace.syscalls import CallSet, Style, Xlat
from utrace.tracer.session import Session, find_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.cli import daemon
    from utrace.cli.options.settings import TraceOptions
    from utrace.engines.call_counts import CallCounts
    from utrace.engines.inject import Inject
    from utrace.engines.live import LivePanel, LiveSums
    from utrace.engines.process_names import ProcessNames
    from utrace.engines.records import CallRecord, LogListener, StackNoter, Thread
    from utrace.engines.selection import Accesses
    from utrace.tracer.ops import EngineOps

OWN_ERROR: Final = 1
_STANDARD_ERROR: Final = 2


class Tracing:
    """One run of `utrace trace`."""

    def __init__(self, options: TraceOptions) -> None:
        """Open the outputs, and make the engines.

        Raises:
            OSError: an output cannot be opened.
        """
        self.options = options
        self.errors = Output.to_descriptor(_STANDARD_ERROR, name="standard error")
        self.screening = Screening(options)
        self.table: Output | None = None
        self.lines = self._line_log() if self._writes_lines() else None
        self.counts = self._call_counts() if options.counts else None
        if self.counts is not None and self.table is None:
            self.table = self._output()
        self.live = self._live_sums() if options.live else None
        self.panel: LivePanel | None = None
        self.accesses = self._accesses()
        self.inject: Inject | None = None
        self.journal: Output | None = None
        if options.rules:
            self.inject, self.journal = self._inject()
        self.session: Session | None = None
        self.waiting: daemon.Waiting | None = None
        """With -D: the process that becomes the program as soon as it is traced."""
        self.log = SyscallLog(
            listeners=self._listeners(),
            text_max=options.text_max,
            syscalls=self.screening.calls,
            signals=options.signals,
            follow=options.follow,
            cpu_times=options.counts and not options.wall,
            selects=self.accesses,
            screening=None if self.screening.asked is None else self.screening,
            stacks=self._stacks(),
            ips=options.instruction_pointer,
            numbers=options.call_number,
        )
        # At the entry of a call the last one is asked first: the log sees it as the program made it.
        self.engines: list[EngineOps] = []
        if options.detach_on:
            from utrace.engines.leaving import DetachOn  # noqa: PLC0415 — what is not asked for is not imported

            self.engines.append(DetachOn(options.detach_on, follow=options.follow))
        if self.inject is not None:
            self.engines.append(self.inject)
        self.engines.append(self.log)
        caps = read_caps()
        self.chooses = chooses_filter(options, self.engines, caps)
        self.taps = chooses_tap(options, self.engines, caps)
        self.filters = self.chooses or self.taps
        lost = why_rights_are_lost(caps, filters=self.filters)
        if lost and "attach" not in options.quiet:
            self.engines.append(LostRights(lost, self.errors.write))

    # -- what is made of the options --------------------------------------------------------------

    def _listeners(self) -> list[LogListener]:
        """Give all that are told of records: further outputs are further listeners."""
        listeners: list[LogListener] = [one for one in (self.lines, self.live) if one is not None]
        if self.counts is not None:
            wanted = OutputFilter(self.screening)
            listeners.append(self.counts if self.options.where is None else OnlyCalls(self.counts, wanted))
        for spec in self.options.further:
            from utrace.cli.further_outputs import open_listener  # noqa: PLC0415 — the same

            wanted = self.screening.output(spec, self.options.statuses)
            listeners.append(open_listener(spec, self.options, self._line_style(PidShown.COLUMN), wanted))
        if self.options.call_limit is not None:
            from utrace.engines.leaving import CallLimit  # noqa: PLC0415 — the same

            listeners.append(CallLimit(self.options.call_limit, self._let_all_go, self.options.statuses))
        return listeners

    def _line_log(self) -> LineLog:
        options = self.options
        # Children that come and go are no news to somebody who has asked for a file of them all.
        silent = (
            "attach" in options.quiet
            or (options.output is not None and not options.pids)
            or options.daemon is not Daemon.NO
        )
        separate = options.separately and options.output is not None
        shared = None if separate else self._output()
        if shared is not None and options.counts:
            # It goes behind the lines.
            self.table = shared.share()
        return LineLog(
            shared or self._output_of,
            self._line_style(),
            statuses=options.statuses,
            notices=None if silent else self.errors,
            accepts=None if options.where is None else self.screening.accepts,
        )

    def _writes_lines(self) -> bool:
        options = self.options
        shown_otherwise = options.only_further or (options.live and options.output is None)
        return options.lines and not shown_otherwise

    def _line_style(self, pids: PidShown | None = None) -> LineStyle:
        options = self.options
        fd = _STANDARD_ERROR if options.output is None else -1
        return LineStyle(
            values=_value_style(options),
            pids=pids or self._pids_shown(),
            clock=options.clock,
            clock_digits=options.clock_digits,
            since_last=options.since_last,
            durations=options.durations,
            fd_details=options.fd_details,
            processes=_processes(options),
            numbers=options.call_number,
            ips=options.instruction_pointer,
            stacks=options.stacks is not Stacks.NONE,
            tail=_dumps(options),
            exits="exit" not in options.quiet,
            successions="thread-execve" not in options.quiet,
            modes="personality" not in options.quiet,
            colour=colour.is_wanted(options.colour, fd),
        )

    def _pids_shown(self) -> PidShown:
        options = self.options
        if options.output is None:
            return PidShown.ALWAYS if options.always_show_pid else PidShown.WHEN_SEVERAL
        several = options.follow or len(options.pids) + bool(options.program) > 1 or options.always_show_pid
        return PidShown.COLUMN if several and not options.separately else PidShown.NEVER

    def _live_sums(self) -> LiveSums:
        from utrace.engines.live import LiveSums  # noqa: PLC0415 — the same

        return LiveSums(OutputFilter(self.screening))

    def _call_counts(self) -> CallCounts:
        from utrace.engines.call_counts import CallCounts  # noqa: PLC0415 — the same

        options = self.options
        return CallCounts(
            wall=options.wall,
            sort_by=options.sort_by,
            columns=options.columns,
            overhead_ns=options.overhead_ns,
        )

    def _accesses(self) -> Accesses | None:
        options = self.options
        if not options.paths and options.trace_fds is None:
            return None
        from utrace.engines.selection import Accesses  # noqa: PLC0415 — the same

        accesses = Accesses(options.paths, None if options.trace_fds is None else options.trace_fds.has)
        if "path-resolution" not in options.quiet:
            for path, real in accesses.resolved.items():
                self.errors.write(f'utrace: Requested path "{path}" resolved into "{real}"\n')
        return accesses

    def _inject(self) -> tuple[Inject, Output | None]:
        from utrace.cli.injecting import make_inject  # noqa: PLC0415 — only where something is injected

        return make_inject(self.options, self.accesses)

    def _stacks(self) -> StackNoter | None:
        if self.options.stacks is Stacks.NONE or not (self.lines is not None or self.options.further):
            return None
        from utrace.engines.stacks import Stacks as StackNoting  # noqa: PLC0415 — only with -k

        return StackNoting(frames_max=self.options.frames_max, sources=self.options.stacks is Stacks.SOURCES)

    # -- outputs ----------------------------------------------------------------------------------

    def _output(self) -> Output:
        target = self.options.output
        if target is None:
            return self.errors
        if target.startswith(("|", "!")):
            return Output.to_command(target[1:])
        return Output.to_file(target, append=self.options.append)

    def _output_of(self, thread: Thread) -> Output:
        path = f"{self.options.output}.{thread.tid}"
        try:
            return Output.to_file(path, append=self.options.append)
        except OSError as error:
            return Output.failed(path, error)

    def _begin_live(self) -> None:
        if self.options.explain:
            self.errors.write(
                "".join(f"utrace: {line}\n" for line in self.screening.explanation(filtered=self.filters))
            )
        if self.live is not None and os.isatty(_STANDARD_ERROR):
            from utrace.engines.live import LivePanel  # noqa: PLC0415 — the same

            colours = colour.is_wanted(self.options.colour, _STANDARD_ERROR)
            self.panel = LivePanel(self.live, _STANDARD_ERROR, colour=colours)
            self.panel.start()

    # -- the run ----------------------------------------------------------------------------------

    def run(self) -> int:
        """Trace until everything has ended, or a signal ends us; give the exit status."""
        status, wait_status, letting_go = 0, None, None
        ends_with_us = self.options.kill_on_exit or self.options.seccomp is True
        # Without us the calls that a filter catches would fail.
        with Session(exit_kill=ends_with_us or self.filters, watchdog_s=None) as session:
            self.session = session
            self._begin_live()
            try:
                with signals_handled(self.options):
                    status = self._start(session)
                    if not status or session.tasks:
                        session.run()
            except LetGo as signal_received:
                letting_go = signal_received.signo
                if self.filters and not ends_with_us:
                    self._see_through(session)
            wait_status = session.wait_status
        self._finish(session.calls_lost)
        if letting_go is not None:
            die_by(letting_go)
        if wait_status is None:
            return status
        if os.WIFSIGNALED(wait_status):
            die_by(os.WTERMSIG(wait_status))
        return os.waitstatus_to_exitcode(wait_status)

    def _see_through(self, session: Session) -> None:
        """Let go of all, and stay for those that have a filter until they have ended; a signal kills them."""
        self._let_all_go()
        if not session.tasks:
            return
        if self.panel is not None:
            # What is awaited may be there for long.
            self.panel.close()
        with suppress(LetGo), signals_handled(self.options):
            # Who reads this may send the signal at once.
            self.errors.write(
                "utrace: what was launched has a seccomp filter and needs its tracer: it is no longer "
                "logged, but awaited; another signal kills it (--no-seccomp: traced without a filter)\n"
            )
            session.run()

    def _start(self, session: Session) -> int:
        options = self.options
        attached = sum(self._attach(session, pid) for pid in options.pids)
        if not options.program:
            return 0 if attached else OWN_ERROR
        if self.waiting is not None:
            return self._begin(session, self.waiting)
        try:
            session.spawn(
                [options.argv0 or options.program[0], *options.program[1:]],
                self.engines,
                executable=options.program[0],
                env=environment(options),
                user=options.user,
                seccomp=self.chooses,
                tap=self.taps,
                stdio=standard(),
            )
        except ProgramNotStarted as error:
            self._complain(f"{error}")
            return error.status
        except OSError as error:
            cure = "'utrace doctor'" + (" or --no-seccomp" if self.filters else "")
            whose = "" if options.user is None else f" as {options.user}"
            why = error.strerror or error
            self._complain(f"cannot trace {options.program[0]}{whose}: {why} (try {cure})")
            return OWN_ERROR
        return 0

    def _begin(self, session: Session, waiting: daemon.Waiting) -> int:
        from utrace.cli.daemon import BeginAtExecve  # noqa: PLC0415 — the same

        try:
            session.attach(waiting.pid, [BeginAtExecve(self.engines)], all_threads=False)
        except (TaskGone, NotPermitted) as error:
            self._complain(f"{error}")
            return OWN_ERROR
        waiting.go()
        return 0

    def _complain(self, message: str) -> None:
        self.errors.write(plain(f"utrace: {message}\n"))

    def _attach(self, session: Session, pid: int) -> bool:
        follow = self.options.follow
        try:
            task = session.attach(pid, self.engines, all_threads=follow)
        except (TaskGone, NotPermitted) as error:
            self._complain(f"{error}")
            return False
        threads = sum(one.pid == task.pid for one in session.tasks)
        several = f" with {threads} threads" if threads > 1 else ""
        notice = f"utrace: Process {pid} attached{several}"
        if self.lines is not None:
            self.lines.notice(notice)
        elif "attach" not in self.options.quiet:
            self.errors.write(f"{notice}\n")
        return True

    def _let_all_go(self) -> None:
        if self.session is not None:
            from utrace.engines.leaving import let_go  # noqa: PLC0415 — the same

            for task in self.session.tasks:
                let_go(task)

    def _finish(self, calls_lost: int) -> None:
        self.log.close()
        troubles: list[str] = []
        if calls_lost:
            troubles.append(f"{calls_lost} entries and ends of calls were lost (--no-tap: none are)")
        if self.inject is not None:
            self.inject.close()
            troubles += self.inject.troubles
        if self.panel is not None:
            self.panel.close()
        elif self.live is not None:
            self.errors.write("".join(f"{line}\n" for line in self.live.lines()))
        losses = self.log.losses
        if self.journal is not None:
            self.journal.close()
            losses += [self.journal.loss] if self.journal.loss is not None else []
        if self.counts is not None and self.table is not None:
            self.table.write(self.counts.table())
            self.table.close()
            # What the lines lost there is counted in.
            losses = [loss for loss in losses if loss.name != self.table.name]
            losses += [self.table.loss] if self.table.loss is not None else []
        for message in (*troubles, *losses, *(self.screening.summary() if self.options.explain else ())):
            self._complain(f"{message}")


def run(options: TraceOptions) -> int:
    """Do what the options say; give the exit status."""
    waiting = None
    if options.daemon is not Daemon.NO:
        try:
            waiting = _hand_over(options)
        except ProgramNotStarted as error:
            complain(f"utrace: {error}")
            return error.status
        except OSError as error:
            return complain(f"utrace: cannot make a tracer: {error.strerror}")
        if options.interruptible is None:
            options.interruptible = Interruptible.NEVER_TSTP
    try:
        tracing = Tracing(options)
    except OSError as error:
        where = error.filename or options.output
        return complain(f"utrace: cannot open {where}: {error.strerror}")
    except (UsageError, MissingExtra) as error:
        return complain(f"utrace trace: {error}")
    tracing.waiting = waiting
    return tracing.run()


def _hand_over(options: TraceOptions) -> daemon.Waiting:
    from utrace.cli import daemon  # noqa: PLC0415 — only with -D

    variables = environment(options)
    variables = dict(os.environ) if variables is None else variables
    path = find_program(os.fsencode(options.program[0]), variables.get("PATH", os.defpath))
    argv = [options.argv0 or options.program[0], *options.program[1:]]
    return daemon.hand_over(options.daemon, daemon.Program(path, argv, variables, options.user))


def environment(options: TraceOptions) -> dict[str, str] | None:
    """Give the program's environment; None for ours."""
    if not options.environment:
        return None
    variables = dict(os.environ)
    for name, value in options.environment.items():
        if value is None:
            variables.pop(name, None)
        else:
            variables[name] = value
    return variables


def _value_style(options: TraceOptions) -> Style:
    whole = options.abbreviated
    return Style(
        text_max=options.text_max,
        verbose=whole == "none",
        hex_strings=options.hex_strings,
        column=options.column,
        names=options.argument_names,
        xlat=Xlat(options.constants),
        raw_calls=None if options.raw == "none" else CallSet(options.raw),
        whole_calls=None if whole in {"all", "none"} else CallSet(_all_but(whole)),
        flat_calls=None if options.dereferenced == "all" else CallSet(_all_but(options.dereferenced)),
    )


def _processes(options: TraceOptions) -> ProcessNames | None:
    if not options.pid_details:
        return None
    from utrace.engines.process_names import ProcessNames  # noqa: PLC0415 — only with -Y

    return ProcessNames(names="comm" in options.pid_details, translations="pidns" in options.pid_details)


def _all_but(calls: str) -> str:
    return calls.removeprefix("!") if calls.startswith("!") else f"!{calls}"


def _dumps(options: TraceOptions) -> Callable[[CallRecord], str] | None:
    if options.reads == NO_NUMBERS and options.writes == NO_NUMBERS:
        return None
    from utrace.engines.dumps import make_dumps  # noqa: PLC0415 — only with -e read= or -e write=

    return make_dumps(options.reads.has, options.writes.has)
