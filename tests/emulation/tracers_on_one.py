"""A strace and two gdbs on one threaded server; run under a session, with `refuses.py`, by `test_on_one`.

    tracers_on_one.py SERVER FOLDER LEAVING...    LEAVING: strace, gdb1 or gdb2, with :quit or :kill

Each must see its own events, and the program as if alone: strace every call, with the engine's refusals;
both gdbs the hits of a breakpoint at one address; the first also a condition, a watchpoint, a caught system
call, the end of a function.  Then each leaves, in this order, and the others and the server go on.  It ends
with "the server serves on", or with a traceback.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_S: Final = 15.0
GDB: Final = ("gdb", "-q", "-nx", "-nh", "-iex", "set debuginfod enabled off", "-iex", "set confirm off")
PROMPT: Final = "(gdb) "
CATCHES_MAX: Final = 100
SLACK: Final = 12
"""Connections under way while they are counted, of three threads."""


def wait_until(happened: Callable[[], bool], what: str) -> None:
    """Wait for a state, with a deadline."""
    end = time.monotonic() + DEADLINE_S
    while not happened():
        if time.monotonic() > end:
            seen = "\n\n".join(program.output for program in Program.started)
            raise TimeoutError(f"{what}; all of their output:\n{seen}")
        time.sleep(0.005)


class Program:
    """A program whose output is read as it comes."""

    started: ClassVar[list[Program]] = []

    def __init__(self, argv: list[str]) -> None:
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.output = ""
        self.started.append(self)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in: IO[str] = self.process.stdin
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, stream: IO[str]) -> None:
        while chunk := os.read(stream.fileno(), 4096):
            self.output += chunk.decode(errors="replace")

    def send(self, line: str) -> None:
        """Write it a line."""
        self._in.write(line + "\n")
        self._in.flush()

    def end(self, how: str) -> None:
        """Wait for its end."""
        if how == "kill":
            self.process.kill()
        self.process.wait(DEADLINE_S)


class Server(Program):
    """The server."""

    def serves(self) -> None:
        """Check that it answers, and that its workers work."""
        before = self.ask()[0]
        wait_until(lambda: self.ask()[0] > before, f"work after {before}")

    def ask(self) -> tuple[int, ...]:
        """Ask how often it has worked, connected, and been refused."""
        known = len(self.output)
        self.send("")
        wait_until(lambda: self.output[known:].endswith("\n"), f"an answer; poll: {self.process.poll()}")
        return tuple(map(int, self.output[known:].split()))


class Gdb(Program):
    """A gdb that talks."""

    def __init__(self, name: str, pid: int) -> None:
        super().__init__([*GDB, "-p", str(pid)])
        self.name = name
        self._sent = 0
        self.command("set pagination off")
        self.command("set width 0")

    def at_prompt(self) -> bool:
        """Tell whether it waits for a command."""
        return self.output.count(PROMPT) > self._sent and self.output.endswith(PROMPT)

    def start(self, line: str) -> None:
        """Give it a command, when it waits for one."""
        wait_until(self.at_prompt, f"{self.name}: a prompt")
        self._sent = self.output.count(PROMPT)
        self.send(line)

    def command(self, line: str) -> str:
        """Give it a command and wait for its end; what it wrote."""
        wait_until(self.at_prompt, f"{self.name}: a prompt")
        known = len(self.output)
        self.start(line)
        wait_until(self.at_prompt, f"{self.name}: the end of {line}")
        return self.output[known:]

    def hits(self) -> int:
        """Count the hits of its breakpoint."""
        return self.output.count("hit Breakpoint")


def stop(gdb: Gdb, gdbs: list[Gdb]) -> None:
    """Let them run until one of them has stopped."""

    def go_on() -> bool:
        if not gdb.at_prompt():
            for other in gdbs:
                if other.at_prompt():
                    other.start("continue")
        return gdb.at_prompt()

    wait_until(go_on, f"{gdb.name}: a prompt")


def hit_all(gdbs: list[Gdb], times: int) -> None:
    """Let them run until each has seen so many more hits of its own."""
    wanted = {gdb: gdb.hits() + times for gdb in gdbs}

    def go_on() -> bool:
        for gdb in gdbs:
            if gdb.at_prompt() and any(other.hits() < wanted[other] for other in gdbs):
                gdb.start("continue")
            if "SIG" in gdb.output:
                raise AssertionError(gdb.output)
        return all(gdb.hits() >= wanted[gdb] for gdb in gdbs)

    wait_until(go_on, f"{times} more hits of each")


def told(gdb: Gdb, line: str, others: list[Gdb]) -> str:
    """Give a gdb a command that lets the program run, the others running too; what it wrote."""
    wait_until(gdb.at_prompt, f"{gdb.name}: a prompt")
    known = len(gdb.output)
    gdb.start(line)

    def go_on() -> bool:
        for other in others:
            if other.at_prompt():
                other.start("continue")
        return gdb.at_prompt()

    wait_until(go_on, f"{gdb.name}: the end of {line}")
    return gdb.output[known:]


def look_closely(gdb: Gdb, others: list[Gdb]) -> None:
    """Let one of them do all that a debugger does with a running program."""
    stop(gdb, [gdb, *others])
    gdb.command("delete")
    gdb.command("tbreak dial if round % 5 == 3")
    assert "hit Temporary breakpoint" in told(gdb, "continue", others)
    assert "= 3" in gdb.command("print round % 5")
    returned = told(gdb, "finish", others)
    assert "Value returned is" in returned, returned
    assert returned.split()[-2] in {"3", "-1"}, returned
    gdb.command("watch worked")
    changed = told(gdb, "continue", others)
    assert "Hardware watchpoint" in changed, changed
    assert "Old value" in changed, changed
    gdb.command("delete")
    gdb.command("catch syscall connect")
    # A gdb that stops all threads lets those that enter a call at that moment run on without its end.
    stops = ""
    while "call to syscall connect" not in stops or "returned from syscall connect" not in stops:
        stops += told(gdb, "continue", others)
        assert stops.count("Catchpoint") <= CATCHES_MAX, stops
    gdb.command("delete")
    gdb.command("break work")


def _is_longer(log: Path, known: int) -> bool:
    return log.stat().st_size > known


def main() -> None:
    """Run it all."""
    path, folder, *leaving = sys.argv[1:]
    server = Server([path])
    server.serves()
    log = Path(folder, "strace.log")
    strace = Program(["strace", "-f", "-o", str(log), "-p", str(server.process.pid)])
    wait_until(lambda: log.exists() and "ECONNREFUSED" in log.read_text(), "a refusal in the log")
    gdbs = {name: Gdb(name, server.process.pid) for name in ("gdb1", "gdb2")}
    for gdb in gdbs.values():
        gdb.command("break work")
    hit_all([*gdbs.values()], 3)
    seen = set()
    for gdb in gdbs.values():
        stop(gdb, [*gdbs.values()])
        seen.add(gdb.command("x/8xb work").replace(PROMPT, ""))
        assert gdb.command("info threads").count("Thread 0x") == 4, gdb.output
    assert len(seen) == 1, seen
    assert "0xcc" not in seen.pop()
    look_closely(gdbs["gdb1"], [gdbs["gdb2"]])
    programs: dict[str, Program] = {"strace": strace, **gdbs}
    for word in leaving:
        name, _, how = word.partition(":")
        program = programs.pop(name)
        if how == "quit":
            if isinstance(program, Gdb):
                stop(program, [program, *(gdb for gdb in programs.values() if isinstance(gdb, Gdb))])
                program.start("quit")
            else:
                program.process.send_signal(signal.SIGINT)
        program.end(how)
        remaining = [gdb for gdb in programs.values() if isinstance(gdb, Gdb)]
        hit_all(remaining, 2)
        if "strace" in programs:
            known = log.stat().st_size
            if not remaining:
                wait_until(partial(_is_longer, log, known), "more lines of strace")
    server.serves()
    _, dialled, refused = server.ask()
    assert abs(dialled - 3 * refused) <= SLACK, (dialled, refused)
    server.process.kill()
    server.process.wait()
    sys.stdout.write("the server serves on\n")


try:
    main()
finally:
    for started in Program.started:
        started.process.kill()
