"""What argument registers must pass for an expression to be true: no memory is read, nothing is decoded.

Rule of this file: what registers must pass follows from the expression.  A comparison that registers decide
stands for itself; one of which they decide something (a flag that is set) stands for that; everything else is
taken to be true, also where it is denied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.syscalls.argtypes import SIGNAL, Enum, Flags, Number, Pointer
from utrace.syscalls.packed import IoctlCommand
from utrace.syscalls.siginfo import SIGNAL_NAMES
from utrace.syscalls.tables import enum_names, flag_bits
from utrace.where.endings import needed_ending
from utrace.where.needed import OPPOSITE, TURNED, RegisterTest, joined, negated
from utrace.where.nodes import And, Arg, BitAnd, Compare, Const, Fixed, Has, Not, Or, Truth
from utrace.where.reduce import constant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import ArgType
    from utrace.syscalls.signature import Signature
    from utrace.where.needed import Needed
    from utrace.where.nodes import Operand, Test
    from utrace.where.values import Known


def needed_registers(
    test: Test, abi: Abi, signature: Signature, *, outcome: bool = True, at_end: bool = False
) -> Needed:
    """Tell what argument registers must pass for a test to have an outcome.

    Args:
        test: an expression, reduced for the calls of one number.
        abi: their convention.
        signature: their arguments.
        outcome: whether the test is to be true.
        at_end: the calls are over: also what results and durations must pass.
    """
    match test:
        case Fixed(value):
            return value is outcome
        case Not(of):
            return needed_registers(of, abi, signature, outcome=not outcome, at_end=at_end)
        case And(parts) | Or(parts):
            several = [
                needed_registers(part, abi, signature, outcome=outcome, at_end=at_end) for part in parts
            ]
            return joined(several, every=isinstance(test, And) is outcome)
        case _:
            exact = _comparison(test, abi, signature)
            if exact is not None:
                return exact if outcome else negated(exact)
            ending = needed_ending(test, outcome=outcome) if at_end else None
            if ending is not None:
                return ending
            return _flags_set(test, abi, signature) if outcome else True


# -- comparisons of values as comparisons of registers --------------------------------------------


def _comparison(test: Test, abi: Abi, signature: Signature) -> RegisterTest | None:
    """Make the comparison of a register that is the same as one of values; None if there is none."""
    found = _parts(test)
    if found is None:
        return None
    op, left, right = found
    mask = None
    if isinstance(left, BitAnd):
        left, other = (left.left, left.right) if isinstance(left.left, Arg) else (left.right, left.left)
        if not isinstance(other, Const) or type(other.value) is not int:
            return None
        mask = other.value
    if not isinstance(left, Arg) or left.name not in signature.arguments:
        return None
    kind = signature.arguments[left.name]
    values = _numbers(op, right, kind, abi, named=mask is None)
    if values is None or not _is_scalar(kind):
        return None
    _, size, signed = abi.layout(kind.ctype)
    top = 1 << size * 8 - 1
    if signed and mask is not None and not -top <= mask < 2 * top:
        return None
    op, numbers = values
    index = list(signature.arguments).index(left.name)
    shown = right.value if isinstance(right, Const) and isinstance(right.value, str) else ""
    return RegisterTest(index, left.name, op, numbers, mask, size * 8, signed, shown)


def _parts(test: Test) -> tuple[str, Operand, Operand] | None:
    """Give (op, what is compared, with what), constants on the right; None if it is no comparison."""
    if isinstance(test, Truth):
        return "!=", test.of, Const(0)
    if not isinstance(test, Compare):
        return None
    if isinstance(test.left, Const) and test.op in TURNED:
        return TURNED[test.op], test.right, test.left
    return test.op, test.left, test.right


def _numbers(
    op: str, operand: Operand, kind: ArgType, abi: Abi, *, named: bool
) -> tuple[str, int | tuple[int, ...]] | None:
    """Give an operator and what numbers to compare with; None if it is something else."""
    value = constant(operand)
    if value is None or op not in OPPOSITE:
        return None
    given = value[0]
    if op not in {"in", "not in"}:
        numbers = _numbers_of(given, kind, abi, named=named)
        if isinstance(given, str | None):
            # Several numbers may have one name, and none.
            is_equality = numbers is not None and op in {"==", "!="}
            return ("in" if op == "==" else "not in", numbers or ()) if is_equality else None
        return None if numbers is None else (op, numbers[0])
    if not isinstance(given, tuple):
        return None
    several = [_numbers_of(one, kind, abi, named=named) for one in given]
    return None if None in several else (op, tuple(number for one in several for number in one or ()))


def _numbers_of(given: Known, kind: ArgType, abi: Abi, *, named: bool) -> tuple[int, ...] | None:
    """Give the numbers that are equal to a constant; None if that is not known."""
    if isinstance(given, str) and named:
        names = _names_of(kind, abi)
        return None if names is None else tuple(number for number, name in names.items() if name == given)
    if given is None and isinstance(kind, Pointer):
        return (0,)
    return (given,) if type(given) is int else None


def _names_of(kind: ArgType, abi: Abi) -> Mapping[int, str] | None:
    if isinstance(kind, Enum) and kind.otherwise is None:
        return enum_names(abi, kind.constants)
    if isinstance(kind, IoctlCommand):
        return enum_names(abi, "ioctl")
    return SIGNAL_NAMES if kind is SIGNAL else None


def _is_scalar(kind: ArgType) -> bool:
    """Tell whether the value of an argument is what its register holds."""
    return (
        isinstance(kind, Flags | Pointer | IoctlCommand)
        or (isinstance(kind, Number) and (kind.is_plain or kind is SIGNAL))
        or (isinstance(kind, Enum) and kind.otherwise is None)
    )


def _flags_set(test: Test, abi: Abi, signature: Signature) -> Needed:
    """Tell what bits must be set for flags to have names; True where that is not known."""
    match test:
        case Has(Arg(name), names):
            pass
        case Compare("in", Const(str() as one), Arg(name)):
            names = (one,)
        case Compare("==", Arg(name), Const(str() as one)) | Compare("==", Const(str() as one), Arg(name)):
            names = tuple(one.split("|"))
        case _:
            return True
    kind = signature.arguments.get(name)
    if not isinstance(kind, Flags):
        return True
    index, known = list(signature.arguments).index(name), flag_bits(abi, kind.constants)
    _, size, signed = abi.layout(kind.ctype)
    full = (1 << size * 8) - 1
    return joined(
        (
            RegisterTest(index, name, "==", known[one][1], known[one][0], size * 8, signed, one)
            for one in names
            if one in known and one != kind.zero and not signed and 0 <= known[one][0] <= full
        ),
        every=True,
    )
