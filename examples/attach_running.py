"""Attach to a running program, count its system calls for a while, and let it go as it was found.

python examples/attach_running.py PID [SECONDS]
"""

import collections
import sys

import utrace
from utrace import Event


class Count(utrace.EngineOps):
    """Count the calls of every thread, also of those born meanwhile."""

    events = Event.SYSCALL_ENTRY

    def __init__(self) -> None:
        self.calls: collections.Counter[str] = collections.Counter()
        self.threads: set[int] = set()

    def report_syscall_entry(self, task: utrace.Task, call: utrace.Syscall) -> utrace.Answer:
        """Count the call."""
        self.calls[call.name] += 1
        self.threads.add(task.tid)
        return None


def main(pid: int, seconds: float) -> int:
    """Count for so many seconds, or until the program ends or Ctrl-C is pressed."""
    count = Count()
    # Leaving the session's context lets go: the program runs on, a stopped one stays stopped.
    with utrace.Session() as session:
        try:
            session.attach(pid, engines=[count])
            session.run(timeout_s=seconds)
        except (TimeoutError, KeyboardInterrupt):
            pass
        except utrace.UtraceError as error:
            print(f"attach_running: {error}", file=sys.stderr)
            return 1
    print(f"{count.calls.total()} calls of {len(count.threads)} threads")
    for name, calls in count.calls.most_common(10):
        print(f"{calls:10} {name}")
    return 0


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 5.0))
