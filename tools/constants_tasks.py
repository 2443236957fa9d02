"""Sets of constants: processes, signals, waiting and time."""

from __future__ import annotations

from typing import Final

from constant_kinds import EnumSet, FlagSet, enum, flags

SETS: Final[dict[str, FlagSet | EnumSet]] = {
    # Processes.
    "clone": flags(
        "linux/sched.h",
        r"CLONE_[A-Z_]+",
        "CLONE_ARGS.*|CLONE_NEWTIME|CLONE_CLEAR_SIGHAND|CLONE_INTO_CGROUP|CLONE_DETACHED",
    ),
    "clone3": flags(
        "linux/sched.h",
        "CLONE_VM CLONE_FS CLONE_FILES CLONE_SIGHAND CLONE_PIDFD CLONE_PTRACE CLONE_VFORK CLONE_PARENT"
        " CLONE_THREAD"
        " CLONE_NEWNS CLONE_SYSVSEM CLONE_SETTLS CLONE_PARENT_SETTID CLONE_CHILD_CLEARTID CLONE_UNTRACED"
        " CLONE_CHILD_SETTID CLONE_NEWCGROUP CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID"
        " CLONE_NEWNET CLONE_IO"
        " CLONE_NEWTIME CLONE_CLEAR_SIGHAND CLONE_INTO_CGROUP",
    ),
    "unshare": flags(
        "linux/sched.h",
        "CLONE_NEWTIME CLONE_VM CLONE_FS CLONE_FILES CLONE_SIGHAND CLONE_THREAD CLONE_NEWNS CLONE_SYSVSEM"
        " CLONE_NEWCGROUP CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID CLONE_NEWNET",
    ),
    "namespaces": flags(
        "linux/sched.h",
        "CLONE_NEWTIME CLONE_NEWNS CLONE_NEWCGROUP CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID"
        " CLONE_NEWNET",
    ),
    "handle_at": flags("linux/fcntl.h", "AT_SYMLINK_FOLLOW AT_EMPTY_PATH"),
    "wait": flags("linux/wait.h", "WNOHANG WUNTRACED WEXITED WCONTINUED WNOWAIT __WCLONE __WALL __WNOTHREAD"),
    "waitid": flags(
        "linux/wait.h", "WNOHANG WEXITED WSTOPPED WCONTINUED WNOWAIT __WCLONE __WALL __WNOTHREAD"
    ),
    "id_type": enum("linux/wait.h", "P_ALL P_PID P_PGID P_PIDFD"),
    "rlimit": enum("linux/resource.h", r"RLIMIT_[A-Z]+"),
    "rusage_who": enum("linux/resource.h", r"RUSAGE_[A-Z]+"),
    "priority_which": enum("linux/resource.h", r"PRIO_(PROCESS|PGRP|USER)"),
    "prctl": enum(
        "linux/prctl.h",
        r"PR_(SET|GET|CAPBSET|CAP_AMBIENT|MCE|TASK|SVE|SME|PAC|MPX|SCHED|RSEQ)[A-Z_0-9]*",
        r"PR_SET_VMA_.*|PR_PAC_AP.*|PR_SET_MM_.*|PR_(SVE|SME)_(VL|SET_VL)_.*|PR_CAP_AMBIENT_.*"
        r"|PR_SCHED_CORE_.*|PR_MCE_KILL_.*|PR_SET_PTRACER_ANY|PR_TASK_PERF.*_.*X",
    ),
    "prctl_dumpable": enum("linux/fs.h", "", SUID_DUMP_DISABLE=0, SUID_DUMP_USER=1, SUID_DUMP_ROOT=2),
    "arch_prctl": enum("asm/prctl.h", r"ARCH_[A-Z0-9_]+"),
    "cap": enum("linux/capability.h", r"CAP_[A-Z_]+", "CAP_LAST_CAP|CAP_TO_.*"),
    "cap_version": enum("linux/capability.h", r"_LINUX_CAPABILITY_VERSION_\d"),
    "personality": enum("linux/personality.h", r"PER_[A-Z0-9_]+", "PER_MASK"),
    "personality_flags": FlagSet(
        ("linux/personality.h",),
        "UNAME26 ADDR_NO_RANDOMIZE FDPIC_FUNCPTRS MMAP_PAGE_ZERO ADDR_COMPAT_LAYOUT READ_IMPLIES_EXEC"
        " ADDR_LIMIT_32BIT"
        " SHORT_INODE WHOLE_SECONDS STICKY_TIMEOUTS ADDR_LIMIT_3GB",
        fields=((255, r"PER_(LINUX|LINUX32|SVR4|BSD|SUNOS|HPUX|UW7|OSR5|SOLARIS|RISCOS|XENIX|IRIX32)"),),
    ),
    "sched_policy": FlagSet(
        ("linux/sched.h",),
        "",
        fields=((0xBFFFFFFF, "SCHED_OTHER=0 SCHED_FIFO SCHED_RR SCHED_BATCH SCHED_IDLE SCHED_DEADLINE"),),
        extra={"SCHED_RESET_ON_FORK": 0x40000000},
    ),
    "sched_attr_flags": flags(
        "linux/sched.h", r"SCHED_FLAG_[A-Z_]+", "SCHED_FLAG_KEEP_ALL|SCHED_FLAG_UTIL_CLAMP|SCHED_FLAG_ALL"
    ),
    "rseq": flags("linux/rseq.h", "RSEQ_FLAG_UNREGISTER"),
    "pidfd_open": flags("linux/pidfd.h", "", PIDFD_NONBLOCK=0o4000, PIDFD_THREAD=0o200),
    "seccomp_op": enum("linux/seccomp.h", r"SECCOMP_(SET_MODE|GET)_\w+"),
    "seccomp_mode": enum("linux/seccomp.h", r"SECCOMP_MODE_\w+"),
    "seccomp_filter": flags("linux/seccomp.h", r"SECCOMP_FILTER_FLAG_\w+"),
    "seccomp_action": enum(
        "linux/seccomp.h", r"SECCOMP_RET_(KILL_PROCESS|KILL_THREAD|TRAP|ERRNO|USER_NOTIF|TRACE|LOG|ALLOW)"
    ),
    "ptrace": enum(
        "linux/ptrace.h asm/ptrace-abi.h",
        r"PTRACE_(?!O_|EVENT|SI_|SYSCALL_INFO|PEEKSIGINFO_SHARED|SYSEMU_).*",
    ),
    "ptrace_options": flags("linux/ptrace.h", r"PTRACE_O_[A-Z]+", "PTRACE_O_MASK"),
    "kcmp": enum("linux/kcmp.h", r"KCMP_[A-Z_]+", "KCMP_TYPES"),
    "reboot_magic": enum("linux/reboot.h", r"LINUX_REBOOT_MAGIC\w+"),
    "reboot": enum("linux/reboot.h", r"LINUX_REBOOT_CMD_\w+"),
    "syslog": enum(
        "linux/fs.h",
        "",
        SYSLOG_ACTION_CLOSE=0,
        SYSLOG_ACTION_OPEN=1,
        SYSLOG_ACTION_READ=2,
        SYSLOG_ACTION_READ_ALL=3,
        SYSLOG_ACTION_READ_CLEAR=4,
        SYSLOG_ACTION_CLEAR=5,
        SYSLOG_ACTION_CONSOLE_OFF=6,
        SYSLOG_ACTION_CONSOLE_ON=7,
        SYSLOG_ACTION_CONSOLE_LEVEL=8,
        SYSLOG_ACTION_SIZE_UNREAD=9,
        SYSLOG_ACTION_SIZE_BUFFER=10,
    ),
    # Signals.
    "sigprocmask": enum("linux/signal.h", "SIG_BLOCK SIG_UNBLOCK SIG_SETMASK"),
    "sa_flags": FlagSet(
        ("linux/signal.h",),
        "SA_RESTORER SA_ONSTACK SA_RESTART SA_INTERRUPT=0x20000000 SA_NODEFER SA_RESETHAND SA_SIGINFO"
        " SA_NOCLDSTOP"
        " SA_NOCLDWAIT",
    ),
    "sigaltstack": flags("linux/signal.h", "SS_ONSTACK SS_DISABLE SS_AUTODISARM"),
    "si_code": enum("asm/siginfo.h", r"SI_[A-Z]+", "SI_MAX_SIZE|SI_PAD_SIZE"),
    "si_code_SIGILL": enum("asm/siginfo.h", r"ILL_[A-Z]+|__ILL_[A-Z]+"),
    "si_code_SIGFPE": enum("asm/siginfo.h", r"FPE_[A-Z]+"),
    "si_code_SIGSEGV": enum("asm/siginfo.h", r"SEGV_[A-Z]+"),
    "si_code_SIGBUS": enum("asm/siginfo.h", r"BUS_[A-Z_]+"),
    "si_code_SIGTRAP": enum("asm/siginfo.h", r"TRAP_[A-Z]+", "TRAP_PERF_FLAG.*"),
    "si_code_SIGCHLD": enum("asm/siginfo.h", r"CLD_[A-Z]+"),
    "si_code_SIGPOLL": enum("asm/siginfo.h", r"POLL_[A-Z]+"),
    "si_code_SIGSYS": enum("asm/siginfo.h", r"SYS_(SECCOMP|USER_DISPATCH)"),
    "signalfd": flags("linux/fcntl.h", "", SFD_CLOEXEC=0o2000000, SFD_NONBLOCK=0o4000),
    # Waiting and time.
    "poll": flags("asm/poll.h", r"POLL[A-Z]+", "POLLFREE|POLL_BUSY_LOOP"),
    "epoll_create": flags("linux/eventpoll.h", "EPOLL_CLOEXEC"),
    "epoll_ctl": enum("linux/eventpoll.h", r"EPOLL_CTL_[A-Z]+"),
    "epoll_events": flags("linux/eventpoll.h", r"EPOLL[A-Z]+", "EPOLLNVAL", EPOLLIN=1, EPOLLNVAL=32),
    "eventfd": flags("linux/fs.h", "", EFD_SEMAPHORE=1, EFD_CLOEXEC=0o2000000, EFD_NONBLOCK=0o4000),
    "futex_op": enum(
        "linux/futex.h",
        r"FUTEX_(WAIT|WAKE|FD|REQUEUE|CMP_REQUEUE|WAKE_OP|LOCK_PI|UNLOCK_PI|TRYLOCK_PI"
        r"|WAIT_BITSET|WAKE_BITSET|WAIT_REQUEUE_PI|CMP_REQUEUE_PI|LOCK_PI2)(_PRIVATE)?",
    ),
    "futex_op_flags": flags("linux/futex.h", "FUTEX_PRIVATE_FLAG FUTEX_CLOCK_REALTIME"),
    "swap": flags(
        "linux/fs.h",
        "",
        SWAP_FLAG_PREFER=0x8000,
        SWAP_FLAG_DISCARD=0x10000,
        SWAP_FLAG_DISCARD_ONCE=0x20000,
        SWAP_FLAG_DISCARD_PAGES=0x40000,
    ),
    "membarrier_flags": flags("linux/membarrier.h", "MEMBARRIER_CMD_FLAG_CPU"),
    "clockid": enum("linux/time.h", r"CLOCK_[A-Z_]+"),
    "timer_flags": flags("linux/time.h", "TIMER_ABSTIME"),
    "timerfd_create": flags(
        "linux/fs.h",
        "",
        TFD_TIMER_ABSTIME=1,
        TFD_TIMER_CANCEL_ON_SET=2,
        TFD_CLOEXEC=0o2000000,
        TFD_NONBLOCK=0o4000,
    ),
    "timerfd_settime": flags(
        "linux/fs.h",
        "",
        TFD_TIMER_ABSTIME=1,
        TFD_TIMER_CANCEL_ON_SET=2,
        TFD_CLOEXEC=0o2000000,
        TFD_NONBLOCK=0o4000,
    ),
    "itimer": enum("linux/time.h", r"ITIMER_[A-Z]+"),
    "adjtimex": flags("linux/timex.h", r"ADJ_[A-Z]+"),
}
