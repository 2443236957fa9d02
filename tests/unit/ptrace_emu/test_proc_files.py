from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import pytest

from utrace.kernel.screens import passes
from utrace.ptrace_emu.proc_files import NAMES, rewritten_stat, rewritten_status, screen_of

if TYPE_CHECKING:
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import LiveTracee

STATUS = b"Name:\tState:\nState:\t%s\nTracerPid:\t77\nNoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t%d\n"


class Link:
    def __init__(self, *, stop: object = None, listening: bool = False, tracer_tid: int = 0) -> None:
        self.stop = stop
        self.listening = listening
        self.tracer_tid = tracer_tid


class Links:
    def __init__(self, *links: Link) -> None:
        self.links = list(links)

    def tracers_of(self, _task: object) -> list[Link]:
        return self.links


class Tracee:
    handle = None
    in_syscall = True
    arch = 0xC000003E

    def __init__(self, *, nr: int = 39, stopped: bool = False, filtered: bool = True) -> None:
        self.nr = nr
        self.jctl = stopped
        self.filter: dict[int, frozenset[int]] | None = {} if filtered else None

    @property
    def task(self) -> Tracee:
        return self


def status_of(state: bytes, links: Links, tracee: Tracee, filters: int = 1) -> list[bytes]:
    text = rewritten_status(cast("Registry", links), cast("LiveTracee", tracee), STATUS % (state, filters))
    assert text.startswith(b"Name:\tState:\n")
    return [line.partition(b"\t")[2] for line in text.splitlines()[1:] if b"NoNew" not in line]


@pytest.mark.parametrize(
    ("kernels", "links", "tracee", "shown"),
    [
        (b"t (tracing stop)", Links(), Tracee(), b"R (running)"),
        (b"t (tracing stop)", Links(), Tracee(nr=61), b"S (sleeping)"),
        (b"t (tracing stop)", Links(), Tracee(stopped=True), b"T (stopped)"),
        (b"t (tracing stop)", Links(Link()), Tracee(), b"R (running)"),
        (b"t (tracing stop)", Links(Link(), Link(stop=1)), Tracee(stopped=True), b"t (tracing stop)"),
        (b"t (tracing stop)", Links(Link(listening=True)), Tracee(stopped=True), b"t (tracing stop)"),
        (b"S (sleeping)", Links(Link(stop=1)), Tracee(), b"t (tracing stop)"),
        (b"D (disk sleep)", Links(Link()), Tracee(), b"D (disk sleep)"),
    ],
)
def test_a_state_is_that_without_the_session(
    kernels: bytes, links: Links, tracee: Tracee, shown: bytes
) -> None:
    assert status_of(kernels, links, tracee)[0] == shown
    stat = b"7 (a) t b) %c 1 1" % kernels[0]
    assert rewritten_stat(cast("Registry", links), cast("LiveTracee", tracee), stat) == (
        b"7 (a) t b) %c 1 1" % shown[0]
    )


def test_the_tracer_that_attached_first_is_the_one_that_is_shown() -> None:
    assert status_of(b"R (running)", Links(Link(tracer_tid=5), Link(tracer_tid=6)), Tracee())[1] == b"5"
    assert status_of(b"R (running)", Links(), Tracee())[1] == b"0"


@pytest.mark.parametrize(
    ("filtered", "filters", "shown"),
    [(True, 1, [b"0", b"0"]), (True, 3, [b"2", b"2"]), (False, 1, [b"2", b"1"])],
)
def test_the_sessions_filter_is_not_shown(filtered: bool, filters: int, shown: list[bytes]) -> None:
    assert status_of(b"R (running)", Links(), Tracee(filtered=filtered), filters)[2:] == shown


@pytest.mark.parametrize("name", sorted(NAMES))
def test_only_opens_for_reading_pass_the_screen(name: str) -> None:
    def is_of_interest(flags: int) -> bool:
        words = [0] * 6
        words[NAMES[name]] = flags
        return passes(screen_of(name), words)

    assert all(map(is_of_interest, (os.O_RDONLY, os.O_CLOEXEC, os.O_NOCTTY | os.O_NONBLOCK)))
    others = (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_DIRECTORY | os.O_CLOEXEC, os.O_PATH)
    assert not any(map(is_of_interest, others))
