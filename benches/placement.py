"""On which CPUs a tracer and its tracee run.

The cost of a stop is the cost of two switches from one task to the other; across CPUs each is a wake-up of an
idle CPU.  So a ratio means something only between two figures of the same placement.
"""

from __future__ import annotations

import enum
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

CPUS: Final = tuple(sorted(os.sched_getaffinity(0)))


class Placement(enum.Enum):
    ONE = "one"
    """Both bound to the same CPU."""
    TWO = "two"
    """The tracer bound to one CPU, the tracee to another."""
    FREE = "free"
    """Both bound to nothing: where the scheduler, or the tracer itself, puts them."""


@contextmanager
def placed(placement: Placement) -> Iterator[list[str]]:
    """Have programs that are started within placed so; gives the options for `loop`."""
    tracee = CPUS[-1]
    inherited = {Placement.ONE: {tracee}, Placement.TWO: {CPUS[0]}, Placement.FREE: set(CPUS)}
    os.sched_setaffinity(0, inherited[placement])
    try:
        yield ["-c", str(tracee)] if placement is Placement.TWO else []
    finally:
        os.sched_setaffinity(0, CPUS)
