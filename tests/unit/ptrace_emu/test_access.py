"""Who may trace whom, case by case of __ptrace_may_access(), commoncap and Yama."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from utrace.kernel.access import CAP_SYS_PTRACE
from utrace.ptrace_emu.access import Party, Scope, look, may_attach, may_be_traced

CAPABLE = 1 << CAP_SYS_PTRACE
OTHER_CAPABILITY = 1 << 3
OURS = ((4026531837, 0),)
INNER = ((4026532000, 1000), *OURS)
USER = Party((1000,) * 3, (1000,) * 3, 0, 0, OURS)
ROOT = Party((0,) * 3, (0,) * 3, CAPABLE | OTHER_CAPABILITY, CAPABLE | OTHER_CAPABILITY, OURS)
BARE_ROOT = replace(ROOT, permitted=0, effective=0)


@pytest.mark.parametrize(
    ("tracer", "tracee", "allowed"),
    [
        (USER, USER, True),
        (USER, ROOT, False),
        (ROOT, USER, True),
        (ROOT, ROOT, True),
        (BARE_ROOT, ROOT, False),
        (BARE_ROOT, BARE_ROOT, True),
        (USER, replace(USER, uids=(1000, 0, 1000)), False),
        (USER, replace(USER, gids=(1000, 1000, 7)), False),
        (replace(USER, uids=(1000, 0, 0)), USER, True),
        (USER, replace(USER, is_dumpable=False), False),
        (ROOT, replace(USER, is_dumpable=False), True),
        (USER, replace(USER, permitted=OTHER_CAPABILITY), False),
        (replace(USER, permitted=OTHER_CAPABILITY), replace(USER, permitted=OTHER_CAPABILITY), True),
        (replace(USER, permitted=CAPABLE), replace(USER, is_dumpable=False), False),
        (USER, replace(USER, namespaces=INNER, permitted=CAPABLE), True),
        (replace(USER, uids=(1001,) * 3), replace(USER, namespaces=INNER), False),
        (replace(ROOT, uids=(1001,) * 3), replace(USER, namespaces=INNER), True),
        (replace(ROOT, namespaces=INNER), USER, False),
    ],
)
def test_attaching_goes_by_users_capabilities_and_dumpability(
    tracer: Party, tracee: Party, allowed: bool
) -> None:
    assert may_attach(tracer, tracee) is allowed


@pytest.mark.parametrize("capable", [False, True])
@pytest.mark.parametrize(("descends", "chosen"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("scope", Scope)
def test_yama_has_its_say(scope: Scope, descends: bool, chosen: bool, capable: bool) -> None:
    allowed = {
        Scope.CLASSIC: True,
        Scope.RELATIONAL: descends or chosen or capable,
        Scope.CAPABILITY: capable,
        Scope.NO_ATTACH: False,
    }[scope]
    tracer = ROOT if capable else USER
    assert may_attach(tracer, USER, scope=scope, descends=descends, chosen=chosen) is allowed


@pytest.mark.parametrize(
    ("parent", "child", "scope", "allowed"),
    [
        (USER, USER, Scope.CLASSIC, True),
        (USER, USER, Scope.RELATIONAL, True),
        (USER, USER, Scope.CAPABILITY, False),
        (ROOT, USER, Scope.CAPABILITY, True),
        (ROOT, USER, Scope.NO_ATTACH, False),
        (USER, ROOT, Scope.CLASSIC, False),
        # Neither users nor dumpability matter to a child that asks for it itself.
        (USER, replace(USER, uids=(7, 7, 7), is_dumpable=False), Scope.CLASSIC, True),
    ],
)
def test_a_child_may_ask_for_it(parent: Party, child: Party, scope: Scope, allowed: bool) -> None:
    assert may_be_traced(parent, child, scope=scope) is allowed


def test_look_finds_out_about_this_process() -> None:
    found = look(os.getpid())
    assert found is not None
    assert found.uids == os.getresuid()
    assert found.gids == os.getresgid()
    assert found.namespaces[0][0] == Path("/proc/self/ns/user").stat().st_ino
    assert found.is_dumpable
    assert look(1 << 22 | 1) is None
