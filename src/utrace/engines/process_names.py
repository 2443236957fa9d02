"""What stands behind a pid: the process's name, and its pid as the tracer has it.

A pid that a traced program passes or gets is one of its own PID namespace.  Where that is another than the
tracer's, the process is looked for among all that there are: it says which pid it has in each namespace.

Reference: strace(1) "--decode-pids"; pid_namespaces(7); "NSpid" in proc_pid_status(5); ioctl_ns(2).
"""

from __future__ import annotations

import os
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from utrace.kernel import procfs
from utrace.syscalls.style import bracketed

if TYPE_CHECKING:
    from collections.abc import Iterator

_NS_GET_PARENT: Final = 0xB702
_NSPID: Final = b"\nNSpid:\t"


class ProcessNames:
    """Describes pids."""

    def __init__(self, *, names: bool, translations: bool) -> None:
        """Make one.

        Args:
            names: show names.
            translations: show the tracer's pids, where they are others.
        """
        self._names = names
        self._translations = translations
        self._known: dict[tuple[str, int], int] = {}

    def name(self, tid: int, known: str = "") -> str:
        """Write the name of a thread by the tracer's number: `<sh>`; if it is gone, the one known.

        A program may name itself as it likes: what follows a line end is left out.
        """
        comm = (procfs.comm(tid) or known).partition("\n")[0] if self._names else ""
        return f"<{bracketed(os.fsencode(comm))}>" if comm else ""

    def describe(self, tid: int, pid: int) -> str:
        """Write what is known of a pid as a thread has it: `<sh> /* 4517 in strace's PID NS */`."""
        ours = self.translated(tid, pid)
        if ours is None:
            return ""
        note = f" /* {ours} in strace's PID NS */" if self._translations and ours != pid else ""
        return self.name(ours) + note

    def translated(self, tid: int, pid: int) -> int | None:
        """Give the tracer's number for a pid as a thread has it; None if it has none, or there is no such."""
        depth = len(_numbers(tid)) - 1
        if depth <= 0:
            return pid
        try:
            namespace = str(Path(f"/proc/{tid}/ns/pid").readlink())
        except OSError:
            return None
        known = self._known.get((namespace, pid))
        if known is None or _numbers(known)[depth : depth + 1] != [pid]:
            known = next(_having(pid, depth, namespace), None)
            if known is None:
                return None
            self._known[namespace, pid] = known
        return known


def _numbers(tid: int | str) -> list[int]:
    """Give the numbers of a thread in its PID namespaces, the tracer's first; none if it is gone."""
    try:
        status = Path(f"/proc/{tid}/status").read_bytes()
    except OSError:
        return []
    return [int(word) for word in status.partition(_NSPID)[2].partition(b"\n")[0].split()]


def _having(pid: int, depth: int, namespace: str) -> Iterator[int]:
    """Give the threads that have a number in a namespace so deep."""
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or len(_numbers(process.name)) <= depth:
            continue
        with suppress(OSError):
            for thread in (process / "task").iterdir():
                numbers = _numbers(thread.name)
                levels = len(numbers) - 1 - depth
                if numbers[depth : depth + 1] == [pid] and _is_in(thread.name, levels, namespace):
                    yield int(thread.name)


def _is_in(tid: str, levels: int, namespace: str) -> bool:
    """Tell whether the PID namespace so many levels above that of a thread is this one."""
    try:
        fd = os.open(f"/proc/{tid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        for _ in range(levels):
            parent = ioctl(fd, _NS_GET_PARENT)
            os.close(fd)
            fd = parent
        found = Path(f"/proc/self/fd/{fd}").readlink()
        os.close(fd)
    except OSError:
        return False
    return str(found) == namespace
