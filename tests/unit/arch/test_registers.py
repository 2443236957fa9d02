from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utrace.arch import ARCHES, Register, Registers
from utrace.arch.registers import signed, unsigned
from utrace.errors import Misuse


class Pair(Registers):
    """Two registers of different sizes."""

    __slots__ = ()

    left = Register(0, 8)
    right = Register(8, 4)
    pc = left
    sp = right


PATTERN = bytes(range(1, 13))


def test_register_is_read_little_endian_from_its_place() -> None:
    pair = Pair(PATTERN)
    assert pair.left == 0x0807060504030201
    assert pair.right == 0x0C0B0A09


def test_register_goes_by_two_names() -> None:
    pair = Pair(PATTERN)
    pair.pc = 5
    assert pair.left == 5
    assert Pair.pc is Pair.left
    assert Pair.left.name == "left"


def test_registers_are_listed_once_in_the_order_of_the_regset() -> None:
    assert [register.name for register in Pair.REGISTERS] == ["left", "right"]
    assert Pair.LENGTH == 12
    assert Pair(PATTERN).as_dict() == {"left": 0x0807060504030201, "right": 0x0C0B0A09}


def test_set_changes_that_register_only() -> None:
    pair = Pair(PATTERN)
    pair.right = 0xAABBCCDD
    assert pair.to_bytes() == PATTERN[:8] + b"\xdd\xcc\xbb\xaa"


def test_set_leaves_the_bytes_it_was_made_from() -> None:
    pair = Pair(PATTERN)
    pair.left = 0
    assert bytes(range(1, 13)) == PATTERN


def test_changed_only_after_a_set() -> None:
    pair = Pair.from_bytes(PATTERN)
    assert not pair.changed
    assert pair.to_bytes() is PATTERN
    pair.left = pair.left
    assert pair.changed


@pytest.mark.parametrize(
    ("value", "word"), [(-1, 0xFFFFFFFF), (-(1 << 31), 1 << 31), ((1 << 32) - 1, 0xFFFFFFFF)]
)
def test_set_takes_what_fits_of_either_sign(value: int, word: int) -> None:
    pair = Pair(PATTERN)
    pair.right = value
    assert pair.right == word


@pytest.mark.parametrize("value", [1 << 32, -(1 << 31) - 1])
def test_set_refuses_what_does_not_fit_and_changes_nothing(value: int) -> None:
    pair = Pair(PATTERN)
    with pytest.raises(Misuse, match="right has 32 bits"):
        pair.right = value
    assert not pair.changed


def test_set_of_an_unknown_name_is_an_error() -> None:
    with pytest.raises(AttributeError):
        Pair(PATTERN).middle = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("length", [0, 11, 13])
def test_regset_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(Misuse, match="12 bytes"):
        Pair(bytes(length))


def test_equality_is_of_kind_and_values() -> None:
    changed = Pair(bytes(12))
    changed.left, changed.right = struct.unpack("<QI", PATTERN)
    assert changed == Pair(PATTERN)
    assert changed != Pair(bytes(12))
    assert changed != PATTERN


def test_repr_tells_where_the_task_is() -> None:
    assert repr(Pair(bytes(12))) == "<Pair pc=0x0 sp=0x0>"


@pytest.mark.parametrize("arch", ARCHES, ids=lambda arch: arch.name)
@given(data=st.data())
def test_every_register_of_every_architecture_round_trips(arch: object, data: st.DataObject) -> None:
    layout = next(each for each in ARCHES if each is arch).registers
    values = {
        register.name: data.draw(st.integers(0, (1 << 8 * register.size) - 1))
        for register in layout.REGISTERS
    }
    registers = layout(bytes(layout.LENGTH))
    for name, value in values.items():
        setattr(registers, name, value)
    assert layout(registers.to_bytes()).as_dict() == values


@given(st.integers(-(1 << 31), (1 << 31) - 1))
def test_signed_undoes_unsigned(value: int) -> None:
    assert signed(unsigned(value, 32, "it"), 32) == value
