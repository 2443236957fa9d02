"""The recording tier, as the loop uses it: what begins and ends it, and where its batches go (D6).

Rules of this file:

1. Batches are handed over before any fact is worked on: nothing overtakes anything.  A fact that only
   tells which call to learn of is none any more when that is learnt.
2. What somebody asks of a recorded task first ends its recording; a thread other than the tracer's does
   that itself, so that from the end of its call on every stop goes the ordinary way.
3. What was recorded is handed over soon, also when nothing else happens: a thread of its own rings.
4. What was passed on of tasks' lives is learnt where it stands among the calls; children are recorded
   before they are known here.

Reference: docs/design/recording.md.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from utrace.core.task_life import Need
from utrace.errors import EngineFault
from utrace.kernel.api import LEAN, FactKind, Passed
from utrace.kernel.recorded import Batch, Program
from utrace.kernel.seccomp import INSTALLERS
from utrace.tracehook.recording import catch_up, may_be_lean, may_record, passes
from utrace.tracehook.tracee import CONT_REQUEST, SYSCALL_REQUEST
from utrace.tracer.batches import CallBatch
from utrace.tracer.engine import Engine
from utrace.tracer.log import log
from utrace.tracer.side_thread import start_side_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from utrace.kernel.api import Fact
    from utrace.kernel.recorder import Recorder
    from utrace.kernel.tap_program import Plan
    from utrace.tracehook.tracee import Process
    from utrace.tracer.loop import LiveTracee, Loop
    from utrace.tracer.ops import EngineOps
    from utrace.tracer.task import Task

_ENTRIES: Final = frozenset({int(FactKind.SYSCALL_ENTRY), int(FactKind.SECCOMP)})
_EXEC: Final = int(FactKind.EXEC)
_DEATH: Final = int(FactKind.DEATH)
_LATE: Final = int(FactKind.LATE)
_BIRTHS: Final = frozenset({int(FactKind.FORK), int(FactKind.VFORK), int(FactKind.CLONE)})
_UNTAUGHT: Final = int(FactKind.UNTAUGHT)
_RUNS: Final = frozenset({CONT_REQUEST, SYSCALL_REQUEST})
_SOON_S: Final = 0.05


class Recording:
    """What one loop has recorded.

    Attributes:
        is_on: something is being recorded, or waits to be handed over.
    """

    def __init__(self, loop: Loop, recorder: Recorder) -> None:
        self._loop = loop
        self._recorder = recorder
        self._sinks: dict[EngineOps, int] = {}
        self._clients: list[EngineOps] = []
        self._taught: dict[tuple[int, int, int], bool] = {}
        self._closing = threading.Event()
        self._ticker: threading.Thread | None = None
        self._is_learning = False
        self._tapper: EngineOps | None = None
        self.is_on = False

    def tap(self, client: EngineOps, plans: Mapping[int, Plan]) -> bool:
        """Record an engine's calls without stops, where a filter lets them go; whether that can be."""
        if self._tapper is None and client.batches is not None:
            self.is_on = True
            self._start_ticking()
            if self._recorder.tap(self._sink_of(client), plans):
                self._tapper = client
        return self._tapper is client

    @property
    def is_tapping(self) -> bool:
        """Whether calls are recorded without stops."""
        return self._tapper is not None

    @property
    def calls_lost(self) -> int:
        """How many entries and ends of calls the tap has lost."""
        return self._recorder.tap_lost() if self.is_tapping else 0

    def begin(self, tracee: LiveTracee) -> None:
        """Record a tracee that is about to be resumed from its next stop on, if that may be."""
        engine = tracee.task.batcher
        if self._tapper is not None and tracee.request in _RUNS and not tracee.in_syscall:
            self._tap_as_it_runs(tracee)
        if not isinstance(engine, Engine) or not may_record(tracee) or tracee.tid in self._loop.launching:
            return
        if engine.client.batches is None:
            return
        self._start_ticking()
        tracee.task.recorded = True
        self.is_on = True
        sink, group = self._sink_of(engine.client), tracee.process.tgid
        passed = passes(tracee)
        tracee.lean = may_be_lean(tracee, passed)
        request = tracee.request | (LEAN if tracee.lean else 0)
        self._recorder.start_recording(tracee.tid, sink, request, group, passed)

    def _tap_as_it_runs(self, tracee: LiveTracee) -> None:
        """Tap a tracee as long as it runs by CONT for the engine that taps."""
        engine = tracee.task.batcher
        is_told = isinstance(engine, Engine) and engine.client is self._tapper
        wanted = tracee.tapped is not None and is_told and tracee.request == CONT_REQUEST
        if wanted is tracee.is_tapped:
            return
        if not wanted:
            self._recorder.leave_tap(tracee.tid)
        elif not self._recorder.join_tap(tracee.tid):
            tracee.stop_at_all()
            return
        tracee.is_tapped = wanted

    def _sink_of(self, client: EngineOps) -> int:
        sink = self._sinks.get(client)
        if sink is None:
            if client.batches is None:
                message = f"{type(client).__name__} takes no batches"
                raise AssertionError(message)
            memory, cpu_times = client.batches
            sink = self._sinks[client] = self._recorder.add_sink(memory.text, memory.items, cpu_times)
            self._clients.append(client)
        return sink

    def _start_ticking(self) -> None:
        if self._ticker is None:
            self._ticker = start_side_thread(self._tick, "utrace-recorder")

    def end(self, tracee: LiveTracee) -> None:
        """Record a tracee no longer; its next stop goes the ordinary way."""
        tracee.task.recorded = False
        catch_up(tracee, self._recorder.stop_recording(tracee.tid))
        if tracee.is_tapped and tracee.task.batcher is None:
            # Whoever has left is told no more.
            self._recorder.leave_tap(tracee.tid)
            tracee.is_tapped = False

    def end_asked(self) -> None:
        """End the recording of all tasks of which something is asked."""
        if self.is_on:
            for task, _, _ in self._loop.tracees.needs:
                tracee = self._loop.tracees.of_task(task) if task.recorded else None
                if tracee is not None:
                    self.end(tracee)

    @contextmanager
    def all_told(self) -> Iterator[None]:
        """Let nothing have happened that is not known, while a thread changes what is wanted.

        If a callback keeps the tracer thread busy with what was passed on, that thread waits for it no longer
        than a second: then an engine that leaves a task leaves children, too, that it was not told of.
        """
        if not self.is_on or self._loop.is_mine():
            yield
            return
        is_behind = self._recorder.hold_lives()
        try:
            if is_behind or self._is_learning:
                self._loop.catch_up()
            yield
        finally:
            self._recorder.release_lives()

    def before_a_carrier(self, process: Process) -> None:
        """Record the threads of a process no longer: their signals are to be told."""
        for tid in process.tracees:
            tracee = self._loop.tracees.by_tid.get(tid)
            if tracee is not None and tracee.task.recorded:
                self.end(tracee)

    def note(self, fact: Fact) -> bool:
        """Hand over what was recorded, and learn what is known of the tracee that a fact is about.

        A thread that calls execve has another tid in the fact than until now.

        Returns:
            Whether the fact is no more: it was of the first call of its number, and is recorded now.
        """
        kind = fact[1]
        if kind == _UNTAUGHT:
            if self._tapper is not None:
                self._teach(self._tapper, fact, wanted=True)
            return True
        is_entry = kind in _ENTRIES
        by_tid = self._loop.tracees.by_tid
        if fact[0] not in by_tid:
            # Its birth may wait to be learnt.
            self.hand_over()
        tracee = by_tid.get(fact[0])
        if tracee is not None and tracee.task.recorded and is_entry and self._is_learnt(tracee, fact):
            return True
        self.hand_over()
        others = kind == _EXEC and fact[2] != fact[0]
        former = by_tid.get(fact[2]) if others else None
        if former is not None:
            # The tap knows it by the tid that it had.
            former.is_tapped = False
            if former.task.recorded:
                self.end(former)
        if tracee is not None and tracee.task.recorded:
            if former is not None or kind == _DEATH:
                self.end(tracee)
            elif not is_entry:
                catch_up(tracee, self._recorder.recorded_call(tracee.tid))
        return False

    def _is_learnt(self, tracee: LiveTracee, fact: Fact) -> bool:
        """Teach what is done with the calls of a number at the first of them, and have that done with it."""
        engine, detail = tracee.task.batcher, fact[3]
        if not isinstance(engine, Engine) or not isinstance(detail, tuple):
            return False
        wanted = engine.syscalls is None or fact[2] in engine.syscalls.get(detail[0], ())
        return self._teach(engine.client, fact, wanted=wanted) and self._recorder.take_again(tracee.tid)

    def _teach(self, client: EngineOps, fact: Fact, *, wanted: bool) -> bool:
        """Say what is done with calls of a number; true: that is news."""
        detail = fact[3]
        if not isinstance(detail, tuple) or client.batches is None:
            return False
        arch, nr = detail[0], fact[2]
        if nr in INSTALLERS.get(arch, ()) and self._heeds_filters(fact[0]):
            # What it does to the filter that all this rests on is the tracee's own affair.
            return False
        sink = self._sinks[client]
        if self._taught.get((sink, arch, nr)) is wanted:
            return False
        self._taught[sink, arch, nr] = wanted
        # The signatures of all calls: only for those who record.
        from utrace.syscalls.shapes import program_of  # noqa: PLC0415

        spec = program_of(arch, nr, client.batches.memory) if wanted else None
        program = None if spec is None else Program(*spec)
        asked = (client.screen, client.ending)
        screen, ending = (() if one is None else one(arch, nr) for one in asked)
        self._recorder.teach(sink, arch, nr, program, wanted, (screen, ending))
        return True

    def _heeds_filters(self, tid: int) -> bool:
        tracee = self._loop.tracees.by_tid.get(tid)
        return tracee is not None and tracee.installers is not None

    def hand_over(self) -> None:
        """Give engines what was recorded for them; one that raises loses it, and nobody else anything."""
        if not self._recorder.has_records():
            return
        self._is_learning = True
        for sink, piece, time_ns in self._recorder.take_records():
            if isinstance(piece, Batch):
                self._report(self._clients[sink], piece)
            else:
                self._learn(self._clients[sink], piece, time_ns)
        self._is_learning = False

    def _report(self, client: EngineOps, batch: Batch) -> None:
        self._loop.leave()
        try:
            client.report_calls(CallBatch(batch, self._handle_of))
        except BaseException as error:  # noqa: BLE001 — D11, as in callbacks
            self._loop.note_fault(_fault(client, error), vital=client.vital)
        finally:
            self._loop.enter()

    def _learn(self, client: EngineOps, fact: Fact, time_ns: int) -> None:
        """Learn of what was passed on; a child is recorded already, for the same client as its parent."""
        tid, kind, value, detail = fact
        by_tid = self._loop.tracees.by_tid
        if kind == _DEATH and tid in self._loop.roots:
            self._loop.roots[tid] = value
        tracee = by_tid.get(tid)
        if tracee is not None:
            self._loop.feed(tracee, (tid, _LATE, value, Passed(kind, detail, time_ns)))
        child = by_tid.get(value) if kind in _BIRTHS else None
        if child is None:
            return
        engine = child.task.batcher
        is_wanted = isinstance(engine, Engine) and engine.client is client and may_record(child)
        child.task.recorded = True
        child.is_tapped = tracee is not None and tracee.is_tapped
        if tracee is not None and child.process is tracee.process:
            tracee.lean = False
        child.lean = tracee is not None and tracee.lean
        if not is_wanted:
            # What is wanted of its parent has changed meanwhile.
            child.task.need(Need.ATTENTION)

    def _handle_of(self, tid: int) -> Task:
        return self._loop.tracees.by_tid[tid].handle

    def _tick(self) -> None:
        while not self._closing.wait(_SOON_S):
            if self._recorder.has_records():
                self._loop.ring()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        if self._ticker is not None:
            self._ticker.join()


def _fault(client: EngineOps, error: BaseException) -> EngineFault:
    who = f"{type(client).__name__}.report_calls"
    log().error("engine fault: %s raised %s: %s", who, type(error).__name__, error, exc_info=error)
    fault = EngineFault(f"{who} raised {type(error).__name__}: {error}")
    fault.__cause__ = error
    return fault
