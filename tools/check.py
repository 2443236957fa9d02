"""Run every static check.  This is the single list of them: people, `make check` and CI run this file.

    .venv/bin/python tools/check.py [--fix] [STEP ...]

Each step runs even if an earlier one failed; the exit status is the number of failed steps.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent
NATIVE: Final = ("--manifest-path", "native/Cargo.toml")


@dataclass(frozen=True, slots=True)
class Step:
    """One check: what it is called, what it runs, and what repairs what it finds, if anything does."""

    name: str
    command: tuple[str, ...]
    fix: tuple[str, ...] | None = None


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """Name a program of this virtual environment, with arguments."""
    return (str(BIN / name), *arguments)


STEPS: Final = (
    Step("format", tool("ruff", "format", "--check", "."), tool("ruff", "format", ".")),
    Step("lint", tool("ruff", "check", "."), tool("ruff", "check", "--fix", ".")),
    Step("types", tool("mypy")),
    Step("stub", tool("stubtest", "utrace._native")),
    Step("contracts", tool("lint-imports")),
    Step("rustfmt", ("cargo", "fmt", *NATIVE, "--all", "--check"), ("cargo", "fmt", *NATIVE, "--all")),
    Step(
        "clippy",
        ("cargo", "clippy", *NATIVE, "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"),
    ),
)


def run(step: Step, *, fix: bool) -> bool:
    """Run one step and print one line about it, with its output if it failed."""
    command = step.fix if fix and step.fix else step.command
    if shutil.which(command[0]) is None:
        print(f"{step.name:10} FAILED: {command[0]} is not installed")
        return False
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    seconds = time.monotonic() - started
    print(f"{step.name:10} {'ok' if done.returncode == 0 else 'FAILED'} ({seconds:.1f} s)", flush=True)
    if done.returncode != 0:
        print(done.stdout, flush=True)
    return done.returncode == 0


def main() -> int:
    """Run the steps asked for, all of them by default."""
    parser = argparse.ArgumentParser(description="Run the static checks.")
    parser.add_argument("--fix", action="store_true", help="repair what can be repaired")
    parser.add_argument("steps", nargs="*", metavar="STEP", choices=[*(step.name for step in STEPS), []])
    arguments = parser.parse_args()
    chosen = [step for step in STEPS if not arguments.steps or step.name in arguments.steps]
    failed = [step.name for step in chosen if not run(step, fix=arguments.fix)]
    if failed:
        print(f"check: {len(failed)} of {len(chosen)} failed: {', '.join(failed)}")
    else:
        print(f"check: all {len(chosen)} passed")
    return len(failed)


if __name__ == "__main__":
    raise SystemExit(main())
