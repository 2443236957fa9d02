"""Engines that are ready to use; each is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from utrace.engines.call_counts import CallCounts
    from utrace.engines.event_log import EventLog
    from utrace.engines.inject import Inject, Injection
    from utrace.engines.injection_rules import Rule, When
    from utrace.engines.leaving import CallLimit, DetachOn
    from utrace.engines.line_log import LineLog
    from utrace.engines.line_style import Clock, LineStyle, PidShown
    from utrace.engines.output import Loss, Output
    from utrace.engines.records import CallRecord, CallStatus, LogListener
    from utrace.engines.syscall_log import SyscallLog

__all__ = [
    "CallCounts",
    "CallLimit",
    "CallRecord",
    "CallStatus",
    "Clock",
    "DetachOn",
    "EventLog",
    "Inject",
    "Injection",
    "LineLog",
    "LineStyle",
    "LogListener",
    "Loss",
    "Output",
    "PidShown",
    "Rule",
    "SyscallLog",
    "When",
]

_HOMES: Final = {
    "call_counts": ("CallCounts",),
    "event_log": ("EventLog",),
    "inject": ("Inject", "Injection"),
    "injection_rules": ("Rule", "When"),
    "leaving": ("CallLimit", "DetachOn"),
    "line_log": ("LineLog",),
    "line_style": ("Clock", "LineStyle", "PidShown"),
    "output": ("Loss", "Output"),
    "records": ("CallRecord", "CallStatus", "LogListener"),
    "syscall_log": ("SyscallLog",),
}
"""Module -> what is public of it."""


def __getattr__(name: str) -> object:
    """Import what is asked for."""
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        message = f"module 'utrace.engines' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"utrace.engines.{home}"), name)
