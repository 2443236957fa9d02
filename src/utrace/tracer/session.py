"""The session: what a program that uses utrace makes first."""

from __future__ import annotations

import errno
import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING, Literal, Self

from utrace.core.events import Event
from utrace.errors import Misuse, ProgramNotStarted, TaskGone
from utrace.kernel.access import check_is_no_ancestor, explain_refusal
from utrace.kernel.api import Credentials, Spawn
from utrace.kernel.linux import LinuxKernel
from utrace.kernel.screens import any_of
from utrace.kernel.seccomp import installers
from utrace.syscalls.abi import ABIS
from utrace.tracehook.tracees import WhenBlocked
from utrace.tracer import processes
from utrace.tracer.engine import syscall_numbers
from utrace.tracer.loop import Loop
from utrace.tracer.side_thread import start_side_thread
from utrace.tracer.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from utrace.errors import UtraceError
    from utrace.kernel.api import Kernel
    from utrace.kernel.screens import Screen
    from utrace.tracer.ops import EngineOps
    from utrace.tracer.task import Task

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_SIGNALED = 128
_LET_GO_S = 5.0
_DEFAULT_WATCHDOG_S = 10.0


class Session:
    """Traced programs, and the engines on them.

    A session owns one private thread, the tracer thread: ptrace binds tracees to it, and every
    engine callback runs on it, one at a time.  All methods may be called from any other thread.

    As a context manager it lets go on leaving: attached programs run on as they were found;
    launched ones that still run are killed, or run on (`exit_kill=False`).
    """

    def __init__(
        self,
        *,
        kernel: Callable[[], Kernel] = LinuxKernel,
        exit_kill: bool = True,
        on_engine_fault: Literal["detach", "kill_session"] = "detach",
        watchdog_s: float | None = _DEFAULT_WATCHDOG_S,
        serial: bool = False,
        when_blocked: Literal["auto", "interrupt", "lazy"] = "auto",
        record: bool = True,
    ) -> None:
        """Make a session; its thread begins with the first program.

        Args:
            kernel: makes what to trace with; the simulation passes its own.
            exit_kill: launched programs and their children die with the session, also when the
                tracer is killed; otherwise they run on untraced.
            on_engine_fault: "detach" takes a raising engine off the task; "kill_session" ends the
                session and raises from `run`.
            watchdog_s: name, in the log, a callback that has run for this many seconds; None for
                never.
            serial: stop after each engine that wants it, and call the next when it has let go, so that
                nested virtualization is exact; otherwise engines are called in one go and the task
                stops once they all have been (DEC-1).
            when_blocked: what a stop or report asked of a task asleep in a system call does:
                "interrupt" has it made at once; "lazy" waits for the end of the call, where calls are
                traced; "auto" waits only for the few calls that an interrupt makes fail (DEC-3).
            record: record system calls natively for an engine that takes them in batches; False: have every
                stop reported, which is slower and the same.
        """
        self._exit_kill = exit_kill
        self._record = record
        self._make_kernel = kernel
        self._on_engine_fault = on_engine_fault
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None
        self._watchdog_s = watchdog_s
        self._watchdog: Watchdog | None = None
        self._first: int | None = None
        self._closed = False
        self._serial = serial
        self._when_blocked = WhenBlocked(when_blocked)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def loop(self) -> Loop:
        """The loop, begun if it had not been.

        Raises:
            TaskGone: the session is closed.
            OSError: EAGAIN: the system gives no thread to trace in.
        """
        if self._closed:
            message = "the session is closed"
            raise TaskGone(message)
        if self._loop is None:
            loop = Loop(
                self._make_kernel(),
                on_engine_fault=self._on_engine_fault,
                serial=self._serial,
                when_blocked=self._when_blocked,
                record=self._record,
            )
            self._thread = start_side_thread(partial(self._trace, loop), "utrace-tracer")
            if self._thread is None:
                raise OSError(errno.EAGAIN, "no thread to trace in")
            self._loop = loop
            if self._watchdog_s is not None:
                self._watchdog = Watchdog(self._loop, self._watchdog_s)
        return self._loop

    @staticmethod
    def _trace(loop: Loop) -> None:
        # The host's signals are for its own threads; SIGURG is the ring (kernel.linux).  SIGCHLD, sent
        # for every ptrace-stop, is dropped at once where it is ignored by default and not blocked;
        # blocked here it would wake the host's main thread at every stop.
        signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals() - {signal.SIGURG, signal.SIGCHLD})
        loop.run()

    def spawn(  # noqa: PLR0913 — each is a choice of its own, by name
        self,
        argv: Sequence[str | bytes | Path],
        engines: Iterable[EngineOps] = (),
        *,
        executable: str | bytes | Path | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: str | None = None,
        stdio: tuple[int, int, int] = (0, 1, 2),
        new_session: bool = False,
        seccomp: bool = False,
        tap: bool = False,
        heed_filters: bool = True,
    ) -> Task:
        """Launch a program under engines; the first thing they may see is its execve.

        Args:
            argv: the program, looked up in PATH, and its arguments.
            engines: attached in this order, and to all children that they follow to.
            executable: what is looked up and executed, if it is not argv[0].
            env: the environment; None for ours.
            user: run it with this user's id, group and supplementary groups; None for ours.
            cwd: the working directory; None for ours.
            stdio: descriptors of ours to be its 0, 1 and 2; -1: that is closed in it.
            new_session: run it in a session of its own, out of reach of the terminal's signals.
            seccomp: let system calls that no engine's `syscalls` names run at full speed, by a filter in
                the program and all its children (D6).  The reports are the same.  The filter cannot
                be taken away: the programs stay traced, and die with the session.  Without
                CAP_SYS_ADMIN they can gain no privileges by execve (no_new_privs).
            tap: record the calls of an engine that takes them in `batches`, and is the only one to want
                calls, without stops, where that can be (D21): x86-64, an eBPF with types in the kernel,
                CAP_BPF and CAP_PERFMON.  It brings a filter with it, as `seccomp` does.
            heed_filters: with `seccomp` or `tap`: once a program puts a filter of its own in force, let all
                its calls stop, since ours does not stop those that it answers.  False: they are not reported.

        Returns:
            The program's first task; it runs already, unless an engine stopped it.

        Raises:
            ProgramNotStarted: it was not found, or could not be executed (`status` 127 or 126).
            OSError: it could not be launched, EPERM for a `user` that we may not become.
            Misuse: an engine without a callback it needs, or there is no such user.
        """
        clients = list(engines)
        words = [os.fsencode(word) for word in argv]
        if not words:
            message = "there is no program to launch"
            raise Misuse(message)
        variables = os.environ if env is None else env
        path = find_program(
            words[0] if executable is None else os.fsencode(executable), variables.get("PATH", os.defpath)
        )
        loop = self.loop
        tapped = self._tap(clients) if tap else None
        wanted = self._filter(clients, tapped) if seccomp or tapped else None
        screens = None if wanted is None else screens_of(clients, wanted)
        heeded = installers() if wanted is not None and heed_filters else None
        if wanted and heeded is not None:
            wanted = {arch: numbers | heeded[arch] for arch, numbers in wanted.items()}
        if screens and heeded is not None:
            screens = {call: screen for call, screen in screens.items() if call[1] not in heeded[call[0]]}
        program = Spawn(
            path=path,
            argv=words,
            env=[os.fsencode(f"{name}={value}") for name, value in variables.items()],
            cwd=None if cwd is None else os.fsencode(cwd),
            stdio=stdio,
            new_session=new_session,
            credentials=None if user is None else credentials_of(user),
            filter=wanted,
            screens=screens,
            tapped=tapped,
            installers=heeded,
        )
        launched = threading.Event()
        tracee = loop.in_tracer(
            lambda: processes.spawn(loop, program, clients, exit_kill=self._exit_kill, launched=launched.set)
        )
        launched.wait()
        if loop.crash is not None:
            raise loop.crash
        error = loop.in_tracer(lambda: loop.kernel.spawn_error(tracee.handle.id.tid))
        if error:
            name = os.fsdecode(words[0])
            raise ProgramNotStarted(f"{name}: {os.strerror(error)}", _NOT_EXECUTABLE)
        if self._first is None:
            self._first = tracee.handle.id.tid
        return tracee.handle

    def _tap(self, clients: Sequence[EngineOps]) -> Mapping[int, frozenset[int]] | None:
        """Tap what an engine wants that can be; by audit arch, the calls that are tapped."""
        from utrace.tracer.taps import ARCH, tappable  # noqa: PLC0415 - few want it

        found, recording = tappable(clients), self.loop.recording
        if found is None or recording is None:
            return None
        ops, plans = found
        if not self.loop.in_tracer(lambda: recording.tap(ops, plans)):
            return None
        return {ARCH: frozenset(plans)}

    def _filter(
        self, clients: Sequence[EngineOps], tapped: Mapping[int, frozenset[int]] | None
    ) -> Mapping[int, frozenset[int]]:
        """Give the calls that some engine wants to see and that are not tapped, by audit arch; none: all.

        Raises:
            Misuse: an engine wants all of them, or the session would let the programs run on.
        """
        if not self._exit_kill:
            message = "a program with a seccomp filter cannot run on untraced: exit_kill must be true"
            raise Misuse(message)
        wanted: dict[int, frozenset[int]] = {abi.audit: frozenset() for abi in ABIS}
        for ops in clients:
            if ops.events & Event.SYSCALL:
                numbers = syscall_numbers(ops.syscalls)
                if numbers is None and tapped is not None:
                    return {}
                if numbers is None:
                    message = f"{type(ops).__name__} wants every system call: a filter would let none pass"
                    raise Misuse(message)
                for arch, some in numbers.items():
                    wanted[arch] |= some - (tapped or {}).get(arch, frozenset())
        return wanted

    def attach(self, pid: int, engines: Iterable[EngineOps] = (), *, all_threads: bool = True) -> Task:
        """Attach engines to every thread of a running process, and to those it will make.

        Args:
            pid: of the process, or of any thread of it.
            engines: attached in this order.
            all_threads: False for the one thread whose id is `pid`.

        Returns:
            The task with this tid.

        Raises:
            TaskGone: no such process, or it ended meanwhile.
            NotPermitted: refused; the message names what stands in the way and the cure: the pid
                and program that trace it already, Yama's setting, a missing capability, a process
                that made itself undumpable, a kernel thread, an ancestor of ours.
        """
        check_is_no_ancestor(pid)
        loop = self.loop
        clients = list(engines)
        tracee = loop.in_tracer(
            lambda: processes.seize(loop, pid, clients, explain=explain_refusal, all_threads=all_threads)
        )
        return tracee.handle

    def run(self, timeout_s: float | None = None) -> int:
        """Wait until everything attached has ended or been let go, and everything launched has ended.

        Ctrl-C raises KeyboardInterrupt here, in the main thread; leaving the session's context then
        lets go of everything.

        Returns:
            The exit status of the first program launched, 128 plus the signal's number if one
            killed it; 0 if none was launched.

        Raises:
            TimeoutError: `timeout_s` passed; everything goes on.
            EngineFault: a callback raised and `on_engine_fault` is "kill_session".
        """
        loop = self.loop
        if not loop.quiet.wait(timeout_s):
            message = f"the programs traced have not ended in {timeout_s} s"
            raise TimeoutError(message)
        if loop.crash is not None:
            raise loop.crash
        if loop.abandon and loop.faults:
            raise loop.faults[0]
        status = self.wait_status
        if status is None:
            return 0
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else _SIGNALED + os.WTERMSIG(status)

    @property
    def calls_lost(self) -> int:
        """How many entries and ends of tapped calls were lost, more threads writing at once than had room."""
        recording = None if self._loop is None else self._loop.recording
        return 0 if recording is None else recording.calls_lost

    @property
    def wait_status(self) -> int | None:
        """The wait status of the first program launched; None before it ended, or without one."""
        if self._first is None or self._loop is None:
            return None
        return self._loop.roots.get(self._first)

    @property
    def faults(self) -> list[UtraceError]:
        """What callbacks raised so far; each has the exception as its cause."""
        return [] if self._loop is None else list(self._loop.faults)

    @property
    def tasks(self) -> list[Task]:
        """Every task traced now."""
        if self._loop is None:
            return []
        self._loop.catch_up()
        with self._loop.entered():
            return [tracee.handle for tracee in self._loop.tracees.everyone() if not tracee.task.is_dead()]

    def close(self) -> None:
        """Let go of everything and end the tracer thread.

        Attached programs run on as they were found.  What does not come to a stop in some seconds
        (a thread in uninterruptible sleep) is let go by the end of the thread.  May be called again.
        """
        if self._closed:
            return
        loop, thread = self._loop, self._thread
        self._closed = True
        if loop is None or thread is None:
            return
        if self._watchdog is not None:
            self._watchdog.stop()
        if thread.is_alive():
            processes.let_go(loop, kill=self._exit_kill)
            loop.stop()
            thread.join(_LET_GO_S)
            if thread.is_alive():
                loop.abandon_all()
                thread.join(_LET_GO_S)


def screens_of(
    clients: Sequence[EngineOps], wanted: Mapping[int, frozenset[int]]
) -> Mapping[tuple[int, int], Screen] | None:
    """Give what registers of wanted calls must pass for some engine to want them; None: nothing."""
    asking = [(ops, syscall_numbers(ops.syscalls)) for ops in clients if ops.events & Event.SYSCALL]
    if not any(ops.screen for ops, _ in asking):
        return None
    screens: dict[tuple[int, int], Screen] = {}
    for arch, numbers in wanted.items():
        for nr in numbers:
            whose = [ops for ops, some in asking if some is None or nr in some[arch]]
            screen = any_of([ops.screen(arch, nr) if ops.screen else () for ops in whose])
            if screen:
                screens[arch, nr] = screen
    return screens


def credentials_of(user: str) -> Credentials:
    """Look up what a user's programs run as.

    Raises:
        Misuse: there is no such user.
    """
    import pwd  # noqa: PLC0415 — rarely wanted

    try:
        entry = pwd.getpwnam(user)
    except KeyError as error:
        message = f"there is no user {user!r}"
        raise Misuse(message) from error
    return Credentials(entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(user, entry.pw_gid)))


def find_program(name: bytes, path: str) -> bytes:
    """Resolve a program as a shell would.

    Raises:
        ProgramNotStarted: not found (127), or found but not executable (126).
    """
    shown = os.fsdecode(name)
    is_path = "/" in shown
    places = [shown] if is_path else [os.path.join(folder, shown) for folder in path.split(os.pathsep)]
    found = [place for place in places if os.path.isfile(place) or (is_path and os.path.exists(place))]
    for place in found:
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return os.fsencode(place)
    if found:
        raise ProgramNotStarted(f"{shown}: {os.strerror(errno.EACCES)}", _NOT_EXECUTABLE)
    if not is_path:
        raise ProgramNotStarted(f"{shown}: command not found", _NOT_FOUND)
    try:
        os.stat(shown)
    except OSError as error:
        status = _NOT_FOUND if error.errno == errno.ENOENT else _NOT_EXECUTABLE
        raise ProgramNotStarted(f"{shown}: {error.strerror}", status) from error
    # It has come into being just now.
    return name
