"""What the kernel's headers do not tell about system calls: the hand-kept part of the tables.

Added by `gen_syscall_tables.py` to what it reads: the names of the man pages where
`include/linux/syscalls.h` leaves a parameter unnamed, the calls that an architecture declares
elsewhere, and the prototypes of calls newer than that header.
"""

from __future__ import annotations

from typing import Final

#: Call name -> C parameters.  Goes before the prototype of syscalls.h.
PROTOTYPES: Final[dict[str, str]] = {
    "accept": "int sockfd, struct sockaddr *addr, int *addrlen",
    "accept4": "int sockfd, struct sockaddr *addr, int *addrlen, int flags",
    "arch_prctl": "int op, unsigned long addr",
    "bind": "int sockfd, const struct sockaddr *addr, int addrlen",
    "clone": "unsigned long flags, void *stack, int *parent_tid, int *child_tid, unsigned long tls",
    "connect": "int sockfd, const struct sockaddr *addr, int addrlen",
    "getpeername": "int sockfd, struct sockaddr *addr, int *addrlen",
    "getsockname": "int sockfd, struct sockaddr *addr, int *addrlen",
    "fanotify_mark": "int fanotify_fd, unsigned int flags, u64 mask, int dfd, const char *pathname",
    "get_thread_area": "struct user_desc *u_info",
    "io_submit": "aio_context_t ctx_id, long nr, struct iocb **iocbpp",
    "iopl": "unsigned int level",
    "ioperm": "unsigned long from, unsigned long num, int turn_on",
    "listen": "int sockfd, int backlog",
    "mmap": "void *addr, size_t length, int prot, int flags, int fd, off_t offset",
    "modify_ldt": "int func, void *ptr, unsigned long bytecount",
    "ppoll": "struct pollfd *fds, unsigned int nfds, struct timespec *timeout, const sigset_t *sigmask,"
    " size_t sigsetsize",
    "pselect6": "int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds,"
    " struct timespec *timeout, void *sigmask",
    "recvfrom": "int sockfd, void *buf, size_t len, int flags, struct sockaddr *src_addr, int *addrlen",
    "rt_sigaction": "int signum, const struct sigaction *act, struct sigaction *oldact, size_t sigsetsize",
    "rt_sigreturn": "",
    "sendto": "int sockfd, const void *buf, size_t len, int flags, const struct sockaddr *dest_addr,"
    " int addrlen",
    "set_thread_area": "struct user_desc *u_info",
    "shutdown": "int sockfd, int how",
    "socket": "int domain, int type, int protocol",
    "socketpair": "int domain, int type, int protocol, int *sv",
    # Newer than Linux 6.1.
    "cachestat": "unsigned int fd, struct cachestat_range *cstat_range, struct cachestat *cstat,"
    " unsigned int flags",
    "fchmodat2": "int dfd, const char *filename, umode_t mode, unsigned int flags",
    "map_shadow_stack": "unsigned long addr, unsigned long size, unsigned int flags",
    "futex_wake": "void *uaddr, unsigned long mask, int nr, unsigned int flags",
    "futex_wait": "void *uaddr, unsigned long val, unsigned long mask, unsigned int flags,"
    " struct timespec *timeout, clockid_t clockid",
    "futex_requeue": "struct futex_waitv *waiters, unsigned int flags, int nr_wake, int nr_requeue",
    "statmount": "const struct mnt_id_req *req, struct statmount *buf, size_t bufsize, unsigned int flags",
    "listmount": "const struct mnt_id_req *req, u64 *mnt_ids, size_t nr_mnt_ids, unsigned int flags",
    "lsm_get_self_attr": "unsigned int attr, struct lsm_ctx *ctx, u32 *size, u32 flags",
    "lsm_set_self_attr": "unsigned int attr, struct lsm_ctx *ctx, u32 size, u32 flags",
    "lsm_list_modules": "u64 *ids, u32 *size, u32 flags",
    "mseal": "unsigned long start, size_t len, unsigned long flags",
    "setxattrat": "int dfd, const char *pathname, unsigned int at_flags, const char *name,"
    " const struct xattr_args *args, size_t size",
    "getxattrat": "int dfd, const char *pathname, unsigned int at_flags, const char *name,"
    " struct xattr_args *args, size_t size",
    "listxattrat": "int dfd, const char *pathname, unsigned int at_flags, char *list, size_t size",
    "removexattrat": "int dfd, const char *pathname, unsigned int at_flags, const char *name",
    "open_tree_attr": "int dfd, const char *path, unsigned int flags, struct mount_attr *uattr, size_t usize",
    "file_getattr": "int dfd, const char *filename, struct file_attr *attr, size_t usize,"
    " unsigned int at_flags",
    "file_setattr": "int dfd, const char *filename, struct file_attr *attr, size_t usize,"
    " unsigned int at_flags",
    "listns": "const struct ns_id_req *req, u64 *ns_ids, size_t nr_ns_ids, unsigned int flags",
    "uretprobe": "",
    "uprobe": "",
}

#: The same for one architecture only: i386's old and split forms.
ARCH_PROTOTYPES: Final[dict[str, dict[str, str]]] = {
    "i386": {
        "_newselect": "int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds,"
        " struct timeval *timeout",
        "clone": "unsigned long flags, void *stack, int *parent_tid, unsigned long tls, int *child_tid",
        "fadvise64": "int fd, unsigned int offset_lo, unsigned int offset_hi, size_t len, int advice",
        "fadvise64_64": "int fd, unsigned int offset_lo, unsigned int offset_hi, unsigned int len_lo,"
        " unsigned int len_hi, int advice",
        "fallocate": "int fd, int mode, unsigned int offset_lo, unsigned int offset_hi,"
        " unsigned int len_lo, unsigned int len_hi",
        "fanotify_mark": "int fanotify_fd, unsigned int flags, unsigned int mask_lo, unsigned int mask_hi,"
        " int dfd, const char *pathname",
        "ftruncate64": "unsigned int fd, unsigned int length_lo, unsigned int length_hi",
        "lookup_dcookie": "unsigned int cookie_lo, unsigned int cookie_hi, char *buf, size_t len",
        "mmap": "void *args",
        "mmap2": "void *addr, size_t length, int prot, int flags, int fd, off_t pgoffset",
        "pread64": "unsigned int fd, char *buf, size_t count, unsigned int pos_lo, unsigned int pos_hi",
        "pwrite64": "unsigned int fd, const char *buf, size_t count, unsigned int pos_lo, unsigned int"
        " pos_hi",
        "readahead": "int fd, unsigned int offset_lo, unsigned int offset_hi, size_t count",
        "select": "void *args",
        "sigreturn": "",
        "sigsuspend": "int unused1, int unused2, old_sigset_t mask",
        "sync_file_range": "int fd, unsigned int offset_lo, unsigned int offset_hi, unsigned int len_lo,"
        " unsigned int len_hi, unsigned int flags",
        "sigaction": "int signum, const struct old_sigaction *act, struct old_sigaction *oldact",
        "truncate64": "const char *path, unsigned int length_lo, unsigned int length_hi",
        "vm86": "unsigned long cmd, unsigned long arg",
        "vm86old": "struct vm86_struct *user_vm86",
    },
    "aarch64": {
        "clone": "unsigned long flags, void *stack, int *parent_tid, unsigned long tls, int *child_tid",
    },
}

#: Call name -> the kernel's entry whose prototype it has, where the names differ.
ENTRIES: Final[dict[str, str]] = {
    "_newselect": "select",
    "arm_fadvise64_64": "fadvise64_64",
    "chown32": "chown",
    "clock_adjtime64": "clock_adjtime",
    "clock_getres_time64": "clock_getres",
    "clock_gettime64": "clock_gettime",
    "clock_nanosleep_time64": "clock_nanosleep",
    "clock_settime64": "clock_settime",
    "fchown32": "fchown",
    "fstat": "newfstat",
    "futex_time64": "futex",
    "getegid32": "getegid",
    "geteuid32": "geteuid",
    "getgid32": "getgid",
    "getgroups32": "getgroups",
    "getresgid32": "getresgid",
    "getresuid32": "getresuid",
    "getuid32": "getuid",
    "io_pgetevents_time64": "io_pgetevents",
    "lchown32": "lchown",
    "lstat": "newlstat",
    "_llseek": "llseek",
    "_sysctl": "sysctl",
    "mmap2": "mmap_pgoff",
    "mq_timedreceive_time64": "mq_timedreceive",
    "mq_timedsend_time64": "mq_timedsend",
    "oldfstat": "fstat",
    "oldlstat": "lstat",
    "oldolduname": "olduname",
    "oldstat": "stat",
    "olduname": "uname",
    "ppoll_time64": "ppoll",
    "pselect6_time64": "pselect6",
    "readdir": "old_readdir",
    "recvmmsg_time64": "recvmmsg",
    "rt_sigtimedwait_time64": "rt_sigtimedwait",
    "sched_rr_get_interval_time64": "sched_rr_get_interval",
    "semtimedop_time64": "semtimedop",
    "setfsgid32": "setfsgid",
    "setfsuid32": "setfsuid",
    "setgid32": "setgid",
    "setgroups32": "setgroups",
    "setregid32": "setregid",
    "setresgid32": "setresgid",
    "setresuid32": "setresuid",
    "setreuid32": "setreuid",
    "setuid32": "setuid",
    "stat": "newstat",
    "timer_gettime64": "timer_gettime",
    "timer_settime64": "timer_settime",
    "timerfd_gettime64": "timerfd_gettime",
    "timerfd_settime64": "timerfd_settime",
    "ugetrlimit": "getrlimit",
    "umount2": "umount",
    "umount": "oldumount",
    "uname": "newuname",
    "utimensat_time64": "utimensat",
}
