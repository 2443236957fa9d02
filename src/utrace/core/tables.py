"""The three kinds of cell every state table is made of (D2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from utrace.errors import UtraceError

T = TypeVar("T")


class Go(Generic[T]):
    """Accepted: what follows."""

    __slots__ = __match_args__ = ("then",)

    def __init__(self, then: T) -> None:
        self.then: Final = then


class Refuse(NamedTuple):
    """The caller's mistake or lateness: nothing changes."""

    error: type[UtraceError]
    why: str


class Never(NamedTuple):
    """Cannot be; seeing it is a bug of ours."""

    why: str
