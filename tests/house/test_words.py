"""What no file contains."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import files, is_text, of_type, parsed, relative, text

CODE = (".py", ".pyi", ".rs", ".c", ".h", ".toml", ".sh")

#: This file has to name what it forbids.
OWN = Path(__file__).resolve()

TAGS = re.compile(r"\b(FIXME|XXX|HACK|TODO)\b")
PLACES = re.compile(r"/root/|/work/|/home/\w|\.pyenv|site-packages|\bpypi\.org|\bcrates\.io/")
BROKEN_LINE_ENDS = re.compile(r"[ \t]+$|\r", re.MULTILINE)


def found(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{relative(path)}:{number}: {line.strip()}"
        for path in paths
        if path != OWN
        for number, line in enumerate(text(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_tags_that_put_work_off() -> None:
    assert not found(TAGS, of_type(*CODE))


def test_no_paths_or_hosts_of_one_machine() -> None:
    paths = [path for path in files() if is_text(path) and path.name not in {"Cargo.lock", "LICENSE"}]
    assert not found(PLACES, paths)


def test_no_white_space_at_the_end_of_lines() -> None:
    paths = [path for path in files() if is_text(path) and path.name != "LICENSE"]
    assert not [relative(path) for path in paths if BROKEN_LINE_ENDS.search(text(path))]


def test_no_assert_in_shipped_code() -> None:
    """`python -O` must not change what utrace does: `utrace.errors.invariant` is always on."""
    asserts = [
        f"{relative(path)}:{node.lineno}"
        for path in of_type(".py", under="src/")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Assert)
    ]
    assert not asserts


#: Where a client's code runs, which may raise whatever it likes.
CALLERS_OF_CLIENTS = ("tracer/callbacks", "tracer/loop", "tracer/recording", "cli/run")


def test_no_handler_of_everything_but_around_callbacks() -> None:
    handlers = [
        f"{relative(path)}:{node.lineno}"
        for path in of_type(".py", under="src/")
        if relative(path) not in {f"src/utrace/{name}.py" for name in CALLERS_OF_CLIENTS}
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
        )
    ]
    assert not handlers


@pytest.mark.parametrize("line", ["# TODO: later", "// XXX", "    # HACK around it"])
def test_a_tag_would_be_seen(line: str) -> None:
    assert TAGS.search(line)
