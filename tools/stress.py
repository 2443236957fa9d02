"""Random engines, control calls, signals and kills over storms of forks, threads and execs.

    python tools/stress.py [--seconds S] [--seed N]

Counts every kind of report; at the end nothing may be lost, left stopped or leaked.  Prints the seed first,
so that a run can be repeated as far as the kernel's own choices allow.  Exit status 1 if a law was broken.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import random
import resource
import signal
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import utrace  # noqa: E402 — after the path
from tests.tracees import build  # noqa: E402 — the same
from utrace import Answer, Event, ResumeAction, Task  # noqa: E402 — the same

AT_ONCE = 3
DEPTH = 3
QUIET_DEADLINE_S = 60.0
FINAL = Event.CLONE | Event.EXIT | Event.DEATH | Event.REAP
OPTIONAL = (Event.QUIESCE, Event.SYSCALL_ENTRY, Event.SYSCALL_EXIT, Event.SIGNAL_ALL, Event.EXEC, Event.JCTL)
SIGNALS = (signal.SIGUSR1, signal.SIGSTOP, signal.SIGCONT, signal.SIGWINCH)
ACTIONS = (ResumeAction.STOP, ResumeAction.INTERRUPT, ResumeAction.REPORT, ResumeAction.RESUME)


class Stressed(utrace.EngineOps):
    """Counts what it is told, answers at random, and checks the order of each task's last reports."""

    def __init__(self, chance: random.Random, *, events: Event, rude: bool) -> None:
        self.events = events
        self.rude = rude
        self.chance = chance
        self.counts: collections.Counter[str] = collections.Counter()
        self.births: set[int] = set()
        self.ends: dict[int, str] = {}
        self.engines: dict[int, Task] = {}
        self.broken: list[str] = []

    def _answer(self, kind: str) -> Answer:
        self.counts[kind] += 1
        if self.rude and self.chance.random() < 0.02:
            return self.chance.choice((ResumeAction.REPORT, ResumeAction.INTERRUPT, ResumeAction.RESUME))
        return None

    def _end(self, task: Task, letter: str) -> None:
        self.ends[task.id.generation] = self.ends.get(task.id.generation, "") + letter

    def report_quiesce(self, task: Task, event: Event) -> Answer:
        """Count."""
        self.engines.setdefault(task.id.generation, task)
        return self._answer("quiesce")

    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        """Count, and check that the child is new."""
        if child.id.generation in self.births:
            self.broken.append(f"INV-32: child {child.id} reported twice")
        self.births.add(child.id.generation)
        self.engines[child.id.generation] = child
        return self._answer("clone")

    def report_exec(self, task: Task) -> Answer:
        """Count."""
        return self._answer("exec")

    def report_exit(self, task: Task, code: int) -> Answer:
        """Count."""
        self._end(task, "x")
        self.counts["synthetic exit"] += task.synthetic
        return self._answer("exit")

    def report_death(self, task: Task, group_dead: bool, signal: int) -> Answer:  # noqa: FBT001 — utrace.h's
        """Count."""
        self._end(task, "d")
        self.counts["death"] += 1
        return None

    def report_reap(self, task: Task) -> None:
        """Count."""
        self._end(task, "r")
        self.counts["reap"] += 1
        self.engines.pop(task.id.generation, None)

    def report_syscall_entry(self, task: Task, call: utrace.Syscall) -> Answer:
        """Count."""
        return self._answer("entry")

    def report_syscall_exit(self, task: Task, call: utrace.Syscall) -> Answer:
        """Count."""
        return self._answer("exit of a call")

    def report_signal(self, task: Task, signal: utrace.SignalReport) -> Answer:
        """Count."""
        return self._answer("signal")

    def report_jctl(self, task: Task, job_control: utrace.JobControl) -> Answer:
        """Count."""
        return self._answer("job control")


def disturb(
    watch: list[Stressed], stop: threading.Event, seed: int, outcomes: collections.Counter[str]
) -> None:
    """Call control on random tasks, and send random signals, until told to stop; let go of all at the end."""
    chance = random.Random(seed)  # noqa: S311 — repeatable chance
    while not stop.wait(0.002):
        ops = chance.choice(watch)
        tasks = list(ops.engines.values())
        if not tasks:
            continue
        task = chance.choice(tasks)
        with contextlib.suppress(utrace.UtraceError, ProcessLookupError):
            lot = chance.random()
            if lot < 0.75:
                engine = task.engine(ops)
                action = chance.choice(ACTIONS)
                outcomes[f"{action.name} {engine.control(action).name}"] += 1
                engine.control(ResumeAction.RESUME)
            elif lot < 0.97:
                os.kill(
                    task.pid, chance.choice((signal.SIGUSR1, signal.SIGSTOP, signal.SIGCONT, signal.SIGWINCH))
                )
                os.kill(task.pid, signal.SIGCONT)
            else:
                os.kill(task.pid, signal.SIGKILL)


def run(seconds: float, seed: int) -> int:
    """Stress for so long; 0 if no law was broken."""
    chance = random.Random(seed)  # noqa: S311 — repeatable chance
    program = build("storms")
    counts: collections.Counter[str] = collections.Counter()
    outcomes: collections.Counter[str] = collections.Counter()
    broken: list[str] = []
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    end = time.monotonic() + seconds
    rounds = 0
    memory_kib = 0
    while time.monotonic() < end:
        engines = [
            Stressed(
                random.Random(chance.random()),  # noqa: S311 — repeatable chance
                events=FINAL | chance.choice(OPTIONAL) | chance.choice(OPTIONAL) | Event.QUIESCE,
                rude=chance.random() < 0.5,
            )
            for _ in range(chance.randrange(1, 4))
        ]
        stop = threading.Event()
        with utrace.Session() as session:
            for _ in range(AT_ONCE):
                session.spawn([program, str(chance.randrange(1 << 30)), str(DEPTH)], engines)
            disturber = threading.Thread(
                target=disturb, args=(engines, stop, chance.randrange(1 << 30), outcomes)
            )
            disturber.start()
            try:
                session.loop.quiet.wait(2.0)
                stop.set()
                disturber.join()
                session.run(timeout_s=QUIET_DEADLINE_S)
            except TimeoutError as error:
                broken.append(f"round {rounds}: {error}: {session.tasks}")
            finally:
                stop.set()
                disturber.join()
            broken += [f"fault: {fault}" for fault in session.faults]
        for ops in engines:
            counts.update(ops.counts)
            broken += ops.broken
            broken += [
                f"round {rounds}: task {generation} ended {order!r}, not 'xdr'"
                for generation, order in ops.ends.items()
                if order != "xdr"
            ]
            if len(ops.births) != len(ops.ends) - AT_ONCE:
                broken.append(
                    f"round {rounds}: {len(ops.births)} births, {len(ops.ends) - AT_ONCE} ends of children"
                )
        rounds += 1
        memory_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if broken:
            break
    grown = len(list(Path("/proc/self/fd").iterdir())) - descriptors
    if grown > 0:
        broken.append(f"{grown} descriptors leaked")
    for kind, count in sorted(counts.items()):
        print(f"{count:9} {kind}")
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:9} control {outcome}")
    print(f"{rounds} rounds, {memory_kib} KiB at the most, {len(broken)} laws broken")
    print(*broken[:20], sep="\n")
    return 1 if broken else 0


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="how long (default: ten minutes)")
    parser.add_argument("--seed", type=int, default=None, help="what to draw from (default: drawn)")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 30) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    return run(options.seconds, seed)


if __name__ == "__main__":
    sys.exit(main())
