"""What a tap copies is what the signatures of the calls read."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from utrace.kernel import tap_program
from utrace.kernel.tap_program import COPIES, ONCE, RESULT, Copy
from utrace.syscalls.abi import X86_64
from utrace.syscalls.call import Limits
from utrace.syscalls.shapes import program_of
from utrace.syscalls.tables import numbers
from utrace.tracer.taps import PLANS, TEXT_MAX, plans_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    Shape = tuple[object, ...]

LIMITS = Limits(TEXT_MAX, 32)
NUMBERS = numbers(X86_64)


def sizes(layout: Shape) -> int:
    kind = layout[0]
    if kind in {"number", "opaque"}:
        return cast("int", layout[1])
    if kind == "either":
        return sizes(cast("Shape", layout[4]))
    return cast("int", layout[{"record": 3, "chars": 1}[str(kind)]])


def counted(count: Shape) -> tuple[int, int]:
    """By what, and how many at least where that is fixed."""
    match count:
        case "fixed", int(number):
            return ONCE, number
        case "argument", int(index), _:
            return index, 0
        case "returned", *_:
            return RESULT, 0
        case "at", _:
            return ONCE, 0
        case _:
            raise AssertionError(count)


def wanted(arg: int, shape: Shape, *, is_exit: bool) -> Iterator[tuple[Copy, bool]]:  # noqa: C901, PLR0912 - by kind
    """Give what is read by a shape, and whether it is only where another argument says so."""
    kind = shape[0]
    match shape:
        case "out", inner, on_error:
            if is_exit:
                for copy, maybe in wanted(arg, cast("Shape", inner), is_exit=False):
                    yield copy._replace(always=bool(on_error)), maybe
        case "in-out", inner, _:
            yield from wanted(arg, cast("Shape", inner), is_exit=False)
        case "when", _, _, inner:
            yield from ((copy, True) for copy, _ in wanted(arg, cast("Shape", inner), is_exit=is_exit))
        case "choice", _, _, cases, default:
            for inner in [*cast("dict[int, Shape]", cases).values(), cast("Shape", default)]:
                yield from ((copy, True) for copy, _ in wanted(arg, inner, is_exit=is_exit))
        case "unless", inner:
            yield from wanted(arg, cast("Shape", inner), is_exit=is_exit)
        case _ if is_exit or kind in {"number", "absent", "foreign"}:
            return
        case ("entries",):
            yield Copy(arg, 1, RESULT, 0xFFF8), False
        case ("path",):
            yield Copy(arg, 4096 + 2, string=True), False
        case ("text",):
            yield Copy(arg, TEXT_MAX + 1 + 2, string=True), False
        case "buffer", count:
            yield Copy(arg, 1, counted(cast("Shape", count))[0], TEXT_MAX), False
        case "pointer", layout, _:
            yield Copy(arg, sizes(cast("Shape", layout))), False
        case "array", layout, count:
            by, least = counted(cast("Shape", count))
            size = sizes(cast("Shape", layout))
            yield (Copy(arg, size * least) if least else Copy(arg, size, by, LIMITS.items)), False
        case "block", count, int(size), int(most):
            by, _ = counted(cast("Shape", count))
            yield (Copy(arg, size * most) if by == ONCE else Copy(arg, size, by, most)), False
        case _:
            raise AssertionError(shape)


def covers(one: Copy, copy: Copy) -> bool:
    return (
        (one.arg, one.by, one.string) == (copy.arg, copy.by, copy.string)
        and (one.by == ONCE or one.size == copy.size)
        and one.size * one.most >= copy.size * copy.most
        and one.always >= copy.always
    )


@pytest.mark.parametrize("name", PLANS)
def test_a_tap_copies_what_is_read_of_a_call(name: str) -> None:
    spec = program_of(X86_64.audit, NUMBERS[name], LIMITS)
    assert spec is not None, "its text is not made natively"
    assert spec.socket is None
    for copies, is_exit in zip(PLANS[name], (False, True), strict=True):
        assert len(copies) <= COPIES
        for arg, shape in enumerate(spec.shapes):
            for copy, _ in wanted(arg, shape, is_exit=is_exit):
                found = [one for one in copies if covers(one, copy)]
                assert found, f"{'exit' if is_exit else 'entry'}: {copy}"


def test_few_calls_are_not_worth_a_tap() -> None:
    assert not plans_of(frozenset({NUMBERS["openat"], NUMBERS["close"]}))
    assert set(plans_of(None)) == {NUMBERS[name] for name in PLANS}


def test_the_table_has_each_plan_in_its_place() -> None:
    table = tap_program.table(plans_of(None))
    side = len(table) // tap_program.NUMBERS // 2
    rows = [table[at : at + side] for at in range(0, len(table), side)]
    for name, nr in NUMBERS.items():
        entry, end = rows[2 * nr : 2 * nr + 2] if nr < tap_program.NUMBERS else (b"", b"")
        planned = [bool(row[6] & 1) for row in (entry, end) if row]
        assert planned == [name in PLANS] * len(planned), name
    assert rows[2 * NUMBERS["write"]][:8] == bytes([1, 2, 1, 0, 1, 1, 3, 0]), (
        "257 bytes at most, by the third"
    )
