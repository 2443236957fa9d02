"""One tracer's hold on one tracee: the stop that it stands in, and what the tracer asks for.

What the tracee does is told to its subclass, `utrace.engines.ptrace.PtraceEngine`.

Reference: ptrace(2); Linux 6.18 kernel/ptrace.c, kernel/signal.c:ptrace_stop().
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.arch import syscall_abi
from utrace.core.events import Event
from utrace.core.verdicts import ResumeAction
from utrace.engines.ptrace_stops import (
    SI_KERNEL,
    Option,
    PtraceEvent,
    PtraceStop,
    StopKind,
    event_stop,
    group_stop,
    signal_siginfo,
    signal_stop,
)
from utrace.kernel import procfs
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from utrace.engines.ptrace_tracer import Tracer
    from utrace.tracer.engine import Engine
    from utrace.tracer.task import Task


SIGSTOP: Final = 19


class PtraceLink(EngineOps):
    """The link of one tracer to one tracee.

    Attributes:
        tracee: the traced task; `engine` this engine on it.
        tracer_tid: the tracer's thread; only it may make requests.
        tracer_pid: the tracer's process; any of its threads may wait.
        seized: by PTRACE_SEIZE.
        is_debugger: it plants breakpoints, so far as is known: it attached otherwise, or has written memory.
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
        self.is_debugger = not seized
        self.options = Option(options)
        self.stop: PtraceStop | None = None
        self.message = 0
        self._wanted: PtraceStop | None = None
        self._parked: bytes | None = None
        self._made_up = False
        self._continues = 0
        self._deliver = 0
        self._leaving = False
        self._lent = False
        self._missed: bytes | None = None
        self._notices = 0
        self._noticed = False
        self._is_of_notice = False
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
        self._notices = engine.task.notices
        engine.stops_at_events = True

    def describe(self) -> str:
        """Tell whose link it is."""
        return f"ptrace by {self.tracer_tid} ({procfs.comm(self.tracer_tid) or '?'})"

    def describe_stop(self, engine: Engine) -> str:
        """Tell which ptrace-stop the tracee stands in for this tracer."""
        return "" if self.stop is None else self.stop.describe()

    # -- stops ------------------------------------------------------------------------------------

    def _stop(self, stop: PtraceStop, *, message: int = 0) -> ResumeAction:
        self.stop = stop
        is_event_stop = stop.code >> 8 == PtraceEvent.STOP
        self._is_of_notice = self._is_of_notice and self._wanted is None and is_event_stop
        self._listen_no_more()
        if is_event_stop:
            self._noticed = False
        self.message = message
        if self._wanted is not None and self._wanted.kind is not StopKind.SIGNAL_DELIVERY:
            # Any stop uses a pending interrupt up (kernel/signal.c:ptrace_stop()).
            self._wanted = None
        self._tracer.stopped(self)
        return ResumeAction.STOP

    def _event(self, event: PtraceEvent, message: int) -> ResumeAction:
        return self._stop(event_stop(event, self.tracee.tid), message=message)

    def interrupt(self) -> None:
        """PTRACE_INTERRUPT: stop in an EVENT_STOP; a listening tracee reports its group-stop again.

        In a stop it is kept for when that ends; but the stop of a SIGCONT of which the tracer has yet to be
        told is one with it, as where both come before the tracee runs.
        """
        if self._is_of_notice and self.stop is not None and not self.stop.waited:
            return
        if self.stop is None and self.engine.task.jctl:
            self.stop_with_group()
            return
        self._listen_no_more()
        self._want_event_stop()
        self._demand()

    def _want_event_stop(self) -> None:
        self._wanted = event_stop(PtraceEvent.STOP, self.tracee.tid)

    def _take_notice(self) -> None:
        """Tell of a SIGCONT by an event stop, now or when the present stop is over (ptrace_trap_notify())."""
        notices = self.engine.task.notices
        if notices != self._notices:
            self._notices = notices
            if self.seized and self.stop is not None:
                self._noticed = True
            elif self.seized and self._wanted is None:
                self._want_event_stop()
                self._is_of_notice = True

    def stop_alone(self, siginfo: bytes) -> None:
        """Stop for a SIGSTOP that the tracer itself sent to this very thread, which others do not see."""
        self._wanted = signal_stop(siginfo)
        self._demand()

    def take_back_stop(self) -> bool:
        """Take back such a SIGSTOP, as a SIGCONT does; tell whether there was one."""
        if self._wanted is None or self._wanted.code != SIGSTOP:
            return self._made_up
        self._wanted = None
        return True

    @property
    def pending_stop(self) -> bytes | None:
        """The siginfo of such a SIGSTOP that has not shown yet."""
        wanted = self._wanted
        return wanted.siginfo if wanted is not None and wanted.kind is StopKind.SIGNAL_DELIVERY else None

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
        self._stop_by(self._tracer.group_stop_signal(self))
        self.engine.control(ResumeAction.STOP)

    def _stop_by(self, signo: int) -> ResumeAction:
        return self._stop(group_stop(signo, self.tracee.tid, seized=self.seized))

    def stop_at_birth(self) -> None:
        """Make a new tracee stop before its first instruction: EVENT_STOP if seized, else SIGSTOP."""
        if self.seized:
            self._want_event_stop()
        else:
            self._wanted = signal_stop(signal_siginfo(SIGSTOP, 0))
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
        if self._sysemu and stop is not None and stop.kind is StopKind.SYSCALL_ENTRY:
            self._keep_result()
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
        if self._noticed and self._wanted is None:
            self._want_event_stop()
        if self._missed is not None and self._wanted is None:
            missed, self._missed = self._missed, None
            if self._tracer.is_hit(self):
                self._wanted = signal_stop(missed)
        self.engine.control(ResumeAction.INTERRUPT if self._has_more() else step)
        if any(other.wants_stop for other in self.engine.task.engines):
            self.stand_still_too()

    def _keep_result(self) -> None:
        """Let a call that is left out return what the tracer has put where its result is (PTRACE_SYSEMU)."""
        call, registers = self.tracee.call, self.tracee.regs
        if call is not None:
            self.engine.task.syscall_result = syscall_abi(call.arch, type(registers)).result(registers)

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

    _listens_there = False
    """Listening where the group is not stopped, as the tracee itself does."""

    _alone = False
    """Listening while the tracee stands in another tracer's stop: it stands still until an interrupt."""

    def listen(self) -> None:
        """PTRACE_LISTEN: leave the ptrace-stop, stay stopped, in the group's stop or without one."""
        self.stop = None
        self.listening = True
        if self._noticed:
            self._want_event_stop()
            self._demand()
            return
        task = self.engine.task
        # Without a group-stop the tracee itself listens, if it stands where it can be told to.
        self._alone = not task.jctl and not task.in_trap
        if not task.jctl and task.in_trap:
            task.listens += 1
            self._listens_there = True
        if not self._alone:
            self.engine.control(ResumeAction.RESUME)

    def _listen_no_more(self) -> None:
        self.listening = self._alone = False
        if self._listens_there:
            self._listens_there = False
            self.engine.task.listens -= 1

    def detach(self, signo: int) -> None:
        """PTRACE_DETACH: leave; a parked signal goes on as `signo`, unless that is 0."""
        stop, self.stop = self.stop, None
        if self._listens_there:
            # Its tracer is dead: nobody listens to it any more, and it runs on.
            self._listen_no_more()
            self.engine.control(ResumeAction.INTERRUPT)
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

    def _begin_wanted(self) -> ResumeAction:
        wanted, self._wanted = self._wanted, None
        if wanted is None:
            return ResumeAction.RESUME
        self._step = ResumeAction.RESUME
        if wanted.kind is StopKind.SIGNAL_DELIVERY:
            self._parked, self._made_up = wanted.siginfo, True
        elif signo := self._tracer.stopped_by(self):
            # Also of one that its tracer has let run meanwhile (kernel/signal.c:do_jobctl_trap()).
            return self._stop_by(signo)
        return self._stop(wanted)

    def set_siginfo(self, siginfo: bytes) -> None:
        """PTRACE_SETSIGINFO: change the siginfo of the stop."""
        if self.stop is not None:
            self.stop.siginfo = siginfo
        if self._parked is not None:
            self._parked = siginfo
