"""How the calls of one thread are written where descriptors or processes are described (-y, -Y)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.engines.records import Thread
    from utrace.syscalls import Style


class Described:
    """How the calls of one thread are written when descriptors, or processes, are described.

    Attributes:
        arguments: descriptors and processes as they were when first written of a call: afterwards one may be
            closed, or another file; one may be dead.
        result: as they are.
    """

    __slots__ = ("_known", "arguments", "result")

    def __init__(
        self,
        style: Style,
        thread: Thread,
        describe_fd: Callable[[int, int], str] | None,
        describe_pid: Callable[[int, int], str] | None,
    ) -> None:
        self._known: dict[tuple[object, int], str] = {}
        known = self._known

        def as_before(describe: Callable[[int, int], str], number: int) -> str:
            if (describe, number) not in known:
                known[describe, number] = describe(thread.tid, number)
            return known[describe, number]

        self.arguments = self.result = style
        if describe_fd is not None:
            self.arguments = self.arguments._replace(describe_fd=lambda fd: as_before(describe_fd, fd))
            self.result = self.result._replace(describe_fd=lambda fd: describe_fd(thread.tid, fd))
        if describe_pid is not None:
            self.arguments = self.arguments._replace(describe_pid=lambda pid: as_before(describe_pid, pid))
            self.result = self.result._replace(describe_pid=lambda pid: describe_pid(thread.tid, pid))

    def begin(self) -> None:
        """Forget what was: another call begins."""
        self._known.clear()
