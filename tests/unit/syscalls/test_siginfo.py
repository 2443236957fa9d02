from __future__ import annotations

import signal
import struct

import pytest

from utrace.errors import Misuse
from utrace.syscalls import decode_siginfo, encode_siginfo
from utrace.syscalls.abi import I386
from utrace.syscalls.render import render_exit, render_signal, render_stopped


def test_child_exit_has_its_fields() -> None:
    info = decode_siginfo(struct.pack("<3i4xiIi4xqq", signal.SIGCHLD, 0, 1, 100, 7, 3, 1, 2))
    assert (info.si_signo, info.si_code, info.si_pid, info.si_uid, info.si_status) == (17, 1, 100, 7, 3)
    assert info.code.name == "CLD_EXITED"
    assert render_signal(info) == (
        "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=100, si_uid=7,"
        " si_status=3, si_utime=1 /* 0.01 s */, si_stime=2 /* 0.02 s */} ---"
    )


def test_child_kill_shows_its_status_as_a_signal() -> None:
    info = decode_siginfo(struct.pack("<3i4xiIi4xqq", signal.SIGCHLD, 0, 2, 100, 7, 9, 0, 0))
    assert "si_status=SIGKILL" in render_signal(info)


def test_fault_has_an_address() -> None:
    info = decode_siginfo(struct.pack("<3i4xQ", signal.SIGSEGV, 0, 1, 0))
    assert render_signal(info) == "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---"


def test_kernel_layout_of_i386_is_shorter() -> None:
    info = decode_siginfo(struct.pack("<3iiI", signal.SIGUSR1, 0, 0, 55, 66), I386)
    assert (info.si_pid, info.si_uid) == (55, 66)


def test_field_of_another_kind_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="SIGSEGV with SEGV_MAPERR has no si_pid"):
        _ = decode_siginfo(struct.pack("<3i4xQ", signal.SIGSEGV, 0, 1, 0)).si_pid


def test_changes_keep_the_other_bytes() -> None:
    info = decode_siginfo(struct.pack("<3i4xiIi4xqq", signal.SIGCHLD, 0, 1, 100, 7, 3, 1, 2))
    changed = info.with_changes(si_pid=5, si_status=4)
    assert (changed.si_pid, changed.si_uid, changed.si_status, changed.si_stime) == (5, 7, 4, 2)
    assert (changed.si_signo, changed.si_code) == (17, 1)
    assert info.si_pid == 100


def test_changed_signal_changes_the_fields_there_are() -> None:
    info = encode_siginfo(signal.SIGUSR1, si_pid=1, si_uid=2)
    fault = info.with_changes(si_signo=signal.SIGSEGV, si_code=1, si_addr=0x10)
    assert fault.si_addr == 0x10
    with pytest.raises(Misuse, match="has no si_addr"):
        info.with_changes(si_addr=1)
    with pytest.raises(Misuse, match="siginfo"):
        info.with_changes(si_pid=1 << 40)


def test_encoded_siginfo_decodes_to_itself() -> None:
    info = encode_siginfo(signal.SIGRTMIN + 2, code=-1, si_pid=9, si_uid=8, si_value=7)
    again = decode_siginfo(info.raw)
    assert again == info
    assert len(info.raw) == 128
    assert again.to_data() == info.to_data()


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (0, "+++ exited with 0 +++"),
        (7 << 8, "+++ exited with 7 +++"),
        (9, "+++ killed by SIGKILL +++"),
        (0x8B, "+++ killed by SIGSEGV (core dumped) +++"),
    ],
)
def test_end_of_a_task(status: int, line: str) -> None:
    assert render_exit(status) == line


def test_group_stop() -> None:
    assert render_stopped(19) == "--- stopped by SIGSTOP ---"
