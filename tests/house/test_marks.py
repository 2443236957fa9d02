"""Skips have named reasons, and laws and quirks that are referred to exist."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.capabilities import CAPABILITIES
from tests.house.tree import ROOT, of_type, parsed, relative, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAW = re.compile(r"\b(?:INV|LB|DEC)-\d+\b")
QUIRK = re.compile(r"\bQ-\d+\b")
SEMANTICS = ROOT / "docs" / "semantics.md"
QUIRKS = ROOT / "docs" / "kernel-quirks.md"

TESTS = [path for path in of_type(".py", under="tests/") if path.name != "conftest.py"]


def _calls(path: Path, dotted: str) -> Iterator[ast.Call]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == dotted:
            yield node


def test_skips_are_by_requires_only() -> None:
    skips = [
        f"{relative(path)}:{node.lineno}: {ast.unparse(node)}"
        for path in TESTS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node)
        in {"pytest.skip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.importorskip", "unittest.skip"}
    ]
    assert not skips


def test_requires_names_capabilities_that_exist() -> None:
    for path in TESTS:
        for call in _calls(path, "pytest.mark.requires"):
            names = [ast.literal_eval(argument) for argument in call.args]
            assert names, f"{relative(path)}:{call.lineno}"
            assert set(names) <= set(CAPABILITIES), f"{relative(path)}:{call.lineno}"


def test_expected_failures_have_reasons() -> None:
    for path in TESTS:
        for call in _calls(path, "pytest.mark.xfail"):
            assert any(keyword.arg == "reason" for keyword in call.keywords), (
                f"{relative(path)}:{call.lineno}"
            )


def test_law_marks_name_one_law_or_more() -> None:
    for path in TESTS:
        for call in _calls(path, "pytest.mark.law"):
            assert call.args, f"{relative(path)}:{call.lineno}"
            for argument in call.args:
                assert LAW.fullmatch(ast.literal_eval(argument)), f"{relative(path)}:{call.lineno}"


@pytest.mark.parametrize(("pattern", "page"), [(LAW, SEMANTICS), (QUIRK, QUIRKS)], ids=["laws", "quirks"])
def test_what_code_refers_to_is_on_its_page(pattern: re.Pattern[str], page: Path) -> None:
    known = set(pattern.findall(text(page)))
    unknown = {
        f"{relative(path)}: {name}"
        for path in of_type(".py", ".rs", ".c", ".md")
        for name in pattern.findall(text(path))
        if name not in known
    }
    assert not unknown


def test_quirks_are_numbered_in_order() -> None:
    numbers = [int(number) for number in re.findall(r"^## Q-(\d+) ", text(QUIRKS), flags=re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
