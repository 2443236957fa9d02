"""Colours of a terminal for lines in strace's grammar.

Rule of this file: it only puts colour around pieces of text; without the colours the text is the same.

Reference: ECMA-48 "SELECT GRAPHIC RENDITION"; the NO_COLOR convention.
"""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN: Final = "\x1b[0m"
_BOLD, _DIM, _RED, _YELLOW, _CYAN, _MAGENTA = (f"\x1b[{code}m" for code in ("1", "2", "31", "33", "36", "35"))

#: What is coloured, by the name of the group that finds it.
_COLOURS: Final = {
    "signal": _YELLOW,
    "end": _BOLD,
    "broken": _DIM,
    "tampered": _MAGENTA,
    "error": _RED,
    "name": _CYAN,
    "pid": _DIM,
}
_PIECES: Final = (
    r"(?P<pid>^\[pid [^\]]*\])"
    r"|(?P<signal>--- .* ---$)"
    r"|(?P<end>\+\+\+ .* \+\+\+$)"
    r"|(?P<broken> <(?:unfinished|detached) \.\.\.>|<\.\.\. \w+ resumed>)"
    r"|(?P<tampered> \((?:INJECTED|DELAYED)[^)]*\))"
    r"|(?P<error>(?<= = )(?:-1 E\w+|-1 \(errno \d+\)|\? E\w+)(?: \([^)]*\))?)"
    r"|(?P<name>(?:(?<=^)|(?<=\] )|(?<=\d ))[a-z_]\w*(?=\())"
)


@functools.cache
def _pieces() -> re.Pattern[str]:
    return re.compile(_PIECES, re.MULTILINE)


def paint(text: str) -> str:
    """Colour a piece of a log: names of calls, errors, signals, ends."""
    return _pieces().sub(lambda found: f"{_COLOURS[found.lastgroup or 'name']}{found[0]}{_PLAIN}", text)


def is_wanted(choice: str, fd: int, environment: Mapping[str, str] = os.environ) -> bool:
    """Decide whether to colour what goes to a descriptor: "always", "never", or "auto".

    "auto" means: it is a terminal, which is not dumb, and NO_COLOR is not set.
    """
    if choice != "auto":
        return choice == "always"
    dumb = environment.get("TERM", "dumb") == "dumb"
    return os.isatty(fd) and not dumb and not environment.get("NO_COLOR")
