"""Guest programs: what a simulated task does, as data.

A program is a tuple of frozen steps.  `guest_text` writes and reads the same programs as text, and
tests/programs/guest.c runs that text on a real kernel, so one scenario serves both.

Each step is either some instructions in user mode or exactly one system call.  A process whose
program ends calls exit_group(0), a thread whose steps end calls exit(0).
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias


class Restart(enum.Enum):
    """How an interrupted blocking call goes on when no handler runs (signal(7), "Interruption ...")."""

    RESTARTS = "restarts"
    """Made again with the same number, e.g. read, pause, wait4."""
    RESTART_BLOCK = "restart_block"
    """Made again as restart_syscall, e.g. nanosleep."""
    EINTR = "eintr"
    """Fails with EINTR whatever the reason, e.g. epoll_wait, sigtimedwait."""


@dataclass(frozen=True, slots=True)
class User:
    """Run `count` instructions in user mode."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Store:
    """Write `data` at `address` in user mode (one instruction)."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Syscall:
    """Make a system call that has no effect in the simulation but its result.

    Attributes:
        name: its name in `SYSCALL_NUMBERS`, or a decimal number.
        args: integers, or bytes: a NUL-terminated copy lies in memory and the pointer is passed.
        result: what it returns (negative: an errno); None: the natural value of getpid, gettid,
            getppid, else 0.
        blocking: block until a signal interrupts it, and how it then goes on.
    """

    name: str
    args: tuple[int | bytes, ...] = ()
    result: int | None = None
    blocking: Restart | None = None


@dataclass(frozen=True, slots=True)
class Fork:
    """Clone(SIGCHLD): a child process that runs `body`."""

    body: Steps


@dataclass(frozen=True, slots=True)
class VFork:
    """Clone(CLONE_VFORK | CLONE_VM | SIGCHLD): the caller waits until the child execs or exits."""

    body: Steps


@dataclass(frozen=True, slots=True)
class Thread:
    """Clone(CLONE_THREAD ...): a thread of the same process that runs `body`."""

    body: Steps


@dataclass(frozen=True, slots=True)
class Exec:
    """Execute the program of that name; ENOENT if there is none."""

    program: str


@dataclass(frozen=True, slots=True)
class Exit:
    """exit(2) of the one thread."""

    code: int = 0


@dataclass(frozen=True, slots=True)
class ExitGroup:
    """exit_group(2)."""

    code: int = 0


@dataclass(frozen=True, slots=True)
class Kill:
    """kill(2).

    Attributes:
        target: "self", "parent", or "childN": the N-th process that this process made.
        signo: signal number.
    """

    target: str
    signo: int


@dataclass(frozen=True, slots=True)
class Tgkill:
    """tgkill(2) to a thread of the same process: "self", "leader" or "threadN" (the N-th made)."""

    target: str
    signo: int


@dataclass(frozen=True, slots=True)
class Handle:
    """Install a handler that runs `body`, then rt_sigreturn; `restart` is SA_RESTART."""

    signo: int
    body: Steps
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Ignore:
    """Set the disposition to SIG_IGN."""

    signo: int


@dataclass(frozen=True, slots=True)
class Default:
    """Set the disposition to SIG_DFL."""

    signo: int


@dataclass(frozen=True, slots=True)
class Block:
    """Add a signal to the thread's mask."""

    signo: int


@dataclass(frozen=True, slots=True)
class Unblock:
    """Take a signal out of the thread's mask."""

    signo: int


@dataclass(frozen=True, slots=True)
class Wait:
    """wait4(-1): wait for the death of any child."""


@dataclass(frozen=True, slots=True)
class Pause:
    """pause(2): until a handler has run."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Run `body` `count` times."""

    count: int
    body: Steps


Step: TypeAlias = (
    User
    | Store
    | Syscall
    | Fork
    | VFork
    | Thread
    | Exec
    | Exit
    | ExitGroup
    | Kill
    | Tgkill
    | Handle
    | Ignore
    | Default
    | Block
    | Unblock
    | Wait
    | Pause
    | Loop
)
Steps: TypeAlias = tuple[Step, ...]
Programs: TypeAlias = Mapping[str, Steps]

#: Calls that `Syscall` knows by name, x86-64 numbers.  tests/programs/guest.c has the same list.
SYSCALL_NUMBERS: Mapping[str, int] = {
    "read": 0,
    "write": 1,
    "open": 2,
    "close": 3,
    "sched_yield": 24,
    "nanosleep": 35,
    "getpid": 39,
    "unlink": 87,
    "getuid": 102,
    "getppid": 110,
    "gettid": 186,
    "epoll_wait": 232,
    "openat": 257,
    "unlinkat": 263,
}

#: The call by which tests/programs/guest.c says that the program proper begins; no kernel has it.
MARKER: Final = 10000

#: Calls that can block, and how each goes on after an interruption.
BLOCKING_CALLS: Mapping[str, Restart] = {
    "read": Restart.RESTARTS,
    "nanosleep": Restart.RESTART_BLOCK,
    "epoll_wait": Restart.EINTR,
}


def blocking(name: str) -> Syscall:
    """Make one of `BLOCKING_CALLS` in a form that only a signal ends."""
    return Syscall(name, blocking=BLOCKING_CALLS[name])


def syscall_number(name: str) -> int:
    """Give the number of a call named in a `Syscall`.

    Raises:
        KeyError: the name is neither in `SYSCALL_NUMBERS` nor a number.
    """
    return int(name) if name.isdecimal() else SYSCALL_NUMBERS[name]


def digest(programs: Programs) -> str:
    """Name a set of programs by its contents: twelve hexadecimal digits."""
    shown = "\n".join(f"{name} {programs[name]!r}" for name in sorted(programs))
    return hashlib.sha256(shown.encode()).hexdigest()[:12]
