"""Which signal has the effect decided."""

from __future__ import annotations

import pytest

from tests.unit.tracehook.rig import Rig, siginfo
from utrace.core.events import SIGNAL_ALL
from utrace.core.verdicts import SignalAction
from utrace.kernel.api import Disposition, FactKind
from utrace.tracehook.signal_decision import CarriedSignal, SignalOccurrence, pending, signo_for

SIGURG, SIGTERM, SIGHUP, BY_TKILL = 23, 15, 1, -6

EVERY = (1 << 64) - 1
TERM, CORE, STOP, TSTP = SignalAction.TERM, SignalAction.CORE, SignalAction.STOP, SignalAction.TSTP


def occurrence(signo: int, *, ignored: int = 0, caught: int = 0) -> SignalOccurrence:
    return SignalOccurrence(siginfo(signo), Disposition(blocked=0, ignored=ignored, caught=caught))


@pytest.mark.parametrize(
    ("action", "signo"), [(TERM, 2), (TERM, 13), (TERM, 10), (CORE, 11), (STOP, 19), (TSTP, 22)]
)
def test_a_signal_that_does_it_by_default_is_itself(action: SignalAction, signo: int) -> None:
    assert signo_for(action, occurrence(signo)) == signo


@pytest.mark.parametrize(("action", "expected"), [(TERM, 15), (CORE, 3), (STOP, 19), (TSTP, 20)])
def test_another_is_represented(action: SignalAction, expected: int) -> None:
    assert signo_for(action, occurrence(17)) == expected


@pytest.mark.parametrize(("action", "taken", "expected"), [(TERM, 15, 1), (CORE, 3, 4), (TSTP, 20, 21)])
@pytest.mark.parametrize("how", ["ignored", "caught"])
def test_a_representative_with_a_disposition_of_its_own_is_passed_over(
    action: SignalAction, taken: int, expected: int, how: str
) -> None:
    bit = 1 << (taken - 1)
    ignored, caught = (bit, 0) if how == "ignored" else (0, bit)
    assert signo_for(action, occurrence(17, ignored=ignored, caught=caught)) == expected


@pytest.mark.parametrize(("action", "expected"), [(TERM, 9), (CORE, 9), (TSTP, 19)])
def test_where_every_representative_is_taken_there_is_a_last_resort(
    action: SignalAction, expected: int
) -> None:
    assert signo_for(action, occurrence(17, caught=EVERY & ~(1 << 8) & ~(1 << 18))) == expected


@pytest.mark.parametrize("action", [SignalAction.IGN, SignalAction.REPORT, SignalAction.HANDLER])
def test_nothing_to_deliver_is_no_signal(action: SignalAction) -> None:
    assert signo_for(action, occurrence(15)) == 0


def test_deliver_takes_the_number_in_the_siginfo() -> None:
    assert signo_for(SignalAction.DELIVER, occurrence(12)) == 12


def test_carriers_are_pending_as_what_they_carry() -> None:
    root = Rig().root
    root.carried = {
        SIGURG: [
            CarriedSignal(siginfo(SIGTERM, 1), decided=True),
            CarriedSignal(siginfo(SIGHUP), decided=True),
        ]
    }
    queue = [siginfo(SIGURG, BY_TKILL), siginfo(SIGURG), siginfo(SIGTERM), siginfo(40), siginfo(40)]
    expected = [siginfo(SIGTERM, 1), siginfo(SIGHUP), siginfo(SIGURG), siginfo(40), siginfo(40)]
    assert list(pending(root, queue, for_all=False)) == expected
    assert list(pending(root, queue, for_all=True)) == [queue[0], *queue[2:]]


def test_a_carrier_that_stands_for_several_is_sent_again() -> None:
    rig = Rig()
    first, second = (CarriedSignal(siginfo(signo), decided=True) for signo in (SIGTERM, SIGHUP))
    rig.root.carried = {SIGURG: [first, second]}
    rig.engine("A", SIGNAL_ALL)
    assert f"tgkill {SIGURG}" in rig.feed(FactKind.SIGNAL, SIGURG, siginfo(SIGURG, BY_TKILL))
    assert rig.root.carried == {SIGURG: [second]}
