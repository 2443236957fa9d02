"""Rules of tampering: their grammar, and which invocations they mean."""

from __future__ import annotations

import errno

import pytest

from utrace.engines.injection_rules import Rule, When
from utrace.errors import Misuse


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3", [3]),
        ("3..5", [3, 4, 5]),
        ("3+", [3, 4, 5, 6, 7, 8, 9]),
        ("3..5+", [3, 4, 5]),
        ("3+2", [3, 5, 7, 9]),
        ("3..7+2", [3, 5, 7]),
        ("1", [1]),
        ("65535", []),
    ],
)
def test_invocations_are_meant_as_strace_means_them(text: str, meant: list[int]) -> None:
    when = Rule.parse(f"read:error=EIO:when={text}").when
    assert [number for number in range(1, 10) if when.has(number)] == meant


def test_without_when_every_invocation_is_meant() -> None:
    assert all(Rule.parse("read:error=EIO").when.has(number) for number in range(1, 100))


def test_every_part_is_read() -> None:
    rule = Rule.parse(
        "%file,read:retval=0x10:signal=usr1:syscall=getpid:delay_enter=1.5ms:delay_exit=3"
        ":poke_enter=@arg1=41,@arg7=00ff:poke_exit=@arg2=42:when=1:when=2..9+3:probability=0.25"
    )
    assert rule == Rule(
        "%file,read",
        retval=16,
        signal=10,
        syscall="getpid",
        delay_enter_ns=1_500_000,
        delay_exit_ns=3_000,
        poke_enter={1: b"A", 7: b"\0\xff"},
        poke_exit={2: b"B"},
        when=When(2, 9, 3),
        probability=0.25,
    )


def test_errors_have_names_and_numbers() -> None:
    assert Rule.parse("read:error=enoent").error == errno.ENOENT
    assert Rule.parse("read:error=4095").error == 4095
    assert Rule.parse("read:error=EAGAIN").result == -errno.EAGAIN


def test_a_return_value_is_any_that_fits_a_register() -> None:
    assert Rule.parse("read:retval=-1").result == -1
    assert Rule.parse("read:retval=0xffffffffffffffff").result == -1
    assert Rule.parse("read:retval=42").result == 42


def test_fault_means_an_error() -> None:
    assert Rule.parse("read", fault=True).error == errno.ENOSYS
    assert Rule.parse("read:error=EIO:when=2", fault=True) == Rule(
        "read", error=errno.EIO, when=When(2, step=0)
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":error=EIO",
        "openat",
        "openat:when=3",
        "nosuchcall:error=EIO",
        "openat:error=FOO",
        "openat:error=0",
        "openat:error=5000",
        "openat:error=EIO:retval=3",
        "openat:error=EIO:error=EIO",
        "openat:signal=FOO",
        "openat:signal=0",
        "openat:signal=65",
        "openat:signal=HUP:signal=HUP",
        "openat:syscall=open:error=EIO",
        "openat:syscall=getpid",
        "openat:error=EIO:when=0",
        "openat:error=EIO:when=65536",
        "openat:error=EIO:when=3..2",
        "openat:error=EIO:when=2..65535",
        "openat:error=EIO:when=2+0",
        "openat:error=EIO:when=2+65536",
        "openat:error=EIO:when=x",
        "openat:error=EIO:when=1..+",
        "openat:error=EIO:when=1+,2",
        "openat:delay_enter=x",
        "openat:delay_enter=-1",
        "openat:delay_enter=",
        "openat:delay_enter=1:delay_enter=2",
        "openat:poke_enter=x",
        "openat:poke_enter=@arg8=41",
        "openat:poke_enter=@arg1=4",
        "openat:poke_enter=@arg1=",
        "openat:poke_enter=@arg1=41,@arg1=42",
        "openat:poke_enter=@arg1=41:poke_enter=@arg2=41",
        "openat:retval=foo",
        "openat:retval=99999999999999999999",
        "openat:probability=2:error=EIO",
        "openat:probability=x:error=EIO",
        "openat:foo=1",
        "openat:error",
    ],
)
def test_what_strace_refuses_is_refused(text: str) -> None:
    with pytest.raises(Misuse):
        Rule.parse(text)


@pytest.mark.parametrize(
    "text", ["read:retval=1", "read:signal=HUP", "read:delay_enter=1", "read:syscall=getpid"]
)
def test_a_fault_is_nothing_but_an_error(text: str) -> None:
    with pytest.raises(Misuse, match="not one of error, when"):
        Rule.parse(text, fault=True)
