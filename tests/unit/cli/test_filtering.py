"""When a program is launched with a filter that nobody asked for."""

from __future__ import annotations

import pytest

from utrace.cli.filtering import chooses_filter
from utrace.cli.trace_options import parse
from utrace.cli.tracing import Tracing
from utrace.kernel.caps import Caps

SYS_ADMIN, SYS_PTRACE = 1 << 21, 1 << 19


def _caps(capabilities: int, *, no_new_privs: bool = False, actions: str = "trace", seccomp: int = 0) -> Caps:
    return Caps(
        release="6.18",
        machine="x86_64",
        yama=None,
        capabilities=capabilities,
        no_new_privs=no_new_privs,
        seccomp=seccomp,
        seccomp_actions=frozenset({actions}),
    )


ROOT = _caps(SYS_ADMIN | SYS_PTRACE)


@pytest.mark.parametrize(
    ("words", "chosen"),
    {
        "-f -e openat": True,
        "-f -e trace=!openat": True,
        "-f -c -e %file": True,
        "-f -e openat -e fault=read": True,
        "-e openat": False,
        "-f": False,
        "-f -e all": False,
        "-f -e openat --no-seccomp": False,
        "-f -e openat -I1": False,
        "-f -e openat -b execve": False,
        "-f -e openat --syscall-limit=3": False,
        "-f -e openat -D": False,
        "-f --seccomp-bpf -e openat": True,
    }.items(),
    ids=str,
)
def test_a_filter_is_chosen_where_calls_are_and_nothing_is_let_go(words: str, chosen: bool) -> None:
    options = parse([*words.split(), "x"])
    engines = Tracing(options).engines
    assert chooses_filter(options, engines, ROOT) is chosen


@pytest.mark.parametrize(
    ("caps", "chosen"),
    [
        (_caps(0), True),
        (_caps(SYS_ADMIN), True),
        (_caps(SYS_PTRACE), False),
        (_caps(SYS_PTRACE, no_new_privs=True), True),
        (_caps(SYS_ADMIN | SYS_PTRACE, actions="allow"), False),
        (_caps(SYS_ADMIN | SYS_PTRACE, seccomp=2), False),
    ],
    ids=[
        "nobody",
        "admin",
        "tracer",
        "tracer without new privileges",
        "kernel without RET_TRACE",
        "container",
    ],
)
def test_a_filter_is_not_chosen_where_it_would_cost_rights_or_calls(caps: Caps, chosen: bool) -> None:
    options = parse(["-f", "-e", "openat", "x"])
    assert chooses_filter(options, Tracing(options).engines, caps) is chosen
