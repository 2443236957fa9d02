"""One traced task: its record, and its life from first attach to reap.

Rules of this file:

1. Every change of `TracedTask.life` goes through `TASK_LIFE`.
2. `pending` is the sticky resume action: never STOP, never DETACH.
3. `engines` is a tuple, replaced and never changed in place: a pass walks the one it began with,
   which is what makes an engine attached during a pass wait for the next (INV-3).

Reference: kernel/utrace.c:struct utrace, utrace_reset(), utrace_report_death() (API 20091216).
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from utrace.core.events import NO_EVENT, QUIESCE, SYSCALL
from utrace.core.tables import Go, Never
from utrace.core.verdicts import ResumeAction, SignalAction, SyscallAction, strictest
from utrace.errors import InvariantViolation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.core.engine_life import Engine, EngineInput


class TaskId(NamedTuple):
    """Who a task is.  Tids are recycled; the generation is not (D13)."""

    tid: int
    generation: int

    def __str__(self) -> str:
        return str(self.tid)


class TaskLife(enum.Enum):
    """How far a task has come."""

    ALIVE = enum.auto()
    EXITING = enum.auto()
    """EXIT has been reported, or never will be; user mode is behind it."""
    DEATH = enum.auto()
    """The death report is in progress."""
    DEAD = enum.auto()
    """The death report is over."""
    REAPED = enum.auto()
    """Gone, and every engine forced off.  Final."""


class TaskInput(enum.Enum):
    """What can happen to a task's life."""

    EXIT_REPORT = enum.auto()
    DEATH_REPORT = enum.auto()
    DEATH_REPORTED = enum.auto()
    REAP_REPORT = enum.auto()


_L, _I = TaskLife, TaskInput
Cell: TypeAlias = Go[TaskLife] | Never
_ONCE: Final = Never("each final report is made once")
_ORDER: Final = Never("final reports come in the order EXIT, DEATH, REAP (INV-7)")

#: Total: one cell for each state and input.
TASK_LIFE: Final[Mapping[tuple[TaskLife, TaskInput], Cell]] = {
    (_L.ALIVE, _I.EXIT_REPORT): Go(_L.EXITING),
    (_L.ALIVE, _I.DEATH_REPORT): _ORDER,
    (_L.ALIVE, _I.DEATH_REPORTED): _ORDER,
    (_L.ALIVE, _I.REAP_REPORT): _ORDER,
    (_L.EXITING, _I.EXIT_REPORT): _ONCE,
    (_L.EXITING, _I.DEATH_REPORT): Go(_L.DEATH),
    (_L.EXITING, _I.DEATH_REPORTED): _ORDER,
    (_L.EXITING, _I.REAP_REPORT): _ORDER,
    (_L.DEATH, _I.EXIT_REPORT): _ONCE,
    (_L.DEATH, _I.DEATH_REPORT): _ONCE,
    (_L.DEATH, _I.DEATH_REPORTED): Go(_L.DEAD),
    (_L.DEATH, _I.REAP_REPORT): _ORDER,
    (_L.DEAD, _I.EXIT_REPORT): _ONCE,
    (_L.DEAD, _I.DEATH_REPORT): _ONCE,
    (_L.DEAD, _I.DEATH_REPORTED): _ONCE,
    (_L.DEAD, _I.REAP_REPORT): Go(_L.REAPED),
    (_L.REAPED, _I.EXIT_REPORT): _ONCE,
    (_L.REAPED, _I.DEATH_REPORT): _ONCE,
    (_L.REAPED, _I.DEATH_REPORTED): _ONCE,
    (_L.REAPED, _I.REAP_REPORT): _ONCE,
}


class Need(enum.Enum):
    """What the core asks of whoever moves the task."""

    WAKE = enum.auto()
    """The task is held and nobody wants it stopped: let it go on."""
    ATTENTION = enum.auto()
    """The task runs, and something waits for it: bring it to a stop."""
    INTERRUPT = enum.auto()
    """As ATTENTION, and a blocked system call is to be broken now."""
    RELEASE = enum.auto()
    """An engine has left for good; its client may clean up."""
    ORDINARY = enum.auto()
    """What is wanted of the task has changed: its system calls are to be recorded no longer."""


class TracedTask:
    """What utrace knows of one task.

    Attributes:
        pending: the sticky resume action (spec 1.1).
        held: stopped, because some engine wants it so; every stop has its own `stops` number.
        jctl: job control has stopped it.
        in_trap: held, or about to run on, in a stop that LISTEN may end.
        listens: how many want it to run on from there by LISTEN: to stay where it is until it traps again.
        notices: how many SIGCONTs have shown as a stop of its own.
        reporting: the engine whose callback is running, and `callback` which one.
        event: the event of the pass in progress.
        action: the merged answers of that pass so far: what would happen without the next engine.
        resume_action: the same over the answers other than STOP (INV-9).
        serial: passes stop after each engine that wants it, not at their end (DEC-1).
        spared: engines that did not see the call in progress: one called before virtualized it.
        occurrence: what the pass is about, for the callbacks; opaque here.  A fact is a plain tuple, what
            else a pass is about is of a type of its own.
        cloning: the child being reported.
        batcher: the one engine that wants system calls, if it takes them in batches.
        recorded: system calls are recorded below, and handed to it in batches (D6).
        synthetic: the report stands for one the kernel skipped (D5), or comes late: there is no live state.
        needs: requests to whoever moves the task, in order.
    """

    __slots__ = (
        "action",
        "batcher",
        "callback",
        "cloning",
        "engines",
        "event",
        "held",
        "id",
        "in_trap",
        "jctl",
        "life",
        "listens",
        "mask",
        "needs",
        "notices",
        "occurrence",
        "pending",
        "recorded",
        "reporting",
        "resume_action",
        "resumed",
        "serial",
        "signal_action",
        "signal_hold",
        "spared",
        "stops",
        "synthetic",
        "syscall_action",
        "syscall_result",
        "syscalls",
    )

    def __init__(self, task_id: TaskId, needs: list[tuple[TracedTask, Need, Engine | None]]) -> None:
        self.id = task_id
        self.needs = needs
        self.life = TaskLife.ALIVE
        self.engines: tuple[Engine, ...] = ()
        self.mask = 0
        self.syscalls: Mapping[int, frozenset[int]] | None = None
        self.pending = ResumeAction.RESUME
        self.held = False
        self.jctl = False
        self.in_trap = False
        self.listens = 0
        self.notices = 0
        self.stops = 0
        self.serial = False
        self.spared: tuple[Engine, ...] = ()
        self.reporting: Engine | None = None
        self.callback = NO_EVENT
        self.event = NO_EVENT
        self.action = ResumeAction.RESUME
        self.resume_action = ResumeAction.RESUME
        self.resumed = False
        self.syscall_action = SyscallAction.RUN
        self.syscall_result: int | None = None
        self.signal_action = SignalAction.DELIVER
        self.signal_hold = False
        self.occurrence: object = None
        self.cloning: TracedTask | None = None
        self.batcher: Engine | None = None
        self.recorded = False
        self.synthetic = False

    def __repr__(self) -> str:
        return (
            f"<TracedTask {self.id.tid}.{self.id.generation} {self.life.name} pending={self.pending.name}"
            f"{' held' if self.held else ''}{' jctl' if self.jctl else ''} engines={len(self.engines)}>"
        )

    def move(self, what: TaskInput) -> None:
        """Apply one input to the life."""
        match TASK_LIFE[self.life, what]:
            case Go(then):
                self.life = then
            case Never(why):
                message = f"task {self!r} got {what}: {why}"
                raise InvariantViolation(message)

    def is_dead(self) -> bool:
        """Tell whether the exit state is set: the death report has begun."""
        return self.life in _DEAD

    def is_wanted_stopped(self) -> bool:
        """Tell whether some engine wants it stopped."""
        return any(engine.wants_stop for engine in self.engines)

    def pend(self, action: ResumeAction) -> None:
        """Make `action` pending unless something stricter is."""
        self.pending = strictest(self.pending, action)
        if self.recorded:
            self.need(Need.ORDINARY)

    def need(self, what: Need, engine: Engine | None = None) -> None:
        """Ask whoever moves the task."""
        self.needs.append((self, what, engine))

    def link(self, engine: Engine) -> None:
        """Put an engine at the end of the list: attach order is call order (INV-4)."""
        self.engines = (*self.engines, engine)
        self.recompute()

    def unlink(self, engine: Engine, what: EngineInput) -> None:
        """Take an engine off; its client is told to clean up, once (INV-1)."""
        engine.move(what)
        self.engines = tuple(other for other in self.engines if other is not engine)
        if not self.engines:
            self.pending = ResumeAction.RESUME
        self.recompute()
        self.need(Need.RELEASE, engine)

    def recompute(self) -> None:
        """Rebuild the union of the engines' interests."""
        mask = 0
        numbers: dict[int, frozenset[int]] | None = {}
        wanting: list[Engine] = []
        for engine in self.engines:
            mask |= engine.mask
            if engine.mask & SYSCALL:
                wanting.append(engine)
                if engine.syscalls is None:
                    numbers = None
                elif numbers is not None:
                    for arch, wanted in engine.syscalls.items():
                        numbers[arch] = numbers.get(arch, frozenset()) | wanted
        self.mask = mask
        self.syscalls = numbers
        alone = len(wanting) == 1 and wanting[0].takes_batches and not mask & QUIESCE
        self.batcher = wanting[0] if alone else None
        if self.recorded:
            self.need(Need.ORDINARY)


_DEAD: Final = frozenset({TaskLife.DEATH, TaskLife.DEAD, TaskLife.REAPED})
