"""What an expression is made of, once it is read.

Two sorts: an `Operand` stands for a value, a `Test` is true or false.  Nothing here is evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    import re


class _Missing:
    """The value of what a call does not have."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

Scalar: TypeAlias = "int | float | str | bool | None"


@dataclass(frozen=True, slots=True)
class Const:
    """A constant; a name of the kernel's (O_CREAT, ENOENT) is its text."""

    value: Scalar | _Missing


@dataclass(frozen=True, slots=True)
class Var:
    """Something that every call has: its name, who makes it, what it returned."""

    name: str


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct, or one end of what a call changes (`before`, `after`)."""

    of: Operand
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """An element of an array, counted from 0, or from the end below."""

    of: Operand
    index: int


@dataclass(frozen=True, slots=True)
class BitAnd:
    """The bits that two numbers share."""

    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Several:
    """Values to be one of."""

    items: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A test that is decided."""

    value: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """A value that is there and is neither zero nor empty."""

    of: Operand


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right`; op is one of == != < <= > >= in, not in."""

    op: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Has:
    """Flags of which all these are set."""

    of: Operand
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A text that a pattern meets; `shown` is the pattern as it was written."""

    of: Operand
    pattern: re.Pattern[str]
    kind: str
    shown: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    of: Test


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple[Test, ...]


Operand: TypeAlias = "Const | Var | Arg | Field | Item | BitAnd | Several"
Test: TypeAlias = "Fixed | Truth | Compare | Has | Match | Not | And | Or"


def operands(test: Test) -> list[Operand]:
    """Give all operands of a test, the parts of operands too."""
    found: list[Operand] = []
    waiting: list[Operand | Test] = [test]
    while waiting:
        node = waiting.pop()
        match node:
            case And() | Or():
                waiting += node.parts
            case Not():
                waiting.append(node.of)
            case Truth() | Has() | Match():
                waiting.append(node.of)
            case Compare() | BitAnd():
                waiting += (node.left, node.right)
            case Field() | Item():
                waiting.append(node.of)
            case Several():
                waiting += node.items
            case _:
                pass
        if isinstance(node, Const | Var | Arg | Field | Item | BitAnd | Several):
            found.append(node)
    return found


def show(test: Test) -> str:  # noqa: PLR0911 — one for each kind
    """Write a test; reading it again gives the same."""
    match test:
        case Fixed():
            return str(test.value)
        case Truth():
            return show_operand(test.of)
        case Compare():
            return f"{show_operand(test.left)} {test.op} {show_operand(test.right)}"
        case Has():
            return f"has({show_operand(test.of)}, {', '.join(map(repr, test.names))})"
        case Match():
            return f"{test.kind}({show_operand(test.of)}, {test.shown!r})"
        case Not():
            return f"not {_grouped(test.of)}"
        case And():
            return " and ".join(map(_grouped, test.parts))
        case Or():
            return " or ".join(map(_grouped, test.parts))


def show_operand(operand: Operand) -> str:  # noqa: PLR0911 — one for each kind
    """Write an operand."""
    match operand:
        case Const():
            return repr(operand.value)
        case Var():
            return operand.name
        case Arg():
            return f"args.{operand.name}"
        case Field():
            return f"{show_operand(operand.of)}.{operand.name}"
        case Item():
            return f"{show_operand(operand.of)}[{operand.index}]"
        case BitAnd():
            return f"({show_operand(operand.left)} & {show_operand(operand.right)})"
        case Several():
            return "(" + "".join(f"{show_operand(item)}, " for item in operand.items) + ")"


def _grouped(test: Test) -> str:
    return f"({show(test)})" if isinstance(test, And | Or | Not) else show(test)
