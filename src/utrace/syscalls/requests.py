"""Names of ioctl requests that few programs make; those of input devices tell the size they ask for.

Reference: include/uapi/linux/input.h and the headers of other devices (Linux 6.19).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls.tables import enum_names
from utrace.syscalls.values import IoctlCode

if TYPE_CHECKING:
    from utrace.syscalls.abi import Abi

_INPUT: Final = ord("E")
_READ: Final = 2
#: EVIOCG... with a size of the caller's choice.
_SIZED: Final = {
    0x06: "EVIOCGNAME",
    0x07: "EVIOCGPHYS",
    0x08: "EVIOCGUNIQ",
    0x09: "EVIOCGPROP",
    0x0A: "EVIOCGMTSLOTS",
    0x18: "EVIOCGKEY",
    0x19: "EVIOCGLED",
    0x1A: "EVIOCGSND",
    0x1B: "EVIOCGSW",
}
_EVENTS: Final = range(0x20, 0x40)
_AXES: Final = range(0x40, 0x80)
_AXES_SET: Final = range(0xC0, 0x100)


def rare_name(abi: Abi, number: int) -> str | None:
    """Name a request; None if it has no name."""
    name = enum_names(abi, "ioctl_more").get(number)
    direction, kind, command, size = IoctlCode(number).parts
    if name is not None or kind != _INPUT:
        return name
    axis = enum_names(abi, "input_axis")
    if direction == _READ:
        if command in _SIZED:
            return f"{_SIZED[command]}({size})"
        if command in _EVENTS:
            event = command - _EVENTS.start
            # EV_SYN, the first, stands for all kinds.
            return f"EVIOCGBIT({enum_names(abi, 'input_event').get(event, event) if event else 0}, {size})"
    for axes, macro in ((_AXES, "EVIOCGABS"), (_AXES_SET, "EVIOCSABS")):
        if command in axes:
            return f"{macro}({axis.get(command - axes.start, hex(command - axes.start))})"
    return None
