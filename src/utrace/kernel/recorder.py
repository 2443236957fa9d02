"""The seam of the recording tier: stops that one engine alone wants to see, and later, are no facts.

Rule of this file: it is part of `kernel.api`, and as pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.kernel.api import Fact
    from utrace.kernel.recorded import Batch, Program
    from utrace.kernel.screens import Screen
    from utrace.kernel.tap_program import Plan


class Recorder(Protocol):
    """The recording tier of a kernel: stops that one engine alone wants to see, and later, are no facts.

    A recorded tracee's system calls are recorded, or let go, as `teach` says; what nothing was said about
    comes as a fact, as every other stop does but those that are passed on (`start_recording`).  All methods
    but one may be called from any thread.
    """

    def add_sink(self, text_max: int, items_max: int, cpu_times: bool, /) -> int:  # noqa: FBT001
        """Make a place for what one engine wants; its number."""
        ...

    def teach(
        self,
        sink: int,
        arch: int,
        nr: int,
        program: Program | None,
        wanted: bool,  # noqa: FBT001
        screens: tuple[Screen, Screen],
        /,
    ) -> None:
        """Say what is done with a call: recorded by `program`, or told, or, if not `wanted`, let go.

        One whose registers do not pass the first screen is let go; one that was recorded and does not pass
        the second, at its end, is forgotten.
        """
        ...

    def tap(self, sink: int, plans: Mapping[int, Plan], /) -> bool:
        """Record calls of x86-64 without stops from now on, where a task has joined; for the tracer thread.

        Args:
            sink: of the engine that wants them.
            plans: by number, what is copied of the calls that are told.

        Returns:
            Whether that can be: it takes a kernel with eBPF and its types, and CAP_BPF and CAP_PERFMON.
        """
        ...

    def join_tap(self, tid: int, /) -> bool:
        """Tap a stopped tracee; whether that can be.

        It should run by CONT: by SYSCALL its calls stop, too.
        """
        ...

    def leave_tap(self, tid: int, /) -> None:
        """Tap a tracee no longer; what is not recorded yet is dropped."""
        ...

    def tap_lost(self) -> int:
        """Tell how many entries and ends of calls were lost, too many threads having written at once."""
        ...

    def start_recording(self, tid: int, sink: int, request: int, process: int, passes: int, /) -> None:
        """Record a stopped tracee, a thread of `process`, from its next stop on.

        `request` is how it runs in user mode, with LEAN if it need not stop at EXIT and VFORK_DONE (it does
        at EXEC).  Children run so, too, but not in a process with threads.

        `passes` are the events (bits of `utrace.core.events.Event`) at whose stops it may be let go on before
        they are told: CLONE, then children are recorded as it is; EXEC; EXIT, together with its DEATH;
        SIGNAL.  None is passed on if a kill may have had a part in it.
        """
        ...

    def stop_recording(self, tid: int, /) -> Fact | tuple[()] | None:
        """Tell all stops of a tracee again.

        Returns:
            The entry of the recorded call that it is in, () if it is in none, None if that was told.
        """
        ...

    def recorded_call(self, tid: int, /) -> Fact | tuple[()] | None:
        """Tell the same, and go on."""
        ...

    def take_again(self, tid: int, /) -> bool:
        """Take the entry stop that a tracee stands in and that was told, as is known of its call by now.

        For the tracer thread.  True: it is as if it had never been told.
        """
        ...

    def hold_lives(self) -> bool:
        """Pass nothing on until this is taken back; whether anything was that has not been taken."""
        ...

    def release_lives(self) -> None:
        """Take one `hold_lives` back."""
        ...

    def has_records(self) -> bool:
        """Tell whether anything was recorded that has not been taken."""
        ...

    def take_records(self) -> list[tuple[int, Batch | Fact, int]]:
        """Take what was recorded and passed on, in its order.

        Returns:
            (sink, batch, 0): calls; or (sink, fact, CLOCK_REALTIME in ns) of what was passed on of a task
            recorded for that sink: FORK, VFORK and CLONE, whose details are the process of the child; EXEC,
            whose detail is the task's new name in bytes; EXIT, DEATH and SIGNAL.
        """
        ...
