"""Signal-delivery-stops: what the engines decide is what is delivered."""

from __future__ import annotations

import pytest

from tests.unit.core.backend import doing
from tests.unit.tracehook.rig import ROOT, Rig, siginfo, x86_64_regset
from utrace.core.control import control
from utrace.core.events import EXEC, QUIESCE, SIGNAL_ALL, SYSCALL, Event
from utrace.core.verdicts import ResumeAction, SignalAction, Verdict
from utrace.kernel.api import Disposition, FactKind
from utrace.tracehook.signal_decision import SignalOccurrence

SIGNAL, TRAP = FactKind.SIGNAL, FactKind.TRAP
STOP, REPORT, RESUME = ResumeAction.STOP, ResumeAction.REPORT, ResumeAction.RESUME
INTERRUPT, SINGLESTEP, DETACH = ResumeAction.INTERRUPT, ResumeAction.SINGLESTEP, ResumeAction.DETACH
SIGUSR1, SIGTERM, SIGTRAP = 10, 15, 5


@pytest.fixture
def rig() -> Rig:
    return Rig()


def caught(*numbers: int) -> Disposition:
    return Disposition(blocked=0, ignored=0, caught=sum(1 << (number - 1) for number in numbers))


def ignored(*numbers: int) -> Disposition:
    return Disposition(blocked=0, ignored=sum(1 << (number - 1) for number in numbers), caught=0)


@pytest.mark.parametrize("mask", [EXEC, SYSCALL])
def test_what_nobody_can_be_told_passes_untouched(rig: Rig, mask: int) -> None:
    rig.engine("A", mask)
    assert rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1)) == [
        f"{'SYSCALL' if mask == SYSCALL else 'CONT'} {SIGUSR1}"
    ]


def test_a_class_nobody_asked_for_passes(rig: Rig) -> None:
    rig.engine("A", Event.SIGNAL_CORE)
    assert rig.feed(SIGNAL, SIGTERM, siginfo(SIGTERM)) == [f"CONT {SIGTERM}"]


class Asked(Exception):
    """The kernel was asked what a program does with a signal."""


@pytest.mark.parametrize(
    ("result", "mask", "asks"),
    [(0, EXEC, False), (-4, EXEC, True), (0, EXEC | Event.SIGNAL_CORE, True), (0, EXEC | QUIESCE, True)],
)
def test_what_the_program_does_is_asked_where_it_matters(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, result: int, mask: int, asks: bool
) -> None:
    def asked(_tid: int) -> Disposition:
        raise Asked

    monkeypatch.setattr(rig.kernel, "disposition", asked)
    rig.kernel.regsets[ROOT] = x86_64_regset(orig_rax=61, rax=result)
    rig.engine("A", mask)
    if asks:
        with pytest.raises(Asked):
            rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1))
    else:
        assert rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1)) == [f"CONT {SIGUSR1}"]


@pytest.mark.parametrize(
    ("disposition", "event"),
    [
        (caught(SIGUSR1), Event.SIGNAL),
        (ignored(SIGUSR1), Event.SIGNAL_IGN),
        (caught(), Event.SIGNAL_TERM),
    ],
)
def test_the_class_follows_from_the_disposition(rig: Rig, disposition: Disposition, event: Event) -> None:
    rig.kernel.dispositions[ROOT] = disposition
    rig.engine("A", event)
    rig.engine("B", SIGNAL_ALL & ~event)
    happened = rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1))
    assert happened[0] == "A.signal"
    assert "B.signal" not in happened


@pytest.mark.law("INV-15")
@pytest.mark.parametrize(("disposition", "delivered"), [(caught(SIGUSR1), 1), (caught(), 1)])
def test_without_an_opinion_the_signal_is_delivered(
    rig: Rig, disposition: Disposition, delivered: int
) -> None:
    rig.kernel.dispositions[ROOT] = disposition
    rig.engine("A", SIGNAL_ALL)
    assert rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1)) == ["A.signal", f"CONT {SIGUSR1}"]


def test_a_killed_tracee_has_no_disposition_and_no_report(rig: Rig) -> None:
    rig.kernel.dispositions[ROOT] = None
    rig.engine("A", SIGNAL_ALL)
    assert "A.signal" not in rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1))


@pytest.mark.parametrize(
    ("action", "delivered"),
    [
        (SignalAction.IGN, 0),
        (SignalAction.REPORT, 0),
        (SignalAction.HANDLER, 0),
        (SignalAction.DELIVER, SIGUSR1),
        (SignalAction.TERM, SIGTERM),
        (SignalAction.CORE, 3),
        (SignalAction.STOP, 19),
        (SignalAction.TSTP, 20),
    ],
)
def test_each_decision_has_its_signal(rig: Rig, action: SignalAction, delivered: int) -> None:
    rig.kernel.dispositions[ROOT] = caught(SIGUSR1)
    rig.engine("A", SIGNAL_ALL, signal=Verdict(signal=action))
    happened = rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1))
    assert happened == ["A.signal", f"CONT {delivered}" if delivered else "CONT"]


def test_an_edited_siginfo_is_what_the_handler_gets(rig: Rig) -> None:
    def edit() -> None:
        occurrence = rig.task.occurrence
        assert isinstance(occurrence, SignalOccurrence)
        occurrence.siginfo, occurrence.edited = siginfo(12, 77), True

    rig.engine("A", SIGNAL_ALL, signal=doing(edit, Verdict(signal=SignalAction.DELIVER)))
    assert rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1)) == ["A.signal", "set_siginfo 12", "CONT 12"]
    assert rig.kernel.siginfos == [siginfo(12, 77)]


@pytest.mark.law("INV-16")
def test_a_stop_that_ignores_holds_here_and_a_kill_delivers_nothing(rig: Rig) -> None:
    rig.engine("A", SIGNAL_ALL, signal=Verdict(STOP, signal=SignalAction.IGN))
    assert rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1)) == ["A.signal", "held"]
    assert f"CONT {SIGUSR1}" not in rig.feed(FactKind.EXIT, 9)


@pytest.mark.law("INV-30", "INV-49")
def test_a_parked_signal_is_delivered_by_the_report_after_the_stop(rig: Rig) -> None:
    engine = rig.engine(
        "A",
        QUIESCE | SIGNAL_ALL,
        signal=[Verdict(STOP, signal=SignalAction.IGN), Verdict(RESUME, signal=SignalAction.DELIVER)],
    )
    rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1))
    control(engine, INTERRUPT)
    assert rig.settle() == ["A.signal", f"CONT {SIGUSR1}"]


@pytest.mark.parametrize("is_caught", [True, False])
def test_a_stop_with_a_handler_comes_at_the_handler(rig: Rig, is_caught: bool) -> None:
    seen: list[SignalAction] = []
    rig.kernel.dispositions[ROOT] = caught(SIGUSR1) if is_caught else ignored(SIGUSR1)
    rig.engine(
        "A",
        QUIESCE | SIGNAL_ALL,
        signal=doing(lambda: seen.append(rig.task.signal_action), Verdict(STOP, signal=SignalAction.DELIVER)),
    )
    assert rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1)) == ["A.signal", "interrupt", f"CONT {SIGUSR1}"]
    rig.feed(TRAP)
    assert seen[1] is (SignalAction.HANDLER if is_caught else SignalAction.REPORT)


def test_when_the_last_engine_leaves_the_signal_goes_with_the_detach(rig: Rig) -> None:
    rig.engine("A", SIGNAL_ALL, signal=DETACH)
    assert rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1)) == ["A.signal", f"detach {SIGUSR1}", "over"]


@pytest.mark.law("INV-12")
def test_a_report_pending_at_a_signal_nobody_asked_for_is_served_after_it(rig: Rig) -> None:
    engine = rig.engine("A", QUIESCE)
    rig.root.running = False
    control(engine, REPORT)
    rig.settle()
    assert rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1)) == ["interrupt", f"CONT {SIGUSR1}"]
    assert rig.feed(TRAP) == ["A.quiesce", "CONT"]


class TestStepTraps:
    @pytest.mark.parametrize("code", [1, 2, SIGTRAP])
    def test_a_trap_of_our_step_is_dropped_without_an_engine_for_it(self, rig: Rig, code: int) -> None:
        rig.engine("A", QUIESCE, quiesce=SINGLESTEP)
        rig.task.pending = REPORT
        assert rig.feed(TRAP)[-1] == "SINGLESTEP"
        assert rig.feed(SIGNAL, SIGTRAP, siginfo(SIGTRAP, code)) == ["CONT"]

    @pytest.mark.law("INV-11")
    def test_a_trap_of_our_step_is_reported_and_may_step_on(self, rig: Rig) -> None:
        rig.engine("A", QUIESCE | SIGNAL_ALL, quiesce=SINGLESTEP, signal=[SINGLESTEP, None])
        rig.task.pending = REPORT
        rig.feed(TRAP)
        assert rig.feed(SIGNAL, SIGTRAP, siginfo(SIGTRAP, 2)) == ["A.signal", "SINGLESTEP"]
        assert rig.feed(SIGNAL, SIGTRAP, siginfo(SIGTRAP, 2)) == ["A.signal", "CONT"]

    def test_a_trap_of_the_programs_own_is_delivered(self, rig: Rig) -> None:
        rig.engine("A", QUIESCE | SIGNAL_ALL)
        assert rig.feed(SIGNAL, SIGTRAP, siginfo(SIGTRAP, 1)) == ["A.signal", f"CONT {SIGTRAP}"]

    def test_a_sent_trap_is_no_step(self, rig: Rig) -> None:
        rig.engine("A", QUIESCE | SIGNAL_ALL, quiesce=SINGLESTEP)
        rig.task.pending = REPORT
        rig.feed(TRAP)
        assert rig.feed(SIGNAL, SIGTRAP, siginfo(SIGTRAP, -6)) == ["A.signal", f"CONT {SIGTRAP}"]


class TestCarriers:
    def test_a_signal_put_back_comes_again_as_a_new_occurrence(self, rig: Rig) -> None:
        seen: list[bytes] = []

        def look() -> None:
            occurrence = rig.task.occurrence
            assert isinstance(occurrence, SignalOccurrence)
            seen.append(occurrence.siginfo)

        rig.engine("A", SIGNAL_ALL, signal=[Verdict(signal=SignalAction.IGN, hold=True), doing(look)])
        original = siginfo(SIGUSR1, 33)
        assert rig.feed(SIGNAL, SIGUSR1, original) == ["A.signal", f"tgkill {SIGUSR1}", "CONT"]
        happened = rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1, -6))
        assert happened == ["A.signal", f"set_siginfo {SIGUSR1}", f"CONT {SIGUSR1}"]
        assert seen == rig.kernel.siginfos == [original]

    def test_another_signal_of_the_number_does_not_lose_the_one_put_back(self, rig: Rig) -> None:
        rig.engine("A", SIGNAL_ALL, signal=[Verdict(signal=SignalAction.IGN, hold=True), None, None])
        rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1, 33))
        rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1, 44))
        rig.feed(SIGNAL, SIGUSR1, siginfo(SIGUSR1, -6))
        assert rig.kernel.siginfos == [siginfo(SIGUSR1, 33), siginfo(SIGUSR1, 44)]
        assert not rig.root.carried

    @pytest.mark.parametrize(("blocked", "carrier"), [(0, SIGUSR1), (1 << (SIGUSR1 - 1), 23)])
    def test_a_signal_made_up_travels_by_an_unblocked_carrier(
        self, rig: Rig, blocked: int, carrier: int
    ) -> None:
        def make_up() -> None:
            occurrence = rig.task.occurrence
            assert isinstance(occurrence, SignalOccurrence)
            occurrence.siginfo, occurrence.edited = siginfo(SIGUSR1, 55), True

        rig.kernel.dispositions[ROOT] = Disposition(blocked=blocked, ignored=0, caught=0)
        rig.engine("A", QUIESCE, signal=[doing(make_up, Verdict(signal=SignalAction.DELIVER))])
        rig.task.pending = INTERRUPT
        assert rig.feed(TRAP) == ["A.signal", f"tgkill {carrier}", "CONT"]
        happened = rig.feed(SIGNAL, carrier, siginfo(carrier, -6))
        # Blocked, it is queued again, so that it breaks no call.
        mended = ["syscall_restart"] if blocked else []
        assert happened == [f"set_siginfo {SIGUSR1}", *mended, f"CONT {SIGUSR1}"]
        assert rig.kernel.siginfos == [siginfo(SIGUSR1, 55)]
