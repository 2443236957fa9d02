"""ptrace as an engine: the ptrace-stops of one tracee for one tracer.

Rules of this file:

1. While `stop` is set the engine answers STOP to everything: the tracee stands in that ptrace-stop.
2. A stop is announced from the callback; the tracer can act on it only when the callback is over and
   the task held, since both are worked on by the one tracer thread (INV-47).
3. A signal is parked in its own delivery-stop: STOP and IGN now, and what the tracer said in the report
   that follows the stop (spec 6.3).

Reference: ptrace(2); RHEL 6 kernel/ptrace-utrace.c as described in the spec's section 6; Linux 6.18
kernel/ptrace.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import Event
from utrace.core.verdicts import Answer, ResumeAction, SignalAction, SyscallAction, Verdict
from utrace.engines.ptrace_stops import (
    BIRTH_OPTIONS,
    CLONE_PTRACE,
    CLONE_UNTRACED,
    SIGTRAP,
    Option,
    PtraceEvent,
    PtraceStop,
    StopKind,
    Trap,
    as_watchpoint_hit,
    birth_event,
    is_call_trap,
    seccomp_data,
    signal_siginfo,
    trap_siginfo,
)
from utrace.kernel import procfs
from utrace.tracehook.deaths import DELAYED_LEADER
from utrace.tracehook.group_stop import CLD_STOPPED
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from utrace.engines.ptrace_tracer import Tracer
    from utrace.tracehook.group_stop import JobControl
    from utrace.tracer.engine import Engine
    from utrace.tracer.signal import SignalReport
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

SIGSTOP: Final = 19
SI_KERNEL: Final = 0x80


class PtraceEngine(EngineOps):
    """The link of one tracer to one tracee.

    Attributes:
        tracee: the traced task; `engine` this engine on it.
        tracer_tid: the tracer's thread; only it may make requests.
        tracer_pid: the tracer's process; any of its threads may wait.
        seized: by PTRACE_SEIZE.
        options: PTRACE_O_… in force.
        stop: the ptrace-stop the tracee stands in, None while it runs, or stands still `listening`.
        message: what PTRACE_GETEVENTMSG gives.
        number: of links made, which is this.
        identity, times: of a dying tracee: process group and real user; user and system time, in ticks.
    """

    events = (
        Event.QUIESCE | Event.CLONE | Event.EXEC | Event.EXIT | Event.DEATH | Event.SIGNAL_ALL | Event.JCTL
    )
    follow = False
    vital = True

    def __init__(
        self, tracer: Tracer, tracer_tid: int, tracer_pid: int, *, seized: bool, options: int
    ) -> None:
        self._tracer = tracer
        self.tracer_tid = tracer_tid
        self.tracer_pid = tracer_pid
        self.seized = seized
        self.options = Option(options)
        self.stop: PtraceStop | None = None
        self.message = 0
        self._wanted: PtraceStop | None = None
        self._parked: bytes | None = None
        self._made_up = False
        self._deliver = 0
        self._leaving = False
        self._lent = False
        self._missed: bytes | None = None
        self._syscalls = False
        self._sysemu = False
        self._step = ResumeAction.RESUME
        self.listening = False
        self._vfork_child = 0
        self._status = 0
        self.number = 0
        self.identity = self.times = (0, 0)

    tracee: Task
    engine: Engine

    def hold(self, task: Task, engine: Engine) -> None:
        """Note what it is attached to."""
        self.tracee = task
        self.engine = engine
        engine.stops_at_events = True

    def describe(self) -> str:
        """Tell whose link it is."""
        return f"ptrace by {self.tracer_tid} ({procfs.comm(self.tracer_tid) or '?'})"

    def describe_stop(self, engine: Engine) -> str:
        """Tell which ptrace-stop the tracee stands in for this tracer."""
        return "" if self.stop is None else self.stop.describe()

    # -- stops ------------------------------------------------------------------------------------

    def _stop(self, kind: StopKind, code: int, siginfo: bytes | None, *, message: int = 0) -> ResumeAction:
        self.stop = PtraceStop(kind, code, siginfo)
        self.listening = False
        self.message = message
        if self._wanted is not None and self._wanted.kind is not StopKind.SIGNAL_DELIVERY:
            # Any stop uses a pending interrupt up (kernel/signal.c:ptrace_stop()).
            self._wanted = None
        self._tracer.stopped(self)
        return ResumeAction.STOP

    def _event(self, event: PtraceEvent, message: int) -> ResumeAction:
        code = event << 8 | SIGTRAP
        return self._stop(StopKind.EVENT, code, trap_siginfo(code, self.tracee.pid), message=message)

    def interrupt(self) -> None:
        """PTRACE_INTERRUPT: stop in an EVENT_STOP; a listening tracee reports its group-stop again.

        In a stop it is kept for when that ends.
        """
        if self.stop is None and self.engine.task.jctl:
            self.stop_with_group()
            return
        self._alone = False
        code = PtraceEvent.STOP << 8 | SIGTRAP
        self._wanted = PtraceStop(StopKind.EVENT, code, trap_siginfo(code, self.tracee.pid))
        self._demand()

    def stop_alone(self, siginfo: bytes) -> None:
        """Stop for a SIGSTOP that the tracer itself sent to this very thread, which others do not see."""
        self._wanted = PtraceStop(StopKind.SIGNAL_DELIVERY, SIGSTOP, siginfo)
        self._demand()

    def take_back_stop(self) -> bool:
        """Take back such a SIGSTOP, as a SIGCONT does; tell whether there was one."""
        if self._wanted is None or self._wanted.code != SIGSTOP:
            return self._made_up
        self._wanted = None
        return True

    def _demand(self) -> None:
        """Make the stop that is wanted come, or leave it for the end of the present one."""
        if self.stop is not None:
            return
        if self.engine.task.held:
            # Others keep it stopped, for as long as they like: it stands still for this tracer too.
            self._begin_wanted()
            self.engine.control(ResumeAction.STOP)
        else:
            self.engine.control(ResumeAction.INTERRUPT)

    def stop_with_group(self) -> None:
        """Stand in the group-stop that the tracee is in already."""
        self._group_stop(self._tracer.group_stop_signal(self))
        self.engine.control(ResumeAction.STOP)

    def _group_stop(self, signo: int) -> ResumeAction:
        if not self.seized:
            return self._stop(StopKind.GROUP, signo, None)
        code = PtraceEvent.STOP << 8 | signo
        return self._stop(StopKind.GROUP, code, signal_siginfo(signo, code, self.tracee.pid))

    def stop_at_birth(self) -> None:
        """Make a new tracee stop before its first instruction: EVENT_STOP if seized, else SIGSTOP."""
        if self.seized:
            code = PtraceEvent.STOP << 8 | SIGTRAP
            self._wanted = PtraceStop(StopKind.EVENT, code, trap_siginfo(code, self.tracee.pid))
        else:
            self._wanted = PtraceStop(StopKind.SIGNAL_DELIVERY, SIGSTOP, signal_siginfo(SIGSTOP, 0))
        self.engine.control(ResumeAction.INTERRUPT)

    def stop_at_attach(self) -> None:
        """PTRACE_ATTACH: a SIGSTOP for this tracer alone; a group-stop comes before it."""
        siginfo = signal_siginfo(SIGSTOP, SI_KERNEL)
        if self.engine.task.jctl:
            self.stop_with_group()
            self._tracer.send(self, siginfo)
        else:
            self.stop_alone(siginfo)

    def resume(self, *, syscalls: bool, sysemu: bool, step: ResumeAction, signo: int) -> None:
        """End the ptrace-stop: PTRACE_CONT, SYSCALL, SINGLESTEP and their kin."""
        stop, self.stop = self.stop, None
        self._syscalls = syscalls or sysemu
        self._sysemu = sysemu
        self._step = step
        self._deliver = signo
        mask = self.events | (Event.SYSCALL if self._syscalls else Event(0))
        if step is not ResumeAction.RESUME:
            mask |= Event.SYSCALL_EXIT if self._syscalls else Event(0)
        if mask != self.engine.events:
            self.engine.set_events(mask)
        if stop is not None and stop.kind is StopKind.GROUP:
            # PTRACE_CONT lets a group-stopped thread run.
            self.engine.task.jctl = False
        if stop is not None and stop.kind in {StopKind.SYSCALL_ENTRY, StopKind.SYSCALL_EXIT} and signo:
            self._tracer.send(self, signal_siginfo(signo, SI_KERNEL))
        if self._missed is not None and self._wanted is None:
            missed, self._missed = self._missed, None
            if self._tracer.is_hit(self):
                self._wanted = PtraceStop(StopKind.SIGNAL_DELIVERY, SIGTRAP, missed)
        self.engine.control(ResumeAction.INTERRUPT if self._has_more() else step)
        if any(other.wants_stop for other in self.engine.task.engines):
            self.stand_still_too()

    def stand_still_too(self) -> None:
        """Begin the stop that is wanted: others keep the tracee stopped, so that it cannot come to it."""
        if self.stop is None and self._wanted is not None and not (self._deliver and self._parked):
            self._parked, self._made_up = None, False
            self._begin_wanted()
            self.engine.control(ResumeAction.STOP)

    def _has_more(self) -> bool:
        """Tell whether the end of a stop is followed by a report: for what is wanted, or to be delivered."""
        if not self._deliver and self._made_up:
            self._parked, self._made_up = None, False
        return self._wanted is not None or self._parked is not None

    _alone = False
    """Listening where the group is not stopped: it stands still until an interrupt."""

    def listen(self) -> None:
        """PTRACE_LISTEN: leave the ptrace-stop, stay stopped, in the group's stop or without one."""
        self.stop = None
        self.listening = True
        self._alone = not self.engine.task.jctl
        if not self._alone:
            self.engine.control(ResumeAction.RESUME)

    def detach(self, signo: int) -> None:
        """PTRACE_DETACH: leave; a parked signal goes on as `signo`, unless that is 0."""
        stop, self.stop = self.stop, None
        if stop is not None and stop.kind is StopKind.SIGNAL_DELIVERY and self._parked is not None:
            # One more round: the report after the stop delivers the signal, then the engine leaves.
            self._deliver = signo
            self._leaving = True
            self.engine.control(ResumeAction.INTERRUPT if self._has_more() else ResumeAction.DETACH)
            return
        if stop is not None and stop.kind in {StopKind.SYSCALL_ENTRY, StopKind.SYSCALL_EXIT} and signo:
            self._tracer.send(self, signal_siginfo(signo, SI_KERNEL))
        self.engine.detach()

    @property
    def holds(self) -> bool:
        """Whether it keeps the tracee in its stop."""
        return self.stop is not None and not self._lent

    def lend(self) -> None:
        """Let the tracee make a step of another tracer's; to this one it stays in its stop."""
        self._lent = True
        self.engine.control(ResumeAction.RESUME)

    def take_back(self) -> None:
        """End what `lend` began."""
        if self._lent:
            self._lent = False
            if self.stop is not None and not self.tracee.is_exiting:
                self.engine.control(ResumeAction.STOP)

    @property
    def is_stepping(self) -> bool:
        """Whether the tracer resumed it by a step that is not over."""
        return self._step is not ResumeAction.RESUME

    @property
    def follows_calls(self) -> bool:
        """Whether it runs to its next syscall-stop and nothing else is to come first."""
        return (
            self.stop is None
            and self._syscalls
            and not self._sysemu
            and self._step is ResumeAction.RESUME
            and self._wanted is None
            and self._parked is None
            and not self._leaving
            and not self.listening
            and not self._vfork_child
        )

    # -- callbacks --------------------------------------------------------------------------------

    def _step_or(self, answer: ResumeAction | None) -> Answer:
        """Say again what the tracer resumed by: each pass forgets a step (INV-10)."""
        if self._step is not ResumeAction.RESUME:
            return self._step
        return answer

    def report_quiesce(self, task: Task, event: Event) -> Answer:
        """Stay in the stop, begin one that was asked for, or go on stepping."""
        if event & (Event.EXIT | Event.DEATH):
            # SIGKILL ended whatever stop there was.
            self.stop = None
            return None
        if self.stop is not None or self._alone:
            return self._stay()
        return self._step_or(None) if event else self._quiet_point()

    def _stay(self) -> Answer:
        """Stay in the stop; lent for a step, it does not even see what comes of that."""
        return None if self._lent else ResumeAction.STOP

    def _quiet_point(self) -> Answer:
        """Tell of what shows as a quiesce: a seccomp stop, the end of a vfork, a stop that was asked for."""
        data = seccomp_data(self.engine.task.occurrence)
        if data is not None:
            if self.options & Option.TRACESECCOMP:
                return self._event(PtraceEvent.SECCOMP, data)
        elif self._vfork_child:
            # Between the birth and user mode only the end of the wait for the child is told so.
            child, self._vfork_child = self._vfork_child, 0
            return self._event(PtraceEvent.VFORK_DONE, child)
        elif self._wanted is not None:
            return self._begin_wanted()
        return self._step_or(None)

    def _begin_wanted(self) -> ResumeAction:
        wanted, self._wanted = self._wanted, None
        if wanted is None:
            return ResumeAction.RESUME
        self._step = ResumeAction.RESUME
        if wanted.kind is StopKind.SIGNAL_DELIVERY:
            self._parked, self._made_up = wanted.siginfo, True
        return self._stop(wanted.kind, wanted.code, wanted.siginfo)

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        """Park a signal and stop; or, after that stop, deliver what the tracer said."""
        if self.stop is not None:
            if self._lent and not signal.is_report and signal.signo == SIGTRAP:
                self._miss(signal)
            return self._stay()
        if not signal.is_report:
            return self._new_signal(signal)
        if self._parked is not None:
            return self._unpark(signal)
        if self._wanted is not None:
            return self._begin_wanted()
        if signal.action is SignalAction.HANDLER and self._step is not ResumeAction.RESUME:
            # Stepping into a handler traps at its first instruction (spec 6.5).
            self._step = ResumeAction.RESUME
            return self._stop(StopKind.SIGNAL_DELIVERY, SIGTRAP, trap_siginfo(SIGTRAP))
        return self._step_or(None)

    def _new_signal(self, signal: SignalReport) -> Answer:
        """Stop for a signal, unless it is the trap of another tracer's breakpoint, watchpoint or step."""
        match self._tracer.whose(self, signal.siginfo) if signal.signo == SIGTRAP else Trap.MINE:
            case Trap.MINE if self._is_step_over_nothing(signal):
                return Verdict(self._step, signal=SignalAction.IGN)
            case Trap.MINE:
                return self._park(signal, signal.siginfo)
            case Trap.MY_WATCHPOINT:
                return self._park(signal, as_watchpoint_hit(signal.siginfo))
            case Trap.OF_OTHERS:
                return self._step_or(None)
            case Trap.NOBODYS:
                return Verdict(self._step, signal=SignalAction.IGN)

    def _miss(self, signal: SignalReport) -> None:
        """Keep for later a hit of its watchpoint while the tracee made a step of another tracer's."""
        if self._tracer.whose(self, signal.siginfo) is Trap.MY_WATCHPOINT:
            self._missed = as_watchpoint_hit(signal.siginfo)

    def _is_step_over_nothing(self, signal: SignalReport) -> bool:
        """Tell whether a trap is that of a call that PTRACE_SYSEMU_SINGLESTEP left out: it has none.

        Reference: Linux 6.18 kernel/entry/common.c:report_single_step().
        """
        return self._sysemu and self.is_stepping and is_call_trap(signal.siginfo)

    def _park(self, signal: SignalReport, siginfo: bytes) -> Answer:
        self._parked = siginfo
        self._step = ResumeAction.RESUME
        self._stop(StopKind.SIGNAL_DELIVERY, signal.signo, siginfo)
        self.engine.control(ResumeAction.INTERRUPT)
        return Verdict(ResumeAction.STOP, signal=SignalAction.IGN)

    def set_siginfo(self, siginfo: bytes) -> None:
        """PTRACE_SETSIGINFO: change the siginfo of the stop."""
        if self.stop is not None:
            self.stop.siginfo = siginfo
        if self._parked is not None:
            self._parked = siginfo

    def _unpark(self, signal: SignalReport) -> Answer:
        parked, self._parked = self._parked, None
        self._made_up = False
        signo, self._deliver = self._deliver, 0
        resume = ResumeAction.DETACH if self._leaving else self._step
        if self._wanted is not None and not self._leaving:
            # Told at the handler's first instruction, or now if there is nothing to deliver.
            self.engine.control(ResumeAction.INTERRUPT)
        if not signo or parked is None or signal.action is SignalAction.IGN:
            # Also what another tracer has dropped.
            return Verdict(resume, signal=SignalAction.IGN)
        if int.from_bytes(parked[:4], "little") == signo:
            signal.siginfo = parked
        else:
            # As kernel/signal.c:ptrace_signal(): a new number comes from the tracer.
            signal.siginfo = signal_siginfo(signo, 0, self.tracer_pid)
        return Verdict(resume, signal=SignalAction.DELIVER)

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Stop at the entry, once, when nobody called before wants the task stopped (INV-44)."""
        if self.stop is not None:
            return self._stay()
        if not self._syscalls or (self._step is not ResumeAction.RESUME and not self._sysemu):
            return self._step_or(None)
        if self._entered is call:
            return None
        if task.action is ResumeAction.STOP:
            return ResumeAction.REPORT
        self._entered = call
        self._stop_at_syscall(StopKind.SYSCALL_ENTRY)
        if self._sysemu:
            return Verdict(ResumeAction.STOP, SyscallAction.ABORT)
        return ResumeAction.STOP

    _entered: Syscall | None = None

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        """Stop at the exit."""
        if self.stop is not None:
            return self._stay()
        if not self._syscalls or self._step is not ResumeAction.RESUME or self._sysemu:
            return self._step_or(None)
        return self._stop_at_syscall(StopKind.SYSCALL_EXIT)

    def _stop_at_syscall(self, kind: StopKind) -> ResumeAction:
        code = SIGTRAP | (0x80 if self.options & Option.TRACESYSGOOD else 0)
        message = 1 if kind is StopKind.SYSCALL_ENTRY else 2
        return self._stop(kind, code, trap_siginfo(code, self.tracee.pid), message=message)

    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        """Trace the child if the options say so, and stop in the event."""
        event = birth_event(clone_flags)
        untraced = (clone_flags >= 0 and clone_flags & CLONE_UNTRACED) or self._tracer.is_untraced_birth(task)
        wanted = bool(self.options & BIRTH_OPTIONS[event]) and not untraced
        if wanted or (clone_flags >= 0 and clone_flags & CLONE_PTRACE):
            self._tracer.child(self, child)
        if event is PtraceEvent.VFORK and self.options & Option.TRACEVFORKDONE:
            self._vfork_child = child.tid
        return self._event(event, child.tid) if wanted else self._step_or(None)

    def report_exec(self, task: Task) -> Answer:
        """Stop in the event; a tracer that attached in the old way and did not ask gets a SIGTRAP."""
        if self.options & Option.TRACEEXEC:
            occurrence = self.engine.task.occurrence
            return self._event(PtraceEvent.EXEC, occurrence[2] if type(occurrence) is tuple else task.tid)
        if not self.seized:
            self._tracer.send(self, signal_siginfo(SIGTRAP, 0, task.pid))
        return self._step_or(None)

    def report_exit(self, task: Task, code: int) -> Answer:
        """Stop in the event, if asked for."""
        self._status = code
        self.identity, self.times = procfs.identity(task.tid), procfs.times(task.tid, of_group=True)
        if self.options & Option.TRACEEXIT and not task.synthetic:
            return self._event(PtraceEvent.EXIT, code)
        self.stop = None
        return None

    def report_death(self, task: Task, group_dead: bool, signal: int) -> Answer:  # noqa: FBT001 — utrace.h's
        """Tell the tracer."""
        self.stop = None
        status = self._status if task.wait_status is None else task.wait_status
        self._tracer.died(self, status, delayed=signal == DELAYED_LEADER)
        return ResumeAction.DETACH

    def report_jctl(self, task: Task, job_control: JobControl) -> Answer:
        """Stop in the group-stop; or, listening, tell of its end."""
        if job_control.type == CLD_STOPPED:
            return self._group_stop(job_control.signo)
        if self.listening:
            code = PtraceEvent.STOP << 8 | SIGTRAP
            return self._stop(StopKind.EVENT, code, trap_siginfo(code, task.pid))
        return None

    def release(self, engine: Engine) -> None:
        """Tell the tracer's registry that the link is gone."""
        self.stop = None
        self._tracer.gone(self)
