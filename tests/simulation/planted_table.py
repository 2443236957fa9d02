"""The table of planted bugs: which scheduler finds each, in which scenario, after how many interleavings."""

from __future__ import annotations

import concurrent.futures
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.simulation.mutants import MUTANTS
from tests.simulation.planted import NOTHING
from utrace.errors import invariant

if TYPE_CHECKING:
    from tests.simulation.search import Found

PROGRAM: Final = Path(__file__).with_name("planted.py")
DEADLINE_S: Final = 550
AT_ONCE: Final = 2


def search_in_a_process(name: str) -> Found:
    """Plant one bug, or `NOTHING`, and search for it."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), name], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    invariant(done.returncode == 0, "a search ends", name=name, stderr=done.stderr)
    found: Found = json.loads(done.stdout)
    return found


def search_for_all() -> dict[str, Found]:
    """Search for nothing, and for every planted bug, two at a time."""
    names = [NOTHING, *(mutant.name for mutant in MUTANTS)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as processes:
        return dict(zip(names, processes.map(search_in_a_process, names), strict=True))


def show(table: dict[str, Found]) -> str:
    """Write the table."""
    head = f"{'planted bug':58} {'scheduler':12} {'scenario':36} {'interleavings':>13}"
    lines = [
        f"{name:58} {found['scheduler'] or 'not found':12} {found['scenario']:36} {found['runs']:13}"
        for name, found in table.items()
    ]
    return "\n".join((head, *lines))
