"""The ten-line engine: refuse to delete anything under /etc.

python examples/ten_lines.py make clean
"""

import errno
import sys

import utrace
from utrace import Event


class KeepEtc(utrace.EngineOps):
    """Refuse to delete anything under /etc."""

    events = Event.SYSCALL_ENTRY
    syscalls = frozenset({"unlink", "unlinkat", "rmdir"})

    def report_syscall_entry(self, task: utrace.Task, call: utrace.Syscall) -> utrace.Answer:
        """Abort the call if its path says so."""
        return utrace.abort(errno.EPERM) if call.path.startswith("/etc/") else None


with utrace.Session() as session:
    session.spawn(sys.argv[1:] or ["rm", "-f", "/etc/nothing-of-this-name"], engines=[KeepEtc()])
    status = session.run()
raise SystemExit(status)
