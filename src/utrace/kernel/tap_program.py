"""The two eBPF programs of a tap: what is copied of a system call that does not stop (D21).

One runs at the tracepoint sys_enter, one at sys_exit, in whatever task makes a call.  A task has to be
tapped, that is, have its tid in the map of tasks; the call has to have a plan.  Then a record goes into the
ring; `native/utrace-sys/src/tap.rs` reads it:

    u64  CLOCK_MONOTONIC, ns
    u32  tid
    u32  number of the call; bit 31: this is its end
    u64  six arguments
    u64  at the end: the result
    copies: u64 address, u32 most, u32 length or -1, then so many bytes, padded to 8

Rules of this file:

1. A program never waits: memory that is not there (not yet read from its file, say) is a copy of length -1.
2. A ring that is half full is told by a SIGTRAP that the task sends to itself at the end of its call; so no
   call is broken off, and the tracer, which is told of every signal, lets the task wait until it has read.
   Where the task blocks SIGTRAP a SIGSTOP does the same.
3. A call that another filter of the task answers never comes to sys_enter; so an end has its arguments, too.
4. Calls of i386 have other numbers: they are passed over.
5. The programs are always the same, and short, since the kernel verifies them each time; what is to be copied
   stands in a table.

Reference: bpf(2), bpf-helpers(7); Linux 6.18 include/uapi/linux/bpf.h,
Documentation/bpf/standardization/instruction-set.rst.
"""

from __future__ import annotations

import enum
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESULT: Final = 6
"""Where a `Copy` has as many bytes or elements as the call returned."""
ONCE: Final = 7
"""Where a `Copy` is of one element."""
COPIES: Final = 4
"""Most copies at the entry of a call, and at its end."""
NUMBERS: Final = 512
"""Calls with numbers from here on have no plan."""
FULL_BYTES: Final = 1 << 17
"""So much in the ring, and a task waits at the end of its call."""


class Copy(NamedTuple):
    """What is copied of what an argument points to.

    Attributes:
        arg: number of the argument.
        size: bytes of an element, or of a string with its NUL at most.
        by: how many elements: the number of an argument, RESULT or ONCE.
        most: the largest number of elements that is copied.
        string: only up to its NUL.
        always: at the end of the call, also if it failed.
    """

    arg: int
    size: int
    by: int = ONCE
    most: int = 1
    string: bool = False
    always: bool = False


class Plan(NamedTuple):
    """What is copied at the entry of a call, and at its end."""

    entry: Sequence[Copy] = ()
    exit: Sequence[Copy] = ()


class Offsets(NamedTuple):
    """Where the kernel that runs has what no helper tells, in bytes of its task_struct.

    Attributes:
        status: thread_info.status, of which bit 1 tells a call of i386 (TS_COMPAT).
        blocked: the signals that are blocked.
    """

    status: int
    blocked: int


class Map(enum.IntEnum):
    """The maps that the programs use; `tap.rs` puts descriptors in their place."""

    TASKS = 0
    SCRATCH = 1
    RING = 2
    LOST = 3
    PLANS = 4


_INSTRUCTION: Final = struct.Struct("<BBhi")
#: In the table: argument, count, size, most, flags.
_COPY: Final = struct.Struct("<BBHHBx")
_PLANNED, _COPIED, _STRING, _ALWAYS = 1, 2, 4, 8
_UNUSED: Final = _COPY.pack(0, 0, 0, 0, _PLANNED)
_SIDE_BYTES: Final = COPIES * _COPY.size
_CTX, _SCRATCH, _OFFSET, _PLAN = 6, 7, 8, 9
#: Of struct pt_regs: di, si, dx, r10, r8, r9, and orig_ax.
_ARGS: Final = (112, 104, 96, 56, 72, 64)
_ORIG_AX: Final = 120
_REGS_BYTES: Final = 128
#: On the stack, from its end: arguments, result and 1, as `Copy.arg` and `Copy.by` number them; then the
#: registers, the number of the call, the tid, a length, the key of an array.
_VALUES: Final = -64
_REGS: Final = -192
_NUMBER: Final = -200
_TID: Final = -208
_LENGTH: Final = -216
_KEY: Final = -224
#: Offsets at which a copy begins are kept below it, so that the verifier sees that it fits behind.
_OFFSET_MASK: Final = 0x3FFF
_COPY_MAX: Final = 0xFFF8
SCRATCH_BYTES: Final = _OFFSET_MASK + 1 + 2 * 16 + 8 + _COPY_MAX
"""What a record is put together in: of each CPU, on which a program runs to its end."""
_FIRST_PAGE: Final = 4096
_TS_COMPAT: Final = 2
_SIGTRAP: Final = 5
_SIGSTOP: Final = 19
_END: Final = 1 << 31
_NO_WAKEUP: Final = 1
_AVAILABLE: Final = 0
#: Numbers of helpers (bpf-helpers(7)).
_MAP_LOOKUP, _KTIME, _CPU, _SEND_SIGNAL_THREAD = 1, 5, 8, 117
_READ_USER, _READ_KERNEL, _READ_USER_STR = 112, 113, 114
_RING_OUTPUT, _RING_QUERY, _TASK_STORAGE_GET, _CURRENT_TASK = 130, 134, 156, 158


def table(plans: Mapping[int, Plan]) -> bytes:
    """Make the table of what is copied, by number of a call: at its entry, then at its end."""
    found = bytearray(NUMBERS * 2 * _SIDE_BYTES)
    for nr, plan in plans.items():
        for side, copies in enumerate(plan):
            at = (nr * 2 + side) * _SIDE_BYTES
            found[at : at + _SIDE_BYTES] = _side(copies)
    return bytes(found)


def _side(copies: Sequence[Copy]) -> bytes:
    if len(copies) > COPIES:
        message = f"{len(copies)} copies at one end of a call"
        raise ValueError(message)
    rows = b"".join(
        _COPY.pack(
            copy.arg,
            copy.by,
            copy.size,
            copy.most,
            _PLANNED | _COPIED | (_STRING if copy.string else 0) | (_ALWAYS if copy.always else 0),
        )
        for copy in copies
    )
    return rows + _UNUSED * (COPIES - len(copies))


#: By bytes of what is loaded or stored.
_LOADS: Final = {1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}
_STORES: Final = {4: 0x63, 8: 0x7B}


class _Assembler:
    """Instructions, and labels that jumps name before they are set."""

    def __init__(self) -> None:
        self.code: list[tuple[int, int, int, int | str, int]] = []
        self.labels: dict[str, int] = {}
        self._names = 0

    def name(self) -> str:
        """Make up a label."""
        self._names += 1
        return f"_{self._names}"

    def label(self, name: str) -> None:
        self.labels[name] = len(self.code)

    def put(self, op: int, dst: int = 0, src: int = 0, off: int | str = 0, imm: int = 0) -> None:
        self.code.append((op, dst, src, off, imm))

    def move(self, dst: int, src: int) -> None:
        self.put(0xBF, dst, src)

    def set(self, dst: int, imm: int) -> None:
        self.put(0xB7, dst, imm=imm)

    def add(self, dst: int, imm: int) -> None:
        self.put(0x07, dst, imm=imm)

    def add_register(self, dst: int, src: int) -> None:
        self.put(0x0F, dst, src)

    def mask(self, dst: int, imm: int) -> None:
        self.put(0x57, dst, imm=imm)

    def multiply(self, dst: int, imm: int) -> None:
        self.put(0x27, dst, imm=imm)

    def multiply_register(self, dst: int, src: int) -> None:
        self.put(0x2F, dst, src)

    def set_unsigned(self, dst: int, imm: int) -> None:
        """Set the lower half, and the upper to 0."""
        self.put(0xB4, dst, imm=imm)

    def join(self, dst: int, src: int) -> None:
        self.put(0x4F, dst, src)

    def load(self, dst: int, src: int, off: int, *, size: int = 8) -> None:
        self.put(_LOADS[size], dst, src, off)

    def store(self, dst: int, off: int, src: int, *, size: int = 8) -> None:
        self.put(_STORES[size], dst, src, off)

    def store_number(self, dst: int, off: int, imm: int) -> None:
        """Store four bytes."""
        self.put(0x62, dst, 0, off, imm)

    def count(self, dst: int, src: int) -> None:
        """Add to eight bytes, whoever else does."""
        self.put(0xDB, dst, src)

    def map(self, dst: int, which: Map) -> None:
        self.put(0x18, dst, 1, 0, which)
        self.put(0)

    def call(self, helper: int) -> None:
        self.put(0x85, imm=helper)

    def leave(self) -> None:
        self.put(0x95)

    def jump(self, label: str) -> None:
        self.put(0x05, off=label)

    def jump_if(self, op: int, dst: int, imm: int, label: str) -> None:
        self.put(op, dst, 0, label, imm)

    def assembled(self) -> bytes:
        def resolved(at: int, off: int | str) -> int:
            return off if isinstance(off, int) else self.labels[off] - at - 1

        return b"".join(
            _INSTRUCTION.pack(op, src << 4 | dst, resolved(at, off), _signed(imm))
            for at, (op, dst, src, off, imm) in enumerate(self.code)
        )


def _signed(imm: int) -> int:
    return imm - (1 << 32) if imm >= 1 << 31 else imm


#: Jumps: if a register is, or has a bit of, an immediate; unsigned but for the last two.
_EQUAL, _UNEQUAL, _HAS, _NOT_ABOVE, _ABOVE, _ABOVE_OR_EQUAL = 0x15, 0x55, 0x45, 0xB5, 0x25, 0x35
_NEGATIVE, _NOT_POSITIVE = 0xC5, 0xD5
_NOT_ABOVE_REGISTER: Final = 0xBD


def programs(offsets: Offsets) -> tuple[bytes, bytes]:
    """Assemble the programs for sys_enter and sys_exit of x86-64."""
    return _program(offsets, is_exit=False), _program(offsets, is_exit=True)


def _program(offsets: Offsets, *, is_exit: bool) -> bytes:
    asm = _Assembler()
    _find_task(asm, offsets)
    _find_values(asm)
    _find_plan(asm, is_exit=is_exit)
    _header(asm, is_exit=is_exit)
    for number in range(COPIES):
        _copy(asm, number, is_exit=is_exit)
    asm.label("write")
    _write(asm)
    if is_exit:
        _wait_if_full(asm, offsets)
    asm.label("out")
    asm.set(0, 0)
    asm.leave()
    return asm.assembled()


def _find_task(asm: _Assembler, offsets: Offsets) -> None:
    """Leave for a task that is not tapped, and for calls of i386."""
    asm.move(_CTX, 1)
    asm.call(_CURRENT_TASK)
    asm.move(_PLAN, 0)
    asm.map(1, Map.TASKS)
    asm.move(2, _PLAN)
    asm.set(3, 0)
    asm.set(4, 0)
    asm.call(_TASK_STORAGE_GET)
    asm.jump_if(_EQUAL, 0, 0, "out")
    asm.load(1, 0, 0)
    asm.jump_if(_EQUAL, 1, 0, "out")
    asm.store(10, _TID, 1)
    asm.load(1, _PLAN, offsets.status, size=4)
    asm.jump_if(_HAS, 1, _TS_COMPAT, "out")


def _find_values(asm: _Assembler) -> None:
    """Put what the copies go by in its places."""
    asm.move(1, 10)
    asm.add(1, _REGS)
    asm.set(2, _REGS_BYTES)
    asm.load(3, _CTX, 0)
    asm.call(_READ_KERNEL)
    for index, at in enumerate(_ARGS):
        asm.load(1, 10, _REGS + at)
        asm.store(10, _VALUES + 8 * index, 1)
    asm.load(1, _CTX, 8)
    asm.store(10, _VALUES + 8 * RESULT, 1)
    asm.set(1, 1)
    asm.store(10, _VALUES + 8 * ONCE, 1)
    # Only the lower half is the number.
    asm.load(1, 10, _REGS + _ORIG_AX, size=4)
    asm.store(10, _NUMBER, 1)


def _find_plan(asm: _Assembler, *, is_exit: bool) -> None:
    _look_up(asm, Map.PLANS)
    asm.load(1, 10, _NUMBER)
    asm.jump_if(_ABOVE_OR_EQUAL, 1, NUMBERS, "out")
    asm.multiply(1, 2 * _SIDE_BYTES)
    asm.move(_PLAN, 0)
    asm.add_register(_PLAN, 1)
    if is_exit:
        asm.add(_PLAN, _SIDE_BYTES)
    asm.load(1, _PLAN, 6, size=1)
    asm.jump_if(_EQUAL, 1, 0, "out")
    asm.call(_CPU)
    _look_up(asm, Map.SCRATCH, 0)
    asm.move(_SCRATCH, 0)


def _look_up(asm: _Assembler, which: Map, register: int | None = None) -> None:
    """Put the address of an element into r0, of the first if no register has its number; or leave."""
    if register is None:
        register = 1
        asm.set(register, 0)
    asm.store(10, _KEY, register, size=4)
    asm.map(1, which)
    asm.move(2, 10)
    asm.add(2, _KEY)
    asm.call(_MAP_LOOKUP)
    asm.jump_if(_EQUAL, 0, 0, "out")


def _header(asm: _Assembler, *, is_exit: bool) -> None:
    """Write what every record begins with."""
    asm.load(2, 10, _NUMBER)
    if is_exit:
        asm.set_unsigned(1, _END)
        asm.join(2, 1)
    asm.store(_SCRATCH, 12, 2, size=4)
    asm.load(1, 10, _TID)
    asm.store(_SCRATCH, 8, 1, size=4)
    asm.call(_KTIME)
    asm.store(_SCRATCH, 0, 0)
    values = RESULT + 1 if is_exit else RESULT
    for index in range(values):
        asm.load(1, 10, _VALUES + 8 * index)
        asm.store(_SCRATCH, 16 + 8 * index, 1)
    asm.set(_OFFSET, 16 + 8 * values)


def _value(asm: _Assembler, register: int, at: int) -> None:
    """Load the value whose number stands in the table."""
    asm.load(4, _PLAN, at, size=1)
    asm.mask(4, 7)
    asm.multiply(4, 8)
    asm.move(5, 10)
    asm.add_register(5, 4)
    asm.load(register, 5, _VALUES)


def _copy(asm: _Assembler, number: int, *, is_exit: bool) -> None:
    """Make one copy of the table behind what is there; the offset goes on."""
    row = number * _COPY.size
    behind = asm.name()
    asm.load(1, _PLAN, row + 6, size=1)
    asm.mask(1, _COPIED)
    asm.jump_if(_EQUAL, 1, 0, "write")
    if is_exit:
        always = asm.name()
        asm.load(1, _PLAN, row + 6, size=1)
        asm.jump_if(_HAS, 1, _ALWAYS, always)
        asm.load(1, 10, _VALUES + 8 * RESULT)
        asm.jump_if(_NEGATIVE, 1, 0, behind)
        asm.label(always)
    _length(asm, row, behind)
    _read(asm, row, behind)
    asm.label(behind)


def _length(asm: _Assembler, row: int, behind: str) -> None:
    """Put into r2 how many bytes are wanted."""
    fits = asm.name()
    _value(asm, 2, row + 1)
    asm.jump_if(_NOT_POSITIVE, 2, 0, behind)
    asm.load(3, _PLAN, row + 4, size=2)
    # An int of which only the lower half counts is no larger here.
    asm.put(_NOT_ABOVE_REGISTER, 2, 3, fits)
    asm.move(2, 3)
    asm.label(fits)
    asm.load(3, _PLAN, row + 2, size=2)
    asm.multiply_register(2, 3)
    asm.jump_if(_EQUAL, 2, 0, behind)
    asm.jump_if(_ABOVE, 2, _COPY_MAX, behind)
    asm.store(10, _LENGTH, 2)


def _read(asm: _Assembler, row: int, behind: str) -> None:
    string, read, failed = (asm.name() for _ in range(3))
    _value(asm, 3, row)
    # Where a command says that it is a number, it is a small one.
    asm.jump_if(_NOT_ABOVE, 3, _FIRST_PAGE - 1, behind)
    asm.mask(_OFFSET, _OFFSET_MASK)
    asm.move(1, _SCRATCH)
    asm.add_register(1, _OFFSET)
    asm.store(1, 0, 3)
    asm.store(1, 8, 2, size=4)
    asm.add(1, 16)
    asm.load(4, _PLAN, row + 6, size=1)
    asm.jump_if(_HAS, 4, _STRING, string)
    asm.call(_READ_USER)
    asm.jump_if(_NEGATIVE, 0, 0, failed)
    asm.load(0, 10, _LENGTH)
    asm.jump(read)
    asm.label(string)
    asm.call(_READ_USER_STR)
    asm.jump_if(_NEGATIVE, 0, 0, failed)
    asm.label(read)
    asm.move(1, _SCRATCH)
    asm.add_register(1, _OFFSET)
    asm.store(1, 12, 0, size=4)
    asm.add(0, 16 + 7)
    asm.mask(0, -8)
    asm.add_register(_OFFSET, 0)
    asm.jump(behind)
    asm.label(failed)
    asm.move(1, _SCRATCH)
    asm.add_register(1, _OFFSET)
    asm.store_number(1, 12, -1)
    asm.add(_OFFSET, 16)


def _write(asm: _Assembler) -> None:
    """Put the record into the ring, or count it as lost."""
    kept = asm.name()
    asm.map(1, Map.RING)
    asm.move(2, _SCRATCH)
    asm.move(3, _OFFSET)
    asm.set(4, _NO_WAKEUP)
    asm.call(_RING_OUTPUT)
    asm.jump_if(_EQUAL, 0, 0, kept)
    _look_up(asm, Map.LOST)
    asm.set(1, 1)
    asm.count(0, 1)
    asm.label(kept)


def _wait_if_full(asm: _Assembler, offsets: Offsets) -> None:
    """Let the task wait at the end of its call if much is to be read."""
    asm.map(1, Map.RING)
    asm.set(2, _AVAILABLE)
    asm.call(_RING_QUERY)
    asm.jump_if(_NOT_ABOVE, 0, FULL_BYTES, "out")
    asm.call(_CURRENT_TASK)
    asm.load(2, 0, offsets.blocked)
    asm.set(1, _SIGSTOP)
    asm.jump_if(_HAS, 2, 1 << _SIGTRAP - 1, "send")
    asm.set(1, _SIGTRAP)
    asm.label("send")
    asm.call(_SEND_SIGNAL_THREAD)
