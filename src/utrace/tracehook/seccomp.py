"""PTRACE_EVENT_SECCOMP: the last stop before a system call is made.

Rules of this file:

1. It stands for the entry, where that showed no stop; our own filter asks for no more.
2. A filter of the program's own asks for a tracer of its own: the engines that stop at events are told, and
   if there is none that takes it, the call fails with ENOSYS.
3. Whoever has the last word is told of the entry here, when all others have let go.

Reference: seccomp(2) "SECCOMP_RET_TRACE"; ptrace(2) "PTRACE_EVENT_SECCOMP stops"; Linux 6.18
kernel/seccomp.c:__seccomp_filter(), kernel/entry/common.c:syscall_trace_enter().
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import SYSCALL_ENTRY
from utrace.core.reporting import report_last_word, report_seccomp
from utrace.core.verdicts import SyscallAction
from utrace.kernel.seccomp import OUR_DATA
from utrace.tracehook.syscalls import current_number, entry_stop, leave_entry
from utrace.tracehook.tracee import CONT_REQUEST, SYSCALL_REQUEST

if TYPE_CHECKING:
    from utrace.core.reporting import Pass
    from utrace.kernel.api import Fact
    from utrace.tracehook.tracee import Tracee

_DATA: Final = 9


def is_theirs(fact: Fact) -> bool:
    """Tell whether a filter of the program's own has asked for a seccomp stop."""
    detail = fact[3]
    return isinstance(detail, tuple) and detail[_DATA] != OUR_DATA


def seccomp_stop(tracee: Tracee, fact: Fact) -> Pass:
    """Decide a seccomp stop that does more than stand for an entry."""
    task = tracee.task
    known = _is_of_known_entry(tracee, fact)
    if known and tracee.abort_result is not None:
        # An engine has made the call itself: what is left of it is nobody's.
        return
    if not known:
        report = entry_stop(tracee, fact)
        tracee.more_to_come = is_theirs(fact)
        if report is None:
            task.syscall_action = SyscallAction.RUN
        elif (yield from report):
            return
    asked = not known and not tracee.more_to_come
    tracee.at_entry = tracee.more_to_come = taken = False
    if task.syscall_action is not SyscallAction.ABORT and is_theirs(fact):
        task.occurrence = fact
        taken = yield from report_seccomp(task)
        if tracee.superseded is not None:
            return
        if not taken:
            task.syscall_action, task.syscall_result = SyscallAction.ABORT, None
    if task.mask & SYSCALL_ENTRY and not asked and task.syscall_action is not SyscallAction.ABORT:
        yield from report_last_word(task, tracee.arch, current_number(tracee) if taken else tracee.nr)
    if known and not taken and task.syscall_action is SyscallAction.RUN and tracee.request not in _NO_STEPS:
        # A step armed at the entry is still to be made.
        return
    leave_entry(tracee)


_NO_STEPS: Final = frozenset({CONT_REQUEST, SYSCALL_REQUEST})


def _is_of_known_entry(tracee: Tracee, fact: Fact) -> bool:
    """Tell whether the entry of this call has been seen in a stop of its own.

    Resumed by CONT from there, the stop may be of a later call; but then, of a call with other arguments:
    what a filter says depends on nothing else.
    """
    if not tracee.at_entry or tracee.entry is None:
        return False
    detail, before = fact[3], tracee.entry[3]
    return tracee.in_syscall or (
        isinstance(detail, tuple)
        and isinstance(before, tuple)
        and (fact[2], detail[:_DATA]) == (tracee.entry[2], before[:_DATA])
    )
