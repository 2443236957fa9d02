"""One trial of `kernel.probe`: a child, traced step by step.

Rules of this file:

1. Each trial has a kernel, a thread and a child of its own, so that none spoils another.
2. A trial ends: by an answer, an error, or a deadline.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.arch import of_regset
from utrace.kernel.api import Fact, FactKind, ResumeRequest, Spawn
from utrace.kernel.linux import LinuxKernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.kernel.probe_program import ProbeProgram

    Attempt: TypeAlias = "Callable[[Trial, ProbeProgram], str]"

DEADLINE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer.

    Attributes:
        name: what was asked.
        works: yes or no; None where there is only something to tell.
        why: what was seen.
        vital: without it nothing can be traced.
    """

    name: str
    works: bool | None
    why: str
    vital: bool = False


class DoesNotWork(Exception):
    """A trial's answer is no; the message says why."""


class Trial:
    """One child, and the kernel that traces it."""

    def __init__(self, kernel: LinuxKernel) -> None:
        self.kernel = kernel
        self.tid = 0
        self._is_dead = False

    def next(self, request: ResumeRequest, signo: int = 0) -> Fact:
        """Resume the child, with a signal to be delivered, and give what happens next."""
        return self._checked(self.kernel.next_fact(self.tid, request, signo))

    def wait(self) -> Fact:
        """Give what happens next to a child that was resumed already, or that a signal resumes."""
        return self._checked(self.kernel.next_fact(0, 0, 0))

    def _checked(self, fact: Fact) -> Fact:
        if fact[1] == FactKind.BELL:
            message = f"no answer within {DEADLINE_S:g} s"
            raise DoesNotWork(message)
        if fact[:2] == (self.tid, FactKind.DEATH):
            self._is_dead = True
        return fact

    def end(self) -> None:
        """Kill the child if it lives, and wait for the end of all there are: nobody else would."""
        tid = 0
        if self.tid and not self._is_dead:
            self.kernel.kill(self.tid, signal.SIGKILL)
            tid = self.tid  # no signal takes a dying tracee out of PTRACE_EVENT_EXIT
        while True:
            fact = self.kernel.next_fact(tid, ResumeRequest.CONT, 0)
            if fact[1] in {FactKind.BELL, FactKind.NO_TRACEES}:
                return
            tid = 0 if fact[1] in {FactKind.DEATH, FactKind.ZOMBIE_LEADER, FactKind.REAPED} else fact[0]

    def until(self, kind: FactKind, request: ResumeRequest = ResumeRequest.SYSCALL) -> Fact:
        """Resume the child until this happens."""
        while True:
            fact = self.next(request)
            if fact[1] == kind:
                return fact
            if fact[1] in {FactKind.DEATH, FactKind.NO_TRACEES}:
                message = f"the child ended before {kind.name}"
                raise DoesNotWork(message)

    def expect(self, fact: Fact, kind: FactKind, value: int | None = None) -> None:
        """Require that this happened.

        Raises:
            DoesNotWork: something else did.
        """
        if fact[1] != kind or (value is not None and fact[2] != value):
            wanted = kind.name if value is None else f"{kind.name} {value}"
            message = f"{FactKind(fact[1]).name} {fact[2]} came where {wanted} was expected"
            raise DoesNotWork(message)

    def launch(self, program: ProbeProgram, request: ResumeRequest = ResumeRequest.SYSCALL) -> None:
        """Launch the program, up to its execve."""
        with program.path() as path:
            self.tid = self.kernel.spawn(Spawn(path, [b"utrace-probe"], []), exit_kill=True)
            while True:
                fact = self.next(request)
                if fact[1] == FactKind.EXEC:
                    return
                if fact[1] == FactKind.DEATH:
                    error = self.kernel.spawn_error(self.tid)
                    message = f"execve: {os.strerror(error)}" if error else "it ended before its execve"
                    raise DoesNotWork(message)

    def begin(self, program: ProbeProgram) -> int:
        """Launch the program, up to its first instruction, whose address is given."""
        self.launch(program)
        self.until(FactKind.SYSCALL_EXIT)
        return self.pc()

    def pc(self) -> int:
        """Give the address of the next instruction."""
        data = self.kernel.get_regs(self.tid)
        if data is None:
            message = "the registers of a stopped child cannot be read"
            raise DoesNotWork(message)
        registers = of_regset(len(data)).registers(data)
        return registers.pc


def make_trial(name: str, attempt: Attempt, program: ProbeProgram, *, vital: bool = False) -> Finding:
    """Make one trial in a thread of its own."""

    def work() -> Finding:
        signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals() - {signal.SIGURG})
        kernel = LinuxKernel()
        bell = threading.Timer(DEADLINE_S, kernel.ring)
        bell.start()
        trial = Trial(kernel)
        try:
            return Finding(name, works=True, why=attempt(trial, program), vital=vital)
        except (DoesNotWork, OSError) as error:
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            if isinstance(error, OSError) and error.errno == errno.EPERM:
                why += ": a seccomp policy, a security module or another tracer forbids it"
            return Finding(name, works=False, why=why, vital=vital)
        finally:
            trial.end()
            bell.cancel()
            kernel.close()

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="utrace-probe") as thread:
        return thread.submit(work).result()
