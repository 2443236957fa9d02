"""Rules of tampering, in strace's grammar: which calls, how often, and what is done to them.

    Rule.parse("openat:error=ENOENT:when=3+2")
    Rule("openat", error=errno.ENOENT, when=When(3, step=2))

Reference: strace(1) "Tampering"; strace 6.1 in doubtful cases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from utrace.arch.description import ERRNO_MAX
from utrace.errors import Misuse
from utrace.kernel import procfs
from utrace.syscalls import syscall_set
from utrace.syscalls.abi import ABIS, X86_64
from utrace.syscalls.groups import GROUPS
from utrace.syscalls.siginfo import SIGNAL_NAMES, SIGNAL_NUMBERS
from utrace.syscalls.tables import constant_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

_COUNT_MAX: Final = 65535
_ENOSYS: Final = 38
_PURE: Final = frozenset(GROUPS["pure"].split())


@dataclass(frozen=True, slots=True)
class When:
    """Which invocations are meant, counted from 1 for each call and each thread.

    Attributes:
        first: the first one.
        last: the last one; None for no end.
        step: from one to the next; 0 for `first` alone, or, with `last`, for all between.
    """

    first: int = 1
    last: int | None = None
    step: int = 1

    def has(self, invocation: int) -> bool:
        """Tell whether an invocation is meant."""
        if self.last is None and not self.step:
            return invocation == self.first
        return (
            invocation >= self.first
            and (self.last is None or invocation <= self.last)
            and (invocation - self.first) % (self.step or 1) == 0
        )


ALWAYS: Final = When()

_WHEN: Final = re.compile(r"(\d{1,9})(?:\.\.(\d{1,9}))?(?:(\+)(\d{0,9}))?", re.ASCII)


def _when(text: str) -> When:
    """Read `FIRST[..LAST][+[STEP]]`."""
    found = _WHEN.fullmatch(text)
    if found is None:
        raise Misuse(f"when={text} is not FIRST[..LAST][+[STEP]]")
    first, last = int(found[1]), int(found[2]) if found[2] else None
    step = int(found[4]) if found[4] else int(bool(found[3]))
    if not 1 <= first <= _COUNT_MAX or (last is not None and not first <= last < _COUNT_MAX):
        raise Misuse(f"when={text}: the first is from 1 to 65535, the last not before it and below 65535")
    if step > _COUNT_MAX or (found[4] and not step):
        raise Misuse(f"when={text}: a step is from 1 to 65535")
    return When(first, last, step)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done to which calls.

    Attributes:
        calls: a set of calls as `-e trace=` writes it.
        error: the call is not made, and fails with this errno.
        retval: the call is not made, and returns this.
        signal: this signal is sent to the thread, as by the kernel, when it enters the call.
        syscall: with `error` or `retval`: a call without effects that is made instead (`%pure`).
        delay_enter_ns: the call is made so much later.
        delay_exit_ns: the thread goes on so much after it.
        poke_enter: bytes put where arguments point to before the call, by position from 1.
        poke_exit: the same behind it.
        when: which invocations, counted for each rule, call and thread.
        where: further, which calls; those it refuses are not counted.
        probability: further, with which probability from 0 to 1.
    """

    calls: str
    error: int | None = None
    retval: int | None = None
    signal: int = 0
    syscall: str = ""
    delay_enter_ns: int = 0
    delay_exit_ns: int = 0
    poke_enter: Mapping[int, bytes] = field(default_factory=dict)
    poke_exit: Mapping[int, bytes] = field(default_factory=dict)
    when: When = ALWAYS
    where: Callable[[Task, Syscall], bool] | None = None
    probability: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            Misuse: it does not.
        """
        for abi in ABIS:
            syscall_set(self.calls, abi)
        if self.error is not None and self.retval is not None:
            raise Misuse("error= and retval= exclude each other")
        if self.error is not None and not 1 <= self.error <= ERRNO_MAX:
            raise Misuse(f"error={self.error} is not from 1 to {ERRNO_MAX}")
        if self.signal and self.signal not in SIGNAL_NAMES:
            raise Misuse(f"signal={self.signal}: there is no such signal")
        if self.syscall and self.syscall not in _PURE:
            raise Misuse(f"syscall={self.syscall}: not a call without effects (see -e trace=%pure)")
        if self.syscall and not self.replaces:
            raise Misuse("syscall= needs error= or retval=")
        if not 0 <= self.probability <= 1:
            raise Misuse(f"probability={self.probability} is not from 0 to 1")
        if not (
            self.replaces
            or self.signal
            or self.delay_enter_ns
            or self.delay_exit_ns
            or self.poke_enter
            or self.poke_exit
        ):
            raise Misuse(
                "nothing to inject: no error, retval, signal, delay_enter, delay_exit, poke_enter, poke_exit"
            )

    @property
    def replaces(self) -> bool:
        """Whether the call itself is not made."""
        return self.error is not None or self.retval is not None

    @property
    def result(self) -> int:
        """What a replaced call returns: a negative errno, or `retval` as a signed number."""
        if self.error is not None:
            return -self.error
        value = self.retval or 0
        return value - (1 << 64) if value >= 1 << 63 else value

    @property
    def has_exit(self) -> bool:
        """Whether something is left to do when the call has ended."""
        return bool(self.syscall or self.delay_exit_ns or self.poke_exit)

    @classmethod
    def parse(cls, text: str, *, fault: bool = False) -> Rule:
        """Read strace's grammar, `SET:error=EIO:when=3`, and `probability=0.5` and `where=EXPR` as well.

        A condition (docs/where.md) comes last: all that follows is the expression.

        Args:
            text: what stands behind `inject=`.
            fault: what stands behind `fault=`: an error, ENOSYS if none is given, and nothing else.

        Raises:
            Misuse: it makes no sense; the message says why.
        """
        text, has_where, expression = text.partition(":where=")
        calls, *parts = text.split(":")
        fields: dict[str, object] = {}
        if has_where:
            fields["where"] = _where(expression)
        for part in filter(None, parts):
            name, equals, value = part.partition("=")
            read = _FIELDS.get(name)
            if read is None or not equals or (fault and name not in _OF_FAULT):
                raise Misuse(f"{part}: not one of {', '.join(_OF_FAULT if fault else _FIELDS)}")
            target, reader = read
            if target in fields and name != "when":
                raise Misuse(f"{name}= is given twice")
            fields[target] = reader(value)
        if fault:
            fields.setdefault("error", _ENOSYS)
        return cls(calls, **fields)  # type: ignore[arg-type]  # each of the type that its reader gives


def _where(text: str) -> Callable[[Task, Syscall], bool]:
    """Read a condition, which is asked when a call begins."""
    from utrace.where import CallFacts, Where  # noqa: PLC0415 — only where one is given

    where = Where(text, at_entry=True)
    asks_name = where.asks("comm")

    def accepts(task: Task, call: Syscall) -> bool:
        comm = procfs.comm(task.tid) or "" if asks_name else ""
        return where.accepts(CallFacts(call.decoded, task.pid, task.tid, comm))

    return accepts


def _small(text: str) -> int:
    """Read the number of an error or signal; 0 if it is none."""
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0


def _error(text: str) -> int:
    names = constant_values(X86_64, "errno")
    number = names.get(text.upper(), _small(text))
    if not 1 <= number <= ERRNO_MAX:
        raise Misuse(f"error={text}: no error of that name, nor from 1 to {ERRNO_MAX}")
    return number


def _retval(text: str) -> int:
    try:
        value = int(text, 0)
    except ValueError as error:
        raise Misuse(f"retval={text} is no number") from error
    if not -(1 << 63) <= value < 1 << 64:
        raise Misuse(f"retval={text} does not fit a register")
    return value


def _signal(text: str) -> int:
    name = text.upper().removeprefix("SIG")
    number = SIGNAL_NUMBERS.get(f"SIG{name}", _small(text))
    if number not in SIGNAL_NAMES:
        raise Misuse(f"signal={text}: there is no such signal")
    return number


_NANOSECONDS: Final = {"": 1_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_DELAY_MAX_S: Final = 1e9
_TIME: Final = re.compile(r"(\d+\.?\d*|\.\d+)(s|ms|us|ns)?", re.ASCII)


def _delay(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise Misuse(f"a delay is NUMBER[s|ms|us|ns], not '{text}'")
    seconds = float(found[1]) * _NANOSECONDS[found[2] or ""] / 1e9
    if seconds > _DELAY_MAX_S:
        raise Misuse(f"a delay of {seconds:g} s is too long")
    return round(seconds * 1e9)


_POKE: Final = re.compile(r"@arg([1-7])=((?:[0-9a-fA-F]{2})+)", re.ASCII)


def _pokes(text: str) -> dict[int, bytes]:
    pokes: dict[int, bytes] = {}
    for part in text.split(","):
        found = _POKE.fullmatch(part)
        if found is None:
            raise Misuse(f"'{part}' is not @argN=BYTES, with N from 1 to 7 and pairs of hexadecimal digits")
        if int(found[1]) in pokes:
            raise Misuse(f"@arg{found[1]} is given twice")
        pokes[int(found[1])] = bytes.fromhex(found[2])
    return pokes


def _probability(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Misuse(f"probability={text} is no number") from error


def _name(text: str) -> str:
    return text


_FIELDS: Final[Mapping[str, tuple[str, Callable[[str], object]]]] = {
    "error": ("error", _error),
    "retval": ("retval", _retval),
    "signal": ("signal", _signal),
    "syscall": ("syscall", _name),
    "delay_enter": ("delay_enter_ns", _delay),
    "delay_exit": ("delay_exit_ns", _delay),
    "poke_enter": ("poke_enter", _pokes),
    "poke_exit": ("poke_exit", _pokes),
    "when": ("when", _when),
    "probability": ("probability", _probability),
}
_OF_FAULT: Final = ("error", "when", "probability")
