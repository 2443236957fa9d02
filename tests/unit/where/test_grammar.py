"""What can be said, and what is said about what cannot."""

from __future__ import annotations

import pytest

from utrace.where import Where, WhereError


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("name == 'openat'", "name == 'openat'"),
        ("fd == 3 and not error", "args.fd == 3 and (not error)"),
        ("1 < fd <= 0x10", "1 < args.fd and args.fd <= 16"),
        ("O_CREAT in flags or has(flags, O_EXCL, 'O_TRUNC')", None),
        ("glob(path, '/etc/*') and regex(path, r'\\.so$')", None),
        ("mode & 0o111", "(args.mode & 73)"),
        ("args.pid == -1 and pid != 1", "args.pid == -1 and pid != 1"),
        ("addr.sin_port in (80, 443)", "args.addr.sin_port in (80, 443, )"),
        ("argv[-1] == 'x' and addr == NULL", "args.argv[-1] == 'x' and args.addr == None"),
        (" fd\t", "args.fd"),
        ("duration > 0.5", "duration > 0.5"),
        ("True", "True"),
    ],
)
def test_what_is_understood_can_be_written_and_read_again(text: str, understood: str | None) -> None:
    where = Where(text)
    assert understood in {None, str(where)}
    assert str(Where(str(where))) == str(where)


@pytest.mark.parametrize(
    ("text", "reason", "offset"),
    [
        ("", "an expression is expected", 0),
        ("fd == 3 and flgas == 2", "no argument is called flgas (do you mean flags?)", 12),
        ("O_CRAET in flags", "no constant is called O_CRAET (do you mean O_CREAT?)", 0),
        ("'é' == pth", "no argument is called pth (do you mean path?)", 7),
        ("  xyzzyx", "no argument is called xyzzyx", 2),
        ("fd is None", "'is' compares identities, which values do not have: use ==", 0),
        ("fd == 1 + 2", "values are not calculated with; only & for bits", 6),
        ("fd == len(path)", "a function is true or false, and no value to be compared", 6),
        ("len(path)", "there are no functions but has, glob, regex", 0),
        ("__import__('os').system('x')", "there are no functions but has, glob, regex", 0),
        ("glob(path)", "glob() takes a value and a pattern", 0),
        ("has(flags)", "has() takes flags and the names to be set", 0),
        ("glob(path, fd)", "a name or a text in quotes is expected", 11),
        ("regex(path, '(')", "bad pattern: missing ), unterminated subpattern at position 0", 12),
        ("argv[fd]", "a number is expected", 5),
        ("(fd == 3) == 1", "a value is expected here, not a test", 1),
        ("fd == b'x'", "numbers and texts are the only constants", 6),
        ("lambda: 1", "this is no part of an expression here", 0),
        ("[x for x in fd]", "this is no part of an expression here", 0),
        ("f'{fd}'", "this is no part of an expression here", 0),
        ("(x := 3)", "this is no part of an expression here", 1),
        ("fd =", None, 3),
        ("fd == ", None, 6),
        ("not " * 200 + "fd", "more than 100 levels of parentheses", 400),
    ],
    ids=str,
)
def test_a_mistake_is_told_with_its_place(text: str, reason: str | None, offset: int) -> None:
    with pytest.raises(WhereError) as caught:
        Where(text)
    assert reason in {None, caught.value.reason}
    assert caught.value.offset == offset
    assert str(caught.value).splitlines()[-1] == " " * (offset + 2) + "^"


def test_deep_nesting_is_refused_not_fatal() -> None:
    with pytest.raises(WhereError):
        Where("(" * 5000 + "fd" + ")" * 5000)


def test_the_place_is_in_its_own_line() -> None:
    with pytest.raises(WhereError) as caught:
        Where("(fd == 3 and\n flgas)")
    assert str(caught.value).splitlines()[1:] == ["   flgas)", "   ^"]


def test_what_only_the_end_knows_cannot_be_asked_at_the_entry() -> None:
    Where("glob(path, '/etc/*') and fd == 3 and comm == 'x'", at_entry=True)
    with pytest.raises(WhereError, match="error is not known yet when a call begins"):
        Where("fd == 3 and error", at_entry=True)
