"""What is answered natively (`ptrace_emu.serving`) is answered as it is by callbacks."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.emulation.test_conformance import cases
from tests.tracees import build
from utrace.kernel.linux import LinuxKernel
from utrace.ptrace_emu.interpose import Interposer
from utrace.tracer.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from utrace.kernel.api import Fact


class Counting(LinuxKernel):
    """Counts what reaches Python."""

    facts = 0

    def next_fact(self, tid: int, request: int, signo: int, /) -> Fact:
        self.facts += 1
        return super().next_fact(tid, request, signo)


def run(tmp_path: Path, program: str, case: str, *, serves: bool) -> tuple[int | None, list[str], int]:
    """Run a case in a session: its wait status, what it said, and how many facts the owner was told."""
    kernel = Counting()
    said = tmp_path / f"said-{serves}"
    with said.open("w") as out, Session(kernel=lambda: kernel) as session:
        session.spawn(
            [build(program), case],
            [Interposer(serves=serves)],
            seccomp=True,
            stdio=(0, out.fileno(), out.fileno()),
        )
        session.run()
        status = session.wait_status
    return status, sorted(said.read_text().splitlines(), key=lambda line: line.startswith("> ")), kernel.facts


@pytest.mark.parametrize("case", [case for program, case in cases() if program == "ptrace_follow"])
def test_the_same_is_said_with_and_without(tmp_path: Path, case: str) -> None:
    served = run(tmp_path, "ptrace_follow", case, serves=True)
    answered = run(tmp_path, "ptrace_follow", case, serves=False)
    assert served[1]
    assert served[:2] == answered[:2]


def test_rounds_that_are_plain_do_not_reach_python(tmp_path: Path) -> None:
    status, _, facts = run(tmp_path, "ptrace_follow", "to_the_end", serves=True)
    _, _, all_facts = run(tmp_path, "ptrace_follow", "to_the_end", serves=False)
    assert status is not None
    assert os.WEXITSTATUS(status) == 0
    # Of a hundred calls each is two stops and the tracer's eight calls; a few are handed back under load.
    assert facts < all_facts / 4


FORKS = """
import os, sys
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
"""


def facts_of(*words: str) -> int:
    """Count what the owner is told of a program that nobody traces."""
    kernel = Counting()
    with Session(kernel=lambda: kernel) as session:
        session.spawn(words, [Interposer()], seccomp=True)
        session.run()
    return kernel.facts


def test_a_process_that_nobody_traces_costs_six_facts() -> None:
    none, some = (facts_of(sys.executable, "-S", "-c", FORKS, forks) for forks in ("0", "20"))
    # FORK, the child's first stop, EXIT and DEATH; SIGCHLD and the entry of the wait.
    assert some - none <= 6 * 20 + 10


UNTRACED = """
import subprocess
import sys
from utrace.ptrace_emu.interpose import Interposer
from utrace.tracer.session import Session
with Session() as session:
    session.spawn([sys.executable, "-S", "-c", sys.argv[1], "2"], [Interposer()], seccomp=True)
    session.run()
print(*(name for name in sys.modules if name.startswith("utrace.syscalls.signatures")))
"""


def test_a_session_in_which_nobody_traces_reads_no_signatures() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNTRACED, FORKS], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []
