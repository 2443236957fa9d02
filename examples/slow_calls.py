"""Which calls of a program were slow, and which failed for want of a file: events as data, in one run.

python examples/slow_calls.py ls /
"""

from __future__ import annotations

import io
import json
import sys

import utrace
from utrace.engines import EventLog, SyscallLog
from utrace.engines.conditions import accepts
from utrace.where import Where


def main(command: list[str]) -> int:
    """Trace a command, and tell."""
    wanted = accepts(Where("duration > 0.0001 or error == ENOENT"))
    written = io.BytesIO()
    events = EventLog(written, "jsonl", accepts=wanted)
    with SyscallLog(listeners=[events], text_max=256) as log, utrace.Session() as session:
        session.spawn(command, engines=[log])
        status = session.run()
    calls = [
        event for line in written.getvalue().splitlines() if (event := json.loads(line))["event"] == "call"
    ]
    missing = sorted({str(call["args"].get("pathname")) for call in calls if call.get("error") == "ENOENT"})
    print(f"looked for and not found: {', '.join(missing) or 'nothing'}")
    for call in sorted(calls, key=lambda call: -call.get("duration_ns", 0))[:5]:
        print(f"{call.get('duration_ns', 0) / 1e6:9.3f} ms  {call['name']}  [{call['comm']}]")
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or ["ls", "/nonexistent"]))
