"""Plants one bug and explores until it is found: run in a process of its own.

    python tests/simulation/planted.py NAME|none

Prints one line of JSON.  The mutated module is compiled from changed source when it is imported, and
everything else is what is installed.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.simulation.mutants import MUTANTS, Mutant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType


class MutatedLoader(importlib.machinery.SourceFileLoader):
    """Compiles a module from the source with the bug in it; nothing of it is cached."""

    mutant: Mutant

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path).decode()
        return compile(self.mutant.apply(source), path, "exec")


class MutatingFinder(importlib.abc.MetaPathFinder):
    """Finds the one module to change, and leaves all others to the usual finders."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or spec.origin is None:
            return None
        loader = MutatedLoader(fullname, spec.origin)
        loader.mutant = self._mutant
        spec.loader = loader
        return spec


NOTHING: Final = "none"


def main() -> None:
    name = sys.argv[1]
    if name != NOTHING:
        mutant = next(each for each in MUTANTS if each.name == name)
        sys.meta_path.insert(0, MutatingFinder(mutant))
    # Only now: what is imported from here on has the bug in it.
    from tests.simulation.search import search  # noqa: PLC0415

    found = search()
    print(json.dumps(found))  # noqa: T201 — read by the test


if __name__ == "__main__":
    main()
