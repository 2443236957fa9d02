from __future__ import annotations

import errno
import struct
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from utrace.errors import BadAddress
from utrace.ptrace_emu import memory_files
from utrace.ptrace_emu.breakpoints import INT3, Breakpoint, Breakpoints
from utrace.ptrace_emu.i386 import AUDIT

if TYPE_CHECKING:
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import Loop
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

TRACER, OTHER, TRACEE = 7, 8, 9
CODE = 0x2000
VECTORS, BUFFER = 0x100, 0x200
X86_64 = 0xC000003E


class Memory:
    """One page, at an address."""

    def __init__(self, base: int) -> None:
        self.base = base
        self.page = bytearray(0x1000)

    def read(self, address: int, length: int) -> bytes:
        at = address - self.base
        return bytes(self.page[at : at + length]) if 0 <= at < len(self.page) else b""

    def read_exact(self, address: int, length: int) -> bytes:
        data = self.read(address, length)
        if len(data) != length:
            raise BadAddress
        return data

    def write(self, address: int, data: bytes) -> None:
        self.read_exact(address, len(data))
        self.page[address - self.base : address - self.base + len(data)] = data


class Rig:
    """A tracer, its tracee, and another debugger's breakpoint in that."""

    def __init__(self) -> None:
        self.own, self.code = Memory(0), Memory(CODE)
        self.tracee = SimpleNamespace(pid=TRACEE, tid=TRACEE, memory=self.code)
        self.link = SimpleNamespace(tracee=self.tracee)
        self.breakpoints = Breakpoints()
        self.code.page[:8] = b"\x55\xcc\x89\xe5\x90\x90\x90\xc3"
        self.breakpoints._memories[TRACEE] = SimpleNamespace(  # type: ignore[assignment]
            inserted={CODE + 1: Breakpoint(0x48, {OTHER})}, seen={CODE + 1}, copies={}
        )

    def find(self, tracer_pid: int, _tracee: object) -> object:
        return self.link if tracer_pid == TRACER else None

    def call(
        self, name: str, own: list[tuple[int, int]], remote: list[tuple[int, int]], *, arch: int = X86_64
    ) -> int | None:
        form = struct.Struct("<QQ" if arch == X86_64 else "<II")
        vectors = b"".join(form.pack(*vector) for vector in (*own, *remote))
        self.own.write(VECTORS, vectors)
        raw = (TRACEE, VECTORS, len(own), VECTORS + form.size * len(own), len(remote), 0)
        return memory_files.answer(
            cast("Registry", self),
            cast(
                "Loop",
                SimpleNamespace(tracees=SimpleNamespace(by_tid={TRACEE: SimpleNamespace(handle=self)})),
            ),
            cast("Task", SimpleNamespace(pid=TRACER, tid=TRACER, memory=self.own)),
            cast("Syscall", SimpleNamespace(name=name, arch=arch, raw=raw)),
        )


@pytest.mark.parametrize("arch", [X86_64, AUDIT])
def test_anothers_breakpoint_is_not_read_by_vectors(arch: int) -> None:
    rig = Rig()
    own, remote = [(BUFFER, 3), (BUFFER + 16, 9)], [(CODE, 2), (CODE + 2, 6)]
    assert rig.call("process_vm_readv", own, remote, arch=arch) == 8
    assert rig.own.read(BUFFER, 3) + rig.own.read(BUFFER + 16, 5) == b"\x55\x48\x89\xe5\x90\x90\x90\xc3"
    assert rig.code.page[1] == INT3


def test_a_read_by_vectors_ends_where_memory_ends() -> None:
    rig = Rig()
    assert rig.call("process_vm_readv", [(BUFFER, 64)], [(CODE + 0xFF0, 32), (CODE, 8)]) == 16
    assert rig.call("process_vm_readv", [(BUFFER, 64)], [(8, 8)]) == -errno.EFAULT


@pytest.mark.parametrize("own", [(0x5000, 8), (0xFFFF, 8)])
def test_a_read_to_nowhere_is_a_bad_address(own: tuple[int, int]) -> None:
    assert Rig().call("process_vm_readv", [own], [(CODE, 8)]) == -errno.EFAULT
