"""Comparisons that argument registers decide: no memory is read, nothing is decoded.

Rule of this file: the value of an argument is what its register holds only for plain numbers, flags and
addresses; everything else is left to Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeGuard

from utrace.syscalls.argtypes import Flags, Number, Pointer
from utrace.where import values as v
from utrace.where.nodes import Arg, BitAnd, Compare, Const, Not, Truth
from utrace.where.reduce import constant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.signature import Signature
    from utrace.where.nodes import Operand, Test

_OPPOSITE: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_TURNED: Final = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class RegisterTest:
    """One comparison of an argument register with a constant.

    Attributes:
        index: of the argument.
        name: of the argument.
        op: == != < <= > >= in.
        value: the constant, of `in` several.
        mask: bits that are looked at; None for all.
        bits: how many bits of the register the argument has.
        signed: the highest of these is its sign.
    """

    index: int
    name: str
    op: str
    value: int | tuple[int, ...]
    mask: int | None
    bits: int
    signed: bool

    def passes(self, raw: Sequence[int]) -> bool:
        """Tell whether registers pass it."""
        number = raw[self.index] & ((1 << self.bits) - 1)
        if self.signed and number >> self.bits - 1:
            number -= 1 << self.bits
        if self.mask is not None:
            number &= self.mask
        if isinstance(self.value, tuple):
            return number in self.value
        return v.compare(self.op, number, self.value)

    def __str__(self) -> str:
        shown = self.name if self.mask is None else f"({self.name} & {self.mask:#x})"
        return f"{shown} {self.op} {self.value}"


def register_test(test: Test, abi: Abi, signature: Signature) -> RegisterTest | None:
    """Make a comparison of a register from one of values, where the two are the same; else None."""
    found = _comparison(test)
    if found is None:
        return None
    op, left, right = found
    mask = None
    if isinstance(left, BitAnd):
        left, other = (left.left, left.right) if isinstance(left.left, Arg) else (left.right, left.left)
        if not isinstance(other, Const) or type(other.value) is not int:
            return None
        mask = other.value
    number = _numbers(op, right)
    if number is None or not isinstance(left, Arg) or left.name not in signature.arguments:
        return None
    kind = signature.arguments[left.name]
    if not _is_scalar(kind):
        return None
    _, size, signed = abi.layout(kind.ctype)
    index = list(signature.arguments).index(left.name)
    return RegisterTest(index, left.name, op, number, mask, size * 8, signed)


def _comparison(test: Test) -> tuple[str, Operand, Operand] | None:
    """Give (op, what is compared, with what), constants on the right; None if it is no comparison."""
    if isinstance(test, Not):
        # Both sides are numbers, if it comes to a register: so one of the two is true.
        inner = _comparison(test.of)
        return None if inner is None or inner[0] not in _OPPOSITE else (_OPPOSITE[inner[0]], *inner[1:])
    if isinstance(test, Truth):
        return "!=", test.of, Const(0)
    if not isinstance(test, Compare):
        return None
    if isinstance(test.left, Const) and test.op in _TURNED:
        return _TURNED[test.op], test.right, test.left
    return test.op, test.left, test.right


def _numbers(op: str, operand: Operand) -> int | tuple[int, ...] | None:
    """Give the number to compare with, of `in` several; None if it is something else."""
    value = constant(operand)
    if value is None:
        return None
    numbers = value[0]
    if op == "in" and isinstance(numbers, tuple):
        several = tuple(each for each in numbers if type(each) is int)
        return several if len(several) == len(numbers) else None
    return numbers if op in _OPPOSITE and type(numbers) is int else None


def _is_scalar(kind: object) -> TypeGuard[Number | Flags | Pointer]:
    """Tell whether the value of an argument is what its register holds."""
    return isinstance(kind, Flags | Pointer) or (isinstance(kind, Number) and kind.is_plain)
