from __future__ import annotations

import pytest

from utrace.syscalls import CallSet, Xlat, decode
from utrace.syscalls.render import Style, quote, render, render_call
from utrace.syscalls.values import (
    Device,
    FdSet,
    FileMode,
    FlagSet,
    IoctlCode,
    Items,
    Mode,
    Named,
    PathText,
    Record,
    Rlimit,
    SignalNumber,
    SignalSet,
    Text,
    Value,
    WaitStatus,
)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"plain", '"plain"'),
        (b'q"b\\', r'"q\"b\\"'),
        (b"\t\n\v\f\r", r'"\t\n\v\f\r"'),
        (b"\0x\0007\x1b[", r'"\0x\0007\33["'),
        (b"\xff9\xff\xff1", r'"\3779\377\3771"'),
        (b"\x019", r'"\19"'),
        (b"\x017", r'"\0017"'),
    ],
)
def test_quote_escapes_as_c_does(data: bytes, shown: str) -> None:
    assert quote(data) == shown


def test_quote_can_write_hexadecimal() -> None:
    assert quote(b"a\xff", Style(hex_strings=1)) == r'"\x61\xff"'
    assert quote(b"a", Style(hex_strings=1)) == '"a"'
    assert quote(b"a", Style(hex_strings=2)) == r'"\x61"'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Text(b"x" * 40), '"' + "x" * 32 + '"...'),
        (Text(b"x" * 32), '"' + "x" * 32 + '"'),
        (Text(b"x", is_cut=True), '"x"...'),
        (PathText(b"y" * 40), '"' + "y" * 40 + '"'),
        (FlagSet(0), "0"),
        (FlagSet(5, ("A",), 4), "A|0x4"),
        (FlagSet(4, (), 4, "X_???"), "0x4 /* X_??? */"),
        (Named(3, "THREE"), "THREE"),
        (Named(9, None, "N_???"), "0x9 /* N_??? */"),
        (Mode(0), "000"),
        (Mode(0o644), "0644"),
        (FileMode(0o104755), "S_IFREG|S_ISUID|0755"),
        (Device(0x103), "makedev(0x1, 0x3)"),
        (Rlimit(8192 * 1024), "8192*1024"),
        (Rlimit((1 << 64) - 1), "RLIM64_INFINITY"),
        (SignalSet({2, 17}), "[INT CHLD]"),
        (SignalSet(range(1, 65)), "~[]"),
        (SignalSet(set(range(1, 65)) - {9, 19}), "~[KILL STOP]"),
        (FdSet({5, 3}), "[3 5]"),
        (Items((1, 2)), "[1, 2]"),
        (Items((1,), is_cut=True), "[1, ...]"),
        (WaitStatus(0x200), "{WIFEXITED(s) && WEXITSTATUS(s) == 2}"),
        (WaitStatus(9), "{WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL}"),
        (WaitStatus(0x137F), "{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}"),
        (WaitStatus(0xFFFF), "{WIFCONTINUED(s)}"),
        (IoctlCode(0x80045430), "_IOC(_IOC_READ, 0x54, 0x30, 0x4)"),
        (Record(("a", "b"), (1, 2), frozenset({"a"})), "{a=1, ...}"),
    ],
)
def test_value_is_written_as_strace_does(value: Value, shown: str) -> None:
    assert render(value) == shown


def test_verbose_style_shows_every_field() -> None:
    assert render(Record(("a", "b"), (1, 2), frozenset({"a"})), Style(verbose=True)) == "{a=1, b=2}"


def test_xlat_writes_constants_as_numbers_by_name_or_both() -> None:
    flags = FlagSet(0o2000001, ("O_WRONLY", "O_CLOEXEC"))
    assert render(flags, Style(xlat=Xlat.RAW)) == "0x80001"
    assert render(flags, Style(xlat=Xlat.ABBREV)) == "O_WRONLY|O_CLOEXEC"
    assert render(flags, Style(xlat=Xlat.VERBOSE)) == "0x80001 /* O_WRONLY|O_CLOEXEC */"
    assert render(Named(77, None, "CLOCK_???"), Style(xlat=Xlat.VERBOSE)) == "0x4d /* CLOCK_??? */"
    assert render(SignalNumber(9, "SIGKILL"), Style(xlat=Xlat.VERBOSE)) == "9 /* SIGKILL */"
    assert render(SignalSet({9}), Style(xlat=Xlat.RAW)) == "[9]"


def test_call_set_tells_conventions_apart() -> None:
    raw = Style(raw_calls=CallSet("getpid,open@32"))
    assert render_call(decode("x86_64", 2, (0, 0, 0, 0, 0, 0), result=3), raw).startswith("open(NULL")
    assert render_call(decode("i386", 5, (0, 0, 0, 0, 0, 0), result=3), raw).startswith("open(0, 0, 0)")
