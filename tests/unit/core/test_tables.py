"""The three kinds of cell."""

from __future__ import annotations

import pytest

from utrace.core.tables import Go, Never, Refuse
from utrace.errors import TaskGone


def test_go_holds_what_follows() -> None:
    assert Go("then").then == "then"


def test_refuse_holds_the_error_and_its_reason() -> None:
    cell = Refuse(TaskGone, "dead")
    assert (cell.error, cell.why) == (TaskGone, "dead")


@pytest.mark.parametrize("cell", [Refuse(TaskGone, "dead"), Never("no")])
def test_cells_do_not_change(cell: Refuse | Never) -> None:
    name = cell._fields[0]
    with pytest.raises(AttributeError):
        setattr(cell, name, None)
