"""Simulated tasks and processes: data, and the few questions asked of them everywhere.

Names follow the kernel's: `jobctl` bits, `group_exit`, `quick_threads`, `notify_count`.

Reference: include/linux/sched/jobctl.h, include/linux/sched/signal.h (6.18).
"""

from __future__ import annotations

import enum
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.testing.moves import Move, MoveKind, move
from utrace.testing.sim.memory import Memory
from utrace.testing.sim.registers import new_registers

if TYPE_CHECKING:
    from utrace.testing.sim.image import Code
    from utrace.testing.sim.machine import Machine
    from utrace.testing.sim.siginfo import SigInfo

Life: TypeAlias = Generator[None, None, None]
"""The course of a task.  Each yield is a point where others may move."""

STOP_SIGMASK: Final = 0xFF
STOP_DEQUEUED: Final = 1 << 16
STOP_PENDING: Final = 1 << 17
STOP_CONSUME: Final = 1 << 18
TRAP_STOP: Final = 1 << 19
TRAP_NOTIFY: Final = 1 << 20
LISTENING: Final = 1 << 22
TRAP_MASK: Final = TRAP_STOP | TRAP_NOTIFY
PENDING_MASK: Final = STOP_PENDING | TRAP_MASK


class TaskState(enum.Enum):
    """Whether, and by what, a task can run."""

    RUNNING = enum.auto()
    SLEEPING = enum.auto()
    """Interruptible: any signal wakes it."""
    KILLABLE = enum.auto()
    """In vfork or execve: only SIGKILL wakes it."""
    STOPPED = enum.auto()
    """Job-control stop of an untraced task."""
    TRACED = enum.auto()
    """In a ptrace-stop, possibly listening."""
    ENDED = enum.auto()


class ExitState(enum.Enum):
    """What is left of a task."""

    ALIVE = enum.auto()
    ZOMBIE = enum.auto()
    RELEASED = enum.auto()


@dataclass(slots=True)
class Handler:
    """A user handler: its code and whether SA_RESTART is set."""

    address: int
    body: list[Code]
    restart: bool


@dataclass(slots=True)
class Frame:
    """A signal frame: what rt_sigreturn restores."""

    registers: list[int]
    blocked: int
    handler: Handler


class SimProcess:
    """A thread group: signal_struct, sighand_struct and mm_struct in one."""

    __slots__ = (
        "children_made",
        "cld_pending",
        "exec_task",
        "group_exit",
        "group_exit_code",
        "group_stop_count",
        "handlers",
        "ignored",
        "is_guest",
        "key",
        "leader",
        "live",
        "machine",
        "maker",
        "memory",
        "notify_count",
        "parent",
        "pending",
        "quick_threads",
        "stop_stopped",
        "tgid",
        "threads",
        "threads_made",
    )

    def __init__(
        self, machine: Machine, tgid: int, parent: SimProcess | None, *, is_guest: bool = True
    ) -> None:
        self.machine = machine
        self.tgid = tgid
        self.key = str(tgid)
        self.parent = self if parent is None else parent
        self.is_guest = is_guest
        """False: init or the tracer, of which nothing but the number is simulated."""
        self.maker: SimTask | None = None
        """The task that forked it."""
        self.leader: SimTask | None = None
        self.threads: list[SimTask] = []
        self.pending: list[SigInfo] = []
        self.ignored = 0
        self.handlers: dict[int, Handler] = {}
        self.memory = Memory()
        self.live = 0
        self.quick_threads = 0
        self.group_exit = False
        self.group_exit_code = 0
        self.group_stop_count = 0
        self.stop_stopped = False
        self.cld_pending = 0
        """CLD_CONTINUED or CLD_STOPPED that the next thread in get_signal tells the parent."""
        self.exec_task: SimTask | None = None
        self.notify_count = 0
        self.children_made: list[int] = []
        self.threads_made: list[int] = []

    @property
    def is_empty(self) -> bool:
        """At most one thread is left unreleased (thread_group_empty)."""
        return len(self.threads) <= 1


class SimTask:
    """A thread."""

    __slots__ = (
        "acted",
        "blocked",
        "code",
        "deliver_move",
        "exit_code",
        "exit_kill",
        "exit_state",
        "exiting",
        "frames",
        "image_next",
        "jobctl",
        "key",
        "killed",
        "launch_error",
        "life",
        "machine",
        "message",
        "pending",
        "process",
        "reap_move",
        "registers",
        "run_move",
        "sigpending",
        "single_step",
        "state",
        "stood_at_exit",
        "stop_code",
        "stop_info",
        "stop_kind",
        "syscall_trace",
        "tid",
        "traced",
        "traced_elsewhere",
        "user_steps",
        "vfork_done",
        "vfork_parent",
        "waits_for_children",
    )

    tid: int
    key: str
    run_move: Move
    deliver_move: Move
    reap_move: Move

    def __init__(self, machine: Machine, tid: int, process: SimProcess, code: list[Code]) -> None:
        self.machine = machine
        self.process = process
        self.code = code
        """What it runs."""
        self.retid(tid)
        self.life: Life | None = None
        self.state = TaskState.RUNNING
        self.exit_state = ExitState.ALIVE
        self.exit_code = 0
        self.exiting = False
        self.killed = False
        """SIGKILL is privately pending (__fatal_signal_pending)."""
        self.pending: list[SigInfo] = []
        self.blocked = 0
        self.sigpending = False
        """TIF_SIGPENDING."""
        self.jobctl = 0
        self.registers = new_registers()
        self.frames: list[Frame] = []
        self.image_next: list[Code] | None = None
        """Set by a successful execve."""
        self.launch_error = 0
        """Errno of its last failed execve."""
        self.traced = False
        self.traced_elsewhere = False
        self.exit_kill = False
        self.syscall_trace = False
        self.single_step = False
        self.stop_code = 0
        """task->exit_code: the stop's status until it is waited for, then the resuming signal."""
        self.stop_kind = 0
        """The stop's status, kept while the task stands in it."""
        self.stop_info: SigInfo | None = None
        self.message = 0
        self.vfork_parent: SimTask | None = None
        self.vfork_done = False
        self.waits_for_children = False
        self.stood_at_exit = False
        """It came to its exit event, for the tracer to see."""
        self.user_steps = 0
        """Instructions begun in user mode."""
        self.acted = True
        """Something others can see was done since the last yield."""

    def retid(self, tid: int) -> None:
        """Take a tid, at birth or from the leader at execve."""
        self.tid = tid
        self.key = str(tid)
        self.run_move = move(MoveKind.RUN, self.key)
        self.deliver_move = move(MoveKind.DELIVER, self.key)
        self.reap_move = move(MoveKind.REAP, self.key)

    @property
    def is_zombie(self) -> bool:
        """Its end has been told, or will not be."""
        return self.exit_state is not ExitState.ALIVE

    @property
    def is_leader(self) -> bool:
        """Its tid is the process's."""
        return self.process.leader is self

    @property
    def is_delayed_leader(self) -> bool:
        """A leader whose death is not told while other threads are left (delay_group_leader)."""
        return self.process.leader is self and len(self.process.threads) > 1

    @property
    def is_own_child(self) -> bool:
        """Whether the tracer is also the real parent."""
        return self.process.parent is self.machine.tracer

    def set_jobctl(self, mask: int) -> bool:
        """task_set_jobctl_pending(): False if the task is dying."""
        if self.killed or self.exiting:
            return False
        if mask & STOP_SIGMASK:
            self.jobctl &= ~STOP_SIGMASK
        self.jobctl |= mask
        return True

    def clear_jobctl(self, mask: int) -> None:
        """task_clear_jobctl_pending()."""
        if mask & STOP_PENDING:
            mask |= STOP_CONSUME | STOP_DEQUEUED
        self.jobctl &= ~mask

    def wake(self) -> None:
        """Make a sleeping task run."""
        self.state = TaskState.RUNNING


class TaskExit(Exception):
    """Unwinds a task's life to its end; `group` for exit_group and fatal signals."""

    def __init__(self, code: int, *, group: bool) -> None:
        super().__init__(code, group)
        self.code = code
        self.group = group


class NewImage(Exception):
    """Unwinds a task's life to the start of the program it has executed."""
