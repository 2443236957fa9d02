"""The engine that tampers: errors, results, signals, delays and changed memory, by rules.

    rules = [Rule.parse("openat:error=ENOENT:when=3"), Rule("read", delay_exit_ns=1_000_000)]
    session.spawn(["make"], engines=[Inject(rules), log])

Rules of this file:

1. It is one engine among others: a call it replaces is aborted by its verdict, and a delay holds the
   thread by STOP.  Nothing else that is traced waits.
2. Every rule that means a call is applied to it; where several give a result, the last one's counts.
3. Whoever is to show a call as it was made is attached after it: called before it at the entry, and
   behind it at the exit.

Reference: strace(1) "Tampering".
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.core.events import Event
from utrace.core.verdicts import ResumeAction, SyscallAction, Verdict
from utrace.engines.delays import Delays
from utrace.engines.injection_rules import Rule
from utrace.errors import BadAddress, TaskGone, UtraceError
from utrace.syscalls import syscall_set
from utrace.syscalls.abi import ABIS, abi_of
from utrace.syscalls.siginfo import SIGINFO_SIZE
from utrace.syscalls.tables import numbers
from utrace.tracer.ops import EngineOps
from utrace.tracer.syscall import Tampering

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from utrace.core.verdicts import Answer
    from utrace.tracer.engine import Engine
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

_SI_KERNEL: Final = 0x80
_ARGUMENTS_MAX: Final = 6


class Injection(NamedTuple):
    """One application of one rule: enough to do it again.

    Attributes:
        thread: which thread of those that made such calls, counted from 0 in order of their first one.
        rule: which rule, counted from 0.
        call: the name of the call.
        invocation: which one that the rule means, of this call and thread, counted from 1.
    """

    thread: int
    rule: int
    call: str
    invocation: int


class _Thread:
    """One thread: how often each rule has met each call, and what its present call is to end with."""

    __slots__ = ("counts", "due", "ordinal")

    def __init__(self, ordinal: int) -> None:
        self.ordinal = ordinal
        self.counts: dict[tuple[int, int], int] = {}
        self.due: list[Rule] = []


class Inject(EngineOps):
    """Tampers with system calls, by rules.

    Attributes:
        troubles: what could not be done, in words, each kind once: memory that cannot be written, an
            argument that a call does not have.
    """

    def __init__(
        self,
        rules: Iterable[Rule | str],
        *,
        seed: int | None = None,
        journal: Callable[[Injection], None] | None = None,
        replay: Collection[Injection] | None = None,
        follow: bool = True,
    ) -> None:
        """Make one.

        Args:
            rules: what to do; a text is read by `Rule.parse`.
            seed: of the generator that decides about rules with a probability; None for a new one.
            journal: told of everything that was done, before it is done.
            replay: a journal: what is done is what stands there, whatever `when` and `probability` say.
            follow: children are tampered with too, each counting for itself.

        Raises:
            Misuse: a rule makes no sense.
        """
        self.rules = tuple(Rule.parse(rule) if isinstance(rule, str) else rule for rule in rules)
        self.syscalls = frozenset(_names(self.rules))
        self.events = Event.SYSCALL if any(rule.has_exit for rule in self.rules) else Event.SYSCALL_ENTRY
        self.follow = follow
        self.troubles: list[str] = []
        self._by_call = _by_call(self.rules)
        self._chance = _chance(seed) if any(rule.probability < 1 for rule in self.rules) else None
        self._journal = journal
        self._replay = None if replay is None else frozenset(replay)
        self._threads: dict[Task, _Thread] = {}
        self._threads_seen = 0
        self._delays = Delays()

    def describe(self) -> str:
        """Tell who this is."""
        return f"Inject with {len(self.rules)} rule{'' if len(self.rules) == 1 else 's'}"

    def close(self) -> None:
        """End its thread.  Call it when the session is closed."""
        self._delays.close()

    # -- callbacks --------------------------------------------------------------------------------

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        """Decide, and do what is to be done before the call."""
        meant = self._by_call.get((call.arch, call.nr))
        if not meant or call.resumed:
            return None
        thread = self._threads.get(task)
        if thread is None:
            thread = self._threads[task] = _Thread(self._threads_seen)
            self._threads_seen += 1
        chosen = [self.rules[index] for index in meant if self._is_due(thread, index, task, call)]
        thread.due = [rule for rule in chosen if rule.has_exit]
        return self._enter(task, call, chosen) if chosen else None

    def _is_due(self, thread: _Thread, index: int, task: Task, call: Syscall) -> bool:
        rule = self.rules[index]
        if rule.where is not None and not rule.where(task, call):
            return False
        key = (index, call.nr)
        invocation = thread.counts[key] = thread.counts.get(key, 0) + 1
        injection = Injection(thread.ordinal, index, call.name, invocation)
        if self._replay is not None:
            due = injection in self._replay
        else:
            due = rule.when.has(invocation) and (
                rule.probability == 1 or self._chance is None or self._chance() < rule.probability
            )
        if due and self._journal is not None:
            self._journal(injection)
        return due

    def _enter(self, task: Task, call: Syscall, rules: list[Rule]) -> Answer:
        delay_ns = 0
        replacing: Rule | None = None
        for rule in rules:
            delay_ns += rule.delay_enter_ns
            if rule.delay_enter_ns or rule.delay_exit_ns:
                call.tampering |= Tampering.DELAY
            if rule.poke_enter:
                self._poke(task, call, rule.poke_enter)
            if rule.signal:
                head = (rule.signal, 0, _SI_KERNEL)
                siginfo = b"".join(word.to_bytes(4, "little") for word in head)
                task.send_signal(siginfo.ljust(SIGINFO_SIZE, b"\0"))
            if rule.replaces:
                replacing = rule
        resume = self._hold(task, delay_ns) if delay_ns else None
        if replacing is None:
            return resume
        call.tampering |= Tampering.RESULT
        other = numbers(abi_of(call.arch)).get(replacing.syscall)
        if other is not None:
            with suppress(TaskGone):
                call.nr = other
            return resume
        return Verdict(resume, SyscallAction.ABORT, replacing.result)

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        """Do what is to be done behind the call."""
        thread = self._threads.get(task)
        if thread is None or not thread.due:
            return None
        due, thread.due = thread.due, []
        delay_ns = 0
        with suppress(TaskGone):
            for rule in due:
                delay_ns += rule.delay_exit_ns
                if rule.poke_exit:
                    self._poke(task, call, rule.poke_exit)
                if rule.syscall:
                    call.result = rule.result
        return self._hold(task, delay_ns) if delay_ns else None

    def release(self, engine: Engine) -> None:
        """Forget a thread."""
        for task in [task for task in self._threads if task.id == engine.task.id]:
            del self._threads[task]

    # -- what is done -----------------------------------------------------------------------------

    def _hold(self, task: Task, delay_ns: int) -> ResumeAction:
        """Keep the thread stopped, and see to it that it goes on later."""

        def go_on() -> None:
            # It may have been killed, or let go, meanwhile.
            with suppress(UtraceError):
                task.engine(self).control(ResumeAction.RESUME)

        self._delays.after(delay_ns, go_on)
        return ResumeAction.STOP

    def _poke(self, task: Task, call: Syscall, pokes: Mapping[int, bytes]) -> None:
        count = min(call.decoded.plan.count, _ARGUMENTS_MAX)
        for position, data in pokes.items():
            if position > count:
                self._note(f"{call.name} has no argument {position} to poke at, only {count}")
                continue
            try:
                task.memory.write(call.raw[position - 1], data)
            except BadAddress:
                self._note(f"{call.name}: argument {position} points to no memory that could be poked")
            else:
                call.tampering |= Tampering.ARGUMENTS

    def _note(self, trouble: str) -> None:
        if trouble not in self.troubles:
            self.troubles.append(trouble)


def _chance(seed: int | None) -> Callable[[], float]:
    import random  # noqa: PLC0415 — only where a rule asks for it

    return random.Random(seed).random  # noqa: S311 — chance that can be repeated is what is wanted


def _by_call(rules: tuple[Rule, ...]) -> Mapping[tuple[int, int], tuple[int, ...]]:
    """Give the rules that mean a call, by audit arch and number, in order."""
    meant: dict[tuple[int, int], tuple[int, ...]] = {}
    for index, rule in enumerate(rules):
        for abi in ABIS:
            for nr in syscall_set(rule.calls, abi):
                meant[abi.audit, nr] = (*meant.get((abi.audit, nr), ()), index)
    return meant


def _names(rules: tuple[Rule, ...]) -> set[str]:
    """Give the names of all calls that some rule means."""
    return {
        name
        for abi in ABIS
        for name, nr in numbers(abi).items()
        if any(nr in syscall_set(rule.calls, abi) for rule in rules)
    }
