"""The parts of an expression are together the whole, whatever expression and call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.kernel import bpf
from tests.unit.syscalls.fake_memory import FakeMemory
from utrace.kernel.screens import passes
from utrace.kernel.seccomp import filter_program
from utrace.syscalls import Limits, Result, decode
from utrace.syscalls.abi import AARCH64, ABIS, I386, X86_64
from utrace.syscalls.catalog import signature_of
from utrace.syscalls.tables import numbers, prototypes
from utrace.where import CallFacts, Where
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
    Not,
    Or,
    Several,
    Truth,
    Var,
)
from utrace.where.split import Split
from utrace.where.values import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.abi import Abi
    from utrace.where.nodes import Operand, Test

#: Calls with flags, enumerators, texts, structs, left-out arguments, small and unsigned numbers.
NAMES = (
    "openat",
    "read",
    "mmap",
    "connect",
    "clone",
    "futex",
    "kill",
    "fcntl",
    "lseek",
    "chown",
    "getpid",
    "prctl",
)
ARGUMENTS = tuple(
    sorted({name for call in NAMES for name in signature_of(X86_64, numbers(X86_64)[call])[1].arguments})
)
ALLOW = 0x7FFF0000
INTERESTING = (0, 1, 2, 3, 16, 0o100, 0o644, 4096, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 100, 2**64 - 1)
STRINGS = ("openat", "/etc/passwd", "", "O_CREAT", "O_WRONLY|O_CREAT", "ENOENT", "SIGINT", "x86_64", "make")

#: Of enumerations, signals and flags that these calls have.
CONSTANTS = (
    "SEEK_SET",
    "SEEK_END",
    "SIGKILL",
    "SIGINT",
    "F_GETFL",
    "F_DUPFD",
    "PR_SET_NAME",
    "PROT_READ",
    "PROT_NONE",
    "PROT_READ|PROT_WRITE",
    "MAP_PRIVATE",
    "MAP_SHARED",
    "MAP_ANONYMOUS",
    "O_RDONLY",
    "O_WRONLY",
    "O_RDWR|O_CREAT",
    "CLONE_VM",
)

scalars: st.SearchStrategy[Operand] = st.one_of(
    st.sampled_from([number - 2**64 if number > 2**63 else number for number in INTERESTING]),
    st.integers(-(2**31), 2**64),
    st.sampled_from(STRINGS),
    st.none(),
    st.booleans(),
    st.floats(allow_nan=True),
).map(Const)
words: st.SearchStrategy[Operand] = st.sampled_from(sorted(WORDS)).map(Var)
arguments: st.SearchStrategy[Operand] = st.sampled_from(ARGUMENTS).map(Arg)
leaves = st.one_of(scalars, words, arguments)
deeper: st.SearchStrategy[Operand] = st.one_of(
    st.builds(Field, arguments, st.sampled_from(["sin_port", "sa_family", "before", "after", "tv_sec"])),
    st.builds(Item, arguments, st.integers(-2, 2)),
    st.builds(BitAnd, leaves, leaves),
    st.lists(leaves, max_size=3).map(lambda items: Several(tuple(items))),
)
values = st.one_of(leaves, deeper)
named: st.SearchStrategy[Operand] = st.one_of(
    st.sampled_from(CONSTANTS).map(Const),
    st.lists(st.sampled_from(CONSTANTS).map(Const), max_size=3).map(lambda items: Several(tuple(items))),
)
ops = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
tests: st.SearchStrategy[Test] = st.recursive(
    st.one_of(
        st.booleans().map(Fixed),
        st.builds(Truth, values),
        st.builds(Compare, ops, values, values),
        st.builds(Compare, ops, arguments, scalars),
        st.builds(Compare, ops, st.builds(BitAnd, arguments, scalars), scalars),
        st.builds(Has, values, st.just(("O_CREAT",))),
        st.builds(Compare, ops, arguments, named),
        st.builds(Compare, ops, named, arguments),
        st.builds(Has, arguments, st.lists(st.sampled_from(CONSTANTS), min_size=1, max_size=2).map(tuple)),
    ),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)
#: Of what is known when a call is over.
results: st.SearchStrategy[Operand] = st.sampled_from(
    [Var(word) for word in ("ret", "errno", "error", "status", "duration", "duration_ns")]
)
wanted: st.SearchStrategy[Operand] = st.one_of(
    st.sampled_from(["ENOENT", "EINVAL", "failed", "successful", "unfinished", "errno 4095"]).map(Const),
    st.sampled_from([-22, -2, -1, 0, 1, 2, 3, 22, 1500, 4095, 2**40, 1.5e-6, 0.5]).map(Const),
    st.lists(st.sampled_from([Const("ENOENT"), Const(-1), Const(2), Const(3)]), max_size=3).map(
        lambda items: Several(tuple(items))
    ),
)
endings: st.SearchStrategy[Test] = st.recursive(
    st.one_of(
        st.builds(Truth, results),
        st.builds(Compare, ops, results, wanted),
        st.builds(Compare, ops, wanted, results),
        st.builds(Compare, ops, arguments, scalars),
    ),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=4,
)
registers = st.one_of(st.sampled_from(INTERESTING), st.integers(0, 2**64 - 1))
memory = FakeMemory({3: b"/etc/passwd\0" + bytes(64), 4096: b"\2\0\0\x50\x7f\0\0\1" + bytes(64)})


@st.composite
def calls(draw: st.DrawFn) -> CallFacts:
    abi: Abi = draw(st.sampled_from((X86_64, X86_64, I386, AARCH64)))
    known = numbers(abi)
    nr = draw(
        st.one_of(
            st.sampled_from([known[name] for name in NAMES if name in known]),
            st.sampled_from(sorted(prototypes(abi))),
            st.integers(0, 2000),
        )
    )
    raw = draw(st.tuples(*[registers] * 6))
    call = decode(abi, nr, raw, memory, limits=Limits(32, 32))
    call.capture()
    returned = draw(st.one_of(st.none(), st.sampled_from([0, 3, -2, -22, -4095, 2**40])))
    if returned is None:
        return CallFacts(call, 7, 8, "make", "unfinished")
    call.finish(Result(returned))
    return CallFacts(
        call, 7, 8, "make", "failed" if call.result and call.result.is_error else "successful", 1500
    )


def by_parts(split: Split, facts: CallFacts) -> bool:
    arch, nr = facts.call.abi.audit, facts.call.nr
    return (
        split.part(arch, nr) is not None
        and split.passes_entry(arch, nr, facts.call.raw)
        and split.accepts(facts)
    )


@settings(max_examples=300)
@given(tests, st.lists(calls(), min_size=1, max_size=12))
def test_the_parts_together_are_the_whole(test: Test, several: list[CallFacts]) -> None:
    split = Split(test)
    assert [by_parts(split, facts) for facts in several] == [split.whole(facts) for facts in several]


def stops(split: Split, calls: Mapping[int, frozenset[int]], facts: CallFacts) -> bool:
    """Tell whether a filter of these calls, with their screens, stops a call."""
    arch, nr = facts.call.abi.audit, facts.call.nr
    screens = {
        (audit, each): split.screen(audit, each) for audit, several in calls.items() for each in several
    }
    return bpf.run(filter_program(calls, screens), arch, nr, facts.call.raw) != ALLOW


@settings(max_examples=300)
@given(tests, st.lists(calls(), min_size=1, max_size=12))
def test_no_part_lets_too_little_through(test: Test, several: list[CallFacts]) -> None:
    split = Split(test)
    for facts in several:
        arch, nr = facts.call.abi.audit, facts.call.nr
        if split.whole(facts):
            assert split.passes_entry(arch, nr, facts.call.raw)
        if split.passes_entry(arch, nr, facts.call.raw):
            assert stops(split, {arch: frozenset({nr})}, facts)


@settings(max_examples=300)
@given(st.one_of(tests, endings), st.lists(calls(), min_size=1, max_size=12))
def test_nor_does_what_is_asked_of_results(test: Test, several: list[CallFacts]) -> None:
    split = Split(test)
    for facts in several:
        result = facts.call.result
        if result is not None:
            over = (*facts.call.raw, result.value % 2**64, facts.duration_ns or 0)
            if split.whole(facts):
                assert passes(split.ending(facts.call.abi.audit, facts.call.nr), over)


@settings(max_examples=10)
@given(tests, st.lists(calls(), min_size=10, max_size=20))
def test_nor_does_the_whole_filter(test: Test, several: list[CallFacts]) -> None:
    split = Split(test)
    if split.is_complete:
        assert all(stops(split, split.calls, facts) for facts in several if split.whole(facts))


comparisons = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "truth", "mask"])
near = st.sampled_from([*INTERESTING, *(-number for number in INTERESTING), 5, -5, 2**31 - 1])


@settings(max_examples=500)
@given(st.sampled_from(NAMES), st.sampled_from(ABIS), comparisons, near, st.booleans(), st.data())
def test_a_register_is_compared_as_its_value_is(
    name: str, abi: Abi, comparison: str, constant: int, negated: bool, data: st.DataObject
) -> None:
    nr = numbers(abi).get(name)
    names = [] if nr is None else list(signature_of(abi, nr)[1].arguments)
    if nr is None or not names:
        return
    index = data.draw(st.integers(0, len(names) - 1))
    arg, number = Arg(names[index]), Const(constant)
    test: Test
    match comparison:
        case "in":
            test = Compare("in", arg, Several((number, Const(5))))
        case "truth":
            test = Truth(arg)
        case "mask":
            test = Compare("==", BitAnd(arg, number), number)
        case _:
            test = data.draw(
                st.sampled_from([Compare(comparison, arg, number), Compare(comparison, number, arg)])
            )
    split = Split(Not(test) if negated else test)
    raw = [0] * 6
    raw[index] = (constant + data.draw(st.sampled_from([0, 0, 1, -1, 2**32, 7]))) % 2**64
    facts = CallFacts(decode(abi, nr, raw, memory))
    assert by_parts(split, facts) == split.whole(facts)


def test_calls_that_cannot_match_need_not_stop() -> None:
    split = Where("name in ('read', 'write') and fd == 3").split
    assert split.calls[X86_64.audit] == {0, 1}
    assert split.calls[I386.audit] == {3, 4}
    connects = Where("name == 'connect' and addrlen == 16").split.calls[I386.audit]
    assert connects == {numbers(I386)["connect"], numbers(I386)["socketcall"]}, "one number is many calls"


def test_calls_without_an_argument_that_is_compared_need_not_stop() -> None:
    split = Where("O_CREAT in flags and path == '/x'").split
    stopped = {prototypes(X86_64)[nr].name for nr in split.calls[X86_64.audit]}
    assert {"openat", "open"} <= stopped
    assert not {"read", "mmap", "getpid"} & stopped


def test_negation_keeps_calls_that_lack_the_argument() -> None:
    assert numbers(X86_64)["getpid"] in Where("not fd == 3").split.calls[X86_64.audit]
    assert numbers(X86_64)["getpid"] not in Where("fd != 3").split.calls[X86_64.audit]


def test_registers_that_fail_let_a_call_go_before_it_is_decoded() -> None:
    split = Where("fd == -1 and count > 10 and path == '/x' or name == 'close' and fd in (1, 2)").split
    close = numbers(X86_64)["close"]
    assert split.passes_entry(X86_64.audit, close, (2, 0, 0, 0, 0, 0))
    assert split.passes_entry(X86_64.audit, close, (2**32 + 2, 0, 0, 0, 0, 0)), "an int is 32 bits"
    assert not split.passes_entry(X86_64.audit, close, (3, 0, 0, 0, 0, 0))


def test_renames_are_seen_where_threads_are_known_by_name() -> None:
    split = Where("comm == 'make' and name == 'read'").split
    assert split.calls[X86_64.audit] == {0}
    assert split.seen[X86_64.audit] == {0, numbers(X86_64)["prctl"]}


def test_an_explanation_has_each_part() -> None:
    split, total = Where("name == 'read' and fd == 3 and error == EINTR").split, len(prototypes(X86_64))
    assert split.explain(X86_64.audit, filtered=True) == [
        f"kernel: 1 of {total} calls can match: read",
        "kernel: read: fd == 3",
        "native: read: fd == 3 and error == EINTR",
        "python: args.fd == 3 and error == 'EINTR'",
    ]
    assert split.explain(X86_64.audit, filtered=False) == [
        f"kernel: no filter: all {total} calls stop",
        f"native: 1 of {total} calls can match: read",
        "native: read: fd == 3",
        "native: read: fd == 3 and error == EINTR",
        "python: args.fd == 3 and error == 'EINTR'",
    ]


@pytest.mark.parametrize(
    ("expression", "name", "shown"),
    [
        ("dirfd == 3 and path == '/x' or flags > 10", "openat", "dirfd == 3 or flags > 10"),
        ("not (fd == 3 or count < 10)", "read", "fd != 3 and count >= 10"),
        ("fd == 3 and (count == 1 or ret == 5)", "read", "fd == 3"),
        ("has(flags, O_CREAT, O_EXCL)", "openat", "O_CREAT in flags and O_EXCL in flags"),
        ("not has(flags, O_CREAT) and dirfd == AT_FDCWD", "openat", "dirfd == -100"),
        ("whence in (SEEK_SET, 2)", "lseek", "whence in (0, 2)"),
        ("not (sig == SIGKILL or args.pid < 1)", "kill", "sig != SIGKILL and pid >= 1"),
        ("error", "read", "True"),
    ],
)
def test_what_registers_must_pass(expression: str, name: str, shown: str) -> None:
    part = Where(expression).split.part(X86_64.audit, numbers(X86_64)[name])
    assert part is not None
    assert str(part.registers) == shown
