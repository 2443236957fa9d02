"""docs/semantics.md, the code and the tests agree: laws have sources and tests, refusals are shown."""

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


def names_of(section: str) -> list[str]:
    """Give the names under one heading of the page of differences; all of them for ""."""
    text = DIFFERENCES.read_text()
    if section:
        text = text.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\*\*([a-z0-9-]+)\*\*", text, re.MULTILINE)


#: What is impossible and cannot be shown by a refusal: there is nothing to ask for.
NOTHING_TO_REFUSE: Final = {
    "invisibility": "every traced program shows it",
    "exit-code-at-exit": "report_exit is given the code, and no way to set it",
    "exactly-one-wait": "a warning to the host program",
}


def test_differences_have_names_of_their_own() -> None:
    names = names_of("")
    assert len(names) == len(set(names))
    assert names


def test_every_impossibility_is_shown_by_a_test() -> None:
    shown = law_pages.marked("pytest.mark.difference")
    assert set(shown) <= set(names_of(""))
    assert set(names_of("Impossible")) - set(shown) == set(NOTHING_TO_REFUSE)
