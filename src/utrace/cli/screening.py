"""`--where` in a run: its parts, handed to whoever can decide them, and what each let through."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from utrace.syscalls import syscall_set
from utrace.syscalls.abi import ABIS, abi_of
from utrace.syscalls.tables import prototypes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from utrace.cli.further_outputs import OutputSpec
    from utrace.cli.options.settings import TraceOptions
    from utrace.engines.records import CallRecord, CallStatus
    from utrace.kernel.screens import Screen
    from utrace.where import Where

_BITS: Final = {8: "@64", 4: "@32"}


class Screening:
    """Which calls are wanted: those `-e trace=` names, that end as they should, and meet the conditions.

    Attributes:
        where: the condition of all outputs.
        asked: what a call must meet for any output to have it; None: nothing.
        calls: the set of calls that are to stop, in the words of `-e trace=`; None for all.
        looked_at: how many calls stopped.
        passed: how many of them had registers, and a result if that was asked natively, that may be wanted.
        accepted: how many of these met the condition.
    """

    def __init__(self, options: TraceOptions) -> None:
        self.where = options.where
        self.asked = _asked(options)
        self.calls = options.calls if self.asked is None else _narrowed(self.asked, options.calls)
        self._decide: Callable[[CallRecord], bool] | None = None
        if self.where is not None:
            from utrace.engines.conditions import accepts  # noqa: PLC0415 — only where a condition is given

            self._decide = accepts(self.where.split)
        self._outputs: list[tuple[OutputSpec, OutputFilter]] = []
        self.looked_at = 0
        self.passed = 0
        self.accepted = 0
        self._last: CallRecord | None = None
        self._answer = False

    def screen(self, arch: int, nr: int) -> Screen:
        """Give what registers of a call must pass for it to be wanted: the native part."""
        return () if self.asked is None else self.asked.split.screen(arch, nr)

    def ending(self, arch: int, nr: int) -> Screen:
        """Give what a call that is over must pass, with its result: the native part once more."""
        return () if self.asked is None else self.asked.split.ending(arch, nr)

    def count(self, looked_at: int, passed: int, dropped: int = 0) -> None:
        """Note how many calls were looked at, how many passed, and how many of these ended unwanted."""
        self.looked_at += looked_at
        self.passed += passed - dropped

    def accepts(self, record: CallRecord) -> bool:
        """Tell whether a call that is over is wanted; asked by one listener after the other."""
        if self._decide is None:
            return True
        if record is not self._last:
            self._last, self._answer = record, self._decide(record)
            self.accepted += self._answer
        return self._answer

    def output(self, spec: OutputSpec, statuses: Collection[CallStatus]) -> OutputFilter:
        """Make what tells which calls a further output shows."""
        made = OutputFilter(self, spec.where, statuses)
        self._outputs.append((spec, made))
        return made

    def explanation(self, *, filtered: bool) -> list[str]:
        """Say how the condition is split; `filtered`: a seccomp filter is there to decide what it can."""
        lines: list[str] = []
        if self.asked is not None:
            lines = self.asked.split.explain(abi_of(os.uname().machine).audit, filtered=filtered)
        lines += [
            f"{_target(spec)}: python: {spec.where}" for spec, _ in self._outputs if spec.where is not None
        ]
        return [f"where: {line}" for line in lines or ["no condition is given with --where or -o ?where="]]

    def summary(self) -> list[str]:
        """Say what each part let through."""
        lines: list[str] = []
        if self.asked is not None:
            lines = [
                f"where: kernel let {self.looked_at} calls through",
                f"where: native let {self.passed} of {self.looked_at} through",
            ]
        if self.where is not None:
            lines.append(f"where: python let {self.accepted} of {self.passed} through")
        return lines + [
            f"where: {_target(spec)}: python let {one.accepted} of {one.asked} through"
            for spec, one in self._outputs
            if spec.where is not None
        ]


class OutputFilter:
    """What one output shows, as a function of a record.

    Attributes:
        asked: how many calls met what all outputs ask.
        accepted: how many of them it shows.
    """

    def __init__(
        self, screening: Screening, where: Where | None = None, statuses: Collection[CallStatus] | None = None
    ) -> None:
        """Make one.

        Args:
            screening: what all outputs show.
            where: further, what this one does.
            statuses: further, how calls must end; None: in any way.
        """
        self._screening = screening
        self._statuses = statuses
        self._decide: Callable[[CallRecord], bool] | None = None
        self.asked = self.accepted = 0
        if where is not None:
            from utrace.engines.conditions import accepts  # noqa: PLC0415 — only where a condition is given

            self._decide = accepts(where)

    def __call__(self, record: CallRecord) -> bool:
        """Decide."""
        if not self._screening.accepts(record):
            return False
        self.asked += 1
        shown = (self._statuses is None or record.status in self._statuses) and (
            self._decide is None or self._decide(record)
        )
        self.accepted += shown
        return shown


def _target(spec: OutputSpec) -> str:
    return f"-o {spec.form}:{spec.target}"


def _asked(options: TraceOptions) -> Where | None:
    """Give what a call must meet for any output to have it.

    Where each output has a condition of its own, it is one of those.
    """
    wheres = [] if options.where is None else [options.where]
    others = options.counts or options.live or options.call_limit is not None
    own = [spec.where for spec in options.further if spec.where is not None]
    if options.only_further and not others and len(own) == len(options.further):
        from utrace.where import Where  # noqa: PLC0415 — only where a condition is given

        wheres.append(Where(" or ".join(f"({one.text}\n)" for one in own)))
    if len(wheres) < 2:
        return wheres[0] if wheres else None
    from utrace.where import Where  # noqa: PLC0415 — only where a condition is given

    return Where(" and ".join(f"({one.text}\n)" for one in wheres))


def _narrowed(where: Where, calls: str | None) -> str | None:
    """Name the calls of a set that a condition can be true of, in the words of `-e trace=`."""
    split = where.split
    if not split.is_complete:
        return calls
    names = [
        prototypes(abi)[nr].name + _BITS[abi.word]
        for abi in ABIS
        for nr in sorted(split.seen[abi.audit] & (syscall_set(calls or "all", abi)))
    ]
    return ",".join(sorted(set(names))) or "none"
