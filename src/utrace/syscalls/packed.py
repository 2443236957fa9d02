"""Numbers that pack several values, or part of one: flags with a signal, requests, halves of 64 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.tables import enum_decoder, enum_names, flags_decoder, prototypes
from utrace.syscalls.values import ABSENT, Device, FlagSet, Hex, IoctlCode, Joined, Mode, Named, SignalNumber

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.values import Value


class NodeDevice:
    """The device of a mknod: passed for devices only."""

    ctype: Final = "u32"
    phase: Final = t.Phase.EARLY
    _S_IFMT: Final = 0o170000
    _DEVICES: Final = frozenset({0o020000, 0o060000})

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def bind(self, _abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index(self._peer)
        return lambda raw, peers, _call: (
            Device(raw) if peers[index] & self._S_IFMT in self._DEVICES else ABSENT
        )


class IoctlCommand:
    """The number of an ioctl; without a name it is taken apart."""

    ctype: Final = "u32"
    phase: Final = t.Phase.PURE

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        names = enum_names(abi, "ioctl")
        others = enum_names(abi, "ioctl_others")

        def decode(raw: int, _peers: Sequence[int], _call: DecodedCall) -> Value:
            name = names.get(raw)
            if name is None:
                # What few programs ask: the names are read when one does.
                from utrace.syscalls.requests import rare_name  # noqa: PLC0415

                name = rare_name(abi, raw)
            code = IoctlCode(raw, name)
            code.other = others.get(raw, "")
            return code

        return decode


class Pair:
    """A number of 64 bits in two registers: this one has the lower half.

    Args:
        high: the argument with the upper half, which shows nothing.
        kind: the type of the whole.
    """

    ctype: Final = "u32"
    phase: Final = t.Phase.EARLY

    def __init__(self, high: str, kind: t.ArgType) -> None:
        self._high, self._kind = high, kind

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        index = names.index(self._high)
        decode = t.bind_argument(self._kind, abi, names)
        return lambda raw, peers, call: decode(raw | (peers[index] & 0xFFFFFFFF) << 32, peers, call)


class CloneFlags:
    """Flags of clone with the signal of the child's end in the low byte."""

    ctype: Final = "ulong"
    phase: Final = t.Phase.PURE

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        decode = flags_decoder(abi, "clone", "CLONE_???")

        def split(raw: int, _peers: Sequence[int], _call: DecodedCall) -> Value:
            flags, number = decode(raw & ~0xFF), raw & 0xFF
            if not number:
                return flags
            return Joined(raw, (flags, t.signal_name(number)) if flags else (t.signal_name(number),))

        return split


class SocketType:
    """The type of a socket with the flags of its descriptor."""

    ctype: Final = "u32"
    phase: Final = t.Phase.PURE
    _KIND: Final = 0xF

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        kind_of = enum_decoder(abi, "socket_kind", "SOCK_???")
        decode = flags_decoder(abi, "socket_type")

        def split(raw: int, _peers: Sequence[int], _call: DecodedCall) -> Value:
            kind, flags = kind_of(raw & self._KIND), decode(raw & ~self._KIND)
            if kind.name is None:
                return kind_of(raw) if not flags.names else decode(raw)
            return Joined(raw, (kind, flags)) if flags else kind

        return split


class FutexOperation:
    """The operation of a futex call, its name and flags."""

    ctype: Final = "u32"
    phase: Final = t.Phase.PURE
    _FLAGS: Final = 0x180

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        plain = enum_names(abi, "futex_op")
        decode = flags_decoder(abi, "futex_op_flags")

        def split(raw: int, _peers: Sequence[int], _call: DecodedCall) -> Value:
            # FUTEX_WAIT|FUTEX_PRIVATE_FLAG has a name of its own.
            for flags in (raw & 0x100, raw & self._FLAGS):
                name = plain.get(raw & ~flags)
                if name is not None:
                    operation = Named(raw & ~flags, name)
                    return Joined(raw, (operation, decode(flags)), is_loose=False) if flags else operation
            return Named(raw, None, "FUTEX_???")

        return split


class IpcFlags:
    """Creation flags of System V IPC over permission bits."""

    ctype: Final = "u32"
    phase: Final = t.Phase.PURE
    _PERMISSIONS: Final = 0o777

    def __init__(self, constants: str = "ipc_flags", shift: tuple[str, int, int] | None = None) -> None:
        self._flags = t.Flags(constants, shift=shift)

    def bind(self, abi: Abi, names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        decode = self._flags.bind(abi, names)

        def split(raw: int, peers: Sequence[int], call: DecodedCall) -> Value:
            flags, mode = decode(raw & ~self._PERMISSIONS, peers, call), Mode(raw & self._PERMISSIONS)
            return Joined(raw, (flags, mode)) if isinstance(flags, FlagSet) and flags else mode

        return split


class IpcCommand:
    """A command of System V IPC, with the bit for the younger layout of its struct."""

    ctype: Final = "u32"
    phase: Final = t.Phase.PURE
    _IPC_64: Final = 0x100

    def __init__(self, constants: str, hint: str) -> None:
        self._constants, self._hint = constants, hint

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        command_of = enum_decoder(abi, self._constants, self._hint)
        younger = FlagSet(self._IPC_64, ("IPC_64",))

        def split(raw: int, _peers: Sequence[int], _call: DecodedCall) -> Value:
            command = command_of(raw & ~self._IPC_64)
            return Joined(raw, (younger, command)) if raw & self._IPC_64 else command

        return split


class MemoryPolicy:
    """The mode of a memory policy with its flags."""

    ctype: Final = "u32"
    phase: Final = t.Phase.PURE
    _FLAGS: Final = 0xE000

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        mode_of = enum_decoder(abi, "mempolicy", "MPOL_???")
        flags_of = flags_decoder(abi, "mempolicy_flags")

        def split(raw: int, _peers: Sequence[int], _call: DecodedCall) -> Value:
            mode, flags = mode_of(raw & ~self._FLAGS), flags_of(raw & self._FLAGS)
            return Joined(raw, (mode, flags)) if flags else mode

        return split


class Persona:
    """The execution domain; all bits set only asks."""

    ctype: Final = "u32"
    phase: Final = t.Phase.PURE
    _ASK: Final = 0xFFFFFFFF

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        decode = flags_decoder(abi, "personality_flags", "PER_???")
        return lambda raw, _peers, _call: Hex(raw) if raw == self._ASK else decode(raw)


class QuotaCommand:
    """The command of quotactl with the type of the quota in its lowest byte."""

    ctype: Final = "u32"
    phase: Final = t.Phase.PURE

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        command_of = enum_decoder(abi, "quota_command", "Q_???")
        type_of = enum_decoder(abi, "quota_type", "???QUOTA")

        def split(raw: int, _peers: Sequence[int], _call: DecodedCall) -> Value:
            return Joined(raw, (command_of(raw >> 8), type_of(raw & 0xFF)), macro="QCMD")

        return split


class IoPriority:
    """The class of an I/O priority over the priority in it."""

    ctype: Final = "u32"
    phase: Final = t.Phase.PURE
    _SHIFT: Final = 13

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        class_of = enum_decoder(abi, "ioprio_class", "IOPRIO_CLASS_???")

        def split(raw: int, _peers: Sequence[int], _call: DecodedCall) -> Value:
            data = SignalNumber(raw & (1 << self._SHIFT) - 1)
            return Joined(raw, (class_of(raw >> self._SHIFT), data), macro="IOPRIO_PRIO_VALUE")

        return split


class CallNumber:
    """The number of a system call of the same convention."""

    phase: Final = t.Phase.PURE

    def __init__(self, ctype: str) -> None:
        self.ctype = ctype

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        names = {nr: f"__NR_{prototype.name}" for nr, prototype in prototypes(abi).items()}
        return lambda raw, _peers, _call: Named(raw, names.get(raw), "__NR_???")


MEMORY_POLICY: Final = MemoryPolicy()
IO_PRIORITY: Final = IoPriority()
CALL_NUMBER: Final = CallNumber("u64")
CALL_NUMBER32: Final = CallNumber("u32")
QUOTA_COMMAND: Final = QuotaCommand()
CLONE_FLAGS: Final = CloneFlags()
SOCKET_TYPE: Final = SocketType()
FUTEX_OP: Final = FutexOperation()
PERSONA: Final = Persona()
