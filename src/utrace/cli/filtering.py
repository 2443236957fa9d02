"""When calls that nobody has chosen run without stops: the seccomp filter of `utrace trace` (D6).

Rule of this file: unasked, a filter is only put in force where the program cannot tell it from tracing
without one, but by looking for it, and where no call is lost by it.

A program cannot get rid of its filter, and without a tracer the calls that it catches fail; so it has to be
known beforehand that nothing will be let go.  Who lacks CAP_SYS_ADMIN may only filter programs that gain no
new privileges: those of set-user-ID files and of file capabilities are lost.  A tracer without CAP_SYS_PTRACE
takes them away by tracing; one that has it does not.

Reference: seccomp(2) "SECCOMP_SET_MODE_FILTER"; capabilities(7), "Safety checking for capability-dumb
binaries"; Linux 6.18 security/commoncap.c:cap_bprm_creds_from_file(), a traced program's execve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.cli.options.settings import Daemon, Interruptible, Needs
from utrace.core.events import Event
from utrace.tracer.engine import syscall_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from utrace.cli.options.settings import TraceOptions
    from utrace.kernel.caps import Caps
    from utrace.tracer.ops import EngineOps

_CAP_SYS_ADMIN: Final = 21


def chooses_filter(options: TraceOptions, engines: Iterable[EngineOps], caps: Caps) -> bool:
    """Tell whether the program is launched with a filter: as asked, else where it does no harm.

    Args:
        options: what is asked.
        engines: what is to be traced.
        caps: what this process may do.
    """
    if options.seccomp is not None:
        return options.seccomp
    return (
        bool(options.program)
        and options.follow
        and _lets_nobody_go(options)
        and all(_are_chosen(ops) for ops in engines)
        and _does_no_harm(caps)
    )


def chooses_tap(options: TraceOptions, engines: Iterable[EngineOps], caps: Caps) -> bool:
    """Tell whether the calls of the program are tapped: where it can be, and does no harm.

    It brings a filter with it, which is to do no harm either, also where no calls are chosen.
    """
    may_be = (
        options.tap
        and options.seccomp is not False
        and bool(options.program)
        and options.follow
        and caps.may_tap
        and (options.seccomp or _lets_nobody_go(options))
        and _does_no_harm(caps)
    )
    if not may_be:
        return False
    from utrace.tracer.taps import tappable  # noqa: PLC0415 - few want it

    return tappable(engines) is not None


def _lets_nobody_go(options: TraceOptions) -> bool:
    return (
        options.daemon is Daemon.NO
        and options.interruptible is not Interruptible.ANYWHERE
        and not options.needs & Needs.LETTING_GO
    )


def _are_chosen(ops: EngineOps) -> bool:
    """Tell whether an engine wants to see some calls only."""
    return not ops.events & Event.SYSCALL or (
        ops.syscalls not in {None, "all"} and syscall_numbers(ops.syscalls) is not None
    )


def _does_no_harm(caps: Caps) -> bool:
    # Under a filter of somebody else's (a container's) calls that it answers would not be seen.
    may_filter = "trace" in caps.seccomp_actions and not caps.seccomp
    return may_filter and why_rights_are_lost(caps, filters=True) == why_rights_are_lost(caps, filters=False)


def why_rights_are_lost(caps: Caps, *, filters: bool) -> str:
    """Say why programs do not get the rights that their files give; "" if we are not to blame."""
    if caps.no_new_privs:
        return ""
    if not caps.may_trace_anything:
        return "traced without CAP_SYS_PTRACE"
    if filters and not caps.capabilities >> _CAP_SYS_ADMIN & 1:
        return "filtered without CAP_SYS_ADMIN"
    return ""
