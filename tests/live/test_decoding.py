"""The installed strace as a black box: what it writes for a program is what we should write."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.tracees import build
from tests.unit.syscalls.fake_memory import FakeMemory
from utrace.syscalls import decode, syscall_set
from utrace.syscalls.abi import X86_64
from utrace.syscalls.groups import GROUPS
from utrace.syscalls.render import render_arguments
from utrace.syscalls.tables import numbers

pytestmark = pytest.mark.requires("gcc", "strace", "x86-64")

NR = numbers(X86_64)
MINUS_ONE = (1 << 64) - 1
LAST_KNOWN = 450
"""The newest call of strace 6.1."""


def strace(folder: Path, *options: str, program: Path) -> list[str]:
    output = folder / "strace"
    command = ["setarch", "-R", "strace", "-o", str(output), *options, str(program)]
    subprocess.run(
        command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False
    )
    return output.read_text().splitlines()


def calls_with_minus_one(lines: list[str]) -> dict[str, str]:
    """Calls after the filter is in place: name -> what stands between the parentheses."""
    start = next((i for i, line in enumerate(lines) if "SECCOMP" in line), -1)
    found: dict[str, str] = {}
    for line in lines[start + 1 :]:
        match = re.fullmatch(r"(\w+)\((.*)\)\s+= -1 ENOSYS .*", line)
        if match is not None:
            found[match[1]] = match[2]
    return found


#: Calls of which strace 6.1 shows more than we do, or other words; the later breadth of decoding.
NOT_YET = frozenset(
    name
    for line in """
    # Old calls that no kernel implements: arguments unknown.
        _sysctl afs_syscall create_module epoll_ctl_old epoll_wait_old get_kernel_syms getpmsg nfsservctl
        putpmsg query_module security tuxcall vserver
    # Known to the tracer only with the registers: the frame, or the call that is resumed.
        rt_sigreturn restart_syscall
    # Decoded by the C type only.
        get_mempolicy memfd_secret
        move_pages mq_open set_mempolicy
        set_mempolicy_home_node futex_waitv sysfs landlock_restrict_self clone mbind
    # IPC_64 is a bit of the command; more names of bits that mean nothing.
        shmget
    # Names of bits newer than strace 6.1, or of impossible values.
        fanotify_init fanotify_mark fsmount memfd_create mmap mount_setattr pidfd_open
        kexec_file_load kexec_load execveat fallocate io_uring_enter move_mount preadv2 pwritev2
        pkey_alloc remap_file_pages statx swapon unshare userfaultfd mknod mknodat sched_get_priority_max
        sched_get_priority_min sched_setscheduler syslog socket socketpair rseq futex wait4
    """.splitlines()
    if not line.strip().startswith("#")
    for name in line.split()
)


def test_arguments_of_minus_one_are_written_as_strace_writes_them(tmp_path: Path) -> None:
    lines = strace(tmp_path, "-e", "signal=none", program=build("decode_every"))
    theirs = calls_with_minus_one(lines)
    assert len(theirs) > 300
    different = {}
    for name, expected in theirs.items():
        if name in NR and name not in NOT_YET:
            ours = render_arguments(decode(X86_64, NR[name], (MINUS_ONE,) * 6, FakeMemory(), -38))
            if ours != expected:
                different[name] = (ours, expected)
    assert different == {}


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_group_has_the_members_that_strace_gives_it(group: str, tmp_path: Path) -> None:
    lines = strace(tmp_path, "-e", "signal=none", "-e", f"trace=%{group}", program=build("decode_every"))
    shown = {NR[line.partition("(")[0]] for line in lines if line.partition("(")[0] in NR}
    ours = {nr for nr in syscall_set(f"%{group}", X86_64) if nr <= LAST_KNOWN}
    # The start of the program itself shows some calls of the group, and never others.
    assert ours == shown


@dataclass
class Program:
    """One program of tests/programs: patterns of lines not to compare, and lines strace cannot write."""

    bits: int = 64
    differences: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)


def read_programs() -> dict[str, Program]:
    found: dict[str, Program] = {}
    program = Program()
    for line in (Path(__file__).parent / "decoding.txt").read_text().splitlines():
        if match := re.fullmatch(r"\[(\w+)(?: with (\d+) bits)?\]", line):
            program = found[match[1]] = Program(int(match[2] or 64))
        elif match := re.fullmatch(r"~ ([^:]+): (.+)", line):
            program.differences.append(match[2])
        elif line.startswith("+ "):
            program.more.append(line[2:])
    return found


PROGRAMS = read_programs()
PIDS_NEAR = 500

#: Lines that differ from run to run, or that we write otherwise on purpose.
EXPECTED_DIFFERENCES: tuple[tuple[str, str], ...] = (
    (
        r"SOL_SOCKET, SO_RCVTIMEO_OLD|, 0x1\b.*, 0x14 *(/\*.*)?,",
        "strace 6.1 writes the bytes of the timeout, we its seconds",
    ),
    (r"(^|\] )(getrandom|sysinfo|timerfd_settime|getrusage)\(", "the values change from run to run"),
)


def normal(line: str) -> str:
    line = re.sub(r"0x(7f|55|56)[0-9a-f]{10}|0xffff[cd][0-9a-f]{3}\b", "ADDRESS", line)
    line = re.sub(r"\b((?:get(?:pp?|t|pg|s)id)|getpgrp|set_tid_address)(\(.*\)) += \d+", r"\1\2 = PID", line)
    line = re.sub(r"\b(kill|tgkill)\([0-9, ]+", r"\1(PID, ", line)
    line = re.sub(r"(pid)=\d+", r"\1=PID", line)
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+", "TIME", line)
    line = re.sub(r"\b(st\w*_(?:ino|[abcm]time(?:_nsec)?)|tv_nsec)=\d+", r"\1=N", line)
    line = re.sub(r"(?<=stx_[abcm]time=)\{tv_sec=\d+", "{tv_sec=N", line)
    line = re.sub(r"\d+ vars? \*/", "N vars */", line)
    line = re.sub(r"^((?:shm|sem|msg)(?:ctl|op|timedop|at|snd|rcv))\(\d+", r"\1(ID", line)
    line = re.sub(r"^((?:shm|sem|msg)get\(.*) = \d+$", r"\1 = ID", line)
    return re.sub(r"\) += ", ") = ", line)


def comparable(lines: list[str]) -> list[str]:
    # What the loader does is not the subject, and depends on the machine.
    start = next((i for i, line in enumerate(lines) if "alarm(" in line), 0)
    own = next((int(match[1]) for line in lines if (match := re.match(r"getpid\(\) += (\d+)", line))), 0)

    def without_pids(line: str) -> str:
        # The program, its parent and its children are born one after the other.
        return re.sub(
            r"\b\d{3,7}\b", lambda m: "PID" if own and -40 < int(m[0]) - own < PIDS_NEAR else m[0], line
        )

    kept = [normal(without_pids(line)) for line in lines[start:]]
    return [line for line in kept if not any(re.search(pattern, line) for pattern, _ in EXPECTED_DIFFERENCES)]


LINES_LEAST = 20


def alike(name: str, lines: list[str]) -> list[str]:
    """Leave out what is known to differ, each for its reason."""
    patterns = PROGRAMS[name].differences
    return [line for line in lines if not any(re.search(pattern, line) for pattern in patterns)]


def utrace(folder: Path, style: str, program: Path) -> list[str]:
    output = folder / "utrace"
    command = [sys.executable, "-m", "tests.live.styled_trace", str(output), style, str(program)]
    root = str(Path(__file__).parent.parent.parent)
    done = subprocess.run(
        ["setarch", "-R", *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": root},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return output.read_text().splitlines()


@pytest.mark.parametrize("name", PROGRAMS)
def test_real_calls_are_written_as_strace_writes_them(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = build(name, PROGRAMS[name].bits)
    theirs = alike(name, comparable(strace(tmp_path_factory.mktemp("strace"), program=program)))
    ours = alike(name, comparable(utrace(tmp_path_factory.mktemp("utrace"), "{}", program)))
    assert len(theirs) > LINES_LEAST
    assert ours == theirs


@pytest.mark.parametrize("name", [name for name in PROGRAMS if PROGRAMS[name].more])
def test_what_strace_does_not_know_is_decoded(name: str, tmp_path: Path) -> None:
    lines = comparable(utrace(tmp_path, "{}", build(name, PROGRAMS[name].bits)))
    missing = [line for line in PROGRAMS[name].more if line not in lines]
    assert missing == []


#: Lines that the styles of constants, and of calls, write otherwise: where strace is at odds with itself.
STYLE_DIFFERENCES: tuple[tuple[str, str], ...] = (
    (r"statx\(.*missing", "strace -X raw leaves out a flag of zero"),
    (r"fcntl\(3, 0x[13]\b.*0x", "strace writes one note as -X says, the other not; we none"),
    (r"personality\(0xffffffff", "as before"),
    (r"utimensat.*missing", "strace -X writes the whole time, we UTIME_OMIT alone"),
    (r"^(\[ *\d+\] )?(---|\+\+\+)", "strace -n writes the last call before signals and ends"),
    (r"^openat\(.*EFAULT", "a register of the call that says nothing"),
    (r"^(get(p|t|pp)id|t?g?kill)\(.*(0x|PIDx|, x)", "pids in base sixteen"),
    (r"^writev\(3, .*, 0\)", "strace writes a vector of no elements as [] when it follows no pointers"),
)


@pytest.mark.parametrize(
    ("options", "style"),
    [
        (("-X", "raw"), {"xlat": "raw"}),
        (("-X", "verbose", "-n"), {"xlat": "verbose", "numbers": True}),
        (("-e", "raw=all"), {"raw_calls": "all"}),
        (("-e", "verbose=none"), {"flat_calls": "all"}),
        (("-e", "abbrev=%file"), {"whole_calls": "!%file"}),
        (("-v",), {"verbose": True}),
    ],
    ids=lambda value: "_".join(value).replace("-", "") if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("name", ["decode_files", "decode_tasks"])
def test_styles_are_those_of_strace(
    name: str,
    options: tuple[str, ...],
    style: dict[str, object],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    program = build(name)

    def kept(lines: list[str]) -> list[str]:
        return [
            line
            for line in comparable(lines)
            if not any(re.search(pattern, line) for pattern, _ in STYLE_DIFFERENCES)
        ]

    theirs = kept(strace(tmp_path_factory.mktemp("strace"), *options, program=program))
    ours = kept(utrace(tmp_path_factory.mktemp("utrace"), json.dumps(style), program))
    assert len(theirs) > 100
    assert ours == theirs
