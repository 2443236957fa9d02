"""A decoded call: named values, each decoded when it is first asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.syscalls.abi import abi_of
from utrace.syscalls.argtypes import Phase
from utrace.syscalls.memory import NoMemory
from utrace.syscalls.plain import to_data
from utrace.syscalls.result import Result
from utrace.syscalls.signature import plan_by_name, plan_of
from utrace.syscalls.values import ABSENT, Absent, Address, Change, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.memory import Memory
    from utrace.syscalls.values import Data, Value


class Limits(NamedTuple):
    """How much of a task's memory one argument may cost.

    Attributes:
        text: bytes of a string or buffer (file names are always read whole).
        items: elements of an array.
    """

    text: int = 1024
    items: int = 256


DEFAULT_LIMITS: Final = Limits()


class _Undecoded(Absent):
    __slots__ = ()


_UNDECODED: Final = _Undecoded()
_CHANGING: Final = (Phase.BOTH, Phase.MERGED)


def merged(before: Value, after: Value) -> Value:
    """Join a struct as it was and as it is: fields that changed become a `Change` each."""
    if not isinstance(before, Record) or not isinstance(after, Record):
        return before
    known = dict(before.items())
    fields = [
        (name, Change(known[name], value) if name in known and known[name] != value else value)
        for name, value in after.items()
    ]
    return Record(tuple(name for name, _ in fields), [value for _, value in fields], after.brief)


class Arguments:
    """The arguments of a call by name, by position or in order.

    Arguments that were not passed (`mode` without O_CREAT) are left out of the iteration.
    """

    __slots__ = ("_call",)

    def __init__(self, call: DecodedCall) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Value:
        call = self._call
        index = call.plan.indexes.get(name)
        if index is None:
            raise AttributeError(f"{call.name} has no argument {name!r}: {', '.join(call.plan.names)}")
        return call.value(index)

    def __getitem__(self, key: str | int) -> Value:
        call = self._call
        if isinstance(key, int):
            return call.value(range(call.plan.count)[key])
        return call.value(call.plan.indexes[key])

    def __contains__(self, name: object) -> bool:
        call = self._call
        index = call.plan.indexes.get(name) if isinstance(name, str) else None
        return index is not None and call.value(index) is not ABSENT

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.items())

    def __len__(self) -> int:
        return sum(1 for _ in self.items())

    def items(self) -> Iterator[tuple[str, Value]]:
        """Pairs of name and value."""
        call = self._call
        for index, name in enumerate(call.plan.names):
            value = call.value(index)
            if value is not ABSENT:
                yield name, value

    def __repr__(self) -> str:
        return "Arguments(" + ", ".join(f"{name}={value!r}" for name, value in self.items()) + ")"


class DecodedCall:
    """One system call of a task.

    Made at the entry, completed by `finish` at the exit.  Memory is read when a value is first asked
    for, so what must be seen as it was at the entry is asked for there, or `capture` is called.

    Attributes:
        abi: the convention it was made by.
        nr: its number.
        raw: the six argument registers, unsigned.
        memory: where values are read from.
        result: None until it has returned, or when it never will.
        limits: how much is read.
        args: the decoded arguments.
        plan: the compiled signature; of a call that is many, of the one that is meant, with its arguments
            in `raw`.
        sp: the stack pointer at the entry, 0 where it is not known.
        netlink: tells the protocol of a netlink socket by its descriptor, None for other descriptors; None
            where nobody knows.
    """

    __slots__ = (
        "_before",
        "_cache",
        "abi",
        "args",
        "limits",
        "memory",
        "netlink",
        "nr",
        "plan",
        "raw",
        "result",
        "sp",
    )

    def __init__(
        self,
        abi: Abi,
        nr: int,
        raw: Sequence[int],
        memory: Memory,
        result: Result | None = None,
        limits: Limits = DEFAULT_LIMITS,
        sp: int = 0,
    ) -> None:
        self.abi = abi
        self.nr = nr
        self.raw = raw
        self.memory = memory
        self.result = result
        self.limits = limits
        self.sp = sp
        self.netlink: Callable[[int], int | None] | None = None
        plan = plan_of(abi, nr)
        if plan.unfold is not None:
            meant = plan.unfold.find(raw, memory)
            if meant is not None:
                plan, self.raw = plan_by_name(abi, meant[0]), meant[1]
        self.plan = plan
        self._cache: list[Value] = [_UNDECODED] * self.plan.count
        self._before: dict[int, Value] | None = None
        self.args = Arguments(self)

    @property
    def name(self) -> str:
        """Name of the call; "syscall_0x1f4" for a number without one."""
        return self.plan.name

    def value(self, index: int) -> Value:
        """Give the value of one argument by its position."""
        value = self._cache[index]
        if value is _UNDECODED:
            value = self.plan.decoders[index](self.raw[index], self.raw, self)
            if self.result is not None and (phase := self.phase(index)) in _CHANGING:
                value = self._changed(index, value, phase)
            self._cache[index] = value
        return value

    def phase(self, index: int) -> Phase:
        """Tell when an argument of this call can be decoded."""
        phase = self.plan.phases[index]
        return phase if phase is not Phase.MIXED else self.plan.phase_of[index](self.raw)

    def _changed(self, index: int, after: Value, phase: Phase) -> Value:
        before = self._before.get(index) if self._before is not None else None
        if before is None:
            # Nobody asked at the entry: what memory holds now stands for what it held then.
            result, self.result = self.result, None
            before = self.plan.decoders[index](self.raw[index], self.raw, self)
            self.result = result
        if isinstance(before, Address) or self.result is None:
            return before
        if phase is Phase.MERGED:
            return merged(before, after)
        if self.result.is_error:
            return before
        return Change(before, after, noted=self.plan.noted[index])

    def capture(self) -> None:
        """Decode now whatever the call may change or make unreadable.  Meant for the entry."""
        for index in self.plan.early:
            self.value(index)

    def finish(self, result: Result | int) -> None:
        """Note the result and let out-parameters be decoded from the memory as it is then."""
        plan = self.plan
        cache = self._cache
        for index in plan.late:
            phase = self.phase(index)
            known = cache[index]
            if phase in _CHANGING:
                if known is not _UNDECODED:
                    if self._before is None:
                        self._before = {}
                    self._before[index] = known
                cache[index] = _UNDECODED
            elif phase is Phase.LATE:
                cache[index] = _UNDECODED
        self.result = result if isinstance(result, Result) else Result(result)

    @property
    def path(self) -> str | None:
        """The first file name among the arguments; None if there is none or it is unreadable."""
        index = self.plan.path_index
        if index is None:
            return None
        value = self.value(index)
        return os.fsdecode(value) if isinstance(value, bytes) else None

    def to_data(self) -> dict[str, Data]:
        """Give what JSON can say: name, args, and result when there is one."""
        args: dict[str, Data] = {name: to_data(value) for name, value in self.args.items()}
        data: dict[str, Data] = {"name": self.name, "args": args}
        if self.result is not None:
            data["result"] = self.result.to_data()
        return data

    def __repr__(self) -> str:
        return f"<{self.name} {self.args!r} {self.result!r}>"


_NO_MEMORY: Final = NoMemory()


def decode(
    arch: int | str | Abi,
    nr: int,
    raw_args: Sequence[int],
    memory: Memory | None = None,
    result: Result | int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    sp: int = 0,
) -> DecodedCall:
    """Decode a system call.  Nothing is read from memory before a value is asked for.

    Args:
        arch: AUDIT_ARCH number or name of the convention the call was made by.
        nr: its number; any number will do.
        raw_args: six registers, unsigned.
        memory: the task's memory; None: pointers stay addresses.
        result: what it returned, if it has.
        limits: how much of strings and arrays is read.
        sp: the stack pointer at its entry: a few calls have their arguments there.

    Raises:
        Misuse: there are no tables for `arch`.
    """
    if result is not None and not isinstance(result, Result):
        result = Result(result)
    return DecodedCall(abi_of(arch), nr, raw_args, memory or _NO_MEMORY, result, limits, sp)
