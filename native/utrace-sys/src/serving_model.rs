//! A model of the kernel, and of the tasks it holds: a tracer and its tracees.

use std::collections::VecDeque;

use super::super::*;

pub(super) const TRACER: Tid = 1 << 24;
pub(super) const TRACEES: usize = 3;
pub(super) const STATUS_AT: u64 = 0x1000;
pub(super) const INFO_AT: u64 = 0x2000;
pub(super) const KILLED: i32 = libc::SIGKILL;
pub(super) const GET_INFO: u64 = REQUEST_SYSCALL_INFO;

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) enum Place {
    Running,
    Stopped,
    /// In its exit stop.
    Exiting,
    Gone,
}

#[derive(Clone, Copy)]
pub(super) struct Task {
    pub(super) place: Place,
    /// Its stops so far; the program counter of each tells which it is.
    pub(super) stops: u64,
}

/// The tasks and the kernel.
pub(super) struct Machine {
    pub(super) tracer: Place,
    pub(super) tracees: [Task; TRACEES],
    /// What a wait would tell, and what has been taken so.
    pub(super) statuses: VecDeque<Fact>,
    pub(super) ready: VecDeque<Fact>,
    /// What the tracer's call returns, if it is not made.
    pub(super) result: Option<i64>,
    pub(super) status: i32,
    pub(super) info_ip: u64,
}

pub(super) fn tid_of(nth: usize) -> Tid {
    TRACER + 1 + nth as Tid
}

pub(super) fn stop_of(tid: Tid, nth: u64) -> Fact {
    let (kind, detail) = if nth % 2 == 1 {
        let detail = Detail::Entry {
            arch: AUDIT_X86_64,
            ip: nth,
            sp: 0,
            args: [0; 6],
            ret_data: None,
        };
        (FactKind::SyscallEntry, detail)
    } else {
        let detail = Detail::Exit {
            arch: AUDIT_X86_64,
            ip: nth,
            sp: 0,
            is_error: false,
        };
        (FactKind::SyscallExit, detail)
    };
    Fact {
        detail,
        ..Fact::new(tid, kind, 39)
    }
}

pub(super) fn ip_of(fact: &Fact) -> u64 {
    match fact.detail {
        Detail::Entry { ip, .. } | Detail::Exit { ip, .. } => ip,
        _ => 0,
    }
}

impl Machine {
    pub(super) fn new() -> Self {
        Self {
            tracer: Place::Running,
            tracees: [Task {
                place: Place::Running,
                stops: 0,
            }; TRACEES],
            statuses: VecDeque::new(),
            ready: VecDeque::new(),
            result: None,
            status: 0,
            info_ip: 0,
        }
    }

    fn place(&mut self, tid: Tid) -> Option<&mut Place> {
        if tid == TRACER {
            return Some(&mut self.tracer);
        }
        let nth = usize::try_from(tid - TRACER - 1).ok()?;
        self.tracees.get_mut(nth).map(|task| &mut task.place)
    }

    pub(super) fn kill(&mut self, tid: Tid) {
        if let Some(place) = self.place(tid) {
            *place = Place::Exiting;
            // A stop that nobody has waited for is gone with it.
            self.statuses.retain(|fact| fact.tid != tid);
            self.statuses
                .push_back(Fact::new(tid, FactKind::Exit, i64::from(KILLED)));
        }
    }
}

impl Kernel for Machine {
    fn has_moved_on(&self, tid: Tid) -> bool {
        let mut statuses = self.ready.iter().chain(&self.statuses);
        statuses.any(|fact| fact.tid == tid)
    }

    fn resume(&mut self, tid: Tid, _request: c_int) -> Result<(), Errno> {
        assert!(!self.has_moved_on(tid), "{tid}: its exit stop is used up");
        match self.place(tid) {
            Some(place @ Place::Stopped) => *place = Place::Running,
            Some(place @ Place::Exiting) => *place = Place::Gone,
            Some(Place::Gone) => return Err(Errno(libc::ESRCH)),
            _ => panic!("{tid} is resumed and does not stand in a stop"),
        }
        Ok(())
    }

    fn skip_call(&mut self, tid: Tid, result: i64) -> Result<(), Errno> {
        assert_eq!(tid, TRACER);
        self.result = Some(result);
        Ok(())
    }

    fn write(&mut self, tid: Tid, address: u64, data: &[u8]) -> Result<bool, Errno> {
        if tid != TRACER {
            return Ok(false);
        }
        match address {
            STATUS_AT => self.status = i32::from_ne_bytes(data.try_into().unwrap_or_default()),
            INFO_AT => {
                let ip = data[8..16].try_into().unwrap_or_default();
                self.info_ip = u64::from_ne_bytes(ip);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn blocks_child_signal(&self, _tid: Tid) -> Result<bool, Errno> {
        Ok(false)
    }
}
