from __future__ import annotations

import json
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.syscalls.fake_memory import FakeMemory
from utrace.errors import Misuse
from utrace.syscalls import DecodedCall, Limits, Result, decode
from utrace.syscalls.abi import ABIS, X86_64, Abi
from utrace.syscalls.render import (
    render_call,
    render_entry,
    render_resumed,
    render_unfinished,
)
from utrace.syscalls.tables import numbers
from utrace.syscalls.values import ABSENT, Address, Change, FlagSet, Named, Record, Text

NAME, BUFFER, STRUCT = 0x1000, 0x2000, 0x3000
MINUS_ONE = (1 << 64) - 1
NR = numbers(X86_64)


def call(
    name: str, *raw: int, memory: dict[int, bytes] | None = None, result: int | None = None
) -> DecodedCall:
    registers = (*(number & MINUS_ONE for number in raw), 0, 0, 0, 0, 0, 0)[:6]
    return decode("x86_64", NR[name], registers, FakeMemory(memory), result, Limits(32, 32))


def test_openat_arguments_are_values() -> None:
    opened = call("openat", -100, NAME, os.O_CLOEXEC, 0, memory={NAME: b"/etc/passwd\0"}, result=3)
    assert opened.name == "openat"
    assert opened.args.dirfd == -100
    assert opened.args.pathname == b"/etc/passwd"
    assert opened.path == "/etc/passwd"
    flags = opened.args.flags
    assert isinstance(flags, FlagSet)
    assert flags == os.O_CLOEXEC
    assert flags & os.O_CLOEXEC
    assert "O_CLOEXEC" in flags
    assert "O_CREAT" not in flags
    assert flags.names == ("O_RDONLY", "O_CLOEXEC")
    assert opened.args[2] == opened.args["flags"]


def test_argument_that_is_not_passed_is_left_out() -> None:
    without = call("openat", -100, NAME, 0, 0o777)
    assert without.args.mode is ABSENT
    assert "mode" not in without.args
    assert [name for name, _ in without.args.items()] == ["dirfd", "pathname", "flags"]
    created = call("openat", -100, NAME, os.O_CREAT, 0o640)
    assert created.args.mode == 0o640


def test_unknown_argument_name_says_which_there_are() -> None:
    with pytest.raises(AttributeError, match="openat has no argument 'filename': dirfd, pathname"):
        _ = call("openat").args.filename


def test_nothing_is_read_before_it_is_asked_for() -> None:
    memory = FakeMemory()
    opened = decode("x86_64", NR["open"], (NAME, 0, 0, 0, 0, 0), memory)
    memory.pieces[NAME] = b"late\0"
    assert opened.args.pathname == b"late"


def test_captured_argument_survives_a_change_of_memory() -> None:
    memory = FakeMemory({NAME: b"before\0"})
    removed = decode("x86_64", NR["unlink"], (NAME, 0, 0, 0, 0, 0), memory)
    removed.capture()
    memory.pieces[NAME] = b"after!\0"
    removed.finish(0)
    assert removed.args.pathname == b"before"


def test_out_parameter_is_an_address_until_success() -> None:
    read = call("read", 3, BUFFER, 100, memory={BUFFER: b"hello" * 20})
    assert isinstance(read.args["buf"], Address)
    read.finish(5)
    after = read.args.buf
    assert after == b"hello"
    failed = call("read", 3, BUFFER, 100, memory={BUFFER: b"hello"}, result=-9)
    assert failed.args.buf == BUFFER
    assert isinstance(failed.args.buf, Address)


def test_length_before_and_after_a_call_are_both_kept() -> None:
    memory = FakeMemory({STRUCT: struct.pack("<I", 110), BUFFER: struct.pack("<H", 1) + bytes(108)})
    accepted = decode("x86_64", NR["accept"], (3, BUFFER, STRUCT, 0, 0, 0), memory)
    accepted.capture()
    memory.pieces[STRUCT] = struct.pack("<I", 2)
    accepted.finish(4)
    length = accepted.args.addrlen
    assert isinstance(length, Change)
    assert (length.before, length.after) == ((110,), (2,))
    assert render_call(accepted) == "accept(3, {sa_family=AF_UNIX}, [110 => 2]) = 4"


def test_unreadable_memory_stays_an_address() -> None:
    for name in ("open", "stat", "execve", "write", "nanosleep", "rt_sigaction", "sendmsg", "connect"):
        decoded = call(name, 0xDEAD000, 0xDEAD000, 0xDEAD000, 0xDEAD000)
        for argument, value in decoded.args.items():
            if argument in {"pathname", "buf", "act", "msg", "addr", "argv"}:
                assert isinstance(value, Address), (name, argument)


def test_string_knows_whether_it_is_whole() -> None:
    whole = call("setxattr", NAME, BUFFER, 0, 0, memory={BUFFER: b"x" * 32 + b"\0"}).args.name
    cut = call("setxattr", NAME, BUFFER, 0, 0, memory={BUFFER: b"x" * 40 + b"\0"}).args.name
    endless = call("setxattr", NAME, BUFFER, 0, 0, memory={BUFFER: b"x" * 20}).args.name
    assert isinstance(whole, Text)
    assert (len(whole), whole.is_cut) == (32, False)
    assert isinstance(cut, Text)
    assert (len(cut), cut.is_cut) == (32, True)
    assert isinstance(endless, Address)


def test_numbers_have_the_sign_of_their_c_type() -> None:
    assert call("kill", 0xFFFFFFFF, 9).args.pid == -1
    assert call("lseek", 3, -5, 0).args.offset == -5
    assert call("read", 3, BUFFER, MINUS_ONE).args.count == MINUS_ONE
    assert call("close", 0x1_0000_0003).args.fd == 3


def test_unknown_numbers_and_bits_stay_raw() -> None:
    unknown = decode("x86_64", 500, (1, 2, 3, 4, 5, 6), None, -38)
    assert unknown.name == "syscall_0x1f4"
    assert render_call(unknown) == (
        "syscall_0x1f4(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)"
    )
    flags = call("mremap", 0, 0, 0, 0x100).args.flags
    assert isinstance(flags, FlagSet)
    assert (flags.names, flags.unknown) == ((), 0x100)
    clock = call("clock_gettime", 77).args.clockid
    assert isinstance(clock, Named)
    assert clock.name is None
    assert clock == 77


def test_unknown_architecture_is_refused() -> None:
    with pytest.raises(Misuse, match="no system call tables for architecture 0x28"):
        decode(0x28, 0, (0,) * 6)


def test_data_is_json() -> None:
    opened = call("openat", -100, NAME, 0x80000, memory={NAME: b"/etc/passwd\0"}, result=-2)
    assert json.loads(json.dumps(opened.to_data())) == {
        "name": "openat",
        "args": {
            "dirfd": -100,
            "pathname": "/etc/passwd",
            "flags": {"value": 0x80000, "names": ["O_RDONLY", "O_CLOEXEC"]},
        },
        "result": {"value": -2, "error": "ENOENT", "text": "No such file or directory"},
    }


def test_entry_unfinished_and_resumed_join_to_the_whole_line() -> None:
    read = call("read", 3, BUFFER, 100, memory={BUFFER: b"hello"})
    read.capture()
    assert render_entry(read) == "read(3, "
    assert render_unfinished(read) == "read(3,  <unfinished ...>"
    read.finish(5)
    assert render_resumed(read) == '<... read resumed>"hello", 100)         = 5'
    assert render_call(read) == 'read(3, "hello", 100)                   = 5'


def test_abandoned_call_renders_a_question_mark() -> None:
    assert render_call(call("exit_group", 3)) == "exit_group(3)                           = ?"


def test_struct_fields_are_named() -> None:
    stat = struct.pack(
        "<QQQIIIIQqqq6Q24x", 1, 42, 1, 0o100644, 1000, 1000, 0, 0, 1234, 4096, 8, 0, 0, 0, 0, 0, 0
    )
    decoded = call("fstat", 3, STRUCT, memory={STRUCT: stat}, result=0)
    record = decoded.args.statbuf
    assert isinstance(record, Record)
    assert (record.st_ino, record.st_size, record["st_uid"]) == (42, 1234, 1000)
    assert render_call(decoded) == "fstat(3, {st_mode=S_IFREG|0644, st_size=1234, ...}) = 0"


@pytest.mark.parametrize(
    ("name", "raw", "result", "expected"),
    [
        ("mmap", (0, 4096, 3, 0x22, -1, 0), 0x7F00,
         ("mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, "
          "0) = 0x7f00")),
        ("mprotect", (0x1000, 4096, 0), 0, "mprotect(0x1000, 4096, PROT_NONE)       = 0"),
        ("clone", (0x1200011, 0, 0, 0x7F00, 0), 12,
         ("clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|"
          "SIGCHLD, child_tidptr=0x7f00) = 12")),
        ("umask", (0o22,), 0o27, "umask(022)                              = 027"),
        ("fcntl", (3, 3), 0x8002,
         ("fcntl(3, F_GETFL)                       = 0x8002 (flags O_RDWR|O_LARGE"
          "FILE)")),
        ("socket", (1, 0x80001, 0), 3, "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3"),
        ("socket", (2, 2, 17), 3, "socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP) = 3"),
        ("futex", (0x7F00, 129, 1), 1, "futex(0x7f00, FUTEX_WAKE_PRIVATE, 1)    = 1"),
        ("ioctl", (0, 0x5401, 0x7F00), -25,
         ("ioctl(0, TCGETS, 0x7f00)                = -1 ENOTTY (Inappropriate ioc"
          "tl for device)")),
        ("select", (0, 0, 0, 0, 0), -514,
         ("select(0, NULL, NULL, NULL, NULL)       = ? ERESTARTNOHAND (To be rest"
          "arted if no handler)")),
        ("pause", (), -512,
         ("pause()                                 = ? ERESTARTSYS (To be restart"
          "ed if SA_RESTART is set)")),
        ("poll", (0, 0, 5), 0, "poll(NULL, 0, 5)                        = 0 (Timeout)"),
        ("kill", (12, 10), 0, "kill(12, SIGUSR1)                       = 0"),
        ("close", (3,), -600, "close(3)                                = -1 (errno 600)"),
    ],
)  # fmt: skip
def test_lines_without_memory(name: str, raw: tuple[int, ...], result: int, expected: str) -> None:
    assert render_call(call(name, *raw, result=result)) == expected


def test_i386_call_uses_its_own_numbers_and_words() -> None:
    iov = struct.pack("<2I", BUFFER, 5)
    memory = FakeMemory({STRUCT: iov, BUFFER: b"hello"})
    written = decode(0x40000003, numbers(ABIS[1])["writev"], (1, STRUCT, 1, 0, 0, 0), memory, 5)
    assert render_call(written) == 'writev(1, [{iov_base="hello", iov_len=5}], 1) = 5'


def test_clone_of_aarch64_takes_tls_before_child_tid() -> None:
    cloned = decode("aarch64", 220, (0x1200011 | 0x80000, 0, 0, 0x10, 0x20, 0), None, 5)
    assert cloned.args.tls == 0x10
    assert cloned.args.child_tid == 0x20


@pytest.mark.parametrize("abi", ABIS, ids=lambda abi: str(abi.name))
def test_every_call_decodes_extreme_arguments(abi: Abi) -> None:
    for nr in numbers(abi).values():
        for number in (0, 1, 8, MINUS_ONE, 1 << 63, 0xFFFFFFFF, STRUCT):
            for result in (0, 5, -14, None):
                decoded = decode(abi, nr, (number,) * 6, FakeMemory({STRUCT: bytes(range(256))}), result)
                assert render_call(decoded).startswith(decoded.name + "(")
                json.dumps(decoded.to_data())


@given(
    nr=st.sampled_from(sorted(NR.values())),
    raw=st.tuples(
        *[st.one_of(st.integers(0, MINUS_ONE), st.just(STRUCT), st.just(BUFFER), st.integers(0, 64))] * 6
    ),
    content=st.binary(min_size=1, max_size=600),
    result=st.one_of(st.integers(0, 300), st.integers(-600, -1)),
)
def test_random_memory_never_raises(nr: int, raw: tuple[int, ...], content: bytes, result: int) -> None:
    memory = FakeMemory({STRUCT: content, BUFFER: content[::-1]})
    decoded = decode("x86_64", nr, raw, memory)
    decoded.capture()
    render_entry(decoded)
    decoded.finish(Result(result))
    render_call(decoded)
    json.dumps(decoded.to_data())
