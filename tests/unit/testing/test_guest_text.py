from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utrace.testing import (
    BadGuestText,
    Block,
    Default,
    Exec,
    Exit,
    ExitGroup,
    Fork,
    Handle,
    Ignore,
    Kill,
    Loop,
    Pause,
    Restart,
    Step,
    Store,
    Syscall,
    Tgkill,
    Thread,
    Unblock,
    User,
    VFork,
    Wait,
    format_programs,
    parse_programs,
)

numbers = st.integers(0, 255)
signals = st.sampled_from((2, 9, 10, 17, 19, 40))
words = st.sampled_from(("main", "other", "third"))
arguments = st.lists(st.integers(-5, 99) | st.sampled_from((b"/etc/x", b"", b"a b")), max_size=3).map(tuple)
simple = st.one_of(
    st.builds(User, numbers),
    st.builds(Store, numbers, st.binary(min_size=1, max_size=4)),
    st.builds(
        Syscall,
        st.sampled_from(("getpid", "unlink", "400")),
        arguments,
        st.none() | st.integers(-9, 9),
        st.none() | st.sampled_from(Restart),
    ),
    st.builds(Exec, words),
    st.builds(Exit, numbers),
    st.builds(ExitGroup, numbers),
    st.builds(Kill, st.sampled_from(("self", "parent", "child2")), signals),
    st.builds(Tgkill, st.sampled_from(("self", "leader", "thread1")), signals),
    st.builds(Ignore, signals),
    st.builds(Default, signals),
    st.builds(Block, signals),
    st.builds(Unblock, signals),
    st.builds(Wait),
    st.builds(Pause),
)


def with_bodies(steps: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    bodies = st.lists(steps, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Fork, bodies),
        st.builds(VFork, bodies),
        st.builds(Thread, bodies),
        st.builds(Handle, signals, bodies, st.booleans()),
        st.builds(Loop, numbers, bodies),
    )


steps = st.recursive(simple, with_bodies, max_leaves=8)


@given(st.dictionaries(words, st.lists(steps, max_size=5).map(tuple), max_size=3))
def test_parse_of_format_is_the_same_program(programs: dict[str, tuple[Step, ...]]) -> None:
    assert parse_programs(format_programs(programs)) == programs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fork {\n}\n", "line 1: expected 'program NAME {'"),
        ("program main {\n  jump 3\n}\n", "line 2: 'jump 3': no step is called so"),
        ("program main {\n  kill self SIGNONE\n}\n", "no signal is called SIGNONE"),
        ("program main {\n  exit\n}\n", "exit takes 1 operands"),
        ("program main {\n  syscall nonsense\n}\n", "line 2"),
        ("program main {\n  syscall\n}\n", "line 2"),
        ("program main {\n  repeat 3 {\n}\n}\n", "no step with a block is written so"),
        ("program main {\n  wait\n", "line 1: the block does not close"),
    ],
)
def test_parse_bad_text_names_the_line(text: str, words: str) -> None:
    with pytest.raises(BadGuestText) as caught:
        parse_programs(text)
    assert words in str(caught.value)
