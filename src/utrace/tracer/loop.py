"""The loop: facts in, requests out, callbacks between.

Rules of this file:

1. One thread, the tracer thread, moves tasks and runs callbacks.  Others only change records, under
   `entered()`, and ring.
2. The lock is held except while waiting for the kernel and while a callback runs.
3. A thread that waits for the lock is let in before the next stop is worked on: the turnstile.

Reference: the spec's section 7.5; D3, D14.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final, TypeVar

from utrace.core import control as core_control
from utrace.core.attach import attach_task, find_engine
from utrace.core.events import EXIT
from utrace.core.reporting import Pause, Wake
from utrace.core.task_life import Need
from utrace.core.verdicts import ResumeAction
from utrace.errors import Misuse, TaskGone, UtraceError
from utrace.kernel.api import LEAN, PEEK_FIRST, Fact, FactKind
from utrace.tracehook.signal_decision import send, send_to_process
from utrace.tracehook.tracee import Tracee
from utrace.tracehook.tracee_life import live
from utrace.tracehook.tracees import Tracees, WhenBlocked
from utrace.tracer.callbacks import CALLBACKS, check_answer, fault
from utrace.tracer.engine import Engine, follows, matcher, require_callbacks, syscall_numbers
from utrace.tracer.log import log
from utrace.tracer.mailbox import Job
from utrace.tracer.memory import Memory
from utrace.tracer.ops import EngineOps
from utrace.tracer.recording import Recording
from utrace.tracer.task import Task
from utrace.tracer.turnstile import Turnstile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from utrace.core.reporting import Reply
    from utrace.core.task_life import TracedTask
    from utrace.kernel.api import Kernel
    from utrace.tracehook.tracee import Process

R = TypeVar("R")

_EXEC: Final = int(FactKind.EXEC)
_BELL: Final = int(FactKind.BELL)
_NO_TRACEES: Final = int(FactKind.NO_TRACEES)
_IN_CALL: Final = int(FactKind.IN_CALL)
_OVER: Final[Fact] = (0, _BELL, 0, None)
"""What is left of a fact that nobody need be told of."""
_LATE: Final = int(FactKind.LATE)
_BIRTHS: Final = frozenset({int(FactKind.FORK), int(FactKind.VFORK)})
_PATIENCE_S: Final = 1.0
_RUN: Final = Pause.RUN
_DEATH: Final = int(FactKind.DEATH)


class LiveTracee(Tracee):
    """A tracee with the handle its callbacks are given."""

    __slots__ = ("handle",)

    handle: Task


class Loop:
    """What one tracer thread does.

    Attributes:
        moving: the tracee being moved; a watchdog looks at it now and then.
        quiet: set while nothing is traced and nothing awaited.
        abandon: end at once, leaving what is traced to the kernel: it goes on, or dies by EXITKILL.
        crash: what ended the loop, if it was a bug of ours.
        faults: exceptions of callbacks, oldest first.
    """

    def __init__(
        self,
        kernel: Kernel,
        *,
        on_engine_fault: str,
        serial: bool = False,
        when_blocked: WhenBlocked = WhenBlocked.AUTO,
        record: bool = True,
    ) -> None:
        self.kernel = kernel
        self.tracees: Tracees[LiveTracee] = Tracees(
            kernel, self._make, follows, serial=serial, blocked=when_blocked
        )
        self.moving: LiveTracee | None = None
        self.quiet = threading.Event()
        self.crash: BaseException | None = None
        self.faults: list[UtraceError] = []
        self._kill_on_fault = on_engine_fault == "kill_session"
        self._lock = threading.Lock()
        self._turnstile = Turnstile(self._lock)
        self._changed = threading.Condition(self._lock)
        self._watchers = 0
        self._jobs: deque[Job] = deque()
        self._wanted = threading.Event()
        self._thread = 0
        self._stopping = False
        self.abandon = False
        self.roots: dict[int, int | None] = {}
        """Launched programs by pid: the wait status, None until it ends."""
        self.launching: dict[int, Callable[[], None]] = {}
        self.when_settled: list[Callable[[], None]] = []
        """Called, once, when everybody runs that is to run after what has been asked for."""
        self.taken_over: Callable[[LiveTracee, Fact], None] | None = None
        """Called with what `Kernel.serve` has done: IN_CALL and WAITED."""
        self.plainness: Callable[[LiveTracee], int] | None = None
        """Tells of a tracee about to be resumed how plainly it runs on (`kernel.api.PLAIN`, `LEAN`)."""
        recorder = kernel.recorder if record else None
        self.recording = None if recorder is None else Recording(self, recorder)

    # -- the lock ---------------------------------------------------------------------------------

    def enter(self) -> None:
        """Take the lock, in the tracer thread; whoever waits for it goes first."""
        if self._turnstile.is_taken:
            self._turnstile.acquire_lock()
        else:
            self._lock.acquire()

    def leave(self) -> None:
        """Give the lock up, in the tracer thread, as long as a client's code runs."""
        self._lock.release()

    def is_mine(self) -> bool:
        """Tell whether the caller is the tracer thread: a callback, or the loop itself."""
        return threading.get_ident() == self._thread

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Hold the lock, in any thread, outside of the loop; what was asked for then gets done."""
        with nullcontext() if self.recording is None else self.recording.all_told():
            self._turnstile.acquire_lock()
            try:
                yield
            finally:
                asked = bool(self.tracees.needs)
                lean = asked and self.tracees.any_runs_lean()
                if asked and self.recording is not None:
                    self.recording.end_asked()
                self._lock.release()
                if asked and not self.is_mine():
                    self.ring()
                    if lean:
                        # What happens from here on is to be told.
                        self.catch_up()

    def wait_for(self, happened: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait, the lock being held, until something that a callback or a stop changes has happened."""
        self._watchers += 1
        try:
            return self._changed.wait_for(happened, timeout_s)
        finally:
            self._watchers -= 1

    def ring(self) -> None:
        """Make the tracer thread look at what was asked for."""
        self._wanted.set()
        self.kernel.ring()

    def in_tracer(self, what: Callable[[], R]) -> R:
        """Do something that only the tracer thread may do, and wait for it.

        Raises:
            TaskGone: the session is closed.
        """
        if self.is_mine():
            return what()
        job = Job(what)
        self._turnstile.acquire_lock()
        stopped = self._stopping
        if not stopped:
            self._jobs.append(job)
        self._lock.release()
        if stopped:
            message = "the session is closed"
            raise TaskGone(message)
        self.ring()
        job.done.wait()
        if job.error is not None:
            raise job.error
        result: R = job.result  # type: ignore[assignment]  # `what` made it
        return result

    def catch_up(self, *, for_good: bool = False) -> None:
        """Learn of all tasks that run on plainly or are recorded; `for_good`: all is told at once then.

        In a callback all is known.  Another thread waits for one no longer than a second.
        """
        recorded = self.recording is not None and self.recording.is_on
        if self._stopping or self.is_mine() or not (recorded or self.plainness is not None):
            return
        job = Job(self._end_passing if for_good else lambda: None)
        self._turnstile.acquire_lock()
        self._jobs.append(job)
        self._lock.release()
        self.ring()
        job.done.wait(_PATIENCE_S)

    def _end_passing(self) -> None:
        self.plainness = None
        self.kernel.pass_on_no_more()

    # -- the loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Be the tracer thread until `stop`."""
        self._thread = threading.get_ident()
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001 — shown to whoever waits for the session
            self.crash = error
            log().critical("the tracer thread ended: %s", error, exc_info=error)
        finally:
            self._end()

    def _run(self) -> None:  # noqa: C901, PLR0912, PLR0915 — D14: written out
        next_fact = self.kernel.next_fact
        by_tid = self.tracees.by_tid
        needs = self.tracees.needs
        ready = self.tracees.ready
        jobs = self._jobs
        lock_acquire = self._lock.acquire
        lock_release = self._lock.release
        turnstile = self._turnstile
        recording = self.recording
        tid = request = signo = 0
        # Python 3.11 specializes what it runs in a loop only if the loop jumps back unconditionally.
        while True:
            if self.abandon:
                return
            fact = next_fact(tid, request, signo)
            tid = 0
            if turnstile.is_taken:
                self.enter()
            else:
                lock_acquire()
            if recording is not None and recording.is_on and recording.note(fact):
                fact = _OVER
            tracee = by_tid.get(fact[0])
            if tracee is not None and fact[1] < _EXEC and not tracee.task.held:
                if self.feed(tracee, fact):
                    if recording is not None and (tracee.task.batcher is not None or tracee.is_tapped):
                        recording.begin(tracee)
                    tid, request, signo = tracee.tid, tracee.request, tracee.signo
                    if tracee.task.mask & EXIT:
                        # A kill during a callback must not cost the engines the live exit stop.
                        request |= PEEK_FIRST
                    if self.plainness is not None:
                        request |= self._plainness_of(tracee)
            elif fact[1] == _LATE:
                self._learn(fact)
                lock_release()
                # What is asked for has to wait until all that is late is known.
                continue
            elif fact[1] == _NO_TRACEES:
                if not (needs or jobs or ready):
                    if self._stopping:
                        lock_release()
                        return
                    self._idle()
            elif fact[1] >= _IN_CALL:
                if tracee is not None and self.taken_over is not None:
                    self.taken_over(tracee, fact)
            elif fact[1] != _BELL:
                self._take(fact)
            if needs or jobs or ready:
                if tid:
                    if needs and tracee is not None:
                        for asked in self.tracees.take_interrupts(but=tracee.task):
                            self._meet(*asked)
                    # What is about to be done may concern this very task.
                    self.kernel.resume(tid, request, signo)
                    tid = 0
                self.settle()
                while self.when_settled:
                    self.when_settled.pop()()
            if self._watchers:
                self._changed.notify_all()
            if self._stopping and self.tracees.is_empty():
                # A launched program that was let go is still a child to wait for, but not ours to await.
                lock_release()
                return
            lock_release()

    def _end(self) -> None:
        if self.recording is not None and self.crash is None:
            with self.entered():
                self.recording.hand_over()
        if self._lock.locked() and self.crash is not None:
            self._lock.release()
        with self.entered():
            self._stopping = True
            for job in self._jobs:
                job.error = TaskGone("the session is closed")
                job.done.set()
            self._jobs.clear()
            for launched in self.launching.values():
                launched()
            self._changed.notify_all()
        if self.recording is not None:
            self.recording.close()
        self.kernel.close()
        self.quiet.set()

    def stop(self) -> None:
        """Let the loop end as soon as nothing is traced."""
        with self.entered():
            self._stopping = True
        self.ring()

    def abandon_all(self) -> None:
        """Let the loop end at once."""
        self.abandon = True
        self.ring()

    def _idle(self) -> None:
        """Wait for somebody to want something: there is nothing to trace."""
        self.quiet.set()
        self._changed.notify_all()
        self._lock.release()
        self._wanted.wait()
        self._wanted.clear()
        self.enter()

    def feed(self, tracee: LiveTracee, reply: Fact | Reply) -> bool:
        """Move one tracee as far as it goes, calling engines; true: it is to be resumed.

        This is the one place that catches whatever a client raises (D11).
        """
        send = tracee.send
        task = tracee.task
        lock, turnstile = self._lock, self._turnstile
        self.moving = tracee
        try:
            effect = send(reply)
            while isinstance(effect, Engine):
                lock.release()
                try:
                    answer = CALLBACKS[task.callback](effect, tracee)
                    if answer is not None:
                        check_answer(answer)
                except BaseException as error:  # noqa: BLE001 — D11: a client's affair, whatever it is
                    answer = fault(effect, tracee, error)
                if turnstile.is_taken:
                    self.enter()
                else:
                    lock.acquire()
                if self._watchers:
                    self._changed.notify_all()
                effect = send(answer)
        except StopIteration:
            return False
        finally:
            self.moving = None
        return effect is _RUN

    def _take(self, fact: Fact) -> None:
        """Work on a fact that is rare, or about a tracee in no ordinary state."""
        tid, kind, value, _ = fact
        if kind == _DEATH and tid in self.roots:
            self.roots[tid] = value
        launched = self.launching.pop(tid, None) if kind >= _EXEC else None
        for tracee, its_fact in self.tracees.route(fact):
            # A thread that calls execve has its leader's tid from here on; its own is gone.
            tracee.handle.memory.tid = tracee.tid
            self._feed_fact(tracee, its_fact)
        if launched is not None:
            launched()

    def _learn(self, fact: Fact) -> None:
        """Work on a fact late: the task runs already."""
        for tracee, told in self.tracees.route((fact[0], fact[3], fact[2], None)):  # type: ignore[arg-type] # a kind
            self.feed(tracee, told)
            child = self.tracees.by_tid.get(told[2]) if told[1] in _BIRTHS else None
            if child is not None:
                child.lean = tracee.lean

    def _resume(self, tracee: LiveTracee) -> None:
        request = tracee.request | PEEK_FIRST
        if self.plainness is not None:
            request |= self._plainness_of(tracee)
        self.kernel.resume(tracee.tid, request, tracee.signo)

    def _plainness_of(self, tracee: LiveTracee) -> int:
        plainness = 0 if self.plainness is None else self.plainness(tracee)
        tracee.lean = bool(plainness & LEAN)
        return plainness

    def _feed_fact(self, tracee: LiveTracee, fact: Fact) -> None:
        if tracee.task.held:
            tracee.superseded = fact
            resume = self.feed(tracee, Wake.KILLED)
        else:
            resume = self.feed(tracee, fact)
        if resume:
            if self.recording is not None:
                self.recording.begin(tracee)
            self._resume(tracee)

    def settle(self) -> None:
        """Do what tasks, children's births and other threads ask for, until nobody asks."""
        tracees = self.tracees
        while True:
            if tracees.ready:
                tracee, fact = tracees.ready.pop(0)
                if not tracee.over:
                    self._feed_fact(tracee, fact)
            elif tracees.needs:
                task, need, engine = tracees.needs.pop(0)
                self._meet(task, need, engine)
            elif self._jobs:
                self._work(self._jobs.popleft())
            else:
                return

    def _meet(self, task: TracedTask, need: Need, engine: object) -> None:
        if need is Need.RELEASE:
            if isinstance(engine, Engine):
                self._release(engine)
            return
        tracee = self.tracees.of_task(task)
        if tracee is None:
            return
        if task.recorded and self.recording is not None:
            self.recording.end(tracee)
        if need is Need.ORDINARY:
            return
        if need is Need.WAKE:
            if (
                task.held
                and not task.is_wanted_stopped()
                # If a kill has moved it on, its own fact ends the stop (spec 7.3).
                and not self.kernel.pending_fact(tracee.tid)
                and self.feed(tracee, Wake.LET_RUN)
            ):
                self._resume(tracee)
        else:
            self.tracees.attend(tracee, break_in=need is Need.INTERRUPT)

    def _release(self, engine: Engine) -> None:
        self._lock.release()
        try:
            engine.client.release(engine)
        except Exception as error:  # noqa: BLE001 — D11, as in callbacks
            log().exception("engine fault: %s.release raised", type(engine.client).__name__)
            self.faults.append(UtraceError(str(error)))
        finally:
            self.enter()

    def _work(self, job: Job) -> None:
        self._lock.release()
        try:
            job.result = job.what()
        except Exception as error:  # noqa: BLE001 — it is raised in the thread that asked
            job.error = error
        finally:
            self.enter()
        job.done.set()

    def look_for_a_kill(self, task: TracedTask) -> None:
        """Let a kill that the wait has not told of yet break the stop now (INV-23)."""
        with self.entered():
            tracee = self.tracees.of_task(task)
            if tracee is not None and task.held and self.kernel.pending_fact(tracee.tid):
                task.stops += 1

    def send_signal(self, tracee: LiveTracee, siginfo: bytes) -> None:
        """Send a traced thread a signal with any siginfo at all, as only the kernel may."""
        with self.entered():
            if self.recording is not None:
                self.recording.before_a_carrier(tracee.process)
            send(tracee, siginfo)

    def send_to_process(self, tracee: LiveTracee, siginfo: bytes) -> None:
        """Send a traced process such a signal; this thread has it before others that do not block it."""
        with self.entered():
            if self.recording is not None:
                self.recording.before_a_carrier(tracee.process)
            send_to_process(tracee, siginfo)

    def note_fault(self, fault: UtraceError, *, vital: bool) -> None:
        """Keep an engine's fault, and end the session for it if that is the policy."""
        self.faults.append(fault)
        if vital or self._kill_on_fault:
            self.abandon = True

    # -- tasks ------------------------------------------------------------------------------------

    def _make(
        self,
        kernel: Kernel,
        kin: Tracees[LiveTracee],
        task: TracedTask,
        process: Process,
        own_child: bool,  # noqa: FBT001 — the signature `Tracees` calls
    ) -> LiveTracee:
        tracee = LiveTracee(kernel, kin, task, process, own_child=own_child)
        tracee.handle = Task(self, tracee, Memory(kernel, tracee.tid))
        tracee.begin(live(tracee, launched=tracee.tid in self.launching))
        return tracee

    def task_of(self, task: TracedTask) -> Task:
        """Give the handle of a task.

        Raises:
            TaskGone: it is no longer traced.
        """
        tracee = self.tracees.of_task(task)
        if tracee is None:
            message = f"task {task.id} is no longer traced"
            raise TaskGone(message)
        return tracee.handle

    def group_of(self, tracee: LiveTracee) -> list[Task]:
        """List the handles of the traced threads of a process."""
        return [
            self.tracees.by_tid[tid].handle for tid in tracee.process.tracees if tid in self.tracees.by_tid
        ]

    def engines_on(self, tracee: LiveTracee) -> list[Engine]:
        """List the engines on a task, in attach order."""
        return [engine for engine in tracee.task.engines if isinstance(engine, Engine)]

    def find_engine(self, tracee: LiveTracee, ops: EngineOps) -> Engine:
        """Find the engine of `ops` on a task."""
        found = find_engine(tracee.task, lambda engine: engine.ops is ops)
        if not isinstance(found, Engine):
            message = "an engine of the core's own"
            raise Misuse(message)
        return found

    def attach(
        self,
        tracee: LiveTracee,
        ops: EngineOps,
        *,
        exclusive: bool | Callable[[EngineOps], bool] = False,
        stopped: bool = False,
    ) -> Engine:
        """Attach an engine to a task that is traced (see `Task.attach`)."""
        engine = self.new_engine(tracee, ops)
        with self.entered():
            self.put(engine, tracee, exclusive=exclusive, stopped=stopped)
        return engine

    def new_engine(self, tracee: LiveTracee, ops: EngineOps) -> Engine:
        """Make an engine for a task, not yet attached.

        Raises:
            Misuse: no callback for an event asked for, or an unknown system call.
        """
        require_callbacks(ops, int(ops.events))
        engine = Engine(
            tracee.task,
            ops,
            syscalls=syscall_numbers(ops.syscalls),
            signal_callback=type(ops).report_signal is not EngineOps.report_signal,
        )
        engine.loop = self
        return engine

    def put(
        self,
        engine: Engine,
        tracee: LiveTracee,
        *,
        exclusive: bool | Callable[[EngineOps], bool] = False,
        stopped: bool = False,
    ) -> None:
        """Attach an engine and let it ask for its events; the lock is held."""
        if tracee.over:
            message = f"task {tracee.tid} is no longer traced"
            raise TaskGone(message)
        attach_task(engine, exclusive=matcher(exclusive))
        core_control.set_events(engine, int(engine.client.events), from_callback=self.is_mine())
        self.tracees.end_leanness(engine.task)
        if stopped:
            core_control.control(engine, ResumeAction.STOP)
