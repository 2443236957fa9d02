"""One expression, read once and asked of many calls."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from utrace.where.evaluate import compiled
from utrace.where.grammar import parse
from utrace.where.nodes import Var, operands, show
from utrace.where.split import Split

if TYPE_CHECKING:
    from utrace.where.values import CallFacts


class Where:
    """One expression.

    Attributes:
        text: as it was written.
        test: as it was understood.
    """

    def __init__(self, text: str, *, at_entry: bool = False) -> None:
        """Read an expression.

        Args:
            text: the expression.
            at_entry: it is to be decided when a call begins, so it cannot ask what the call returned.

        Raises:
            WhereError: it cannot be understood; the message points at the place.
        """
        self.text = text
        self.test = parse(text, at_entry=at_entry)
        self._decide = compiled(self.test)

    @functools.cached_property
    def split(self) -> Split:
        """The expression in its parts."""
        return Split(self.test)

    def accepts(self, facts: CallFacts) -> bool:
        """Decide about a call."""
        return self._decide(facts)

    def asks(self, word: str) -> bool:
        """Tell whether it asks for one of the words."""
        return Var(word) in operands(self.test)

    def __str__(self) -> str:
        return show(self.test)

    def __repr__(self) -> str:
        return f"Where({self.text!r})"
