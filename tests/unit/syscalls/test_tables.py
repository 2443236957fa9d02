from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from utrace.syscalls import decode
from utrace.syscalls.abi import AARCH64, ABIS, I386, X86_64, Abi
from utrace.syscalls.catalog import all_declared
from utrace.syscalls.tables import constant_values, enum_names, numbers, prototypes
from utrace.syscalls.values import Named


@pytest.mark.parametrize(
    ("abi", "name", "nr"),
    [
        (X86_64, "read", 0),
        (X86_64, "openat", 257),
        (X86_64, "clone3", 435),
        (X86_64, "file_setattr", 469),
        (I386, "read", 3),
        (I386, "socketcall", 102),
        (I386, "clock_gettime64", 403),
        (AARCH64, "openat", 56),
        (AARCH64, "clone", 220),
        (AARCH64, "clone3", 435),
    ],
)
def test_number_of_a_call(abi: Abi, name: str, nr: int) -> None:
    assert numbers(abi)[name] == nr
    assert prototypes(abi)[nr].name == name


@pytest.mark.parametrize("abi", ABIS, ids=lambda abi: str(abi.name))
def test_declared_signature_has_as_many_arguments_as_the_prototype(abi: Abi) -> None:
    for prototype in prototypes(abi).values():
        signature = all_declared(abi).get(prototype.name)
        # What a signal handler returns to has its argument on the stack.
        if signature is None or prototype.name == "rt_sigreturn":
            continue
        assert len(signature.arguments) == len(prototype.parameters), prototype.name


def test_every_declared_call_exists() -> None:
    for name in all_declared(X86_64):
        assert any(name in numbers(abi) for abi in ABIS), name


def test_flags_differ_where_architectures_do() -> None:
    assert constant_values(X86_64, "open")["O_DIRECTORY"] == 0o200000
    assert constant_values(AARCH64, "open")["O_DIRECTORY"] == 0o40000


def test_errors_and_signals_agree_with_this_python() -> None:
    names = enum_names(X86_64, "errno")
    for number, name in errno.errorcode.items():
        assert names.get(number, name) == name or getattr(errno, names[number]) == number
    for member in signal.Signals:
        if member < 32:
            assert enum_names(X86_64, "signal")[member] in {member.name, "SIGIO", "SIGABRT", "SIGCHLD"}


def test_import_and_first_decode_are_cheap() -> None:
    program = (
        "import time, utrace.syscalls.call as c, utrace.syscalls.catalog;"
        "from utrace.syscalls import tables, abi;"
        "tables.prototypes.cache_clear(); t = time.process_time(); tables.prototypes(abi.X86_64);"
        "print(time.process_time() - t)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.05


def test_data_is_in_the_package() -> None:
    folder = Path(sys.modules["utrace.syscalls.tables"].__file__ or "").parent / "data"
    assert {path.name for path in folder.glob("*.json")} == {
        "aarch64.json",
        "constants.json",
        "i386.json",
        "more_constants.json",
        "x86_64.json",
    }


def test_what_few_programs_ask_is_imported_when_one_does() -> None:
    program = (
        "import sys; from utrace.syscalls import decode;"
        "name = 'utrace.syscalls.signatures.devices';"
        "found = [(str(decode('x86_64', 16, (0, request, 0, 0, 0, 0)).args), name in sys.modules)[1]"
        " for request in (0x5401, 0x4C01)];"
        "assert found == [False, True], found"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_request_of_an_input_device_says_its_size() -> None:
    requests = {
        0x80404506: "EVIOCGNAME(64)",
        0x80084521: "EVIOCGBIT(EV_KEY, 8)",
        0x80184541: "EVIOCGABS(ABS_Y)",
    }
    for number, name in requests.items():
        call = decode(X86_64, 16, (0, number, 0, 0, 0, 0))
        request = call.args.request
        assert isinstance(request, Named)
        assert request.name == name
