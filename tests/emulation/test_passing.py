"""Programs that nobody traces run on without Python: what is known of them when it matters is right."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.core

DEADLINE_S: Final = 30
UTRACE: Final = (sys.executable, "-m", "utrace")
#: Short lives of all kinds, some of whom are never waited for, and survivors.
TREE: Final = """
n=0
while [ $n -lt 40 ]; do
    /bin/true & (exit 3); /bin/false | /bin/true; (sh -c '/bin/true & exit' &)
    n=$((n + 1))
done
sleep 60 & sleep 60 &
(sleep 60 & exec sleep 61) &
echo ready
read end
"""


def test_who_knows_survivors_and_nobody_else(tmp_path: Path) -> None:
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}

    def shown() -> list[str]:
        words = [*UTRACE, "who"]
        asked = subprocess.run(
            words, capture_output=True, text=True, env=environment, check=True, timeout=DEADLINE_S
        )
        return sorted(line.split()[1] for line in asked.stdout.splitlines() if line[:1].isdigit())

    with subprocess.Popen(
        [*UTRACE, "run", "bash", "-c", TREE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as session:
        try:
            assert session.stdout is not None
            assert session.stdout.readline() == "ready\n"
            wait_until(lambda: shown() == ["(bash)", *["(sleep)"] * 4], DEADLINE_S, "the tasks that are left")
        finally:
            session.kill()


@pytest.mark.requires("strace")
@pytest.mark.parametrize("options", [(), ("--hide",)], ids=["plain", "hidden"])
def test_a_tracer_that_comes_late_serves_as_any(tmp_path: Path, options: tuple[str, ...]) -> None:
    log = tmp_path / "log"
    script = """
    n=0
    while [ $n -lt 30 ]; do /bin/true; (exit 1) & n=$((n + 1)); done
    wait
    strace -f -o "$0" -e trace=execve,exit_group sh -c 'for i in 1 2 3; do /bin/true; done; (exit 5); exit $?'
    echo $?
    while [ $n -gt 0 ]; do /bin/true; (exit 1) & n=$((n - 1)); done
    wait; (exit 7); echo $?
    """
    session = subprocess.run(
        [*UTRACE, "run", *options, "sh", "-c", script, str(log)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert (session.stdout, session.stderr, session.returncode) == ("5\n7\n", "", 0)
    assert log.read_text().count('execve("/bin/true"') == 3
