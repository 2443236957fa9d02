"""Argument types of single calls: handles, capabilities, register sets, messages, what a timer does."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from utrace.syscalls.argtypes import SIGNAL, Phase
from utrace.syscalls.pointers import bind_count, read_text, signal_set
from utrace.syscalls.tables import enum_decoder, enum_names
from utrace.syscalls.values import Address, BinaryText, BitNumbers, Pid, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import AnyCount, BytesDecoder, Pointee
    from utrace.syscalls.values import Value


class RegisterSet:
    """The iovec of PTRACE_GETREGSET and SETREGSET: the general registers by name, other sets as they are.

    Args:
        kind: the argument that says which set.
        general: the general registers.
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _NT_PRSTATUS: Final = 1

    def __init__(self, kind: str, general: Pointee) -> None:
        self._kind, self._general = kind, general

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        pair = struct.Struct("<2Q" if abi.word == 8 else "<2I")
        index = names.index(self._kind)
        read, size = self._general.bind_bytes(abi), self._general.size(abi)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            data = call.memory.read(raw, pair.size) if raw else b""
            if len(data) < pair.size:
                return Address(raw)
            base, length = pair.unpack(data)
            registers: Value = Address(base)
            if peers[index] == self._NT_PRSTATUS and length >= size:
                body = call.memory.read(base, size)
                registers = read(body, call) if len(body) == size else registers
            return Record(("iov_base", "iov_len"), (registers, length))

        return decode


class Capabilities:
    """The sets of capget and capset: one or two structs of 32 bits, as the version in the header says."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _VERSION_1: Final = 0x19980330

    def __init__(self, header: str) -> None:
        self._header = header

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index(self._header)
        known = enum_names(abi, "cap")
        fields = ("effective", "permitted", "inheritable")

        def bits(value: int) -> Value:
            rest = value
            found: list[str] = []
            for number, name in known.items():
                if value >> number & 1:
                    found.append(name)
                    rest &= ~(1 << number)
            return BitNumbers(value, tuple(found), rest)

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            header = call.memory.read(peers[index], 4)
            count = 1 if int.from_bytes(header, "little") == self._VERSION_1 else 2
            data = call.memory.read(raw, 12 * count)
            if len(data) < 12 * count:
                return Address(raw)
            words = struct.unpack(f"<{3 * count}I", data)
            return Record(
                fields, [bits(words[i] | (words[i + 3] << 32 if count > 1 else 0)) for i in range(3)]
            )

        return decode


class IpcMessage:
    """The message of msgsnd and msgrcv: a type before its text."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY

    def __init__(self, size: AnyCount) -> None:
        self._size = size

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        counter = bind_count(self._size, abi, names)
        word = abi.word

        def decode(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            data = call.memory.read(raw, word) if raw else b""
            if len(data) < word:
                return Address(raw)
            kind = int.from_bytes(data, "little", signed=True)
            return Record(("mtype", "mtext"), (kind, read_text(raw + word, counter(peers, call), call)))

        return decode


class SignalFrame:
    """What rt_sigreturn puts back: the mask, from the frame that the kernel laid on the stack.

    Reference: struct rt_sigframe and struct ucontext of each architecture (Linux 6.1).
    """

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    #: Where the mask is, from the stack pointer on.
    PLACES: Final = {"x86_64": 296, "i386": 248, "aarch64": 168}
    _SIZE: Final = 8

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        place = self.PLACES[abi.name]

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            # Of a recorded call the stack pointer is not known, but the place.
            at = call.sp + place if call.sp else raw
            data = call.memory.read(at, self._SIZE) if at else b""
            if len(data) < self._SIZE:
                return Address(call.sp or raw)
            return Record(("mask",), (signal_set(int.from_bytes(data, "little")),))

        return decode


class _SignalEvent:
    """A sigevent: what is to happen when a timer or a queue fires."""

    _SIZE: Final = 64
    _SIGNAL, _THREAD_ID = 0, 4

    def size(self, _abi: Abi) -> int:
        return self._SIZE

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        layout = struct.Struct("<Qiii" if abi.word == 8 else "<Iiii")
        notify_of = enum_decoder(abi, "sigev_notify", "SIGEV_???")
        signal_of = SIGNAL.bind(abi, ())

        def read(data: bytes, call: DecodedCall) -> Value:
            value, signo, notify, thread = layout.unpack_from(data)
            fields: list[tuple[str, Value]] = []
            if value:
                pair = ((value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000, Address(value))
                fields.append(("sigev_value", Record(("sival_int", "sival_ptr"), pair)))
            by_signal = notify in {self._SIGNAL, self._THREAD_ID}
            fields.append(("sigev_signo", signal_of(signo, (), call) if by_signal else signo))
            fields.append(("sigev_notify", notify_of(notify)))
            if notify == self._THREAD_ID:
                fields.append(("sigev_notify_thread_id", Pid(thread)))
            return Record(tuple(name for name, _ in fields), [field for _, field in fields])

        return read


class FileHandle:
    """The file_handle of name_to_handle_at: its size before, all of it after; EOVERFLOW tells the size."""

    ctype: Final = "ulong"
    phase: Final = Phase.EARLY
    _EOVERFLOW: Final = 75
    _BYTES_MAX: Final = 128

    def __init__(self, *, filled: bool) -> None:
        self._filled = filled

    def bind(self, _abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        head = struct.Struct("<Ii")
        names = ("handle_bytes", "handle_type", "f_handle")

        def decode(raw: int, _peers: Sequence[int], call: DecodedCall) -> Value:
            if not raw:
                return Address(0)
            data = call.memory.read(raw, head.size)
            if len(data) < head.size:
                return Address(raw)
            length, kind = head.unpack(data)
            result = call.result
            if self._filled and (result is None or result.is_error):
                return Record(names[:1], (length,))
            body = call.memory.read(raw + head.size, min(length, self._BYTES_MAX))
            text = BinaryText(body, raw + head.size, is_cut=length > len(body))
            return Record(names, (length, kind, text))

        return decode


SIGNAL_EVENT: Final = _SignalEvent()
