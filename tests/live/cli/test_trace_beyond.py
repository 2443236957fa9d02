"""What strace does not have: formats, conditions, several outputs, a summary kept up."""

from __future__ import annotations

import collections
import json
import os
import pty
import re
import select
import signal
import time
from typing import TYPE_CHECKING

import msgpack
import pytest
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent
from pyarrow import parquet

from tests.live.cli.oracle import DEADLINE_S, TRACE, run
from utrace.kernel.caps import read_caps

if TYPE_CHECKING:
    from pathlib import Path

Counts = dict[str, tuple[int, int]]
SCRIPT = "ls / /nonexistent >/dev/null; cat /etc/hostname | wc -c; (exit 3); kill -0 $$; true"
ROW = re.compile(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(\d+)? +(\w+)$")


def from_table(text: str) -> Counts:
    """Read the table of -c."""
    rows = [found for line in text.splitlines() if (found := ROW.match(line))]
    return {row[3]: (int(row[1]), int(row[2] or 0)) for row in rows if row[3] != "total"}


def summed(pairs: list[tuple[str, bool]]) -> Counts:
    """Add up (name, failed) of calls."""
    calls = collections.Counter(name for name, _ in pairs)
    errors = collections.Counter(name for name, failed in pairs if failed)
    return {name: (count, errors[name]) for name, count in calls.items()}


def from_jsonl(path: Path) -> Counts:
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return summed([(event["name"], "error" in event) for event in events if "ret" in event])


def from_msgpack(path: Path) -> Counts:
    with path.open("rb") as file:
        return summed(
            [(event["name"], "error" in event) for event in msgpack.Unpacker(file) if "ret" in event]
        )


def from_chrome(path: Path) -> Counts:
    slices = [event for event in json.loads(path.read_bytes())["traceEvents"] if event["ph"] == "X"]
    return summed([(one["name"], "error" in one["args"]) for one in slices if "ret" in one["args"]])


def from_folded(path: Path) -> Counts:
    found: Counts = {}
    for line in path.read_text().splitlines():
        frames, _, count = line.rpartition(" ")
        _, name, *error = frames.split(";")
        calls, errors = found.get(name, (0, 0))
        found[name] = (calls + int(count), errors + (int(count) if error else 0))
    return found


def from_parquet(path: Path) -> Counts:
    """Ask the table: calls that returned, by name, and how many of them have an error."""
    table = parquet.read_table(path, filters=[("event", "=", "call"), ("ret", ">=", -(2**63))])
    sums = table.group_by("name").aggregate([("ret", "count"), ("errno", "count")]).to_pylist()
    return {row["name"]: (row["ret_count"], row["errno_count"]) for row in sums}


def from_perfetto(path: Path) -> Counts:
    """Read the packets by Perfetto's definitions: each slice ends, and has its data."""
    found: list[tuple[str, bool]] = []
    depth: collections.Counter[int] = collections.Counter()
    for packet in Trace.FromString(path.read_bytes()).packet:
        event = packet.track_event
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            depth[event.track_uuid] += 1
            names = {one.name for one in event.debug_annotations}
            if "ret" in names:
                found.append((event.name, "error" in names))
        elif event.type == TrackEvent.TYPE_SLICE_END:
            depth[event.track_uuid] -= 1
        assert set(depth.values()) <= {0, 1}
    assert not any(depth.values())
    return summed(found)


READERS = {
    "jsonl": from_jsonl,
    "msgpack": from_msgpack,
    "chrome": from_chrome,
    "folded": from_folded,
    "parquet": from_parquet,
    "perfetto": from_perfetto,
}


@pytest.mark.parametrize("condition", [[], ["--where", "error or name == 'read' and count > 100"]], ids=str)
def test_every_format_has_the_numbers_of_the_table(condition: list[str], tmp_path: Path) -> None:
    outputs = [word for form in READERS for word in ("-o", f"{form}:{tmp_path / form}")]
    done = run(*TRACE, "-f", "-c", *condition, *outputs, "sh", "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    table = from_table(done.stderr)
    assert table["openat"][1] > 0
    assert table.get("execve", (0, 0))[0] == (0 if condition else 4)
    for form, read in READERS.items():
        assert read(tmp_path / form) == table, form


@pytest.mark.requires("trace_processor")
def test_perfettos_own_processor_has_the_numbers_of_the_table(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    done = run(*TRACE, "-f", "-c", "-o", f"perfetto:{trace}", "sh", "-c", SCRIPT)
    query = (
        "select name, count(extract_arg(arg_set_id, 'debug.ret')) as calls,"
        " count(extract_arg(arg_set_id, 'debug.error')) as errors from slice where dur > 0 group by name;"
    )
    asked = run("trace_processor_shell", "-Q", query, trace)
    rows = re.findall(r'^"(\w+)",(\d+),(\d+)$', asked.stdout, re.MULTILINE)
    found = {name: (int(calls), int(errors)) for name, calls, errors in rows if int(calls)}
    assert found == from_table(done.stderr)


def test_outputs_have_their_own_formats_and_conditions(tmp_path: Path) -> None:
    plain, opened, failed = (tmp_path / name for name in ("plain", "opened", "failed"))
    done = run(
        *(*TRACE, "-f", "-o", plain, "-o", f"text:{opened}?where=name == 'openat'"),
        *("-o", f"jsonl:{failed}?where=errno == ENOENT", "sh", "-c", SCRIPT),
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(None, 1)[1] for line in plain.read_text().splitlines()]
    calls = [line.split(None, 1)[1] for line in opened.read_text().splitlines() if " openat(" in line]
    assert len(calls) == sum(line.startswith("openat(") for line in lines)
    assert not [line for line in opened.read_text().splitlines() if " read(" in line]
    events = [json.loads(line) for line in failed.read_text().splitlines()]
    assert {event["error"] for event in events if event["event"] == "call"} == {"ENOENT"}
    assert sum(event["event"] == "call" for event in events) == sum(" ENOENT " in line for line in lines)


def test_a_format_goes_to_standard_error_or_a_command(tmp_path: Path) -> None:
    done = run(*TRACE, "--format", "jsonl", "-e", "openat", "cat", "/etc/hostname")
    names = {event.get("name") for line in done.stderr.splitlines() if (event := json.loads(line))}
    assert names == {None, "openat"}
    kept = tmp_path / "kept"
    done = run(*TRACE, "-o", f"folded:|sort -r >{kept}", "true")
    assert (done.returncode, done.stderr) == (0, "")
    assert kept.read_text().splitlines() == sorted(kept.read_text().splitlines(), reverse=True)


def test_a_condition_shows_the_same_lines_as_all_lines_filtered(tmp_path: Path) -> None:
    every, some = tmp_path / "every", tmp_path / "some"
    words = ("cat", "/etc/hostname", "/nonexistent")
    run(*TRACE, "-e", "signal=none", "-o", every, *words)
    run(
        *TRACE,
        "-o",
        some,
        "--where",
        "error == ENOENT and 'nonex' in path or name == 'close' and fd == 3",
        *words,
    )
    wanted = [
        line
        for line in every.read_text().splitlines()
        if ("nonex" in line and " ENOENT " in line) or line.startswith(("close(3)", "+++"))
    ]
    assert some.read_text().splitlines() == wanted


@pytest.mark.requires("gcc")
def test_a_condition_finds_calls_that_no_table_has() -> None:
    """Numbers without a name must not get lost in the kernel part."""
    program = "import ctypes; ctypes.CDLL(None).syscall(1999, 7)"
    found = run(*TRACE, "--where", "nr == 1999 and a1 == 7", "python3", "-c", program)
    assert "syscall_0x7cf(0x7, " in found.stderr


def test_an_explanation_says_what_each_part_let_through(tmp_path: Path) -> None:
    log = tmp_path / "log"
    condition = "name == 'openat' and error"
    done = run(*TRACE, "-o", log, "--explain", "--where", condition, "cat", "/etc/hostname", "/nonexistent")
    said = [line.removeprefix("utrace: where: ") for line in done.stderr.splitlines() if "where: " in line]
    assert said[0].startswith("kernel: no filter: all ")
    assert said[1].endswith("calls can match: openat")
    assert said[2:4] == ["native: openat: error", "python: error"]
    shown = log.read_text().count("openat(")
    assert re.fullmatch(rf"python let {shown} of \d+ through", said[-1])


def test_the_kernel_part_stops_no_other_call() -> None:
    """With a filter nothing else stops: numbers, and comparisons of registers, are in it."""
    plain = run(*TRACE, "-e", "openat,read,lseek", "cat", "/etc/hostname").stderr.splitlines()
    for condition, pattern in (
        ("name == 'openat' and error == EACCES", "openat("),
        ("name in ('openat', 'read') and fd == 3 and ret < 0", "read(3,"),
        ("name == 'lseek' and offset < 0 or name == 'openat' and not flags & 1 and ret > 999", "openat("),
    ):
        words = (*TRACE, "-f", "--explain", "--where", condition)
        expected = sum(line.startswith(pattern) for line in plain)
        filtered = run(*words, "--seccomp-bpf", "cat", "/etc/hostname").stderr
        assert f"where: kernel let {expected} calls through\n" in filtered
        assert re.search(rf"where: native let \d+ of {expected} through\n", filtered)
        alike = run(*words, "--no-seccomp", "cat", "/etc/hostname").stderr
        passed = re.search(r"where: native let (\d+) of \d+ through\n", alike)
        assert passed is not None
        assert int(passed[1]) <= expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--where", "flgas"], "--where: no argument is called flgas (do you mean flags?)\n  flgas\n  ^"),
        (["-o", "jsonl:"], "-o 'jsonl:': no file is named"),
        (["-o", "x?where=fd =="], "-o ?where=: invalid syntax"),
        (["--format", "xml"], "invalid --format argument: 'xml' (known: text, jsonl, msgpack"),
        (["-ff", "-o", "a", "-o", "b"], "-ff/--output-separately is for one output of text"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_said(words: list[str], message: str) -> None:
    done = run(*TRACE, *words, "true")
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_told_for_every_output() -> None:
    done = run(*TRACE, "-o", "jsonl:/dev/full", "-o", "parquet:/dev/full", "sh", "-c", "exit 5")
    assert done.returncode == 5
    assert len(re.findall(r"^utrace: /dev/full: \d+ records? lost", done.stderr, re.MULTILINE)) == 2


def test_injections_can_be_limited_by_argument_and_path() -> None:
    rule = 'inject=openat:error=EACCES:when=1:where=glob(path, "/etc/host*") and O_RDONLY in flags'
    done = run(
        *TRACE, "-e", rule, "-e", "trace=openat", "cat", "/etc/passwd", "/etc/hostname", "/etc/hostname"
    )
    injected = [line for line in done.stderr.splitlines() if "INJECTED" in line]
    assert len(injected) == 1
    assert injected[0].startswith('openat(AT_FDCWD, "/etc/hostname"')


def test_a_journal_repeats_what_several_rules_by_chance_and_path_did(tmp_path: Path) -> None:
    rules = [
        *("-e", 'inject=openat:error=EACCES:probability=0.5:where=glob(path, "/etc/host*")'),
        *("-e", 'inject=openat:error=EIO:probability=0.5:where=path == "/etc/passwd"'),
    ]
    script = "for f in passwd hostname passwd hosts passwd hostname; do read x </etc/$f; done"

    def injected(*words: str) -> list[str]:
        log = tmp_path / "log"
        run(*TRACE, "-o", log, "-e", "trace=openat", *rules, *words, "sh", "-c", script)
        return [line for line in log.read_text().splitlines() if "INJECTED" in line]

    journal = tmp_path / "journal"
    first = injected("--inject-seed=7", f"--inject-journal={journal}")
    assert 0 < len(first) < 6
    assert len(journal.read_text().splitlines()) == len(first)
    assert injected(f"--inject-replay={journal}") == first


# -- the summary that is kept up ----------------------------------------------------------------------


class Terminal:
    """A terminal with a program on it."""

    def __init__(self, *words: str) -> None:
        self.output = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(words[0], words)  # noqa: S606 — a pseudo-terminal is what it is about

    def read_until(self, pattern: bytes) -> None:
        end = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.output):
            assert time.monotonic() < end, self.output
            if not self.read():
                break
        assert re.search(pattern, self.output), self.output

    def read(self) -> bool:
        if not select.select([self.fd], [], [], DEADLINE_S)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.output += data
        return bool(data)

    def finish(self) -> int:
        while self.read():
            pass
        os.close(self.fd)
        return os.waitpid(self.pid, 0)[1]

    def regions(self) -> list[bytes]:
        """Give what the terminal was told to scroll, in order; empty: everything."""
        return re.findall(rb"\x1b\[([\d;]*)r", self.output)


def on_terminal(*words: str) -> Terminal:
    return Terminal("sh", "-c", 'stty rows 40 cols 100 && exec "$@"', "sh", *words)


def test_a_summary_is_kept_at_the_bottom_and_the_terminal_given_back() -> None:
    terminal = on_terminal(*TRACE, "--live", "-f", "sh", "-c", "ls /nonexistent; echo said; exit 3")
    assert os.waitstatus_to_exitcode(terminal.finish()) == 3
    assert terminal.regions()[0] == b"1;32"
    assert terminal.regions()[-1] == b""
    assert b"said" in terminal.output
    last = terminal.output.rpartition(b"\x1b[r")[2].decode()
    assert re.search(r"\d+ calls  \d+ errors  0 threads", last)
    assert "slowest: " in last
    assert re.search(r"\d+ ls +\d+ +\d+ +\w+ +\d+", last)


@pytest.mark.parametrize("words", [(), ("--no-seccomp",)])
def test_a_signal_that_ends_the_trace_gives_the_terminal_back(words: tuple[str, ...]) -> None:
    terminal = on_terminal(*TRACE, "--live", "-f", *words, "sh", "-c", "echo is up; read x")
    terminal.read_until(rb"is up")
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.read_until(rb"\x1b\[r")
    if not words and read_caps().may_tap:
        terminal.read_until(rb"awaited")
        os.kill(terminal.pid, signal.SIGTERM)
    assert os.WTERMSIG(terminal.finish()) == signal.SIGTERM
    assert terminal.regions()[-1] == b""


def test_without_a_terminal_the_summary_is_plain_and_at_the_end() -> None:
    done = run(*TRACE, "--live", "true")
    assert "\x1b" not in done.stderr
    assert re.match(r" \d+ calls  \d+ errors  0 threads", done.stderr)


def test_colours_are_left_out_where_they_are_not_wanted() -> None:
    terminal = on_terminal(*TRACE, "--live", "--color=never", "ls", "/nonexistent")
    terminal.finish()
    assert not re.search(rb"\x1b\[\d+m", terminal.output)
    coloured = on_terminal(*TRACE, "--live", "ls", "/nonexistent")
    coloured.finish()
    assert re.search(rb"\x1b\[31m slowest|\x1b\[1m", coloured.output)
