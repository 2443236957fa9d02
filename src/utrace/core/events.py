"""What can happen to a task, as the bits engines ask for.

Rule of this file: bit positions are those of the kernel API, so that a mask printed by one is read
by the other.

Reference: include/linux/utrace.h:enum utrace_events (API 20091216).
"""

from __future__ import annotations

import enum
from typing import Final


class Event(enum.IntFlag):
    """A kind of occurrence an engine may be told of; combine with `|`."""

    QUIESCE = 1 << 0
    """Before every other event of anybody's interest, and in answer to REPORT or STOP."""
    REAP = 1 << 1
    """The task is gone: the last report there is."""
    CLONE = 1 << 2
    """The task made a process or thread, which has not run yet."""
    EXEC = 1 << 3
    """The task runs a new program; nothing of it has run yet."""
    EXIT = 1 << 4
    """The task is about to exit; everything is still there to examine."""
    DEATH = 1 << 5
    """The task is dead; its parent has been told, or never will be."""
    SYSCALL_ENTRY = 1 << 6
    """The task has entered a system call, which has not begun."""
    SYSCALL_EXIT = 1 << 7
    """The system call is over, or was aborted."""
    SIGNAL = 1 << 8
    """A signal arrived whose handler will run."""
    SIGNAL_IGN = 1 << 9
    """A signal arrived that would be ignored."""
    SIGNAL_STOP = 1 << 10
    """A signal arrived that would stop the process."""
    SIGNAL_TERM = 1 << 11
    """A signal arrived that would end the process."""
    SIGNAL_CORE = 1 << 12
    """A signal arrived that would end the process with a core dump."""
    JCTL = 1 << 13
    """A job control stop begins, or ends."""

    SYSCALL = SYSCALL_ENTRY | SYSCALL_EXIT
    SIGNAL_ALL = SIGNAL | SIGNAL_IGN | SIGNAL_STOP | SIGNAL_TERM | SIGNAL_CORE


# Plain integers for the paths taken at every stop: IntFlag arithmetic costs a microsecond.
QUIESCE: Final = int(Event.QUIESCE)
REAP: Final = int(Event.REAP)
CLONE: Final = int(Event.CLONE)
EXEC: Final = int(Event.EXEC)
EXIT: Final = int(Event.EXIT)
DEATH: Final = int(Event.DEATH)
SYSCALL_ENTRY: Final = int(Event.SYSCALL_ENTRY)
SYSCALL_EXIT: Final = int(Event.SYSCALL_EXIT)
SYSCALL: Final = int(Event.SYSCALL)
SIGNAL_ALL: Final = int(Event.SIGNAL_ALL)
JCTL: Final = int(Event.JCTL)

NO_EVENT: Final = 0
"""The pass that answers REPORT or INTERRUPT: only QUIESCE engines are called."""

ALL_EVENTS: Final = (JCTL << 1) - 1
