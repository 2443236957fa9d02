"""Offsets of our structs against those that the compiler computes from the kernel's headers."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.capabilities import uapi_folders
from utrace.syscalls import layouts, layouts_ipc, layouts_kernel, layouts_mount, layouts_tasks
from utrace.syscalls.abi import I386, X86_64, Abi
from utrace.syscalls.layouts import PerAbi
from utrace.syscalls.structs import Spliced, Struct

MODULES = (layouts, layouts_ipc, layouts_kernel, layouts_mount, layouts_tasks)

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
    "DQBLK": ("linux/quota.h", "struct if_dqblk"),
    "NEXTDQBLK": ("linux/quota.h", "struct if_nextdqblk"),
    "DQINFO": ("linux/quota.h", "struct if_dqinfo"),
    "PRCTL_MM_MAP": ("linux/prctl.h", "struct prctl_mm_map"),
    "SOCK_FPROG": ("linux/filter.h", "struct sock_fprog"),
    "PEEKSIGINFO": ("linux/ptrace.h", "struct ptrace_peeksiginfo_args"),
    "SECCOMP_METADATA": ("linux/ptrace.h", "struct seccomp_metadata"),
    "RSEQ_CONFIGURATION": ("linux/ptrace.h", "struct ptrace_rseq_configuration"),
    "KCMP_EPOLL_SLOT": ("linux/kcmp.h", "struct kcmp_epoll_slot"),
    "SHMID_DS": ("linux/types.h>\n#include <linux/ipc.h>\n#include <asm/shmbuf.h", "struct shmid64_ds"),
    "SEMID_DS": ("linux/types.h>\n#include <linux/ipc.h>\n#include <asm/sembuf.h", "struct semid64_ds"),
    "MSQID_DS": ("linux/types.h>\n#include <linux/ipc.h>\n#include <asm/msgbuf.h", "struct msqid64_ds"),
    "MQ_ATTR": ("linux/mqueue.h", "struct mq_attr"),
    "IO_URING_PARAMS": ("linux/io_uring.h", "struct io_uring_params"),
    "LANDLOCK_PATH_BENEATH": ("linux/landlock.h", "struct landlock_path_beneath_attr"),
    "FUTEX_WAITV": ("linux/futex.h", "struct futex_waitv"),
    "SECCOMP_DATA": ("linux/seccomp.h", "struct seccomp_data"),
    "SECCOMP_NOTIF": ("linux/seccomp.h", "struct seccomp_notif"),
    "SECCOMP_NOTIF_RESP": ("linux/seccomp.h", "struct seccomp_notif_resp"),
    "SECCOMP_NOTIF_ADDFD": ("linux/seccomp.h", "struct seccomp_notif_addfd"),
}  # fmt: skip

#: The same of structs younger than the headers of Debian 12.
YOUNG_STRUCTS = {
    "PERF_EVENT_ATTR": ("linux/perf_event.h", "struct perf_event_attr"),
    "LANDLOCK_RULESET": ("linux/landlock.h", "struct landlock_ruleset_attr"),
    "IO_URING_BUF_REG": ("linux/io_uring.h", "struct io_uring_buf_reg"),
    "XATTR_ARGS": ("linux/xattr.h", "struct xattr_args"),
    "CACHESTAT": ("linux/mman.h", "struct cachestat"),
    "FILE_ATTR": ("linux/fs.h", "struct file_attr"),
    "NS_ID_REQUEST": ("linux/nsfs.h", "struct ns_id_req"),
    "STATMOUNT_REQUEST": ("linux/mount.h", "struct mnt_id_req"),
    "STATMOUNT": ("linux/mount.h", "struct statmount"),
}


def compiled(abi: Abi, header: str, ctype: str, fields: list[str]) -> dict[str, int]:
    lines = [f"const long at_{field} = __builtin_offsetof({ctype}, {field});" for field in fields]
    lines.append(f"const long at_ = sizeof({ctype});")
    source = f"typedef unsigned long size_t;\n#include <{header}>\n" + "\n".join(lines) + "\n"
    word = "-m64" if abi is X86_64 else "-m32"
    command = [
        "gcc",
        word,
        "-nostdinc",
        *(f"-I{folder}" for folder in uapi_folders()),
        "-w",
        "-S",
        "-x",
        "c",
        "-",
        "-o",
        "-",
    ]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"^at_(\w*):\n\s+\.(quad|long|zero)\s+(\d+)", done.stdout, flags=re.MULTILINE)
    return {field: 0 if directive == "zero" else int(number) for field, directive, number in found}


def compare(name: str, header: str, ctype: str) -> None:
    for abi in (X86_64, I386):
        struct = next(vars(module)[name] for module in MODULES if name in vars(module))
        if isinstance(struct, PerAbi):
            struct = struct.structs[abi]
        assert isinstance(struct, Struct)
        # What is spliced in has no name of its own.
        fields = [
            field
            for field, kind in struct.fields.items()
            if not field.startswith("_") and not isinstance(kind, Spliced)
        ]
        ours = {field: struct.offsets(abi)[field] for field in ("", *fields)}
        assert ours == compiled(abi, header, ctype, fields), abi.name


@pytest.mark.requires("gcc", "x86-64")
@pytest.mark.parametrize("name", KERNEL_STRUCTS)
def test_offsets_are_the_compilers(name: str) -> None:
    compare(name, *KERNEL_STRUCTS[name])


@pytest.mark.requires("gcc", "x86-64", "linux-6.19-headers")
@pytest.mark.parametrize("name", YOUNG_STRUCTS)
def test_offsets_of_young_structs_are_the_compilers(name: str) -> None:
    compare(name, *YOUNG_STRUCTS[name])
