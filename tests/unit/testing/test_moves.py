from __future__ import annotations

import pytest

from utrace.testing import MoveKind, Schedule, StaleSchedule
from utrace.testing.moves import move

TEXT = "utrace-schedule 1 forks 0123456789ab\nrun 100\ntracer goes on\n"


def test_move_name_tells_who() -> None:
    assert move(MoveKind.DELIVER, "101").name == "deliver 101"


def test_schedule_text_round_trip() -> None:
    schedule = Schedule("forks", "0123456789ab", ("run 100", "tracer goes on"))
    assert schedule.text() == TEXT
    assert Schedule.from_text("# found on Monday\n\n" + TEXT) == schedule


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace("utrace-schedule 1", "utrace-schedule 99"), "format 99"),
        ("run 100\n", "the first line"),
        ("", "the first line"),
    ],
)
def test_schedule_of_another_kind_is_refused(text: str, words: str) -> None:
    with pytest.raises(StaleSchedule, match=words):
        Schedule.from_text(text)


def test_schedule_for_other_programs_is_refused() -> None:
    schedule = Schedule.from_text(TEXT)
    schedule.check("forks", "0123456789ab")
    with pytest.raises(StaleSchedule, match="record the run again"):
        schedule.check("forks", "ba9876543210")
