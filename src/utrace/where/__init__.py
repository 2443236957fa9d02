"""One language of conditions on decoded calls: for output, for rules of injection, for engines of one's own.

    where = Where('name == "openat" and glob(path, "/etc/*") and error')
    where.accepts(CallFacts(call, pid=task.pid, tid=task.tid))

Its modules are imported when one of these names is first asked for: who has no condition starts faster.

Reference: docs/where.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from utrace.where.condition import Where
    from utrace.where.grammar import WhereError
    from utrace.where.needed import RegisterTest
    from utrace.where.split import CallPart, Split
    from utrace.where.values import CallFacts

__all__ = ["CallFacts", "CallPart", "RegisterTest", "Split", "Where", "WhereError"]

_MODULES: Final = {
    "CallFacts": "values",
    "CallPart": "split",
    "RegisterTest": "needed",
    "Split": "split",
    "Where": "condition",
    "WhereError": "grammar",
}


def __getattr__(name: str) -> object:
    """Import what is asked for."""
    if name in _MODULES:
        return getattr(importlib.import_module(f"utrace.where.{_MODULES[name]}"), name)
    message = f"module 'utrace.where' has no attribute {name!r}"
    raise AttributeError(message)
