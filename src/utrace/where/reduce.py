"""Expressions reduced by what is known of all calls of one number.

Rule of this file: what is left is true of a call of that number exactly when the whole is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from utrace.where import values as v
from utrace.where.nodes import (
    MISSING,
    And,
    Arg,
    BitAnd,
    Compare,
    Const,
    Field,
    Fixed,
    Has,
    Item,
    Match,
    Not,
    Or,
    Several,
    Truth,
    Var,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.where.nodes import Operand, Test, _Missing


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of all calls of one number."""

    words: Mapping[str, str | int | _Missing]
    arguments: frozenset[str]


def reduced(test: Test, shape: Shape) -> Test:
    """Give a test that is true of the same calls of this shape, decided as far as the shape decides it."""
    match test:
        case Not(of):
            inner = reduced(of, shape)
            return Fixed(not inner.value) if isinstance(inner, Fixed) else Not(inner)
        case And(parts):
            return _joined(And, [reduced(part, shape) for part in parts], neutral=True)
        case Or(parts):
            return _joined(Or, [reduced(part, shape) for part in parts], neutral=False)
        case _:
            return _reduced_leaf(test, shape)


def _reduced_leaf(test: Fixed | Truth | Compare | Has | Match, shape: Shape) -> Test:  # noqa: PLR0911 — one for each kind
    match test:
        case Fixed():
            return test
        case Truth(of):
            value = _folded(of, shape)
            return Fixed(v.truth(value.value)) if isinstance(value, Const) else Truth(value)
        case Compare(op, left, right):
            first, second = _folded(left, shape), _folded(right, shape)
            gone = Const(MISSING)
            if gone in {first, second}:
                return Fixed(value=False)
            decided = constant(first), constant(second)
            if decided[0] is not None and decided[1] is not None:
                return Fixed(v.compare(op, decided[0][0], decided[1][0]))
            return Compare(op, first, second)
        case Has(of, names):
            value = _folded(of, shape)
            return Fixed(v.has(value.value, names)) if isinstance(value, Const) else Has(value, names)
        case Match(of, pattern, kind, shown):
            value = _folded(of, shape)
            if not isinstance(value, Const):
                return Match(value, pattern, kind, shown)
            return Fixed(isinstance(value.value, str) and pattern.search(value.value) is not None)


def _joined(kind: type[And | Or], parts: list[Test], *, neutral: bool) -> Test:
    """Leave out what is neutral, and be decided by what is not."""
    left: list[Test] = []
    for part in parts:
        if isinstance(part, Fixed):
            if part.value is not neutral:
                return part
        elif isinstance(part, kind):
            left += part.parts
        else:
            left.append(part)
    if not left:
        return Fixed(neutral)
    return left[0] if len(left) == 1 else kind(tuple(left))


def _folded(operand: Operand, shape: Shape) -> Operand:  # noqa: PLR0911 — one for each kind
    match operand:
        case Var(name) if name in shape.words:
            return Const(shape.words[name])
        case Arg(name) if name not in shape.arguments:
            return Const(MISSING)
        case Field(of, name):
            inner = _folded(of, shape)
            return Const(MISSING) if isinstance(inner, Const) else Field(inner, name)
        case Item(of, index):
            inner = _folded(of, shape)
            return Const(MISSING) if isinstance(inner, Const) else Item(inner, index)
        case BitAnd(left, right):
            first, second = _folded(left, shape), _folded(right, shape)
            if isinstance(first, Const) and isinstance(second, Const):
                both = v.bit_and(first.value, second.value)
                return Const(both if isinstance(both, int) else MISSING)
            return Const(MISSING) if Const(MISSING) in {first, second} else BitAnd(first, second)
        case Several(items):
            return Several(tuple(_folded(item, shape) for item in items))
        case _:
            return operand


def constant(operand: Operand) -> tuple[v.Known] | None:
    """Give the value of what is decided, in a tuple; None if it is not."""
    if isinstance(operand, Const):
        return (operand.value,)
    if isinstance(operand, Several):
        values = [constant(item) for item in operand.items]
        return None if None in values else (tuple(value[0] for value in values if value is not None),)
    return None
