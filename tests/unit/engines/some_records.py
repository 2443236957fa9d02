"""Records to try listeners and formats with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.syscalls.fake_memory import FakeMemory
from utrace.engines.records import (
    CallRecord,
    CallStatus,
    EndRecord,
    ModeRecord,
    Place,
    SignalRecord,
    StopRecord,
    SupersededRecord,
    Thread,
)
from utrace.syscalls import Result, decode, encode_siginfo
from utrace.syscalls.abi import abi_of
from utrace.syscalls.tables import numbers

if TYPE_CHECKING:
    from utrace.engines.records import LogListener

T0 = 1_795_564_989_123_456_789
PATH = 0x1000


class SomeStack:
    """Three frames: of a library, without a name, with a source."""

    def places(self) -> list[Place]:
        return [
            Place("/lib/libc.so.6", 0x1234, "read", 0x14, None, 0),
            Place("/bin/cat", 0x20, None, 0, None, 0),
            Place("/bin/cat", 0x30, "main", 8, "cat.c", 3),
        ]


def thread(tid: int = 7, *, pid: int = 0, comm: str = "cat") -> Thread:
    return Thread(tid, born=False, bits=64, pid=pid, comm=comm)


def call(
    name: str,
    *raw: int,
    value: int | None = 0,
    by: Thread | None = None,
    text: bytes = b"/etc/passwd",
    duration_ns: int = 1_500,
    entered_ns: int = T0,
    arch: str = "x86_64",
) -> CallRecord:
    """Make a call that is over; a pointer `PATH` leads to `text`."""
    memory = FakeMemory({PATH: text + bytes(1)})
    decoded = decode(arch, numbers(abi_of(arch))[name], (*raw, *(0,) * (6 - len(raw))), memory)
    decoded.capture()
    record = CallRecord(by or thread(), decoded, entered_ns, 0)
    if value is None:
        record.status = CallStatus.UNFINISHED
    else:
        result = Result(value)
        decoded.finish(result)
        record.duration_ns = duration_ns
        record.status = CallStatus.FAILED if result.is_error else CallStatus.SUCCESSFUL
    return record


def tell_everything(listener: LogListener) -> None:
    """Tell of one of each; three calls returned, one of them with an error."""
    leader, other = thread(), thread(8, pid=7)
    listener.appeared(leader)
    for record in (
        call("openat", 2**64 - 100, PATH, 0o2000000, value=3, by=leader),
        call("openat", 2**64 - 100, PATH, 0, value=-2, by=leader, text=b"/\xff", entered_ns=T0 + 10_000),
        call("getppid", value=1, by=other, entered_ns=T0 + 20_000),
        call("exit_group", 3, value=None, by=leader, entered_ns=T0 + 30_000),
    ):
        listener.entered(record)
        listener.ended(record)
    listener.changed_mode(ModeRecord(leader, 32))
    listener.signaled(SignalRecord(leader, encode_siginfo(10, si_pid=9, si_uid=0)))
    listener.stopped(StopRecord(leader, 19))
    listener.superseded(SupersededRecord(leader, other, 8))
    listener.let_go(thread(9))
    listener.died(EndRecord(leader, 3 << 8))
    listener.died(EndRecord(other, 0x8B))
    listener.rest()
    listener.close()
