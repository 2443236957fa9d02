"""The calls that can be recorded without a stop, and what is copied of each (D21).

Rule of this file: a call stands here only if all that is shown of it lies in its registers or directly behind
its pointers.  Others stop: those with pointers in what pointers point to, those that begin or end a program
or a task, and those of which only a look at the stopped task tells what they mean.

A test compares the plans with the signatures of the calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.core.events import Event
from utrace.kernel.tap_program import RESULT, Copy, Plan
from utrace.syscalls.abi import X86_64
from utrace.syscalls.tables import numbers
from utrace.tracer.engine import syscall_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from utrace.tracer.ops import EngineOps

ARCH: Final = X86_64.audit
"""The only convention whose calls are tapped."""
TEXT_MAX: Final = 256
"""The longest strings and buffers that are shown whole; whoever wants more has the calls stop."""
#: With so many of its calls wanted a tap is worth what every call on the machine pays for it.
_WORTH: Final = 40
_PATH: Final = 4096 + 2
_PLAIN: Final = [
    "alarm",
    "brk",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "epoll_create",
    "epoll_create1",
    "eventfd",
    "eventfd2",
    "exit",
    "exit_group",
    "fadvise64",
    "fallocate",
    "fchdir",
    "fchmod",
    "fchown",
    "fdatasync",
    "flock",
    "fsmount",
    "fsync",
    "ftruncate",
    "getegid",
    "geteuid",
    "getgid",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getsid",
    "gettid",
    "getuid",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "io_destroy",
    "ioprio_get",
    "ioprio_set",
    "kill",
    "landlock_restrict_self",
    "listen",
    "lseek",
    "madvise",
    "membarrier",
    "memfd_secret",
    "mlock",
    "mlock2",
    "mlockall",
    "mmap",
    "mprotect",
    "mremap",
    "msgget",
    "msync",
    "munlock",
    "munlockall",
    "munmap",
    "pause",
    "personality",
    "pidfd_getfd",
    "pidfd_open",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    "process_mrelease",
    "readahead",
    "restart_syscall",
    "rseq",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getscheduler",
    "sched_yield",
    "semget",
    "set_robust_list",
    "set_tid_address",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setns",
    "setpgid",
    "setpriority",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setsid",
    "setuid",
    "shmat",
    "shmdt",
    "shmget",
    "shutdown",
    "sync",
    "sync_file_range",
    "syncfs",
    "tee",
    "tgkill",
    "timer_delete",
    "timer_getoverrun",
    "timerfd_create",
    "tkill",
    "umask",
    "unshare",
    "userfaultfd",
    "vhangup",
]


def _string(arg: int, most: int = _PATH) -> Copy:
    """Copy a string; `most`: its bytes, with its NUL and one more, which tells that it is longer."""
    return Copy(arg, most, string=True)


def _block(arg: int, size: int, *, always: bool = False) -> Copy:
    return Copy(arg, size, always=always)


def _bytes(arg: int, by: int, most: int = TEXT_MAX + 1) -> Copy:
    return Copy(arg, 1, by, most)


_STAT: Final = 144
_STATX: Final = 256
_TIMESPEC: Final = 16
_WORD: Final = 8
_INT: Final = 4
_ADDRESS: Final = 128
_POLLFD: Final = 8
_POLLFDS: Final = 32
_EPOLL_EVENT: Final = 12
_FLOCK: Final = 32
_OWNER: Final = 8
_SIGINFO: Final = 128
_RUSAGE: Final = 144
_SEMBUF: Final = 6
_ENTRIES_MAX: Final = 0xFFF8
_ITEMS: Final = 32
_READS: Final = Plan((), (_bytes(1, RESULT),))
_WRITES: Final = Plan((_bytes(1, 2),))
_FIRST_PATH: Final = Plan((_string(0),))
_SECOND_PATH: Final = Plan((_string(1),))
_TWO_PATHS: Final = Plan((_string(0), _string(1)))
_PATHS_AT: Final = Plan((_string(1), _string(3)))
_LOCKS: Final = (_block(2, _OWNER), _block(2, _FLOCK))
_PEER: Final = Plan((_block(2, _INT),), (_block(1, _ADDRESS), _block(2, _INT)))
_OFFSETS: Final = (_block(1, _WORD), _block(3, _WORD))
_POLLED: Final = (Copy(0, _POLLFD, 1, _POLLFDS), _block(2, _TIMESPEC))

_POINTING: Final[dict[str, Plan]] = {
    **dict.fromkeys(("read", "pread64"), _READS),
    **dict.fromkeys(("write", "pwrite64"), _WRITES),
    **dict.fromkeys(
        [
            "access",
            "acct",
            "chdir",
            "chmod",
            "chown",
            "chroot",
            "creat",
            "lchown",
            "mkdir",
            "mknod",
            "mq_unlink",
            "open",
            "rmdir",
            "swapoff",
            "swapon",
            "truncate",
            "umount2",
            "unlink",
        ],
        _FIRST_PATH,
    ),
    **dict.fromkeys(
        [
            "openat",
            "mkdirat",
            "mknodat",
            "fchownat",
            "unlinkat",
            "fchmodat",
            "fchmodat2",
            "faccessat",
            "faccessat2",
            "inotify_add_watch",
            "open_tree",
            "fspick",
        ],
        _SECOND_PATH,
    ),
    **dict.fromkeys(("link", "rename", "symlink"), _TWO_PATHS),
    **dict.fromkeys(("linkat", "renameat", "renameat2", "move_mount"), _PATHS_AT),
    **dict.fromkeys(("accept", "accept4", "getsockname", "getpeername"), _PEER),
    "symlinkat": Plan((_string(0), _string(2))),
    "stat": Plan((_string(0),), (_block(1, _STAT),)),
    "lstat": Plan((_string(0),), (_block(1, _STAT),)),
    "fstat": Plan((), (_block(1, _STAT),)),
    "newfstatat": Plan((_string(1),), (_block(2, _STAT),)),
    "statx": Plan((_string(1),), (_block(4, _STATX),)),
    "readlink": Plan((_string(0),), (_bytes(1, RESULT),)),
    "readlinkat": Plan((_string(1),), (_bytes(2, RESULT),)),
    "getcwd": Plan((), (_string(0, TEXT_MAX + 3),)),
    "utimensat": Plan((_string(1), _block(2, 2 * _TIMESPEC))),
    "pipe": Plan((), (_block(0, 2 * _INT),)),
    "pipe2": Plan((), (_block(0, 2 * _INT),)),
    "poll": Plan((Copy(0, _POLLFD, 1, _POLLFDS),), (Copy(0, _POLLFD, 1, _POLLFDS),)),
    "epoll_wait": Plan((), (Copy(1, _EPOLL_EVENT, RESULT, TEXT_MAX),)),
    "rt_sigaction": Plan((_block(1, 4 * _WORD),), (_block(2, 4 * _WORD),)),
    "rt_sigprocmask": Plan((_block(1, _WORD),), (_block(2, _WORD),)),
    "rt_sigpending": Plan((), (_block(0, _WORD),)),
    "nanosleep": Plan((_block(0, _TIMESPEC),), (_block(1, _TIMESPEC, always=True),)),
    "clock_nanosleep": Plan((_block(2, _TIMESPEC),), (_block(3, _TIMESPEC, always=True),)),
    "clock_gettime": Plan((), (_block(1, _TIMESPEC),)),
    "clock_getres": Plan((), (_block(1, _TIMESPEC),)),
    "gettimeofday": Plan((), (_block(0, _TIMESPEC), _block(1, _WORD))),
    "time": Plan((), (_block(0, _WORD),)),
    "times": Plan((), (_block(0, 4 * _WORD),)),
    "uname": Plan((), (_block(0, 390),)),
    "sysinfo": Plan((), (_block(0, 112),)),
    "getrusage": Plan((), (_block(1, 144),)),
    "getrlimit": Plan((), (_block(1, 2 * _WORD),)),
    "setrlimit": Plan((_block(1, 2 * _WORD),)),
    "prlimit64": Plan((_block(2, 2 * _WORD),), (_block(3, 2 * _WORD),)),
    "getresuid": Plan((), tuple(_block(arg, _INT) for arg in range(3))),
    "getresgid": Plan((), tuple(_block(arg, _INT) for arg in range(3))),
    "getrandom": Plan((), (_bytes(0, RESULT),)),
    "connect": Plan((_bytes(1, 2, _ADDRESS),)),
    "bind": Plan((_bytes(1, 2, _ADDRESS),)),
    "sendfile": Plan((_block(2, _WORD),), (_block(2, _WORD),)),
    "copy_file_range": Plan((_block(1, _WORD), _block(3, _WORD)), (_block(1, _WORD), _block(3, _WORD))),
    "memfd_create": Plan((_string(0, TEXT_MAX + 3),)),
    "statfs": Plan((_string(0),), (_block(1, 120),)),
    "fstatfs": Plan((), (_block(1, 120),)),
    "getxattr": Plan((_string(0), _string(1, TEXT_MAX + 3)), (_bytes(2, RESULT),)),
    "lgetxattr": Plan((_string(0), _string(1, TEXT_MAX + 3)), (_bytes(2, RESULT),)),
    "fgetxattr": Plan((_string(1, TEXT_MAX + 3),), (_bytes(2, RESULT),)),
    "futex": Plan((_block(3, _TIMESPEC),)),
    "getitimer": Plan((), (_block(1, 2 * _TIMESPEC),)),
    "setitimer": Plan((_block(1, 2 * _TIMESPEC),), (_block(2, 2 * _TIMESPEC),)),
    "timerfd_settime": Plan((_block(2, 2 * _TIMESPEC),), (_block(3, 2 * _TIMESPEC),)),
    "timerfd_gettime": Plan((), (_block(1, 2 * _TIMESPEC),)),
    "sigaltstack": Plan((_block(0, 24),), (_block(1, 24),)),
    "getcpu": Plan((), (_block(0, _INT), _block(1, _INT))),
    "fcntl": Plan(_LOCKS, _LOCKS),
    "getdents64": Plan((), (_bytes(1, RESULT, _ENTRIES_MAX),)),
    "wait4": Plan((), (_block(1, _INT), _block(3, _RUSAGE))),
    "waitid": Plan((), (_block(2, _SIGINFO), _block(4, _RUSAGE))),
    "arch_prctl": Plan((), (_block(1, _WORD),)),
    "openat2": Plan((_string(1), _bytes(2, 3, 24))),
    "utime": Plan((_string(0), _block(1, _TIMESPEC))),
    "utimes": Plan((_string(0), _block(1, 2 * _TIMESPEC))),
    "futimesat": Plan((_string(1), _block(2, 2 * _TIMESPEC))),
    "removexattr": Plan((_string(0), _string(1, TEXT_MAX + 3))),
    "lremovexattr": Plan((_string(0), _string(1, TEXT_MAX + 3))),
    "fremovexattr": Plan((_string(1, TEXT_MAX + 3),)),
    "setxattr": Plan((_string(0), _string(1, TEXT_MAX + 3), _bytes(2, 3))),
    "lsetxattr": Plan((_string(0), _string(1, TEXT_MAX + 3), _bytes(2, 3))),
    "fsetxattr": Plan((_string(1, TEXT_MAX + 3), _bytes(2, 3))),
    "epoll_ctl": Plan((_block(3, _EPOLL_EVENT),)),
    "epoll_pwait": Plan((_block(4, _WORD),), (Copy(1, _EPOLL_EVENT, RESULT, TEXT_MAX),)),
    "epoll_pwait2": Plan(
        (_block(3, _TIMESPEC), _block(4, _WORD)), (Copy(1, _EPOLL_EVENT, RESULT, TEXT_MAX),)
    ),
    "ppoll": Plan((*_POLLED, _block(3, _WORD)), _POLLED),
    "splice": Plan(_OFFSETS, _OFFSETS),
    "rt_sigsuspend": Plan((_block(0, _WORD),)),
    "rt_sigtimedwait": Plan((_block(0, _WORD), _block(2, _TIMESPEC)), (_block(1, _SIGINFO),)),
    "rt_sigqueueinfo": Plan((_block(2, _SIGINFO),)),
    "rt_tgsigqueueinfo": Plan((_block(3, _SIGINFO),)),
    "pidfd_send_signal": Plan((_block(2, _SIGINFO),)),
    "signalfd": Plan((_block(1, _WORD),)),
    "signalfd4": Plan((_block(1, _WORD),)),
    "sched_getparam": Plan((), (_block(1, _INT),)),
    "sched_setparam": Plan((_block(1, _INT),)),
    "sched_setscheduler": Plan((_block(2, _INT),)),
    "sched_rr_get_interval": Plan((), (_block(1, _TIMESPEC),)),
    "sched_getaffinity": Plan((), (_bytes(2, RESULT, _PATH),)),
    "sched_setaffinity": Plan((_bytes(2, 1, _PATH),)),
    "getgroups": Plan((), (Copy(1, _INT, RESULT, _ITEMS),)),
    "setgroups": Plan((Copy(1, _INT, 0, _ITEMS),)),
    "get_robust_list": Plan((), (_block(1, _WORD), _block(2, _WORD))),
    "semop": Plan((Copy(1, _SEMBUF, 2, _ITEMS),)),
    "semtimedop": Plan((Copy(1, _SEMBUF, 2, _ITEMS), _block(3, _TIMESPEC))),
    "timer_settime": Plan((_block(2, 2 * _TIMESPEC),), (_block(3, 2 * _TIMESPEC),)),
    "timer_gettime": Plan((), (_block(1, 2 * _TIMESPEC),)),
    "clock_settime": Plan((_block(1, _TIMESPEC),)),
    "settimeofday": Plan((_block(0, _TIMESPEC), _block(1, _WORD))),
}

PLANS: Final[Mapping[str, Plan]] = {**dict.fromkeys(_PLAIN, Plan()), **_POINTING}
"""By name, the calls of x86-64 that can be tapped."""


def tappable(clients: Iterable[EngineOps]) -> tuple[EngineOps, dict[int, Plan]] | None:
    """Give the engine whose calls can be tapped, and what of them; None: nobody's.

    It has to be the only one that wants calls, and to take them in batches: one that looks at the stopped
    task at each call has nothing to look at.
    """
    wanting = [ops for ops in clients if ops.events & Event.SYSCALL]
    limits = wanting[0].batches if len(wanting) == 1 else None
    if limits is None or limits.cpu_times or limits.memory.text > TEXT_MAX:
        return None
    wanted = syscall_numbers(wanting[0].syscalls)
    plans = plans_of(None if wanted is None else wanted[ARCH])
    return (wanting[0], plans) if plans else None


def plans_of(wanted: frozenset[int] | None) -> dict[int, Plan]:
    """Give those of the wanted calls that are tapped, by number; none where that is not worth it.

    Args:
        wanted: numbers of calls of x86-64; None for all.
    """
    known = numbers(X86_64)
    plans = {known[name]: plan for name, plan in PLANS.items()}
    if wanted is not None:
        plans = {nr: plan for nr, plan in plans.items() if nr in wanted}
    return plans if len(plans) >= _WORTH else {}
