"""Which calls concern given files or descriptors.

Reference: strace(1) "-P", "-e trace-fds=".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from utrace.syscalls.argtypes import Phase
from utrace.syscalls.values import Fd, FdSet, Items, PathText, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from utrace.syscalls import DecodedCall
    from utrace.syscalls.values import Value
    from utrace.tracer.task import Task


class Accesses:
    """Tells whether a call, at its entry, is given one of some paths or descriptors.

    A path is meant by its name as it was given here, by the name it resolves to, and by a descriptor of it.

    Attributes:
        resolved: names given that are links, and what they resolve to.
    """

    def __init__(self, paths: Iterable[str] = (), has_fd: Callable[[int], bool] | None = None) -> None:
        """Look the paths up, as they are now.

        Args:
            paths: file names.
            has_fd: which descriptors are meant as such.
        """
        self.resolved: dict[str, str] = {}
        self._names: set[bytes] = set()
        self._has_fd = has_fd
        for path in paths:
            real = os.path.realpath(path)
            self._names |= {os.fsencode(path), os.fsencode(real)}
            if real != path:
                self.resolved[path] = real

    def __call__(self, task: Task, call: DecodedCall) -> bool:
        """Decide."""
        return any(
            self._is_meant(task, value)
            for index in range(call.plan.count)
            # What the call is to fill in says nothing yet.
            if call.phase(index) is not Phase.LATE
            for value in _parts(call.value(index))
        )

    def _is_meant(self, task: Task, value: Value) -> bool:
        if isinstance(value, Fd):
            return self._is_meant_fd(task, int(value))
        if isinstance(value, FdSet):
            return any(self._is_meant_fd(task, fd) for fd in value)
        return isinstance(value, PathText) and bytes(value) in self._names

    def _is_meant_fd(self, task: Task, fd: int) -> bool:
        if fd < 0:
            return False
        if self._has_fd is not None and self._has_fd(fd):
            return True
        if not self._names:
            return False
        try:
            return os.readlink(os.fsencode(f"/proc/{task.tid}/fd/{fd}")) in self._names
        except OSError:
            return False


def _parts(value: Value) -> Iterator[Value]:
    """Give a value and what it is made of."""
    yield value
    if isinstance(value, Items):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, Record):
        for _, field in value.items():  # noqa: PERF102 — a Record has no values() but its own fields
            yield from _parts(field)
