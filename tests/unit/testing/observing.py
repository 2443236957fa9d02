"""Short ways to run a guest program on SimKernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.driving import Log, Observation, Plan
from utrace.kernel.api import FactKind, ResumeRequest, Spawn, Tid
from utrace.testing import SimKernel, parse_programs

if TYPE_CHECKING:
    from utrace.testing import Scheduler

CONT = ResumeRequest.CONT
SYSCALL = ResumeRequest.SYSCALL


def launch(text: str, scheduler: Scheduler | None = None, **options: bool) -> tuple[SimKernel, Tid]:
    """Give a kernel and the tid of a launched main program that stands before its execve."""
    kernel = SimKernel(parse_programs(text), scheduler, **options)
    return kernel, kernel.spawn(Spawn(b"main", [b"main"], []), exit_kill=True)


def main(*steps: str) -> str:
    """Write a main program."""
    return "program main {\n" + "\n".join(steps) + "\n}\n"


def observe(
    text: str, plan: Plan | None = None, scheduler: Scheduler | None = None
) -> dict[str, tuple[str, ...]]:
    """Run a program to its end; give the facts of each task."""
    kernel, tid = launch(text, scheduler)
    log: Log = Observation(kernel, plan or Plan(), has_startup=False).run(tid)
    return dict(log)


def run_to(kernel: SimKernel, tid: int, kind: FactKind, request: ResumeRequest = SYSCALL) -> Tid:
    """Let whoever stops go on until a fact of this kind; give its tid."""
    signo = 0
    while True:
        fact = kernel.next_fact(tid, request, signo)
        if fact[1] == kind:
            return Tid(fact[0])
        assert fact[1] != FactKind.NO_TRACEES
        tid = 0 if fact[1] == FactKind.DEATH else fact[0]
        signo = fact[2] if fact[1] == FactKind.SIGNAL else 0
