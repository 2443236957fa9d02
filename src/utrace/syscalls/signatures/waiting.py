"""Waiting for descriptors, locks and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.layouts_ipc import TIMEX
from utrace.syscalls.packed import FUTEX_OP
from utrace.syscalls.pointers import RETURNED, Array, Descriptors, InOut, Out, Ptr, Signals
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.special import SIGNAL_EVENT
from utrace.syscalls.tables import enum_names
from utrace.syscalls.values import ABSENT, Change, FdSet, TimeOfDay
from utrace.syscalls.vectors import EPOLL_EVENT, PollFds, Remaining, SigmaskArgument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.signature import Note, Signature

_FD = Returns.FD
_CLOCK: Final = t.Enum("clockid", "CLOCK_???")
_TIMER_FLAGS: Final = t.Flags("timer_flags", "TIMER_???")
_ITIMER: Final = t.Enum("itimer", "ITIMER_???")
_TIMERFD: Final = t.Flags("timerfd_settime", "TFD_???")
_READ_FDS: Final = InOut(Descriptors("nfds"), noted=True)
_LEFT: Final = InOut(s.TIMESPEC, noted=True)


def _poll_note(call: DecodedCall) -> list[Note]:
    result = call.result
    if result is None:
        return []
    notes: list[Note] = [("Timeout", ABSENT)]
    if result.value:
        fds = call.value(0)
        notes = [("", fds.after)] if isinstance(fds, Change) else []
    return notes + _left_note(call, 2) if call.plan.count > 3 and result.value else notes


def _left_note(call: DecodedCall, index: int) -> list[Note]:
    left = call.value(index)
    return [("left", left.after)] if isinstance(left, Change) else []


def _select_note(call: DecodedCall) -> list[Note]:
    result = call.result
    if result is None:
        return []
    if not result.value:
        return [("Timeout", ABSENT)]
    notes: list[Note] = []
    for index, label in ((1, "in"), (2, "out"), (3, "except")):
        fds = call.value(index)
        if isinstance(fds, Change) and isinstance(fds.after, FdSet) and fds.after:
            notes.append((label, fds.after))
    return notes + _left_note(call, 4)


def _adjtimex_note(call: DecodedCall) -> list[Note]:
    if call.result is None:
        return []
    name = enum_names(call.abi, "adjtimex_state").get(call.result.value)
    return [(name, ABSENT)] if name is not None else []


def _time_note(call: DecodedCall) -> list[Note]:
    return [("", TimeOfDay(call.result.value))] if call.result is not None else []


# The operation without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME decides about the other arguments.
_FUTEX_MASK: Final = 0x7F
_WAIT, _WAKE, _REQUEUE, _CMP_REQUEUE, _WAKE_OP, _LOCK_PI, _UNLOCK_PI, _TRYLOCK_PI = 0, 1, 3, 4, 5, 6, 7, 8
_WAIT_BITSET, _WAKE_BITSET, _WAIT_REQUEUE_PI, _CMP_REQUEUE_PI, _LOCK_PI2 = 9, 10, 11, 12, 13
_BITSET: Final = t.Special("FUTEX_BITSET_MATCH_ANY", 0xFFFFFFFF)


def _by_futex(cases: Mapping[tuple[int, ...], t.ArgType], default: t.ArgType) -> t.Choice:
    table = {operation: kind for operations, kind in cases.items() for operation in operations}
    return t.Choice("futex_op", "", table, default, _FUTEX_MASK)


def futex(timespec: t.ArgType) -> Signature:
    """Declare futex for one size of its timeout."""
    return sig(
        uaddr=t.ADDRESS,
        futex_op=FUTEX_OP,
        val=_by_futex({(_UNLOCK_PI, _LOCK_PI, _TRYLOCK_PI, _LOCK_PI2): t.MISSING}, t.UINT),
        timeout=_by_futex(
            {
                (_WAIT, _WAIT_BITSET, _WAIT_REQUEUE_PI, _LOCK_PI, _LOCK_PI2): timespec,
                (_REQUEUE, _CMP_REQUEUE, _WAKE_OP, _CMP_REQUEUE_PI): t.UINT,
                (_WAKE, _WAKE_BITSET, _UNLOCK_PI, _TRYLOCK_PI): t.MISSING,
            },
            t.HEX,
        ),
        uaddr2=_by_futex(
            {
                (_REQUEUE, _CMP_REQUEUE, _WAKE_OP, _WAIT_REQUEUE_PI, _CMP_REQUEUE_PI): t.ADDRESS,
                (
                    _WAIT,
                    _WAKE,
                    _LOCK_PI,
                    _UNLOCK_PI,
                    _TRYLOCK_PI,
                    _LOCK_PI2,
                    _WAIT_BITSET,
                    _WAKE_BITSET,
                ): t.MISSING,
            },
            t.HEX,
        ),
        val3=_by_futex(
            {
                (_WAIT_BITSET, _WAKE_BITSET): _BITSET,
                (_CMP_REQUEUE, _CMP_REQUEUE_PI): t.UINT,
                (_WAKE_OP,): t.HEX32,
                (
                    _WAIT,
                    _WAKE,
                    _REQUEUE,
                    _LOCK_PI,
                    _UNLOCK_PI,
                    _TRYLOCK_PI,
                    _LOCK_PI2,
                    _WAIT_REQUEUE_PI,
                ): t.MISSING,
            },
            t.HEX,
        ),
    )


CALLS: Final[Mapping[str, Signature]] = {
    "poll": sig(
        Returns.DECIMAL, _poll_note, fds=InOut(PollFds("nfds"), noted=True), nfds=t.UINT, timeout=t.INT
    ),
    "ppoll": sig(
        Returns.DECIMAL,
        _poll_note,
        fds=InOut(PollFds("nfds"), noted=True),
        nfds=t.UINT,
        tmo_p=_LEFT,
        sigmask=Signals(),
        sigsetsize=t.SIZE,
    ),
    "select": sig(
        Returns.DECIMAL,
        _select_note,
        nfds=t.INT,
        readfds=_READ_FDS,
        writefds=_READ_FDS,
        exceptfds=_READ_FDS,
        timeout=InOut(s.TIMEVAL, noted=True),
    ),
    "pselect6": sig(
        Returns.DECIMAL,
        _select_note,
        nfds=t.INT,
        readfds=_READ_FDS,
        writefds=_READ_FDS,
        exceptfds=_READ_FDS,
        timeout=_LEFT,
        sigmask=SigmaskArgument(),
    ),
    "epoll_create": sig(_FD, size=t.INT),
    "epoll_create1": sig(_FD, flags=t.Flags("epoll_create", "EPOLL_???")),
    "epoll_ctl": sig(
        epfd=t.FD,
        op=t.Enum("epoll_ctl", "EPOLL_CTL_???"),
        fd=t.FD,
        event=t.Choice("op", "epoll_ctl", {"EPOLL_CTL_DEL": t.ADDRESS}, Ptr(EPOLL_EVENT)),
    ),
    "epoll_wait": sig(epfd=t.FD, events=Out(Array(EPOLL_EVENT, RETURNED)), maxevents=t.INT, timeout=t.INT),
    "epoll_pwait": sig(
        epfd=t.FD,
        events=Out(Array(EPOLL_EVENT, RETURNED)),
        maxevents=t.INT,
        timeout=t.INT,
        sigmask=Signals(),
        sigsetsize=t.SIZE,
    ),
    "epoll_pwait2": sig(
        epfd=t.FD,
        events=Out(Array(EPOLL_EVENT, RETURNED)),
        maxevents=t.INT,
        timeout=Ptr(s.TIMESPEC64),
        sigmask=Signals(),
        sigsetsize=t.SIZE,
    ),
    "futex": futex(Ptr(s.TIMESPEC)),
    "nanosleep": sig(req=Ptr(s.TIMESPEC), rem=Remaining(s.TIMESPEC)),
    "clock_nanosleep": sig(
        clockid=_CLOCK, flags=_TIMER_FLAGS, request=Ptr(s.TIMESPEC), remain=Remaining(s.TIMESPEC)
    ),
    "clock_gettime": sig(clockid=_CLOCK, tp=Out(s.TIMESPEC)),
    "clock_getres": sig(clockid=_CLOCK, res=Out(s.TIMESPEC)),
    "clock_settime": sig(clockid=_CLOCK, tp=Ptr(s.TIMESPEC)),
    "gettimeofday": sig(tv=Out(s.TIMEVAL), tz=Out(s.TIMEZONE)),
    "settimeofday": sig(tv=Ptr(s.TIMEVAL), tz=Ptr(s.TIMEZONE)),
    "time": sig(Returns.DECIMAL, _time_note, tloc=Out(t.SECONDS_LONG)),
    "getitimer": sig(which=_ITIMER, curr_value=Out(s.ITIMERVAL)),
    "setitimer": sig(which=_ITIMER, new_value=Ptr(s.ITIMERVAL), old_value=Out(s.ITIMERVAL)),
    "timerfd_create": sig(_FD, clockid=_CLOCK, flags=t.Flags("timerfd_create", "TFD_???")),
    "timerfd_settime": sig(fd=t.FD, flags=_TIMERFD, new_value=Ptr(s.ITIMERSPEC), old_value=Out(s.ITIMERSPEC)),
    "timerfd_gettime": sig(fd=t.FD, curr_value=Out(s.ITIMERSPEC)),
    "adjtimex": sig(Returns.DECIMAL, _adjtimex_note, buf=Out(TIMEX)),
    "clock_adjtime": sig(Returns.DECIMAL, _adjtimex_note, clockid=_CLOCK, buf=Out(TIMEX)),
    "timer_create": sig(clockid=_CLOCK, sevp=Ptr(SIGNAL_EVENT), timerid=Out(t.INT)),
    "timer_settime": sig(
        timerid=t.INT, flags=_TIMER_FLAGS, new_value=Ptr(s.ITIMERSPEC), old_value=Out(s.ITIMERSPEC)
    ),
    "timer_gettime": sig(timerid=t.INT, curr_value=Out(s.ITIMERSPEC)),
    "timer_getoverrun": sig(timerid=t.INT),
    "timer_delete": sig(timerid=t.INT),
}
