"""What LinuxKernel does to a stopped task: its syscall, registers and memory."""

from __future__ import annotations

import errno
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tracees import build
from tests.waiting import wait_for_state
from utrace.kernel.api import FactKind, ResumeRequest

if TYPE_CHECKING:
    from collections.abc import Iterator


from tests.live.native_rig import NOBODY, NR_EPOLL_WAIT, X86_64, Rig, is_entry


@pytest.fixture
def rig(no_leaks: None) -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


def test_syscall_skipped_and_its_result_chosen(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    rig.until(is_entry(110), tid)
    assert rig.kernel.set_syscall(tid, -1, None)
    assert rig.next(tid)[1:3] == (FactKind.SYSCALL_EXIT, -errno.ENOSYS)
    assert rig.kernel.set_result(tid, -errno.EPERM)
    regs = rig.kernel.get_regs(tid)
    assert regs is not None
    assert len(regs) == 216
    assert int.from_bytes(regs[80:88], "little", signed=True) == -errno.EPERM


def test_syscall_replaced_with_arguments(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    rig.until(is_entry(110), tid)
    kill = 62
    assert rig.kernel.set_syscall(tid, kill, (tid, 0, 2**64 - 1, 0, 0, 0))
    assert rig.next(tid)[1:3] == (FactKind.SYSCALL_EXIT, 0)
    detail = rig.next(tid)[3]
    assert isinstance(detail, tuple)
    assert detail[0] == X86_64


def test_registers_are_written_as_given(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    rig.until(is_entry(110), tid)
    regs = rig.kernel.get_regs(tid)
    assert regs is not None
    changed = (0x1234).to_bytes(8, "little") + regs[8:]
    assert rig.kernel.set_regs(tid, changed)
    assert rig.kernel.get_regs(tid) == changed
    nt_prfpreg, nt_x86_xstate = 2, 0x202
    floating = rig.kernel.get_regset(tid, nt_prfpreg)
    assert floating is not None
    assert len(floating) == 512
    assert rig.kernel.set_regset(tid, nt_prfpreg, floating)
    assert len(rig.kernel.get_regset(tid, nt_x86_xstate) or b"") >= 576


@pytest.mark.requires("x86-64")
def test_debug_registers_keep_what_is_written(rig: Rig) -> None:
    tid = rig.spawn("/bin/true")
    assert rig.kernel.set_debug_register(tid, 0, 0x1000)
    assert rig.kernel.get_debug_register(tid, 0) == 0x1000
    with pytest.raises(OSError, match="Invalid argument"):
        rig.kernel.get_debug_register(tid, 8)


def test_syscall_restart_hides_the_eintr_of_our_interrupt(rig: Rig) -> None:
    waits = "import select; select.epoll().poll()"
    tid = rig.spawn(sys.executable, "-S", "-c", waits)
    rig.until(is_entry(NR_EPOLL_WAIT), tid)
    for nrs, is_restarted in (({X86_64: frozenset({NR_EPOLL_WAIT})}, True), ({}, False)):
        assert rig.kernel.resume(tid, ResumeRequest.CONT, 0)
        wait_for_state(tid, "S")
        assert rig.kernel.interrupt(tid)
        assert rig.next() == (tid, FactKind.TRAP, 0, None)
        assert rig.kernel.syscall_restart(tid, nrs) is is_restarted
        again = rig.next(tid)
        assert again[:3] == (tid, FactKind.SYSCALL_ENTRY, NR_EPOLL_WAIT)


def test_memory_of_a_tracee_its_text_included(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    detail = rig.until(is_entry(110), tid)[-1][3]
    assert isinstance(detail, tuple)
    counter, stack = detail[1], detail[2]
    read, write = rig.kernel.read_memory, rig.kernel.write_memory
    code = read(tid, counter, 16)
    assert len(code) == 16
    assert write(tid, counter, b"\xcc") == 1
    assert read(tid, counter, 16) == b"\xcc" + code[1:]
    assert write(tid, counter, code) == 16
    assert write(tid, stack, b"stack") == 5
    assert rig.kernel.read_cstring(tid, stack, 3) == (b"sta", False)


def stack_top(tid: int) -> int:
    maps = Path(f"/proc/{tid}/maps").read_text(encoding="ascii").splitlines()
    line = next(line for line in maps if line.endswith("[stack]"))
    return int(line.split()[0].partition("-")[2], 16)


def test_memory_ends_with_its_mapping(rig: Rig) -> None:
    tid = rig.spawn(str(build("spins")))
    rig.until(is_entry(110), tid)
    end = stack_top(tid)
    kernel = rig.kernel
    assert kernel.write_memory(tid, end - 10, b"0123456789too long") == 10
    assert kernel.read_memory(tid, end - 10, 18) == b"0123456789"
    assert kernel.read_memory(tid, end - 10_000, 20_000)[-10:] == b"0123456789"
    assert kernel.read_cstring(tid, end - 10, 100) == (b"0123456789", False)
    assert kernel.read_cstring(tid, end - 10, 10) == (b"0123456789", False)
    assert kernel.write_memory(tid, end - 5, b"\0") == 1
    assert kernel.read_cstring(tid, end - 10, 100) == (b"01234", True)
    assert kernel.read_cstring(tid, end - 10, 5) == (b"01234", True)


@pytest.mark.parametrize("address", [0, 1, 0xFFFFFFFFFFFFF000, 0x7FFFFFFFFFFFFFF0, 2**64 - 1])
def test_memory_where_there_is_none(rig: Rig, address: int) -> None:
    tid = rig.spawn("/bin/true")
    assert rig.kernel.read_memory(tid, address, 16) == b""
    assert rig.kernel.read_cstring(tid, address, 16) == (b"", False)
    assert rig.kernel.write_memory(tid, address, b"x") == 0
    assert rig.kernel.read_memory(NOBODY, address, 16) == b""


def test_memory_of_a_hostile_length_is_not_taken_first(rig: Rig) -> None:
    tid = rig.spawn("/bin/true")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert rig.kernel.read_memory(tid, 0, 1 << 40) == b""
    assert rig.kernel.read_cstring(tid, 0, 1 << 40) == (b"", False)
    assert 0 < len(rig.kernel.read_memory(tid, stack_top(tid) - 4096, 1 << 40)) <= 1 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 65536
