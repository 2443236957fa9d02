"""Stacks: the frames of the installed strace, with truer names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.live.cli.oracle import STRACE, TRACE, run
from tests.tracees import build

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.requires("strace", "gcc")

_FRAME = re.compile(
    r"^ > (?P<path>/[^(]*)\((?P<name>[^+)]*)(?:\+0x(?P<offset>[0-9a-f]+))?\) \[0x(?P<address>[0-9a-f]+)\]"
)


def _stacks(text: str) -> dict[str, list[re.Match[str]]]:
    """Give the frames behind each call, by the call's line."""
    stacks: dict[str, list[re.Match[str]]] = {}
    line = ""
    for raw in text.splitlines():
        found = _FRAME.match(raw)
        if found is None:
            line = raw
        else:
            stacks.setdefault(line, []).append(found)
    return stacks


def test_frames_are_those_of_strace(tmp_path: Path) -> None:
    program = build("reads_in_functions")
    addresses = []
    for tool, name in ((TRACE, "ours"), (STRACE, "theirs")):
        done = run(*tool, "-k", "-o", tmp_path / name, "-e", "trace=read,openat", program, "/etc/hostname")
        assert done.returncode == 0
        stacks = _stacks((tmp_path / name).read_text())
        # Before the C library is there, strace 6.1 misses the dynamic linker's unwind tables now and then.
        late = list(stacks.values())[-2:]
        addresses.append([[frame["address"] for frame in stack] for stack in late])
    assert addresses[0] == addresses[1]


def test_frames_have_function_offset_and_file_also_of_static_functions() -> None:
    program = build("reads_in_functions")
    done = run(*TRACE, "-k", "-e", "trace=openat", program, "/etc/hostname")
    last = list(_stacks(done.stderr).values())[-1]
    mine = [frame for frame in last if frame["path"] == str(program)]
    assert [frame["name"] for frame in mine][:3] == ["opens", "reads", "main"]
    assert all(int(frame["offset"], 16) < int(frame["address"], 16) for frame in mine)
    assert "libc" in last[0]["path"]


def test_frames_have_source_lines_if_asked() -> None:
    program = build("reads_in_functions")
    done = run(*TRACE, "--stack-trace=source", "-e", "trace=openat", program, "/etc/hostname")
    source = (program.parents[2] / "tests" / "programs" / "reads_in_functions.c").read_text().splitlines()
    number = next(i for i, line in enumerate(source, start=1) if "openat(" in line)
    assert re.search(
        rf"\(opens\+0x[0-9a-f]+\) \[0x[0-9a-f]+\] \S*reads_in_functions\.c:{number}$",
        done.stderr,
        re.MULTILINE,
    )


def test_signals_have_stacks_and_the_number_of_frames_is_limited() -> None:
    done = run(*TRACE, "-k", "--stack-trace-frame-limit=2", "-e", "trace=kill", "sh", "-c", "kill -CONT $$")
    stacks = _stacks(done.stderr)
    assert [line.split(" ")[1] for line in stacks if line.startswith("---")] == ["SIGCONT"]
    assert {len(stack) for stack in stacks.values()} == {2}


def test_a_new_program_has_its_own_frames() -> None:
    done = run(
        *TRACE,
        "-f",
        "-k",
        "-e",
        "signal=none",
        "-e",
        "trace=exit_group",
        "sh",
        "-c",
        "cat /dev/null; exec true",
    )
    paths = [stack[-1]["path"].rpartition("/")[2] for stack in _stacks(done.stderr).values()]
    assert paths == ["cat", "true"]
