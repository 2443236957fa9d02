"""What result and duration of a call that is over must pass for an expression to be true.

Rule of this file: as in `registers`.  Of a call that is over everything asked here is known, so that a
comparison that is not true is false.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from utrace.kernel.screens import DURATION_NS, RESULT
from utrace.syscalls.result import ERRNO_MAX, errno_name
from utrace.where import values as v
from utrace.where.needed import OPPOSITE, TURNED, RegisterTest, joined, negated
from utrace.where.nodes import Compare, Truth, Var
from utrace.where.reduce import constant

if TYPE_CHECKING:
    from utrace.where.needed import Needed
    from utrace.where.nodes import Test
    from utrace.where.values import Known

_ALL: Final = 1 << 64
_NS: Final = 1_000_000_000
FAILED: Final = RegisterTest(RESULT, "ret", ">=", _ALL - ERRNO_MAX, None, 64, signed=False, shown="error")
_SUCCEEDED: Final = negated(FAILED)


def needed_ending(test: Test, *, outcome: bool) -> Needed | None:
    """Tell what result and duration must pass for a comparison to have an outcome; None: not known."""
    match test:
        case Truth(Var("error" | "errno")):
            exact: Needed | None = FAILED
        case Truth(Var("ret")):
            exact = _returned("!=", 0)
        case Compare(op, Var(word), right) if (value := constant(right)) is not None:
            return _compared(word, op, value[0], outcome=outcome)
        case Compare(op, left, Var(word)) if op in TURNED and (value := constant(left)) is not None:
            return _compared(word, TURNED[op], value[0], outcome=outcome)
        case _:
            exact = None
    return exact if exact is None or outcome else negated(exact)


def _compared(word: str, op: str, value: Known, *, outcome: bool) -> Needed | None:
    if word == "duration":
        return _took(op if outcome else OPPOSITE[op], value)
    exact: Needed | None = None
    match word:
        case "ret":
            exact = _returned(op, value)
        case "errno" | "error":
            exact = _failed_with(word, op, value)
        case "status" if op in {"==", "!="} and isinstance(value, str):
            said: Needed = {"failed": FAILED, "successful": _SUCCEEDED}.get(value, False)
            exact = said if op == "==" else negated(said)
        case "duration_ns" if op in TURNED and type(value) is int:
            exact = RegisterTest(DURATION_NS, word, op, value, None, 64, signed=False)
    return exact if exact is None or outcome else negated(exact)


def _returned(op: str, value: Known) -> Needed | None:
    """Compare what a program sees: -1 of every failure."""
    several = value if isinstance(value, tuple) else (value,)
    if (op in TURNED) is isinstance(value, tuple) or not all(type(one) is int for one in several):
        return None
    numbers = tuple(one for one in several if isinstance(one, int))
    number = numbers if isinstance(value, tuple) else numbers[0]
    test = RegisterTest(RESULT, "ret", op, number, None, 64, signed=True)
    left, right = (-1, number)
    of_failures = v.compare(op, left, right)
    return joined((FAILED, test), every=False) if of_failures else joined((_SUCCEEDED, test), every=True)


def _failed_with(word: str, op: str, value: Known) -> Needed | None:
    """Compare the error of a call that failed; one that succeeded has none, and every comparison is false."""
    if op in {"<", "<=", ">", ">="}:
        if word != "errno" or type(value) is not int or not 0 <= value <= ERRNO_MAX:
            return None
        # An error is the negative number.
        test = RegisterTest(RESULT, word, TURNED[op], _ALL - value, None, 64, signed=False)
        return joined((FAILED, test), every=True)
    numbers: set[int] = set()
    for one in value if isinstance(value, tuple) else (value,):
        found = {one} if word == "errno" and type(one) is int else _errors_named(one)
        if not found:
            return None
        numbers |= {number for number in found if isinstance(number, int)}
    meant = tuple(_ALL - number for number in sorted(numbers) if 0 < number <= ERRNO_MAX)
    shown = str(value) if not isinstance(value, tuple) else " or ".join(map(str, value))
    test = RegisterTest(RESULT, word, "in", meant, None, 64, signed=False, shown=shown)
    is_denied = op in {"!=", "not in"}
    return joined((FAILED, negated(test)), every=True) if is_denied else test


def _errors_named(name: Known) -> set[int]:
    return {
        number for number in range(1, ERRNO_MAX + 1) if isinstance(name, str) and errno_name(number) == name
    }


def _took(op: str, value: Known) -> Needed | None:
    """Compare seconds, with a nanosecond's grace: they are floating point numbers."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    bounds = {
        ">": (">=", math.floor(value * _NS) - 1),
        ">=": (">=", math.floor(value * _NS) - 1),
        "<": ("<=", math.ceil(value * _NS) + 1),
        "<=": ("<=", math.ceil(value * _NS) + 1),
    }
    if op not in bounds:
        return None
    bound, number = bounds[op]
    return RegisterTest(DURATION_NS, "duration_ns", bound, number, None, 64, signed=False)
