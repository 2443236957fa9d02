"""The generated tables: numbers, prototypes and constants, each read when first asked for.

Reference: tools/gen_syscall_tables.py, tools/gen_constants.py.
"""

from __future__ import annotations

import functools
import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict, cast

from utrace.syscalls.values import FlagSet, Named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from utrace.syscalls.abi import Abi

_DATA: Final = os.path.join(os.path.dirname(__file__), "data")

#: Decoded values are shared between calls; a hostile program must not make them grow for ever.
MEMO_MAX: Final = 4096


def _read(name: str) -> object:
    with open(os.path.join(_DATA, f"{name}.json"), "rb") as file:
        return json.load(file)


class Prototype(NamedTuple):
    """A call as the kernel declares it."""

    nr: int
    name: str
    parameters: tuple[tuple[str, str], ...]
    """(name, C type) of each."""


@functools.cache
def prototypes(abi: Abi) -> Mapping[int, Prototype]:
    """All calls of one convention by number."""
    rows = cast("dict[str, list[object]]", _read(abi.name))
    table: dict[int, Prototype] = {}
    for nr, (name, *parameters) in rows.items():
        pairs = tuple(map(tuple, cast("list[list[str]]", parameters)))
        table[int(nr)] = Prototype(int(nr), cast("str", name), cast("tuple[tuple[str, str], ...]", pairs))
    return table


def call_name(abi: Abi, nr: int) -> str:
    """Name of a call; "syscall_0x1f4" for a number without one."""
    prototype = prototypes(abi).get(nr)
    return f"syscall_{nr & ((1 << 8 * abi.word) - 1):#x}" if prototype is None else prototype.name


@functools.cache
def numbers(abi: Abi) -> Mapping[str, int]:
    """All calls of one convention by name."""
    return {prototype.name: nr for nr, prototype in prototypes(abi).items()}


class _ConstantSet(TypedDict, total=False):
    enum: list[tuple[str, int]]
    fields: list[tuple[int, list[tuple[str, int]]]]
    flags: list[tuple[str, int]]


#: The sets that most programs need, and those that few do.
_CONSTANTS: Final = ("constants", "more_constants")


@functools.cache
def _constants(file: str) -> dict[str, _ConstantSet]:
    return cast("dict[str, _ConstantSet]", _read(file))


def _constant_set(abi: Abi, name: str) -> _ConstantSet:
    sets = next(sets for file in _CONSTANTS if name in (sets := _constants(file)))
    return sets.get(f"{name}@{abi.name}") or sets[name]


@functools.cache
def constant_names() -> frozenset[str]:
    """Names of all constants of all sets."""
    names: set[str] = set()
    for found in (found for file in _CONSTANTS for found in _constants(file).values()):
        pairs = [*found.get("enum", ()), *found.get("flags", ())]
        pairs += [pair for _, values in found.get("fields", ()) for pair in values]
        names.update(name for name, _ in pairs)
    return frozenset(names)


@functools.cache
def enum_names(abi: Abi, name: str) -> Mapping[int, str]:
    """Names of the values of an enumeration."""
    return {value: constant for constant, value in _constant_set(abi, name)["enum"]}


@functools.cache
def constant_values(abi: Abi, name: str) -> Mapping[str, int]:
    """Values of the names of a set."""
    found = _constant_set(abi, name)
    pairs = list(found.get("enum", ())) + list(found.get("flags", ()))
    for _, names in found.get("fields", ()):
        pairs += names
    return dict(pairs)


@functools.cache
def flag_bits(abi: Abi, name: str) -> Mapping[str, tuple[int, int]]:
    """Tell for each name of a set of flags which bits are looked at, and their value where it is set.

    A name that stands for several values is left out.
    """
    found = _constant_set(abi, name)
    bits = [(constant, (value, value)) for constant, value in found.get("flags", ())]
    bits += [
        (constant, (mask, value)) for mask, names in found.get("fields", ()) for constant, value in names
    ]
    several = Counter(constant for constant, _ in bits)
    return {constant: value for constant, value in bits if several[constant] == 1}


@functools.cache
def flags_decoder(abi: Abi, name: str, hint: str = "") -> Callable[[int], FlagSet]:
    """Make the function that names the bits of a value."""
    found = _constant_set(abi, name)
    fields = [(mask, {v: n for n, v in names}) for mask, names in found.get("fields", ())]
    flags = found.get("flags", [])
    memo: dict[int, FlagSet] = {}

    def decode(value: int) -> FlagSet:
        known = memo.get(value)
        if known is not None:
            return known
        rest = value
        names: list[str] = []
        for mask, values in fields:
            constant = values.get(value & mask)
            if constant is not None:
                names.append(constant)
                rest &= ~mask
        for constant, bits in flags:
            if rest & bits == bits:
                names.append(constant)
                rest &= ~bits
        if len(memo) >= MEMO_MAX:
            memo.clear()
        decoded = memo[value] = FlagSet(value, tuple(names), rest, hint)
        return decoded

    return decode


@functools.cache
def enum_decoder(abi: Abi, name: str, hint: str = "") -> Callable[[int], Named]:
    """Make the function that names a value."""
    names = enum_names(abi, name)
    memo: dict[int, Named] = {}

    def decode(value: int) -> Named:
        known = memo.get(value)
        if known is not None:
            return known
        if len(memo) >= MEMO_MAX:
            memo.clear()
        decoded = memo[value] = Named(value, names.get(value), hint)
        return decoded

    return decode
