//! What a tap wrote becomes part of a batch, as if the calls had stopped.
//!
//! Rules of this file:
//!
//! 1. A call of a number that nothing was said about waits, and all behind it, until something is.
//! 2. An end without a beginning is of a call that another seccomp filter of the task answered: both are told.

use core::ffi::c_int;
use std::collections::HashMap;

use crate::Tid;
use crate::batch::When;
use crate::fact::{self, Detail, Fact, FactKind};
use crate::raw;
use crate::sink::{Beginning, Begun, Place, Sink};
use crate::tap::{self, Said, Tap};

const SI_KERNEL: c_int = 0x80;
/// `AUDIT_ARCH_X86_64`.
const ARCH: u32 = 0xC000_003E;
/// Offset of `orig_ax` in `struct user`.
const ORIG_AX: usize = 120;

/// What reading a tap came to.
pub(crate) enum Drained {
    /// There is no more of what there was.
    Dry,
    /// A batch is full.
    Full,
    /// Nothing was said about calls such as this.
    Untaught(Fact),
}

/// The call that a tapped task is in.
enum Call {
    None,
    /// Nobody wants to see it.
    LetGo,
    Recorded(Beginning, Place),
}

/// A tap, and the calls that tapped tasks are in.
pub(crate) struct Tapped {
    tap: Tap,
    sink: usize,
    tasks: HashMap<Tid, Call>,
    record: Vec<u8>,
    /// `record` has not been dealt with.
    kept: bool,
    /// Up to where is read, once begun: tasks that run on may write as fast as that.
    end: Option<u64>,
}

impl Tapped {
    pub(crate) fn new(tap: Tap, sink: usize) -> Self {
        Self {
            tap,
            sink,
            tasks: HashMap::new(),
            record: Vec::new(),
            kept: false,
            end: None,
        }
    }

    pub(crate) fn has_records(&self) -> bool {
        self.kept || self.tap.has_records()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.tap.lost()
    }

    pub(crate) fn join(&mut self, tid: Tid) -> bool {
        let joined = self.tap.join(tid).is_ok();
        if joined {
            self.tasks.entry(tid).or_insert(Call::None);
        }
        joined
    }

    pub(crate) fn leave(&mut self, tid: Tid) {
        self.tap.leave(tid);
        self.tasks.remove(&tid);
    }

    /// Note a fact that is passed on: who is born is tapped as its parent is.
    pub(crate) fn passed_on(&mut self, fact: &Fact) {
        match fact.kind {
            FactKind::Fork | FactKind::Vfork | FactKind::Clone
                if self.tasks.contains_key(&fact.tid) =>
            {
                // One that cannot be tapped was killed.
                self.join(fact.value as Tid);
            }
            _ => self.told(fact),
        }
    }

    /// Note a fact that is told.
    pub(crate) fn told(&mut self, fact: &Fact) {
        match fact.kind {
            FactKind::Death => {
                self.tasks.remove(&fact.tid);
            }
            FactKind::Exec if fact.value != i64::from(fact.tid) => {
                // Its records still bear the tid that it had: until it joins anew they are nobody's.
                self.tasks.remove(&fact.tid);
                self.tasks.remove(&(fact.value as Tid));
            }
            _ => {}
        }
    }

    /// Whether a signal is that by which a program of the tap made its task wait.
    pub(crate) fn is_waiting(&self, stop: &Fact) -> bool {
        let Detail::Siginfo(info) = &stop.detail else {
            return false;
        };
        if fact::si_code(info) != SI_KERNEL || !self.tasks.contains_key(&stop.tid) {
            return false;
        }
        match stop.value as c_int {
            libc::SIGSTOP => true,
            // A breakpoint's comes in user mode, where there is no call.
            libc::SIGTRAP => {
                raw::ptrace_peek_user(stop.tid, ORIG_AX).is_ok_and(|nr| nr as i64 >= 0)
            }
            _ => false,
        }
    }

    /// Record what there is by now; asked again after anything but `Dry`, what there was at first.
    pub(crate) fn drain(&mut self, sinks: &mut [Sink]) -> Drained {
        if !self.has_records() {
            self.end = None;
            return Drained::Dry;
        }
        let Some(sink) = sinks.get_mut(self.sink) else {
            return Drained::Dry;
        };
        let end = *self.end.get_or_insert_with(|| self.tap.written());
        let now = When::now();
        while core::mem::take(&mut self.kept) || self.tap.take(end, &mut self.record) {
            let Some(record) = tap::record_of(&self.record) else {
                continue;
            };
            let Some(task) = self.tasks.get_mut(&record.tid) else {
                continue;
            };
            let when = When {
                // It is in the past by so much.
                real: now.real.wrapping_sub(now.mono).wrapping_add(record.mono_ns),
                mono: record.mono_ns,
                cpu: 0,
            };
            let seen = tap::copies(&record, &self.record);
            let call = Beginning {
                tid: record.tid,
                arch: ARCH,
                nr: record.nr,
                args: record.args,
                sp: 0,
            };
            // What another filter answered has only an end.
            if matches!(record.said, Said::Entry) || matches!(task, Call::None) {
                *task = match sink.begin(&call, &seen, when) {
                    Begun::Recorded(at) => Call::Recorded(call, at),
                    Begun::LetGo | Begun::Ordinary => Call::LetGo,
                    Begun::Untaught => {
                        self.kept = true;
                        return Drained::Untaught(untaught(&call));
                    }
                };
            }
            if let Said::Exit(result) = record.said
                && let Call::Recorded(call, at) = core::mem::replace(task, Call::None)
            {
                sink.end((&call, at), result, &seen, when);
            }
            if sink.batch.is_full() {
                return Drained::Full;
            }
        }
        self.end = None;
        Drained::Dry
    }
}

fn untaught(call: &Beginning) -> Fact {
    Fact {
        tid: call.tid,
        kind: FactKind::Untaught,
        value: i64::from(call.nr),
        detail: Detail::Entry {
            arch: call.arch,
            ip: 0,
            sp: 0,
            args: call.args,
            ret_data: None,
        },
    }
}
