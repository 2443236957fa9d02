//! The child's side of a launch: from fork to execve.
//!
//! Rule of this file: between the two only async-signal-safe calls are made, nothing is allocated and no
//! lock is taken, since the forked process has one thread of a program that had several.
//!
//! Reference: fork(2), `signal-safety(7)`, seccomp(2), `close_range(2)`.

#![allow(unsafe_code)]

use core::ffi::{CStr, c_char, c_int, c_long};
use core::ptr;
use core::sync::atomic::{AtomicI32, Ordering};
use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use crate::raw::checked;
use crate::{Errno, Tid};

const CLOSE_RANGE_CLOEXEC: c_long = 4;

/// A word shared with a forked child until that executes another program.
pub(crate) struct SharedWords {
    page: ptr::NonNull<AtomicI32>,
}

// SAFETY: the page holds atomics only, and is unmapped by the owner alone.
unsafe impl Send for SharedWords {}

impl SharedWords {
    const BYTES: usize = 2 * size_of::<AtomicI32>();

    pub(crate) fn new() -> Result<Self, Errno> {
        // SAFETY: a new anonymous mapping overlaps nothing.
        let page = unsafe {
            libc::mmap(
                ptr::null_mut(),
                Self::BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        match ptr::NonNull::new(page.cast::<AtomicI32>()) {
            Some(page) if page.as_ptr().cast() != libc::MAP_FAILED => Ok(Self { page }),
            _ => Err(Errno::last()),
        }
    }

    fn word(&self, index: usize) -> &AtomicI32 {
        // SAFETY: the two words lie in the mapping, which is zeroed, aligned and lives as long as self.
        unsafe { self.page.add(index).as_ref() }
    }

    /// The errno of what failed in the child, 0 if nothing has.
    pub(crate) fn failure(&self) -> i32 {
        self.word(0).load(Ordering::Acquire)
    }

    fn set_failure(&self, errno: i32) {
        self.word(0).store(errno, Ordering::Release);
    }

    /// Whether nothing is left to the child but its execve.
    pub(crate) fn ready(&self) -> bool {
        self.word(1).load(Ordering::Acquire) != 0
    }

    fn set_ready(&self) {
        self.word(1).store(1, Ordering::Release);
    }
}

impl Drop for SharedWords {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`, unmapped once.
        unsafe { libc::munmap(self.page.as_ptr().cast(), Self::BYTES) };
    }
}

/// What the child of `fork_child` does before its execve.
pub(crate) struct ChildPlan<'a> {
    pub(crate) path: &'a CStr,
    pub(crate) argv: &'a [CString],
    pub(crate) env: &'a [CString],
    pub(crate) cwd: Option<&'a CStr>,
    /// What is to be 0, 1 and 2; -1: that is to be closed.
    pub(crate) stdio: [RawFd; 3],
    pub(crate) new_session: bool,
    pub(crate) parent_death_signal: c_int,
    /// User, group and supplementary groups to become.
    pub(crate) credentials: Option<&'a (u32, u32, Vec<u32>)>,
    /// Instructions of a seccomp filter, eight bytes each; empty for none.
    pub(crate) filter: &'a [u8],
    /// The child waits for a byte from here: it comes when the child is seized.
    pub(crate) go: (BorrowedFd<'a>, BorrowedFd<'a>),
    pub(crate) words: &'a SharedWords,
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// Fork a child that follows `plan`, all signals but SIGTRAP blocked.
pub(crate) fn fork_child(plan: &ChildPlan<'_>) -> Result<Tid, Errno> {
    let (argv, env) = (pointers(plan.argv), pointers(plan.env));
    // SAFETY: all-zero sigset_t values are valid, and set before their use.
    let (mut all, mut before): (libc::sigset_t, libc::sigset_t) =
        unsafe { (core::mem::zeroed(), core::mem::zeroed()) };
    // SAFETY: the sets outlive the calls; the child only makes async-signal-safe calls and ends by
    // execve or _exit, which `child` promises by its type.
    unsafe {
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let tid = libc::fork();
        if tid == 0 {
            child(plan, &argv, &env);
        }
        let result = checked(c_long::from(tid)).map(|tid| tid as Tid);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut());
        result
    }
}

/// The child's side of `fork_child`: no allocation, no locks.
///
/// # Safety
///
/// Only for a process just forked, with `argv` and `env` ending in null.
unsafe fn child(plan: &ChildPlan<'_>, argv: &[*const c_char], env: &[*const c_char]) -> ! {
    // SAFETY: each call is async-signal-safe and gets arguments that live until execve.
    unsafe {
        let need = |result: c_int| {
            if result == -1 {
                plan.words.set_failure(Errno::last().0);
                libc::_exit(127);
            }
            result
        };
        if plan.parent_death_signal != 0 {
            need(libc::prctl(
                libc::PR_SET_PDEATHSIG,
                plan.parent_death_signal,
            ));
        }
        let (go_read, go_write) = (plan.go.0.as_raw_fd(), plan.go.1.as_raw_fd());
        libc::close(go_write);
        let mut byte = 0_u8;
        if libc::read(go_read, (&raw mut byte).cast(), 1) != 1 {
            libc::_exit(127);
        }
        if plan.new_session {
            need(libc::setsid());
        }
        // First all above 2, then down: any of the three may be any of 0, 1, 2.
        let mut high = [-1; 3];
        for (from, to) in plan.stdio.iter().zip(&mut high) {
            if *from >= 0 {
                *to = need(libc::fcntl(*from, libc::F_DUPFD_CLOEXEC, 3));
            }
        }
        for (from, to) in high.iter().zip(0..) {
            if *from < 0 {
                libc::close(to);
            } else {
                need(libc::dup2(*from, to));
            }
        }
        if libc::syscall(libc::SYS_close_range, 3, c_int::MAX, CLOSE_RANGE_CLOEXEC) == -1 {
            close_all_on_exec();
        }
        if let Some(cwd) = plan.cwd {
            need(libc::chdir(cwd.as_ptr()));
        }
        reset_dispositions();
        if !plan.filter.is_empty() {
            need(install_filter(plan.filter));
        }
        if let Some((uid, gid, groups)) = plan.credentials {
            need(become_user(*uid, *gid, groups));
            if plan.parent_death_signal != 0 {
                // The kernel forgets it with the credentials.
                need(libc::prctl(
                    libc::PR_SET_PDEATHSIG,
                    plan.parent_death_signal,
                ));
            }
        }
        let mut only: libc::sigset_t = core::mem::zeroed();
        libc::sigemptyset(&raw mut only);
        libc::sigaddset(&raw mut only, libc::SIGTRAP);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const only, ptr::null_mut());
        plan.words.set_ready();
        libc::syscall(
            libc::SYS_tgkill,
            libc::getpid(),
            libc::gettid(),
            libc::SIGTRAP,
        );
        libc::execve(plan.path.as_ptr(), argv.as_ptr(), env.as_ptr());
        plan.words.set_failure(Errno::last().0);
        libc::_exit(127);
    }
}

/// Take on all ids of a user; -1 if one is refused.
///
/// By bare calls: those of the C library speak to threads that this process does not have.
///
/// # Safety
///
/// Only for a process just forked: its rights are changed.
unsafe fn become_user(uid: u32, gid: u32, groups: &[u32]) -> c_int {
    // SAFETY: the kernel copies the groups during the call; the others take numbers only.
    unsafe {
        let refused = libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) == -1
            || libc::syscall(libc::SYS_setresgid, gid, gid, gid) == -1
            || libc::syscall(libc::SYS_setresuid, uid, uid, uid) == -1;
        if refused { -1 } else { 0 }
    }
}

/// Put a seccomp filter in force, giving up new privileges where the right to keep them is lacking.
///
/// # Safety
///
/// Only for a process just forked: its rights are changed.
unsafe fn install_filter(filter: &[u8]) -> c_int {
    let program = libc::sock_fprog {
        len: (filter.len() / 8) as u16,
        filter: filter.as_ptr().cast_mut().cast(),
    };
    // SAFETY: the kernel copies the program during the call; the length counts whole instructions.
    unsafe {
        let install = || libc::syscall(libc::SYS_seccomp, 1, 0, &raw const program) as c_int;
        if install() == 0 {
            return 0;
        }
        if Errno::last().0 != libc::EACCES
            || libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1
        {
            return -1;
        }
        install()
    }
}

/// For kernels before 5.11: mark every descriptor that can be open.
///
/// # Safety
///
/// Only for a process just forked.
unsafe fn close_all_on_exec() {
    // SAFETY: async-signal-safe calls on descriptors of our own process.
    unsafe {
        let mut limit: libc::rlimit = core::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        for fd in 3..limit.rlim_cur.min(1 << 20) as c_int {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// Caught signals become default, and so do the two that Python ignores for its own sake.
///
/// # Safety
///
/// Only for a process just forked, with signals blocked.
unsafe fn reset_dispositions() {
    // SAFETY: sigaction(2) is async-signal-safe; the structures outlive the calls.
    unsafe {
        let mut default: libc::sigaction = core::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        for signo in 1..=64 {
            let mut host: libc::sigaction = core::mem::zeroed();
            let known = libc::sigaction(signo, ptr::null(), &raw mut host) == 0;
            let keep = host.sa_sigaction == libc::SIG_DFL
                || (host.sa_sigaction == libc::SIG_IGN
                    && signo != libc::SIGPIPE
                    && signo != libc::SIGXFSZ);
            if known && !keep {
                libc::sigaction(signo, &raw const default, ptr::null_mut());
            }
        }
    }
}
