"""What a command line of `utrace trace` asks for, as values.

Rule of this file: nothing here reads words; the tables of options do, and set what is here.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.engines.call_counts import DEFAULT_COLUMNS
from utrace.engines.line_style import Clock
from utrace.engines.records import ALL_STATUSES, CallStatus
from utrace.syscalls.siginfo import SIGNAL_NAMES

if TYPE_CHECKING:
    from utrace.cli.further_outputs import OutputSpec
    from utrace.engines.injection_rules import Rule
    from utrace.where import Where

ALL_SIGNALS: Final = frozenset(SIGNAL_NAMES)

#: Messages that `-e quiet=` knows.
MESSAGES: Final = frozenset({"attach", "exit", "path-resolution", "personality", "thread-execve"})

#: What `--decode-fds=` can show behind a descriptor.
FD_DETAILS: Final = frozenset({"path", "socket", "dev", "pidfd"})

#: What `--decode-pids=` can show behind a process id.
PID_DETAILS: Final = frozenset({"comm", "pidns"})


class UsageError(Exception):
    """The command line cannot be understood; the message is for its user."""


class Needs(enum.Flag):
    """What the options in force ask of the way of tracing: whoever makes that cheaper looks here.

    The table of options says it of each option; `TraceOptions.needs` has all that were given.
    """

    LIVE_TASK = enum.auto()
    """At each call the task itself, standing in its stop: registers, memory, links of descriptors.
    Records cannot be decoded later, by somebody else."""
    LETTING_GO = enum.auto()
    """Tasks are let go before they end, so that no seccomp filter may be left in them."""


class Daemon(enum.IntEnum):
    """Where the tracer is, seen from who started it (-D)."""

    NO = 0
    """It is the program's parent."""
    GRANDCHILD = 1
    """It is a grandchild of the program, which is the caller's direct child."""
    GROUP = 2
    """The same, in a process group of its own."""
    SESSION = 3
    """The same, in a session of its own."""


class Interruptible(enum.IntEnum):
    """When signals end the tracer (-I)."""

    ANYWHERE = 1
    """At any time, by default action: what was launched goes on, unless it is to be killed."""
    WAITING = 2
    """They let everything go, in order, and then end the tracer."""
    NEVER = 3
    """They do nothing."""
    NEVER_TSTP = 4
    """Nor does the terminal's stop signal."""


class Stacks(enum.Enum):
    """What is written of the stack behind each call (-k)."""

    NONE = enum.auto()
    SYMBOLS = enum.auto()
    """Function, offset and file of each frame."""
    SOURCES = enum.auto()
    """Also source file and line, where the program has such information."""


class Numbers(NamedTuple):
    """A set of descriptors: `3,5`, `!3`, `all`, `none`."""

    listed: frozenset[int]
    inverted: bool = False

    def has(self, number: int) -> bool:
        """Tell whether a number is in it."""
        return (number in self.listed) is not self.inverted


NO_NUMBERS: Final = Numbers(frozenset())


class TraceOptions:
    """What a command line asks for; without options, what is here."""

    # What is traced.
    argv0: str | None = None
    user: str | None = None
    daemon: Daemon = Daemon.NO
    follow: bool = False
    detach_on: frozenset[str] = frozenset()
    interruptible: Interruptible | None = None
    call_limit: int | None = None
    kill_on_exit: bool = False
    seccomp: bool | None = None
    """Launched programs have a filter, so that calls not chosen do not stop; None: where it does no harm."""
    tap: bool = True
    """Calls of launched programs are recorded without a stop, where that can be and does no harm."""

    # What is shown.
    calls: str | None = None
    signals: frozenset[int] = ALL_SIGNALS
    statuses: frozenset[CallStatus] = ALL_STATUSES
    quiet: frozenset[str] = frozenset()
    trace_fds: Numbers | None = None

    # Where to.
    output: str | None = None
    append: bool = False
    separately: bool = False

    form: str = "text"
    """Of outputs that name none."""
    where: Where | None = None
    explain: bool = False
    live: bool = False
    only_further: bool = False
    """There are outputs, but none of the lines strace would write."""

    # How it is shown.
    text_max: int = 32
    abbreviated: str = "all"
    dereferenced: str = "all"
    raw: str = "none"
    constants: str = "abbrev"
    hex_strings: int = 0
    column: int = 40
    clock: Clock = Clock.NONE
    clock_digits: int = 0
    since_last: int | None = None
    durations: int | None = None
    fd_details: frozenset[str] = frozenset()
    pid_details: frozenset[str] = frozenset()
    reads: Numbers = NO_NUMBERS
    writes: Numbers = NO_NUMBERS
    instruction_pointer: bool = False
    call_number: bool = False
    argument_names: bool = False
    stacks: Stacks = Stacks.NONE
    frames_max: int = 256
    always_show_pid: bool = False
    colour: str = "auto"

    # Sums.
    counts: bool = False
    lines: bool = True
    wall: bool = False
    sort_by: str = "total-time"
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    overhead_ns: int = 0

    # Tampering.
    seed: int | None = None
    journal: str | None = None
    replay: str | None = None

    show_help: bool = False
    show_version: bool = False

    def __init__(self) -> None:
        self.program: list[str] = []
        self.pids: list[int] = []
        self.environment: dict[str, str | None] = {}
        self.paths: list[str] = []
        self.rules: list[Rule] = []
        self.outputs: list[str] = []
        """What was given with -o."""
        self.further: list[OutputSpec] = []
        """Outputs beside `output`."""
        self.given: set[str] = set()
        """Names of the options given, the first one each has in the table."""
        self.needs = Needs(0)
        self.warnings: list[str] = []
