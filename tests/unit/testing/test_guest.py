from __future__ import annotations

import pytest

from utrace.testing import Exit, Fork, Restart, Syscall, blocking, digest
from utrace.testing.guest import syscall_number


def test_digest_changed_program_differs() -> None:
    before = digest({"main": (Fork((Exit(1),)),)})
    assert before == digest({"main": (Fork((Exit(1),)),)})
    assert before != digest({"main": (Fork((Exit(2),)),)})


def test_syscall_number_by_name_and_by_number() -> None:
    assert syscall_number("getpid") == 39
    assert syscall_number("400") == 400
    with pytest.raises(KeyError):
        syscall_number("no_such_call")


def test_blocking_epoll_wait_is_not_restarted() -> None:
    assert blocking("epoll_wait") == Syscall("epoll_wait", blocking=Restart.EINTR)
