"""What strace does not have: formats of data, conditions, a summary that is kept up.

Reference: docs/events.md, docs/where.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.cli.options.grammar import Option, one_of

if TYPE_CHECKING:
    from utrace.cli.options.settings import TraceOptions

_FORMATS: Final = ("text", "jsonl", "msgpack", "perfetto", "chrome", "folded", "parquet")


def _format(options: TraceOptions, value: str) -> None:
    options.form = one_of("--format", value, *_FORMATS)


def _where(options: TraceOptions, value: str) -> None:
    from utrace.cli.further_outputs import read_where  # noqa: PLC0415 — only where a condition is given

    options.where = read_where(value, "--where")


def _explain(options: TraceOptions, _value: str) -> None:
    options.explain = True


def _live(options: TraceOptions, _value: str) -> None:
    options.live = True


BEYOND: Final = (
    Option(
        ("format",),
        _format,
        "FORMAT",
        "jsonl, msgpack, perfetto, chrome, folded, parquet or text",
        offers=_FORMATS,
    ),
    Option(("where",), _where, "EXPR", "only calls of which EXPR is true: 'error and fd == 3'"),
    Option(("explain",), _explain, "", "how --where is split, and what each part let through"),
    Option(("live",), _live, "", "keep a summary at the bottom of the terminal"),
)
