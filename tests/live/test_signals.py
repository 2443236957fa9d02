"""Signals under engines: delivered, dropped, replaced, edited, parked; the report at a handler's entry."""

from __future__ import annotations

import signal
import struct
from typing import TYPE_CHECKING

import pytest

from tests.live.recorder import DEADLINE_S, Recorder
from tests.waiting import wait_for_state, wait_until
from utrace import Answer, Event, ResumeAction, Session, SignalAction, SignalReport, Task, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import TraceeFactory

pytestmark = pytest.mark.requires("gcc")

USR1 = signal.SIGUSR1.value
USR2 = signal.SIGUSR2.value
TERM = signal.SIGTERM.value
WINCH = signal.SIGWINCH.value
SI_QUEUE = -1
SI_USER = 0


class Decides(Recorder):
    """Answers one number's signals by a function."""

    def __init__(
        self,
        signo: int,
        decide: Callable[[SignalReport], Answer],
        events: Event = Event.SIGNAL_ALL,
    ) -> None:
        super().__init__(events)
        self.signo = signo
        self.decide = decide

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        super().report_signal(task, signal)
        return self.decide(signal) if signal.signo == self.signo else None


@pytest.mark.parametrize(
    ("signo", "line"),
    [(USR1, f"signal {USR1} DELIVER"), (WINCH, f"signal {WINCH} IGN"), (TERM, f"signal {TERM} TERM")],
)
def test_signal_is_reported_with_what_will_become_of_it(tracee: TraceeFactory, signo: int, line: str) -> None:
    program = tracee("handles")
    program.read_line()
    seen = Recorder(Event.SIGNAL_ALL)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        program.signal(signo)
        seen.wait_for(line)
        if signo == USR1:
            assert program.read_line() == f"{USR1} {USR1} {SI_USER} 0"
        if signo == TERM:
            assert program.next_news() == f"killed {TERM}"
    assert seen.lines() == [line]


def test_signal_is_ignored_on_demand(tracee: TraceeFactory) -> None:
    program = tracee("handles")
    program.read_line()
    drops = Decides(TERM, lambda _: Verdict(signal=SignalAction.IGN))
    with Session() as session:
        session.attach(program.pid, engines=[drops])
        program.signal(TERM)
        drops.wait_for(f"signal {TERM}")
        program.signal(USR1)
        assert program.read_line() == f"{USR1} {USR1} 0 0"


def test_signal_is_replaced_by_another(tracee: TraceeFactory) -> None:
    program = tracee("handles")
    program.read_line()

    def replace(report: SignalReport) -> Answer:
        report.signo = USR2
        return Verdict(signal=SignalAction.DELIVER)

    with Session() as session:
        session.attach(program.pid, engines=[Decides(TERM, replace)])
        program.signal(TERM)
        assert program.read_line() == f"{USR2} {USR2} {SI_USER} 0"


def test_edited_siginfo_is_what_the_handler_gets(tracee: TraceeFactory) -> None:
    program = tracee("handles")
    program.read_line()

    def edit(report: SignalReport) -> Answer:
        # si_signo, si_errno, si_code, padding, si_pid, si_uid, si_value
        report.siginfo = struct.pack("<iiiiiii", USR1, 0, SI_QUEUE, 0, 1, 0, 4242).ljust(128, b"\0")
        return None

    with Session() as session:
        session.attach(program.pid, engines=[Decides(USR1, edit)])
        program.signal(USR1)
        assert program.read_line() == f"{USR1} {USR1} {SI_QUEUE} 4242"


@pytest.mark.parametrize(
    ("action", "news"),
    [
        (SignalAction.TERM, f"killed {TERM}"),
        (SignalAction.CORE, f"killed {signal.SIGQUIT.value}"),
        (SignalAction.STOP, f"stopped {signal.SIGSTOP.value}"),
    ],
)
def test_handled_signal_is_made_to_end_or_stop_the_program(
    tracee: TraceeFactory, action: SignalAction, news: str
) -> None:
    program = tracee("handles")
    program.read_line()
    with Session() as session:
        session.attach(program.pid, engines=[Decides(USR1, lambda _: Verdict(signal=action))])
        program.signal(USR1)
        assert program.next_news() == news


def test_last_engine_decides_about_a_signal(tracee: TraceeFactory) -> None:
    program = tracee("handles")
    program.read_line()
    drops = Decides(USR1, lambda _: Verdict(signal=SignalAction.IGN))
    delivers = Decides(USR1, lambda _: Verdict(signal=SignalAction.DELIVER))
    with Session() as session:
        session.attach(program.pid, engines=[drops, delivers])
        program.signal(USR1)
        assert program.read_line() == f"{USR1} {USR1} 0 0"
    # The second engine was told what the first had decided.
    assert delivers.lines() == [f"signal {USR1} IGN"]


@pytest.mark.parametrize("resume", [ResumeAction.RESUME, ResumeAction.REPORT])
def test_parked_signal_is_dropped_or_delivered_later(tracee: TraceeFactory, resume: ResumeAction) -> None:
    program = tracee("handles")
    program.read_line()

    def park(report: SignalReport) -> Answer:
        if report.action is SignalAction.REPORT:
            return Verdict(ResumeAction.RESUME, signal=SignalAction.DELIVER)
        return Verdict(ResumeAction.STOP, signal=SignalAction.IGN)

    parks = Decides(USR1, park, Event.SIGNAL_ALL | Event.QUIESCE)
    with Session() as session:
        task = session.attach(program.pid, engines=[parks])
        program.signal(USR1)
        parks.wait_for(f"signal {USR1}")
        wait_until(lambda: task.is_held, DEADLINE_S, "the stop")
        task.engine(parks).control(resume)
        if resume is ResumeAction.REPORT:
            assert program.read_line() == f"{USR1} {USR1} 0 0"
        program.signal(USR2)
        assert program.read_line() == f"{USR2} {USR2} 0 0"


class WatchesHandler(Recorder):
    """Has, at a signal, a report made at its handler's entry."""

    def __init__(self, *, by_step: bool) -> None:
        super().__init__(Event.QUIESCE | Event.SIGNAL)
        self.by_step = by_step
        self.pcs: list[int] = []

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        super().report_signal(task, signal)
        if signal.action is SignalAction.HANDLER:
            self.pcs.append(task.regs.pc)
            return None
        if self.by_step:
            return ResumeAction.SINGLESTEP
        # Answered, REPORT would count as RESUME: on the way to user mode it would never end.
        task.engine(self).control(ResumeAction.INTERRUPT)
        return None


@pytest.mark.parametrize("by_step", [False, True], ids=["control", "step"])
def test_handler_entry_is_reported_with_the_registers_there(tracee: TraceeFactory, by_step: bool) -> None:
    program = tracee("handles")
    address = int(program.read_line().split()[1], 16)
    watches = WatchesHandler(by_step=by_step)
    with Session() as session:
        session.attach(program.pid, engines=[watches])
        program.signal(USR1)
        assert program.read_line() == f"{USR1} {USR1} 0 0"
    assert watches.lines()[:2] == [f"signal {USR1} DELIVER", "signal 0 HANDLER"]
    assert watches.pcs == [address]


@pytest.mark.law("INV-30", "INV-49")
def test_interrupt_is_reported_before_a_queued_signal(tracee: TraceeFactory) -> None:
    program = tracee("handles")
    program.read_line()
    seen = Recorder(Event.QUIESCE | Event.SIGNAL_ALL)
    with Session() as session:
        task = session.attach(program.pid, engines=[seen])
        engine = task.engine(seen)
        engine.control(ResumeAction.STOP)
        wait_until(lambda: task.is_held, DEADLINE_S, "the stop")
        program.signal(USR1)
        engine.control(ResumeAction.INTERRUPT)
        assert program.read_line() == f"{USR1} {USR1} 0 0"
    assert seen.lines(starting="signal")[:2] == ["signal 0 REPORT", f"signal {USR1} DELIVER"]


def test_signals_nobody_asked_for_pass_untouched(tracee: TraceeFactory) -> None:
    program = tracee("handles")
    program.read_line()
    seen = Recorder(Event.SYSCALL_ENTRY)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        for _ in range(20):
            program.signal(USR1)
            assert program.read_line() == f"{USR1} {USR1} 0 0"
        program.signal(TERM)
        assert program.next_news() == f"killed {TERM}"
    assert not seen.lines(starting="signal")


def test_sigkill_is_never_reported(tracee: TraceeFactory) -> None:
    program = tracee("handles")
    program.read_line()
    seen = Recorder(Event.SIGNAL_ALL | Event.QUIESCE | Event.EXIT)
    with Session() as session:
        session.attach(program.pid, engines=[seen])
        program.signal(signal.SIGKILL)
        session.run(timeout_s=DEADLINE_S)
    assert seen.lines(starting="signal") == []
    assert seen.lines(starting="exit") == ["exit 9"]


def test_signal_of_a_blocked_program_reaches_it_after_letting_go(tracee: TraceeFactory) -> None:
    program = tracee("handles")
    program.read_line()
    with Session() as session:
        holds = Decides(USR1, lambda _: ResumeAction.STOP)
        task = session.attach(program.pid, engines=[holds])
        program.signal(USR1)
        holds.wait_for(f"signal {USR1}")
        wait_for_state(program.pid, "t")
        task.engine(holds).detach()
        assert program.read_line() == f"{USR1} {USR1} 0 0"


@pytest.mark.parametrize("signo", [USR1, TERM])
def test_held_signal_comes_again_as_it_was(tracee: TraceeFactory, signo: int) -> None:
    program = tracee("handles")
    program.read_line()
    times: list[bytes] = []

    def hold_twice(report: SignalReport) -> Answer:
        times.append(report.siginfo)
        return Verdict(signal=SignalAction.IGN, hold=True) if len(times) < 3 else None

    holds = Decides(signo, hold_twice)
    with Session() as session:
        session.attach(program.pid, engines=[holds])
        program.signal(signo)
        if signo == USR1:
            assert program.read_line() == f"{USR1} {USR1} {SI_USER} 0"
        else:
            assert program.next_news() == f"killed {TERM}"
        assert session.faults == []
    assert len(times) == 3
    assert len(set(times)) == 1


@pytest.mark.law("INV-50")
def test_signal_that_comes_during_a_stop_is_seen_after_it(tracee: TraceeFactory) -> None:
    program = tracee("handles")
    program.read_line()
    seen = Recorder(Event.QUIESCE | Event.SIGNAL_ALL)
    with Session() as session:
        engine = session.attach(program.pid, engines=[seen]).engine(seen)
        engine.control(ResumeAction.STOP)
        engine.prepare_examine(timeout_s=DEADLINE_S)
        before = len(seen.lines(starting="signal"))
        program.signal(USR1)
        assert seen.lines(starting="signal")[before:] == []
        engine.control(ResumeAction.RESUME)
        seen.wait_for(f"signal {USR1} DELIVER")
        assert program.read_line() == f"{USR1} {USR1} {SI_USER} 0"
