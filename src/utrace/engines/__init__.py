"""Engines that are ready to use."""

from utrace.engines.call_counts import CallCounts
from utrace.engines.event_log import EventLog
from utrace.engines.inject import Inject, Injection
from utrace.engines.injection_rules import Rule, When
from utrace.engines.leaving import CallLimit, DetachOn
from utrace.engines.line_log import Clock, LineLog, LineStyle, PidShown
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
