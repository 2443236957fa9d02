"""Who is told of the stops and ends of a tracer's tracees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from utrace.engines.ptrace import PtraceEngine
    from utrace.engines.ptrace_link import PtraceLink
    from utrace.engines.ptrace_stops import Trap
    from utrace.tracer.task import Task


class Tracer(Protocol):
    """Whoever is told of stops and ends; `ptrace_emu.registry` has it."""

    def stopped(self, link: PtraceLink) -> None:
        """A stop has begun."""
        ...

    def died(self, link: PtraceEngine, status: int, *, delayed: bool) -> None:
        """The tracee is dead; `delayed`: it is a leader, to be waited for after its threads."""
        ...

    def gone(self, link: PtraceEngine) -> None:
        """The engine has left the tracee."""
        ...

    def child(self, link: PtraceEngine, child: Task) -> None:
        """A child is to be traced by the same tracer, with the same options."""
        ...

    def send(self, link: PtraceLink, siginfo: bytes) -> None:
        """Send the tracee a signal."""
        ...

    def whose(self, link: PtraceEngine, siginfo: bytes) -> Trap:
        """Tell whose a SIGTRAP is."""
        ...

    def is_hit(self, link: PtraceLink) -> bool:
        """Tell whether the tracer has a watchpoint that the tracee's last trap was about."""
        ...

    def is_early(self, task: Task, siginfo: bytes) -> bool:
        """Tell whether a signal tells a parent of an end of which the tracer has yet to be told."""
        ...

    def is_untraced_birth(self, task: Task) -> bool:
        """Tell whether the task's present clone was made with CLONE_UNTRACED."""
        ...

    def group_stop_signal(self, link: PtraceLink) -> int:
        """Tell which signal has stopped the tracee's group; 0 if it is not stopped."""
        ...

    def continues(self, link: PtraceLink) -> int:
        """Tell how many SIGCONTs have been sent to a tracee, or its process, as far as that was seen."""
        ...

    def stopped_by(self, link: PtraceLink) -> int:
        """Tell which signal has stopped the tracee's group, if no SIGCONT has come since; 0 if none."""
        ...
