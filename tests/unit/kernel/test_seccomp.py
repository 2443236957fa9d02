"""Filters do with every call what they were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.kernel import bpf
from utrace.kernel.screens import FAIL, NOTHING, PASS, Screen, Step, any_of, passes
from utrace.kernel.seccomp import INSTALLERS, filter_program, installs, is_for_all_threads
from utrace.syscalls.abi import abi_of
from utrace.syscalls.tables import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

TRACE, ALLOW = 0x7FF07574, 0x7FFF0000
ARCH, OTHER, UNKNOWN = 0xC000003E, 0x40000003, 0xC00000B7
NUMBERS = st.sampled_from(
    [0, 1, 2, 3, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63 - 1, 2**63, 2**64 - 1]
)
WORDS = st.one_of(NUMBERS, st.integers(0, 2**64 - 1))


@st.composite
def screens(draw: st.DrawFn) -> Screen:
    count = draw(st.integers(0, 6))
    return tuple(
        Step(
            draw(st.integers(0, 5)),
            draw(WORDS),
            draw(st.sampled_from([0, 0, 2**31, 2**63])),
            draw(st.booleans()),
            draw(WORDS),
            *(draw(st.sampled_from([PASS, FAIL, *range(at + 1, count)])) for _ in range(2)),
        )
        for at in range(count)
    )


def stops(program: bytes, arch: int, nr: int, args: Sequence[int] = (0,) * 6) -> bool:
    answer = bpf.run(program, arch, nr, args)
    assert answer in {TRACE, ALLOW}
    return answer == TRACE


@given(st.frozensets(st.integers(0, 600), max_size=40))
def test_only_wanted_numbers_stop(numbers: frozenset[int]) -> None:
    program = filter_program({ARCH: numbers, OTHER: frozenset({1, 5})})
    assert {nr for nr in range(650) if stops(program, ARCH, nr)} == numbers
    assert [nr for nr in range(10) if stops(program, OTHER, nr)] == [1, 5]
    assert stops(program, UNKNOWN, 0), "nobody has said that this is uninteresting"
    assert not stops(program, ARCH, -1), "a call that was aborted"


@settings(max_examples=200)
@given(st.lists(screens(), min_size=1, max_size=8), st.lists(st.tuples(*[WORDS] * 6), min_size=1, max_size=8))
def test_a_screened_call_stops_where_its_registers_pass(
    several: list[Screen], rows: list[Sequence[int]]
) -> None:
    numbers = range(0, 3 * len(several), 3)
    by_call = {(ARCH, nr): screen for nr, screen in zip(numbers, several, strict=True)}
    program = filter_program({ARCH: frozenset(numbers), OTHER: frozenset()}, by_call)
    for args in rows:
        # The same value that a step compares with is as likely as any.
        for nr, screen in zip(numbers, several, strict=True):
            known = [step.value ^ step.flip for step in screen]
            for row in [args, *([value] * 6 for value in known)]:
                assert stops(program, ARCH, nr, row) == passes(screen, row)
        assert not stops(program, ARCH, 1, args)


@given(st.lists(screens(), max_size=4), st.tuples(*[WORDS] * 6))
def test_any_of_passes_what_one_passes(several: list[Screen], row: Sequence[int]) -> None:
    assert passes(any_of(several), row) == any(passes(screen, row) for screen in several)
    assert not passes(NOTHING, row)


def test_jumps_reach_over_long_screens() -> None:
    far = tuple(Step(0, 2**64 - 1, 0, False, (7 << 32) + at, PASS, at + 1) for at in range(150))
    far = (*far[:-1], far[-1]._replace(otherwise=FAIL))
    others = {(ARCH, nr): (Step(1, 2**32 - 1, 0, True, nr, PASS, FAIL),) for nr in range(2, 400, 2)}
    program = filter_program({ARCH: frozenset(range(0, 400, 2))}, {(ARCH, 0): far, **others})
    assert len(program) // 8 <= 4096
    for value in (0, 149, 150):
        assert stops(program, ARCH, 0, ((7 << 32) + value, 0, 0, 0, 0, 0)) is (value < 150)
    assert all(stops(program, ARCH, nr, (0, nr - 1, 0, 0, 0, 0)) for nr in range(2, 400, 2))
    assert not any(stops(program, ARCH, nr, (0, nr, 0, 0, 0, 0)) for nr in range(0, 400, 2))


def test_a_filter_too_long_lets_calls_stop() -> None:
    longest = tuple(Step(0, 2**64 - 1, 0, False, (1 << 32) + at, PASS, at + 1) for at in range(2000))
    longest = (*longest[:-1], longest[-1]._replace(otherwise=FAIL))
    program = filter_program({ARCH: frozenset({1})}, {(ARCH, 1): longest})
    assert len(program) // 8 <= 4096
    assert stops(program, ARCH, 1)
    assert not stops(program, ARCH, 2)


@given(st.frozensets(st.integers(0, 600), min_size=1, max_size=40))
def test_of_an_arch_without_wanted_calls_only_those_let_go_do_not_stop(numbers: frozenset[int]) -> None:
    program = filter_program({}, None, {ARCH: numbers})
    assert {nr for nr in range(650) if not stops(program, ARCH, nr)} == numbers
    assert stops(program, OTHER, min(numbers))
    assert stops(program, ARCH, 2**30)


def test_calls_that_install_filters_are_known_by_number_and_arguments() -> None:
    for arch, (prctl, seccomp) in INSTALLERS.items():
        named = numbers(abi_of(arch))
        assert (prctl, seccomp) == (named["prctl"], named["seccomp"])
        # PR_SET_SECCOMP, PR_SET_NAME; SECCOMP_SET_MODE_FILTER, GET_ACTION_AVAIL.
        assert [installs(arch, prctl, (option, 0)) for option in (22, 15)] == [True, False]
        assert [installs(arch, seccomp, (mode, 0)) for mode in (1, 2)] == [True, False]
        assert [is_for_all_threads(arch, seccomp, (1, flags)) for flags in (1, 2)] == [True, False]
        assert not is_for_all_threads(arch, prctl, (22, 1))
