"""Tampering from the command line: rules, their journal, and a journal to repeat.

A journal is a file of JSON lines, one for each injection: [thread, rule, call, invocation].
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from utrace.cli.options.settings import UsageError
from utrace.engines.inject import Inject, Injection
from utrace.engines.output import Output
from utrace.syscalls import CallSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.cli.options.settings import TraceOptions
    from utrace.engines.selection import Accesses
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

    Condition = Callable[[Task, Syscall], bool]


def make_inject(options: TraceOptions, accesses: Accesses | None) -> tuple[Inject, Output | None]:
    """Make the engine that the options ask for, and the journal it writes.

    Raises:
        OSError: the journal cannot be opened.
        UsageError: a journal to be repeated is none.
    """
    # As with strace, what is not traced is not tampered with.
    traced = None if options.calls is None else CallSet(options.calls)

    def where(task: Task, call: Syscall) -> bool:
        decoded = call.decoded
        return (traced is None or decoded in traced) and (accesses is None or accesses(task, decoded))

    rules = options.rules
    if traced is not None or accesses is not None:
        rules = [dataclasses.replace(rule, where=_both(where, rule.where)) for rule in rules]
    replay = None if options.replay is None else read_journal(Path(options.replay))
    output = None if options.journal is None else Output.to_file(options.journal)

    def note(injection: Injection) -> None:
        if output is not None:
            output.write(json.dumps(injection) + "\n")

    inject = Inject(rules, seed=options.seed, journal=note, replay=replay, follow=options.follow)
    return inject, output


def _both(one: Condition, other: Condition | None) -> Condition:
    """Demand two conditions; the second need not be there."""
    if other is None:
        return one
    second = other
    return lambda task, call: one(task, call) and second(task, call)


def read_journal(path: Path) -> list[Injection]:
    """Read a journal.

    Raises:
        OSError: it cannot be read.
        UsageError: it is none.
    """
    injections: list[Injection] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            thread, rule, call, invocation = json.loads(line)
            injections.append(Injection(int(thread), int(rule), str(call), int(invocation)))
        except (ValueError, TypeError) as error:
            raise UsageError(f"{path}:{number}: not a line of a journal") from error
    return injections
