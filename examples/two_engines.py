"""Two independent engines hold one multi-threaded program at once.

Engine A counts system calls and leaves in the middle; engine B refuses every unlink, and goes on
undisturbed.  Both see the same calls: the last attached first at the entry, the first attached first
at the exit, so that B, attached second, is the one closer to the program.

    python examples/two_engines.py
"""

import collections
import errno
import pathlib
import shutil
import subprocess
import sys
import tempfile

import utrace
from utrace import Event

THREADS = 4
ROUNDS = 1000
HERE = pathlib.Path(__file__).parent

ORDER: collections.Counter[tuple[str, str]] = collections.Counter()
"""Who was called right after whom, while both were there."""


class Engine(utrace.EngineOps):
    """Counts calls, and notes after whom it was called."""

    events = Event.SYSCALL
    last: dict[tuple[int, str], str]

    def __init__(self, name: str, last: dict[tuple[int, str], str]) -> None:
        self.name = name
        self.last = last
        self.calls: collections.Counter[str] = collections.Counter()

    def note(self, task: utrace.Task, where: str) -> None:
        """Note who was called before us for this very stop."""
        before = self.last.pop((task.tid, where), None)
        if before is None:
            self.last[task.tid, where] = self.name
        else:
            ORDER[where, before + self.name] += 1


class Count(Engine):
    """A: counts, and leaves each thread in the middle of its work."""

    def report_syscall_entry(self, task: utrace.Task, call: utrace.Syscall) -> utrace.Answer:
        """Count the call."""
        self.note(task, "entry")
        self.calls[call.name] += 1
        return None

    def report_syscall_exit(self, task: utrace.Task, call: utrace.Syscall) -> utrace.Answer:
        """Leave this thread after half of its rounds."""
        self.note(task, "exit")
        if call.name == "unlink" and (self.calls["unlink"] >= THREADS * ROUNDS // 2):
            # B is called for this exit after us; it must not take our absence for a new stop.
            self.last.pop((task.tid, "exit"), None)
            self.last[task.tid, "left"] = self.name
            return utrace.ResumeAction.DETACH
        return None


class Refuse(Engine):
    """B: lets every unlink fail with EPERM."""

    def report_syscall_entry(self, task: utrace.Task, call: utrace.Syscall) -> utrace.Answer:
        """Abort unlink."""
        if (task.tid, "left") not in self.last:
            self.note(task, "entry")
        self.calls[call.name] += 1
        return utrace.abort(errno.EPERM) if call.name == "unlink" else None

    def report_syscall_exit(self, task: utrace.Task, call: utrace.Syscall) -> utrace.Answer:
        """Note the order; A, attached first, was called before us."""
        if (task.tid, "left") not in self.last:
            self.note(task, "exit")
        return None


def main() -> int:
    """Run the program under both; 0 if all came out as promised."""
    last: dict[tuple[int, str], str] = {}
    first, second = Count("A", last), Refuse("B", last)
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "churn"
        compiler = shutil.which("gcc") or "cc"
        subprocess.run([compiler, "-O2", "-pthread", "-o", program, HERE / "churn.c"], check=True)
        with utrace.Session() as session:
            session.spawn([program, str(THREADS), str(ROUNDS)], engines=[first, second])
            status = session.run(timeout_s=60)
    print(f"A saw {first.calls['unlink']} unlinks, then left; B saw {second.calls['unlink']}")
    print("called at entry:", {pair: n for (where, pair), n in ORDER.items() if where == "entry"})
    print("called at exit: ", {pair: n for (where, pair), n in ORDER.items() if where == "exit"})
    entry_ok = {pair for where, pair in ORDER if where == "entry"} == {"BA"}
    exit_ok = {pair for where, pair in ORDER if where == "exit"} == {"AB"}
    all_seen = second.calls["unlink"] == THREADS * ROUNDS
    half = THREADS * ROUNDS // 2 <= first.calls["unlink"] < THREADS * ROUNDS
    good = status == 0 and entry_ok and exit_ok and all_seen and half and not session.faults
    print("as promised" if good else "NOT as promised", f"(the program's exit status: {status})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
