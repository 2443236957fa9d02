"""One tracee's way through the kernel, from its first stop to its end.

Rules of this file:

1. A life is a generator: it yields engines to call, `Pause.HELD`, `Pause.RUN` when the tracee is
   to be resumed by `request` with `signo`, and `Pause.GONE`; it is sent answers, wakes and facts.
2. `STOPS` is the whole map from what the kernel reports to the file that decides it.
3. A fact that comes while a stop is held means that the stop was broken: whoever feeds the life
   puts it in `superseded` and sends `Wake.KILLED`.

Reference: the spec's section 7.2; Linux 6.18 kernel/signal.c:ptrace_stop(), get_signal().
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.core.engine_life import Engine
from utrace.core.reporting import Pass, Pause, Reply
from utrace.errors import impossible
from utrace.kernel.api import Fact, FactKind
from utrace.tracehook.births import birth_stop, vfork_done_stop
from utrace.tracehook.deaths import death, exit_event_stop, reaped, zombie_leader
from utrace.tracehook.execve import exec_stop
from utrace.tracehook.group_stop import group_stop, trap_stop
from utrace.tracehook.passed import passed
from utrace.tracehook.seccomp import is_theirs, seccomp_stop
from utrace.tracehook.signals import signal_stop
from utrace.tracehook.syscalls import entry_stop, exit_stop, leave_entry, leave_exit
from utrace.tracehook.tracee import SYSCALL_REQUEST, Tracee

if TYPE_CHECKING:
    from collections.abc import Mapping

Life: TypeAlias = Generator[Engine | Pause, Fact | Reply, None]

#: Total but for the stops that `live` takes by itself.
STOPS: Final[Mapping[int, Callable[[Tracee, Fact], Pass]]] = {
    FactKind.SIGNAL: signal_stop,
    FactKind.FORK: birth_stop,
    FactKind.VFORK: birth_stop,
    FactKind.CLONE: birth_stop,
    FactKind.VFORK_DONE: vfork_done_stop,
    FactKind.EXEC: exec_stop,
    FactKind.EXIT: exit_event_stop,
    FactKind.DEATH: death,
    FactKind.ZOMBIE_LEADER: zombie_leader,
    FactKind.REAPED: reaped,
}

_EXECVE: Final = {0xC000003E: 59, 0x40000003: 11, 0xC00000B7: 221}
"""The number of execve, by audit arch."""

_SYSCALL_ENTRY: Final = int(FactKind.SYSCALL_ENTRY)
_SECCOMP: Final = int(FactKind.SECCOMP)
_SYSCALL_EXIT: Final = int(FactKind.SYSCALL_EXIT)
_TRAP: Final = int(FactKind.TRAP)
_GROUP_STOP: Final = int(FactKind.GROUP_STOP)
_RUN: Final = Pause.RUN
_LATE: Final = int(FactKind.LATE)
_ENDS: Final = frozenset({FactKind.EXIT, FactKind.DEATH})


def live(tracee: Tracee, *, launched: bool = False) -> Life:  # noqa: C901, PLR0912 — D14: written out
    """Live a tracee's life.  `launched`: it is a child of ours that has yet to run its program."""
    fact = yield Pause.RUN
    if launched:
        fact = yield from _launch(tracee, fact)
    while True:
        if not isinstance(fact, tuple):
            impossible("a running tracee is sent facts", tracee=tracee.tid, got=fact)
        kind = fact[1]
        if kind == _LATE:
            # It runs on meanwhile, or is dead.
            yield from passed(tracee, fact)
            if tracee.over:
                return
            fact = yield Pause.GONE if tracee.gone else Pause.RUN
            continue
        tracee.running = False
        nudged, tracee.nudged = tracee.nudged, False
        if kind == _SYSCALL_EXIT:
            ended = exit_stop(tracee, fact)
            if ended is not None:
                yield from ended
            last = leave_exit(tracee)
            if last is not None:
                yield from last
        elif kind == _SYSCALL_ENTRY or (kind == _SECCOMP and not tracee.at_entry and not is_theirs(fact)):
            report = entry_stop(tracee, fact)
            if report is None or not (yield from report):
                leave_entry(tracee)
        elif kind == _SECCOMP:
            yield from seccomp_stop(tracee, fact)
        elif kind == _TRAP:
            yield from trap_stop(tracee, fact, nudged=nudged)
        elif kind == _GROUP_STOP:
            yield from group_stop(tracee, fact, nudged=nudged)
        else:
            yield from STOPS[kind](tracee, fact)
        if tracee.over:
            return
        if tracee.superseded is not None:
            fact, tracee.superseded = tracee.superseded, None
        elif tracee.gone:
            fact = yield Pause.GONE
        else:
            tracee.running = True
            fact = yield _RUN


def _launch(tracee: Tracee, fact: Fact | Reply) -> Generator[Engine | Pause, Fact | Reply, Fact | Reply]:
    """Swallow what the launch itself does; the first thing shown is the program's own execve."""
    while isinstance(fact, tuple) and fact[1] not in _ENDS:
        _, kind, nr, detail = fact
        if kind in {_SYSCALL_ENTRY, _SECCOMP} and isinstance(detail, tuple) and _EXECVE.get(detail[0]) == nr:
            break
        tracee.signo = nr if kind == FactKind.SIGNAL else 0
        tracee.request = SYSCALL_REQUEST
        fact = yield Pause.RUN
    return fact
