"""`utrace who` beside a session, and who may not be traced from inside one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.tracees import build
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.core

DEADLINE_S: Final = 30
UTRACE: Final = (sys.executable, "-m", "utrace")


@pytest.mark.requires("strace")
def test_who_tells_tasks_engines_stops_and_what_is_waited_for(tmp_path: Path) -> None:
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    script = "sleep 60 & echo $!; exec strace -o $0 -e trace=none -p $!"
    session = subprocess.Popen(
        [*UTRACE, "run", "sh", "-c", script, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert session.stdout is not None
        sleeper = int(session.stdout.readline())

        def who(pid: int) -> str:
            words = [*UTRACE, "who", str(pid)]
            asked = subprocess.run(
                words, capture_output=True, text=True, env=environment, check=False, timeout=DEADLINE_S
            )
            return asked.stdout

        wait_until(lambda: "(strace)" in who(sleeper), DEADLINE_S, "strace on the sleeper")
        tracer = re.search(r"ptrace by (\d+)", who(sleeper))
        assert tracer is not None
        # A sleep that was interrupted goes on as another call.
        wait_until(lambda: "sleeps in restart_syscall" in who(sleeper), DEADLINE_S, "its sleep")
        wait_until(lambda: "sleeps in wait4" in who(int(tracer[1])), DEADLINE_S, "strace's wait")
        head, first, second = who(sleeper).splitlines()
        assert head.startswith(f"{sleeper} (sleep) of process {sleeper}, sleeps in restart_syscall, session ")
        assert first.startswith("    1. Interposer  [")
        assert second.startswith(f"    2. ptrace by {tracer[1]} (strace)  [QUIESCE|CLONE|EXEC|EXIT|")
        os.kill(sleeper, 9)
        session.communicate(timeout=DEADLINE_S)
    finally:
        session.kill()
        session.wait()
    assert session.returncode == 0


def test_two_processes_cannot_trace_each_other() -> None:
    done = subprocess.run(
        [*UTRACE, "run", build("traces_tracers")],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    said = sorted(done.stdout.splitlines())
    assert said == ["> SEIZE first: EPERM", "SEIZE second: ok", "second killed by SIGKILL"]
    assert "may not trace" in done.stderr
    assert "would wait for the other for ever" in done.stderr


def test_neither_the_session_nor_what_it_depends_on_can_be_traced_from_inside() -> None:
    words = f"exec {build('traces_tracers')} $PPID {os.getpid()}"
    done = subprocess.run(
        [*UTRACE, "run", "sh", "-c", words], capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )
    said = ["SEIZE ancestor: EPERM", "ATTACH ancestor: EPERM"]
    assert done.stdout.splitlines() == said * 2
    assert done.stderr.count("the session that serves that one depends on it") == 4
