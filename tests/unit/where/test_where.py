"""What expressions are true of which calls."""

from __future__ import annotations

import pytest

from tests.unit.engines.some_records import PATH, call, thread
from utrace.engines.conditions import facts_of
from utrace.where import Where

CWD = 2**64 - 100
OPENED = call(
    "openat", CWD, PATH, 0o1101, 0o644, value=3, by=thread(8, pid=7, comm="make"), duration_ns=2_500_000
)
MISSED = call("openat", CWD, PATH, 0, value=-2, text=b"/nonexistent/\xff")
SYNCED = call("mmap", 0, 4096, 3, 0x22, 2**64 - 1, value=0x7F00_0000_0000)
ENDED = call("exit_group", 3, value=None)
CALLS = {"opened": OPENED, "missed": MISSED, "mapped": SYNCED, "ended": ENDED}


@pytest.mark.parametrize(
    ("text", "true_of"),
    [
        ("True", "opened missed mapped ended"),
        ("name == 'openat'", "opened missed"),
        ("name in ('mmap', 'exit_group')", "mapped ended"),
        ("nr == 257 and arch == 'x86_64'", "opened missed"),
        ("pid == 7 and tid == 8 and comm == 'make'", "opened"),
        ("path == '/etc/passwd'", "opened"),
        ("path", "opened missed"),
        ("glob(path, '/etc/*')", "opened"),
        ("glob(path, 'etc')", ""),
        ("regex(path, 'e.c')", "opened"),
        (r"regex(path, '\udcff$')", "missed"),
        ("'etc' in path", "opened"),
        ("error", "missed"),
        ("error == ENOENT and errno == ENOENT and errno == 2 and error == 'ENOENT'", "missed"),
        ("ret == -1", "missed"),
        ("ret > 2", "opened mapped"),
        ("not ret > 2", "missed ended"),
        ("status == 'unfinished'", "ended"),
        ("duration > 0.002 and duration_ns == 2_500_000", "opened"),
        ("duration <= 0.002", "missed mapped"),
        ("O_CREAT in flags", "opened"),
        ("O_RDONLY in flags", "missed"),
        ("has(flags, O_WRONLY, O_TRUNC)", "opened"),
        ("has(flags, O_WRONLY, O_EXCL)", ""),
        ("flags & 0o100", "opened"),
        ("0o100 & flags == 0o100", "opened"),
        ("flags == 'O_WRONLY|O_CREAT|O_TRUNC'", "opened"),
        ("prot == 'PROT_READ|PROT_WRITE' and MAP_ANONYMOUS in flags", "mapped"),
        ("flags != 0", "opened mapped"),
        ("mode == 0o644", "opened"),
        ("dirfd == AT_FDCWD", "opened missed"),
        ("dirfd == -100", "opened missed"),
        ("addr == NULL", "mapped"),
        ("addr != NULL", ""),
        ("not addr", "opened missed mapped ended"),
        ("fd != 3", "mapped"),
        ("not fd == 3", "opened missed mapped ended"),
        ("path < 3", ""),
        ("path != 3", "opened missed"),
        ("path.x == 3 or argv[0] == 'x' or path & 3 or 3 in fd", ""),
        ("length in (1, 4096) and length not in (2, 3)", "mapped"),
        ("4000 < length < 5000", "mapped"),
    ],
)
def test_an_expression_is_true_of_these_calls(text: str, true_of: str) -> None:
    where = Where(text)
    found = [name for name, record in CALLS.items() if where.accepts(facts_of(record))]
    assert found == true_of.split()
    split = [name for name, record in CALLS.items() if where.split.accepts(facts_of(record))]
    assert split == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("addr.sin_port == 80 and addr.sin_addr == '127.0.0.1' and addr.sa_family == AF_INET", True),
        ("addr.sin_port == 81", False),
        ("addr.sin6_port == 80", False),
        ("addrlen == 16", True),
    ],
)
def test_a_peer_is_asked_by_its_fields(text: str, expected: bool) -> None:
    address = b"\2\0\0\x50\x7f\0\0\1".ljust(16, b"\0")
    record = call("connect", 3, PATH, 16, text=address)
    assert Where(text).accepts(facts_of(record)) is expected


def test_elements_of_sets_and_lists_are_found() -> None:
    record = call("rt_sigprocmask", 0, PATH, 0, 8, text=(1 << 1 | 1 << 14).to_bytes(8, "little"))
    names = [
        name for name in ("SIGINT", "SIGTERM", "SIGHUP") if Where(f"{name} in set").accepts(facts_of(record))
    ]
    assert names == ["SIGINT", "SIGTERM"]
