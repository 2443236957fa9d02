"""Sets of calls as `-e trace=` writes them: names, groups, numbers, patterns, negation.

Reference: strace(1) "Filtering"; strace 6.1 in doubtful cases.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from utrace.errors import Misuse
from utrace.syscalls.abi import AARCH64, ABIS, I386, X86_64, abi_of
from utrace.syscalls.groups import ALIASES, GROUPS
from utrace.syscalls.tables import numbers

if TYPE_CHECKING:
    from utrace.syscalls.abi import Abi
    from utrace.syscalls.call import DecodedCall

#: `open@64`: only under the convention with words of so many bits.
_PERSONALITIES: Final[dict[str, frozenset[Abi]]] = {
    "64": frozenset({X86_64, AARCH64}),
    "32": frozenset({I386}),
    "x32": frozenset(),
}
#: What is left when some are taken out has calls of newer kernels, too, and numbers that are none.
_NAMELESS: Final = frozenset(range(1024))
_PREFIXES: Final = ("trace=", "t=", "syscall=")


def syscall_set(expression: str, arch: int | str | Abi) -> frozenset[int]:
    """Read an expression of strace: "trace=%file,openat,?clone3,!close", "/^get", "!%net", "none".

    A leading "!" inverts the whole set, with numbers below 1024 that have no name here; a "!" before a
    later element takes that one out.  "?" before an element lets it be unknown.  "@64" and "@32" behind an
    element restrict it to one convention.

    Args:
        expression: with or without "trace=".
        arch: the convention whose numbers are wanted.  A name that only another architecture has
            is no error and adds nothing.

    Raises:
        Misuse: an element is no call of any architecture, no group and no pattern.
    """
    return _syscall_set(expression, abi_of(arch))


class CallSet:
    """What an expression names, in every convention: `call in CallSet("%file")`."""

    __slots__ = ("_expression",)

    def __init__(self, expression: str) -> None:
        """Read an expression of `syscall_set`.

        Raises:
            Misuse: an element is no call of any architecture, no group and no pattern.
        """
        for abi in ABIS:
            syscall_set(expression, abi)
        self._expression = expression

    def __contains__(self, call: DecodedCall) -> bool:
        return call.nr in _syscall_set(self._expression, call.abi)

    def __repr__(self) -> str:
        return f"CallSet({self._expression!r})"


@functools.lru_cache(maxsize=64)
def _syscall_set(expression: str, abi: Abi) -> frozenset[int]:
    body = expression.strip()
    body = next((body.removeprefix(prefix) for prefix in _PREFIXES if body.startswith(prefix)), body)
    inverted = body.startswith("!")
    if inverted:
        body = body[1:]
    everything = frozenset(numbers(abi).values())
    if body in {"", "none"}:
        if not body:
            raise Misuse("-e trace=: no system call named")
        return everything | _NAMELESS if inverted else frozenset()
    chosen: set[int] = set()
    for element in body.split(","):
        negated = element.startswith("!")
        found = _element(element[1:] if negated else element, abi, everything)
        chosen = chosen - found if negated else chosen | found
    return (everything | _NAMELESS) - chosen if inverted else frozenset(chosen)


def _element(element: str, abi: Abi, everything: frozenset[int]) -> frozenset[int]:
    optional = element.startswith("?")
    name = element[1:] if optional else element
    if not name.startswith("/"):
        name, at, personality = name.partition("@")
        if at:
            if personality not in _PERSONALITIES:
                raise Misuse(
                    f"-e trace={element}: no such personality: @{personality} (known: @64, @32, @x32)"
                )
            if abi not in _PERSONALITIES[personality]:
                return frozenset()
    found = _named(name, abi, everything)
    if found is None:
        if optional:
            return frozenset()
        raise Misuse(f"-e trace={element}: invalid system call {name!r}")
    return found


def _named(name: str, abi: Abi, everything: frozenset[int]) -> frozenset[int] | None:
    table = numbers(abi)
    if name == "all":
        return everything
    if name.startswith("/"):
        try:
            pattern = re.compile(name[1:])
        except re.error as error:
            raise Misuse(f"-e trace={name}: bad pattern: {error}") from error
        return frozenset(nr for call, nr in table.items() if pattern.search(call))
    group = name.removeprefix("%")
    group = ALIASES.get(group, group)
    # strace takes the oldest groups without the percent sign too, unless a call has that name.
    if group in GROUPS and (name.startswith("%") or not _is_call(name)):
        return frozenset(table[call] for call in GROUPS[group].split() if call in table)
    if name.isdecimal():
        return frozenset({int(name)}) if int(name) in everything else None
    if name in table:
        return frozenset({table[name]})
    return frozenset() if _is_call(name) else None


def _is_call(name: str) -> bool:
    return any(name in numbers(abi) for abi in (X86_64, I386, AARCH64))
