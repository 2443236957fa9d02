"""An expression split into what the kernel, the native loop and only Python can decide (D6).

For each call the expression is reduced by what is known of every call of that number: its name, its
convention, which arguments it has.  Where that leaves nothing that could be true, the call need not stop.
What must be true of the argument registers needs no memory and no decoding: it is a *screen*.  Numbers and
screens are the *kernel part*, a seccomp filter, where there is one, and the *native part*, before Python is
woken.  What is left of the expression for that call is the *Python part*.

Rule of this file: the parts together are true where the whole is, and nowhere else.  The first two may say
yes where the whole says no, never the other way round.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from utrace.kernel.screens import FAIL, NOTHING, PASS, Screen, Step, any_of, passes
from utrace.syscalls.abi import ABIS, abi_of
from utrace.syscalls.catalog import signature_by_name, signature_of
from utrace.syscalls.pointers import Path
from utrace.syscalls.signature import plan_by_name
from utrace.syscalls.tables import numbers, prototypes
from utrace.where.evaluate import compiled
from utrace.where.needed import Needed, screen_of
from utrace.where.nodes import MISSING, And, Compare, Const, Fixed, Match, Not, Or, Var, operands, show
from utrace.where.reduce import Shape, reduced
from utrace.where.registers import needed_registers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.signature import Signature
    from utrace.where.nodes import Operand, Test, _Missing
    from utrace.where.values import CallFacts

_NAMES_SHOWN: Final = 8
_NAMELESS: Final = "syscall_0x"
#: prctl(PR_SET_NAME): the first argument is an int.
_RENAMES: Final[Screen] = (Step(0, 0xFFFFFFFF, 0, False, 15, PASS, FAIL),)  # noqa: FBT003 — a comparison by ==
_NOT_BY_EQUALITY: Final = frozenset({"<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class CallPart:
    """What is left to decide about the calls of one number.

    Attributes:
        name: of the call.
        registers: what its registers must pass.
        screen: the same, as steps.
        ending: what they must pass with the result and the duration, when the call is over.
        rest: what is left of the whole; it implies `registers`.
    """

    name: str
    registers: Needed
    screen: Screen
    ending: Needed
    rest: Test
    decide: Callable[[CallFacts], bool] = field(repr=False, compare=False)


class Split:
    """One expression in its parts; what is left for a call is found out when it is first asked for.

    Attributes:
        test: the whole.
    """

    def __init__(self, test: Test) -> None:
        """Split an expression."""
        self.test = test
        self._whole = compiled(test)
        self._parts: dict[tuple[int, int], CallPart | None] = {}
        self._compiled: dict[Test, Callable[[CallFacts], bool]] = {}

    @functools.cached_property
    def calls(self) -> Mapping[int, frozenset[int]]:
        """The numbers that can make it true, by audit arch: the kernel part."""
        return {
            abi.audit: frozenset(nr for nr in prototypes(abi) if self.part(abi.audit, nr) is not None)
            for abi in ABIS
        }

    @functools.cached_property
    def is_complete(self) -> bool:
        """Whether `calls` has all: numbers that no table has a name for cannot make it true."""
        name = Var("name")
        asked = operands(self.test)
        if Var("nr") in asked or any(
            isinstance(one, Const) and isinstance(one.value, str) and one.value.startswith(_NAMELESS)
            for one in asked
        ):
            return False
        shape = Shape({"name": _NAMELESS, "path": MISSING}, frozenset(f"a{i}" for i in range(1, 7)))
        # A pattern, or an order, can be true of some of these names.
        return not _is_matched(self.test, name) and reduced(self.test, shape) == Fixed(value=False)

    @functools.cached_property
    def asks_names(self) -> bool:
        """Whether threads must be known by name."""
        return Var("comm") in operands(self.test)

    @functools.cached_property
    def seen(self) -> Mapping[int, frozenset[int]]:
        """The calls that can make it true, with those that must be seen to know threads by name."""
        if not self.asks_names:
            return self.calls
        return {abi.audit: self.calls[abi.audit] | {numbers(abi)["prctl"]} for abi in ABIS}

    def part(self, arch: int, nr: int) -> CallPart | None:
        """Give what is left to decide about a call; None if it is not accepted, whatever its arguments.

        A number that no table has, or behind which there are many calls that can match, is decided by the
        whole.
        """
        key = (arch, nr)
        if key not in self._parts:
            abi = abi_of(arch)
            if nr not in prototypes(abi):
                return self._all(f"syscall_{nr:#x}")
            self._parts[key] = self._made(abi, nr)
        return self._parts[key]

    def _all(self, name: str) -> CallPart:
        return CallPart(name, True, (), True, self.test, self._whole)  # noqa: FBT003 — anything passes

    def _rest(self, abi: Abi, nr: int, name: str, signature: Signature) -> Test:
        known: dict[str, str | int | _Missing] = {"name": name, "nr": nr, "arch": abi.name}
        if not any(isinstance(kind, Path) for kind in signature.arguments.values()):
            known["path"] = MISSING
        return reduced(self.test, Shape(known, frozenset(signature.arguments)))

    def _made(self, abi: Abi, nr: int) -> CallPart | None:
        name, signature = signature_of(abi, nr)
        rest = self._rest(abi, nr, name, signature)
        if signature.unfold is not None:
            meant = signature.unfold.calls
            rests = {
                self._rest(abi, nr, plan_by_name(abi, call).name, signature_by_name(abi, call))
                for call in meant
            }
            return None if {rest, *rests} == {Fixed(value=False)} else self._all(name)
        if rest == Fixed(value=False):
            return None
        if rest not in self._compiled:
            self._compiled[rest] = compiled(rest)
        registers = needed_registers(rest, abi, signature)
        if registers is False:
            return None
        ending = needed_registers(rest, abi, signature, at_end=True)
        return CallPart(name, registers, screen_of(registers), ending, rest, self._compiled[rest])

    def screen(self, arch: int, nr: int) -> Screen:
        """Give what registers of a call must pass for it to be seen: accepted, or told of a thread's name."""
        part = self.part(arch, nr)
        screen = NOTHING if part is None else part.screen
        if self.asks_names and nr == numbers(abi_of(arch))["prctl"]:
            return any_of([screen, _RENAMES])
        return screen

    def ending(self, arch: int, nr: int) -> Screen:
        """Give what registers, result and duration of a call that is over must pass for it to be seen."""
        part = self.part(arch, nr)
        ending = NOTHING if part is None else screen_of(part.ending)
        if self.asks_names and nr == numbers(abi_of(arch))["prctl"]:
            return any_of([ending, _RENAMES])
        return ending

    def passes_entry(self, arch: int, nr: int, raw: Sequence[int]) -> bool:
        """Tell whether a call is to be seen, from its number and registers alone."""
        return passes(self.screen(arch, nr), raw)

    def accepts(self, facts: CallFacts) -> bool:
        """Decide about a call that passed the entry."""
        part = self.part(facts.call.abi.audit, facts.call.nr)
        return part is not None and part.decide(facts)

    def whole(self, facts: CallFacts) -> bool:
        """Decide by the whole expression: what the parts together must come to."""
        return self._whole(facts)

    def explain(self, audit: int, *, filtered: bool) -> list[str]:
        """Describe the parts in words, for one convention.

        Args:
            audit: the convention.
            filtered: a seccomp filter is there to decide what it can.
        """
        parts = [part for nr in sorted(self.calls[audit]) if (part := self.part(audit, nr)) is not None]
        names = sorted(part.name for part in parts)
        total = len(prototypes(abi_of(audit)))
        decider = "kernel" if filtered and self.is_complete else "native"
        lines = [] if filtered else [f"kernel: no filter: all {total} calls stop"]
        lines += [f"{decider}: {len(parts)} of {total} calls can match: {_few(names) or 'none'}"]
        if not self.is_complete:
            lines = ["kernel: every call stops: numbers without a name can match"]
        needed: dict[str, list[str]] = {}
        endings: dict[str, list[str]] = {}
        rests: dict[str, list[str]] = {}
        for part in parts:
            if part.screen:
                needed.setdefault(str(part.registers), []).append(part.name)
            if part.ending not in {True, part.registers}:
                endings.setdefault(str(part.ending), []).append(part.name)
            rests.setdefault(show(part.rest), []).append(part.name)
        lines += [f"{decider}: {_few(called)}: {registers}" for registers, called in needed.items()]
        lines += [f"native: {_few(called)}: {ending}" for ending, called in endings.items()]
        for rest, called in rests.items():
            whose = "" if len(rests) == 1 else f"{_few(called)}: "
            lines.append(f"python: {whose}{rest}")
        return lines


def _is_matched(test: Test, operand: Operand) -> bool:
    """Tell whether an operand is compared otherwise than by being equal."""
    match test:
        case Match(of):
            return of == operand
        case Compare(op, left, right):
            return op in _NOT_BY_EQUALITY and operand in {left, right}
        case Not(of):
            return _is_matched(of, operand)
        case And(parts) | Or(parts):
            return any(_is_matched(part, operand) for part in parts)
        case _:
            return False


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
