//! How a request can fail; that the tracee is gone is an answer, not a failure.

use crate::Errno;

/// Why a request was not made or not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The kernel said so.
    Kernel(Errno),
    /// Asked from a thread that is not the tracer.
    WrongThread,
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Kernel(errno)
    }
}

pub(crate) type Answer<T> = Result<T, Failure>;
