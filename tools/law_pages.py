"""Print docs/tables.md: the state tables from the code, and for each law its source and its tests.

python tools/law_pages.py            write the page
python tools/law_pages.py --check    fail if the page is not what would be written
"""

from __future__ import annotations

import ast
import enum
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from utrace.core.control import CONTROL, NEEDS_QUIESCE, Target
from utrace.core.engine_life import ENGINE_LIFE, EngineInput, EngineState
from utrace.core.tables import Go, Never, Refuse
from utrace.core.task_life import TASK_LIFE, TaskInput, TaskLife
from utrace.core.verdicts import ResumeAction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "tables.md"
SEMANTICS: Final = ROOT / "docs" / "semantics.md"
LAW: Final = re.compile(r"^\| ((?:INV|LB|DEC)-\d+) \|", re.MULTILINE)

SOURCES: Final[Mapping[str, str]] = {
    "utrace_attach_task()": "INV-1 INV-2 INV-3 INV-4 INV-26 INV-29 INV-43 INV-45",
    "utrace_report_clone()": "INV-5 INV-32",
    "fs/exec.c:de_thread()": "INV-6",
    "utrace_report_death(), utrace_maybe_reap()": "INV-7 INV-8 INV-24 INV-42 DEC-5",
    "utrace_report_exit()": "INV-33",
    "start_report(), start_callback(), finish_callback(), finish_report()": (
        "INV-9 INV-10 INV-28 INV-35 INV-36 INV-37 INV-38 INV-41 INV-46 LB-4 LB-5 DEC-1"
    ),
    "utrace_resume(), finish_resume_report()": "INV-11 INV-12 INV-18 INV-27 INV-49 LB-6",
    "utrace_report_syscall_entry()": "INV-13 INV-14 INV-44",
    "utrace_get_signal()": "INV-15 INV-16 INV-30 INV-50",
    "utrace_stop(), utrace_finish_stop()": "INV-31 INV-34 INV-39 LB-3",
    "utrace_control()": "INV-17 INV-19 INV-20 LB-7 DEC-3 DEC-4",
    "utrace_set_events()": "INV-21 INV-40 LB-1",
    "utrace_barrier()": "INV-22 LB-2",
    "utrace_prepare_examine(), utrace_finish_examine()": "INV-23",
    "syscall_trace_leave(), user_enable_single_step()": "INV-25 INV-48 DEC-2",
    "kernel/signal.c:ptrace_stop()": "INV-47",
}
"""Kernel functions by the laws that restate them; of kernel/utrace.c where no file is named."""


def cell(value: object) -> str:
    """Write one cell of a state table."""
    if isinstance(value, Never):
        return "never"
    if isinstance(value, Refuse):
        return value.error.__name__
    then: object = value.then if isinstance(value, Go) else value
    if isinstance(then, tuple):
        outcome, steps = then
        done = ", ".join(step.name.lower().replace("_", " ") for step in steps)
        return f"{outcome.name}: {done}" if done else str(outcome.name)
    return then.name if isinstance(then, enum.Enum) else str(then)


def table(rows: list[str], columns: list[str], at: Callable[[int, int], object]) -> str:
    """Write a table."""
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    lines += [
        f"| {name} | " + " | ".join(cell(at(row, column)) for column in range(len(columns))) + " |"
        for row, name in enumerate(rows)
    ]
    return "\n".join(lines)


def marked(mark: str) -> dict[str, list[str]]:
    """Find the tests that carry a mark, by what it names."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        text = path.read_text()
        if mark not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == mark:
                for argument in node.args:
                    files = found.setdefault(ast.literal_eval(argument), [])
                    name = path.relative_to(ROOT / "tests").as_posix()
                    if name not in files:
                        files.append(name)
    return found


def tests_of_laws() -> dict[str, list[str]]:
    """Find the tests that are marked with each law."""
    return marked("pytest.mark.law")


def page() -> str:
    """Write the whole page."""
    actions, targets = list(ResumeAction), list(Target)
    control = table(
        [action.name for action in actions],
        [target.name for target in targets],
        lambda row, column: CONTROL[actions[row], targets[column]],
    )
    states, inputs = list(EngineState), list(EngineInput)
    engine = table(
        [state.name for state in states],
        [event.name for event in inputs],
        lambda row, column: ENGINE_LIFE[states[row], inputs[column]],
    )
    lives, happenings = list(TaskLife), list(TaskInput)
    task = table(
        [life.name for life in lives],
        [event.name for event in happenings],
        lambda row, column: TASK_LIFE[lives[row], happenings[column]],
    )
    source = {law: where for where, laws in SOURCES.items() for law in laws.split()}
    tests = tests_of_laws()
    rows = "\n".join(
        f"| {law} | {source[law]} | {', '.join(tests.get(law, []))} |"
        for law in LAW.findall(SEMANTICS.read_text())
    )
    needs = ", ".join(sorted(action.name for action in NEEDS_QUIESCE))
    return f"""# Tables

Written by `tools/law_pages.py` from the code and the tests; a test compares.

## What `control` does

By the action asked for and by where the task stands for the engine that asks. {needs} are refused
(Misuse) without QUIESCE in the mask.

{control}

## The life of an engine on a task

{engine}

## The life of a task

{task}

## Laws, where they come from, and what shows that they hold

Functions are those of kernel/utrace.c (API version 20091216) where no other file is named.

| law | restates | tests |
|---|---|---|
{rows}
"""


def main() -> int:
    """Write or check the page."""
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text() != text:
            sys.stderr.write("docs/tables.md is out of date: run tools/law_pages.py\n")
            return 1
        return 0
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
