//! Launching a program that is traced from its execve on.
//!
//! The child waits to be seized, prepares itself with all signals blocked, and sends itself a
//! SIGTRAP.  At that stop an interrupt is asked for and the signal dropped, so that the child stands
//! in an event stop with one call left to make, and gets the host's signal mask there.  Nobody else
//! sees a stop of it: no SIGSTOP, no SIGCONT.

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;

use crate::child::{self, ChildPlan, SharedWords};
use crate::fact::{Status, take_apart};
use crate::raw;
use crate::{Errno, Tid};

/// A program to launch; `path` is not looked up.
#[allow(missing_docs, reason = "fields of utrace.kernel.api.Spawn")]
pub struct Program {
    pub path: CString,
    pub argv: Vec<CString>,
    pub env: Vec<CString>,
    pub cwd: Option<CString>,
    pub stdio: [i32; 3],
    pub new_session: bool,
    pub parent_death_signal: i32,
    pub credentials: Option<(u32, u32, Vec<u32>)>,
    pub filter: Vec<u8>,
}

/// What is known of a launched child until it executes its program, and after if it could not.
pub(crate) enum Launch {
    /// Not executed yet.
    Under(SharedWords),
    /// Dead, with this errno.
    Failed(i32),
}

impl Launch {
    /// Errno of the failed execve, 0 if it has not failed.
    pub(crate) fn failure(&self) -> i32 {
        match self {
            Self::Under(words) => words.failure(),
            Self::Failed(errno) => *errno,
        }
    }
}

/// wait4(2) for one, whatever signals interrupt it.
pub(crate) fn wait_for(tid: Tid) -> Result<i32, Errno> {
    let never = core::sync::atomic::AtomicU32::new(0);
    loop {
        match raw::wait_unless(&never, tid, None) {
            Ok((_, status)) => return Ok(status),
            Err(Errno(libc::EINTR)) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Fork, seize and prepare; the child is left in the stop that the module describes.
pub(crate) fn launch(
    program: &Program,
    seize_options: usize,
    signal_mask: u64,
) -> Result<(Tid, Launch), Errno> {
    let words = SharedWords::new()?;
    let (go_read, go_write) = raw::pipe()?;
    let tid = child::fork_child(&ChildPlan {
        path: &program.path,
        argv: &program.argv,
        env: &program.env,
        cwd: program.cwd.as_deref(),
        stdio: program.stdio,
        new_session: program.new_session,
        parent_death_signal: program.parent_death_signal,
        credentials: program.credentials.as_ref(),
        filter: &program.filter,
        go: (go_read.as_fd(), go_write.as_fd()),
        words: &words,
    })?;
    drop(go_read);
    let prepared = raw::ptrace_seize(tid, seize_options)
        .and_then(|()| {
            File::from(go_write)
                .write_all(&[1])
                .map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EIO)))
        })
        .map_err(|error| {
            // It must not be left a zombie.  If it has given up by itself, that is the reason.
            let _ = raw::kill(tid, libc::SIGKILL).and_then(|()| wait_for(tid));
            reason(&words, error)
        })
        .and_then(|()| park(tid, &words, signal_mask));
    prepared.map(|()| (tid, Launch::Under(words)))
}

/// What failed in the child, `otherwise` if nothing did.
fn reason(words: &SharedWords, otherwise: Errno) -> Errno {
    match words.failure() {
        0 => otherwise,
        failure => Errno(failure),
    }
}

/// Follow the child's preparation to its end.
fn park(tid: Tid, words: &SharedWords, signal_mask: u64) -> Result<(), Errno> {
    let mut interrupting = false;
    loop {
        let pass = match take_apart(wait_for(tid)?) {
            Status::Dead => return Err(reason(words, Errno(libc::ESRCH))),
            Status::EventStop(libc::SIGTRAP) if interrupting => {
                match raw::ptrace_set_signal_mask(tid, signal_mask) {
                    // Killed: its end is a fact for the tracer like any other's.
                    Ok(()) | Err(Errno(libc::ESRCH)) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            Status::SignalStop(libc::SIGTRAP) if words.ready() && !interrupting => {
                interrupting = raw::ptrace_interrupt(tid).is_ok();
                0
            }
            Status::SignalStop(signo) => signo,
            Status::SyscallStop | Status::EventStop(_) | Status::Event(_) => 0,
        };
        match raw::ptrace_resume(tid, raw::PTRACE_CONT, pass) {
            Ok(()) | Err(Errno(libc::ESRCH)) => {}
            Err(error) => return Err(error),
        }
    }
}
