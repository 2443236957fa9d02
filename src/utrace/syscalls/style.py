"""How text is written: the choices, and quoted strings."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.syscalls.sets import CallSet


class Xlat(enum.Enum):
    """How constants are written; the words are those of strace's -X."""

    RAW = "raw"
    """As numbers."""
    ABBREV = "abbrev"
    """By name."""
    VERBOSE = "verbose"
    """As numbers, with the names in a comment."""


class Style(NamedTuple):
    """How text is written; the letters are strace's.

    Attributes:
        text_max: bytes of a string shown (-s).
        verbose: show whole structs (-v).
        hex_strings: 0 no, 1 those with a byte that is not ASCII text (-x), 2 all (-xx), 3 single bytes by hex
            in place of octal digits (--strings-in-hex=non-ascii-chars).
        column: where " = " stands (-a).
        describe_fd: text put behind a descriptor ("</etc/passwd>"), or "" (-y).
        describe_pid: text put behind a pid ("<sh>"), or "" (--decode-pids).
        xlat: how constants are written (-X).
        numbers: write the number of each call before its name (-n).
        raw_calls: calls whose arguments are written as bare registers (-e raw=).
        whole_calls: calls whose structs are shown whole though the others' are not: those that
            -e abbrev= leaves out.
        flat_calls: calls whose pointers are not followed, but for strings: those that -e verbose=
            leaves out.
        names: write the name of each argument before it (-N).
    """

    text_max: int = 32
    verbose: bool = False
    hex_strings: int = 0
    column: int = 40
    describe_fd: Callable[[int], str] | None = None
    describe_pid: Callable[[int], str] | None = None
    xlat: Xlat = Xlat.ABBREV
    numbers: bool = False
    raw_calls: CallSet | None = None
    whole_calls: CallSet | None = None
    flat_calls: CallSet | None = None
    names: bool = False

    @property
    def by_call(self) -> bool:
        """Whether some calls are written in another way than others."""
        return self.names or not (self.raw_calls is self.whole_calls is self.flat_calls is None)


DEFAULT_STYLE: Final = Style()

ALL_HEX: Final = Style(hex_strings=2)

_ESCAPES: Final = {
    0x09: "\\t",
    0x0A: "\\n",
    0x0B: "\\v",
    0x0C: "\\f",
    0x0D: "\\r",
    0x22: '\\"',
    0x5C: "\\\\",
}
#: Bytes that are written as they are.
_PLAIN: Final = bytes(byte for byte in range(0x20, 0x7F) if byte not in _ESCAPES)
_DIGITS: Final = frozenset(b"01234567")
_BRACKETS: Final = re.compile(r"[<>](?=([0-7]?))")


def quote(data: bytes, style: Style = DEFAULT_STYLE) -> str:
    """Write bytes as a C string."""
    if style.hex_strings == 0 and not data.translate(None, _PLAIN):
        return '"' + data.decode("ascii") + '"'
    printable = all(0x20 <= byte < 0x7F or byte in _ESCAPES for byte in data)
    if style.hex_strings == 2 or (style.hex_strings == 1 and not printable):
        return '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'
    shown: list[str] = []
    for i, byte in enumerate(data):
        escape = _ESCAPES.get(byte)
        if escape is not None:
            shown.append(escape)
        elif 0x20 <= byte < 0x7F:
            shown.append(chr(byte))
        elif style.hex_strings == 3:
            shown.append(f"\\x{byte:02x}")
        else:
            # A digit that follows would be taken for part of a short octal escape.
            follows = i + 1 < len(data) and data[i + 1] in _DIGITS
            shown.append(f"\\{byte:03o}" if follows else f"\\{byte:o}")
    return '"' + "".join(shown) + '"'


def bracketed(data: bytes) -> str:
    """Write bytes that stand between angle brackets: those in it must not end it."""
    return _BRACKETS.sub(lambda m: f"\\{ord(m[0]):{'03o' if m[1] else 'o'}}", quote(data)[1:-1])
