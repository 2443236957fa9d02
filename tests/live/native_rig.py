"""A LinuxKernel for one test, and what to do with its facts.

The tracer thread is the test's.  It is also the parent of what `tracee` launches, and a wait for any
takes the launcher's end too: after `tracee`, NO_TRACEES comes only once the launcher has ended.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final, Self

from utrace.kernel.api import Fact, FactKind, ResumeRequest, SeizeOutcome, Spawn, Tid
from utrace.kernel.linux import LinuxKernel

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


X86_64: Final = 0xC000003E
I386: Final = 0x40000003
NOBODY: Final = 0x3FFFFFFF
FACTS_MAX: Final = 100_000

NR_EXECVE: Final = 59
NR_WAIT4: Final = 61
NR_EPOLL_WAIT: Final = 232
NR_RT_TGSIGQUEUEINFO: Final = 297


class Rig:
    """A kernel whose tracees end with the test.  Its tracer thread is the test's."""

    def __init__(self, signal_mask: int | None = None) -> None:
        self.kernel = LinuxKernel(signal_mask)
        self.alive: set[int] = set()
        #: What each dead tracee used, which differs from run to run and is left out of its death's fact.
        self.usages: dict[int, bytes | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def spawn(self, *argv: str, stdout: int = 1, cwd: bytes | None = None) -> Tid:
        words = [word.encode() for word in argv]
        program = Spawn(words[0], words, [b"LC_ALL=C"], cwd=cwd, stdio=(0, stdout, 2))
        tid = self.kernel.spawn(program, exit_kill=True)
        self.alive.add(tid)
        return tid

    def next(self, tid: int = 0, request: int = ResumeRequest.SYSCALL, signo: int = 0) -> Fact:
        fact = self.kernel.next_fact(tid, request, signo)
        if fact[1] == FactKind.DEATH:
            self.alive.discard(fact[0])
            usage = fact[3]
            assert usage is None or isinstance(usage, bytes)
            self.usages[fact[0]] = usage
            fact = (*fact[:3], None)
        elif is_birth(fact):
            self.alive.add(fact[2])
        return fact

    def until(
        self,
        found: Callable[[Fact], bool],
        tid: int = 0,
        request: int = ResumeRequest.SYSCALL,
        signo: int = 0,
    ) -> list[Fact]:
        """Let everyone go on until a fact is as wanted; give all facts, that one last."""
        facts: list[Fact] = []
        now = request
        while len(facts) < FACTS_MAX:
            facts.append(self.next(tid, now, signo))
            tid, kind, value, _ = facts[-1]
            if found(facts[-1]):
                return facts
            signo = value if kind == FactKind.SIGNAL else 0
            now = ResumeRequest.LISTEN if kind == FactKind.GROUP_STOP else request
            if kind >= FactKind.DEATH:
                tid = 0
        raise AssertionError(facts[-20:])

    def seize(self, tid: int) -> None:
        assert self.kernel.seize(tid, exit_kill=True) is SeizeOutcome.SEIZED
        self.alive.add(tid)

    def seize_and_stop(self, tid: int) -> None:
        self.seize(tid)
        assert self.kernel.interrupt(tid)
        assert self.next() == (tid, FactKind.TRAP, 0, None)

    def close(self) -> None:
        for tid in self.alive:
            self.kernel.kill(tid, signal.SIGKILL)
            # A held exit stop does not end by SIGKILL.
            self.kernel.resume(tid, ResumeRequest.CONT, 0)
        self.until(is_kind(FactKind.NO_TRACEES), request=ResumeRequest.CONT)
        self.kernel.close()


def is_birth(fact: Fact) -> bool:
    return fact[1] in {FactKind.FORK, FactKind.VFORK, FactKind.CLONE}


def is_kind(kind: FactKind) -> Callable[[Fact], bool]:
    return lambda fact: fact[1] == kind


def is_entry(nr: int) -> Callable[[Fact], bool]:
    return lambda fact: fact[1] == FactKind.SYSCALL_ENTRY and fact[2] == nr


def kinds(facts: list[Fact]) -> list[FactKind]:
    return [FactKind(fact[1]) for fact in facts]
