"""Screens: what argument registers must pass for a call to be of interest, as a few comparisons with jumps.

A screen is the same thing three times over: instructions of a seccomp filter (`kernel.seccomp`), a loop of
the native library (native/utrace-sys/src/screen.rs), and `passes` here.

Rule of this file: a step jumps forward only, so that every screen ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PASS: Final = -1
FAIL: Final = -2
"""Where a step goes to when it decides."""


RESULT: Final = 6
DURATION_NS: Final = 7


class Step(NamedTuple):
    """One comparison of `(register & mask) ^ flip`, a number of 64 bits without sign, with a constant.

    Attributes:
        register: which argument register: 0 to 5; or, of a call that is over, RESULT or DURATION_NS.
        mask: the bits that are looked at.
        flip: the sign bit of a signed number, so that an order without sign is its order.
        below: whether it is to be less than `value`; otherwise, equal to it.
        value: the constant.
        then: the step that comes next where it is so; PASS or FAIL.
        otherwise: the same, where it is not.
    """

    register: int
    mask: int
    flip: int
    below: bool
    value: int
    then: int
    otherwise: int


Screen: TypeAlias = tuple[Step, ...]
"""Steps, of which the first is made first; none: everything passes."""

ScreenOf: TypeAlias = "Callable[[int, int], Screen]"
"""(audit arch, number) -> the screen of that call."""

NOTHING: Final[Screen] = (Step(0, 0, 0, False, 1, FAIL, FAIL),)  # noqa: FBT003 — as the native library has it
"""What nothing passes."""


def passes(screen: Screen, raw: Sequence[int]) -> bool:
    """Tell whether argument registers pass a screen."""
    at = 0 if screen else PASS
    while at >= 0:
        register, mask, flip, below, value, then, otherwise = screen[at]
        number = (raw[register] & mask) ^ flip
        at = then if (number < value if below else number == value) else otherwise
    return at == PASS


def any_of(screens: Sequence[Screen]) -> Screen:
    """Make a screen that passes what one of some passes."""
    if not screens:
        return NOTHING
    if not all(screens):
        return ()
    steps: list[Step] = []
    for number, screen in enumerate(screens):
        start, is_last = len(steps), number == len(screens) - 1
        ends = {PASS: PASS, FAIL: FAIL if is_last else start + len(screen)}
        steps += [
            step._replace(
                then=ends.get(step.then, step.then + start),
                otherwise=ends.get(step.otherwise, step.otherwise + start),
            )
            for step in screen
        ]
    return tuple(steps)
