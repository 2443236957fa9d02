"""Records as data: what JSON can say of a call, a signal, an end.  docs/events.md is the schema.

Rules of this file:

1. Keys are never renamed, and what a key means never changes; new ones may be added.
2. Every event has `event`, `time_ns`, `pid`, `tid`, `comm`.
3. Integers stay integers, of 64 bits at most; addresses are hexadecimal strings; nothing is rounded.

Reference: docs/events.md, which the tests hold to what is made here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.engines.records import CallStatus
from utrace.syscalls.plain import to_data
from utrace.syscalls.siginfo import SIGNAL_NAMES
from utrace.syscalls.values import Named

if TYPE_CHECKING:
    from utrace.engines.records import (
        CallRecord,
        EndRecord,
        ModeRecord,
        Place,
        SignalRecord,
        StopRecord,
        SupersededRecord,
        Thread,
    )
    from utrace.syscalls.values import Data

    Event: TypeAlias = dict[str, Data]

_CORE_DUMPED: Final = 0x80
_TERMSIG: Final = 0x7F
_U64: Final = 1 << 64
_I64_MIN: Final = -(1 << 63)


def _event(kind: str, time_ns: int, thread: Thread) -> Event:
    comm = thread.comm
    return {
        "event": kind,
        "time_ns": time_ns,
        "pid": thread.pid,
        "tid": thread.tid,
        # A name may be any bytes; the usual one needs no second look.
        "comm": comm if comm.isascii() else to_data(os.fsencode(comm)),
    }


def call_event(record: CallRecord) -> Event:
    """Tell of a call that is over; `time_ns` is its entry."""
    call = record.call
    event = _event("call", record.entered_ns, record.thread)
    event["arch"] = call.abi.name
    event["nr"] = call.nr
    event["name"] = call.name
    event["args"] = {name: to_data(value) for name, value in call.args.items()}
    event["status"] = (record.status or CallStatus.UNFINISHED).value
    result = call.result
    if result is not None:
        event["ret"] = -1 if result.is_error else result.value
        if result.is_error:
            event["errno"] = result.errno
            event["error"] = result.name
    if record.duration_ns is not None:
        event["duration_ns"] = record.duration_ns
    if record.cpu_ns:
        event["cpu_ns"] = record.cpu_ns
    if record.resumes is not None:
        event["resumes"] = record.resumes
    if record.thread.stack is not None:
        event["stack"] = [_frame(place) for place in record.thread.stack.places()]
    return event


def _frame(place: Place) -> Data:
    frame: dict[str, Data] = {"file": to_data(os.fsencode(place.path)), "address": hex(place.address)}
    if place.function is not None:
        frame |= {"function": place.function, "offset": place.offset}
    if place.source is not None:
        frame |= {"source": place.source, "line": place.line}
    return frame


def begin_event(thread: Thread, time_ns: int) -> Event:
    """Tell that a thread is traced from now on: born under trace, or attached to."""
    return _event("begin", time_ns, thread) | {"born": thread.born}


def signal_event(record: SignalRecord, time_ns: int) -> Event:
    """Tell of a signal that is being delivered."""
    event = _event("signal", time_ns, record.thread)
    event["signal"] = to_data(record.siginfo.signal)
    event["siginfo"] = record.siginfo.to_data()
    if record.thread.stack is not None:
        event["stack"] = [_frame(place) for place in record.thread.stack.places()]
    return event


def stop_event(record: StopRecord, time_ns: int) -> Event:
    """Tell of a job control stop."""
    return _event("stop", time_ns, record.thread) | {"signal": _signal(record.signo)}


def mode_event(record: ModeRecord, time_ns: int) -> Event:
    """Tell of a change of word size."""
    return _event("mode", time_ns, record.thread) | {"bits": record.bits}


def superseded_event(record: SupersededRecord, time_ns: int) -> Event:
    """Tell of the end of a leader by another thread's execve."""
    return _event("superseded", time_ns, record.thread) | {"by": record.former_tid}


def exit_event(record: EndRecord, time_ns: int) -> Event:
    """Tell of a thread's end: an exit code, or the signal that killed it."""
    event = _event("exit", time_ns, record.thread)
    signo = record.wait_status & _TERMSIG
    if signo:
        event["signal"] = _signal(signo)
        event["core_dumped"] = bool(record.wait_status & _CORE_DUMPED)
    else:
        event["code"] = record.wait_status >> 8 & 0xFF
    return event


def detach_event(thread: Thread, time_ns: int) -> Event:
    """Tell that a living thread is no longer traced."""
    return _event("detach", time_ns, thread)


def _signal(signo: int) -> Data:
    return to_data(Named(signo, SIGNAL_NAMES.get(signo)))


def within_64_bits(data: Data) -> Data:
    """Write integers as hexadecimal strings where 64 bits do not hold them: masks of many processors."""
    if isinstance(data, bool):
        return data
    if isinstance(data, int):
        return data if _I64_MIN <= data < _U64 else hex(data)
    if isinstance(data, dict):
        return {key: within_64_bits(value) for key, value in data.items()}
    if isinstance(data, list):
        return [within_64_bits(value) for value in data]
    return data
