"""A kernel that is a program: the seam of `utrace.kernel.api`, deterministic and without Linux.

Rules of this file:

1. A request happens at once, but before it others may move, as time passes for a real tracer too.
2. Every choice among several things that may happen next is the scheduler's.
3. Where this differs from Linux, Linux is right (tests/conformance).

Reference: kernel/ptrace.c, kernel/signal.c (6.18); spec section 7.
"""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, Final

from utrace.kernel.api import (
    ADDED,
    PEEK_FIRST,
    Disposition,
    Fact,
    FactKind,
    ResumeRequest,
    SeizeOutcome,
    Spawn,
    Tid,
)
from utrace.testing.moves import MoveKind, Scheduler, move
from utrace.testing.schedulers import First
from utrace.testing.sim import deaths, registers, signals, stops
from utrace.testing.sim.declines import Declines
from utrace.testing.sim.machine import Machine
from utrace.testing.sim.siginfo import SI_TKILL, SI_USER, SIGKILL, SIGTRAP, SigInfo, bit
from utrace.testing.sim.tasks import LISTENING, TRAP_NOTIFY, TRAP_STOP, SimTask, TaskState
from utrace.testing.sim.truth import Truth
from utrace.testing.sim.turns import Actor, Stuck, Turns, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from utrace.testing.guest import Programs
    from utrace.testing.sim.memory import Memory

_NT_PRSTATUS: Final = 1
_STEPS_MAX: Final = 200_000


class SimKernel(Declines):
    """Implements `utrace.kernel.api.Kernel` in memory, in the calling thread.

    Args:
        programs: what can be executed, by name; `Spawn.path` and `Exec` name one.
        scheduler: makes the choices; without one, tasks run in the order of their birth.
        atomic_tracer: nobody moves between a fact and the tracer's answer to it.  Fewer runs to explore,
            but none in which a tracee is killed while the tracer deals with its stop.
        recycle_tids: give the lowest free tid to a new task, as a machine short of tids would.
        steps_max: moves in one run before `TooManySteps`.
    """

    def __init__(
        self,
        programs: Programs,
        scheduler: Scheduler | None = None,
        *,
        atomic_tracer: bool = False,
        recycle_tids: bool = False,
        steps_max: int = _STEPS_MAX,
    ) -> None:
        self._machine = Machine(programs, recycle_tids=recycle_tids)
        chosen = First() if scheduler is None else scheduler
        self._turns = Turns(self._machine, chosen, steps_max, atomic_tracer=atomic_tracer)

    @property
    def choices(self) -> tuple[str, ...]:
        """Names of the moves chosen so far where there was a choice: `Replay` makes them again."""
        return tuple(self._turns.choices)

    # ------------------------------------------------------------------------------ setting a scene

    def start(self, program: str, *, traced_elsewhere: bool = False) -> Tid:
        """Start an untraced process whose parent is init.

        Args:
            program: a key of `programs`.
            traced_elsewhere: another debugger holds it: `seize` is refused.

        Raises:
            KeyError: no such program.
        """
        task = self._machine.start(program)
        task.traced_elsewhere = traced_elsewhere
        return Tid(task.tid)

    def add_actor(
        self,
        name: str,
        action: Callable[[], object],
        *,
        when: Callable[[], bool] | None = None,
        times: int = 1,
    ) -> None:
        """Let an outside caller act at any moment that the scheduler chooses.

        Args:
            name: one word or several; written in schedules.
            action: what it does; runs in the calling thread, inside `next_fact`.
            when: whether it can act yet.
            times: how often it acts.
        """
        self._turns.actors.append(Actor(move(MoveKind.ACT, name), action, when, times))

    def add_signal_actor(self, tid: int, signo: int, *, times: int = 1) -> None:
        """Let somebody outside send a signal to a process at any moment while it lives."""
        name, tasks = f"signal {signo} to {tid}", self._machine.tasks
        self.add_actor(name, lambda: self.kill(tid, signo), when=lambda: tid in tasks, times=times)

    def run_untraced(self) -> None:
        """Let time pass without the tracer, until nothing moves: after `close`, to see what is left.

        Raises:
            TooManySteps: the limit was reached.
        """
        with contextlib.suppress(Stuck):
            while True:
                self._turns.take(traced=False)

    def let_time_pass(self) -> None:
        """Let others move until the scheduler has the tracer go on: for a callback that takes its time."""
        self._turns.let_others_move(always=True)

    def is_anyone_traced(self) -> bool:
        """Whether some task, dead or alive, still has us as its tracer."""
        return any(task.traced for task in self._machine.tasks.values())

    def depend_on(self, truth: Truth) -> None:
        """Take note that what happens next depends on a task, for schedulers that leave out runs."""
        self._machine.touched.add(truth.process_key)

    def births(self) -> list[tuple[Tid, Tid, bool]]:
        """List the tasks made by others: tid of the maker, own tid, whether it was born traced."""
        return [(Tid(maker), Tid(tid), traced) for maker, tid, traced in self._machine.births]

    def truth(self, tid: int) -> Truth | None:
        """Give what can be known of a task without asking the tracer; None if it is gone.

        It stays about the same task when execve gives that another tid.
        """
        task = self._machine.tasks.get(tid)
        return None if task is None else Truth(task)

    def alive(self) -> list[Tid]:
        """Tids of the tasks that are not dead."""
        return [Tid(task.tid) for task in self._machine.tasks.values() if not task.is_zombie]

    def describe(self) -> str:
        """Describe every task in a line."""
        return self._machine.dump()

    # ------------------------------------------------------------------------------- waiting, resuming

    def next_fact(self, tid: int, request: int, signo: int, /) -> Fact:
        """Resume one tracee, then let the scheduler move until a fact is delivered.

        Raises:
            Stuck: nothing can move: on Linux the wait would never end.
            TooManySteps: the limit was reached.
        """
        if tid:
            self.resume(tid, request, signo)
        turns = self._turns
        while turns.bell or self._has_something_to_wait_for():
            fact = turns.take()
            if fact is not None:
                return fact
        return (0, FactKind.NO_TRACEES, 0, None)

    def ring(self) -> None:
        """Make a BELL deliverable."""
        self._machine.touched.add("tracer")
        self._turns.bell = True

    def resume(self, tid: int, request: int, signo: int, /) -> bool:
        """Resume a stopped tracee (ptrace_resume), or let it listen.

        False also if it was to listen but stands in the exit event of its death (EIO).
        """
        if request & PEEK_FIRST and self.pending_fact(tid):
            return False
        request &= ~ADDED
        task = self._stopped(tid)
        if task is None:
            return False
        if request == ResumeRequest.LISTEN:
            return self._listen(task)
        task.syscall_trace = request == ResumeRequest.SYSCALL
        task.single_step = request in {ResumeRequest.SINGLESTEP, ResumeRequest.SINGLEBLOCK}
        task.stop_code = signo
        task.wake()
        return True

    def pending_fact(self, tid: int, /) -> bool:
        """Look at the task's state, and peek as waitid with WNOWAIT."""
        task = self._tracee(tid)
        return task is not None and (task.state is not TaskState.TRACED or stops.is_waiting(task))

    def interrupt(self, tid: int, /) -> bool:
        """PTRACE_INTERRUPT."""
        task = self._tracee(tid)
        if task is None:
            return False
        if task.set_jobctl(TRAP_STOP):
            signals.wake_from_trap(task, resume=bool(task.jobctl & LISTENING))
        return True

    def detach(self, tid: int, signo: int, /) -> bool:
        """PTRACE_DETACH."""
        task = self._stopped(tid)
        if task is None:
            return False
        task.stop_code = signo
        task.single_step = False
        deaths.detach(task)
        return True

    # ------------------------------------------------------------------------------- getting tracees

    def seize(self, tid: int, *, exit_kill: bool) -> SeizeOutcome:
        """PTRACE_SEIZE; a task that stands in a job-control stop traps at once."""
        task = self._seen(tid)
        if task is None or task.is_zombie:
            return SeizeOutcome.GONE
        if task.traced:
            return SeizeOutcome.ALREADY_OURS
        if task.traced_elsewhere:
            return SeizeOutcome.REFUSED
        task.traced = True
        task.exit_kill = exit_kill
        if task.state is TaskState.STOPPED and task.set_jobctl(TRAP_STOP):
            task.sigpending = True
            task.wake()
        return SeizeOutcome.SEIZED

    def spawn(self, program: Spawn, *, exit_kill: bool) -> Tid:
        """Make a tracee that stands before its execve of the program that `path` names."""
        self._machine.touched.update(("tids", "tracer"))
        return Tid(self._machine.launch(program.path.decode(), exit_kill=exit_kill).tid)

    def spawn_error(self, tid: int, /) -> int:
        """Errno of the failed execve."""
        task = self._machine.tasks.get(tid)
        return 0 if task is None else task.launch_error

    # ------------------------------------------------------------------------------------------- /proc

    def threads(self, tgid: int, /) -> list[Tid]:
        """Tids of a process, the dead but unreaped ones too."""
        self._turns.let_others_move()
        self._machine.touched.add(str(tgid))
        return [Tid(task.tid) for task in self._machine.tasks.values() if task.process.tgid == tgid]

    def children(self, tid: int, /) -> list[Tid]:
        """Tracees made by the task's process, and those of its group."""
        task = self._seen(tid)
        if task is None:
            return []
        process = task.process
        return [
            Tid(other.tid)
            for other in self._machine.tasks.values()
            if other is not task
            and other.traced
            and (other.process is process or other.process.parent is process)
        ]

    def parentage(self, tid: int, /) -> tuple[Tid, Tid] | None:
        """(tgid, ppid)."""
        task = self._seen(tid)
        return None if task is None else (Tid(task.process.tgid), Tid(task.process.parent.tgid))

    def disposition(self, tid: int, /) -> Disposition | None:
        """Masks of one thread."""
        task = self._seen(tid)
        if task is None:
            return None
        caught = sum(bit(signo) for signo in task.process.handlers)
        queued, shared = (sum({bit(info.signo) for info in its.pending}) for its in (task, task.process))
        return Disposition(task.blocked, task.process.ignored, caught, queued, shared)

    def blocked_syscall(self, tid: int, /) -> int | None:
        """Number of the call that a running task sleeps in."""
        task = self._seen(tid)
        if task is None or task.state not in {TaskState.SLEEPING, TaskState.KILLABLE}:
            return None
        return registers.signed(task.registers[registers.ORIG_RAX])

    # -------------------------------------------------------------------------- registers and memory

    def set_siginfo(self, tid: int, siginfo: bytes, /) -> bool:
        """PTRACE_SETSIGINFO."""
        task = self._stopped(tid)
        if task is None:
            return False
        task.stop_info = SigInfo.from_bytes(siginfo)
        return True

    def set_syscall(self, tid: int, nr: int, args: Sequence[int] | None, /) -> bool:
        """Change the call at its entry stop."""
        task = self._stopped(tid)
        if task is None:
            return False
        task.registers[registers.ORIG_RAX] = nr & registers.MASK
        for index, arg in zip(registers.ARGUMENTS, args or (), strict=False):
            task.registers[index] = arg & registers.MASK
        return True

    def set_result(self, tid: int, value: int, /) -> bool:
        """Change the result at an exit stop, or at the entry stop of a skipped call."""
        task = self._stopped(tid)
        if task is None:
            return False
        task.registers[registers.RAX] = value & registers.MASK
        return True

    def get_regs(self, tid: int, /) -> bytes | None:
        """The 216 bytes of an x86-64 NT_PRSTATUS regset."""
        task = self._stopped(tid)
        return None if task is None else registers.encode(task.registers)

    def set_regs(self, tid: int, regset: bytes, /) -> bool:
        """Write all registers.

        Raises:
            ValueError: not a whole regset.
        """
        if len(regset) != registers.REGSET_BYTES:
            raise ValueError(f"a regset has {registers.REGSET_BYTES} bytes, not {len(regset)}")
        task = self._stopped(tid)
        if task is None:
            return False
        task.registers[:] = registers.decode(regset)
        return True

    def get_regset(self, tid: int, kind: int, length: int | None = None, /) -> bytes | None:
        """The general registers; there are no others."""
        found = self.get_regs(tid) if kind == _NT_PRSTATUS else None
        return found and found[:length]

    def set_regset(self, tid: int, kind: int, regset: bytes, /) -> bool:
        """Write the general registers; there are no others."""
        return kind == _NT_PRSTATUS and self.set_regs(tid, regset)

    def request_buffer(self, _request: int, tid: int, _addr: int, buffer: bytes, /) -> tuple[int, bytes]:
        """Refuse (EIO): no raw request is simulated.  ESRCH if the task is not stopped."""
        return (-errno.ESRCH if self._stopped(tid) is None else -errno.EIO, buffer)

    def request_number(self, _request: int, tid: int, _addr: int, _data: int, /) -> int:
        """Refuse (EIO): no raw request is simulated.  ESRCH if the task is not stopped."""
        return -errno.ESRCH if self._stopped(tid) is None else -errno.EIO

    def request_i386(self, _: int, tid: int, _addr: int, _data: int, buffer: bytes, /) -> tuple[int, bytes]:
        """Refuse likewise."""
        return self.request_buffer(0, tid, 0, buffer)

    def syscall_restart(self, tid: int, nrs: Mapping[int, frozenset[int]], /) -> bool:
        """Undo an -EINTR: the call is made again."""
        task = self._stopped(tid)
        if task is None:
            return False
        words = task.registers
        number = registers.signed(words[registers.ORIG_RAX])
        if registers.signed(words[registers.RAX]) != -errno.EINTR or number not in nrs.get(
            stops.AUDIT_ARCH_X86_64, ()
        ):
            return False
        words[registers.RAX] = words[registers.ORIG_RAX]
        words[registers.RIP] -= 2
        return True

    def read_memory(self, tid: int, address: int, length: int, /) -> bytes:
        """Read a task's memory; short, perhaps empty, where it is not mapped or the task is gone."""
        memory = self._memory(tid)
        return b"" if memory is None else memory.read(address, length)

    def read_many(self, tid: int, ranges: Sequence[tuple[int, int]], /) -> list[bytes]:
        """Read several (address, length) ranges, each as `read_memory` does."""
        return [self.read_memory(tid, address, length) for address, length in ranges]

    def read_cstring(self, tid: int, address: int, limit: int, /) -> tuple[bytes, bool]:
        """Read up to a NUL, at most `limit` bytes: the bytes, and whether the NUL was found."""
        memory = self._memory(tid)
        return (b"", False) if memory is None else memory.read_cstring(address, limit)

    def write_memory(self, tid: int, address: int, data: bytes, /) -> int:
        """Write a task's memory; give the number of bytes written."""
        memory = self._memory(tid)
        return 0 if memory is None else memory.write(address, data)

    # ------------------------------------------------------------------------------------------ deaths

    def watch_reap(self, tid: int, /) -> bool:
        """Ask for a REAPED fact."""
        task = self._seen(tid)
        if task is None:
            return False
        self._watch(tid, task, FactKind.REAPED)
        return True

    def watch_zombie(self, tid: int, /) -> None:
        """Ask for a ZOMBIE_LEADER fact."""
        task = self._seen(tid)
        if task is not None:
            self._watch(tid, task, FactKind.ZOMBIE_LEADER)

    def is_own_child(self, tid: int, /) -> bool:
        """Whether our wait reaps it: a thread, or a process that we spawned."""
        task = self._seen(tid)
        return task is not None and (task.is_own_child or not task.is_leader)

    def kill(self, tid: int, signo: int, /) -> bool:
        """Send a signal to a process; the sender is init."""
        return self._send(tid, signo, group=True)

    def tgkill(self, tid: int, signo: int, /) -> bool:
        """Send a signal to one thread; the sender is init.  False: no such task."""
        return self._send(tid, signo, group=False)

    def close(self) -> None:
        """End the tracer: tracees with exit_kill are killed, all are let go (exit_ptrace)."""
        machine = self._machine
        for task in list(machine.tasks.values()):
            if not task.traced:
                continue
            if task.exit_kill:
                signals.send_signal(SigInfo(SIGKILL), task, group=True)
            if not task.is_zombie:
                deaths.detach(task)
            elif task.is_leader:
                deaths.untrace_zombie(task)
            else:
                deaths.release(task)
        for task in machine.tasks.values():
            if task.process.parent is machine.tracer:
                task.process.parent = machine.init

    # ----------------------------------------------------------------------------------------- inside

    def _seen(self, tid: int) -> SimTask | None:
        self._turns.let_others_move()
        task = self._machine.tasks.get(tid)
        if task is not None:
            self._machine.touched.add(task.process.key)
        return task

    def _memory(self, tid: int) -> Memory | None:
        task = self._seen(tid)
        return None if task is None or task.is_zombie else task.process.memory

    def _tracee(self, tid: int) -> SimTask | None:
        task = self._seen(tid)
        return task if task is not None and task.traced else None

    def _stopped(self, tid: int) -> SimTask | None:
        """Give a tracee that takes requests (ptrace_check_attach), else None: ESRCH."""
        task = self._tracee(tid)
        if task is None or task.state is not TaskState.TRACED or task.jobctl & LISTENING or task.killed:
            return None
        exec_status = stops.EVENT_EXEC << 8 | SIGTRAP
        if task.stop_code == exec_status and task.message != task.tid:
            return None  # looks_like_a_spurious_pid(): execve re-keyed it, and nobody knows yet
        return task

    def _listen(self, task: SimTask) -> bool:
        if task.stop_kind >> 8 != stops.EVENT_STOP:
            return False
        task.jobctl |= LISTENING
        if task.jobctl & TRAP_NOTIFY:
            signals.wake_from_trap(task, resume=True)
        return True

    def _has_something_to_wait_for(self) -> bool:
        if any(watch.kind is FactKind.REAPED for watch in self._turns.watches):
            return True
        tracer = self._machine.tracer
        return any(
            task.traced or (task.process.parent is tracer and task.is_leader)
            for task in self._machine.tasks.values()
        )

    def _send(self, tid: int, signo: int, *, group: bool) -> bool:
        task = self._machine.tasks.get(tid)
        if task is None:
            return False
        code = SI_USER if group else SI_TKILL
        signals.send_signal(SigInfo(signo, code, self._machine.init.tgid), task, group=group)
        return True

    def _watch(self, tid: int, task: SimTask, kind: FactKind) -> None:
        name = f"{kind.name.lower()} {tid}"
        self._turns.watches.append(Watch(move(MoveKind.DELIVER, name), task, tid, kind))
