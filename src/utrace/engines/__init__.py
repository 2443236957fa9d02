"""Engines that are ready to use; each is imported when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.lazy import importer

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

if not TYPE_CHECKING:
    __getattr__ = importer(
        __name__,
        {
            "utrace.engines.call_counts": ["CallCounts"],
            "utrace.engines.event_log": ["EventLog"],
            "utrace.engines.inject": ["Inject", "Injection"],
            "utrace.engines.injection_rules": ["Rule", "When"],
            "utrace.engines.leaving": ["CallLimit", "DetachOn"],
            "utrace.engines.line_log": ["LineLog"],
            "utrace.engines.line_style": ["Clock", "LineStyle", "PidShown"],
            "utrace.engines.output": ["Loss", "Output"],
            "utrace.engines.records": ["CallRecord", "CallStatus", "LogListener"],
            "utrace.engines.syscall_log": ["SyscallLog"],
        },
    )
