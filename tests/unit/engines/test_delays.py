"""Things done later."""

from __future__ import annotations

import threading

from utrace.engines.delays import Delays


def test_what_is_due_first_is_done_first() -> None:
    done: list[str] = []
    both = threading.Event()
    delays = Delays()

    def last() -> None:
        done.append("late")
        both.set()

    delays.after(60_000_000, last)
    delays.after(1_000_000, lambda: done.append("early"))
    assert both.wait(10)
    assert done == ["early", "late"]
    delays.close()


def test_closing_drops_what_waits_and_ends_the_thread() -> None:
    delays = Delays()
    delays.after(3600 * 10**9, lambda: None)
    delays.close()
    delays.after(0, lambda: None)
    delays.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "utrace-delays"]
