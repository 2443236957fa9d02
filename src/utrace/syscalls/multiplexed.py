"""Calls of i386 behind which there are many: socketcall and ipc, and those with all arguments in memory.

Reference: socketcall(2), ipc(2); net/socket.c:sys_socketcall(), ipc/syscall.c:ksys_ipc() (Linux 6.1).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utrace.syscalls.memory import Memory


class Unfold(NamedTuple):
    """One number behind which there are many calls.

    Attributes:
        find: registers and memory -> the call that is meant and its arguments; None if they cannot be read.
        calls: those that can be meant.
    """

    find: Callable[[Sequence[int], Memory], tuple[str, Sequence[int]] | None]
    calls: tuple[str, ...]


_REGISTERS: Final = 6
_WORD: Final = 4

#: Number of a socketcall -> the call, and how many arguments it has.
_SOCKET_CALLS: Final = {
    1: ("socket", 3),
    2: ("bind", 3),
    3: ("connect", 3),
    4: ("listen", 2),
    5: ("accept", 3),
    6: ("getsockname", 3),
    7: ("getpeername", 3),
    8: ("socketpair", 4),
    9: ("send", 4),
    10: ("recv", 4),
    11: ("sendto", 6),
    12: ("recvfrom", 6),
    13: ("shutdown", 2),
    14: ("setsockopt", 5),
    15: ("getsockopt", 5),
    16: ("sendmsg", 3),
    17: ("recvmsg", 3),
    18: ("accept4", 4),
    19: ("recvmmsg", 5),
    20: ("sendmmsg", 4),
}

#: Number of an ipc -> the call, and which registers behind the number are its arguments, in its order.
_IPC_CALLS: Final = {
    1: ("semop", (1, 4, 2)),
    2: ("semget", (1, 2, 3)),
    3: ("old_semctl", (1, 2, 3, 4)),
    4: ("semtimedop", (1, 4, 2, 5)),
    11: ("msgsnd", (1, 4, 2, 3)),
    12: ("msgrcv", (1, 4, 2, 5, 3)),
    13: ("msgget", (1, 2)),
    14: ("msgctl", (1, 2, 4)),
    21: ("shmat", (1, 4, 2)),
    22: ("shmdt", (4,)),
    23: ("shmget", (1, 2, 3)),
    24: ("shmctl", (1, 2, 4)),
}
_MSGRCV: Final = 12


def _words(address: int, count: int, memory: Memory) -> list[int] | None:
    data = memory.read(address, count * _WORD) if address else b""
    if len(data) < count * _WORD:
        return None
    return [*struct.unpack(f"<{count}I", data)] + [0] * (_REGISTERS - count)


def _socketcall(raw: Sequence[int], memory: Memory) -> tuple[str, Sequence[int]] | None:
    """Find the call of a socket that is meant."""
    known = _SOCKET_CALLS.get(raw[0] & 0xFFFFFFFF)
    words = None if known is None else _words(raw[1], known[1], memory)
    return None if known is None or words is None else (known[0], words)


def _ipc(raw: Sequence[int], memory: Memory) -> tuple[str, Sequence[int]] | None:
    """Find the call of System V IPC that is meant; its version is in the upper half of the number."""
    number, version = raw[0] & 0xFFFF, raw[0] >> 16 & 0xFFFF
    known = _IPC_CALLS.get(number)
    if known is None:
        return None
    name, places = known
    words = [raw[place] for place in places]
    if number == _MSGRCV and not version:
        # The old form has pointer and type of the message in a struct.
        pair = _words(raw[4], 2, memory)
        if pair is None:
            return None
        words[1], words[3] = pair[:2]
    return name, words + [0] * (_REGISTERS - len(words))


def unfold_block(name: str, count: int) -> Unfold:
    """Make the function for a call whose only argument points to all that it has."""

    def unfold(raw: Sequence[int], memory: Memory) -> tuple[str, Sequence[int]] | None:
        words = _words(raw[0], count, memory)
        return None if words is None else (name, words)

    return Unfold(unfold, (name,))


SOCKETCALL: Final = Unfold(_socketcall, tuple(name for name, _ in _SOCKET_CALLS.values()))
IPC: Final = Unfold(_ipc, tuple(name for name, _ in _IPC_CALLS.values()))
