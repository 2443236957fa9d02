"""From an expression to a function: every node becomes a closure, once.

No expression raises: what a value cannot do is false.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from utrace.where import values as v
from utrace.where.nodes import (
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
    from collections.abc import Callable

    from utrace.where.nodes import Operand, Test
    from utrace.where.values import CallFacts, Known

    Give: TypeAlias = Callable[[CallFacts], Known]
    Decide: TypeAlias = Callable[[CallFacts], bool]


def compiled(test: Test) -> Decide:  # noqa: PLR0911 — one for each kind
    """Make the function that decides a test."""
    match test:
        case Fixed(value):
            return lambda _facts: value
        case Truth(of):
            give = _operand(of)
            return lambda facts: v.truth(give(facts))
        case Compare(op, left, right):
            first, second = _operand(left), _operand(right)
            return lambda facts: v.compare(op, first(facts), second(facts))
        case Has(of, names):
            give = _operand(of)
            return lambda facts: v.has(give(facts), names)
        case Match(of, pattern):
            give, search = _operand(of), pattern.search

            def matches(facts: CallFacts) -> bool:
                value = v.now(give(facts))
                return isinstance(value, str) and search(value) is not None

            return matches
        case Not(of):
            decide = compiled(of)
            return lambda facts: not decide(facts)
        case And(parts):
            tests = tuple(map(compiled, parts))
            return lambda facts: all(one(facts) for one in tests)
        case Or(parts):
            tests = tuple(map(compiled, parts))
            return lambda facts: any(one(facts) for one in tests)


def _operand(operand: Operand) -> Give:  # noqa: PLR0911 — one for each kind
    match operand:
        case Const(value):
            return lambda _facts: value
        case Var(name):
            word: Give = v.WORDS[name]
            return word
        case Arg(name):
            return lambda facts: v.argument(facts, name)
        case Field(of, name):
            give = _operand(of)
            return lambda facts: v.field(give(facts), name)
        case Item(of, index):
            give = _operand(of)
            return lambda facts: v.item(give(facts), index)
        case BitAnd(left, right):
            first, second = _operand(left), _operand(right)
            return lambda facts: v.bit_and(first(facts), second(facts))
        case Several(items):
            gives = tuple(map(_operand, items))
            return lambda facts: tuple(one(facts) for one in gives)
