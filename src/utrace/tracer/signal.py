"""What report_signal is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.core.events import NO_EVENT
from utrace.errors import Misuse
from utrace.tracehook.signal_decision import SignalOccurrence

if TYPE_CHECKING:
    from utrace.core.task_life import TracedTask

_SIGINFO_BYTES = 128


class SignalReport:
    """One signal being decided; or, with signo 0, a report that was asked for.

    Attributes:
        action: what engines called before decided; it holds unless a `Verdict` says otherwise.
        is_report: there is no new signal: SIGNAL_REPORT, or SIGNAL_HANDLER at a handler's entry.
    """

    __slots__ = ("_occurrence", "action", "is_report")

    def __init__(self, task: TracedTask) -> None:
        self.action = task.signal_action
        # Not by the action, which an engine before may have changed.
        self.is_report = task.event == NO_EVENT
        occurrence = task.occurrence
        self._occurrence = occurrence if isinstance(occurrence, SignalOccurrence) else None

    @property
    def signo(self) -> int:
        """The number that would be delivered, 0 if there is no signal.

        Setting it delivers another signal, as sent by kill(2).
        """
        return 0 if self._occurrence is None else self._occurrence.delivered()

    @signo.setter
    def signo(self, signo: int) -> None:
        self.siginfo = signo.to_bytes(4, "little") + bytes(_SIGINFO_BYTES - 4)

    @property
    def siginfo(self) -> bytes:
        """The raw siginfo_t; set it to change what the handler gets.

        Raises:
            Misuse: set in a report without a signal, or to a wrong length.
        """
        return bytes(_SIGINFO_BYTES) if self._occurrence is None else self._occurrence.siginfo

    @siginfo.setter
    def siginfo(self, siginfo: bytes) -> None:
        if self._occurrence is None:
            message = "there is no signal to change in this report"
            raise Misuse(message)
        if len(siginfo) != _SIGINFO_BYTES:
            message = f"a siginfo_t has {_SIGINFO_BYTES} bytes, not {len(siginfo)}"
            raise Misuse(message)
        self._occurrence.siginfo = siginfo
        self._occurrence.edited = True
