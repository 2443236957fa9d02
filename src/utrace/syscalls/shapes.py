"""Signatures compiled a second time: for the native tier, which copies and writes what it is told to.

Rules of this file:

1. A type is compiled here only if it is known exactly; a call with any other type goes the ordinary way,
   where another argument chooses the type each call for itself.
2. What is copied covers what decoding reads: a copy may be longer, never shorter.
3. Names of numbers stay Python's: a `Vocabulary` gives the word for a number, once.

The tuples are those that `utrace.kernel.recorded.Program` takes; native/utrace-sys/src/shape.rs
describes them.
A test compares the text with that of `utrace.syscalls.render`, over all signatures.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from utrace.syscalls import argtypes as t
from utrace.syscalls import pointers as p
from utrace.syscalls import structs as s
from utrace.syscalls import vectors as x
from utrace.syscalls.abi import abi_of
from utrace.syscalls.argtypes import Phase
from utrace.syscalls.catalog import signature_of
from utrace.syscalls.layouts import CLONE_ARGS, STAT, STAT64, UTIMENS, Moment, NamedBytes, PerAbi
from utrace.syscalls.packed import NodeDevice
from utrace.syscalls.render import render, render_result
from utrace.syscalls.signature import Returns, plan_of
from utrace.syscalls.socket_options import OptionValue
from utrace.syscalls.sockets import AF_PACKET, PROTOCOLS, Protocol, SocketAddress, SocketData
from utrace.syscalls.special import SignalFrame
from utrace.syscalls.tables import constant_values
from utrace.syscalls.values import Address, Fd, Hex, Pid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.call import DecodedCall, Limits

    Shape: TypeAlias = tuple[object, ...]

ERRORS: Final = 0
SECONDS: Final = 1

_SOCKADDR_MAX: Final = 128
_CONTROL_MAX: Final = 4096
_FD_SET_MAX: Final = 1 << 16
_STAT_MODE_BYTES: Final = 4
_S_IFMT: Final = 0o170000
_DEVICES: Final = (0o020000, 0o060000)

_WRITTEN: Final[dict[object, str]] = {
    None: "decimal",
    Hex: "hex",
    Address: "address",
    Fd: "descriptor",
    Pid: "decimal",
}
_RETURNED: Final = {
    Returns.DECIMAL: "decimal",
    Returns.PID: "decimal",
    Returns.FD: "descriptor",
    Returns.ADDRESS: "address",
    Returns.HEX: "hex",
    Returns.OCTAL: "octal",
    Returns.NOTHING: "nothing",
}


class NotCompiled(Exception):
    """A type that is not known here."""


class _Failed(NamedTuple):
    """As much of a call as the text of an error looks at."""

    result: object


class Vocabulary:
    """Words for numbers: what is written is decided by `render`, here it only gets a number."""

    def __init__(self) -> None:
        self._tables: list[Callable[[int], str]] = [_error_text, _time_of_day]

    def add(self, words: Callable[[int], str]) -> int:
        """Make the table of a function; its number."""
        self._tables.append(words)
        return len(self._tables) - 1

    def word(self, table: int, value: int) -> str:
        """Give the word for a number of one table."""
        return self._tables[table](value)


def _error_text(number: int) -> str:
    from utrace.syscalls.result import Result  # noqa: PLC0415 - asked once for each error

    return render_result(cast("DecodedCall", _Failed(Result(-number))))


def _time_of_day(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


VOCABULARY: Final = Vocabulary()


def _part(kind: object, name: str) -> object:
    # The parts of a type are its own affair; this module is the other compiler of signatures.
    return cast("dict[str, object]", vars(kind))[f"_{name}"]


def _count(kind: object, name: str = "count") -> p.AnyCount:
    return cast("p.AnyCount", _part(kind, name))


def _name(kind: object, name: str) -> str:
    return cast("str", _part(kind, name))


def _number(kind: object, name: str) -> int:
    return cast("int", _part(kind, name))


def _pointee(kind: object) -> p.Pointee:
    return cast("p.Pointee", _part(kind, "pointee"))


class _Compiler:
    """Compiles the types of one signature."""

    def __init__(self, abi: Abi, names: Sequence[str], limits: Limits) -> None:
        self.abi = abi
        self.names = names
        self.limits = limits

    def shape(self, kind: object) -> Shape:
        """Compile an argument."""
        compile_kind = _KINDS.get(type(kind))
        if compile_kind is not None:
            return compile_kind(self, kind)
        if getattr(kind, "phase", None) is Phase.PURE:
            return self.number(cast("t.ArgType", kind))
        raise NotCompiled

    def case(self, kind: object) -> Shape:
        """Compile what another argument chooses: calls that choose an unknown type go the ordinary way."""
        try:
            return self.shape(kind)
        except NotCompiled:
            return ("ordinary",)

    def number(self, kind: t.ArgType) -> Shape:
        """Compile what is written from the number alone."""
        if kind.phase is not Phase.PURE:
            raise NotCompiled
        _, size, signed = self.abi.layout(kind.ctype)
        if type(kind) is t.Number and _part(kind, "wrap") in _WRITTEN:
            return "number", size, signed, _WRITTEN[_part(kind, "wrap")]
        return "number", size, signed, VOCABULARY.add(_words(self.abi, kind, signed=signed))

    def count(self, count: p.AnyCount) -> Shape:
        """Compile a number of elements."""
        if isinstance(count, int):
            return "fixed", count
        if isinstance(count, str):
            return "argument", self.names.index(count), self.abi.mask
        if isinstance(count, p.Returned):
            return ("returned",)
        if type(count) is p.At:
            return "at", self.names.index(_name(count, "peer"))
        raise NotCompiled

    def argument(self, name: str, mask: int = 0xFFFFFFFF) -> Shape:
        """Compile a count that another argument gives."""
        return "argument", self.names.index(name), mask

    def layout(self, pointee: object) -> Shape:
        """Compile something of fixed size."""
        pointee = p.as_pointee(cast("p.Pointee | t.ArgType", pointee))
        if not _is_flat(pointee):
            raise NotCompiled
        if type(pointee) is p.Cell:
            number = self._plain(pointee.kind)
            return ("opaque", pointee.size(self.abi)) if number is None else number
        try:
            return self._struct(pointee)
        except NotCompiled:
            return "opaque", pointee.size(self.abi)

    def _plain(self, kind: object) -> Shape | None:
        if type(kind) is t.Pointer:
            return self.address()
        try:
            return self.number(cast("t.ArgType", kind))
        except NotCompiled:
            return None

    def address(self) -> Shape:
        """Compile an address that is not followed."""
        return "number", self.abi.word, False, "address"

    def _struct(self, pointee: object) -> Shape:
        if pointee is STAT:
            return self._stat(STAT.structs[self.abi])
        if pointee is x.SIGACTION:
            return self._sigaction()
        if pointee is x.EPOLL_EVENT:
            return self._epoll_event()
        if type(pointee) is PerAbi:
            pointee = pointee.structs[self.abi]
        if type(pointee) is not s.Struct:
            raise NotCompiled
        offsets = pointee.offsets(self.abi)
        shown = [
            (name, offsets[name], self._field(field))
            for name, field in pointee.fields.items()
            if not name.startswith("_")
            and type(field) is not s.Pad
            and (pointee.brief is None or name in pointee.brief)
        ]
        return "record", tuple(shown), pointee.brief is not None, offsets[""]

    def _field(self, field: object) -> Shape:
        number = self._plain(field) if hasattr(field, "ctype") else None
        if number is not None:
            return number
        if type(field) is s.Chars or type(field) is s.Bytes:
            return "chars", field.size(self.abi), type(field) is s.Chars
        if type(field) is p.SignalMask:
            return self.signals(field.size(self.abi))
        return self._struct(field)

    def signals(self, size: int) -> Shape:
        """Compile a signal set."""
        return "number", size, False, VOCABULARY.add(lambda bits: render(p.signal_set(bits)))

    def _stat(self, stat: s.Struct) -> Shape:
        offsets = stat.offsets(self.abi)
        mode = stat.fields["st_mode"]
        if self.abi.layout(cast("t.ArgType", mode).ctype)[1] != _STAT_MODE_BYTES:
            raise NotCompiled

        def brief(*names: str) -> Shape:
            fields = tuple((name, offsets[name], self._field(stat.fields[name])) for name in names)
            return "record", fields, True, offsets[""]

        device, file = brief("st_mode", "st_rdev"), brief("st_mode", "st_size")
        return "either", (offsets["st_mode"], _STAT_MODE_BYTES), (_S_IFMT, _DEVICES), device, file

    def _sigaction(self) -> Shape:
        word, size = self.abi.word, x.SIGACTION.size(self.abi)
        fields = (
            ("sa_handler", 0, self.number(t.HANDLER)),
            ("sa_mask", 3 * word, self.signals(8)),
            ("sa_flags", word, self.number(t.Flags("sa_flags", "SA_???", "ulong"))),
            ("sa_restorer", 2 * word, self.address()),
        )
        whole, without = (("record", fields[:count], False, size) for count in (4, 3))
        return "either", (word, word), (x.SA_RESTORER, (x.SA_RESTORER,)), whole, without

    def _epoll_event(self) -> Shape:
        size = x.EPOLL_EVENT.size(self.abi)
        union = ("u32", 0, self.number(t.UINT)), ("u64", 0, self.number(t.U64))
        events = self.number(t.Flags("epoll_events", "EPOLL???"))
        return "record", (("events", 0, events), ("data", size - 8, ("record", union, False, 8))), False, size

    def block(self, count: Shape, size: int, most: int) -> Shape:
        """Compile an array that is only copied."""
        return "block", count, size, most


def _words(abi: Abi, kind: t.ArgType, *, signed: bool) -> Callable[[int], str]:
    bound: list[t.Decoder] = []
    nobody = cast("DecodedCall", None)

    def word(value: int) -> str:
        if not bound:
            # When there is a first number to write.
            bound.append(kind.bind(abi, ()))
        number = value - (1 << 64) if signed and value >> 63 else value
        return render(bound[0](number, (), nobody))

    return word


#: Types of fixed size that have no fields to look at, and read nothing but their own bytes.
_FLAT: Final = frozenset(
    {type(x.SIGACTION), type(x.EPOLL_EVENT), type(x.SIGINFO), type(UTIMENS)}
    | {s.Chars, s.Bytes, NamedBytes, s.Pad, p.SignalMask}
)
_PASSED_ONLY: Final = frozenset({t.Pointer, t.Missing, NodeDevice})


def _members(union: object) -> Sequence[object]:
    cases = cast("dict[int | str, object]", _part(union, "cases"))
    return [*cases.values(), _part(union, "default")]


def _fields(struct: object) -> Sequence[object]:
    return list(cast("s.Struct", struct).fields.values())


#: What types of fixed size are made of.
_PARTS: Final[dict[object, Callable[[object], Sequence[object]]]] = {
    p.Cell: lambda cell: [cast("p.Cell", cell).kind],
    s.Repeat: lambda kind: [_part(kind, "kind")],
    t.When: lambda kind: [_part(kind, "kind")],
    Moment: lambda kind: [_part(kind, "time")],
    PerAbi: lambda kind: list(cast("PerAbi", kind).structs.values()),
    s.Union: _members,
    s.Struct: _fields,
    type(STAT64): _fields,
}


def _is_flat(kind: object) -> bool:
    """Tell whether decoding reads no memory but the bytes of the thing itself."""
    if type(kind) in _FLAT | _PASSED_ONLY:
        return True
    parts = _PARTS.get(type(kind))
    if parts is None:
        return getattr(kind, "phase", None) is Phase.PURE
    return all(map(_is_flat, parts(kind)))


def _when(c: _Compiler, kind: object) -> Shape:
    return "when", c.names.index(_name(kind, "peer")), _number(kind, "bits"), c.shape(_part(kind, "kind"))


def _choice(c: _Compiler, kind: object) -> Shape:
    constants = _name(kind, "constants")
    values = constant_values(c.abi, constants) if constants else {}
    cases: dict[int, Shape] = {}
    for keys, case in cast("dict[int | str, object]", _part(kind, "cases")).items():
        shape = c.case(case)
        if isinstance(keys, int):
            cases[keys] = shape
        else:
            cases |= {values[key] & 0xFFFFFFFF: shape for key in keys.split() if key in values}
    peer = c.names.index(_name(kind, "peer"))
    return "choice", peer, _number(kind, "mask"), cases, c.case(_part(kind, "default"))


def _protocol(c: _Compiler, kind: object) -> Shape:
    plain = "number", *c.abi.layout(cast("t.ArgType", kind).ctype)[1:], "decimal"
    named = {family: c.number(names) for family, names in PROTOCOLS.items()}
    return "choice", c.names.index("domain"), 0xFFFFFFFF, named | {AF_PACKET: ("ordinary",)}, plain


def _buffer(c: _Compiler, kind: object) -> Shape:
    count = c.count(_count(kind))
    return c.block(count, 1, c.limits.text) if _part(kind, "binary") else ("buffer", count)


def _pointer(c: _Compiler, kind: object) -> Shape:
    pointee = _pointee(kind)
    return "pointer", c.layout(pointee), hasattr(pointee, "ctype")


def _array(c: _Compiler, kind: object) -> Shape:
    return "array", c.layout(_part(kind, "element")), c.count(_count(kind))


def _vector(c: _Compiler, kind: object) -> Shape:
    total = _part(kind, "total")
    return "vector", c.count(_count(kind)), None if total is None else c.count(_count(kind, "total"))


def _remaining(c: _Compiler, kind: object) -> Shape:
    # Written, and read, only when a signal ends the sleep; then it is an error.
    return "out", ("pointer", ("opaque", _pointee(_part(kind, "pointer")).size(c.abi)), False), True


def _entries(_c: _Compiler, kind: object) -> Shape:
    if _part(kind, "old"):
        # Their heads are of other sizes.
        raise NotCompiled
    return ("entries",)


def _sized(c: _Compiler, kind: object) -> Shape:
    if not _is_flat(_pointee(kind)):
        raise NotCompiled
    return c.block(c.argument(_name(kind, "size"), c.abi.mask), 1, _pointee(kind).size(c.abi))


def _in_out(c: _Compiler, kind: object) -> Shape:
    if cast("p.InOut", kind).phase is Phase.MERGED:
        raise NotCompiled
    return "in-out", c.shape(_part(kind, "inner")), cast("p.InOut", kind).noted


def _unless(c: _Compiler, kind: object) -> Shape:
    if not isinstance(_count(kind), p.Returned):
        raise NotCompiled
    return "unless", c.shape(_part(kind, "written"))


def _signal_mask(c: _Compiler, _kind: object) -> Shape:
    return "linked", ("fixed", 2 * c.abi.word), 2 * c.abi.word, [(0, 8)]


def _clone_arguments(c: _Compiler, kind: object) -> Shape:
    offsets = CLONE_ARGS.offsets(c.abi)
    stored = [(offsets[name], 4) for name in ("pidfd", "parent_tid")]
    return "linked", c.argument(_name(kind, "size"), c.abi.mask), offsets[""], stored


def _signal_frame(c: _Compiler, _kind: object) -> Shape:
    mask = c.signals(8)
    return "pointer", ("record", (("mask", 0, mask),), False, 8), False


_KINDS: Final[dict[type, Callable[[_Compiler, object], Shape]]] = {
    t.Pointer: lambda c, _kind: c.address(),
    t.Missing: lambda _c, _kind: ("absent",),
    NodeDevice: lambda _c, _kind: ("foreign",),
    t.When: _when,
    t.Choice: _choice,
    p.String: lambda _c, _kind: ("text",),
    p.Path: lambda _c, _kind: ("path",),
    p.Buffer: _buffer,
    p.Ptr: _pointer,
    p.Array: _array,
    p.StringArray: lambda _c, _kind: ("strings",),
    p.EnvArray: lambda _c, _kind: ("variables",),
    p.Signals: lambda c, kind: ("pointer", c.signals(_number(kind, "size")), False),
    # A bit each, in whole words: 8 bytes each are more than enough, up to what decoding reads at most.
    p.Descriptors: lambda c, kind: c.block(c.argument(_name(kind, "count")), 8, _FD_SET_MAX // 64),
    p.Out: lambda c, kind: ("out", c.shape(_part(kind, "inner")), _part(kind, "also_on_error")),
    p.InOut: _in_out,
    s.Sized: _sized,
    x.IoVector: _vector,
    x.CpuSet: lambda c, kind: c.block(c.count(_count(kind, "size")), 1, 4096),
    x.Entries: _entries,
    x.PollFds: lambda c, kind: c.block(c.argument(_name(kind, "count")), 8, c.limits.items),
    x.Remaining: _remaining,
    x.Unless: _unless,
    x.SigmaskArgument: _signal_mask,
    x.CloneArguments: _clone_arguments,
    Protocol: _protocol,
    SignalFrame: _signal_frame,
    SocketData: lambda c, kind: ("buffer", c.count(_count(kind, "size"))),
    SocketAddress: lambda c, kind: c.block(c.count(_count(kind, "length")), 1, _SOCKADDR_MAX),
    OptionValue: lambda c, kind: c.block(c.count(_count(kind, "length")), 1, _CONTROL_MAX),
}

_KNOWN: Final = {Phase.LATE: "late", Phase.BOTH: "both"}


class ProgramSpec(NamedTuple):
    """What `utrace.kernel.recorded.Program` is made of."""

    name: str
    shapes: tuple[Shape, ...]
    late: list[int]
    known: list[str]
    word: int
    returned: str
    foreign: bool
    socket: int | None
    """The argument that is a socket, where it depends on its family what is passed."""
    frame: int | None
    """How far from the stack pointer what it takes from the stack is: recorded as its first argument."""


@functools.cache
def program_of(arch: int, nr: int, limits: Limits) -> ProgramSpec | None:
    """Compile what is done natively for the calls of one number; None: they go the ordinary way."""
    abi = abi_of(arch)
    name, signature = signature_of(abi, nr)
    if signature.unfold is not None:
        return None
    plan = plan_of(abi, nr)
    compiler = _Compiler(abi, plan.names, limits)
    try:
        shapes = tuple(compiler.shape(kind) for kind in signature.arguments.values())
    except NotCompiled:
        return None
    known = [
        "noted" if noted else _KNOWN.get(phase, "early")
        for phase, noted in zip(plan.phases, plan.noted, strict=True)
    ]
    returns = signature.returns
    plainly = isinstance(returns, Returns) and signature.note is None
    returned = _RETURNED[returns] if plainly and isinstance(returns, Returns) else "foreign"
    kinds = [_part(kind, "inner") if type(kind) is p.Out else kind for kind in signature.arguments.values()]
    socket = plan.names.index("sockfd") if any(type(kind) is SocketData for kind in kinds) else None
    frames = any(type(kind) is SignalFrame for kind in kinds)
    frame = SignalFrame.PLACES[abi.name] if frames else None
    labelled = bool(plan.labels)
    return ProgramSpec(name, shapes, list(plan.late), known, abi.word, returned, labelled, socket, frame)
