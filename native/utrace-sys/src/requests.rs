//! The requests of ptrace(2) that utrace itself makes, by name.
//!
//! Rule of this file: what is passed to `ptrace_plain` takes no pointer, and to `ptrace_with` a value of the
//! size that the request reads or writes.  Use it by way of `raw`.
//!
//! Reference: ptrace(2).

use core::ffi::{c_int, c_long};

use crate::raw::{Siginfo, ptrace_plain, ptrace_with};
use crate::syscall_info::SyscallInfo;
use crate::{Errno, Tid};

const PTRACE_SETOPTIONS: c_long = 0x4200;
const PTRACE_SEIZE: c_long = 0x4206;
const PTRACE_INTERRUPT: c_long = 0x4207;
const PTRACE_GETSIGMASK: c_long = 0x420a;
const PTRACE_SETSIGMASK: c_long = 0x420b;
const PTRACE_GET_SYSCALL_INFO: c_long = 0x420e;
const PTRACE_SET_SYSCALL_INFO: c_long = 0x4212;
const PTRACE_GETEVENTMSG: c_long = 0x4201;
const PTRACE_GETSIGINFO: c_long = 0x4202;
const PTRACE_SETSIGINFO: c_long = 0x4203;
const PTRACE_GETREGSET: c_long = 0x4204;
const PTRACE_SETREGSET: c_long = 0x4205;
#[cfg(target_arch = "x86_64")]
const PTRACE_PEEKUSER: c_long = 3;
#[cfg(target_arch = "x86_64")]
const PTRACE_POKEUSER: c_long = 6;
const PTRACE_DETACH: c_long = 17;
/// As `ptrace_resume` takes it.
pub(crate) const PTRACE_CONT: c_int = 7;

/// Resume by one of the requests of `ResumeRequest`; any other is `EINVAL`.
///
/// A tracee killed in its group stop answers a LISTEN with `EIO` from its exit stop: it is gone.
pub(crate) fn ptrace_resume(tid: Tid, request: c_int, signo: c_int) -> Result<(), Errno> {
    const LISTEN: c_int = 0x4208;
    match request {
        7 | 9 | 24 | 33 | LISTEN => {
            match ptrace_plain(c_long::from(request), tid, 0, signo as usize) {
                Err(Errno(libc::EIO)) if request == LISTEN => Err(Errno(libc::ESRCH)),
                answer => answer.map(drop),
            }
        }
        _ => Err(Errno(libc::EINVAL)),
    }
}

pub(crate) fn ptrace_seize(tid: Tid, options: usize) -> Result<(), Errno> {
    ptrace_plain(PTRACE_SEIZE, tid, 0, options).map(drop)
}

pub(crate) fn ptrace_set_options(tid: Tid, options: usize) -> Result<(), Errno> {
    ptrace_plain(PTRACE_SETOPTIONS, tid, 0, options).map(drop)
}

pub(crate) fn ptrace_interrupt(tid: Tid) -> Result<(), Errno> {
    ptrace_plain(PTRACE_INTERRUPT, tid, 0, 0).map(drop)
}

pub(crate) fn ptrace_detach(tid: Tid, signo: c_int) -> Result<(), Errno> {
    ptrace_plain(PTRACE_DETACH, tid, 0, signo as usize).map(drop)
}

pub(crate) fn ptrace_set_signal_mask(tid: Tid, mask: u64) -> Result<(), Errno> {
    let mut mask = mask;
    ptrace_with(PTRACE_SETSIGMASK, tid, size_of::<u64>(), &mut mask).map(drop)
}

pub(crate) fn ptrace_get_syscall_info(tid: Tid) -> Result<SyscallInfo, Errno> {
    let mut info = SyscallInfo::default();
    ptrace_with(
        PTRACE_GET_SYSCALL_INFO,
        tid,
        size_of::<SyscallInfo>(),
        &mut info,
    )?;
    Ok(info)
}

pub(crate) fn ptrace_set_syscall_info(tid: Tid, info: &mut SyscallInfo) -> Result<(), Errno> {
    ptrace_with(PTRACE_SET_SYSCALL_INFO, tid, size_of::<SyscallInfo>(), info).map(drop)
}

pub(crate) fn ptrace_event_message(tid: Tid) -> Result<u64, Errno> {
    let mut message = 0_u64;
    ptrace_with(PTRACE_GETEVENTMSG, tid, 0, &mut message)?;
    Ok(message)
}

pub(crate) fn ptrace_get_siginfo(tid: Tid) -> Result<Siginfo, Errno> {
    let mut info: Siginfo = [0; 128];
    ptrace_with(PTRACE_GETSIGINFO, tid, 0, &mut info)?;
    Ok(info)
}

pub(crate) fn ptrace_set_siginfo(tid: Tid, siginfo: &Siginfo) -> Result<(), Errno> {
    let mut info = *siginfo;
    ptrace_with(PTRACE_SETSIGINFO, tid, 0, &mut info).map(drop)
}

/// Fill `buffer` from a register set; returns its length.
pub(crate) fn ptrace_get_regset(tid: Tid, kind: u32, buffer: &mut [u8]) -> Result<usize, Errno> {
    let mut vector = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    ptrace_with(PTRACE_GETREGSET, tid, kind as usize, &mut vector)?;
    Ok(vector.iov_len)
}

pub(crate) fn ptrace_set_regset(tid: Tid, kind: u32, regset: &[u8]) -> Result<(), Errno> {
    let mut vector = libc::iovec {
        iov_base: regset.as_ptr().cast_mut().cast(),
        iov_len: regset.len(),
    };
    ptrace_with(PTRACE_SETREGSET, tid, kind as usize, &mut vector).map(drop)
}

/// Read the word at `offset` of the tracee's `struct user`.
#[cfg(target_arch = "x86_64")]
pub(crate) fn ptrace_peek_user(tid: Tid, offset: usize) -> Result<u64, Errno> {
    let mut word = 0_u64;
    ptrace_with(PTRACE_PEEKUSER, tid, offset, &mut word)?;
    Ok(word)
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn ptrace_poke_user(tid: Tid, offset: usize, word: u64) -> Result<(), Errno> {
    ptrace_plain(PTRACE_POKEUSER, tid, offset, word as usize).map(drop)
}

/// Let the call at whose entry `tid` stands return `result` without being made.
///
/// Reference: Linux 6.18 `kernel/seccomp.c:__seccomp_filter()`, a `SECCOMP_RET_TRACE` skipped.
#[cfg(target_arch = "x86_64")]
pub(crate) fn skip_call(tid: Tid, result: i64) -> Result<(), Errno> {
    const RAX: usize = 10 * 8;
    const ORIG_RAX: usize = 15 * 8;
    ptrace_poke_user(tid, ORIG_RAX, u64::MAX)?;
    ptrace_poke_user(tid, RAX, result as u64)
}

/// Only calls of x86-64 are ever skipped so.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn skip_call(_tid: Tid, _result: i64) -> Result<(), Errno> {
    Err(Errno(libc::ENOSYS))
}

/// Whether `tid`, which is stopped, blocks SIGCHLD.
pub(crate) fn blocks_child_signal(tid: Tid) -> Result<bool, Errno> {
    let mut mask = 0_u64;
    ptrace_with(PTRACE_GETSIGMASK, tid, size_of::<u64>(), &mut mask)?;
    Ok(mask >> (libc::SIGCHLD - 1) & 1 != 0)
}
