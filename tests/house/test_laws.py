"""docs/semantics.md, the code and the tests agree: every law has a source and a test, every refusal is there."""

from __future__ import annotations

import re
import sys
from typing import Final

import pytest

from tests.house.tree import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import law_pages

LAWS: Final = law_pages.LAW.findall(law_pages.SEMANTICS.read_text())
DIFFERENCES: Final = ROOT / "docs" / "differences.md"


@pytest.mark.parametrize("law", LAWS)
def test_law_has_a_test(law: str) -> None:
    assert law_pages.tests_of_laws().get(law), f"no test is marked {law}"


def test_every_law_of_the_specification_is_on_the_page() -> None:
    expected = {f"INV-{number}" for number in range(1, 51)}
    expected |= {f"LB-{number}" for number in range(1, 8)} | {f"DEC-{number}" for number in range(1, 6)}
    assert set(LAWS) == expected
    assert len(LAWS) == len(expected)


def test_every_law_has_a_source() -> None:
    named = [law for laws in law_pages.SOURCES.values() for law in laws.split()]
    assert sorted(named) == sorted(LAWS)


def test_page_of_tables_is_what_the_code_says() -> None:
    assert law_pages.PAGE.read_text() == law_pages.page(), "run tools/law_pages.py"


def test_differences_have_names_of_their_own() -> None:
    names = re.findall(r"^\*\*([a-z0-9-]+)\*\*", DIFFERENCES.read_text(), re.MULTILINE)
    assert len(names) == len(set(names))
    assert names
