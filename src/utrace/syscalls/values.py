"""What arguments are decoded to: values first, texts elsewhere.

Integers stay integers: each class here that is one is an `int` that also knows what it means, so
`args.flags & os.O_CREAT` and `args.fd == 3` work.  Texts are `bytes` that know whether they are whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self


class Absent:
    """An argument that was not passed: `mode` of an open without O_CREAT."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


class Address(int):
    """A pointer that was not followed: by design, because it is NULL, or because it is unreadable."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Address({int(self):#x})"


class Hex(int):
    """A number that people write in base sixteen."""

    __slots__ = ()


class Mode(int):
    """Permission bits."""

    __slots__ = ()


class FileMode(int):
    """A file's type and permission bits: `st_mode`, or the mode of mknod."""

    __slots__ = ()


class Fd(int):
    """A descriptor; AT_FDCWD where the call allows it."""

    __slots__ = ()


class Pid(int):
    """A process, thread or process group."""

    __slots__ = ()


class Seconds(int):
    """A time of day in seconds since 1970.

    Attributes:
        nanoseconds: of the second, where a sibling tells them.
    """

    nanoseconds: int = 0


class TimeOfDay(int):
    """Seconds since 1970 that text writes as date and time."""

    __slots__ = ()


class Rlimit(int):
    """A resource limit; all bits set means none."""

    __slots__ = ()


class ShortRlimit(Rlimit):
    """The same in 32 bits."""

    __slots__ = ()


class Device(int):
    """A device number as user space sees it."""

    __slots__ = ()

    @property
    def major(self) -> int:
        """Upper part of the number."""
        return ((self >> 8) & 0xFFF) | ((self >> 32) & 0xFFFFF000)

    @property
    def minor(self) -> int:
        """Lower part of the number."""
        return (self & 0xFF) | ((self >> 12) & 0xFFFFFF00)


class FlagSet(int):
    """Bits with names.

    `"O_CREAT" in flags` asks for one; iteration gives the names.

    Attributes:
        names: names of the bits that are set, in the order they are written.
        unknown: the bits that no name is known for.
        hint: the family of names ("MAP_???"), for a value of which no bit is known.
    """

    names: tuple[str, ...]
    unknown: int
    hint: str

    def __new__(cls, value: int, names: tuple[str, ...] = (), unknown: int = 0, hint: str = "") -> Self:
        """Make one."""
        self = int.__new__(cls, value)
        self.names = names
        self.unknown = unknown
        self.hint = hint
        return self

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __repr__(self) -> str:
        return f"FlagSet({int(self):#x}, {'|'.join(self.names)!r})"


class BitNumbers(FlagSet):
    """Bits whose names are their positions: 1<<CAP_CHOWN."""


class Ticks(int):
    """A time in ticks of the clock that times(2) counts, 100 a second."""

    __slots__ = ()


class Named(int):
    """One of several values that have names.

    Attributes:
        name: None if there is none for this value.
        hint: the family of names ("CLOCK_???"), for a value without one.
    """

    name: str | None
    hint: str

    def __new__(cls, value: int, name: str | None = None, hint: str = "") -> Self:
        """Make one."""
        self = int.__new__(cls, value)
        self.name = name
        self.hint = hint
        return self

    def __repr__(self) -> str:
        return f"Named({int(self)}, {self.name!r})"


class SignalNumber(Named):
    """A signal: without a name it is written as it is."""


class IoctlCode(Named):
    """The number of an ioctl request: direction, type, number and size of its argument.

    Attributes:
        other: a second name of the number, "" mostly.
    """

    other: str = ""

    @property
    def size(self) -> int:
        """Bytes of the argument, 0 for old requests that do not tell."""
        return self >> 16 & 0x3FFF

    @property
    def parts(self) -> tuple[int, int, int, int]:
        """(direction, type, number, size)."""
        return self >> 30 & 3, self >> 8 & 0xFF, self & 0xFF, self >> 16 & 0x3FFF


class InterfaceIndex(int):
    """The number of a network interface."""

    __slots__ = ()


class Multiple(int):
    """A size that holds several things: text says how many, of what.

    Attributes:
        unit: size of one.
        name: what one is.
    """

    unit: int
    name: str

    def __new__(cls, value: int, unit: int, name: str) -> Self:
        """Make one."""
        self = int.__new__(cls, value)
        self.unit = unit
        self.name = name
        return self


class WaitStatus(int):
    """The status of a wait(2)."""

    __slots__ = ()


class Text(bytes):
    """Bytes read from the task.

    Attributes:
        address: where they are.
        is_cut: more bytes follow that were not read.
        is_string: they end with a NUL, which is not part of them.
    """

    address: int
    is_cut: bool
    is_string: bool

    def __new__(cls, data: bytes, address: int = 0, *, is_cut: bool = False, is_string: bool = False) -> Self:
        """Make one."""
        self = bytes.__new__(cls, data)
        self.address = address
        self.is_cut = is_cut
        self.is_string = is_string
        return self


class BinaryText(Text):
    """Bytes that are no text: random numbers."""


class HardwareAddress(bytes):
    """The address of a network card: 00:1a:2b:3c:4d:5e."""

    def __str__(self) -> str:
        return self.hex(":")


class PathText(Text):
    """A file name: never shortened when it is written."""


class Items(tuple["Value", ...]):  # noqa: SLOT001 - a tuple can have no slots
    """Several values: an array in memory.  What a pointer to one number points to is an array of one.

    Attributes:
        is_cut: more elements follow that were not read.
        tail: the address from which on elements are unreadable, or None.
    """

    is_cut: bool
    tail: Address | None

    def __new__(
        cls, values: Sequence[Value] = (), *, is_cut: bool = False, tail: Address | None = None
    ) -> Self:
        """Make one."""
        self = tuple.__new__(cls, values)
        self.is_cut = is_cut
        self.tail = tail
        return self


class Chain(Items):
    """Things of which text writes one alone without brackets: messages, attributes."""


class Listing(Items):
    """Entries of a directory: brief text only counts them."""

    address: int = 0


class HiddenItems(Items):
    """Elements that brief text shows as their address."""

    address: int = 0


class SignalSet(frozenset[int]):
    """Signal numbers; `names` gives them without SIG."""


class FdSet(frozenset[int]):
    """Descriptors of a select(2) set."""


class Cpus(frozenset[int]):
    """Processors of an affinity mask."""


class Environment(Address):
    """The environment of an execve: its address and what is there.

    Attributes:
        count: how many variables it has (-1: unreadable).
        variables: the first of them, as many as the limits of the call allow; None if unreadable.
    """

    count: int
    variables: Items | None

    def __new__(cls, address: int, count: int = -1, variables: Items | None = None) -> Self:
        """Make one."""
        self = Address.__new__(cls, address)
        self.count = count
        self.variables = variables
        return self


class Change:
    """An argument that the call read and wrote: a length before and after.

    Attributes:
        noted: text shows `after` beside the result instead of among the arguments.
    """

    __slots__ = ("after", "before", "noted")

    def __init__(self, before: Value, after: Value, *, noted: bool = False) -> None:
        self.before = before
        self.after = after
        self.noted = noted

    def __repr__(self) -> str:
        return f"Change({self.before!r}, {self.after!r})"


class Record:
    """A struct: named values in the order of their declaration.

    `record.st_size` and `record["st_size"]` give a field.

    Attributes:
        brief: the fields that abbreviated text shows; None shows all.
        unshown: the fields that no text shows.
    """

    __slots__ = ("brief", "names", "unshown", "values")

    def __init__(
        self,
        names: tuple[str, ...],
        values: Sequence[Value],
        brief: frozenset[str] | None = None,
        unshown: frozenset[str] = frozenset(),
    ) -> None:
        self.names = names
        self.values = values
        self.brief = brief
        self.unshown = unshown

    def __getattr__(self, name: str) -> Value:
        try:
            return self.values[self.names.index(name)]
        except ValueError:
            raise AttributeError(name) from None

    def __getitem__(self, name: str) -> Value:
        try:
            return self.values[self.names.index(name)]
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def items(self) -> Iterator[tuple[str, Value]]:
        """Pairs of name and value."""
        return zip(self.names, self.values, strict=True)

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name}={value!r}" for name, value in self.items()) + "}"


class Joined(int):
    """Values that one number packs together: SIGCHLD and the flags of a clone.

    `"CLONE_VM" in joined` asks its parts.

    Attributes:
        parts: what it is made of, in the order they are written.
        is_loose: each part is a number of its own where constants are written as numbers.
        macro: the macro of C that packs them, "" for bits that are joined.
    """

    parts: tuple[FlagSet | Named | Mode, ...]
    is_loose: bool
    macro: str

    def __new__(
        cls, value: int, parts: tuple[FlagSet | Named | Mode, ...], *, is_loose: bool = True, macro: str = ""
    ) -> Self:
        """Make one."""
        self = int.__new__(cls, value)
        self.parts = parts
        self.is_loose = is_loose
        self.macro = macro
        return self

    def __contains__(self, name: str) -> bool:
        return any(
            name in part if isinstance(part, FlagSet) else isinstance(part, Named) and part.name == name
            for part in self.parts
        )

    def __repr__(self) -> str:
        return f"Joined({int(self):#x}, {self.parts!r})"


class MacroRecord(Record):
    """A struct written as the macro of C that makes it: BPF_STMT(BPF_RET|BPF_K, 0)."""

    __slots__ = ("macro",)

    def __init__(
        self,
        macro: str,
        names: tuple[str, ...],
        values: Sequence[Value],
        unshown: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(names, values, None, unshown)
        self.macro = macro


class Slots(Record):
    """An array whose elements have names."""


class Bracketed(Record):
    """What text writes as a list, without names; one part alone without brackets."""


class Timestamp(Record):
    """A time of day: tv_sec, and tv_nsec or tv_usec."""

    __slots__ = ()

    @property
    def seconds(self) -> int:
        """Seconds since 1970."""
        value = self.values[0]
        return value if isinstance(value, int) else 0

    @property
    def nanoseconds(self) -> int:
        """Nanoseconds of the second."""
        value = self.values[1]
        if not isinstance(value, int):
            return 0
        return value * 1000 if self.names[1] == "tv_usec" else value


class Macro:
    """A value written as a macro of C: htons(80), inet_addr("127.0.0.1")."""

    __slots__ = ("argument", "name")

    def __init__(self, name: str, argument: int | str | bytes) -> None:
        self.name = name
        self.argument = argument

    def __repr__(self) -> str:
        return f"{self.name}({self.argument!r})"


Value: TypeAlias = "int | bytes | str | Absent | Record | Items | SignalSet | FdSet | Cpus | Change | Macro"

Data: TypeAlias = "int | str | bool | list[Data] | dict[str, Data] | None"
"""What JSON can say."""
