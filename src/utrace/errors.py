"""Errors, classified by whose doing they are; the errno is on the class.

`Outcome.IN_PROGRESS` is not among them: it is the normal answer to asking a running task.

Reference: errno values of kernel/utrace.c (API 20091216); spec section 4.
"""

from __future__ import annotations

import errno
from typing import ClassVar, NoReturn


class UtraceError(Exception):
    """Anything utrace refuses or reports."""

    errno_value: ClassVar[int] = errno.EINVAL


class Misuse(UtraceError, ValueError):
    """The caller asked what cannot be asked, whatever the task does."""

    errno_value = errno.EINVAL


class TaskGone(UtraceError, ProcessLookupError):
    """The task died, or the engine is detached from it."""

    errno_value = errno.ESRCH


class NoSuchEngine(UtraceError, LookupError):
    """A lookup without creation found no matching engine."""

    errno_value = errno.ENOENT


class TooLate(UtraceError):
    """The final reports have begun; nothing was changed."""

    errno_value = errno.EALREADY


class EngineExists(UtraceError):
    """An exclusive attach found a matching engine."""

    errno_value = errno.EEXIST


class NotPermitted(UtraceError, PermissionError):
    """The kernel said no; the message names what stands in the way and how to remove it."""

    errno_value = errno.EPERM


class Disturbed(UtraceError):
    """The task woke during an examination: discard what was read."""

    errno_value = errno.EAGAIN


class BadAddress(UtraceError):
    """Memory of the task that is not mapped, or not readable or writable."""

    errno_value = errno.EFAULT


class NotSupported(UtraceError):
    """User space cannot honour this here; docs/differences.md names it."""

    errno_value = errno.EOPNOTSUPP


class MissingExtra(UtraceError, ImportError):
    """A library that is no part of a plain installation is missing; the message has the pip command."""

    errno_value = errno.ENOPKG

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs a library that is not installed: pip install 'utrace[{extra}]'")


class ProgramNotStarted(UtraceError):
    """A program could not be executed.

    Attributes:
        status: 127 if it was not found, 126 if it could not be executed (POSIX sh, "Exit Status").
    """

    errno_value = errno.ENOENT

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class EngineFault(UtraceError):
    """An engine's callback raised; the exception is the cause."""


class KernelSurprise(UtraceError, OSError):
    """An errno the manual does not allow in this place."""


class InvariantViolation(AssertionError):
    """A bug of ours: the message holds the state that should not be."""


def impossible(law: str, **state: object) -> NoReturn:
    """Say that something was seen which cannot be."""
    shown = ", ".join(f"{name}={value!r}" for name, value in state.items())
    raise InvariantViolation(f"{law}: {shown}")


def invariant(condition: object, law: str, **state: object) -> None:
    """Check what must hold; always on, also under `python -O`.

    Raises:
        InvariantViolation: `condition` is false.
    """
    if not condition:
        impossible(law, **state)
