"""The trace-event format of Chrome, which Perfetto, Speedscope and others read too.

A call is a complete event ("X") of its thread, everything else an instant ("i").  Times are microseconds
since the first event, with three decimals, so that no nanosecond is lost; `otherData.begin_ns` is the
first event's time.

Reference: "Trace Event Format", JSON object form.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from utrace.engines.events import Event

_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_COMMON: Final = frozenset({"event", "time_ns", "pid", "tid", "comm", "name", "duration_ns"})


class ChromeTrace:
    """One JSON object with all events in it."""

    def __init__(self) -> None:
        self._begin_ns: int | None = None
        self._names: dict[int, object] = {}

    def begin(self) -> bytes:
        """Open the list of events."""
        return b'{"displayTimeUnit":"ns","traceEvents":['

    def encode(self, event: Event) -> bytes:
        """Give an event, after the name of its thread if that is new."""
        time_ns, pid, tid = (cast("int", event[key]) for key in ("time_ns", "pid", "tid"))
        shown = []
        if self._begin_ns is None:
            self._begin_ns = time_ns
        if self._names.get(tid) != event["comm"]:
            self._names[tid] = event["comm"]
            shown += [
                _metadata(kind, pid, tid, event)
                for kind in ("thread_name", *(["process_name"] if pid == tid else []))
            ]
        head = f'"pid":{pid},"tid":{tid},"ts":{_micros(time_ns - self._begin_ns)}'
        args = _ENCODE({key: value for key, value in event.items() if key not in _COMMON})
        if event["event"] == "call":
            name = _ENCODE(event["name"])
            took = _micros(cast("int", event.get("duration_ns", 0)))
            shown.append(f'{{"ph":"X","cat":"syscall","name":{name},{head},"dur":{took},"args":{args}}}')
        else:
            name = _ENCODE(_instant_name(event))
            shown.append(f'{{"ph":"i","s":"t","cat":"{event["event"]}","name":{name},{head},"args":{args}}}')
        return "".join(f"\n{one}," for one in shown).encode("ascii")

    def end(self) -> bytes:
        """Close the list."""
        # The list needs an element without a comma behind it.
        last = '\n{"ph":"M","name":"trace_end","pid":0,"tid":0,"args":{}}'
        return f'{last}],"otherData":{{"tool":"utrace","begin_ns":{self._begin_ns or 0}}}}}\n'.encode("ascii")


def _metadata(kind: str, pid: int, tid: int, event: Event) -> str:
    name = _ENCODE({"name": str(event["comm"])})
    return f'{{"ph":"M","name":"{kind}","pid":{pid},"tid":{tid},"args":{name}}}'


def _instant_name(event: Event) -> str:
    signal = event.get("signal")
    if isinstance(signal, dict):
        return f"{event['event']} {signal['name']}"
    return str(event["event"])


def _micros(ns: int) -> str:
    """Write nanoseconds as microseconds, exactly."""
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    return f"{sign}{ns // 1000}.{ns % 1000:03}"
