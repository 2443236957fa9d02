"""System calls: names, decoded values, text.

`decode` gives a `DecodedCall` of named values; `render` writes values in strace's grammar;
`syscall_set` reads what stands behind `-e trace=`.
"""

from __future__ import annotations

from utrace.syscalls.call import Arguments, DecodedCall, Limits, decode
from utrace.syscalls.memory import Memory
from utrace.syscalls.result import Result
from utrace.syscalls.sets import CallSet, syscall_set
from utrace.syscalls.siginfo import SigInfo, decode_siginfo, encode_siginfo
from utrace.syscalls.style import Style, Xlat

__all__ = [
    "Arguments",
    "CallSet",
    "DecodedCall",
    "Limits",
    "Memory",
    "Result",
    "SigInfo",
    "Style",
    "Xlat",
    "decode",
    "decode_siginfo",
    "encode_siginfo",
    "syscall_set",
]
