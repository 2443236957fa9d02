"""The C programs of the bench, compiled when needed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
BUILT: Final = ROOT / "build" / "benches"

LOOP: Final = BUILT / "loop"
C_TRACER: Final = BUILT / "ctracer"
TIMED: Final = BUILT / "timed"
ALLOWED: Final = BUILT / "allowed"


def compile_all() -> None:
    """Compile what is older than its source."""
    BUILT.mkdir(parents=True, exist_ok=True)
    for program in (LOOP, C_TRACER, TIMED, ALLOWED):
        source = HERE / f"{program.name}.c"
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(
                ["gcc", "-O2", "-Wall", "-Wextra", "-pthread", "-o", program, source],
                check=True,
            )
