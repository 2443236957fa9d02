"""Programs under test: compiled from tests/programs/*.c, launched so that they die with their test.

A tracee is no child of the test process: `launch` is its parent.  Otherwise the wait calls of the
test's main thread, which see the ptrace-stops of every thread's tracees, would steal them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import selectors
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = ROOT / "tests" / "programs"
CACHE: Final = ROOT / "build" / "programs"

COMMON_FLAGS: Final = ("-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror")
FLAGS: Final = {
    64: (*COMMON_FLAGS, "-pthread"),
    # Without a 32-bit C library: such a program brings its own _start.
    32: (
        *COMMON_FLAGS,
        "-m32",
        "-nostdlib",
        "-ffreestanding",
        "-static",
        "-fno-pie",
        "-no-pie",
        "-fno-stack-protector",
    ),
}


def build(name: str, bits: int = 64) -> Path:
    """Compile tests/programs/NAME.c, once for each version of it, and give the program's path."""
    source = SOURCES / f"{name}.c"
    flags = FLAGS[bits]
    texts = [source.read_bytes(), *(header.read_bytes() for header in sorted(SOURCES.glob("*.h")))]
    digest = hashlib.sha256(b"".join(texts) + "\0".join(flags).encode()).hexdigest()[:12]
    program = CACHE / f"{name}-{bits}-{digest}"
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = program.with_suffix(f".{threading.get_native_id()}")
        subprocess.run(["gcc", *flags, "-o", unfinished, source], check=True)
        unfinished.rename(program)
    return program


class LineReader:
    """Lines from a pipe, each awaited with a deadline."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._pending = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(fd, selectors.EVENT_READ)

    def line(self, deadline_s: float) -> str:
        """Give the next line without its newline; empty at the end of the pipe."""
        end = time.monotonic() + deadline_s
        while b"\n" not in self._pending:
            if not self._selector.select(max(0.0, end - time.monotonic())):
                message = f"no line within {deadline_s:g} s; so far {self._pending!r}"
                raise AssertionError(message)
            chunk = os.read(self._fd, 4096)
            if not chunk:
                return ""
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode(errors="surrogateescape")

    def close(self) -> None:
        """Close the pipe."""
        self._selector.close()
        os.close(self._fd)


class Tracee:
    """One running program.  Leaving the context ends it."""

    def __init__(self, argv: list[str], *, alarm_s: int) -> None:
        """Launch `argv` and return when its execve has succeeded.

        Raises:
            OSError: its execve failed.
        """
        news_read, news_write = os.pipe()
        out_read, out_write = os.pipe()
        try:
            self._launcher = subprocess.Popen(
                [build("launch"), str(news_write), str(alarm_s), *argv],
                stdin=subprocess.PIPE,
                stdout=out_write,
                pass_fds=[news_write],
            )
        finally:
            os.close(news_write)
            os.close(out_write)
        self._news = LineReader(news_read)
        self._output = LineReader(out_read)
        word, _, value = self.next_news().partition(" ")
        if word != "pid":
            self.close()
            raise OSError(int(value or 0), f"{argv[0]}: {os.strerror(int(value or 0))}")
        self.pid = int(value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def next_news(self, deadline_s: float = 20.0) -> str:
        """Give what its parent learnt next: "stopped SIG", "continued", "exited CODE" or "killed SIG"."""
        return self._news.line(deadline_s)

    def read_line(self, deadline_s: float = 20.0) -> str:
        """Give the next line of its standard output, empty at the end."""
        return self._output.line(deadline_s)

    def write(self, text: str) -> None:
        """Write to its standard input."""
        pipe = self._launcher.stdin
        assert pipe is not None
        pipe.write(text.encode())
        pipe.flush()

    def signal(self, signo: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, signo)

    def threads(self) -> list[int]:
        """Give the tids of its threads, the leader's first."""
        tids = (int(entry.name) for entry in Path(f"/proc/{self.pid}/task").iterdir())
        # By number alone the leader need not be first: tids wrap around.
        return sorted(tids, key=lambda tid: (tid != self.pid, tid))

    def close(self) -> None:
        """End it and its parent.  Doing it again does nothing."""
        if self._launcher.returncode is not None:
            return
        # The launcher's death kills the program: SIGKILL as its parent-death signal.
        self._launcher.send_signal(signal.SIGKILL)
        self._launcher.wait()
        pipe = self._launcher.stdin
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        self._news.close()
        self._output.close()
