"""Dead children that their parents have not waited for: the kernel alone can tell of them.

A wait looks at children by age, then at other tracees.  But where each wait finds a tracee stopped again, and
is told of that, none reaches the kernel: so a tracee comes before an end at most once.

Reference: wait(2); Linux 6.18 kernel/exit.c:__do_wait(), do_wait_thread().
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from utrace.kernel import procfs

if TYPE_CHECKING:
    from collections.abc import Callable

_MANY: Final = 64
"""So many are noted before it is looked whether they have been waited for, if nobody asks."""


@dataclass(slots=True)
class _Dead:
    pid: int
    generation: int
    overtaken_by: set[int] = field(default_factory=set)


class DeadChildren:
    """Who has died in a session, by its parent; who has been waited for is found out when asked."""

    def __init__(self) -> None:
        self._of: dict[int, list[_Dead]] = {}

    def add(self, parent: int, child: int, generation: int) -> None:
        """Note the end of a task whose parent is this process; later generations are younger."""
        noted = self._of.setdefault(parent, [])
        noted.append(_Dead(child, generation))
        if len(noted) % _MANY == 0:
            self._look(parent)

    def forget(self, parent: int) -> None:
        """Forget a process that is gone itself."""
        self._of.pop(parent, None)

    def has(self, parent: int) -> bool:
        """Tell whether a process has a dead child to wait for."""
        return bool(self._look(parent))

    def come_before(
        self, parent: int, wants: Callable[[int], bool], tracee: int, generation: int | None
    ) -> bool:
        """Tell whether a wait is to be told of a dead child before a tracee.

        Args:
            parent: the process that waits.
            wants: whom it waits for.
            tracee: of whom it can be told otherwise; if so, it has come before the dead.
            generation: its age, if it is a child of that process, too.
        """
        dead = [child for child in self._look(parent) if wants(child.pid)]
        if any(
            generation is None or child.generation < generation or tracee in child.overtaken_by
            for child in dead
        ):
            return True
        for child in dead:
            child.overtaken_by.add(tracee)
        return False

    def _look(self, parent: int) -> list[_Dead]:
        """Keep of those noted the ones that are still to be waited for."""
        noted = self._of.get(parent)
        if noted is None:
            return []
        left = [child for child in noted if _is_waited_for(parent, child.pid)]
        if left:
            self._of[parent] = left
        else:
            del self._of[parent]
        return left


def _is_waited_for(parent: int, child: int) -> bool:
    if procfs.state(child) != "Z":
        # A thread; or its parent has waited.
        return False
    family = procfs.parentage(child)
    return family is not None and family[1] == parent
