"""What a set of constants is: names from the kernel's headers, evaluated by `gen_constants.py`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FlagSet:
    """Bits, and fields of several bits that hold one of some values."""

    headers: tuple[str, ...]
    names: str
    exclude: str = ""
    fields: tuple[tuple[int, str], ...] = ()
    extra: dict[str, int] = field(default_factory=dict)
    same_everywhere: bool = True


@dataclass(frozen=True)
class EnumSet:
    """One of some values."""

    headers: tuple[str, ...]
    names: str
    exclude: str = ""
    extra: dict[str, int] = field(default_factory=dict)
    same_everywhere: bool = True


def flags(header: str, names: str, exclude: str = "", **extra: int) -> FlagSet:
    """Declare bits; `header` may name several, `extra` gives values no header has."""
    return FlagSet(tuple(header.split()), names, exclude, extra=extra)


def enum(header: str, names: str, exclude: str = "", **extra: int) -> EnumSet:
    """Declare an enumeration; `header` may name several, `extra` gives values no header has."""
    return EnumSet(tuple(header.split()), names, exclude, extra=extra)
