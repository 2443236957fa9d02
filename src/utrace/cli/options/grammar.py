"""Words to options, by the grammar of getopt_long(3) with options that end at the first other word.

Rules of this file:

1. It knows how options are written, and nothing about what they mean.
2. A long name may be cut as long as it is clear which is meant; one that is spelled out is meant.

Reference: getopt(3); strace 6.1 for the words of messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from utrace.cli.options.settings import Needs, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from utrace.cli.options.settings import TraceOptions

    Apply = Callable[[TraceOptions, str], None]

NOTHING = Needs(0)


class Option(NamedTuple):
    """One option.

    Attributes:
        names: a letter, or none, and long names; the last may be other spellings.
        apply: what it does.
        value: the name of its argument, "" for none; "[...]" for one that only long names may have.
        text: for the help.
        qualifiers: names by which `-e NAME=VALUE` means it too.
        needs: what it asks of the way of tracing.
        offers: words its argument can be, or of what kind it is ("<file>"), for a shell's completion.
    """

    names: tuple[str, ...]
    apply: Apply
    value: str
    text: str
    qualifiers: tuple[str, ...] = ()
    needs: Needs = NOTHING
    offers: tuple[str, ...] = ()

    @property
    def takes_value(self) -> bool:
        """Whether it must have an argument."""
        return bool(self.value) and not self.value.startswith("[")

    @property
    def spelled(self) -> tuple[str, ...]:
        """Its names as they are typed."""
        return tuple(("-" if len(name) == 1 else "--") + name for name in self.names)

    @property
    def long_names(self) -> tuple[str, ...]:
        """Its long names as they are typed."""
        return tuple(name for name in self.spelled if name.startswith("--"))

    def give(self, options: TraceOptions, value: str) -> None:
        """Do what it does, and note that it was given."""
        self.apply(options, value)
        options.given.add(self.names[0])
        options.needs |= self.needs


class Table:
    """All options there are, and names that are refused with a reason.

    Attributes:
        options: in the order of the help.
    """

    def __init__(self, options: Sequence[Option], refused: Mapping[str, str]) -> None:
        self.options = tuple(options)
        self._refused = refused
        self._by_name = {name: option for option in options for name in option.names}
        self._by_qualifier = {name: option for option in options for name in option.qualifiers}
        self._long = sorted(name for name in (*self._by_name, *refused) if len(name) > 1)

    def qualifier(self, name: str) -> Option | None:
        """Give the option that `-e NAME=` means; None if it means none.

        Raises:
            UsageError: it is one of strace's that is refused.
        """
        option = self._by_qualifier.get(name)
        if option is None and f"-e {name}" in self._refused:
            raise UsageError(self._refused[f"-e {name}"])
        return option

    def read(self, words: Sequence[str], options: TraceOptions) -> None:
        """Read a command line: options, then the program with its arguments.

        Raises:
            UsageError: it makes no sense, or uses an option of strace that is refused.
        """
        waiting = list(words)
        while waiting and waiting[0].startswith("-") and waiting[0] != "-":
            word = waiting.pop(0)
            if word == "--":
                break
            if word.startswith("--"):
                self._read_long(options, word[2:], waiting)
            else:
                self._read_letters(options, word[1:], waiting)
        options.program = waiting

    def _read_letters(self, options: TraceOptions, letters: str, waiting: list[str]) -> None:
        while letters:
            letter, letters = letters[0], letters[1:]
            option = self._by_name.get(letter)
            if option is None:
                raise UsageError(self._refused.get(letter, f"invalid option -- '{letter}'"))
            value = ""
            if option.takes_value:
                value, letters = letters, ""
                if not value:
                    if not waiting:
                        raise UsageError(f"option requires an argument -- '{letter}'")
                    value = waiting.pop(0)
            option.give(options, value)

    def _read_long(self, options: TraceOptions, text: str, waiting: list[str]) -> None:
        start, equals, value = text.partition("=")
        name = self._whole_name(start)
        option = self._by_name.get(name)
        if option is None:
            raise UsageError(self._refused[name])
        if equals and not option.value:
            raise UsageError(f"option '--{name}' doesn't allow an argument")
        if not equals and option.takes_value:
            if not waiting:
                raise UsageError(f"option '--{name}' requires an argument")
            value = waiting.pop(0)
        option.give(options, value)

    def _whole_name(self, start: str) -> str:
        """Complete a long name."""
        if start in self._long:
            return start
        found = [name for name in self._long if name.startswith(start)] if start else []
        # Two spellings of one option are no two meanings.
        if len({self._by_name.get(name, name) for name in found}) == 1:
            return found[0]
        if not found:
            raise UsageError(f"unrecognized option '--{start}'")
        possible = " ".join(f"'--{name}'" for name in found)
        raise UsageError(f"option '--{start}' is ambiguous; possibilities: {possible}")


# -- words that several options have in common -----------------------------------------------------


#: The largest number that is taken: of a process, of bytes, of calls.
NUMBER_MAX = (1 << 31) - 1


def natural(word: str) -> int | None:
    """Read a number from 0 to `NUMBER_MAX`; None if it is none."""
    digits = word.lstrip("0") or word[:1]
    # Python reads numbers of some thousand digits not at all.
    if not (word.isascii() and digits.isdecimal() and len(digits) <= len(str(NUMBER_MAX))):
        return None
    return int(digits) if int(digits) <= NUMBER_MAX else None


def number(name: str, value: str, *, least: int = 0, most: int = NUMBER_MAX) -> int:
    """Read a number.

    Raises:
        UsageError: it is none, too small or too large.
    """
    found = natural(value)
    if found is None or not least <= found <= most:
        raise UsageError(f"invalid {name} argument: '{value}'")
    return found


def words_of(value: str, all_words: frozenset[str], name: str) -> frozenset[str]:
    """Read a set of words: `a,b`, `!a`, `all`, `none`.

    Raises:
        UsageError: one of them is not known.
    """
    chosen: set[str] = set()
    for word in value.removeprefix("!").split(","):
        if word == "all":
            chosen |= all_words
        elif word in all_words:
            chosen.add(word)
        elif word != "none":
            raise UsageError(f"invalid {name} '{word}' (known: {', '.join(sorted(all_words))})")
    return all_words - chosen if value.startswith("!") else frozenset(chosen)


def one_of(name: str, value: str, *words: str) -> str:
    """Read one of some words.

    Raises:
        UsageError: it is another.
    """
    if value not in words:
        raise UsageError(f"invalid {name} argument: '{value}' (known: {', '.join(words)})")
    return value


#: Digits behind the point of a second, by unit.
PRECISIONS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def precision(name: str, value: str) -> int:
    """Read a unit of time as a number of digits; microseconds if it is left out.

    Raises:
        UsageError: there is no such unit.
    """
    return PRECISIONS[one_of(name, value or "us", *PRECISIONS)]


_NANOSECONDS = {"": 1_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def duration_ns(name: str, value: str) -> int:
    """Read a time: a number, perhaps with a point, and a unit; microseconds if it is left out.

    Raises:
        UsageError: it is none, or negative.
    """
    digits = value.rstrip("mnus")
    unit = _NANOSECONDS.get(value[len(digits) :])
    try:
        amount = float(digits) if unit is not None else -1.0
    except ValueError:
        amount = -1.0
    if unit is None or not 0 <= amount < 1e12:
        raise UsageError(f"invalid {name} argument: '{value}'")
    return round(amount * unit)
