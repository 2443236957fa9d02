"""What registers must pass, as comparisons joined by `and` and `or`, and as steps of a screen.

Rule of this file: nothing here knows where a comparison comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.kernel.screens import FAIL, NOTHING, PASS, RESULT, Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from utrace.kernel.screens import Screen

OPPOSITE: Final = {
    "==": "!=",
    "!=": "==",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "in": "not in",
    "not in": "in",
}
TURNED: Final = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class RegisterTest:
    """One comparison of an argument register with constants.

    Attributes:
        index: of the argument; RESULT or DURATION_NS.
        name: of the argument.
        op: == != < <= > >=, or, with several constants, in, not in.
        value: the constant, or several.
        mask: bits that are looked at; None for all.
        bits: how many bits of the register the argument has.
        signed: the highest of these is its sign.
        shown: the name that stands for the constants; with `mask`, of a flag.
    """

    index: int
    name: str
    op: str
    value: int | tuple[int, ...]
    mask: int | None
    bits: int
    signed: bool
    shown: str = ""

    def __str__(self) -> str:
        if self.index == RESULT and self.op in {">=", "<"} and self.shown:
            return self.shown if self.op == ">=" else f"not {self.shown}"
        if self.shown and self.mask is not None:
            return f"{self.shown} in {self.name}"
        if self.shown:
            return f"{self.name} {'==' if self.op == 'in' else '!='} {self.shown}"
        shown = self.name if self.mask is None else f"({self.name} & {self.mask:#x})"
        return f"{shown} {self.op} {self.value}"


@dataclass(frozen=True, slots=True)
class Every:
    """All of them."""

    parts: tuple[Needed, ...]

    def __str__(self) -> str:
        return " and ".join(map(_grouped, self.parts))


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of them."""

    parts: tuple[Needed, ...]

    def __str__(self) -> str:
        return " or ".join(map(_grouped, self.parts))


Needed: TypeAlias = "bool | RegisterTest | Every | Some"
"""What registers must pass; True: anything does."""


def _grouped(needed: Needed) -> str:
    return f"({needed})" if isinstance(needed, Every | Some) else str(needed)


def joined(several: Iterable[Needed], *, every: bool) -> Needed:
    """Make all, or some, of several needed: what decides does, what does not is left out."""
    parts: list[Needed] = []
    for one in several:
        if isinstance(one, bool):
            if one is not every:
                return one
        elif one not in parts:
            parts.append(one)
    if not parts:
        return every
    if len(parts) == 1:
        return parts[0]
    return Every(tuple(parts)) if every else Some(tuple(parts))


def negated(needed: Needed) -> Needed:
    """Give the opposite."""
    if isinstance(needed, bool):
        return not needed
    if isinstance(needed, RegisterTest):
        return replace(needed, op=OPPOSITE[needed.op])
    return joined(map(negated, needed.parts), every=isinstance(needed, Some))


def screen_of(needed: Needed) -> Screen:
    """Make the steps of what registers must pass."""
    backwards: list[Step] = []
    start = _place(needed, PASS, FAIL, backwards)
    if start < 0:
        return () if start == PASS else NOTHING
    # What was put after it is out of reach.
    last = start
    turned = {PASS: PASS, FAIL: FAIL}
    return tuple(
        step._replace(
            then=turned.get(step.then, last - step.then),
            otherwise=turned.get(step.otherwise, last - step.otherwise),
        )
        for step in reversed(backwards[: start + 1])
    )


def _place(needed: Needed, then: int, otherwise: int, backwards: list[Step]) -> int:
    """Put steps before those that are there; the number, counted from the end, of the one to begin with."""
    if isinstance(needed, bool):
        return then if needed else otherwise
    if isinstance(needed, RegisterTest):
        return _place_test(needed, then, otherwise, backwards)
    is_every = isinstance(needed, Every)
    at = then if is_every else otherwise
    for part in reversed(needed.parts):
        at = _place(part, at if is_every else then, otherwise if is_every else at, backwards)
    return at


def _place_test(test: RegisterTest, then: int, otherwise: int, backwards: list[Step]) -> int:
    if isinstance(test.value, tuple):
        if test.op == "not in":
            then, otherwise = otherwise, then
        at = otherwise
        for value in reversed(test.value):
            at = _place_one(replace(test, op="==", value=value), value, (then, at), backwards)
        return at
    return _place_one(test, test.value, (then, otherwise), backwards)


def _place_one(test: RegisterTest, value: int, ways: tuple[int, int], backwards: list[Step]) -> int:
    """Put one comparison; where no number of the register's is, or all are, it is decided."""
    op, (then, otherwise) = test.op, ways
    if op in {"!=", ">", ">="}:
        op, then, otherwise = OPPOSITE[op], otherwise, then
    if op == "<=":
        op, value = "<", value + 1
    top = 1 << test.bits - 1
    is_signed = test.signed and (test.mask is None or test.mask < 0)
    low, high = (-top, top - 1) if is_signed else (0, 2 * top - 1)
    if value < low or (op == "<" and value == low):
        return otherwise
    if value > high:
        return then if op == "<" else otherwise
    full = 2 * top - 1
    mask = full if test.mask is None else test.mask & full
    flip = top if is_signed and op == "<" else 0
    backwards.append(Step(test.index, mask, flip, op == "<", (value & full) ^ flip, then, otherwise))
    return len(backwards) - 1
