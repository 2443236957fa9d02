"""Sets of constants: processes, signals, waiting and time."""

from __future__ import annotations

from typing import Final

from constant_kinds import EnumSet, FlagSet, enum, flags

_USER_REGISTERS: Final = (
    "R15 R14 R13 R12 RBP RBX R11 R10 R9 R8 RAX RCX RDX RSI RDI ORIG_RAX RIP CS EFLAGS RSP SS FS_BASE GS_BASE"
    " DS ES FS GS"
)

SETS: Final[dict[str, FlagSet | EnumSet]] = {
    # Processes.
    "clone": flags(
        "linux/sched.h",
        r"CLONE_[A-Z_]+",
        "CLONE_ARGS.*|CLONE_NEWTIME|CLONE_CLEAR_SIGHAND|CLONE_INTO_CGROUP|CLONE_DETACHED",
    ),
    "clone3": flags(
        "linux/sched.h",
        "CLONE_NEWTIME CLONE_VM CLONE_FS CLONE_FILES CLONE_SIGHAND CLONE_PIDFD CLONE_PTRACE CLONE_VFORK"
        " CLONE_PARENT"
        " CLONE_THREAD"
        " CLONE_NEWNS CLONE_SYSVSEM CLONE_SETTLS CLONE_PARENT_SETTID CLONE_CHILD_CLEARTID CLONE_UNTRACED"
        " CLONE_CHILD_SETTID CLONE_NEWCGROUP CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID"
        " CLONE_NEWNET CLONE_IO"
        " CLONE_CLEAR_SIGHAND CLONE_INTO_CGROUP",
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
    "wait": flags("linux/wait.h", "WNOHANG WSTOPPED WEXITED WCONTINUED WNOWAIT __WCLONE __WALL __WNOTHREAD"),
    "waitid": flags(
        "linux/wait.h", "WNOHANG WEXITED WSTOPPED WCONTINUED WNOWAIT __WCLONE __WALL __WNOTHREAD"
    ),
    "id_type": enum("linux/wait.h", "P_ALL P_PID P_PGID P_PIDFD"),
    "rlimit": enum("linux/resource.h", r"RLIMIT_[A-Z]+"),
    "rusage_who": enum("linux/resource.h", r"RUSAGE_[A-Z]+"),
    "priority_which": enum("linux/resource.h", r"PRIO_(PROCESS|PGRP|USER)"),
    "prctl": enum(
        "linux/prctl.h",
        r"PR_(SET|GET|CAPBSET|CAP_AMBIENT|MCE|TASK|SVE|SME|PAC|MPX|SCHED|RSEQ|RISCV_V|RISCV_SET|PPC|LOCK_SHADOW"
        r"|FUTEX_HASH|TIMER_CREATE)[A-Z_0-9]*",
        r"PR_SET_VMA_.*|PR_PAC_AP.*|PR_SET_MM_.*|PR_(SVE|SME)_(VL|SET_VL)_.*|PR_CAP_AMBIENT_.*"
        r"|PR_SCHED_CORE_.*|PR_FUTEX_HASH_.*|PR_RISCV_(V_(?!SET|GET).*|CTX.*|.*SCOPE.*)|PR_PPC_DEXCR_.*"
        r"|PR_TIMER_CREATE_RESTORE_IDS_.*|PR_MCE_KILL_(?!GET$).*|PR_SET_PTRACER_ANY|PR_TASK_PERF.*_.*X",
    ),
    "pr_unalign": flags("linux/prctl.h", r"PR_UNALIGN_\w+"),
    "pr_tsc": enum("linux/prctl.h", r"PR_TSC_\w+"),
    "secbits": flags("linux/securebits.h", r"SECBIT_\w+"),
    "pr_mce_kill": enum("linux/prctl.h", "PR_MCE_KILL_CLEAR PR_MCE_KILL_SET"),
    "pr_mce_kill_policy": enum("linux/prctl.h", "PR_MCE_KILL_LATE PR_MCE_KILL_EARLY PR_MCE_KILL_DEFAULT"),
    "pr_set_mm": enum("linux/prctl.h", r"PR_SET_MM_\w+"),
    "pr_set_ptracer": enum("linux/prctl.h", "", PR_SET_PTRACER_ANY=-1),
    "pr_mdwe": flags("linux/prctl.h", r"PR_MDWE_\w+"),
    "pr_fp_mode": flags("linux/prctl.h", "PR_FP_MODE_FR PR_FP_MODE_FRE"),
    "pr_cap_ambient": enum("linux/prctl.h", r"PR_CAP_AMBIENT_\w+"),
    "pr_sve_vl": flags("linux/prctl.h", "PR_SVE_SET_VL_ONEXEC PR_SVE_VL_INHERIT"),
    "pr_spec": enum("linux/prctl.h", "PR_SPEC_STORE_BYPASS PR_SPEC_INDIRECT_BRANCH PR_SPEC_L1D_FLUSH"),
    "pr_spec_control": flags(
        "linux/prctl.h",
        "PR_SPEC_PRCTL PR_SPEC_ENABLE PR_SPEC_DISABLE PR_SPEC_FORCE_DISABLE PR_SPEC_DISABLE_NOEXEC",
    ),
    "pr_pac": flags("linux/prctl.h", r"PR_PAC_AP\w+"),
    "pr_tagged_addr": FlagSet(
        ("linux/prctl.h",),
        "PR_TAGGED_ADDR_ENABLE",
        fields=((6, "PR_MTE_TCF_NONE PR_MTE_TCF_SYNC PR_MTE_TCF_ASYNC"),),
    ),
    "pr_sys_dispatch": enum("linux/prctl.h", r"PR_SYS_DISPATCH_(OFF|ON|EXCLUSIVE_ON|INCLUSIVE_ON)"),
    "pr_sched_core": enum("linux/prctl.h", r"PR_SCHED_CORE_(GET|CREATE|SHARE_TO|SHARE_FROM)"),
    "pid_type": enum("linux/fs.h", "", PIDTYPE_PID=0, PIDTYPE_TGID=1, PIDTYPE_PGID=2, PIDTYPE_SID=3),
    "pr_shadow_stack": flags("linux/prctl.h", r"PR_SHADOW_STACK_\w+"),
    "pr_futex_hash": enum("linux/prctl.h", r"PR_FUTEX_HASH_\w+"),
    "arch_shstk": flags("asm/prctl.h", "ARCH_SHSTK_SHSTK ARCH_SHSTK_WRSS"),
    "xfeature": enum("asm/prctl.h", r"ARCH_XCOMP_\w+"),
    "xfeatures": flags(
        "linux/fs.h",
        "",
        XFEATURE_MASK_FPSSE=3,
        XFEATURE_MASK_YMM=4,
        XFEATURE_MASK_BNDREGS=8,
        XFEATURE_MASK_BNDCSR=0x10,
        XFEATURE_MASK_OPMASK=0x20,
        XFEATURE_MASK_ZMM_Hi256=0x40,
        XFEATURE_MASK_Hi16_ZMM=0x80,
        XFEATURE_MASK_PT=0x100,
        XFEATURE_MASK_PKRU=0x200,
        XFEATURE_MASK_PASID=0x400,
        XFEATURE_MASK_CET_USER=0x800,
        XFEATURE_MASK_LBR=0x8000,
        XFEATURE_MASK_XTILE_CFG=0x20000,
        XFEATURE_MASK_XTILE_DATA=0x40000,
    ),
    "ioprio_who": enum("linux/ioprio.h", r"IOPRIO_WHO_\w+"),
    "ioprio_class": enum("linux/ioprio.h", r"IOPRIO_CLASS_\w+"),
    "ptrace_peek": flags("linux/ptrace.h", "PTRACE_PEEKSIGINFO_SHARED"),
    "ptrace_syscall_info": enum("linux/ptrace.h", r"PTRACE_SYSCALL_INFO_\w+"),
    "audit_arch": enum("linux/audit.h", r"AUDIT_ARCH_\w+"),
    "regset": enum("linux/elf.h", r"NT_[A-Z0-9_]+", "NT_PRPSINFO|NT_PRFPREG|NT_GNU_.*", NT_FPREGSET=2),
    "seccomp_notif": flags("linux/seccomp.h", r"SECCOMP_USER_NOTIF_FLAG_\w+"),
    "seccomp_addfd": flags("linux/seccomp.h", r"SECCOMP_ADDFD_FLAG_\w+"),
    "prctl_dumpable": enum("linux/fs.h", "", SUID_DUMP_DISABLE=0, SUID_DUMP_USER=1, SUID_DUMP_ROOT=2),
    "arch_prctl": enum("asm/prctl.h", r"ARCH_[A-Z0-9_]+", "ARCH_SHSTK_(SHSTK|WRSS)|ARCH_XCOMP_.*"),
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
        r"PTRACE_(?!O_|EVENT|SI_|SYSCALL_INFO|PEEKSIGINFO_SHARED|(PEEK|POKE)USR$).*",
        PTRACE_PEEKUSER=3,
        PTRACE_POKEUSER=6,
    ),
    # Words of the area that PEEKUSR reads; arch/x86/include/asm/user_64.h.
    "user_area": EnumSet(
        ("linux/fs.h",),
        "",
        extra={f"8*{name}": 8 * place for place, name in enumerate(_USER_REGISTERS.split())}
        | {"offsetof(struct user, u_debugreg)": 848},
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
    "membarrier_commands": flags(
        "linux/membarrier.h", r"MEMBARRIER_CMD_\w+", "MEMBARRIER_CMD_(QUERY|FLAG_.*|SHARED)"
    ),
    "membarrier_flags": flags("linux/membarrier.h", "MEMBARRIER_CMD_FLAG_CPU"),
    "clockid": enum("linux/time.h", r"CLOCK_[A-Z_]+", "CLOCK_AUX_LAST"),
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
    "timex_status": flags("linux/timex.h", r"STA_[A-Z]+", "STA_RONLY"),
    "adjtimex_state": enum("linux/timex.h", "TIME_OK TIME_INS TIME_DEL TIME_OOP TIME_WAIT TIME_ERROR"),
    "sigev_notify": enum("asm/siginfo.h", r"SIGEV_\w+", "SIGEV_(MAX_SIZE|PAD_SIZE)"),
    "adjtimex": flags("linux/timex.h", r"ADJ_[A-Z]+"),
}
