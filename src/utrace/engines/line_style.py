"""How lines look: the choices behind strace's letters."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from utrace.syscalls.style import DEFAULT_STYLE, Style

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.engines.process_names import ProcessNames
    from utrace.engines.records import CallRecord


class PidShown(enum.Enum):
    """How a line says whose it is."""

    NEVER = enum.auto()
    COLUMN = enum.auto()
    """In front of each line."""
    WHEN_SEVERAL = enum.auto()
    """As `[pid 17]`, while more than one thread is traced."""
    ALWAYS = enum.auto()
    """As `[pid 17]`."""


class Clock(enum.Enum):
    """What is written of the time at which a line begins (-t, -ttt)."""

    NONE = enum.auto()
    TIME = enum.auto()
    """The time of day."""
    UNIX = enum.auto()
    """Seconds since 1970."""


class LineStyle(NamedTuple):
    """How lines look; the letters are strace's.

    Attributes:
        values: how values are written (-s, -v, -x, -X, -a, ...).
        pids: how a line says whose it is.
        clock: the time at which it begins (-t).
        clock_digits: how many digits of a second (-tt: 6).
        since_last: the time since the line before began, with so many digits (-r).
        durations: how long each call took, with so many digits (-T).
        fd_details: what is told behind each descriptor: path (-y), socket, dev, pidfd (-yy).
        processes: what is told behind each pid (-Y, --decode-pids); None: nothing.
        numbers: the number of the call (-n).
        ips: where in the program it was made (-i); the log must note it.
        stacks: the stack of each call and signal behind it (-k); the log must note them.
        tail: further lines behind that of a call, each with its end; asked when the call has ended.
        exits: a line for each end of a thread (not with -qq).
        successions: a line for each leader that another thread's execve replaces (not with -qqq).
        modes: a line for each change between calls of 32 and 64 bits (not with -q).
        colour: with the colours of a terminal.
    """

    values: Style = DEFAULT_STYLE
    pids: PidShown = PidShown.WHEN_SEVERAL
    clock: Clock = Clock.NONE
    clock_digits: int = 0
    since_last: int | None = None
    durations: int | None = None
    fd_details: frozenset[str] = frozenset()
    processes: ProcessNames | None = None
    numbers: bool = False
    ips: bool = False
    stacks: bool = False
    tail: Callable[[CallRecord], str] | None = None
    exits: bool = True
    successions: bool = True
    modes: bool = True
    colour: bool = False
