"""Perfetto's packets, read back by its own protobuf definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

from tests.unit.engines.formats.encoding import encoded
from tests.unit.engines.some_records import T0, call, thread
from utrace.engines.events import begin_event, call_event
from utrace.engines.formats.perfetto import PerfettoTrace

if TYPE_CHECKING:
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import TracePacket

    from utrace.engines.events import Event


def packets(*events: Event) -> list[TracePacket]:
    encoder = PerfettoTrace()
    data = encoder.begin() + b"".join(map(encoder.encode, events)) + encoder.end()
    return list(Trace.FromString(data).packet)


def test_a_call_is_a_slice_of_its_threads_track() -> None:
    clock, process, track, begun, ended = packets(call_event(call("getppid", value=9)))
    assert {one.timestamp for one in clock.clock_snapshot.clocks} == {T0}
    assert (process.track_descriptor.process.pid, process.track_descriptor.process.process_name) == (7, "cat")
    assert track.track_descriptor.parent_uuid == process.track_descriptor.uuid
    assert (track.track_descriptor.thread.pid, track.track_descriptor.thread.tid) == (7, 7)
    assert begun.track_event.track_uuid == ended.track_event.track_uuid == track.track_descriptor.uuid
    assert (begun.track_event.type, begun.track_event.name) == (TrackEvent.TYPE_SLICE_BEGIN, "getppid")
    assert ended.track_event.type == TrackEvent.TYPE_SLICE_END
    assert (begun.timestamp, ended.timestamp) == (T0, T0 + 1_500)
    data = {one.name: one for one in begun.track_event.debug_annotations}
    assert list(data) == ["arch", "nr", "args", "status", "ret"]
    assert data["ret"].int_value == 9


def test_nested_values_keep_their_form() -> None:
    *_, begun, _ = packets(call_event(call("mmap", 0, 2**64 - 4096, 3, 34, 2**64 - 1)))
    args = next(one for one in begun.track_event.debug_annotations if one.name == "args")
    data = {one.name: one for one in args.dict_entries}
    assert data["addr"].string_value == "NULL"
    assert data["length"].uint_value == 2**64 - 4096
    names = next(one for one in data["prot"].dict_entries if one.name == "names")
    assert [one.string_value for one in names.array_values] == ["PROT_READ", "PROT_WRITE"]


def test_a_name_that_changes_is_told_again_on_the_same_track() -> None:
    told = packets(call_event(call("getpid")), call_event(call("getpid", by=thread(comm="ls"))))
    threads = [one.track_descriptor for one in told if one.track_descriptor.HasField("thread")]
    assert [one.thread.thread_name for one in threads] == ["cat", "ls"]
    assert len({one.uuid for one in threads}) == 1


def test_a_number_used_again_is_another_track() -> None:
    begun = begin_event(thread(), T0)
    told = packets(begun, call_event(call("getpid")), begun, call_event(call("getpid")))
    threads = [one.track_descriptor for one in told if one.track_descriptor.HasField("thread")]
    assert len({one.uuid for one in threads}) == 2


def test_everything_that_is_no_call_is_an_instant() -> None:
    told = Trace.FromString(encoded("perfetto")).packet
    instants = [one.track_event.name for one in told if one.track_event.type == TrackEvent.TYPE_INSTANT]
    assert instants == ["begin", "mode", "signal", "stop", "superseded", "detach", "exit", "exit"]
    tracks = {one.track_descriptor.uuid for one in told if one.HasField("track_descriptor")}
    assert {one.track_event.track_uuid for one in told if one.HasField("track_event")} <= tracks
