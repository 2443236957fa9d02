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

from typing import TYPE_CHECKING

from utrace.core.events import Event
from utrace.core.signals import STOP_SIGNALS
from utrace.core.verdicts import Answer, ResumeAction, SignalAction, SyscallAction, Verdict
from utrace.engines.ptrace_link import PtraceLink
from utrace.engines.ptrace_stops import (
    BIRTH_OPTIONS,
    CLONE_PTRACE,
    CLONE_UNTRACED,
    SIGCHLD,
    SIGTRAP,
    TRAP_BRKPT,
    Option,
    PtraceEvent,
    StopKind,
    Trap,
    as_watchpoint_hit,
    birth_event,
    is_trap,
    seccomp_data,
    signal_siginfo,
    signal_stop,
    syscall_stop,
    trap_siginfo,
    vforked_child,
)
from utrace.kernel import procfs
from utrace.tracehook.deaths import DELAYED_LEADER
from utrace.tracehook.group_stop import CLD_STOPPED

if TYPE_CHECKING:
    from utrace.tracehook.group_stop import JobControl
    from utrace.tracer.engine import Engine
    from utrace.tracer.signal import SignalReport
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task


class PtraceEngine(PtraceLink):
    """The link of one tracer to one tracee, as an engine."""

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
        self._take_notice()
        if self.stop is not None or self._alone:
            return self._stay()
        if event & self.engine.mask:
            # The callback that follows says by what it goes on.
            return None
        return self._step_or(None) if event else self._quiet_point()

    def _stay(self) -> Answer:
        """Stay in the stop; lent for a step, it sees no more of what comes of that than `_miss` keeps."""
        return None if self._lent else ResumeAction.STOP

    def _quiet_point(self) -> Answer:
        """Tell of what shows as a quiesce: a seccomp stop, the end of a vfork, a stop that was asked for."""
        occurrence = self.engine.task.occurrence
        data = seccomp_data(occurrence)
        # A tracer that came during the vfork has not seen its birth.
        vforked = self._vfork_child or (
            vforked_child(occurrence) if self.options & Option.TRACEVFORKDONE else 0
        )
        if data is not None:
            if self.options & Option.TRACESECCOMP:
                return self._event(PtraceEvent.SECCOMP, data)
        elif vforked:
            # Between the birth and user mode only the end of the wait for the child is told so.
            self._vfork_child = 0
            return self._event(PtraceEvent.VFORK_DONE, vforked)
        elif self._wanted is not None:
            return self._begin_wanted()
        return self._step_or(None)

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        """Park a signal and stop; or, after that stop, deliver what the tracer said."""
        if self.stop is not None:
            if self._lent and not signal.is_report and signal.signo == SIGTRAP:
                self._miss(signal)
            return self._stay()
        if not signal.is_report:
            return self._new_signal(signal)
        self._take_notice()
        if self._parked is not None:
            return self._unpark(signal)
        if self._wanted is not None:
            return self._begin_wanted()
        if signal.action is SignalAction.HANDLER and self._step is not ResumeAction.RESUME:
            # Stepping into a handler traps at its first instruction (spec 6.5).
            self._step = ResumeAction.RESUME
            return self._stop(signal_stop(trap_siginfo(SIGTRAP)))
        return self._step_or(None)

    def _new_signal(self, signal: SignalReport) -> Answer:
        """Stop for a signal, unless it is the trap of another tracer's breakpoint, watchpoint or step."""
        match self._whose(signal):
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

    def _whose(self, signal: SignalReport) -> Trap:
        if signal.signo == SIGTRAP:
            return self._tracer.whose(self, signal.siginfo)
        # A SIGCHLD that is withheld comes again.
        early = signal.signo == SIGCHLD and self._tracer.is_early(self.tracee, signal.siginfo)
        return Trap.OF_OTHERS if early else Trap.MINE

    def _miss(self, signal: SignalReport) -> None:
        """Keep for later a hit of its watchpoint while the tracee made a step of another tracer's."""
        if self._tracer.whose(self, signal.siginfo) is Trap.MY_WATCHPOINT:
            self._missed = as_watchpoint_hit(signal.siginfo)

    def _is_step_over_nothing(self, signal: SignalReport) -> bool:
        """Tell whether a trap is that of a call that PTRACE_SYSEMU_SINGLESTEP left out: it has none.

        Reference: Linux 6.18 kernel/entry/common.c:report_single_step().
        """
        return self._sysemu and self.is_stepping and is_trap(signal.siginfo, TRAP_BRKPT)

    def _park(self, signal: SignalReport, siginfo: bytes) -> Answer:
        self._parked = siginfo
        self._continues = self._tracer.continues(self)
        self._step = ResumeAction.RESUME
        self._stop(signal_stop(siginfo))
        self.engine.control(ResumeAction.INTERRUPT)
        return Verdict(ResumeAction.STOP, signal=SignalAction.IGN)

    def _unpark(self, signal: SignalReport) -> Answer:
        parked, self._parked = self._parked, None
        self._made_up = False
        signo, self._deliver = self._deliver, 0
        resume = ResumeAction.DETACH if self._leaving else self._step
        if self._wanted is not None and not self._leaving:
            # Told at the handler's first instruction, or now if there is nothing to deliver.
            self.engine.control(ResumeAction.INTERRUPT)
        if not signo or parked is None or signal.action is SignalAction.IGN or self._is_overtaken(signo):
            # Also what another tracer has dropped.
            return Verdict(resume, signal=SignalAction.IGN)
        if int.from_bytes(parked[:4], "little") == signo:
            signal.siginfo = parked
        else:
            # As kernel/signal.c:ptrace_signal(): a new number comes from the tracer.
            signal.siginfo = signal_siginfo(signo, 0, self.tracer_pid)
        return Verdict(resume, signal=SignalAction.DELIVER)

    def _is_overtaken(self, signo: int) -> bool:
        """Tell whether a SIGCONT has come since the signal stop began: then no signal stops the group.

        Reference: Linux 6.18 kernel/signal.c:do_signal_stop(), JOBCTL_STOP_DEQUEUED.
        """
        return signo in STOP_SIGNALS and self._tracer.continues(self) > self._continues

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
        message = 1 if kind is StopKind.SYSCALL_ENTRY else 2
        return self._stop(syscall_stop(kind, self.options, self.tracee.tid), message=message)

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
        """Stop in the group-stop."""
        if job_control.type == CLD_STOPPED:
            return self._stop_by(job_control.signo)
        # What a listening one tells of the end comes with the notice.
        return None

    def release(self, engine: Engine) -> None:
        """Tell the tracer's registry that the link is gone."""
        self.stop = None
        self._tracer.gone(self)
