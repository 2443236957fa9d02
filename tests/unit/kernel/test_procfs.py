from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from utrace.kernel import procfs
from utrace.kernel.api import Disposition

NOBODY = 0x3FFFFFFF

STATUS = """\
Name:\tmy: (prog)
Umask:\t0022
State:\tt (tracing stop)
Tgid:\t41
Ngid:\t0
Pid:\t42
PPid:\t7
TracerPid:\t99
Uid:\t1000\t1001\t1002\t1003
Gid:\t10\t11\t12\t13
VmSize:\t1000 kB
SigPnd:	0000000000000400
ShdPnd:\t0000000000000800
SigBlk:\t0000000000000001
SigIgn:\t0000000000001000
SigCgt:\t8000000000000000
CapPrm:\t0000000000180000
CapEff:\t0000000000080000
"""


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(procfs, "PROC", tmp_path)
    (tmp_path / "42").mkdir()
    return tmp_path


def test_read_status_takes_each_field(proc: Path) -> None:
    (proc / "42" / "status").write_text(STATUS)
    status = procfs.read_status(42)
    assert status is not None
    assert (status.name, status.state, status.tgid, status.ppid, status.tracer) == (
        "my: (prog)",
        "t",
        41,
        7,
        99,
    )
    assert status.uids == (1000, 1001, 1002)
    assert status.gids == (10, 11, 12)
    assert (status.capabilities, status.permitted) == (1 << 19, 3 << 19)
    assert status.disposition == Disposition(
        blocked=1, ignored=1 << 12, caught=1 << 63, queued=1 << 10, shared=1 << 11
    )
    assert not status.is_kernel_thread


@pytest.mark.parametrize(
    ("text", "is_kernel_thread"),
    [
        (STATUS + "Kthread:\t1\n", True),
        (STATUS + "Kthread:\t0\n", False),
        (STATUS.replace("VmSize:\t1000 kB\n", "Kthread:\t0\n"), False),
        (STATUS.replace("VmSize:\t1000 kB\n", ""), True),
        (STATUS.replace("VmSize:\t1000 kB\n", "").replace("t (tracing stop)", "Z (zombie)"), False),
    ],
)
def test_read_status_kernel_thread_by_flag_or_by_lack_of_memory(
    proc: Path, text: str, is_kernel_thread: bool
) -> None:
    (proc / "42" / "status").write_text(text)
    status = procfs.read_status(42)
    assert status is not None
    assert status.is_kernel_thread is is_kernel_thread


@pytest.mark.parametrize("text", ["", "Name:\tx\n", STATUS.replace("SigCgt", "Other")])
def test_read_status_cut_short_is_nobody(proc: Path, text: str) -> None:
    (proc / "42" / "status").write_text(text)
    assert procfs.read_status(42) is None


def test_read_status_name_of_any_bytes(proc: Path) -> None:
    (proc / "42" / "status").write_bytes(STATUS.encode().replace(b"my: (prog)", b"\xff\xfe"))
    status = procfs.read_status(42)
    assert status is not None
    assert os.fsencode(status.name) == b"\xff\xfe"


def test_nobody_is_none_or_empty() -> None:
    assert procfs.read_status(NOBODY) is None
    assert procfs.parentage(NOBODY) is None
    assert procfs.disposition(NOBODY) is None
    assert procfs.comm(NOBODY) is None
    assert procfs.blocked_syscall(NOBODY) is None
    assert procfs.threads(NOBODY) == []
    assert procfs.children(NOBODY) == []


def test_parentage_of_ourselves() -> None:
    assert procfs.parentage(os.getpid()) == (os.getpid(), os.getppid())


def test_parentage_of_a_thread_is_that_of_its_group() -> None:
    found = []

    def look() -> None:
        found.append((threading.get_native_id(), procfs.parentage(threading.get_native_id())))

    other = threading.Thread(target=look)
    other.start()
    other.join()
    tid, parentage = found[0]
    assert tid != os.getpid()
    assert parentage == (os.getpid(), os.getppid())


def test_threads_lists_the_leader_and_the_others() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert {os.getpid(), other.native_id} <= set(procfs.threads(os.getpid()))
    finally:
        done.set()
        other.join()


def test_disposition_tells_blocked_ignored_and_caught() -> None:
    bit = 1 << (signal.SIGUSR2 - 1)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    handler = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        blocked = procfs.disposition(os.getpid())
        signal.signal(signal.SIGUSR2, lambda *_: None)
        caught = procfs.disposition(os.getpid())
    finally:
        signal.signal(signal.SIGUSR2, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert blocked is not None
    assert caught is not None
    assert (blocked.blocked & bit, blocked.ignored & bit, blocked.caught & bit) == (bit, bit, 0)
    assert (caught.ignored & bit, caught.caught & bit) == (0, bit)


def test_comm_is_the_name_of_the_thread() -> None:
    assert procfs.comm(os.getpid()) == Path("/proc/self/comm").read_text(encoding="utf-8").rstrip("\n")


def test_children_are_the_processes_a_thread_made() -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    try:
        assert child in procfs.children(threading.get_native_id())
    finally:
        os.close(write)
        os.waitpid(child, 0)
        os.close(read)
    assert child not in procfs.children(threading.get_native_id())
