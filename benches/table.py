"""The results as text and as JSON."""

from __future__ import annotations

import datetime as dt
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benches.placement import CPUS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benches.rounds import Result

HEAD: Final = ("what", "against", "CPUs", "median", "ratio", "quartiles", "of the least", "budget", "")
RIGHT: Final = frozenset({3, 4, 5, 6, 7})
BUSY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the figures were taken under.

    Attributes:
        load_before: the load average of the minute before, in running tasks.
    """

    date: str
    kernel: str
    machine: str
    processor: str
    virtual: bool
    cpus: int
    python: str
    load_before: float
    seconds: float


def conditions(load_before: float, seconds: float) -> Conditions:
    """Say what the run that now ends was made under."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    fields = {name.strip(): text.strip() for name, text in fields.items()}
    return Conditions(
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        kernel=platform.release(),
        machine=platform.machine(),
        processor=fields.get("model name", "unknown processor"),
        virtual="hypervisor" in fields.get("flags", "").split(),
        cpus=len(CPUS),
        python=platform.python_version(),
        load_before=load_before,
        seconds=seconds,
    )


def as_text(found: Conditions, results: Mapping[str, Sequence[Result]]) -> str:
    """Draw the table, one part a group."""
    parts = {title: [_cells(result) for result in rows] for title, rows in results.items()}
    everything = [HEAD, *(cells for rows in parts.values() for cells in rows)]
    widths = [max(len(cells[column]) for cells in everything) for column in range(len(HEAD))]
    kind = " (virtual machine)" if found.virtual else ""
    lines = [
        f"{found.date}  Linux {found.kernel} {found.machine}, Python {found.python}",
        f"{found.cpus} CPUs, {found.processor}{kind}",
        f"load before {found.load_before:.2f}; the run took {found.seconds:.0f} s",
    ]
    if found.load_before > BUSY:
        lines.append("The machine was not idle: look at the quartiles before believing a ratio.")
    lines += ["", _line(HEAD, widths), _line(tuple("-" * width for width in widths), widths)]
    for title, rows in parts.items():
        lines += ["", title, *(_line(cells, widths) for cells in rows)]
    failures = dict.fromkeys(
        failure for rows in results.values() for result in rows for failure in result.failures
    )
    if failures:
        lines += ["", *failures]
    return "\n".join(lines)


def as_json(found: Conditions, results: Mapping[str, Sequence[Result]]) -> str:
    """Give everything, for programs."""
    return json.dumps(
        {
            "conditions": asdict(found),
            "results": {title: [asdict(result) for result in rows] for title, rows in results.items()},
        },
        indent=2,
    )


def _cells(result: Result) -> tuple[str, ...]:
    if result.median is None:
        return (result.what, result.peer or "", result.cpus, *[""] * 5, "not measured")
    spread = ""
    if result.low is not None and result.high is not None:
        spread = f"{_shown(result, result.low)} .. {_shown(result, result.high)}"
    return (
        result.what,
        result.peer or "",
        result.cpus,
        f"{result.median:.2f} {result.unit}",
        "" if result.peer is None else _shown(result, result.value),
        spread,
        _shown(result, result.least) if result.rounds > 1 else "",
        "" if result.budget is None else "<= " + _shown(result, result.budget),
        result.verdict,
    )


def _shown(result: Result, value: float | None) -> str:
    if value is None:
        return ""
    match result.form:
        case "each_further":
            return f"{100 * value:+.1f} %"
        case "absolute":
            return f"{value:.1f} {result.unit}"
        case _:
            return f"{value:.2f}x"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if column in RIGHT else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()
