"""Print what tracing costs, as ratios taken in one run: python -m benches [--json FILE].

`python -m benches everyday` measures only `utrace trace` on programs that people trace, `python -m benches
emulation` only what `utrace run` costs, and `python -m benches profile` shows where the time of a call goes.
docs/benchmarks.md says how to read all that.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Final

from benches import everyday
from benches.candidates import SESSION, UTRACE, Attach, Loops, StartUp, Whole
from benches.placement import CPUS, Placement
from benches.programs import HERE, compile_all
from benches.rounds import Form, Group, Row, measure
from benches.table import as_json, as_text, conditions

CALLBACK_BUDGET: Final = 1.6
"""A Python callback at entry and exit of every call, against the C tracer with syscall info."""
UNINTERESTING_BUDGET: Final = 1.05
FURTHER_ENGINE_BUDGET: Final = 0.10
THREADS_BUDGET: Final = 1.20
ATTACH_BUDGET_MS: Final = 100.0

EMULATION_BUDGET: Final = 1.5
"""strace in a session against strace on the kernel."""
UNTRACED_BUDGET: Final = 1.05
"""A program of a session that nobody traces, against the same program alone."""

THREADS: Final = 5_000
FURTHER: Final = Form.EACH_FURTHER


def one_cpu() -> Group:
    """Everything with tracer and tracee on one CPU."""
    loops = Loops(Placement.ONE, 10_000)
    untraced, bare, info = loops.untraced(), loops.c_tracer(info=False), loops.c_tracer(info=True)
    strace, python_ptrace = loops.under_strace(), loops.python_ptrace()
    native, one, eight, unlink = loops.native(), loops.engines(1), loops.engines(8), loops.uninterested()
    filtered = loops.filtered()
    rows = [
        Row(untraced),
        Row(bare, untraced),
        Row(info, bare),
        Row(strace, info),
        Row(python_ptrace, info),
        Row(native, info),
        Row(one, info, CALLBACK_BUDGET),
        Row(one, bare),
        Row(one, strace),
        Row(one, python_ptrace),
        Row(eight, one, FURTHER_ENGINE_BUDGET, FURTHER),
        Row(unlink, one),
        Row(filtered, untraced, UNINTERESTING_BUDGET),
    ]
    return Group("A getppid call, tracer and tracee on one CPU", "µs", rows, rounds=19, limit_s=60)


def many_threads() -> Group:
    """One thread that loops among thousands that sleep."""
    loops = Loops(Placement.ONE, 10_000)
    info, crowd_info = loops.c_tracer(info=True), loops.c_tracer(info=True, threads=THREADS)
    one, crowd = loops.engines(1), loops.engines(1, threads=THREADS)
    rows = [
        Row(crowd_info, info),
        Row(crowd, one, THREADS_BUDGET),
        Row(crowd, crowd_info),
    ]
    return Group(f"The same with {THREADS:,} more threads, all blocked", "µs", rows, rounds=7, limit_s=40)


def across(placement: Placement, title: str) -> Group:
    """The main ones where tracer and tracee need not share a CPU."""
    loops = Loops(placement, 2_000)
    untraced, bare, info = loops.untraced(), loops.c_tracer(info=False), loops.c_tracer(info=True)
    strace, native, one = loops.under_strace(), loops.native(), loops.engines(1)
    rows = [
        Row(bare, untraced),
        Row(info, bare),
        Row(strace, info),
        Row(loops.python_ptrace(), info),
        Row(native, info),
        Row(one, info, CALLBACK_BUDGET),
        Row(one, bare),
        Row(one, strace),
    ]
    return Group(title, "µs", rows, rounds=11, limit_s=25)


def start_up() -> Group:
    """What is paid once."""
    quietly = ("-f", "-o", "/dev/null", "true")
    strace = StartUp("strace true", ("strace", *quietly))
    trace = StartUp("utrace trace true", (str(UTRACE), "trace", *quietly))
    rows = [
        Row(Attach("import utrace", (0,)), form=Form.ABSOLUTE),
        Row(Attach("attach to 4 threads", (1,)), form=Form.ABSOLUTE),
        Row(Attach("import utrace + attach", (0, 1)), None, ATTACH_BUDGET_MS, Form.ABSOLUTE),
        Row(strace, form=Form.ABSOLUTE),
        Row(trace, strace),
    ]
    return Group("Start-up", "ms", rows, rounds=11, limit_s=25)


def emulation(placement: Placement, title: str) -> Group:
    """Measure strace itself in a session, where its own calls stop too, against strace on the kernel."""
    loops = Loops(placement, 4_000)
    strace = loops.under_strace()
    rows = [Row(strace), Row(loops.strace_of_session(), strace, EMULATION_BUDGET)]
    return Group(title, "µs", rows, rounds=11, limit_s=25)


WHOLE: Final = {
    "find /usr": ("find", "/usr", "-xdev"),
    "gcc -O2 -c": ("gcc", "-O2", "-pthread", "-c", "-o", "/dev/null", str(HERE / "loop.c")),
    "sh, 100 programs": ("sh", "-c", "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done"),
}


def untraced() -> Group:
    """Programs of a session that nobody traces."""
    rows = []
    for name, command in WHOLE.items():
        alone = Whole(name, (), command)
        rows += [Row(alone), Row(Whole(f"utrace run {name}", SESSION, command), alone, UNTRACED_BUDGET)]
    return Group("Programs of a session that nobody traces, on one CPU", "ms", rows, rounds=11, limit_s=30)


def emulation_groups() -> list[Group]:
    """List what `utrace run` costs."""
    found = [emulation(Placement.ONE, "strace of a getppid call under utrace run, all on one CPU")]
    if len(CPUS) > 1:
        found.append(emulation(Placement.FREE, "The same, bound to no CPU"))
    return [*found, untraced()]


def groups() -> list[Group]:
    """List what is run."""
    found = [one_cpu(), many_threads()]
    if len(CPUS) > 1:
        found += [
            across(Placement.TWO, "Tracer and tracee bound to a CPU each"),
            across(Placement.FREE, "Tracer and tracee bound to no CPU"),
        ]
    return [*found, start_up(), *everyday.groups(), *emulation_groups()]


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benches", description="What tracing costs, in ratios.")
    parser.add_argument(
        "what", nargs="?", choices=["table", "everyday", "emulation", "profile"], default="table"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    compile_all()
    if arguments.what == "profile":
        from benches import layers  # noqa: PLC0415 — needs utrace itself to be importable

        return layers.main()
    load, started = os.getloadavg()[0], time.monotonic()
    chosen = {"table": groups, "everyday": everyday.groups, "emulation": emulation_groups}[arguments.what]
    results = {group.title: measure(group) for group in chosen()}
    found = conditions(load, time.monotonic() - started)
    print(as_text(found, results))
    print("\n" + everyday.matrix(results))
    if len(CPUS) == 1:
        print("\nWith a single CPU nothing is measured across CPUs.")
    if arguments.json is not None:
        arguments.json.write_text(as_json(found, results) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
