"""Threads that can be done without, and the one that cannot, where the system gives no more."""

from __future__ import annotations

import threading
from typing import NoReturn

import pytest

import utrace
from utrace.engines import SyscallLog
from utrace.tracer.side_thread import start_side_thread


def refuse(_thread: threading.Thread) -> NoReturn:
    """Do what `Thread.start` does at RLIMIT_NPROC."""
    raise RuntimeError("can't start new thread")


def test_work_is_done_by_a_thread_of_that_name() -> None:
    names: list[str] = []
    thread = start_side_thread(lambda: names.append(threading.current_thread().name), "side")
    assert thread is not None
    thread.join()
    assert names == ["side"]


def test_without_a_thread_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert start_side_thread(lambda: None, "side") is None


def test_a_session_without_a_thread_to_trace_in_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with utrace.Session() as session, pytest.raises(BlockingIOError, match="no thread to trace in"):
        session.spawn(["true"], engines=[SyscallLog(listeners=[])])
