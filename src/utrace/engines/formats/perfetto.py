"""Perfetto's own format: protobuf packets of track events, for ui.perfetto.dev and trace_processor.

Each thread is a track, each call a slice of it with its event as debug annotations, everything else an
instant.  The clock of the trace is the time of day: `clock_snapshot` says so.

Reference: protos/perfetto/trace/trace_packet.proto, as the package `perfetto` ships it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import (
    ClockSnapshot,
    DebugAnnotation,
    Trace,
    TracePacket,
    TrackDescriptor,
    TrackEvent,
)

from utrace.engines.events import within_64_bits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from utrace.engines.events import Event
    from utrace.syscalls.values import Data

_SEQUENCE: Final = 1
_BOOTTIME: Final = 6
_REALTIME: Final = 1
_I64_MAX: Final = (1 << 63) - 1
#: These are the slice, its track and its place.
_NO_ANNOTATION: Final = frozenset({"event", "time_ns", "pid", "tid", "comm", "name", "duration_ns"})


class PerfettoTrace:
    """One packet a name, two a call, one an instant."""

    def __init__(self) -> None:
        self._tracks: dict[int, int] = {}
        self._processes: dict[int, int] = {}
        self._names: dict[int, Data] = {}
        self._track_count = 0
        self._is_first = True

    def begin(self) -> bytes:
        """Give nothing: the first event has the first time."""
        return b""

    def encode(self, event: Event) -> bytes:
        """Give the packets of one event."""
        packets: list[TracePacket] = []
        time_ns, tid = cast("int", event["time_ns"]), cast("int", event["tid"])
        if self._is_first:
            self._is_first = False
            packets.append(_clock(time_ns))
        if event["event"] == "begin":
            # The number may have been another thread's before.
            for known in (self._names, self._tracks, self._processes):
                known.pop(tid, None)
        if self._names.get(tid) != event["comm"]:
            packets += self._describe(tid, event)
        track = self._tracks[tid]
        if event["event"] == "call":
            begun = _packet(time_ns, TrackEvent.TYPE_SLICE_BEGIN, track)
            begun.track_event.name = cast("str", event["name"])
            begun.track_event.categories.append("syscall")
            _annotate(begun, event)
            took = cast("int", event.get("duration_ns", 0))
            packets += [begun, _packet(time_ns + took, TrackEvent.TYPE_SLICE_END, track)]
        else:
            instant = _packet(time_ns, TrackEvent.TYPE_INSTANT, track)
            instant.track_event.name = cast("str", event["event"])
            instant.track_event.categories.append("thread")
            _annotate(instant, event)
            packets.append(instant)
        # A trace is the same as its parts one after the other.
        return bytes(Trace(packet=packets).SerializeToString())

    def end(self) -> bytes:
        """Give nothing: every packet stands for itself."""
        return b""

    def _describe(self, tid: int, event: Event) -> Iterator[TracePacket]:
        """Name a thread's track and, if it is the leader, its process's; make those that are new."""
        self._names[tid] = event["comm"]
        comm, pid = str(event["comm"]), cast("int", event["pid"])
        if pid == tid or pid not in self._processes:
            process = TrackDescriptor(uuid=self._track(self._processes, pid))
            process.process.pid = pid
            if pid == tid:
                process.process.process_name = comm
            yield TracePacket(trusted_packet_sequence_id=_SEQUENCE, track_descriptor=process)
        thread = TrackDescriptor(uuid=self._track(self._tracks, tid), parent_uuid=self._processes[pid])
        thread.thread.pid = pid
        thread.thread.tid = tid
        thread.thread.thread_name = comm
        yield TracePacket(trusted_packet_sequence_id=_SEQUENCE, track_descriptor=thread)

    def _track(self, tracks: dict[int, int], number: int) -> int:
        if number not in tracks:
            self._track_count += 1
            tracks[number] = self._track_count
        return tracks[number]


def _clock(time_ns: int) -> TracePacket:
    clocks = [ClockSnapshot.Clock(clock_id=clock, timestamp=time_ns) for clock in (_BOOTTIME, _REALTIME)]
    return TracePacket(
        timestamp=time_ns,
        trusted_packet_sequence_id=_SEQUENCE,
        clock_snapshot=ClockSnapshot(clocks=clocks),
        sequence_flags=TracePacket.SEQ_INCREMENTAL_STATE_CLEARED,
    )


def _packet(time_ns: int, kind: TrackEvent.Type, track: int) -> TracePacket:
    event = TrackEvent(type=kind, track_uuid=track)
    return TracePacket(timestamp=time_ns, trusted_packet_sequence_id=_SEQUENCE, track_event=event)


def _annotate(packet: TracePacket, event: Event) -> None:
    annotations = packet.track_event.debug_annotations
    for key, value in event.items():
        if key not in _NO_ANNOTATION:
            annotations.append(_annotation(within_64_bits(value), key))


def _annotation(value: Data, name: str | None = None) -> DebugAnnotation:
    made = DebugAnnotation(name=name)
    match value:
        case bool():
            made.bool_value = value
        case int() if value <= _I64_MAX:
            made.int_value = value
        case int():
            made.uint_value = value
        case str():
            made.string_value = value
        case dict():
            made.dict_entries.extend(_annotation(entry, key) for key, entry in value.items())
        case list():
            made.array_values.extend(_annotation(entry) for entry in value)
        case None:
            made.string_value = "NULL"
    return made
