"""May one process of a session trace another?  As the kernel would decide, if utrace did not trace both.

Rules of this file:

1. `may_attach` and `may_be_traced` decide, from what is given; `look` finds that out.
2. The kernel's own answer cannot be had: to it the tracee has a tracer.

Reference: ptrace(2) "Ptrace access mode checking"; Linux 6.18 kernel/ptrace.c:__ptrace_may_access(),
security/commoncap.c:cap_ptrace_access_check(), security/yama/yama_lsm.c.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.kernel import procfs
from utrace.kernel.access import CAP_SYS_PTRACE, yama_scope

if TYPE_CHECKING:
    from collections.abc import Mapping

PR_SET_PTRACER: Final = 0x59616D61
ANYONE: Final = -1
"""PR_SET_PTRACER_ANY."""


class Scope(enum.IntEnum):
    """What Yama allows: /proc/sys/kernel/yama/ptrace_scope."""

    CLASSIC = 0
    RELATIONAL = 1
    CAPABILITY = 2
    NO_ATTACH = 3


@dataclass(frozen=True, slots=True)
class Party:
    """A tracer or a tracee.

    Attributes:
        uids: real, effective, saved; `gids` likewise.
        permitted: its permitted capabilities, bit n for capability n; `effective` those in force.
        namespaces: its user namespaces, its own first, each with the effective user who made it.
        is_dumpable: its memory may be looked at by its own user (PR_SET_DUMPABLE).
    """

    uids: tuple[int, int, int]
    gids: tuple[int, int, int]
    permitted: int
    effective: int
    namespaces: tuple[tuple[int, int], ...]
    is_dumpable: bool = True


def _is_capable(tracer: Party, tracee: Party) -> bool:
    """Tell whether a tracer has CAP_SYS_PTRACE in a tracee's user namespace (ns_capable())."""
    mine = tracer.namespaces[0][0]
    outer = [*(number for number, _ in tracee.namespaces[1:]), None]
    for (number, owner), parent in zip(tracee.namespaces, outer, strict=True):
        if number == mine:
            return bool(tracer.effective >> CAP_SYS_PTRACE & 1)
        if parent == mine and owner == tracer.uids[1]:
            # Whoever made a namespace has every capability in it.
            return True
    return False


def _has_all(tracer: Party, tracee: Party) -> bool:
    """Tell whether a tracer could have every capability of a tracee."""
    return tracer.namespaces[0] == tracee.namespaces[0] and not tracee.permitted & ~tracer.permitted


def may_attach(
    tracer: Party,
    tracee: Party,
    *,
    scope: Scope = Scope.CLASSIC,
    descends: bool = False,
    chosen: bool = False,
) -> bool:
    """Decide a PTRACE_ATTACH or PTRACE_SEIZE.

    Args:
        tracer: who asks.
        tracee: whom about; of another process.
        scope: of Yama.
        descends: the tracee is a descendant of the tracer.
        chosen: it has chosen the tracer, or an ancestor of it, by PR_SET_PTRACER.
    """
    if _is_capable(tracer, tracee):
        return scope is not Scope.NO_ATTACH
    return (
        {*tracee.uids} == {tracer.uids[0]}
        and {*tracee.gids} == {tracer.gids[0]}
        and tracee.is_dumpable
        and _has_all(tracer, tracee)
        and (scope is Scope.CLASSIC or (scope is Scope.RELATIONAL and (descends or chosen)))
    )


def may_be_traced(parent: Party, child: Party, *, scope: Scope = Scope.CLASSIC) -> bool:
    """Decide a PTRACE_TRACEME of a child."""
    if _is_capable(parent, child):
        return scope is not Scope.NO_ATTACH
    return scope in {Scope.CLASSIC, Scope.RELATIONAL} and _has_all(parent, child)


def look(tid: int) -> Party | None:
    """Find out about a task; None if it is gone."""
    status = procfs.read_status(tid)
    spaces = procfs.user_namespaces(tid)
    if status is None or not spaces:
        return None
    return Party(
        status.uids,
        status.gids,
        status.permitted,
        status.capabilities,
        spaces,
        # The files of a process that is not dumpable belong to root; of root's own there is no telling.
        is_dumpable=procfs.owner(tid) == status.uids[1],
    )


def attach_is_allowed(tracer: int, tracee: int, chosen: Mapping[int, int]) -> bool:
    """Find out, and decide, a PTRACE_ATTACH or PTRACE_SEIZE; `chosen`: by pid, its PR_SET_PTRACER."""
    mine, its = look(tracer), look(tracee)
    if mine is None or its is None:
        return False
    scope = Scope(yama_scope())
    if scope is not Scope.RELATIONAL:
        return may_attach(mine, its, scope=scope)
    pid = procfs.thread_group(tracee)
    pick = chosen.get(pid)
    return may_attach(
        mine,
        its,
        scope=scope,
        descends=procfs.descends(pid, procfs.thread_group(tracer)),
        chosen=pick == ANYONE or (pick is not None and procfs.descends(procfs.thread_group(tracer), pick)),
    )


def tracing_by_parent_is_allowed(parent: int, child: int) -> bool:
    """Find out, and decide, a PTRACE_TRACEME."""
    its, mine = look(parent), look(child)
    return its is not None and mine is not None and may_be_traced(its, mine, scope=Scope(yama_scope()))
