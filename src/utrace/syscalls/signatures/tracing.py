"""ptrace by request.

Reference: ptrace(2); the raw calls, whose peeks store through `data`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts_tasks as s
from utrace.syscalls.pointers import RETURNED, Array, Out, Ptr, Signals
from utrace.syscalls.programs import SECCOMP_INSTRUCTION
from utrace.syscalls.signature import sig
from utrace.syscalls.special import RegisterSet
from utrace.syscalls.structs import Sized
from utrace.syscalls.vectors import SIGINFO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.signature import Signature

_WITHOUT_BOTH: Final = "PTRACE_TRACEME PTRACE_INTERRUPT PTRACE_KILL PTRACE_ATTACH"
_PEEKS: Final = "PTRACE_PEEKTEXT PTRACE_PEEKDATA PTRACE_PEEKUSER"
_USER: Final = t.Enum("user_area", "", "ulong", otherwise=t.HEX)

_ADDR: Final[Mapping[str, t.ArgType]] = {
    _WITHOUT_BOTH: t.MISSING,
    # These have their struct in `data` and do not look at `addr`.
    "PTRACE_GETREGS PTRACE_SETREGS": t.MISSING,
    "PTRACE_PEEKUSER PTRACE_POKEUSER": _USER,
    "PTRACE_GETREGSET PTRACE_SETREGSET": t.Enum("regset", "NT_???", "ulong"),
    "PTRACE_PEEKSIGINFO": Ptr(s.PEEKSIGINFO),
    "PTRACE_GETSIGMASK PTRACE_SETSIGMASK PTRACE_SECCOMP_GET_FILTER PTRACE_SECCOMP_GET_METADATA"
    " PTRACE_GET_SYSCALL_INFO PTRACE_SET_SYSCALL_INFO": t.ULONG,
    "PTRACE_GET_RSEQ_CONFIGURATION": t.HEX,
}
_DATA: Final[Mapping[str, t.ArgType]] = {
    _WITHOUT_BOTH: t.MISSING,
    "PTRACE_SEIZE PTRACE_SETOPTIONS PTRACE_OLDSETOPTIONS": t.Flags("ptrace_options", "PTRACE_O_???", "ulong"),
    "PTRACE_CONT PTRACE_SYSCALL PTRACE_SINGLESTEP PTRACE_SINGLEBLOCK PTRACE_SYSEMU PTRACE_SYSEMU_SINGLESTEP"
    " PTRACE_DETACH PTRACE_LISTEN": t.SIGNAL,
    _PEEKS: Out(t.POINTER),
    "PTRACE_GETEVENTMSG": Out(t.ULONG),
    "PTRACE_GETSIGINFO": Out(SIGINFO),
    "PTRACE_SETSIGINFO": Ptr(SIGINFO),
    "PTRACE_GETREGS": Out(s.USER_REGS),
    "PTRACE_SETREGS": Ptr(s.USER_REGS),
    "PTRACE_GETREGSET": Out(RegisterSet("addr", s.USER_REGS)),
    "PTRACE_SETREGSET": RegisterSet("addr", s.USER_REGS),
    "PTRACE_PEEKSIGINFO": Out(Array(SIGINFO, RETURNED)),
    "PTRACE_GETSIGMASK": Out(Signals()),
    "PTRACE_SETSIGMASK": Signals(),
    "PTRACE_SECCOMP_GET_FILTER": Out(Array(SECCOMP_INSTRUCTION, RETURNED)),
    "PTRACE_SECCOMP_GET_METADATA": Out(Sized(s.SECCOMP_METADATA, "addr")),
    "PTRACE_GET_SYSCALL_INFO": Out(Sized(s.SYSCALL_INFO, "addr")),
    "PTRACE_SET_SYSCALL_INFO": Sized(s.SYSCALL_INFO, "addr"),
    "PTRACE_GET_RSEQ_CONFIGURATION": Out(Sized(s.RSEQ_CONFIGURATION, "addr")),
}

CALLS: Final[Mapping[str, Signature]] = {
    "ptrace": sig(
        request=t.Enum("ptrace", "PTRACE_???", "ulong"),
        pid=t.PID,
        addr=t.Choice("request", "ptrace", _ADDR, t.ADDRESS),
        data=t.Choice("request", "ptrace", _DATA, t.ADDRESS),
    ),
}
