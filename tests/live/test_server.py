"""A busy server is attached to, traced and let go of again and again; its clients notice nothing."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live.recorder import DEADLINE_S, Recorder
from tests.waiting import task_state, tracer_pid, wait_until
from utrace import Answer, Event, Session, Syscall, Task

if TYPE_CHECKING:
    from tests.conftest import TraceeFactory

ROUNDS = int(os.environ.get("UTRACE_SERVER_ROUNDS", "10"))
REQUESTS_EACH = 50
CLIENTS = 2


class Client(threading.Thread):
    """Asks for one page again and again, each time over a new connection."""

    def __init__(self, port: int) -> None:
        super().__init__(name="client")
        self.port = port
        self.served = 0
        self.failures: list[str] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
            try:
                connection.request("GET", "/page")
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
            else:
                if response.status != 200 or body != b"tea\n" * 1000:
                    self.failures.append(f"status {response.status}, {len(body)} bytes")
                self.served += 1
            finally:
                connection.close()


class Counts(Recorder):
    """Counts calls and decodes each."""

    def __init__(self) -> None:
        super().__init__(Event.SYSCALL | Event.CLONE | Event.EXIT)
        self.calls = 0

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        self.calls += len(call.name) > 0
        return None

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.timeout(60 + 2 * ROUNDS)
def test_busy_server_is_traced_and_let_go_and_no_request_fails(tracee: TraceeFactory, tmp_path: Path) -> None:
    Path(tmp_path / "page").write_bytes(b"tea\n" * 1000)
    port = free_port()
    arguments = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", str(tmp_path), str(port)]
    server = tracee("/bin/sh", "-c", 'exec "$0" "$@" 2>/dev/null', sys.executable, *arguments)
    wait_until(lambda: is_listening(port), DEADLINE_S, "the server")
    clients = [Client(port) for _ in range(CLIENTS)]
    for client in clients:
        client.start()

    def served() -> int:
        return sum(client.served for client in clients)

    def wait_for_requests(count: int) -> None:
        goal = served() + count
        wait_until(lambda: served() >= goal, DEADLINE_S, f"{count} requests")

    try:
        for _ in range(ROUNDS):
            counts = Counts()
            with Session() as session:
                session.attach(server.pid, engines=[counts])
                wait_for_requests(REQUESTS_EACH)
                assert session.faults == []
            assert counts.calls > REQUESTS_EACH
            # A thread made just now may be gone before it is looked at.
            assert {tracer_pid(tid) for tid in server.threads()} == {0}
            assert not [tid for tid in server.threads() if task_state(tid) in {"t", "T"}]
            wait_for_requests(3)
    finally:
        for client in clients:
            client.stopped.set()
        for client in clients:
            client.join(DEADLINE_S)
    assert [failure for client in clients for failure in client.failures] == []
