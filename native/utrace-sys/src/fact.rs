//! Wait statuses become facts.
//!
//! What a stop means is fetched after the wait that took its status.  In between the tracee may be
//! killed: it leaves the stop and, with `PTRACE_O_TRACEEXIT`, stands in the next one, where the same
//! requests succeed and answer about *that* stop (spec 7.3).  So each answer is checked to be of the
//! stop it was asked for; if it is not, there is no fact, and the newer status follows.
//!
//! Reference: ptrace(2); Linux 6.18 `kernel/ptrace.c:ptrace_get_syscall_info_op()`.

use core::ffi::c_int;

use crate::raw::{self, Siginfo};
use crate::{Errno, Tid};

/// `struct rusage` as the kernel writes it.
pub type Usage = [u8; size_of::<libc::rusage>()];

const EVENT_FORK: c_int = 1;
const EVENT_VFORK: c_int = 2;
const EVENT_CLONE: c_int = 3;
const EVENT_EXEC: c_int = 4;
const EVENT_VFORK_DONE: c_int = 5;
const EVENT_EXIT: c_int = 6;
const EVENT_SECCOMP: c_int = 7;
const EVENT_STOP: c_int = 128;

/// `utrace.kernel.seccomp.OUR_DATA`: what our filter says, if no other says more.
pub(crate) const OUR_DATA: u32 = 0x7574;

/// The numbers of `utrace.kernel.api.FactKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "kernel/api.py describes them")]
pub enum FactKind {
    SyscallEntry = 1,
    SyscallExit = 2,
    Seccomp = 3,
    Signal = 4,
    GroupStop = 5,
    Trap = 6,
    Fork = 7,
    Vfork = 8,
    Clone = 9,
    VforkDone = 10,
    Exec = 11,
    Exit = 12,
    Death = 13,
    ZombieLeader = 14,
    Reaped = 15,
    Bell = 16,
    NoTracees = 17,
    InCall = 18,
    Waited = 19,
    Late = 20,
    Untaught = 21,
}

impl FactKind {
    /// A ptrace-stop, in which its task stands.
    pub(crate) fn is_stop(self) -> bool {
        self as u8 <= Self::Exit as u8
    }
}

/// What some kinds carry besides a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of struct ptrace_syscall_info")]
pub enum Detail {
    /// Nothing more.
    None,
    /// A syscall about to be made; `ret_data` at a seccomp stop.
    Entry {
        arch: u32,
        ip: u64,
        sp: u64,
        args: [u64; 6],
        ret_data: Option<u32>,
    },
    /// A syscall done.
    Exit {
        arch: u32,
        ip: u64,
        sp: u64,
        is_error: bool,
    },
    /// The signal about to be delivered.
    Siginfo(Siginfo),
    /// What the dead one has used.
    Usage(Usage),
    /// What was passed on before it was told.
    Kind(FactKind),
    /// The process of a thread that was born.
    Process(Tid),
    /// The name of a task that runs a new program, up to a NUL.
    Name([u8; 16]),
}

/// What happened to one tracee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Who, 0 for facts about the tracer itself.
    pub tid: Tid,
    /// What.
    pub kind: FactKind,
    /// Depends on the kind.
    pub value: i64,
    /// Depends on the kind.
    pub detail: Detail,
}

impl Fact {
    pub(crate) fn new(tid: Tid, kind: FactKind, value: i64) -> Self {
        Self {
            tid,
            kind,
            value,
            detail: Detail::None,
        }
    }

    /// The convention and the arguments of a call that only our own filter stops: no other has a say.
    pub(crate) fn call_at_our_filter(&self) -> Option<(u32, [u64; 6])> {
        match self.detail {
            Detail::Entry {
                arch,
                args,
                ret_data: Some(OUR_DATA),
                ..
            } => Some((arch, args)),
            _ => None,
        }
    }
}

/// A wait status, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Dead,
    SyscallStop,
    SignalStop(c_int),
    EventStop(c_int),
    Event(c_int),
}

pub(crate) fn take_apart(status: c_int) -> Status {
    if !libc::WIFSTOPPED(status) {
        return Status::Dead;
    }
    let signo = libc::WSTOPSIG(status);
    match status >> 16 {
        0 if signo == libc::SIGTRAP | 0x80 => Status::SyscallStop,
        0 => Status::SignalStop(signo),
        EVENT_STOP => Status::EventStop(signo),
        event => Status::Event(event),
    }
}

/// Whether a tracee with this status stands at a system call.
pub(crate) fn is_of_a_call(status: c_int) -> bool {
    matches!(
        take_apart(status),
        Status::SyscallStop | Status::Event(EVENT_SECCOMP)
    )
}

/// The fact of a status just taken; `None` if a newer status has made it void.
pub(crate) fn fetch(tid: Tid, status: c_int) -> Result<Option<Fact>, Errno> {
    let fetched = match take_apart(status) {
        Status::Dead => Ok(Some(Fact::new(tid, FactKind::Death, i64::from(status)))),
        Status::SyscallStop | Status::Event(EVENT_SECCOMP) => fetch_call(tid),
        Status::SignalStop(signo) => fetch_signal(tid, signo),
        Status::EventStop(libc::SIGTRAP) => Ok(Some(Fact::new(tid, FactKind::Trap, 0))),
        Status::EventStop(signo) => Ok(Some(Fact::new(tid, FactKind::GroupStop, i64::from(signo)))),
        Status::Event(event) => fetch_event(tid, event),
    };
    match fetched {
        Err(Errno(libc::ESRCH)) => Ok(None),
        other => other,
    }
}

/// The system call that a tracee stands at; `None` if it stands elsewhere, `ESRCH` if it runs or is gone.
pub(crate) fn fetch_call(tid: Tid) -> Result<Option<Fact>, Errno> {
    let info = raw::ptrace_get_syscall_info(tid)?;
    let raw::SyscallInfo {
        arch,
        ip,
        sp,
        words,
        ..
    } = info;
    let [nr, args @ .., tail] = words;
    let entry = |kind, ret_data| Fact {
        tid,
        kind,
        // The kernel keeps the number in 32 bits; -1 is a syscall to be skipped.
        value: i64::from(nr as i32),
        detail: Detail::Entry {
            arch,
            ip,
            sp,
            args,
            ret_data,
        },
    };
    Ok(match info.op {
        raw::OP_ENTRY => Some(entry(FactKind::SyscallEntry, None)),
        raw::OP_SECCOMP => Some(entry(FactKind::Seccomp, Some(tail as u32))),
        raw::OP_EXIT => Some(Fact {
            tid,
            kind: FactKind::SyscallExit,
            value: nr as i64,
            detail: Detail::Exit {
                arch,
                ip,
                sp,
                is_error: words[1] as u8 != 0,
            },
        }),
        _ => None,
    })
}

pub(crate) fn si_code(info: &Siginfo) -> c_int {
    c_int::from_ne_bytes([info[8], info[9], info[10], info[11]])
}

fn fetch_signal(tid: Tid, signo: c_int) -> Result<Option<Fact>, Errno> {
    let info = raw::ptrace_get_siginfo(tid)?;
    // A sender may have forged the si_code of an exit stop, so ask whether there is a newer status.
    if si_code(&info) == EVENT_EXIT << 8 | libc::SIGTRAP && raw::wait_peek(tid)? {
        return Ok(None);
    }
    let detail = Detail::Siginfo(info);
    Ok(Some(Fact {
        tid,
        kind: FactKind::Signal,
        value: i64::from(signo),
        detail,
    }))
}

fn fetch_event(tid: Tid, event: c_int) -> Result<Option<Fact>, Errno> {
    let kind = match event {
        EVENT_FORK => FactKind::Fork,
        EVENT_VFORK => FactKind::Vfork,
        EVENT_CLONE => FactKind::Clone,
        EVENT_EXEC => FactKind::Exec,
        EVENT_VFORK_DONE => FactKind::VforkDone,
        EVENT_EXIT => FactKind::Exit,
        _ => return Err(Errno(libc::EPROTO)),
    };
    let message = raw::ptrace_event_message(tid)?;
    if event == EVENT_EXIT {
        // No other stop follows it; and its siginfo may be one that was meant for the stop before.
        return Ok(Some(Fact::new(tid, kind, message as i64)));
    }
    // The message is of this event if the tracee has not left this stop since.
    let info = raw::ptrace_get_siginfo(tid)?;
    let same = si_code(&info) == event << 8 | libc::SIGTRAP;
    Ok(same.then(|| Fact::new(tid, kind, message as i64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn take_apart_exit_statuses_are_deaths() {
        assert_eq!(take_apart(0), Status::Dead);
        assert_eq!(take_apart(3 << 8), Status::Dead);
        assert_eq!(take_apart(libc::SIGSEGV | 0x80), Status::Dead);
    }

    #[test]
    fn take_apart_stops_by_event_then_signal() {
        assert_eq!(take_apart(0x857f), Status::SyscallStop);
        assert_eq!(take_apart(0x057f), Status::SignalStop(libc::SIGTRAP));
        assert_eq!(take_apart(0x80_137f), Status::EventStop(libc::SIGSTOP));
        assert_eq!(take_apart(0x06_057f), Status::Event(EVENT_EXIT));
    }
}
