"""Offsets of our structs against those that the compiler computes from the kernel's headers."""

from __future__ import annotations

import re
import subprocess

import pytest

from utrace.syscalls import layouts
from utrace.syscalls.abi import I386, X86_64, Abi
from utrace.syscalls.layouts import PerAbi
from utrace.syscalls.structs import Struct

# Our name -> the header and the C struct.
KERNEL_STRUCTS = {
    "STAT": ("asm/stat.h", "struct stat"),
    "STATX": ("linux/stat.h", "struct statx"),
    "STATFS": ("asm/statfs.h", "struct statfs"),
    "TIMESPEC64": ("linux/time_types.h", "struct __kernel_timespec"),
    "FLOCK64": ("asm/fcntl.h", "struct flock64"),
    "FLOCK": ("asm/fcntl.h", "struct flock"),
    "OPEN_HOW": ("linux/openat2.h", "struct open_how"),
    "RLIMIT64": ("linux/resource.h", "struct rlimit64"),
    "RUSAGE": ("linux/resource.h", "struct rusage"),
    "SYSINFO": ("linux/sysinfo.h", "struct sysinfo"),
    "UTSNAME": ("linux/utsname.h", "struct new_utsname"),
    "CLONE_ARGS": ("linux/sched.h", "struct clone_args"),
    "POLLFD": ("asm/poll.h", "struct pollfd"),
    "SIGALTSTACK": ("asm/signal.h", "stack_t"),
    "TERMIOS": ("asm/termbits.h", "struct termios"),
    "WINSIZE": ("asm/termios.h", "struct winsize"),
    "IOVEC": ("linux/uio.h", "struct iovec"),
    "SEMBUF": ("linux/sem.h", "struct sembuf"),
    "MOUNT_ATTR": ("linux/mount.h", "struct mount_attr"),
    "CAP_DATA": ("linux/capability.h", "struct __user_cap_data_struct"),
    "SCHED_ATTR": ("linux/sched/types.h", "struct sched_attr"),
    "ITIMERVAL": ("linux/time.h", "struct itimerval"),
}  # fmt: skip


def compiled(abi: Abi, header: str, ctype: str, fields: list[str]) -> dict[str, int]:
    lines = [f"const long at_{field} = __builtin_offsetof({ctype}, {field});" for field in fields]
    lines.append(f"const long at_ = sizeof({ctype});")
    source = f"typedef unsigned long size_t;\n#include <{header}>\n" + "\n".join(lines) + "\n"
    word = "-m64" if abi is X86_64 else "-m32"
    folders = ["-nostdinc", "-I/usr/include", "-I/usr/include/x86_64-linux-gnu"]
    command = ["gcc", word, *folders, "-w", "-S", "-x", "c", "-", "-o", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"^at_(\w*):\n\s+\.(quad|long|zero)\s+(\d+)", done.stdout, flags=re.MULTILINE)
    return {field: 0 if directive == "zero" else int(number) for field, directive, number in found}


@pytest.mark.requires("gcc", "x86-64")
@pytest.mark.parametrize("name", KERNEL_STRUCTS)
def test_offsets_are_the_compilers(name: str) -> None:
    header, ctype = KERNEL_STRUCTS[name]
    for abi in (X86_64, I386):
        kind = getattr(layouts, name)
        if isinstance(kind, PerAbi):
            kind = kind.structs[abi]
        assert isinstance(kind, Struct)
        ours = {field: at for field, at in kind.offsets(abi).items() if not field.startswith("_")}
        theirs = compiled(abi, header, ctype, [field for field in ours if field])
        assert ours == theirs, abi.name
