"""Signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.pointers import Out, Ptr, Signals
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.special import SignalFrame
from utrace.syscalls.vectors import SIGACTION, SIGINFO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.signature import Note, Signature

_HOW: Final = t.Enum("sigprocmask", "SIG_???")
_SIGNALFD: Final = t.Flags("signalfd", "SFD_???")


def _signal_note(call: DecodedCall) -> list[Note]:
    return [("", t.signal_name(call.result.value))] if call.result is not None else []


CALLS: Final[Mapping[str, Signature]] = {
    "rt_sigaction": sig(signum=t.SIGNAL, act=Ptr(SIGACTION), oldact=Out(SIGACTION), sigsetsize=t.SIZE),
    "rt_sigprocmask": sig(how=_HOW, set=Signals(), oldset=Out(Signals()), sigsetsize=t.SIZE),
    "rt_sigreturn": sig(frame=SignalFrame()),
    "rt_sigpending": sig(set=Out(Signals()), sigsetsize=t.SIZE),
    "rt_sigsuspend": sig(mask=Signals(), sigsetsize=t.SIZE),
    "rt_sigtimedwait": sig(
        Returns.DECIMAL,
        _signal_note,
        set=Signals(),
        info=Out(SIGINFO),
        timeout=Ptr(s.TIMESPEC),
        sigsetsize=t.SIZE,
    ),
    "rt_sigqueueinfo": sig(tgid=t.PID, sig=t.SIGNAL, info=Ptr(SIGINFO)),
    "rt_tgsigqueueinfo": sig(tgid=t.PID, tid=t.PID, sig=t.SIGNAL, info=Ptr(SIGINFO)),
    "kill": sig(pid=t.PID, sig=t.SIGNAL),
    "tkill": sig(tid=t.PID, sig=t.SIGNAL),
    "tgkill": sig(tgid=t.PID, tid=t.PID, sig=t.SIGNAL),
    "sigaltstack": sig(ss=Ptr(s.SIGALTSTACK), old_ss=Out(s.SIGALTSTACK)),
    "signalfd": sig(Returns.FD, fd=t.FD, mask=Signals(), sizemask=t.SIZE),
    "signalfd4": sig(Returns.FD, fd=t.FD, mask=Signals(), sizemask=t.SIZE, flags=_SIGNALFD),
    "pidfd_send_signal": sig(pidfd=t.FD, sig=t.SIGNAL, info=Ptr(SIGINFO), flags=t.HEX32),
    "pause": sig(),
    "alarm": sig(seconds=t.UINT),
}
