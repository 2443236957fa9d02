"""System calls: names, decoded values, text.

`decode` gives a `DecodedCall` of named values; `render` writes values in strace's grammar;
`syscall_set` reads what stands behind `-e trace=`.
"""

from __future__ import annotations

from .call import Arguments, DecodedCall, Limits, decode
from .memory import Memory
from .render import Style
from .result import Result
from .sets import syscall_set
from .siginfo import SigInfo, decode_siginfo, encode_siginfo

__all__ = [
    "Arguments",
    "DecodedCall",
    "Limits",
    "Memory",
    "Result",
    "SigInfo",
    "Style",
    "decode",
    "decode_siginfo",
    "encode_siginfo",
    "syscall_set",
]
