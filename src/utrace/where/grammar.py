"""The grammar: Python's expressions, of which these are allowed.

    test     ::= test "or" test | test "and" test | "not" test | "(" test ")" | True | False
               | operand [op operand]... | has(operand, NAME, ...) | glob(operand, "…") | regex(operand, "…")
    op       ::= == | != | < | <= | > | >= | in | not in
    operand  ::= number | "text" | None | NULL | NAME | word | operand.field | operand[number] | args.argument
               | operand & operand | (operand, ...)

A word is one of `values.WORDS`, or else an argument's name; a NAME is one of the kernel's constants, in
capitals.  Nothing of Python is run: the text is only parsed.

Reference: docs/where.md.
"""

from __future__ import annotations

import ast
import difflib
import fnmatch
import functools
import re
from typing import TYPE_CHECKING, Final

from utrace.errors import Misuse
from utrace.syscalls.abi import ABIS
from utrace.syscalls.catalog import signature_of
from utrace.syscalls.result import errno_name
from utrace.syscalls.siginfo import SIGNAL_NUMBERS
from utrace.syscalls.tables import constant_names, prototypes
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
from utrace.where.values import AT_ENTRY, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.where.nodes import Operand, Test

_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_OPERATORS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_REFUSED: Final[Mapping[type[ast.expr], str]] = {
    ast.Constant: "numbers and texts are the only constants",
    ast.Call: "a function is true or false, and no value to be compared",
    ast.BinOp: "values are not calculated with; only & for bits",
    ast.BoolOp: "a value is expected here, not a test",
    ast.Compare: "a value is expected here, not a test",
    ast.UnaryOp: "a value is expected here, not a test",
}
#: Constants that values do not know by name.
_VALUES: Final[Mapping[str, int | None]] = {"NULL": None, "AT_FDCWD": -100}
_FUNCTIONS: Final = ("has", "glob", "regex")
_DEPTH_MAX: Final = 100
_ERRNO_MAX: Final = 600


class WhereError(Misuse):
    """An expression that cannot be understood.

    Attributes:
        reason: why, in words.
        text: the expression.
        offset: where in it, in characters.
    """

    def __init__(self, reason: str, text: str, offset: int) -> None:
        self.reason = reason
        self.text = text
        self.offset = offset
        line_start = text.rfind("\n", 0, offset) + 1
        line = text[line_start:].partition("\n")[0]
        super().__init__(f"{reason}\n  {line}\n  {' ' * (offset - line_start)}^")


@functools.cache
def argument_names() -> frozenset[str]:
    """Give the names of all arguments of all calls."""
    of_unknown = {f"a{i}" for i in range(1, 7)}
    return frozenset(of_unknown) | {
        name for abi in ABIS for nr in prototypes(abi) for name in signature_of(abi, nr)[1].arguments
    }


@functools.cache
def kernel_names() -> frozenset[str]:
    """Give all names of constants that decoded values can have."""
    errors = (errno_name(number) for number in range(_ERRNO_MAX))
    return constant_names() | frozenset(SIGNAL_NUMBERS) | {name for name in errors if name}


def parse(text: str, *, at_entry: bool = False) -> Test:
    """Read an expression.

    Args:
        text: the expression.
        at_entry: it is to be decided when a call begins, so it cannot ask what the call returned.

    Raises:
        WhereError: it cannot be understood.
    """
    return _Reader(text, at_entry=at_entry).read()


class _Reader:
    """Turns what Python's parser gives into nodes, and refuses the rest."""

    def __init__(self, text: str, *, at_entry: bool) -> None:
        self._text = text
        self._at_entry = at_entry
        self._depth = 0

    def read(self) -> Test:
        if not self._text.strip():
            raise WhereError("an expression is expected", self._text, 0)
        try:
            tree = ast.parse(self._text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            offset = getattr(error, "offset", None) or 0
            reason = error.msg if isinstance(error, SyntaxError) else "this is too much"
            # No offset stands for the end.
            place = self._lead() + offset - 1 if offset else len(self._text)
            raise WhereError(reason, self._text, min(place, len(self._text))) from None
        return self._test(tree.body)

    def _lead(self) -> int:
        return len(self._text) - len(self._text.lstrip())

    def _mistake(self, node: ast.expr, reason: str) -> WhereError:
        lines = self._text.strip().splitlines(keepends=True)
        before = "".join(lines[: node.lineno - 1])
        column = len(lines[node.lineno - 1].encode()[: node.col_offset].decode())
        return WhereError(reason, self._text, self._lead() + len(before) + column)

    def _deeper(self, node: ast.expr) -> None:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise self._mistake(node, f"more than {_DEPTH_MAX} levels of parentheses")

    # -- tests ------------------------------------------------------------------------------------

    def _test(self, node: ast.expr) -> Test:
        self._deeper(node)
        try:
            return self._test_of(node)
        finally:
            self._depth -= 1

    def _test_of(self, node: ast.expr) -> Test:  # noqa: PLR0911 — one for each kind
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                return And(tuple(map(self._test, parts)))
            case ast.BoolOp(values=parts):
                return Or(tuple(map(self._test, parts)))
            case ast.UnaryOp(op=ast.Not(), operand=of):
                return Not(self._test(of))
            case ast.Constant(value=bool() as value):
                return Fixed(value)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                operands = [self._operand(each) for each in (left, *comparators)]
                pairs = zip(ops, operands, operands[1:], strict=False)
                tests = tuple(Compare(self._operator(node, op), one, next_) for op, one, next_ in pairs)
                return tests[0] if len(tests) == 1 else And(tests)
            case ast.Call():
                return self._function(node)
            case _:
                return Truth(self._operand(node))

    def _operator(self, node: ast.expr, op: ast.cmpop) -> str:
        if type(op) not in _OPERATORS:
            raise self._mistake(node, "'is' compares identities, which values do not have: use ==")
        return _OPERATORS[type(op)]

    def _function(self, node: ast.Call) -> Test:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS:
            raise self._mistake(node, f"there are no functions but {', '.join(_FUNCTIONS)}")
        if node.keywords or len(node.args) < 2 or (name != "has" and len(node.args) != 2):
            what = "flags and the names to be set" if name == "has" else "a value and a pattern"
            raise self._mistake(node, f"{name}() takes {what}")
        of, *rest = node.args
        texts = tuple(self._text_of(each) for each in rest)
        operand = self._operand(of)
        if name == "has":
            return Has(operand, texts)
        pattern = fnmatch.translate(texts[0]) if name == "glob" else texts[0]
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise self._mistake(rest[0], f"bad pattern: {error}") from error
        return Match(operand, compiled, name, texts[0])

    def _text_of(self, node: ast.expr) -> str:
        operand = self._operand(node)
        if not isinstance(operand, Const) or not isinstance(operand.value, str):
            raise self._mistake(node, "a name or a text in quotes is expected")
        return operand.value

    # -- operands ---------------------------------------------------------------------------------

    def _operand(self, node: ast.expr) -> Operand:
        self._deeper(node)
        try:
            return self._operand_of(node)
        finally:
            self._depth -= 1

    def _operand_of(self, node: ast.expr) -> Operand:  # noqa: PLR0911 — a case for each kind
        match node:
            case ast.Constant(value=(bool() | int() | float() | str() | None) as value):
                return Const(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=(int() | float()) as value)) if (
                not isinstance(value, bool)
            ):
                return Const(-value)
            case ast.Name(id=name):
                return self._word(node, name)
            case ast.Attribute(value=ast.Name(id="args"), attr=name):
                return self._argument(node, name)
            case ast.Attribute(value=of, attr=name):
                return Field(self._operand(of), name)
            case ast.Subscript(value=of, slice=index):
                number = self._operand(index)
                if not isinstance(number, Const) or type(number.value) is not int:
                    raise self._mistake(index, "a number is expected")
                return Item(self._operand(of), number.value)
            case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
                return BitAnd(self._operand(left), self._operand(right))
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
                return Several(tuple(map(self._operand, items)))
            case _:
                raise self._mistake(node, _REFUSED.get(type(node), "this is no part of an expression here"))

    def _word(self, node: ast.expr, name: str) -> Operand:
        if name in _VALUES:
            return Const(_VALUES[name])
        if name in WORDS:
            if self._at_entry and name not in AT_ENTRY:
                raise self._mistake(node, f"{name} is not known yet when a call begins")
            return Var(name)
        if _NAME.fullmatch(name):
            if name not in kernel_names():
                raise self._mistake(node, f"no constant is called {name}{_similar(name, kernel_names())}")
            return Const(name)
        return self._argument(node, name)

    def _argument(self, node: ast.expr, name: str) -> Operand:
        if name not in argument_names():
            known = argument_names() | set(WORDS)
            raise self._mistake(node, f"no argument is called {name}{_similar(name, known)}")
        return Arg(name)


def _similar(name: str, known: frozenset[str] | set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f" (do you mean {close[0]}?)" if close else ""
