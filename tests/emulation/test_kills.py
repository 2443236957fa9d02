"""SIGKILL at random moments to a tracer, a tracee, its parent or a thread: the others see what they would."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import pytest

from tests.tracees import build

pytestmark = pytest.mark.core

ROUNDS: Final = int(os.environ.get("UTRACE_EMULATION_KILLS", "40"))
SEED: Final = os.environ.get("UTRACE_SEED", "1")
DEADLINE_S: Final = 30 + ROUNDS


@pytest.mark.parametrize("prefix", [(), (sys.executable, "-m", "utrace", "run")], ids=["native", "session"])
def test_whoever_is_killed_the_others_are_told_the_same(prefix: tuple[str, ...]) -> None:
    done = subprocess.run(
        [*prefix, build("ptrace_kills"), SEED, str(ROUNDS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
        # In a hang the program kills its whole process group.
        start_new_session=True,
    )
    assert (done.stdout, done.stderr) == (f"{ROUNDS} rounds, 0 not as on the kernel\n", "")
    assert done.returncode == 0
