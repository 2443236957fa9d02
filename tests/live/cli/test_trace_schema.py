"""Every event of real runs is one that its schema in docs/schema allows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, cast

import fastjsonschema
import pytest

from tests.live.cli.oracle import DEADLINE_S, TRACE, run
from tests.tracees import ROOT, build
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Event = dict[str, object]
    Validate = Callable[[Event], Event]

pytestmark = pytest.mark.requires("gcc", "i386-tasks")
SCHEMAS = ROOT / "docs" / "schema"


def validators() -> dict[str, Validate]:
    """Compile the schema of each event, with the values that they have in common."""
    values = json.loads((SCHEMAS / "values.schema.json").read_text())["definitions"]
    made: dict[str, Validate] = {}
    for path in SCHEMAS.glob("*.schema.json"):
        if path.name != "values.schema.json":
            text = path.read_text().replace("values.schema.json#", "#")
            schema = json.loads(text) | {"definitions": values}
            made[path.name.partition(".")[0]] = cast("Validate", fastjsonschema.compile(schema))
    return made


def events_of(path: Path) -> list[Event]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_event_is_what_its_schema_says(tmp_path: Path) -> None:
    log, attached = tmp_path / "log", tmp_path / "attached"
    script = f"""
        {build("reads_in_functions")} /etc/hostname; ls /nonexistent; kill -URG $$
        {build("exits32", bits=32)}; {build("hostile")} execs 2
        (kill -STOP $BASHPID) & while sleep 0.1; kill -CONT $! 2>/dev/null; do :; done; wait
        (kill -9 $BASHPID)
    """
    done = run(*TRACE, "-f", "-kk", "-C", "-o", f"jsonl:{log}", "bash", "-c", script)
    assert done.returncode == 128 + signal.SIGKILL, done.stderr
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        tracer = subprocess.Popen([*TRACE, "-p", str(sleeper.pid), "-o", f"jsonl:{attached}"])
        wait_until(lambda: attached.exists() and '"begin"' in attached.read_text(), DEADLINE_S, "an event")
        os.kill(tracer.pid, signal.SIGINT)
        tracer.wait(DEADLINE_S)
        sleeper.kill()
    checks = validators()
    seen: set[str] = set()
    for event in events_of(log) + events_of(attached):
        kind = str(event["event"])
        checks[kind](event)
        seen.add(kind)
    assert seen == set(checks)
    assert any("function" in str(event.get("stack")) for event in events_of(log))
