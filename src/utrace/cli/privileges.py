"""Says which programs run without the rights that their files give: tracing may cost them.

Reference: execve(2), "ptrace" and "no_new_privs"; capabilities(7), "File capabilities".
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from utrace.core.events import Event
from utrace.kernel.procfs import PROC
from utrace.tracer.ops import EngineOps

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.core.verdicts import Answer
    from utrace.tracer.task import Task

_CAPABILITIES = "security.capability"


class LostRights(EngineOps):
    """Tells, once for each file, that it is set-user-ID, set-group-ID or has capabilities, to no effect.

    For tracers that cost their programs these rights.
    """

    events = Event.EXEC
    follow = True

    def __init__(self, why: str, tell: Callable[[str], None]) -> None:
        """Make one.

        Args:
            why: the reason, as the end of a line.
            tell: is given the line.
        """
        self._why = why
        self._tell = tell
        self._told: set[str] = set()

    def report_exec(self, task: Task) -> Answer:
        """Look at the file that is executed."""
        link = f"{PROC}/{task.tid}/exe"
        try:
            path = os.readlink(link)
            gives = "" if path in self._told else _rights(link)
        except OSError:
            # It is gone, or a file that only its owner may look at.
            return None
        if gives:
            self._told.add(path)
            self._tell(f"utrace: {path} is {gives}, to no effect: {self._why}\n")
        return None


def _rights(path: str) -> str:
    file = os.stat(path)
    if file.st_mode & stat.S_ISUID and file.st_uid != os.geteuid():
        return "set-user-ID"
    if file.st_mode & stat.S_ISGID and file.st_mode & stat.S_IXGRP and file.st_gid != os.getegid():
        return "set-group-ID"
    try:
        os.getxattr(path, _CAPABILITIES)
    except OSError:
        return ""
    return "a file with capabilities"
