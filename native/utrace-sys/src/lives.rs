//! The lives of recorded tasks: births, programs, signals and ends that are passed on here, and told late.
//!
//! An engine that only looks on is told of them when it is told of the calls between them.  So a program that
//! comes and goes stops as often as ever, and at none of these stops Python has to be waited for.
//!
//! Rules of this file:
//!
//! 1. The owner says of each recorded task what of its life is passed on; children are recorded as their parent.
//!    Everything else is told, and whoever changes what is wanted of a task ends its recording first.
//! 2. What is passed on is told in its order, among the calls, before anything that is told at once.
//! 3. A first stop whose birth is not known yet is kept until that comes, or told before the next fact.
//! 4. What a kill may have touched is told at once: an end by a signal, one without an exit stop, and that of a
//!    leader whose threads live on.
//!
//! Reference: ptrace(2); D6.

use core::ffi::c_int;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::fact::{Detail, Fact, FactKind};
use crate::record::{Call, Going, SYSCALL, Task};
use crate::{Tid, plain, raw};

const SIGNAL_BITS: i64 = 0x7f;
/// Links of `/proc/TGID/task` if there is one thread: itself, its parent, the thread.
const LINKS_OF_ONE: u64 = 3;

// Bits of `utrace.core.events.Event`.
const CLONE: u32 = 1 << 2;
const EXEC: u32 = 1 << 3;
const EXIT: u32 = 1 << 4;
const SIGNAL: u32 = 1 << 8;

/// Signals that a program's own doing does not raise, and job control does not use: HUP, INT, QUIT, USR1, USR2,
/// PIPE, ALRM, TERM, CHLD, URG, XCPU, XFSZ, VTALRM, PROF, WINCH, IO.
const ORDINARY_SIGNALS: u64 = 0x1fc1_7a07;

/// What of a recorded task's life is passed on.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    tgid: Tid,
    /// Events.
    passes: u32,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its first stop is to come.
    Born,
    Runs,
    /// Its exit stop was passed on.
    Exits,
}

/// What becomes of a fact that is passed on.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) going: [Option<Going>; 2],
    /// What is to be told late, and for whom it is recorded.
    pub(crate) noted: Option<(usize, Fact)>,
}

/// What passing on asks of the kernel; a trait, so that a model can stand for it.
pub(crate) trait Kernel {
    /// Whether a call of a stopped task has just failed with EINTR, or nobody can tell.
    fn may_be_broken(&self, tid: Tid) -> bool;
    /// Whether a stopped task is a thread of this process.
    fn is_thread_of(&self, tid: Tid, process: Tid) -> bool;
    /// Whether a stopped leader is the only thread of its process.
    fn is_alone(&self, tgid: Tid) -> bool;
    /// Its name, up to a NUL.
    fn name(&self, tid: Tid) -> [u8; 16];
}

/// Linux.
pub(crate) struct Live;

impl Kernel for Live {
    fn may_be_broken(&self, tid: Tid) -> bool {
        plain::may_be_broken(tid)
    }

    fn is_thread_of(&self, tid: Tid, process: Tid) -> bool {
        raw::is_thread_of(tid, process)
    }

    fn is_alone(&self, tgid: Tid) -> bool {
        fs::metadata(format!("/proc/{tgid}/task"))
            .is_ok_and(|folder| folder.nlink() == LINKS_OF_ONE)
    }

    fn name(&self, tid: Tid) -> [u8; 16] {
        let mut name = [0; 16];
        let comm = fs::read(format!("/proc/{tid}/comm")).unwrap_or_default();
        let comm = comm.strip_suffix(b"\n").unwrap_or(&comm);
        for (to, from) in name.iter_mut().zip(comm) {
            *to = *from;
        }
        name
    }
}

/// What is known of all tasks, recorded or not.
#[derive(Default)]
pub(crate) struct Lives {
    /// Who has been told of, or will be.
    known: HashSet<Tid>,
    /// Who has stopped, and is not known.
    early: Vec<Tid>,
    is_on: bool,
    is_over: bool,
    /// How many want nothing to be passed on for now.
    holds: usize,
}

impl Lives {
    /// What is passed on of a task's life, `passes` being what may be.
    pub(crate) fn begin(&mut self, tgid: Tid, passes: u32) -> Life {
        self.is_on |= passes & CLONE != 0 && !self.is_over;
        Life {
            tgid,
            passes,
            stage: Stage::Runs,
        }
    }

    /// Pass nothing on any more.
    pub(crate) fn end(&mut self) {
        self.is_on = false;
        self.is_over = true;
    }

    /// Pass nothing on as long as this is held.
    pub(crate) fn hold(&mut self, held: bool) {
        self.holds = if held {
            self.holds + 1
        } else {
            self.holds.saturating_sub(1)
        };
    }

    /// Somebody knows of this task.
    pub(crate) fn know(&mut self, tid: Tid) {
        self.known.insert(tid);
    }

    /// First stops whose births are not known, to be told.
    pub(crate) fn early(&mut self) -> Vec<Fact> {
        self.known.extend(&self.early);
        self.early
            .drain(..)
            .map(|tid| Fact::new(tid, FactKind::Trap, 0))
            .collect()
    }

    /// Note what is told.
    pub(crate) fn told(&mut self, fact: &Fact) {
        match fact.kind {
            FactKind::Fork | FactKind::Vfork | FactKind::Clone => {
                self.known.insert(fact.value as Tid);
            }
            FactKind::Exec if fact.value != i64::from(fact.tid) => {
                self.known.remove(&(fact.value as Tid));
            }
            FactKind::Death => {
                self.known.remove(&fact.tid);
            }
            _ => {}
        }
    }

    /// Pass a fact on; `None`: it is told.
    pub(crate) fn take(
        &mut self,
        fact: &Fact,
        tasks: &mut HashMap<Tid, Task>,
        kernel: &impl Kernel,
    ) -> Option<Taken> {
        let is_over = self.is_over || self.holds > 0;
        let is_unknown = fact.kind == FactKind::Trap && !self.known.contains(&fact.tid);
        if is_unknown && self.is_on && !is_over {
            self.early.push(fact.tid);
            return Some(Taken::default());
        }
        let task = tasks.get_mut(&fact.tid)?;
        // What began with a birth that was passed on goes on so, also when that is over for others.
        let begun = task.life.stage != Stage::Runs;
        if is_over && !begun {
            return None;
        }
        match fact.kind {
            FactKind::Trap if task.life.stage == Stage::Born => {
                task.life.stage = Stage::Runs;
                Some(Taken::going(fact.tid, task.run))
            }
            FactKind::Fork | FactKind::Vfork | FactKind::Clone => self.birth(fact, tasks, kernel),
            FactKind::VforkDone if task.passes(CLONE) => {
                Some(Taken::going(fact.tid, task.request()?))
            }
            FactKind::Exec if task.passes(EXEC) && fact.value == i64::from(fact.tid) => {
                let name = Detail::Name(kernel.name(fact.tid));
                Some(Taken::going(fact.tid, task.request()?).noting(task, fact, name))
            }
            FactKind::Exit if task.passes(EXIT) && fact.value & SIGNAL_BITS == 0 => {
                if fact.tid == task.life.tgid && !kernel.is_alone(fact.tid) {
                    return None;
                }
                task.life.stage = Stage::Exits;
                Some(Taken::going(fact.tid, raw::PTRACE_CONT).noting(task, fact, Detail::None))
            }
            FactKind::Death if task.has_ended_by_itself(fact.value) => {
                let taken = Taken::default().noting(task, fact, fact.detail);
                tasks.remove(&fact.tid);
                self.known.remove(&fact.tid);
                Some(taken)
            }
            FactKind::Signal if task.passes(SIGNAL) && is_ordinary(fact.value) => {
                if !matches!(task.call, Call::None) || kernel.may_be_broken(fact.tid) {
                    return None;
                }
                let going = Some((fact.tid, task.run, fact.value as c_int));
                let taken = Taken {
                    going: [going, None],
                    noted: None,
                };
                Some(taken.noting(task, fact, fact.detail))
            }
            _ => None,
        }
    }

    fn birth(
        &mut self,
        fact: &Fact,
        tasks: &mut HashMap<Tid, Task>,
        kernel: &impl Kernel,
    ) -> Option<Taken> {
        let child = fact.value as Tid;
        let parent = *tasks.get(&fact.tid)?;
        let request = parent.request()?;
        if !parent.passes(CLONE) || self.known.contains(&child) {
            // Who is known already has been told of; or its tid is used again.
            return None;
        }
        let is_thread = kernel.is_thread_of(child, parent.life.tgid);
        let tgid = if is_thread { parent.life.tgid } else { child };
        let at = self.early.iter().position(|&early| early == child);
        let stage = if at.is_some() {
            Stage::Runs
        } else {
            Stage::Born
        };
        let first = at.map(|at| (self.early.remove(at), parent.run, 0));
        let life = Life {
            tgid,
            stage,
            ..parent.life
        };
        // With threads, an execve would go untold.
        let lean = if is_thread { 0 } else { parent.lean };
        if let Some(parent) = tasks.get_mut(&fact.tid) {
            parent.lean = lean;
        }
        let call = Call::None;
        tasks.insert(
            child,
            Task {
                lean,
                call,
                life,
                ..parent
            },
        );
        self.known.insert(child);
        let taken = Taken {
            going: [first, Some((fact.tid, request, 0))],
            noted: None,
        };
        Some(taken.noting(&parent, fact, Detail::Process(tgid)))
    }
}

impl Taken {
    fn going(tid: Tid, request: c_int) -> Self {
        Self {
            going: [Some((tid, request, 0)), None],
            noted: None,
        }
    }

    fn noting(self, task: &Task, fact: &Fact, detail: Detail) -> Self {
        let fact = Fact { detail, ..*fact };
        Self {
            noted: Some((task.sink, fact)),
            ..self
        }
    }
}

impl Task {
    fn passes(&self, events: u32) -> bool {
        self.life.passes & events == events && self.life.stage == Stage::Runs
    }

    /// Whether no kill has had a part in an end: its exit stop was passed on, or it makes none.
    fn has_ended_by_itself(&self, status: i64) -> bool {
        self.life.stage == Stage::Exits
            || self.lean != 0 && self.passes(EXIT) && status & SIGNAL_BITS == 0
    }

    /// How it goes on from an event stop; `None`: it is in a call that was told.
    fn request(&self) -> Option<c_int> {
        match self.call {
            Call::None => Some(self.run),
            Call::Taken(..) => Some(SYSCALL),
            Call::Ordinary(_) => None,
        }
    }
}

fn is_ordinary(signo: i64) -> bool {
    (1..=64).contains(&signo) && (signo > 31 || ORDINARY_SIGNALS >> (signo - 1) & 1 != 0)
}

#[cfg(test)]
#[path = "lives_tests.rs"]
mod tests;
