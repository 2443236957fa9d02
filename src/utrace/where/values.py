"""What the words of an expression stand for, and how values are compared.  Nothing here raises.

Rules of this file:

1. A comparison with what a call does not have is false, whatever the operator.
2. Values of different kinds are unequal, and not ordered.
3. A name of the kernel's is equal to a value of that name, a number to a value of that number.
"""

from __future__ import annotations

import operator
import os
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from utrace.syscalls.result import errno_name
from utrace.syscalls.siginfo import SIGNAL_NUMBERS
from utrace.syscalls.values import (
    ABSENT,
    Address,
    Change,
    Cpus,
    FdSet,
    FlagSet,
    Items,
    Joined,
    Macro,
    Named,
    Record,
    SignalSet,
)
from utrace.where.nodes import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from utrace.syscalls import DecodedCall
    from utrace.syscalls.values import Value
    from utrace.where.nodes import _Missing

    Known: TypeAlias = Value | float | _Missing | tuple["Known", ...] | None

_NS: Final = 1_000_000_000


class CallFacts(NamedTuple):
    """One call, as far as it has come.

    Attributes:
        call: the call; its `result` is None as long as it has not returned.
        pid: the process.
        tid: the thread.
        comm: the thread's name.
        status: how the call ended, in the words of `-e status=`; None before.
        duration_ns: from entry to end; None before.
    """

    call: DecodedCall
    pid: int = 0
    tid: int = 0
    comm: str = ""
    status: str | None = None
    duration_ns: int | None = None


def _ret(facts: CallFacts) -> Known:
    result = facts.call.result
    return MISSING if result is None else -1 if result.is_error else result.value


def _errno(facts: CallFacts) -> Known:
    result = facts.call.result
    if result is None or not result.is_error:
        return MISSING
    return Named(result.errno, errno_name(result.errno))


def _error(facts: CallFacts) -> Known:
    result = facts.call.result
    if result is None or not result.is_error:
        return MISSING
    return result.name or f"errno {result.errno}"


def _given(value: int | str | None) -> Known:
    return MISSING if value is None else value


#: Words that are known before a call is decoded.
OF_SHAPE: Final[Mapping[str, Callable[[CallFacts], Known]]] = {
    "name": lambda facts: facts.call.name,
    "nr": lambda facts: facts.call.nr,
    "arch": lambda facts: facts.call.abi.name,
}
#: Words that are known at its entry.
AT_ENTRY: Final[Mapping[str, Callable[[CallFacts], Known]]] = {
    **OF_SHAPE,
    "pid": lambda facts: facts.pid,
    "tid": lambda facts: facts.tid,
    "comm": lambda facts: facts.comm,
    "path": lambda facts: _given(facts.call.path),
}
#: Words that are known when it is over.
AT_END: Final[Mapping[str, Callable[[CallFacts], Known]]] = {
    "ret": _ret,
    "errno": _errno,
    "error": _error,
    "status": lambda facts: _given(facts.status),
    "duration_ns": lambda facts: _given(facts.duration_ns),
    "duration": lambda facts: MISSING if facts.duration_ns is None else facts.duration_ns / _NS,
}
WORDS: Final[Mapping[str, Callable[[CallFacts], Known]]] = {**AT_ENTRY, **AT_END}


def argument(facts: CallFacts, name: str) -> Known:
    """Give an argument by name."""
    index = facts.call.plan.indexes.get(name)
    return MISSING if index is None else plain(facts.call.value(index))


def plain(value: Value) -> Known:
    """Make a decoded value one that expressions know: texts for bytes, what it is now for what changed."""
    if value is ABSENT:
        return MISSING
    if isinstance(value, bytes):
        return os.fsdecode(value)
    if isinstance(value, Macro):
        return os.fsdecode(value.argument) if isinstance(value.argument, bytes) else value.argument
    return value


def field(of: Known, name: str) -> Known:
    """Give a field of a struct."""
    if isinstance(of, Change):
        if name in {"before", "after"}:
            return plain(getattr(of, name))
        of = of.after
    if isinstance(of, Items) and len(of) == 1:
        of = of[0]
    if isinstance(of, Record) and name in of.names:
        return plain(of[name])
    return MISSING


def item(of: Known, index: int) -> Known:
    """Give an element of an array."""
    if isinstance(of, Change):
        of = of.after
    if isinstance(of, Items) and -len(of) <= index < len(of):
        return plain(of[index])
    return MISSING


def bit_and(left: Known, right: Known) -> Known:
    """Give the bits that two numbers share."""
    left, right = now(left), now(right)
    if isinstance(left, int) and isinstance(right, int):
        return int(left) & int(right)
    return MISSING


def truth(value: Known) -> bool:
    """Tell whether a value is there, and neither zero nor empty."""
    value = now(value)
    return value is not MISSING and (isinstance(value, Record) or bool(value))


def now(value: Known) -> Known:
    """Give what a changed value is now, anything else as it is."""
    return plain(value.after) if isinstance(value, Change) else value


def equal(left: Known, right: Known) -> bool:
    """Tell whether two values are the same."""
    left, right = now(left), now(right)
    if isinstance(left, str) and not isinstance(right, str):
        left, right = right, left
    if isinstance(right, str):
        return _is_named(left, right)
    if left is None or right is None:
        return _is_null(left) and _is_null(right)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return bool(left == right)
    return isinstance(left, tuple) and isinstance(right, tuple) and _all_equal(left, right)


def _all_equal(left: tuple[Known, ...], right: tuple[Known, ...]) -> bool:
    return len(left) == len(right) and all(map(equal, map(_plain_item, left), map(_plain_item, right)))


def _plain_item(value: Known) -> Known:
    return plain(value) if isinstance(value, bytes | Macro) else value


def _is_null(value: Known) -> bool:
    return value is None or (isinstance(value, Address) and value == 0)


def _is_named(value: Known, name: str) -> bool:
    if isinstance(value, str):
        return value == name
    if isinstance(value, FlagSet):
        return not value.unknown and set(value.names) == set(name.split("|"))
    return isinstance(value, Named) and value.name == name


_ORDERS: Final[Mapping[str, Callable[[float | str, float | str], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(op: str, left: Known, right: Known) -> bool:
    """Compare two values."""
    if left is MISSING or right is MISSING:
        return False
    if op in _RELATIONS:
        return _RELATIONS[op](left, right)
    left, right = now(left), now(right)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _ORDERS[op](left, right)
    return isinstance(left, str) and isinstance(right, str) and _ORDERS[op](left, right)


def _contains(several: Known, one: Known) -> bool:
    several, one = now(several), now(one)
    if isinstance(several, FlagSet | Joined):
        return isinstance(one, str) and one in several
    if isinstance(several, str):
        return isinstance(one, str) and one in several
    if isinstance(several, SignalSet):
        number = SIGNAL_NUMBERS.get(one) if isinstance(one, str) else one
        return number in several
    if isinstance(several, FdSet | Cpus):
        return one in several
    return isinstance(several, tuple) and any(equal(_plain_item(each), one) for each in several)


_RELATIONS: Final[Mapping[str, Callable[[Known, Known], bool]]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "in": lambda left, right: _contains(right, left),
    "not in": lambda left, right: not _contains(right, left),
}


def has(value: Known, names: tuple[str, ...]) -> bool:
    """Tell whether all these flags, or signals, are set."""
    value = now(value)
    return value is not MISSING and all(_contains(value, name) for name in names)
