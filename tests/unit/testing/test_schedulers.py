from __future__ import annotations

import itertools
from collections import Counter

import pytest

from utrace.testing import PCT, First, MoveKind, Random, Replay, RoundRobin, StaleSchedule, Uneven
from utrace.testing.moves import Move, move

RUN = move(MoveKind.RUN, "100")
RUN_OTHER = move(MoveKind.RUN, "101")
DELIVER = move(MoveKind.DELIVER, "102")
TRACER = move(MoveKind.TRACE, "tracer")
MOVES = [DELIVER, RUN, RUN_OTHER]


def test_first_prefers_the_tracer_then_tasks() -> None:
    assert First().choose([TRACER, *MOVES]) is TRACER
    assert First().choose(MOVES) is RUN
    assert First().choose([DELIVER, TRACER]) is DELIVER


def test_round_robin_lets_everyone_move_before_anyone_moves_again() -> None:
    scheduler = RoundRobin()
    chosen = [scheduler.choose(MOVES) for _ in range(6)]
    assert chosen[:3] == chosen[3:]
    assert set(chosen) == set(MOVES)


@pytest.mark.parametrize("kind", [Random, Uneven, lambda seed: PCT(3, seed)])
def test_seeded_scheduler_repeats_itself_and_seeds_differ(kind: type[Random]) -> None:
    def choices(seed: int) -> list[Move]:
        scheduler = kind(seed)
        return [scheduler.choose(MOVES) for _ in range(30)]

    assert choices(5) == choices(5)
    assert len({tuple(m.name for m in choices(seed)) for seed in range(20)}) > 2


def test_random_chooses_all_moves_about_as_often() -> None:
    scheduler = Random(1)
    counts = Counter(scheduler.choose(MOVES).name for _ in range(3000))
    assert min(counts.values()) > 800


def test_pct_keeps_to_one_mover_between_lowerings() -> None:
    scheduler = PCT(depth=2, seed=3, length=50)
    chosen = [scheduler.choose(MOVES) for _ in range(50)]
    changes = sum(before is not after for before, after in itertools.pairwise(chosen))
    assert changes == 1


def test_replay_makes_the_choices_then_goes_on_as_told() -> None:
    scheduler = Replay(["run 101", "deliver 102"])
    assert [scheduler.choose(MOVES) for _ in range(3)] == [RUN_OTHER, DELIVER, RUN]


def test_replay_choice_not_enabled_is_stale_unless_lenient() -> None:
    with pytest.raises(StaleSchedule, match="choice 1: 'run 999' is not enabled"):
        Replay(["run 999"]).choose(MOVES)
    assert Replay(["run 999", "run 101"], strict=False).choose(MOVES) is RUN_OTHER
