"""Where the microseconds of a system call under one engine go.

Two views.  The first is exact: candidates that each do one thing more than the last, measured in turn;
the difference is what that thing costs.  The second is cProfile in the tracer thread: how often each
function runs a call is exact, its share of the time is swollen by the profiler, small functions' most.
"""

from __future__ import annotations

import cProfile
import itertools
import statistics
import sys
from typing import Final

import utrace
from benches.candidates import Loops, finished, module
from benches.placement import Placement, placed
from benches.programs import LOOP
from benches.rounds import LEAST_ROUNDS, Group, Row, collect
from benches.under_utrace import Count

CALLS: Final = 10_000
SHOWN: Final = 30


class CountProfiled(Count):
    """Turns the profiler on in the tracer thread, from its first callback on."""

    def __init__(self, profiler: cProfile.Profile) -> None:
        super().__init__(None)
        self.profiler: cProfile.Profile | None = profiler

    def report_syscall_entry(self, task: utrace.Task, call: utrace.Syscall) -> None:
        self.entries += 1
        if self.profiler is not None:
            self.profiler.enable()
            self.profiler = None


def group() -> Group:
    """List the layers, the thinnest first, each against the one before."""
    loops = Loops(Placement.ONE, CALLS)
    layers = [
        loops.untraced(),
        loops.c_tracer(info=False),
        loops.c_tracer(info=True),
        loops.native(),
        loops.uninterested(),
        loops.engines(1),
        loops.engines(2),
        loops.engines(8),
    ]
    rows = [Row(layers[0]), *(Row(layer, thinner) for thinner, layer in itertools.pairwise(layers))]
    return Group("layers of a call, tracer and tracee on one CPU", "µs", rows, rounds=15, limit_s=60)


def print_layers() -> None:
    """Print each layer with what it adds: the median, over the rounds, of the difference in one round."""
    before: dict[int, float] = {}
    print(f"{'layer':36} {'median µs':>10} {'least µs':>10} {'adds':>8}   quartiles")
    for candidate, samples in collect(group()).items():
        figures = samples.figures
        if len(figures) < LEAST_ROUNDS:
            print(f"{candidate.name:36} not measured: {samples.failures[0]}")
            continue
        line = (
            f"{candidate.name:36} {statistics.median(figures.values()):10.2f} {min(figures.values()):10.2f}"
        )
        added = [mine - before[turn] for turn, mine in figures.items() if turn in before]
        if added:
            low, middle, high = statistics.quantiles(added, n=4, method="inclusive")
            line += f" {middle:+8.2f}   {low:+.2f} .. {high:+.2f}"
        print(line)
        before = figures


def profile_once() -> None:
    """Profile one run in this process and print the functions that took the most."""
    profiler = cProfile.Profile()
    engine = CountProfiled(profiler)
    with utrace.Session(on_engine_fault="kill_session") as session:
        session.spawn([LOOP, str(CALLS)], [engine], stdio=(0, 2, 2))
        session.run()
    profiler.create_stats()
    entries = [
        (entry.inlinetime, entry.totaltime, entry.callcount, entry.code) for entry in profiler.getstats()
    ]
    entries.sort(key=lambda entry: -entry[0])
    calls = engine.entries
    print(f"\ncProfile over {calls} calls, per call of the traced program (times include the profiler's own)")
    print(f"{'runs':>7} {'own µs':>8} {'with callees':>13}  function")
    for own, total, count, code in entries[:SHOWN]:
        if isinstance(code, str):
            name = code
        else:
            name = f"{code.co_qualname}  {code.co_filename.rpartition('/src/')[2]}:{code.co_firstlineno}"
        print(f"{count / calls:7.2f} {1e6 * own / calls:8.2f} {1e6 * total / calls:13.2f}  {name}")


def main() -> int:
    """Print both views."""
    print_layers()
    with placed(Placement.ONE):
        print(finished(module("layers")).stdout, end="")
    return 0


if __name__ == "__main__":
    profile_once()
    sys.exit(0)
