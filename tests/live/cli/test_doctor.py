"""What `utrace doctor` finds."""

from __future__ import annotations

import json
import os
import re

import pytest

from tests.live.cli.oracle import STRACE, UTRACE, run
from utrace.kernel.probe_stops import EXPECTATIONS

NAMES = {
    "launch and trace a program",
    "attach to a process",
    "PTRACE_GET_SYSCALL_INFO",
    "PTRACE_SET_SYSCALL_INFO",
    "change a system call",
    "process_vm_readv",
    "eBPF at system calls",
    "pidfd tells of reaping",
    "single step",
    "block step",
    "hardware breakpoint",
    "32-bit programs",
    "Yama",
    "CAP_SYS_PTRACE",
    "seccomp on ourselves",
    "seccomp RET_TRACE",
}


def test_doctor_tells_of_everything_with_a_reason() -> None:
    done = run(*UTRACE, "doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["release"] == os.uname().release
    assert {finding["name"] for finding in told["findings"]} == NAMES
    assert all(finding["why"] for finding in told["findings"])
    assert [finding["name"] for finding in told["expectations"]] == [name for name, _ in EXPECTATIONS]
    assert all(finding["works"] for finding in told["expectations"]), told["expectations"]
    assert all(finding["works"] for finding in told["findings"] if finding["vital"])


def test_doctor_writes_a_line_for_each_finding() -> None:
    done = run(*UTRACE, "doctor")
    head, *lines = done.stdout.splitlines()
    assert re.fullmatch(r"utrace \S+ on Linux \S+ \S+", head)
    assert len(lines) == len(NAMES) + 1
    assert lines[-1].startswith("  ok  stops, signals and steps")
    assert all(re.match(r"  (ok|no|--)  \S", line) for line in lines)


@pytest.mark.requires("i386-tasks")
def test_doctor_finds_32_bit_programs_where_they_run() -> None:
    told = json.loads(run(*UTRACE, "doctor", "--json").stdout)
    assert next(finding["works"] for finding in told["findings"] if finding["name"] == "32-bit programs")


@pytest.mark.requires("strace")
def test_doctor_says_no_where_another_tracer_is_in_the_way() -> None:
    done = run(*STRACE, "-f", "-o", os.devnull, *UTRACE, "doctor")
    assert done.returncode == 1
    assert re.search(
        r"^  no  attach to a process .*already traced by \d+ \(strace\)", done.stdout, re.MULTILINE
    )


def test_doctor_takes_no_other_argument() -> None:
    done = run(*UTRACE, "doctor", "please")
    assert done.returncode == 1
    assert done.stderr == "utrace doctor: unrecognized argument 'please' (try 'utrace doctor --help')\n"


def test_utrace_itself_explains_what_it_takes() -> None:
    assert "utrace doctor" in run(*UTRACE, "--help").stdout
    assert re.fullmatch(r"utrace \d.*\n", run(*UTRACE, "--version").stdout)
    for words in ([], ["nonsense"]):
        done = run(*UTRACE, *words)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "utrace --help" in done.stderr
