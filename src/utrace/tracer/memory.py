"""A task's memory, as far as it is mapped.

Reference: process_vm_readv(2); /proc/PID/mem in proc(5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.errors import BadAddress

if TYPE_CHECKING:
    from utrace.kernel.api import Kernel

CSTRING_LIMIT_BYTES = 1 << 20
_POINTER_BITS = 64


class Memory:
    """The memory of one process, read through one of its tasks.

    Reading a running task is allowed: what is read may change meanwhile.  `memory[a:b]` reads,
    `memory[a:b] = data` writes.
    """

    __slots__ = ("_access", "tid")

    def __init__(self, access: Kernel, tid: int) -> None:
        self._access = access
        self.tid = tid

    def read(self, address: int, length: int) -> bytes:
        """Read up to `length` bytes; fewer, down to none, where the memory ends."""
        if address >> _POINTER_BITS:
            # A member of what a bad pointer points to.
            return b""
        return self._access.read_memory(self.tid, address, length)

    def read_exact(self, address: int, length: int) -> bytes:
        """Read `length` bytes.

        Raises:
            BadAddress: not all of them are mapped and readable.
        """
        data = self.read(address, length)
        if len(data) != length:
            message = f"only {len(data)} of {length} bytes at {address:#x} can be read"
            raise BadAddress(message)
        return data

    def read_cstring(self, address: int, limit: int = CSTRING_LIMIT_BYTES) -> tuple[bytes, bool]:
        """Read up to a NUL, which is not returned; False if none was found in `limit` bytes."""
        return self._access.read_cstring(self.tid, address, limit)

    def cstring(self, address: int, limit: int = CSTRING_LIMIT_BYTES) -> bytes:
        """Read a whole C string.

        Raises:
            BadAddress: it is not terminated in the memory mapped there, or in `limit` bytes.
        """
        data, terminated = self.read_cstring(address, limit)
        if not terminated:
            message = f"no C string of at most {limit} bytes at {address:#x}"
            raise BadAddress(message)
        return data

    def write(self, address: int, data: bytes) -> None:
        """Write, also to pages the task itself may not write.

        Raises:
            BadAddress: part of it is not mapped; what was before that part is written.
        """
        written = self._access.write_memory(self.tid, address, data)
        if written != len(data):
            message = f"only {written} of {len(data)} bytes at {address:#x} could be written"
            raise BadAddress(message)

    def __getitem__(self, where: slice[int, int, None]) -> bytes:
        return self.read_exact(where.start, where.stop - where.start)

    def __setitem__(self, where: slice[int, int, None], data: bytes) -> None:
        if len(data) != where.stop - where.start:
            message = f"{len(data)} bytes do not fit {where.start:#x}:{where.stop:#x}"
            raise BadAddress(message)
        self.write(where.start, data)
