"""Argument types of variable shape: I/O vectors, CPU sets, directory entries, what a wait tells."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from utrace.syscalls.abi import AARCH64
from utrace.syscalls.argtypes import HANDLER, Number, Phase, handler
from utrace.syscalls.layouts import CLONE_ARGS
from utrace.syscalls.pointers import Ptr, Signals, bind_count, read_text, signal_set
from utrace.syscalls.siginfo import SIGINFO_SIZE, SigInfo
from utrace.syscalls.structs import Sized
from utrace.syscalls.tables import enum_decoder, flags_decoder
from utrace.syscalls.values import (
    Address,
    Cpus,
    Fd,
    Items,
    Listing,
    Pid,
    Record,
    Text,
    WaitStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import AnyCount, BytesDecoder, Out, Pointee
    from utrace.syscalls.values import Value


SA_RESTORER: Final = 0x04000000


class Unless:
    """What the call writes, but not if a count is 0: its result, or how much room there is.

    Args:
        written: what it writes otherwise.
        zero: the count: RETURNED, or the name of a sibling.
    """

    phase: Final = Phase.LATE
    ctype: Final = "ulong"

    def __init__(self, written: Out, *, zero: AnyCount) -> None:
        self._written, self._count = written, zero

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        decode = self._written.bind(abi, names)
        count = bind_count(self._count, abi, names)
        return lambda raw, peers, call: decode(raw, peers, call) if count(peers, call) else Address(raw)


class IoVector:
    """An array of iovec with the bytes they point to.

    Args:
        count: how many there are.
        total: how many bytes are in all of them; None: as many as their lengths tell.
        read: reads the bytes of one.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _NAMES: Final = ("iov_base", "iov_len")

    def __init__(
        self,
        count: AnyCount,
        total: AnyCount | None = None,
        *,
        read: Callable[[int, int, DecodedCall], Value] = read_text,
    ) -> None:
        self._count, self._total, self._read = count, total, read

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        pair = struct.Struct("<2Q" if abi.word == 8 else "<2I")
        counter = bind_count(self._count, abi, names)
        read = self._read
        total = None if self._total is None else bind_count(self._total, abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            count = counter(peers, call)
            if count <= 0:
                return Items()
            wanted = min(count, call.limits.items)
            data = call.memory.read(raw, wanted * pair.size)
            whole = len(data) // pair.size
            if not whole:
                return Address(raw)
            left = -1 if total is None else max(total(peers, call), 0)
            records: list[Value] = []
            for base, length in pair.iter_unpack(data[: whole * pair.size]):
                size = length if left < 0 else min(length, left)
                left -= size if left >= 0 else 0
                text = read(base, size, call) if base else Address(0)
                records.append(Record(self._NAMES, (text, length)))
            tail = Address(raw + whole * pair.size) if whole < wanted else None
            return Items(records, is_cut=tail is None and count > wanted, tail=tail)

        return decode


class CpuSet:
    """A set of processor numbers."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _BYTES_MAX: Final = 4096

    def __init__(self, size: AnyCount) -> None:
        self._size = size

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        counter = bind_count(self._size, abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            size = min(max(counter(peers, call), 0), self._BYTES_MAX)
            data = call.memory.read(raw, size)
            if len(data) < size:
                return Address(raw)
            mask = int.from_bytes(data, "little")
            return Cpus(i for i in range(mask.bit_length()) if mask >> i & 1)

        return decode


class Entries:
    """What getdents and getdents64 wrote.

    Args:
        old: the type is in the last byte of an entry, numbers are of a word.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _BYTES_MAX: Final = 1 << 20
    _NAMES: Final = ("d_ino", "d_off", "d_reclen", "d_type", "d_name")

    def __init__(self, *, old: bool = False) -> None:
        self._old = old

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        old = self._old
        head = struct.Struct(("<QQH" if abi.word == 8 else "<IIH") if old else "<QqHB")
        type_of = enum_decoder(abi, "dirent_type", "DT_???")

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            size = min(call.result.value, self._BYTES_MAX) if call.result is not None else 0
            data = call.memory.read(raw, size)
            if len(data) < size:
                return Address(raw)
            entries: list[Value] = []
            at = 0
            while at + head.size <= size:
                ino, off, length, *rest = head.unpack_from(data, at)
                if length < head.size:
                    break
                kind = rest[0] if rest else data[min(at + length, size) - 1]
                name = data[at + head.size : at + length].split(b"\0", 1)[0]
                entries.append(
                    Record(self._NAMES, (ino, off, length, type_of(kind), Text(name, is_string=True)))
                )
                at += length
            listing = Listing(entries)
            listing.address = raw
            return listing

        return decode


class _SigInfo:
    """A siginfo_t that the call reads or fills."""

    def size(self, _abi: Abi) -> int:
        return SIGINFO_SIZE

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        def read(data: bytes, _call: DecodedCall) -> Value:
            info = SigInfo(data, abi.word)
            if not info.si_signo:
                return Record((), ())
            names, values = zip(*info.items(), strict=True)
            return Record(names, values)

        return read


class PollFds:
    """The array of poll: what is asked at the entry, what came after."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _PAIR: Final = struct.Struct("<iHH")

    def __init__(self, count: str) -> None:
        self._count = count

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index(self._count)
        events_of = flags_decoder(abi, "poll", "POLL???")
        pair = self._PAIR

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            count = peers[index] & 0xFFFFFFFF
            if not count:
                return Items()
            wanted = min(count, call.limits.items)
            data = call.memory.read(raw, wanted * pair.size)
            whole = len(data) // pair.size
            if not whole:
                return Address(raw)
            fds = list(pair.iter_unpack(data[: whole * pair.size]))
            records: list[Value] = []
            if call.result is None:
                for fd, events, _ in fds:
                    shown = (Fd(fd), events_of(events)) if fd >= 0 else (Fd(fd),)
                    records.append(Record(("fd", "events")[: len(shown)], shown))
            else:
                records += [
                    Record(("fd", "revents"), (Fd(fd), events_of(came))) for fd, _, came in fds if came
                ]
            tail = Address(raw + whole * pair.size) if whole < wanted else None
            return Items(records, is_cut=tail is None and count > wanted, tail=tail)

        return decode


class Remaining:
    """The time left of a sleep: written only when a signal ends it."""

    ctype: Final = "ulong"
    phase: Final = Phase.LATE

    def __init__(self, pointee: Pointee) -> None:
        self._pointer = Ptr(pointee)

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        follow = self._pointer.bind(abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            interrupted = call.result is not None and call.result.is_restart
            return follow(raw, peers, call) if interrupted else Address(raw)

        return decode


class SigmaskArgument:
    """The last argument of pselect6: a pointer to a pointer to a signal set, and its size."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        pair = struct.Struct("<2Q" if abi.word == 8 else "<2I")
        follow = Signals().bind(abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            data = call.memory.read(raw, pair.size)
            if len(data) < pair.size:
                return Address(raw)
            pointer, size = pair.unpack(data)
            return Record(("sigmask", "sigsetsize"), (follow(pointer, peers, call), size))

        return decode


class _EpollEvent:
    """struct epoll_event: packed on x86, so that both of its conventions agree."""

    def size(self, abi: Abi) -> int:
        return 16 if abi is AARCH64 else 12

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        unpack = struct.Struct("<I4xQ" if abi is AARCH64 else "<IQ").unpack
        events_of = flags_decoder(abi, "epoll_events", "EPOLL???")

        def read(data: bytes, _call: DecodedCall) -> Value:
            events, number = unpack(data)
            union = Record(("u32", "u64"), (number & 0xFFFFFFFF, number))
            return Record(("events", "data"), (events_of(events), union))

        return read


class _SigAction:
    """struct sigaction of rt_sigaction: shown in the order of the manual, not of the memory."""

    def size(self, abi: Abi) -> int:
        return 8 + 3 * abi.word

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        layout = struct.Struct("<QQQQ" if abi.word == 8 else "<IIIQ")
        flags_of = flags_decoder(abi, "sa_flags", "SA_???")
        handler_of = HANDLER.bind(abi, ())

        def read(data: bytes, call: DecodedCall) -> Value:
            handler, flags, restorer, mask = layout.unpack(data)
            names = ("sa_handler", "sa_mask", "sa_flags", "sa_restorer")
            values = (handler_of(handler, (), call), signal_set(mask), flags_of(flags), Address(restorer))
            count = 4 if flags & SA_RESTORER else 3
            return Record(names[:count], values[:count])

        return read


class _OldSigAction:
    """struct sigaction of the sigaction that i386 had first."""

    _LAYOUT: Final = struct.Struct("<4I")

    def size(self, _abi: Abi) -> int:
        return self._LAYOUT.size

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        flags_of = flags_decoder(abi, "sa_flags", "SA_???")

        def read(data: bytes, _call: DecodedCall) -> Value:
            action, mask, flags, restorer = self._LAYOUT.unpack(data)
            names = ("sa_handler", "sa_mask", "sa_flags", "sa_restorer")
            values = (handler(action), signal_set(mask), flags_of(flags), Address(restorer))
            count = 4 if flags & SA_RESTORER else 3
            return Record(names[:count], values[:count])

        return read


class CloneArguments:
    """The clone_args of clone3: what is asked before, what the kernel stored after."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _SIZE_MIN: Final = 64

    def __init__(self, size: str) -> None:
        self._size = size

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index(self._size)
        read = Sized(CLONE_ARGS, self._size).bind(abi, names)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw or peers[index] < self._SIZE_MIN:
                return Address(raw)
            asked = read(raw, peers, call)
            if call.result is None or call.result.is_error or not isinstance(asked, Record):
                return asked
            stored: list[tuple[str, Value]] = []
            for name in ("pidfd", "parent_tid"):
                pointer = asked[name]
                data = call.memory.read(pointer, 4) if isinstance(pointer, int) else b""
                if len(data) == 4:
                    number = int.from_bytes(data, "little")
                    stored.append((name, Items((Fd(number) if name == "pidfd" else Pid(number),))))
            if not stored:
                return asked
            return Record(tuple(name for name, _ in stored), [value for _, value in stored])

        return decode


EPOLL_EVENT: Final = _EpollEvent()
SIGACTION: Final = _SigAction()
OLD_SIGACTION: Final = _OldSigAction()
ENTRIES: Final = Entries()
OLD_ENTRIES: Final = Entries(old=True)
WAIT_STATUS: Final = Number("i32", WaitStatus)
SIGINFO: Final = _SigInfo()
