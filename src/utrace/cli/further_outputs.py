"""Outputs beside the lines: `-o [FORMAT:]FILE[?where=EXPR]`, as listeners.

Rules of this file:

1. The first output of plain text is the one that strace's options are about; the others are further ones.
2. A file whose name could be taken for a format is written as ./NAME.

Reference: docs/cookbook.md.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from utrace.cli.options.settings import UsageError
from utrace.engines.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.cli.options.settings import TraceOptions
    from utrace.engines.event_log import EventLog
    from utrace.engines.line_log import LineLog
    from utrace.engines.line_style import LineStyle
    from utrace.engines.output import Output
    from utrace.engines.records import CallRecord
    from utrace.where import Where

_Output = TypeVar("_Output", bound="Output")

TEXT: Final = "text"
FORMAT_NAMES: Final = (TEXT, *FORMATS)
_WHERE: Final = "?where="
#: Formats that a terminal, or whoever reads standard error, can do nothing with.
_BINARY: Final = frozenset({"msgpack", "perfetto", "parquet"})


class OutputSpec(NamedTuple):
    """One output that is asked for.

    Attributes:
        form: its format.
        target: a file, or "|CMD"; None for standard error.
        where: which calls it gets; None for all.
    """

    form: str
    target: str | None
    where: Where | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is what strace would write."""
        return self.form == TEXT and self.where is None


def parse_output(text: str, form: str) -> OutputSpec:
    """Read the argument of an -o.

    Args:
        text: the argument.
        form: the format, if it names none.

    Raises:
        UsageError: its condition cannot be understood, or it names no file.
    """
    given = text
    prefix, colon, rest = text.partition(":")
    if colon and prefix in FORMAT_NAMES:
        form, text = prefix, rest
    target, has_where, expression = text.partition(_WHERE)
    if not target:
        raise UsageError(f"-o '{given}': no file is named")
    return OutputSpec(form, target, read_where(expression, "-o ?where=") if has_where else None)


def read_where(expression: str, option: str) -> Where:
    """Read a condition.

    Raises:
        UsageError: it cannot be understood.
    """
    from utrace.where import Where, WhereError  # noqa: PLC0415 — only where one is given

    try:
        return Where(expression)
    except WhereError as error:
        raise UsageError(f"{option}: {error}") from error


def settle_outputs(options: TraceOptions) -> None:
    """Share the outputs out: the lines strace would write, and the further ones.

    Raises:
        UsageError: one makes no sense.
    """
    specs = [parse_output(text, options.form) for text in options.outputs]
    if not specs and options.form != TEXT and not options.counts:
        if options.form in _BINARY and sys.stderr.isatty():
            raise UsageError(f"--format {options.form} is not for a terminal: give a file with -o")
        specs = [OutputSpec(options.form, None)]
    plain = next((spec for spec in specs if spec.is_plain), None)
    if plain is not None:
        specs.remove(plain)
        options.output = plain.target
    options.further = specs
    if options.separately and specs:
        raise UsageError("-ff/--output-separately is for one output of text")
    options.only_further = bool(specs) and plain is None


def open_listener(
    spec: OutputSpec,
    options: TraceOptions,
    style: LineStyle,
    accepts: Callable[[CallRecord], bool] | None,
) -> EventLog | LineLog:
    """Open a further output.

    Raises:
        OSError: it cannot be opened.
        MissingExtra: its format needs a library that is not installed.
    """
    if spec.form == TEXT:
        from utrace.engines.line_log import LineLog  # noqa: PLC0415 — only for such an output
        from utrace.engines.output import Output  # noqa: PLC0415 — the same

        return LineLog(_opened(Output, spec, options), style, statuses=options.statuses, accepts=accepts)
    from utrace.engines.event_log import EventLog  # noqa: PLC0415 — the same
    from utrace.engines.record_output import RecordOutput  # noqa: PLC0415 — the same

    return EventLog(_opened(RecordOutput, spec, options), spec.form, accepts=accepts)


def _opened(kind: type[_Output], spec: OutputSpec, options: TraceOptions) -> _Output:
    if spec.target is None:
        return kind.to_descriptor(2, name="standard error")
    if spec.target.startswith(("|", "!")):
        return kind.to_command(spec.target[1:])
    return kind.to_file(spec.target, append=options.append)
