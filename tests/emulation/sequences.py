"""Random sequences of ptrace requests, signals and waits: what a tracer is told natively and in a session.

    python -m tests.emulation.sequences [--seconds N | --seeds FROM-TO]

tests/programs/ptrace_random.c makes a sequence from a number.  Each runs natively several times: where these
runs differ the kernel leaves something to chance, and the sequence is not compared.
"""

from __future__ import annotations

import argparse
import difflib
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.tracees import build

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NATIVE_RUNS: Final = 3
BATCH: Final = 10
BEFORE: Final = 12
AFTER: Final = 4
DEADLINE_S: Final = 30
SESSION: Final = (sys.executable, "-m", "utrace", "run", "--")
EACH: Final = """
program=$1; shift
for seed; do timeout -s KILL 25 "$program" $seed > $seed 2>&1; echo "exit status $?" >> $seed; done
"""


def run(prefix: Sequence[str], seeds: Sequence[int]) -> Mapping[int, list[str]]:
    """Run sequences one after the other, in one session; what each says, its exit status last."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(
            [*prefix, "sh", "-c", EACH, "sh", build("ptrace_random"), *map(str, seeds)],
            check=True,
            cwd=name,
            timeout=DEADLINE_S * len(seeds),
            start_new_session=True,
        )
        return {seed: Path(name, str(seed)).read_text().splitlines() for seed in seeds}


@dataclass
class Compared:
    """What came of some sequences.

    Attributes:
        same: seeds whose sequences were the same in a session.
        different: what differs, by seed.
        unstable: seeds whose native runs differ.
    """

    same: list[int] = field(default_factory=list)
    different: dict[int, tuple[list[str], list[str]]] = field(default_factory=dict)
    unstable: list[int] = field(default_factory=list)

    def add(self, other: Compared) -> None:
        """Take in what came of others."""
        self.same += other.same
        self.different |= other.different
        self.unstable += other.unstable

    def __str__(self) -> str:
        stable = len(self.same) + len(self.different)
        different = ", ".join(map(str, self.different)) or "none"
        unstable = f"{len(self.unstable)} not: they differ natively"
        return f"{stable} sequences compared, {unstable}; different: {different}"


def compare(seeds: Sequence[int], *, native_runs: int = NATIVE_RUNS) -> Compared:
    """Run sequences natively and in a session."""
    native = [run((), seeds) for _ in range(native_runs)]
    result = Compared(
        unstable=[seed for seed in seeds if any(one[seed] != native[0][seed] for one in native)]
    )
    stable = [seed for seed in seeds if seed not in result.unstable]
    if stable:
        served = run(SESSION, stable)
        result.same = [seed for seed in stable if served[seed] == native[0][seed]]
        result.different = {
            seed: (native[0][seed], served[seed]) for seed in stable if served[seed] != native[0][seed]
        }
    return result


def difference(native: Sequence[str], served: Sequence[str]) -> str:
    """Show where two runs part."""
    pairs = enumerate(zip(native, served, strict=False))
    parted = next((at for at, (one, other) in pairs if one != other), min(len(native), len(served)))
    shown = slice(max(0, parted - BEFORE), parted + AFTER)
    lines = difflib.unified_diff(native[shown], served[shown], "native", "session", n=BEFORE, lineterm="")
    return "\n".join(lines)


def main() -> int:
    """Compare for a while, or so many; the exit status tells whether any sequence differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", help="FROM-TO")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    begin, _, end = (arguments.seeds or "1-").partition("-")
    first, last = int(begin), int(end or begin) if arguments.seeds else sys.maxsize
    deadline = time.monotonic() + (arguments.seconds if not arguments.seeds else float("inf"))
    build("ptrace_random")
    total = Compared()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        while first <= last and time.monotonic() < deadline:
            after = min(last + 1, first + BATCH * arguments.jobs)
            batches = (range(at, min(at + BATCH, after)) for at in range(first, after, BATCH))
            for done in pool.map(compare, batches):
                total.add(done)
                for seed, (native, served) in done.different.items():
                    print(f"== sequence {seed}\n{difference(native, served)}", flush=True)
            first = after
    print(total)
    return bool(total.different)


if __name__ == "__main__":
    sys.exit(main())
