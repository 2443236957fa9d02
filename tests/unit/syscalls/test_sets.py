from __future__ import annotations

import pytest

from utrace.errors import Misuse
from utrace.syscalls import syscall_set
from utrace.syscalls.abi import ABIS, X86_64, Abi
from utrace.syscalls.groups import GROUPS
from utrace.syscalls.tables import numbers

NR = numbers(X86_64)
ALL = frozenset(NR.values())
#: With the calls of newer kernels, of which there is no name here.
REST = ALL | frozenset(range(1024))
CLOCK = [name for name in GROUPS["clock"].split() if name in NR]


def nrs(*names: str) -> frozenset[int]:
    return frozenset(NR[name] for name in names)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("trace=open,read", nrs("open", "read")),
        ("open,read", nrs("open", "read")),
        ("t=close", nrs("close")),
        ("!open", REST - nrs("open")),
        ("trace=!open,close", REST - nrs("open", "close")),
        ("all", ALL),
        ("none", frozenset()),
        ("!none", REST),
        ("?no_such_call,read", nrs("read")),
        ("/^getp(id|pid)$", nrs("getpid", "getppid")),
        ("%clock,!time", nrs(*CLOCK) - nrs("time")),
        ("open@64", nrs("open")),
        ("open@32", frozenset()),
        ("257", nrs("openat")),
        ("stat64", frozenset()),
    ],
)
def test_expression_gives_numbers(expression: str, expected: frozenset[int]) -> None:
    assert syscall_set(expression, "x86_64") == expected


def test_group_and_negation_mix() -> None:
    chosen = syscall_set("trace=%file,read,!openat", "x86_64")
    assert NR["open"] in chosen
    assert NR["read"] in chosen
    assert NR["openat"] not in chosen


def test_group_has_its_other_name() -> None:
    assert (
        syscall_set("%net", "x86_64") == syscall_set("%network", "x86_64") == syscall_set("network", "x86_64")
    )


def test_name_that_is_a_call_and_a_group_is_the_call() -> None:
    assert syscall_set("stat", "x86_64") == nrs("stat")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("trace=opne", "invalid system call 'opne'"),
        ("%nothing", "invalid system call '%nothing'"),
        ("/(", "bad pattern"),
        ("", "no system call named"),
        ("99999", "invalid system call '99999'"),
        ("open@16", "no such personality: @16"),
    ],
)
def test_bad_expression_is_refused_in_one_line(expression: str, message: str) -> None:
    with pytest.raises(Misuse, match=message.replace("(", r"\(")) as caught:
        syscall_set(expression, "x86_64")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("abi", ABIS, ids=lambda abi: str(abi.name))
def test_every_group_has_members(abi: Abi) -> None:
    for group in GROUPS:
        if abi.name == "aarch64" and group in {"stat", "lstat"}:
            continue
        assert syscall_set(f"%{group}", abi), group


def test_every_name_of_a_group_is_a_call() -> None:
    known = {name for abi in ABIS for name in numbers(abi)}
    for group, names in GROUPS.items():
        assert set(names.split()) <= known, group
