"""The engine that stands between unmodified tracers and the kernel.

Rule of this file: it is attached before every other engine, so that it is called last at a call's
entry and first at its exit: it sees the call that will really be made, as the kernel would.

Reference: D12; ptrace(2), wait(2).
"""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.arch import of_regset, syscall_abi
from utrace.core.events import Event
from utrace.core.verdicts import Answer, ResumeAction, SignalAction, Verdict, skip
from utrace.engines.ptrace_stops import CLONE_UNTRACED
from utrace.errors import TaskGone, UtraceError
from utrace.kernel.access import yama_scope
from utrace.kernel.screens import FAIL, PASS, Step
from utrace.ptrace_emu import access, births, memory_files, passing, proc_files, requests, waiting
from utrace.ptrace_emu.ends import SIGCHLD
from utrace.ptrace_emu.registry import Registry, interrupter
from utrace.ptrace_emu.serving import Serving
from utrace.syscalls.abi import abi_of
from utrace.syscalls.tables import call_name
from utrace.tracehook.group_stop import CLD_STOPPED
from utrace.tracer.engine import syscall_numbers
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from utrace.engines.ptrace import PtraceEngine
    from utrace.engines.ptrace_link import PtraceLink
    from utrace.kernel.screens import Screen
    from utrace.ptrace_emu.ends import Ended
    from utrace.ptrace_emu.proc_files import Opening
    from utrace.ptrace_emu.waiting import Continued, Wait
    from utrace.tracehook.group_stop import JobControl
    from utrace.tracer.engine import Engine
    from utrace.tracer.loop import Loop
    from utrace.tracer.signal import SignalReport
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

_SIGNAL_ACTIONS: Final = ("rt_sigaction", "?sigaction", "?signal")
_OF_YAMA: Final = ("prctl",) if yama_scope() else ()
_PAUSE: Final = {0xC000003E: 34, 0x40000003: 29}
_CHILD_SIGNALS: Final = Event.SIGNAL | Event.SIGNAL_IGN
_ERESTARTSYS: Final = 512
_ERESTARTNOINTR: Final = 513
_WORD_MASK: Final = (1 << 64) - 1
_INT_MASK: Final = (1 << 32) - 1
_SA_NOCLDSTOP: Final = 1
_GETSIGMASK: Final = 0x420A
_MASK_BYTES: Final = 8
_X86_64: Final = 0xC000003E
_LONG: Final = {_X86_64: 8, 0x40000003: 4}


@dataclass(slots=True)
class Blocked:
    """A wait under way in the kernel.

    Attributes:
        nr: the number of the wait, where it was made into a pause.
    """

    wait: Wait
    nr: int | None


def _child_signal_is_blocked(engine: Engine, task: Task) -> bool:
    """Tell whether the stopped task blocks SIGCHLD."""
    result, mask = engine.loop.kernel.request_buffer(_GETSIGMASK, task.tid, _MASK_BYTES, bytes(_MASK_BYTES))
    return result < 0 or bool(int.from_bytes(mask, "little") & 1 << (SIGCHLD - 1))


def _first_argument(mask: int, value: int) -> Screen:
    return (Step(register=0, mask=mask, flip=0, below=False, value=value, then=PASS, otherwise=FAIL),)


_SCREENS: Final = {
    "clone": _first_argument(CLONE_UNTRACED, CLONE_UNTRACED),
    "rt_sigaction": _first_argument(_INT_MASK, SIGCHLD),
    **{name: proc_files.screen_of(name) for name in proc_files.NAMES},
}


def _screen(arch: int, nr: int) -> Screen:
    return _SCREENS.get(call_name(abi_of(arch), nr), ())


class Interposer(EngineOps):
    """Answers ptrace and wait calls of every program of the session."""

    events = Event.SYSCALL_ENTRY | Event.CLONE | Event.EXEC | Event.EXIT | Event.JCTL
    syscalls = frozenset(("ptrace", *waiting.CALLS, *_SIGNAL_ACTIONS, "clone", "clone3", *_OF_YAMA))

    screen = staticmethod(_screen)

    vital = True
    has_last_word = True

    def __init__(self, *, serves: bool = True, hides: bool = False) -> None:
        """Make one.

        `serves`: plain tracers are answered natively (`ptrace_emu.serving`).
        `hides`: not only debuggers see in /proc the session's own tracers (`ptrace_emu.proc_files`).
        """
        if hides:
            self.syscalls = self.syscalls | proc_files.CALLS
        self.registry = Registry()
        self.registry.when_linked = self._linked
        self._loop: Loop | None = None
        self._unseen: dict[int, Task] = {}
        """By tid, threads whose last wait was left to the kernel, since nobody traced anybody."""
        self._serving = Serving(self.registry) if serves else None
        self._blocked: dict[int, Blocked] = {}
        self._too_early: dict[int, int] = {}
        """Ptrace calls that are to be made again, by generation: their number."""
        self._openings: dict[int, Opening] = {}
        self._of_debuggers = syscall_numbers(self.syscalls | memory_files.CALLS | proc_files.CALLS)
        self._of_others = syscall_numbers(self.syscalls)
        self._childless: set[int] = set()
        """Processes that had no child when they last waited, and have made none since."""
        self._parents: set[int] = set()
        """Processes with a child that another one traces, or traced."""

    # -- whose child, and whose end -------------------------------------------------------------------

    def report_clone(self, task: Task, child: Task, _clone_flags: int) -> Answer:
        """Note the parent, whom PTRACE_TRACEME names."""
        registry = self.registry
        birth = registry.untraced_births.get(task.id.generation)
        if birth is not None:
            birth.put_back_in(child)
        if child.pid != task.pid:
            registry.parents[child.id.generation] = task
            self._childless.discard(task.pid)
            if task.pid in registry.wants_no_stops:
                registry.wants_no_stops.add(child.pid)
        elif task.id.generation in registry.parents:
            # A thread has the parent of its process.
            registry.parents[child.id.generation] = registry.parents[task.id.generation]
        if child.pid in self._parents:
            # A new thread, that is.
            self._look_at_child_signals(child)
        return None

    def report_exec(self, task: Task) -> Answer:
        """Forget what a program's signal actions were, and its memory; a debugger's child is none."""
        if self._loop is None and self._serving is not None:
            self._loop = task.engine(self).loop
            passing.begin(self.registry, self, self._loop)
        self.registry.wants_no_stops.discard(task.pid)
        self.registry.child_action.pop(task.pid, None)
        self.registry.breakpoints.forget(task.pid)
        for link in self.registry.tracers_of(task):
            if not link.seized:
                # By TRACEME; before its execve it may be a mere trial of what the kernel can.
                self._look_at_debugger(link.engine.loop, link.tracer_pid)
        if not self.registry.of_tracer(task.pid):
            task.engine(self).set_syscalls(self._of_others)
        return None

    def report_jctl(self, task: Task, job_control: JobControl) -> Answer:
        """Note what stops a process, for tracers that come later."""
        if job_control.type == CLD_STOPPED:
            self.registry.stop_signals[task.pid] = job_control.signo
        else:
            self.registry.stop_signals.pop(task.pid, None)
            self.registry.continued(task)
        return None

    def report_exit(self, task: Task, _code: int) -> Answer:
        """Let go of what a dying tracer traces."""
        self._blocked.pop(task.id.generation, None)
        self._unseen.pop(task.tid, None)
        self.registry.waits_no_more(task)
        if not any(other.pid == task.pid and other.id != task.id for other in self._alive(task)):
            self.registry.tracer_died(task.pid)
        return None

    def release(self, engine: Engine) -> None:
        """Forget what was known of a task that is gone."""
        task = engine.task
        registry = self.registry
        parent = registry.parents.pop(task.id.generation, None)
        if parent is not None:
            registry.dead_children.add(parent.pid, task.id.tid, task.id.generation)
        registry.stop_signals.pop(task.id.tid, None)
        registry.wants_no_stops.discard(task.id.tid)
        registry.child_action.pop(task.id.tid, None)
        registry.usage.forget(task.id.tid)
        registry.chosen_tracers.pop(task.id.tid, None)
        registry.dead_children.forget(task.id.tid)
        self._childless.discard(task.id.tid)
        self._parents.discard(task.id.tid)
        self._too_early.pop(task.id.generation, None)
        self._openings.pop(task.id.generation, None)
        registry.untraced_births.pop(task.id.generation, None)
        registry.traced_from_outside.discard(task.id.generation)
        # A leader that died before its threads is waited for after them.
        registry.group_died(task.id.tid)

    @staticmethod
    def _alive(task: Task) -> list[Task]:
        return [other for other in task.group if other.is_alive and not other.is_exiting]

    # -- calls ------------------------------------------------------------------------------------

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Answer a ptrace call; answer a wait, or let it block."""
        if task.action is ResumeAction.STOP:
            # Whoever holds the task may still change the call (INV-44).
            return ResumeAction.REPORT
        if task.more_to_come:
            # A filter of the program's own may have a say first.
            return None
        try:
            return self._answer(task, call)
        except TaskGone:
            # The caller was killed: it will not come to know.
            return None

    def _answer(self, task: Task, call: Syscall) -> Answer:
        self._unseen.pop(task.tid, None)
        name = call.name
        if name == "ptrace":
            return self._ptrace(task, call)
        if name in waiting.NAMES:
            return self._wait(task, call)
        if name in proc_files.NAMES:
            self._open(task, call)
            return None
        if name in memory_files.CALLS:
            result = memory_files.answer(self.registry, task.engine(self).loop, task, call)
            return None if result is None else skip(result)
        if name in {"rt_sigaction", "sigaction", "signal"}:
            self._signal_action(task, call)
        elif name == "prctl":
            self._choice_of_tracer(task, call)
        else:
            self._clone(task, call)
        return None

    def _ptrace(self, task: Task, call: Syscall) -> Answer:
        number = call.raw[0] & _WORD_MASK
        loop = task.engine(self).loop
        result = requests.answer(self.registry, loop, task, call)
        if result == 0 and number in requests.OF_DEBUGGERS and not self._is_looked_at(task):
            self._look_at_debugger(loop, task.pid)
        if result == 0 and number == requests.SYSCALL and self._serving is not None:
            self._serving.offer(loop, task, self._childless)
        if result == requests.TOO_EARLY:
            self._too_early[task.id.generation] = call.nr
            self._look_at_exit(task)
        return None if result is None else skip(result)

    def _is_looked_at(self, task: Task) -> bool:
        return task.engine(self).syscalls is self._of_debuggers

    def _look_at_debugger(self, loop: Loop, pid: int) -> None:
        """Look at the calls by which a debugger plants breakpoints; a filter lets them pass in others."""
        for link in self.registry.of_tracer(pid):
            link.is_debugger = True
        for tracee in list(loop.tracees.by_tid.values()):
            if tracee.handle.pid == pid:
                engine = tracee.handle.engine(self)
                if engine.syscalls is not self._of_debuggers:
                    engine.set_syscalls(self._of_debuggers)

    def _open(self, task: Task, call: Syscall) -> None:
        """Show the session's own tracers where a program looks for its tracer."""
        engine = task.engine(self)
        opening = proc_files.begin(self.registry, engine.loop, task, call)
        if opening is not None:
            self._openings[task.id.generation] = opening
            self._look_at_exit(task)

    def _clone(self, task: Task, call: Syscall) -> None:
        """Keep a child in the session that is to have no tracer: it may be one itself."""
        birth = births.read(task, call)
        if birth is not None:
            birth.hide()
            self.registry.untraced_births[task.id.generation] = birth
            self._look_at_exit(task)

    def _choice_of_tracer(self, task: Task, call: Syscall) -> None:
        """Note a PR_SET_PTRACER, which matters where Yama is (access.py)."""
        option, chosen = call.raw[:2]
        if option & _INT_MASK != access.PR_SET_PTRACER:
            return
        pid = chosen & _WORD_MASK
        if pid == 0:
            self.registry.chosen_tracers.pop(task.pid, None)
        else:
            self.registry.chosen_tracers[task.pid] = access.ANYONE if pid == _WORD_MASK else pid

    def _signal_action(self, task: Task, call: Syscall) -> None:
        signo, action = call.raw[:2]
        if signo & _INT_MASK != SIGCHLD or (not action and call.name != "signal"):
            return
        self.registry.child_action.pop(task.pid, None)
        size = _LONG.get(call.arch, 8)
        # struct kernel_sigaction begins with the handler and the flags; the old one has a mask between.
        place = {"rt_sigaction": size, "sigaction": 2 * size}.get(call.name)
        flags = 0 if place is None else int.from_bytes(task.memory.read(action + place, size), "little")
        if flags & _SA_NOCLDSTOP:
            self.registry.wants_no_stops.add(task.pid)
        else:
            self.registry.wants_no_stops.discard(task.pid)

    def _wait(self, task: Task, call: Syscall) -> Answer:
        registry, engine = self.registry, task.engine(self)
        if registry.is_idle():
            self._unseen[task.tid] = task
            return None
        wait = waiting.parse(call, task)
        if wait is None:
            return None
        found = self._find(task, wait)
        if found is not None and not waiting.dead_children_first(registry, task, wait, found):
            return skip(waiting.tell(registry, task, wait, found))
        emulated = waiting.may_come(registry, task, wait)
        nr = None
        if wait.may_block:
            # A child may yet become a tracee (PTRACE_TRACEME).
            if emulated and not self._has_children(engine, task, wait):
                nr = call.nr
                call.nr = _PAUSE[call.arch]
            blocked = _child_signal_is_blocked(engine, task)
            wake = interrupter(engine)
            registry.wait(task, wait.wants, wake, blocked=blocked)
            if found is not None:
                # Its own child comes first (do_wait()); but another thread may be quicker to wait for that.
                wake()
        elif not (registry.ended or registry.others_trace_child_of(task.pid)) and (
            not emulated
            or (waiting.is_about_own_child(registry, task, wait) and not wait.options & waiting.UNUSUAL)
        ):
            # The kernel's answer is the whole answer.
            return None
        self._blocked[task.id.generation] = Blocked(wait, nr)
        self._look_at_exit(task)
        return None

    def _look_at_exit(self, task: Task, *, looks: bool = True) -> None:
        """Look at the exit of the call under way: one that is answered at its entry has no exit stop."""
        engine = task.engine(self)
        events = engine.events & ~Event.SYSCALL_EXIT
        engine.set_events(events | Event.SYSCALL_EXIT if looks else events)

    def _linked(self, link: PtraceLink) -> None:
        """Let those wait anew who may be in a wait; look at what tells a real parent of its child's end."""
        self._wait_anew()
        if self._loop is not None:
            for record in list(self._loop.tracees.by_tid.values()):
                if record.lean and record.process.tgid == link.tracer_pid:
                    # By TRACEME; what it executes next is to be told.
                    engine = record.handle.engine(self)
                    engine.set_events(engine.events)
        parent = self.registry.parents.get(link.tracee.id.generation)
        if (
            parent is None
            or parent.pid == link.tracer_pid
            or parent.pid in self._parents
            or not parent.is_alive
        ):
            return
        self._parents.add(parent.pid)
        for task in parent.group:
            self._look_at_child_signals(task)

    def _look_at_child_signals(self, task: Task) -> None:
        # One that is ending may have no engines any more.
        with contextlib.suppress(UtraceError):
            engine = task.engine(self)
            engine.set_events(engine.events | _CHILD_SIGNALS)

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        """Keep a SIGCHLD from a real parent for as long as the tracer has not been told of that end."""
        if signal.signo == SIGCHLD and not signal.is_report and self.registry.withhold(task, signal.siginfo):
            return Verdict(signal=SignalAction.IGN)
        return None

    def _wait_anew(self) -> None:
        """Somebody traces now: let those wait once more who may be in a wait that was left to the kernel.

        A report makes the kernel restart the call.
        """
        unseen, self._unseen = self._unseen, {}
        if self._loop is not None:
            by_tid = self._loop.tracees.by_tid
            passed = (by_tid.get(tid) for tid in self._loop.kernel.pass_on_no_more())
            unseen.update((record.tid, record.handle) for record in passed if record is not None)
        for task in unseen.values():
            with contextlib.suppress(TaskGone):
                engine = task.engine(self)
                engine.set_events(engine.events | Event.QUIESCE)
                engine.control(ResumeAction.REPORT)

    def report_quiesce(self, task: Task, _event: Event) -> Answer:
        """End what `_wait_anew` began."""
        engine = task.engine(self)
        engine.set_events(engine.events & ~Event.QUIESCE)
        return None

    def _find(self, task: Task, wait: Wait) -> PtraceEngine | Ended | Continued | None:
        """Find what answers a wait now."""
        return waiting.find(self.registry, task, wait) or waiting.find_continued(
            self.registry, task.engine(self).loop, task, wait
        )

    def _has_children(self, engine: Engine, task: Task, wait: Wait) -> bool:
        """Tell whether the kernel's own wait has something to wait for."""
        if wait.pid != -1:
            return waiting.has_real_children(engine.loop, task, wait)
        if self.registry.traces_own_child(task.pid):
            return True
        if task.pid in self._childless:
            return False
        if waiting.has_real_children(engine.loop, task, wait):
            return True
        self._childless.add(task.pid)
        return False

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        """Turn the end of a blocked wait into what the tracer is to see."""
        generation = task.id.generation
        self._look_at_exit(task, looks=False)
        birth = self.registry.untraced_births.pop(generation, None)
        if birth is not None:
            birth.put_back()
            return None
        opening = self._openings.pop(generation, None)
        if opening is not None:
            opening.finish()
            return None
        early = self._too_early.pop(generation, None)
        if early is not None:
            self._restart(task, early, -_ERESTARTNOINTR)
            return None
        blocked = self._blocked.pop(generation, None)
        try:
            return None if blocked is None else self._end_of_wait(task, call, blocked)
        except TaskGone:
            return None

    def _end_of_wait(self, task: Task, call: Syscall, blocked: Blocked) -> Answer:
        registry, wait = self.registry, blocked.wait
        registry.waits_no_more(task)
        result = call.result or 0
        first = waiting.told_first(registry, task, wait, result) if result >= 0 else None
        if first is not None and wait.may_block:
            # It stays in the call until the tracer has been told (wait_consider_task()).
            registry.hold_up(task, first, interrupter(task.engine(self), ResumeAction.RESUME))
            return ResumeAction.STOP
        if first is not None:
            registry.hold_back(task, first)
        taken_back = first is not None or waiting.is_hidden(registry, task, wait, result)
        if blocked.nr is not None or result < 0 or taken_back or (result == 0 and not wait.is_waitid):
            found = self._find(task, wait)
            if found is not None:
                call.result = waiting.tell(registry, task, wait, found)
            elif not wait.may_block:
                if taken_back or (result == -errno.ECHILD and waiting.may_come(registry, task, wait)):
                    call.result = waiting.tell_nothing(task, wait)
            elif (
                blocked.nr is not None
                or taken_back
                or (result == -errno.ECHILD and waiting.may_come(registry, task, wait))
            ):
                self._restart(task, blocked.nr if blocked.nr is not None else call.nr, -_ERESTARTSYS)
        return None

    def _restart(self, task: Task, nr: int, result: int) -> None:
        """Let a call that has nothing to tell be made again, unless a handler runs first."""
        registers = task.regs
        abi = syscall_abi(of_regset(registers.LENGTH).audit, type(registers))
        # The kernel restarts the call that this register names (arch_do_signal_or_restart()).
        setattr(registers, abi.nr_register, nr)
        abi.set_result(registers, result)
        task.regs = registers
        # What woke it may be used up; the kernel only restarts a call on its way past a signal or a trap.
        task.engine(self).loop.kernel.interrupt(task.tid)
