"""A register set as the kernel lays it out, and a view of one in which each register is an attribute.

Nothing is parsed when a view is made: a register is unpacked when it is asked for.

Reference: PTRACE_GETREGSET, NT_PRSTATUS in ptrace(2).
"""

from __future__ import annotations

import struct
from typing import ClassVar, Final, Self, overload

from utrace.errors import Misuse

_FORMATS: Final = {4: struct.Struct("<I"), 8: struct.Struct("<Q")}


def unsigned(value: int, bits: int, what: str) -> int:
    """Give the word of `bits` bits for a number, which may be negative.

    Raises:
        Misuse: it does not fit into `what`.
    """
    if not -(1 << bits - 1) <= value < 1 << bits:
        raise Misuse(f"{what} has {bits} bits, too few for {value:#x}")
    return value & (1 << bits) - 1


def signed(word: int, bits: int) -> int:
    """Give the number that the low `bits` bits of a word stand for in two's complement."""
    word &= (1 << bits) - 1
    return word - (1 << bits) if word >> bits - 1 else word


class Register:
    """One register: a place in the regset, an unsigned integer as an attribute of `Registers`.

    A value may be set as a negative number too, down to the least that has as many bits.
    """

    __slots__ = ("_pack_into", "_unpack_from", "name", "offset", "size")

    def __init__(self, offset: int, size: int) -> None:
        self.name = ""
        self.offset: Final = offset
        self.size: Final = size
        self._unpack_from = _FORMATS[size].unpack_from
        self._pack_into = _FORMATS[size].pack_into

    def __set_name__(self, owner: type[Registers], name: str) -> None:
        # A register may go by a second, portable name; the first one is its own.
        self.name = self.name or name

    @overload
    def __get__(self, registers: None, owner: type[Registers]) -> Register: ...
    @overload
    def __get__(self, registers: Registers, owner: type[Registers]) -> int: ...
    def __get__(self, registers: Registers | None, owner: type[Registers]) -> Register | int:
        if registers is None:
            return self
        value: int = self._unpack_from(registers._data, self.offset)[0]  # noqa: SLF001 — its other half
        return value

    def __set__(self, registers: Registers, value: int) -> None:
        word = unsigned(value, 8 * self.size, self.name)
        self._pack_into(registers._writable(), self.offset, word)  # noqa: SLF001 — likewise


class Registers:
    """The general registers of one stopped task, by their architecture's own names.

    `pc` and `sp` are there on every architecture.  Setting a register changes this view; whoever made
    the view writes it to the task if `changed`.
    """

    __slots__ = ("_data",)

    LENGTH: ClassVar[int]
    """Bytes in the regset."""

    REGISTERS: ClassVar[tuple[Register, ...]]
    """Every register once, in the order of the regset."""

    pc: Register
    sp: Register

    def __init_subclass__(cls) -> None:
        found = {value for value in vars(cls).values() if isinstance(value, Register)}
        cls.REGISTERS = tuple(sorted(found, key=lambda register: register.offset))
        cls.LENGTH = sum(register.size for register in cls.REGISTERS)

    def __init__(self, regset: bytes) -> None:
        if len(regset) != self.LENGTH:
            raise Misuse(f"{type(self).__name__} takes {self.LENGTH} bytes, not {len(regset)}")
        self._data: bytes | bytearray = regset

    @classmethod
    def from_bytes(cls, regset: bytes) -> Self:
        """Make a view of a regset as the kernel gave it."""
        return cls(regset)

    def to_bytes(self) -> bytes:
        """Give the regset for the kernel, with every change made."""
        return bytes(self._data)

    @property
    def changed(self) -> bool:
        """Whether any register was set since the view was made."""
        return isinstance(self._data, bytearray)

    def as_dict(self) -> dict[str, int]:
        """Give every register by its own name."""
        return {register.name: register.__get__(self, type(self)) for register in self.REGISTERS}

    def _writable(self) -> bytearray:
        if not isinstance(self._data, bytearray):
            self._data = bytearray(self._data)
        return self._data

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Registers):
            return NotImplemented
        return type(self) is type(other) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} pc={self.pc:#x} sp={self.sp:#x}>"
