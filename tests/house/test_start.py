"""What everybody waits for who types `utrace trace`: only what every run needs is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import utrace
import utrace.engines

if TYPE_CHECKING:
    from types import ModuleType

_SRC: Final = Path(__file__).parents[2] / "src"
_NEEDED: Final = ("utrace.cli.trace", "utrace.cli.tracing", "utrace.syscalls.shapes")
#: Together they take longer than all the rest; and what only some options ask for.
_UNNEEDED: Final = (
    "ast",
    "ctypes",
    "dataclasses",
    "importlib.metadata",
    "inspect",
    "ipaddress",
    "logging",
    "pathlib",
    "platform",
    "socket",
    "subprocess",
    "utrace.cli.daemon",
    "utrace.engines.event_log",
    "utrace.engines.inject",
    "utrace.engines.live",
    "utrace.syscalls.netlink",
    "utrace.where",
)


def test_trace_imports_only_what_every_run_needs() -> None:
    text = f"import sys\nsys.path.insert(0, {str(_SRC)!r})\nimport {', '.join(_NEEDED)}\nprint(*sys.modules)"
    # Isolated, and without site: what others have put into the environment is not ours.
    shown = subprocess.run((sys.executable, "-ISc", text), check=True, capture_output=True, text=True)
    assert set(shown.stdout.split()).isdisjoint(_UNNEEDED)


@pytest.mark.parametrize("package", [utrace, utrace.engines], ids=lambda package: str(package.__name__))
def test_what_is_imported_when_asked_for_is_all_there(package: ModuleType) -> None:
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing
