"""What the commands say, on standard output and standard error, whatever these are.

Rules of this file:

1. Neither a closed descriptor nor a full disk nor a reader that has gone is a traceback.
2. No descriptor of ours is ever 0, 1 or 2: a program that is launched, or a message, would get it.
3. A message has no control characters: a name in it must not write to the terminal.

Reference: write(2), pipe(7), console_codes(4).
"""

from __future__ import annotations

import errno
import os
import re
import select
import signal
from typing import Final

from utrace.cli.dying import die_by

_STANDARD: Final = (0, 1, 2)
_OUTPUT, _ERROR = 1, 2
_CLOSED: Final = -1
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def fill_standard() -> None:
    """Open /dev/null in place of each standard descriptor that is closed; execve(2) closes it again."""
    for fd in _STANDARD:
        try:
            os.fstat(fd)
        except OSError:
            # Those before it are open: it is the lowest that is free.
            os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


def standard() -> tuple[int, int, int]:
    """Give the standard descriptors as they were given to us, for a program: -1 for one that was closed."""
    given = [fd if os.get_inheritable(fd) else _CLOSED for fd in _STANDARD]
    return given[0], given[1], given[2]


def put(text: str) -> int:
    """Write to standard output; give the exit status.

    A reader that has gone ends us by SIGPIPE, silently, as it ends other tools.

    Returns:
        0, or 1 if it could not be written, which is then said.
    """
    error: object = os.strerror(errno.EBADF)
    if os.get_inheritable(_OUTPUT):
        try:
            _write(_OUTPUT, text)
        except BrokenPipeError as failure:
            die_by(signal.SIGPIPE)
            error = failure.strerror
        except OSError as failure:
            error = failure.strerror
        else:
            return 0
    return complain(f"utrace: cannot write to standard output: {error}")


def complain(message: str) -> int:
    """Write a message to standard error, if that can be; give the exit status of an error."""
    try:
        _write(_ERROR, plain(message) + "\n")
    except OSError:
        # There is nobody to tell.
        return 1
    return 1


def plain(text: str) -> str:
    """Write control characters as Python does, but for tabs and line ends."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _write(fd: int, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:
            # Somebody who shares the open file made it non-blocking.
            select.select([], [fd], [])
