"""Instructions of BPF programs: the classic ones of seccomp and sockets, and those of bpf(2).

Reference: include/uapi/linux/bpf_common.h, filter.h and bpf.h (Linux 6.19).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.tables import enum_names
from utrace.syscalls.values import FlagSet, Hex, MacroRecord, Named, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import Decoder
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.pointers import BytesDecoder
    from utrace.syscalls.values import Value

_CLASSES: Final = ("BPF_LD", "BPF_LDX", "BPF_ST", "BPF_STX", "BPF_ALU", "BPF_JMP", "BPF_RET", "BPF_MISC")
_LD, _LDX, _ALU, _JMP, _RET, _MISC = 0, 1, 4, 5, 6, 7
_SIZES: Final = {0x00: "BPF_W", 0x08: "BPF_H", 0x10: "BPF_B"}
_MODES: Final = {
    0: "BPF_IMM",
    0x20: "BPF_ABS",
    0x40: "BPF_IND",
    0x60: "BPF_MEM",
    0x80: "BPF_LEN",
    0xA0: "BPF_MSH",
}
_SOURCES: Final = {0: "BPF_K", 8: "BPF_X"}
_OPERATIONS: Final = {
    0x00: "BPF_ADD",
    0x10: "BPF_SUB",
    0x20: "BPF_MUL",
    0x30: "BPF_DIV",
    0x40: "BPF_OR",
    0x50: "BPF_AND",
    0x60: "BPF_LSH",
    0x70: "BPF_RSH",
    0x80: "BPF_NEG",
    0x90: "BPF_MOD",
    0xA0: "BPF_XOR",
}
_JUMPS: Final = {0x00: "BPF_JA", 0x10: "BPF_JEQ", 0x20: "BPF_JGT", 0x30: "BPF_JGE", 0x40: "BPF_JSET"}
_RETURNED: Final = {0x00: "BPF_K", 0x08: "BPF_X", 0x10: "BPF_A"}
_MISCELLANEOUS: Final = {0x00: "BPF_TAX", 0x80: "BPF_TXA"}

#: Instruction class -> what the rest of the code is made of: (mask, names).
_PARTS: Final[dict[int, tuple[tuple[int, dict[int, str]], ...]]] = {
    _LD: ((0x18, _SIZES), (0xE0, _MODES)),
    _LDX: ((0x18, _SIZES), (0xE0, _MODES)),
    _ALU: ((0x08, _SOURCES), (0xF0, _OPERATIONS)),
    _JMP: ((0x08, _SOURCES), (0xF0, _JUMPS)),
    _RET: ((0x18, _RETURNED),),
    _MISC: ((0xF8, _MISCELLANEOUS),),
}


def instruction_code(code: int) -> FlagSet:
    """Name the parts of the code of a classic instruction."""
    names = [_CLASSES[code & 7]]
    rest = code & ~7
    for mask, known in _PARTS.get(code & 7, ()):
        name = known.get(code & mask)
        if name is not None:
            names.append(name)
            rest &= ~mask
    return FlagSet(code, tuple(names), rest)


class SeccompReturn:
    """What a seccomp filter returns: an action and its data."""

    ctype: Final = "u32"
    phase: Final = t.Phase.PURE
    _DATA: Final = 0xFFFF

    def bind(self, abi: Abi, _names: Sequence[str]) -> Decoder:
        """Make the decoding function."""
        actions = enum_names(abi, "seccomp_action")

        def decode(raw: int, _peers: Sequence[int], _call: DecodedCall) -> Value:
            action, data = raw & ~self._DATA, raw & self._DATA
            name = actions.get(action)
            return (
                FlagSet(raw, (name,), data) if name is not None else FlagSet(raw, (), raw, "SECCOMP_RET_???")
            )

        return decode


class ClassicInstruction:
    """A sock_filter, written as the macro that makes it.

    Args:
        seccomp: what it returns is an action.
    """

    _LAYOUT: Final = struct.Struct("<HBBI")

    def __init__(self, *, seccomp: bool) -> None:
        self._seccomp = seccomp

    def size(self, _abi: Abi) -> int:
        """Bytes it takes."""
        return self._LAYOUT.size

    def align(self, _abi: Abi) -> int:
        """Alignment inside a struct."""
        return 4

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        action = SeccompReturn().bind(abi, ())
        names = ("code", "jt", "jf", "k")

        def read(data: bytes, call: DecodedCall) -> Value:
            code, yes, no, number = self._LAYOUT.unpack(data)
            returns_action = self._seccomp and code == _RET
            shown: Value = action(number, (), call) if returns_action else Hex(number)
            is_jump = bool(yes or no) or code & 7 == _JMP
            values = (instruction_code(code), Hex(yes), Hex(no), shown)
            if is_jump:
                return MacroRecord(
                    "BPF_JUMP", ("code", "k", "jt", "jf"), (values[0], shown, Hex(yes), Hex(no))
                )
            return MacroRecord("BPF_STMT", names, values, unshown=frozenset({"jt", "jf"}))

        return read


_EXTENDED_CLASSES: Final = (*_CLASSES[:6], "BPF_JMP32", "BPF_ALU64")


class ExtendedInstruction:
    """A struct bpf_insn."""

    _LAYOUT: Final = struct.Struct("<BBhi")

    def size(self, _abi: Abi) -> int:
        """Bytes it takes."""
        return self._LAYOUT.size

    def align(self, _abi: Abi) -> int:
        """Alignment inside a struct."""
        return 4

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        parts = {
            kind: [(mask, {v: n for n, v in pairs}) for mask, pairs in fields]
            for kind, fields in _extended_parts(abi).items()
        }
        register = enum_names(abi, "bpf_register")

        def code_of(code: int) -> FlagSet:
            names, rest = [_EXTENDED_CLASSES[code & 7]], code & ~7
            for mask, known in parts[code & 7]:
                name = known.get(code & mask)
                if name is not None:
                    names.append(name)
                    rest &= ~mask
            return FlagSet(code, tuple(names), rest)

        def read(data: bytes, _call: DecodedCall) -> Value:
            code, registers, offset, number = self._LAYOUT.unpack(data)
            target, source = registers & 0xF, registers >> 4
            return Record(
                ("code", "dst_reg", "src_reg", "off", "imm"),
                (
                    code_of(code),
                    Named(target, register.get(target), "BPF_REG_???"),
                    Named(source, register.get(source), "BPF_REG_???"),
                    offset,
                    Hex(number & 0xFFFFFFFF),
                ),
            )

        return read


def _extended_parts(abi: Abi) -> dict[int, list[tuple[int, list[tuple[str, int]]]]]:
    def pairs(constants: str) -> list[tuple[str, int]]:
        return [(name, value) for value, name in enum_names(abi, constants).items()]

    load = [(0x18, pairs("bpf_size")), (0xE0, pairs("bpf_mode"))]
    arithmetic = [(0x08, pairs("bpf_source")), (0xF0, pairs("bpf_operation"))]
    jump = [(0x08, pairs("bpf_source")), (0xF0, pairs("bpf_jump"))]
    return {0: load, 1: load, 2: load, 3: load, 4: arithmetic, 5: jump, 6: jump, 7: arithmetic}


SECCOMP_RETURN: Final = SeccompReturn()
SECCOMP_INSTRUCTION: Final = ClassicInstruction(seccomp=True)
SOCKET_INSTRUCTION: Final = ClassicInstruction(seccomp=False)
EXTENDED_INSTRUCTION: Final = ExtendedInstruction()
