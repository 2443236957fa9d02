"""What is done to calls.

Reference: strace(1) "Tampering"; the grammar is `utrace.engines.injection_rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.cli.options.grammar import Option, number
from utrace.cli.options.settings import Needs, UsageError
from utrace.errors import Misuse

if TYPE_CHECKING:
    from utrace.cli.options.settings import TraceOptions


def _inject(options: TraceOptions, value: str) -> None:
    _add(options, value, fault=False)


def _fault(options: TraceOptions, value: str) -> None:
    _add(options, value, fault=True)


def _add(options: TraceOptions, value: str, *, fault: bool) -> None:
    from utrace.engines.injection_rules import Rule  # noqa: PLC0415 — only where something is injected

    try:
        rule = Rule.parse(value, fault=fault)
    except Misuse as error:
        raise UsageError(f"invalid {'fault' if fault else 'inject'} argument '{value}': {error}") from error
    if rule.retval is not None and -4096 < rule.result < 0:
        options.warnings.append(f"retval={rule.retval} means error {-rule.result} to the program")
    options.rules.append(rule)


def _seed(options: TraceOptions, value: str) -> None:
    options.seed = number("--inject-seed", value)


def _journal(options: TraceOptions, value: str) -> None:
    options.journal = value


def _replay(options: TraceOptions, value: str) -> None:
    options.replay = value


TAMPERING: Final = (
    Option(
        ("inject",),
        _inject,
        "SET:WHAT[:when=W]",
        "tamper with these calls (strace(1) has the grammar)",
        qualifiers=("inject",),
        needs=Needs.LIVE_TASK,
        offers=("<calls>",),
    ),
    Option(
        ("fault",),
        _fault,
        "SET[:error=E][:when=W]",
        "let these calls fail, with ENOSYS if nothing else is said",
        qualifiers=("fault",),
        needs=Needs.LIVE_TASK,
        offers=("<calls>",),
    ),
    Option(("inject-seed",), _seed, "N", "let rules with a probability decide as they did with N"),
    Option(("inject-journal",), _journal, "FILE", "write down what was injected", offers=("<file>",)),
    Option(("inject-replay",), _replay, "FILE", "inject just what a journal says", offers=("<file>",)),
)
