from __future__ import annotations

import itertools

import pytest

from utrace.testing import DepthFirst, MoveKind, RunCut, StaleSchedule
from utrace.testing.moves import move

A = move(MoveKind.RUN, "a")
B = move(MoveKind.RUN, "b")


def orders(explorer: DepthFirst, touched: dict[str, frozenset[str]]) -> list[str]:
    """Explore two movers of two moves each; give the orders seen."""
    seen = []
    for _ in explorer.runs():
        left = {A: 2, B: 2}
        order = ""
        try:
            while any(left.values()):
                chosen = explorer.choose([m for m in (A, B) if left[m]])
                left[chosen] -= 1
                order += chosen.subject
                explorer.moved(chosen, touched[chosen.subject])
        except RunCut:
            continue
        seen.append(order)
    return seen


def test_all_orders_of_dependent_moves_are_made() -> None:
    explorer = DepthFirst()
    seen = orders(explorer, {"a": frozenset("x"), "b": frozenset("x")})
    assert sorted(seen) == sorted({"".join(order) for order in itertools.permutations("aabb")})
    assert explorer.complete
    assert explorer.runs_made == 6


def test_one_order_of_independent_moves_is_made() -> None:
    explorer = DepthFirst()
    assert orders(explorer, {"a": frozenset("x"), "b": frozenset("y")}) == ["aabb"]
    assert explorer.complete


def test_without_sleep_sets_all_orders_are_made() -> None:
    explorer = DepthFirst(sleep_sets=False)
    assert len(orders(explorer, {"a": frozenset("x"), "b": frozenset("y")})) == 6


def test_depth_limit_is_not_complete() -> None:
    explorer = DepthFirst(depth_max=1)
    assert len(orders(explorer, {"a": frozenset("x"), "b": frozenset("x")})) == 2
    assert not explorer.complete


def test_scenario_that_does_not_repeat_itself_is_refused() -> None:
    explorer = DepthFirst()
    runs = explorer.runs()
    next(runs)
    explorer.choose([A, B])
    next(runs)
    with pytest.raises(StaleSchedule, match="in the run before"):
        explorer.choose([B, A])
