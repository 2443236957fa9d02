"""Signatures: the declaration of one call, and its compiled form for one convention."""

from __future__ import annotations

import enum
import functools
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from utrace.syscalls.argtypes import Phase, bind_argument, phase_of
from utrace.syscalls.pointers import InOut, Path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import ArgType, Decoder, PhaseOf
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.multiplexed import Unfold
    from utrace.syscalls.values import Value

    Note: TypeAlias = tuple[str, Value]
    Noter: TypeAlias = Callable[[DecodedCall], Sequence[Note]]
    ReturnsAs: TypeAlias = "Returns | Callable[[DecodedCall], Returns]"


class Returns(enum.Enum):
    """What kind of number a successful call returns."""

    DECIMAL = enum.auto()
    ADDRESS = enum.auto()
    HEX = enum.auto()
    OCTAL = enum.auto()
    FD = enum.auto()
    PID = enum.auto()
    NOTHING = enum.auto()
    """It does not return."""


class Signature(NamedTuple):
    """How one call is decoded.

    Attributes:
        arguments: in the order of the registers.
        returns: what a success returns.
        note: words beside the result: (label, value) pairs.
        labels: arguments in the order, and with the names, that text shows: "" shows them as in C.
        unfold: finds the call that is meant, where one number is many.
    """

    arguments: Mapping[str, ArgType]
    returns: ReturnsAs
    note: Noter | None = None
    labels: str = ""
    unfold: Unfold | None = None


def sig(
    returns: ReturnsAs = Returns.DECIMAL,
    note: Noter | None = None,
    labels: str = "",
    /,
    **arguments: ArgType,
) -> Signature:
    """Declare a call in one line."""
    return Signature(arguments, returns, note, labels)


class Plan:
    """A signature bound to one convention: what decoding a call walks along.

    Decoders are made when one is first asked for: calls that are recorded natively may need none.
    """

    __slots__ = (
        "_abi",
        "_decoders",
        "_kinds",
        "_phase_of",
        "count",
        "early",
        "indexes",
        "labels",
        "late",
        "name",
        "names",
        "note",
        "noted",
        "path_index",
        "phases",
        "returns",
        "unfold",
    )

    def __init__(self, name: str, signature: Signature, abi: Abi) -> None:
        names = tuple(signature.arguments)
        kinds = tuple(signature.arguments.values())
        self.name: Final = name
        self.names: Final = names
        self.count: Final = len(names)
        self.indexes: Final = {argument: i for i, argument in enumerate(names)}
        self.phases: Final = tuple(kind.phase for kind in kinds)
        self.noted: Final = tuple(isinstance(kind, InOut) and kind.noted for kind in kinds)
        in_memory = (Phase.EARLY, Phase.BOTH, Phase.MERGED, Phase.MIXED)
        self.early: Final = tuple(i for i, phase in enumerate(self.phases) if phase in in_memory)
        self.late: Final = tuple(i for i, phase in enumerate(self.phases) if phase >= Phase.LATE)
        self.returns: Final = signature.returns
        self.note: Final = signature.note
        self.unfold: Final = signature.unfold
        self.path_index: Final = next((i for i, kind in enumerate(kinds) if isinstance(kind, Path)), None)
        #: (index, label with "=") in the order of text; None: as in C.
        self.labels: Final = tuple(
            (self.indexes[part.partition("=")[0]], part.partition("=")[2] + "=")
            for part in signature.labels.split()
        )
        self._abi: Final = abi
        self._kinds: Final = kinds
        self._decoders: tuple[Decoder, ...] | None = None
        self._phase_of: tuple[PhaseOf, ...] | None = None

    @property
    def decoders(self) -> tuple[Decoder, ...]:
        """What makes the values of the arguments, in their order."""
        if self._decoders is None:
            self._decoders = tuple(bind_argument(kind, self._abi, self.names) for kind in self._kinds)
        return self._decoders

    @property
    def phase_of(self) -> tuple[PhaseOf, ...]:
        """What tells the phases of those whose type another argument chooses, and of the others."""
        if self._phase_of is None:
            self._phase_of = tuple(phase_of(kind, self._abi, self.names) for kind in self._kinds)
        return self._phase_of


@functools.cache
def plan_of(abi: Abi, nr: int) -> Plan:
    """Find the compiled form of a call; it is made once."""
    from utrace.syscalls.catalog import signature_of  # noqa: PLC0415 - the catalog declares signatures

    name, signature = signature_of(abi, nr)
    return Plan(name, signature, abi)


@functools.cache
def plan_by_name(abi: Abi, name: str) -> Plan:
    """Find the compiled form of a call that has no number of its own."""
    from utrace.syscalls.catalog import signature_by_name  # noqa: PLC0415 - as above

    return Plan(name.removeprefix("old_"), signature_by_name(abi, name), abi)
