"""What a call returned."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from utrace.syscalls.abi import X86_64
from utrace.syscalls.tables import enum_names

if TYPE_CHECKING:
    from utrace.syscalls.values import Data

#: The kernel's own codes: a tracer sees them before the call is restarted or turned into EINTR.
#: Reference: include/linux/errno.h.
_RESTARTS: Final = {
    512: ("ERESTARTSYS", "To be restarted if SA_RESTART is set"),
    513: ("ERESTARTNOINTR", "To be restarted"),
    514: ("ERESTARTNOHAND", "To be restarted if no handler"),
    516: ("ERESTART_RESTARTBLOCK", "Interrupted by signal"),
}

ERRNO_MAX: Final = 4095


class Result:
    """The return value of a call.

    Attributes:
        value: as the kernel returned it, signed; negative errno on failure.
        is_error: whether it is one.
    """

    __slots__ = ("is_error", "value")

    def __init__(self, value: int, *, is_error: bool | None = None) -> None:
        self.value = value
        self.is_error = -ERRNO_MAX <= value < 0 if is_error is None else is_error

    @property
    def errno(self) -> int:
        """The error number, 0 if the call succeeded."""
        return -self.value if self.is_error else 0

    @property
    def name(self) -> str | None:
        """Name of the error, None if there is none or it has no name."""
        if not self.is_error:
            return None
        return errno_name(-self.value)

    @property
    def text(self) -> str | None:
        """The error in words, None if there is none."""
        if not self.is_error:
            return None
        restart = _RESTARTS.get(-self.value)
        return restart[1] if restart is not None else os.strerror(-self.value)

    @property
    def is_restart(self) -> bool:
        """Whether the kernel will restart the call, or turn this into EINTR when a handler runs."""
        return self.is_error and -self.value in _RESTARTS

    def to_data(self) -> Data:
        """Give what JSON can say."""
        if self.is_error:
            return {"value": self.value, "error": self.name, "text": self.text}
        return {"value": self.value}

    def __repr__(self) -> str:
        return f"Result({self.value}{f' {self.name}' if self.is_error else ''})"


def errno_name(number: int) -> str | None:
    """Name an error number, the kernel's restart codes included."""
    name = enum_names(X86_64, "errno").get(number)
    if name is None and number in _RESTARTS:
        return _RESTARTS[number][0]
    return name
