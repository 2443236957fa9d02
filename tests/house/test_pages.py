"""What pages point to exists, what they show is Python, and what is public is described."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from typing import TYPE_CHECKING

import pytest

from tests.house.tree import ROOT, of_type, relative, text

if TYPE_CHECKING:
    from pathlib import Path

PAGES = of_type(".md")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PLACE = re.compile(r"`((?:src|tests|tools|docs|examples|benches|native)/[\w./-]+)`")
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

PUBLIC = ("utrace", "utrace.engines", "utrace.errors", "utrace.testing")

each_page = pytest.mark.parametrize("page", PAGES, ids=relative)


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(text(page)) if "://" not in target]
    assert not [target for target in targets if not (page.parent / target).exists()]


@each_page
def test_places_that_are_named_exist(page: Path) -> None:
    assert not [place for place in PLACE.findall(text(page)) if not (ROOT / place).exists()]


@each_page
def test_python_blocks_are_python(page: Path) -> None:
    for block in PYTHON_BLOCK.findall(text(page)):
        ast.parse(block)


def test_every_page_of_docs_is_reached_from_the_index() -> None:
    docs = ROOT / "docs"
    reached: set[Path] = set()
    waiting = [docs / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [
            (page.parent / target).resolve() for target in LINK.findall(text(page)) if "://" not in target
        ]
    assert not [relative(page) for page in PAGES if page.is_relative_to(docs) and page not in reached]


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_described(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    for public in getattr(module, "__all__", ()):
        value = getattr(module, public)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{public}"


def test_make_targets_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), flags=re.MULTILINE))
    named = {target for page in PAGES for target in re.findall(r"`make ([a-z-]+)`", text(page))}
    assert named <= targets
