"""`--where` in a run: its parts, handed to whoever can decide them, and what each let through."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Final

from utrace.syscalls import syscall_set
from utrace.syscalls.abi import ABIS, abi_of
from utrace.syscalls.tables import prototypes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from utrace.cli.options.settings import TraceOptions
    from utrace.engines.records import CallRecord, CallStatus
    from utrace.where import Where

_BITS: Final = {8: "@64", 4: "@32"}


class Screening:
    """Which calls are wanted: those `-e trace=` names, that end as they should, and meet the condition.

    Attributes:
        calls: the set of calls that are to stop, in the words of `-e trace=`; None for all.
        stopped: how many calls were looked at at their entry.
        entered: how many of them passed the entry part.
        accepted: how many of these met the whole condition.
    """

    def __init__(self, options: TraceOptions) -> None:
        self.where = options.where
        self.calls = options.calls
        self._decide: Callable[[CallRecord], bool] | None = None
        if self.where is not None:
            from utrace.engines.conditions import accepts  # noqa: PLC0415 — only where a condition is given

            self.calls = _narrowed(self.where, options.calls)
            self._decide = accepts(self.where.split)
        self.stopped = 0
        self.entered = 0
        self.accepted = 0
        self._last: CallRecord | None = None
        self._answer = False

    def screens(self, arch: int, nr: int, raw: Sequence[int]) -> bool:
        """Tell whether a call may be wanted, from its registers: the entry part."""
        if self.where is None:
            return True
        self.stopped += 1
        passed = self.where.split.passes_entry(arch, nr, raw)
        self.entered += passed
        return passed

    def accepts(self, record: CallRecord) -> bool:
        """Tell whether a call that is over is wanted; asked by one listener after the other."""
        if self._decide is None:
            return True
        if record is not self._last:
            self._last, self._answer = record, self._decide(record)
            self.accepted += self._answer
        return self._answer

    def explanation(self) -> list[str]:
        """Say how the condition is split."""
        if self.where is None:
            return ["where: no condition is given with --where"]
        native = abi_of(platform.machine())
        lines = self.where.split.explain(native.audit)
        if not self.where.split.is_complete:
            lines[0] = "kernel: every call stops: numbers without a name can match"
        return [f"where: {line}" for line in lines]

    def summary(self) -> list[str]:
        """Say what each part let through."""
        if self.where is None:
            return []
        return [
            f"where: kernel let {self.stopped} calls through",
            f"where: entry let {self.entered} of {self.stopped} through",
            f"where: python let {self.accepted} of {self.entered} through",
        ]


class OutputFilter:
    """What one output shows, as a function of a record."""

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
        if where is not None:
            from utrace.engines.conditions import accepts  # noqa: PLC0415 — only where a condition is given

            self._decide = accepts(where)

    def __call__(self, record: CallRecord) -> bool:
        """Decide."""
        return (
            self._screening.accepts(record)
            and (self._statuses is None or record.status in self._statuses)
            and (self._decide is None or self._decide(record))
        )


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
