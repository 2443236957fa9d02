"""The files of the repository, as the house rules look at them."""

from __future__ import annotations

import ast
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
SRC: Final = ROOT / "src" / "utrace"

#: Made by builds, tests and tools; .gitignore has the same.
GENERATED: Final = frozenset(
    {".git", ".hypothesis", ".import_linter_cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv"}
    | {"__pycache__", "build", "dist", "target"}
)


@functools.cache
def files() -> tuple[Path, ...]:
    """Give every file that is, or is about to be, under version control."""

    def walk() -> Iterator[Path]:
        for directory, subdirectories, names in os.walk(ROOT):
            subdirectories[:] = sorted(set(subdirectories) - GENERATED)
            for name in sorted(names):
                # A second work tree has a file `.git`.
                if name not in GENERATED and not name.startswith(".coverage") and not name.endswith(".so"):
                    yield Path(directory, name)

    return tuple(walk())


def relative(path: Path) -> str:
    """Give a path as people write it."""
    return path.relative_to(ROOT).as_posix()


def of_type(*suffixes: str, under: str = "") -> list[Path]:
    """Give the files with one of these suffixes."""
    return [path for path in files() if path.suffix in suffixes and relative(path).startswith(under)]


@functools.cache
def text(path: Path) -> str:
    """Read a file."""
    return path.read_text(encoding="utf-8")


@functools.cache
def parsed(path: Path) -> ast.Module:
    """Parse a Python file."""
    return ast.parse(text(path), filename=str(path))


def names_of(path: Path) -> Iterator[str]:
    """Give the name of every class and function a Python file defines."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def is_text(path: Path) -> bool:
    """Tell whether a file is made of lines that people read."""
    return b"\0" not in path.read_bytes()[:4096]
