"""What a signal is decided to be, and how it gets there.

Rules of this file:

1. TERM, CORE, STOP and TSTP take effect through a signal whose default action they are.
2. A signal that no queue of the kernel holds, because an engine put it back or made it up, travels by
   a *carrier*: a signal sent to the thread, in whose delivery-stop the real siginfo takes its place.

Reference: the spec's sections 3.5 and 7.1 (HOLD, "artificial signal from SIGNAL_REPORT"); Linux 6.18
kernel/signal.c:ptrace_signal().
"""

from __future__ import annotations

import enum
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.core.signals import CORE_SIGNALS, SIGSTOP, classify
from utrace.core.verdicts import SignalAction
from utrace.kernel.api import Disposition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from utrace.kernel.api import Fact
    from utrace.tracehook.tracee import Tracee

SIGINFO_BYTES: Final = 128
SIGQUIT: Final = 3
SIGKILL: Final = 9
SIGTERM: Final = 15
SIGTSTP: Final = 20
SI_TKILL: Final = -6
SI_USER: Final = 0

_REPRESENTATIVES: Final = {
    SignalAction.TERM: (SIGTERM, 1, 2, 13, 14, 15),
    SignalAction.CORE: (SIGQUIT, *sorted(CORE_SIGNALS)),
    SignalAction.STOP: (SIGSTOP,),
    SignalAction.TSTP: (SIGTSTP, 21, 22),
}
"""Signals whose default action is the one decided, in order of preference."""

_FALLBACK: Final = {SignalAction.TERM: SIGKILL, SignalAction.CORE: SIGKILL, SignalAction.TSTP: SIGSTOP}


NO_DISPOSITION: Final = Disposition(blocked=0, ignored=0, caught=0)


class SignalOccurrence:
    """The signal being decided; engines edit it in place.

    Attributes:
        siginfo: the raw siginfo_t; si_signo in it is the number that will be delivered; all zeros in a
            report without a signal.
        disposition: the task's signal masks at dequeue time.
        edited: somebody changed `siginfo`.
    """

    __slots__ = ("disposition", "edited", "siginfo")

    def __init__(
        self, siginfo: bytes, disposition: Disposition = NO_DISPOSITION, *, edited: bool = False
    ) -> None:
        self.siginfo = siginfo
        self.disposition = disposition
        self.edited = edited

    def delivered(self) -> int:
        """Return the number to deliver."""
        return int.from_bytes(self.siginfo[:4], "little")


def signo_for(action: SignalAction, occurrence: SignalOccurrence) -> int:
    """Tell which signal, delivered, has the effect decided; 0 for none.

    TERM, CORE, STOP and TSTP take effect through a signal that has them as its default action: the
    reported one if that is so, else a representative; the exit status then shows that one.
    """
    signo = occurrence.delivered()
    match action:
        case SignalAction.IGN | SignalAction.REPORT | SignalAction.HANDLER:
            return 0
        case SignalAction.DELIVER:
            return signo
        case SignalAction.TERM | SignalAction.CORE | SignalAction.STOP | SignalAction.TSTP:
            special = occurrence.disposition.ignored | occurrence.disposition.caught
            for candidate in (signo, *_REPRESENTATIVES[action]):
                if not special & (1 << (candidate - 1)) and (
                    classify(candidate, ignored=False, caught=False)[1] is action
                ):
                    return candidate
            return _FALLBACK[action]


class CarriedSignal(NamedTuple):
    """A signal under way by a carrier.

    Attributes:
        siginfo: what takes the carrier's place.
        decided: it is to be delivered as it is; otherwise it is reported as a new occurrence.
    """

    siginfo: bytes
    decided: bool


def put_back(tracee: Tracee, siginfo: bytes) -> None:
    """Put a signal back at the thread's queue, to be reported again (HOLD).

    It is its own carrier, so that blocking it holds it up as it would have.
    """
    _carry(tracee, int.from_bytes(siginfo[:4], "little"), CarriedSignal(siginfo, decided=False))


def send(tracee: Tracee, siginfo: bytes) -> None:
    """Send a signal with this siginfo, so that it is found pending where it is blocked.

    The kernel queues a signal again that is blocked when a tracer delivers it
    (kernel/signal.c:ptrace_signal()).  What sigtimedwait(2) waits for is blocked, but not while it waits.
    """
    signo = int.from_bytes(siginfo[:4], "little")
    if _readiness(tracee, signo) is not _Readiness.OPEN:
        _carry(tracee, _other_carrier(tracee, signo), CarriedSignal(siginfo, decided=True))
    else:
        put_back(tracee, siginfo)


def send_to_process(tracee: Tracee, siginfo: bytes) -> None:
    """Send a signal with this siginfo to a process; of its threads not blocking it this one is the first.

    Where all block it, it is found pending for the process, by sigwait(3) or signalfd(2) of any thread.
    """
    signo = int.from_bytes(siginfo[:4], "little")
    others = [other for other in tracee.process.tracees.values() if other is not tracee and not other.gone]
    first = _readiness(tracee, signo)
    rest = set() if first is _Readiness.OPEN else {_readiness(other, signo) for other in others}
    if first is _Readiness.OPEN or (first is _Readiness.BLOCKED and rest - _SHUT == _SOME_OPEN):
        carrier, signal = signo, CarriedSignal(siginfo, decided=False)
    else:
        carrier, signal = _other_carrier(tracee, signo), CarriedSignal(siginfo, decided=True)
    if signo < _FIRST_REAL_TIME and any(
        one.siginfo[:4] == siginfo[:4] for queue in tracee.process.carried.values() for one in queue
    ):
        # A standard signal is pending once (kernel/signal.c:legacy_queue()).
        return
    tracee.process.carried.setdefault(carrier, []).append(signal)
    tracee.kernel.kill(tracee.tid, carrier)


class _Readiness(enum.Enum):
    """What a thread does with a signal that comes now."""

    OPEN = enum.auto()
    BLOCKED = enum.auto()
    WAITING = enum.auto()
    """It sleeps in sigtimedwait(2), perhaps for this one: the siginfo of a carrier would be seen there."""


_SOME_OPEN: Final = frozenset({_Readiness.OPEN})
_SHUT: Final = frozenset({_Readiness.BLOCKED})


def _readiness(tracee: Tracee, signo: int) -> _Readiness:
    disposition = tracee.kernel.disposition(tracee.tid)
    bit = 1 << (signo - 1)
    if disposition is None or disposition.blocked & bit:
        return _Readiness.BLOCKED
    waits = tracee.kernel.blocked_syscall(tracee.tid) in _SIGTIMEDWAIT.get(tracee.arch, (_NO_CALL,))
    return _Readiness.WAITING if waits and not disposition.caught & bit else _Readiness.OPEN


def _other_carrier(tracee: Tracee, signo: int) -> int:
    """Choose a carrier that is not the signal itself, so that this is queued anew where it is blocked."""
    disposition = tracee.kernel.disposition(tracee.tid)
    blocked = 0 if disposition is None else disposition.blocked
    unblocked = (number for number in _CARRIERS if number != signo and not blocked & (1 << (number - 1)))
    return next(unblocked, SIGSTOP)


def deliver_made_up(tracee: Tracee, occurrence: SignalOccurrence, action: SignalAction) -> None:
    """Have a signal delivered that an engine made up where there was none."""
    disposition = tracee.kernel.disposition(tracee.tid)
    if disposition is None:
        return
    occurrence.disposition = disposition
    signo = signo_for(action, occurrence)
    siginfo = signo.to_bytes(4, "little") + occurrence.siginfo[4:]
    unblocked = [number for number in (signo, *_CARRIERS) if not disposition.blocked & (1 << (number - 1))]
    _carry(tracee, unblocked[0] if unblocked else SIGSTOP, CarriedSignal(siginfo, decided=True))


_NO_CALL: Final = -1
_SIGTIMEDWAIT: Final = {0: (128,), 0xC000003E: (128,), 0x40000003: (177, 421), 0xC00000B7: (137,)}
_CARRIERS: Final = (23, 28, 17, *range(34, 65))
"""Signals that do nothing by being sent: URG, WINCH, CHLD and the real-time ones."""


def _carry(tracee: Tracee, carrier: int, signal: CarriedSignal) -> None:
    tracee.carried.setdefault(carrier, []).append(signal)
    tracee.kernel.tgkill(tracee.tid, carrier)


def unload(tracee: Tracee, fact: Fact) -> tuple[Fact, CarriedSignal | None]:
    """Put a carried signal in the place of its carrier, if this delivery-stop is one's.

    A signal of the same number from somebody else gets the next ride: standard signals coalesce, so
    that it may be all that is left of our carrier.  So do carriers of one number.
    """
    tid, kind, signo, siginfo = fact
    if not isinstance(siginfo, bytes):
        return fact, None
    code = int.from_bytes(siginfo[8:12], "little", signed=True)
    # A process' carriers are sent by kill(2), a thread's by tkill(2).
    queues = ((tracee.carried, SI_TKILL), (tracee.process.carried, SI_USER))
    waiting = [(queue, its_code) for queue, its_code in queues if signo in queue]
    if not waiting:
        return fact, None
    queue, its_code = next((one for one in waiting if one[1] == code), waiting[0])
    carried = queue[signo].pop(0)
    if code != its_code:
        queue[signo].append(CarriedSignal(siginfo, decided=False))
    if queue[signo]:
        _send_again(tracee, signo, to_process=queue is not tracee.carried)
    else:
        del queue[signo]
    return (tid, kind, int.from_bytes(carried.siginfo[:4], "little"), carried.siginfo), carried


def pending(tracee: Tracee, queued: Iterable[bytes], *, for_all: bool) -> Iterator[bytes]:
    """Tell what is pending for a thread, or `for_all` of its process, from the kernel's queue.

    Carriers are what they carry.  A standard signal is pending once (signal(7)).
    """
    carried, its_code = (tracee.process.carried, SI_USER) if for_all else (tracee.carried, SI_TKILL)
    seen: set[int] = set()
    for siginfo in queued:
        signo, code = _NUMBER_AND_CODE.unpack_from(siginfo)
        waiting = carried.get(signo, ()) if code == its_code else ()
        for one in [signal.siginfo for signal in waiting] or [siginfo]:
            number = int.from_bytes(one[:4], "little")
            if number not in seen:
                yield one
            if number < _FIRST_REAL_TIME:
                seen.add(number)


_NUMBER_AND_CODE: Final = struct.Struct("<i4xi")
_FIRST_REAL_TIME: Final = 32


def _send_again(tracee: Tracee, signo: int, *, to_process: bool) -> None:
    """Send a carrier for the signals that are left, unless it is under way."""
    disposition = tracee.kernel.disposition(tracee.tid)
    if disposition is None:
        return
    bit = 1 << (signo - 1)
    if to_process and not disposition.shared & bit:
        tracee.kernel.kill(tracee.tid, signo)
    elif not to_process and not disposition.queued & bit:
        tracee.kernel.tgkill(tracee.tid, signo)
