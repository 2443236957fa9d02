"""What a kernel need not do, and the simulated one does not: it tells everything, when it happens."""

from __future__ import annotations


class Declines:
    """What `utrace.kernel.api.Kernel` offers beyond facts and requests."""

    @property
    def recorder(self) -> None:
        """None: every stop is told."""

    def was_continued(self, _tid: int, /, *, forget: bool) -> bool:
        """No: parents here wait for ends alone, and nobody notes what else there was."""
        return forget and False

    def serve(self, *_: object) -> None:
        """Nobody in here calls ptrace."""

    def pass_on(self, *_: object) -> None:
        """Everything is told at once."""

    def pass_on_no_more(self) -> list[int]:
        """Nothing was passed on."""
        return []
