"""The three kinds of cell every state table is made of (D2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from utrace.errors import UtraceError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Go(Generic[T]):
    """Accepted: what follows."""

    then: T


@dataclass(frozen=True, slots=True)
class Refuse:
    """The caller's mistake or lateness: nothing changes."""

    error: type[UtraceError]
    why: str


@dataclass(frozen=True, slots=True)
class Never:
    """Cannot be; seeing it is a bug of ours."""

    why: str
