"""Dead children that nobody has waited for."""

from __future__ import annotations

import os
import subprocess

from tests.waiting import wait_for_state
from utrace.ptrace_emu.dead_children import DeadChildren

TRACEE = 7


def anybody(_pid: int) -> bool:
    return True


def died() -> subprocess.Popen[bytes]:
    child = subprocess.Popen(["true"])
    wait_for_state(child.pid, "Z")
    return child


def test_a_dead_child_is_there_until_its_parent_has_waited() -> None:
    me, dead = os.getpid(), DeadChildren()
    with died() as child:
        dead.add(me, child.pid, 3)
        dead.add(1, child.pid, 3)
        assert dead.has(me)
        assert not dead.has(1), "it has another parent"
    assert not dead.has(me)


def test_who_is_younger_or_no_child_comes_after_a_dead_child() -> None:
    me, dead = os.getpid(), DeadChildren()
    with died() as child:
        dead.add(me, child.pid, 3)
        assert dead.come_before(me, anybody, TRACEE, 4)
        assert dead.come_before(me, anybody, TRACEE, None)
        assert not dead.come_before(me, lambda pid: pid != child.pid, TRACEE, None)


def test_an_older_child_comes_before_a_dead_one_once() -> None:
    me, dead = os.getpid(), DeadChildren()
    with died() as child:
        dead.add(me, child.pid, 3)
        assert not dead.come_before(me, anybody, TRACEE, 2)
        assert not dead.come_before(me, anybody, TRACEE + 1, 1)
        assert dead.come_before(me, anybody, TRACEE, 2)


def test_a_parent_that_is_gone_is_forgotten() -> None:
    me, dead = os.getpid(), DeadChildren()
    with died() as child:
        dead.add(me, child.pid, 3)
        dead.forget(me)
        assert not dead.has(me)
