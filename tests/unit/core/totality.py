"""What every state table must be: total, without strange cells, all of it reachable."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeVar

from utrace.core.tables import Go, Never, Refuse

if TYPE_CHECKING:
    import enum
    from collections.abc import Mapping

S = TypeVar("S", bound="enum.Enum")
N = TypeVar("N", bound="enum.Enum")


def check_total(table: Mapping[tuple[S, N], object], states: type[S], inputs: type[N]) -> None:
    assert set(table) == set(itertools.product(states, inputs))
    for cell in table.values():
        assert isinstance(cell, Go | Refuse | Never)
        if not isinstance(cell, Go):
            assert cell.why


def reachable(table: Mapping[tuple[S, N], Go[S] | Refuse | Never], first: S) -> set[S]:
    found = {first}
    waiting = [first]
    while waiting:
        state = waiting.pop()
        for (before, _), cell in table.items():
            if before is state and isinstance(cell, Go) and cell.then not in found:
                found.add(cell.then)
                waiting.append(cell.then)
    return found


def finals(table: Mapping[tuple[S, N], Go[S] | Refuse | Never], states: type[S]) -> set[S]:
    leaving = {before for (before, _), cell in table.items() if isinstance(cell, Go)}
    return set(states) - leaving
