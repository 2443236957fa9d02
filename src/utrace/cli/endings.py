"""When signals end `utrace trace`.

Reference: strace(1) "-I", "DIAGNOSTICS".
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from utrace.cli.options.settings import Interruptible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from utrace.cli.options.settings import TraceOptions

_FROM_TERMINAL: Final = (signal.SIGINT, signal.SIGQUIT)
_TO_END_US: Final = (signal.SIGHUP, signal.SIGTERM)


class LetGo(BaseException):
    """A signal asks us to end, and what we trace to go on."""

    def __init__(self, signo: int) -> None:
        super().__init__(signo)
        self.signo = signo


def _what_ends_us(  # noqa: PLR0911 — one return for each kind
    options: TraceOptions,
) -> tuple[frozenset[signal.Signals], frozenset[signal.Signals]]:
    """Give the signals that let everything go, and those that do nothing; others act by default.

    A program that we launched gets the terminal's signals itself, and we see it through; what is to
    end us lets it go, unless the log goes to a file.  Attached processes are let go.
    """
    fatal = frozenset((*_FROM_TERMINAL, *_TO_END_US))
    match options.interruptible:
        case Interruptible.ANYWHERE:
            return frozenset(), frozenset()
        case Interruptible.WAITING:
            return fatal, frozenset()
        case Interruptible.NEVER:
            return frozenset(), fatal
        case Interruptible.NEVER_TSTP:
            return frozenset(), fatal | {signal.SIGTSTP}
        case None:
            if not options.program:
                return fatal, frozenset()
            if options.output is not None:
                return frozenset(), fatal
            return frozenset(_TO_END_US), frozenset(_FROM_TERMINAL)


@contextmanager
def signals_handled(options: TraceOptions) -> Iterator[None]:
    """Decide what signals to us do, as -I says."""
    let_go = False

    def end(signo: int, _frame: FrameType | None) -> None:
        nonlocal let_go
        if not let_go:
            let_go = True
            raise LetGo(signo)

    def stay(_signo: int, _frame: FrameType | None) -> None:
        pass

    ending, staying = _what_ends_us(options)
    concerned = sorted({*_FROM_TERMINAL, *_TO_END_US} | ending | staying)
    before = {signo: signal.getsignal(signo) for signo in concerned}
    for signo, handler in before.items():
        # What is ignored (nohup, a shell's background job) is to be ignored by the program too.
        if handler is signal.SIG_IGN and (options.program or signo == signal.SIGHUP):
            continue
        new = end if signo in ending else stay if signo in staying else signal.SIG_DFL
        signal.signal(signo, new)
    try:
        yield
    finally:
        if not let_go:
            for signo, handler in before.items():
                signal.signal(signo, handler)
