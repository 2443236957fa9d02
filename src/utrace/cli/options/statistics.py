"""The table of sums.

Reference: strace(1) "Statistics".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.cli.options.grammar import Option, duration_ns
from utrace.cli.options.settings import UsageError
from utrace.engines.call_counts import COLUMNS, ORDERS

if TYPE_CHECKING:
    from utrace.cli.options.settings import TraceOptions

#: Other names of columns and orders.
_SPELLINGS: Final = {
    "time": "time-percent",
    "time-total": "total-time",
    "shortest": "min-time",
    "time-min": "min-time",
    "longest": "max-time",
    "time-max": "max-time",
    "time-avg": "avg-time",
    "count": "calls",
    "error": "errors",
    "syscall": "name",
    "syscall-name": "name",
    "none": "nothing",
}


def _only_counts(options: TraceOptions, _value: str) -> None:
    _other(options, "C")
    options.counts, options.lines = True, False


def _also_counts(options: TraceOptions, _value: str) -> None:
    _other(options, "c")
    options.counts = True


def _other(options: TraceOptions, name: str) -> None:
    if name in options.given:
        raise UsageError("-c/--summary-only and -C/--summary are mutually exclusive")


def _wall(options: TraceOptions, _value: str) -> None:
    options.wall = True


def _sort_by(options: TraceOptions, value: str) -> None:
    order = _SPELLINGS.get(value, value)
    if order not in ORDERS:
        raise UsageError(f"invalid sortby: '{value}' (known: {', '.join(ORDERS)})")
    options.sort_by = order


def _columns(options: TraceOptions, value: str) -> None:
    columns: list[str] = []
    for word in value.split(","):
        column = _SPELLINGS.get(word, word)
        if column not in COLUMNS:
            raise UsageError(f"unknown column name: '{word}' (known: {', '.join(COLUMNS)})")
        if column in columns:
            raise UsageError(f"call summary column has been provided more than once: '{word}'")
        columns.append(column)
    options.columns = tuple(columns) if "name" in columns else (*columns, "name")


def _overhead(options: TraceOptions, value: str) -> None:
    options.overhead_ns = duration_ns("-O", value)


STATISTICS: Final = (
    Option(("c", "summary-only"), _only_counts, "", "no lines but a table: calls, errors, CPU time"),
    Option(("C", "summary"), _also_counts, "", "lines and the table"),
    Option(
        ("O", "summary-syscall-overhead"),
        _overhead,
        "TIME",
        "take TIME off each call, as the cost of tracing",
    ),
    Option(
        ("S", "summary-sort-by"),
        _sort_by,
        "COLUMN",
        "order of the table (time)",
        offers=tuple(ORDERS),
    ),
    Option(
        ("U", "summary-columns"),
        _columns,
        "LIST",
        "columns of the table, in order",
        offers=tuple(COLUMNS),
    ),
    Option(("w", "summary-wall-clock"), _wall, "", "in the table: time that passed instead of CPU time"),
)
