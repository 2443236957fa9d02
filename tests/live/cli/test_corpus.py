"""Real programs: the lines of `utrace trace` are those of strace."""

from __future__ import annotations

import os
from typing import Final

import pytest

from tests.live.cli.corpus import PROGRAMS, Total, compare, missing

pytestmark = pytest.mark.requires("strace", "gcc")

EQUAL_AT_LEAST: Final = 0.98


@pytest.mark.timeout(900)
def test_lines_of_real_programs_are_those_of_strace() -> None:
    everything = os.environ.get("UTRACE_CORPUS") == "all"
    total = Total()
    for program in PROGRAMS.values():
        if (everything or program.quick) and not missing(program):
            part = compare(program)
            assert part.statuses[0] == part.statuses[1], program.name
            total.parts.append(part)
    assert len(total.parts) >= 8
    assert total.equal >= EQUAL_AT_LEAST, total.different.most_common()
