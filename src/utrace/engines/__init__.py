"""Engines that are ready to use."""

from utrace.engines.call_counts import CallCounts
from utrace.engines.event_log import EventLog
from utrace.engines.line_log import Clock, LineLog, LineStyle, PidShown
from utrace.engines.output import Loss, Output
from utrace.engines.records import CallRecord, CallStatus, LogListener
from utrace.engines.syscall_log import SyscallLog

__all__ = [
    "CallCounts",
    "CallRecord",
    "CallStatus",
    "Clock",
    "EventLog",
    "LineLog",
    "LineStyle",
    "LogListener",
    "Loss",
    "Output",
    "PidShown",
    "SyscallLog",
]
