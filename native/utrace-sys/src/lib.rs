//! What utrace asks of the Linux kernel, without Python.
//!
//! Rules of this crate:
//!
//! 1. It is mechanism: it waits, decodes, reads, writes and launches; it decides nothing.
//! 2. `raw` and `child` hold all its `unsafe`.
//! 3. A tracee that is gone is an answer (`false`, `None`), not an error; its death is a fact.
//!
//! Reference: ptrace(2), wait(2); Linux 6.18 `kernel/ptrace.c`, `kernel/signal.c:ptrace_stop()`.

mod arch;
pub mod batch;
mod bell;
mod capture;
mod child;
mod cpus;
mod fact;
mod failure;
mod launch;
pub mod line_style;
pub mod lines;
mod lives;
pub mod memory;
mod netlink;
mod options;
mod pace;
pub mod pen;
mod plain;
mod raw;
pub mod record;
mod requests;
pub mod screen;
mod serving;
pub mod shape;
mod sharing;
mod sink;
mod state;
mod syscall_info;
pub mod tap;
mod tapped;
pub mod text;
mod tracer;
mod watch;

pub use fact::{Detail, Fact, FactKind, Usage};
pub use failure::Failure;
pub use launch::Program;
pub use plain::Call;
pub use raw::Siginfo;
pub use serving::Offer;
pub use tracer::Tracer;

/// A thread id as the kernel prints it.
pub type Tid = i32;

/// The error of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(
    /// errno(3), positive.
    pub i32,
);

impl Errno {
    fn last() -> Self {
        Self(
            std::io::Error::last_os_error()
                .raw_os_error()
                .unwrap_or(libc::EIO),
        )
    }
}

/// `Ok(true)` if it was done, `Ok(false)` if the tracee is gone.
fn done_or_gone(result: Result<(), Errno>) -> Result<bool, Errno> {
    match result {
        Ok(()) => Ok(true),
        Err(Errno(libc::ESRCH)) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// `Ok(None)` if the tracee is gone.
fn some_or_gone<T>(result: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno(libc::ESRCH)) => Ok(None),
        Err(errno) => Err(errno),
    }
}
