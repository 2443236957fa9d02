"""Who holds what in a session, told to anybody of the same user who asks.

A session that is announced listens on a Unix socket in a directory of the user's own; whoever connects
gets one JSON document and the end of the stream.

Reference: unix(7); the XDG base directory specification for $XDG_RUNTIME_DIR.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from utrace.core.events import Event
from utrace.kernel import procfs
from utrace.syscalls.abi import abi_of
from utrace.syscalls.tables import prototypes
from utrace.tracer.side_thread import start_side_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from utrace.tracer.engine import Engine
    from utrace.tracer.loop import LiveTracee, Loop

_CHUNK = 1 << 16
AUDIT_X86_64 = 0xC000003E


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """One engine on one task: who it is, what it asked for, whether it keeps the task stopped, and where."""

    name: str
    events: str
    wants_stop: bool
    stop: str


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """One task: its ids and name, how it stands, the call it sleeps in, and its engines in attach order."""

    tid: int
    pid: int
    name: str
    state: str
    call: str
    engines: tuple[EngineEntry, ...]


def survey(loop: Loop) -> list[TaskEntry]:
    """Look at every task of a session; one that a callback keeps busy is shown as it is known."""
    loop.catch_up()
    with loop.entered():
        return [_task(loop, tracee) for tracee in loop.tracees.everyone() if not tracee.task.is_dead()]


def _task(loop: Loop, tracee: LiveTracee) -> TaskEntry:
    task = tracee.task
    state = "held" if task.held else "job-stopped" if task.jctl else "runs" if tracee.running else "reports"
    return TaskEntry(
        tracee.tid,
        tracee.process.tgid,
        procfs.comm(tracee.tid) or "?",
        state,
        _sleeps_in(loop, tracee) if tracee.running else "",
        tuple(_engine(engine) for engine in loop.engines_on(tracee)),
    )


def _sleeps_in(loop: Loop, tracee: LiveTracee) -> str:
    """Name the system call that a running task sleeps in; empty if it does not."""
    number = loop.kernel.blocked_syscall(tracee.tid)
    if number is None:
        return ""
    arch = tracee.arch or AUDIT_X86_64
    if tracee.in_syscall:
        # As the program made it: another may be made in its place.
        number = tracee.nr
    prototype = prototypes(abi_of(arch)).get(number)
    return f"call {number}" if prototype is None else prototype.name


def _engine(engine: Engine) -> EngineEntry:
    names = "|".join(event.name or "" for event in Event if engine.mask & event and event.bit_count() == 1)
    return EngineEntry(
        engine.client.describe(), names, engine.wants_stop, engine.client.describe_stop(engine)
    )


def directory() -> Path:
    """Give the directory of this user's sockets, made if it is missing."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    place = Path(runtime) / "utrace" if runtime else Path(tempfile.gettempdir()) / f"utrace-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    if place.stat().st_uid != os.getuid() or place.is_symlink():
        message = f"{place} belongs to somebody else"
        raise PermissionError(message)
    return place


class Announcement:
    """A session that can be asked who holds what, for as long as the context lasts."""

    def __init__(self, loop: Loop) -> None:
        """Make one.

        Raises:
            OSError: there is no place for its socket; likewise when the context begins.
        """
        self._loop = loop
        self._path = directory() / f"{os.getpid()}.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def __enter__(self) -> Self:
        try:
            self._path.unlink(missing_ok=True)
            self._socket.bind(str(self._path))
            self._socket.listen()
        except OSError:
            self._socket.close()
            raise
        start_side_thread(self._serve, "utrace-roster")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._path.unlink(missing_ok=True)
        # Ends the accept of the thread, which close alone would not.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with caller, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                caller.sendall(json.dumps([asdict(entry) for entry in survey(self._loop)]).encode())


def ask_all() -> Iterator[tuple[int, list[TaskEntry]]]:
    """Ask every announced session of this user: its pid and its tasks.  Sockets of the dead are removed."""
    for path in sorted(directory().glob("*.sock")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            try:
                caller.connect(str(path))
            except (ConnectionRefusedError, FileNotFoundError):
                path.unlink(missing_ok=True)
                continue
            data = b"".join(iter(lambda: caller.recv(_CHUNK), b""))
        entries = [
            TaskEntry(
                tid=entry["tid"],
                pid=entry["pid"],
                name=entry["name"],
                state=entry["state"],
                call=entry["call"],
                engines=tuple(EngineEntry(**engine) for engine in entry["engines"]),
            )
            for entry in json.loads(data or b"[]")
        ]
        yield int(path.stem), entries
