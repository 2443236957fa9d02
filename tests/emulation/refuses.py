"""An engine for `utrace run --engine`: it refuses the server of `tracers_on_one` every third connection."""

from __future__ import annotations

import errno
import itertools
from typing import TYPE_CHECKING

import utrace

if TYPE_CHECKING:
    from utrace import Syscall, Task, Verdict


class RefusesOneInThree(utrace.EngineOps):
    """Fails one connect(2) in three, with ECONNREFUSED."""

    events = utrace.Event.SYSCALL_ENTRY
    syscalls = frozenset({"connect"})

    def __init__(self) -> None:
        self._connects = itertools.count(1)

    def report_syscall_entry(self, task: Task, call: Syscall) -> Verdict | None:
        """Refuse, or let it be."""
        if task.name.startswith("serves") and next(self._connects) % 3 == 0:
            return utrace.abort(errno.ECONNREFUSED)
        return None
