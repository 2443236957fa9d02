"""What stands behind a descriptor: its file, device, socket or process (-y, -yy).

Reference: strace(1) "--decode-fds"; proc_pid_fd(5), sock_diag(7), pidfd_open(2).
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from utrace.syscalls.style import bracketed
from utrace.syscalls.value_text import AT_FDCWD

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.engines.socket_names import SocketNames

_SOCKET: Final = re.compile(r"socket:\[(\d+)\]").fullmatch
_DELETED: Final = b" (deleted)"


class Descriptors:
    """Describes descriptors, each as it is when asked."""

    def __init__(self, details: frozenset[str], describe_pid: Callable[[int], str] | None = None) -> None:
        """Make one.

        Args:
            details: what to say: "path", "socket", "dev", "pidfd".
            describe_pid: text put behind the process of a pidfd.
        """
        self._details = details
        self._describe_pid = describe_pid
        self._sockets: SocketNames | None = None

    def describe(self, tid: int, fd: int) -> str:
        """Give `</etc/passwd>`, `<TCP:[127.0.0.1:80]>`, ...; "" if it is not open, or not to be told."""
        where = Path(f"/proc/{tid}/cwd" if fd == AT_FDCWD else f"/proc/{tid}/fd/{fd}")
        try:
            link = where.readlink()
            found = where.stat() if str(link).startswith("/") else None
        except OSError:
            return ""
        special = self._special(tid, fd, where, str(link), found)
        if special:
            return f"<{special}>"
        # strace takes the name of a deleted working directory as it is.
        return _path(bytes(link), None if fd == AT_FDCWD else found) if "path" in self._details else ""

    def _special(self, tid: int, fd: int, where: Path, link: str, found: os.stat_result | None) -> str:
        if "dev" in self._details and found is not None:
            return _device(link, found)
        if "socket" in self._details and (socket := _SOCKET(link)) is not None:
            if self._sockets is None:
                from utrace.engines.socket_names import SocketNames  # noqa: PLC0415 — only with -yy

                self._sockets = SocketNames()
            return self._sockets.name(tid, where, int(socket[1]))
        if "pidfd" in self._details and link == "anon_inode:[pidfd]":
            return self._process(tid, fd)
        return ""

    def _process(self, tid: int, fd: int) -> str:
        try:
            info = Path(f"/proc/{tid}/fdinfo/{fd}").read_text("ascii")
        except OSError:
            return ""
        line = re.search(r"^Pid:\s*(\d+)$", info, re.MULTILINE)
        if line is None or line[1] == "0":
            # It was reaped ("-1"), or is of no pid namespace of ours.
            return ""
        return f"pid:{line[1]}" + ("" if self._describe_pid is None else self._describe_pid(int(line[1])))


def _path(path: bytes, found: os.stat_result | None) -> str:
    # A name may end so by itself.
    if found is not None and found.st_nlink == 0 and path.endswith(_DELETED):
        return f"<{bracketed(path.removesuffix(_DELETED))}>(deleted)"
    return f"<{bracketed(path)}>"


def _device(link: str, found: os.stat_result) -> str:
    kinds = {stat.S_IFCHR: "char", stat.S_IFBLK: "block"}
    kind = kinds.get(stat.S_IFMT(found.st_mode))
    if kind is None:
        return ""
    number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return f"{bracketed(os.fsencode(link))}<{kind} {number}>"
