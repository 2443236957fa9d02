"""Ending as the program ended that a signal killed."""

from __future__ import annotations

import signal


def die_by(signo: int) -> None:
    """End by a signal, without a core dump of our own on top of the program's."""
    import resource  # noqa: PLC0415 — only where a signal ends us

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if signo not in {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(signo, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signo])
    signal.raise_signal(signo)
