//! Programs that nobody traces: their stops are passed on here, and told late or not at all.
//!
//! Under `utrace run` every program is a tracee, and each that is born, runs and ends stops some times, at which
//! the owner (Python) has nothing to say.  What it has to know is who there is; and not even that of
//! programs that have come and gone meanwhile.
//!
//! Rules of this file:
//!
//! 1. The owner says of each task, when it resumes it, whether it runs on plainly; so are the children of those.
//!    What else than a plain stop such a task comes to is told, and then it is the owner's again.
//! 2. Before anything is told, all that was passed on is, by `Late`, in its order: so while the owner's code runs
//!    there is nothing that it does not know.  Left out are whole lives, from birth to being waited for.
//! 3. A first stop whose birth is not known yet is kept until that comes, or told as it is.
//!
//! Reference: ptrace(2); D12.

use core::ffi::c_int;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::arch::{NT_PRSTATUS, REGSET_BYTES, Registers};
use crate::fact::{Detail, Fact, FactKind};
use crate::{Tid, memory, raw};

const SIGNAL_BITS: i64 = 0x7f;
const CLONE_UNTRACED: u64 = 0x80_0000;
const PATH_MAX: usize = 128;
/// So many facts are kept before whole lives among them are looked for, and at most.
const FEW: usize = 64;
const MANY: usize = 4096;

/// Audit arch and number.
pub type Call = (u32, i64);

/// What is done at the entry of a call that a filter stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// A wait: passed on, and it is noted who made it.
    Wait,
    /// A clone3: passed on without `CLONE_UNTRACED`.
    Birth,
    /// An open whose path is this argument: passed on unless that ends as a file does that is answered.
    Open(usize),
}

/// What becomes of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// The task goes on, with a signal or 0; `child`: so does this one.
    PassedOn { signo: c_int, child: Option<Tid> },
    /// There is nobody to resume.
    Kept,
    /// It is told.
    Owners,
}

/// What passing on asks of the kernel; a trait, so that a model can stand for it.
pub(crate) trait Kernel {
    /// Whether a call of a stopped task has just failed with EINTR, or nobody can tell.
    fn may_be_broken(&self, tid: Tid) -> bool;
    /// The flags of a clone3; `None` if they cannot be read.
    fn clone_flags(&self, tid: Tid, at: u64) -> Option<u64>;
    /// The path there, as far as it can be read.
    fn path(&self, tid: Tid, at: u64) -> Vec<u8>;
    /// Whether a dead task has been waited for.
    fn is_gone(&self, tid: Tid) -> bool;
    /// Whether a child is no thread of its parent's process.
    fn is_process(&self, child: Tid) -> bool;
}

/// Whether a call of a stopped task has just failed with EINTR, or nobody can tell.
pub(crate) fn may_be_broken(tid: Tid) -> bool {
    let mut regset = [0; REGSET_BYTES];
    match raw::ptrace_get_regset(tid, NT_PRSTATUS, &mut regset) {
        Ok(length) => Registers(&mut regset[..length])
            .interrupted_syscall()
            .is_some(),
        Err(_) => true,
    }
}

/// Linux.
pub(crate) struct Live;

impl Kernel for Live {
    fn may_be_broken(&self, tid: Tid) -> bool {
        may_be_broken(tid)
    }

    fn clone_flags(&self, tid: Tid, at: u64) -> Option<u64> {
        let word = memory::read(tid, at, size_of::<u64>()).ok()?;
        Some(u64::from_le_bytes(word.try_into().ok()?))
    }

    fn path(&self, tid: Tid, at: u64) -> Vec<u8> {
        memory::read_cstring(tid, at, PATH_MAX).map_or_else(|_| Vec::new(), |(path, _)| path)
    }

    fn is_gone(&self, tid: Tid) -> bool {
        raw::kill(tid, 0).is_err()
    }

    fn is_process(&self, child: Tid) -> bool {
        raw::is_thread_of(child, child)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The owner moves it.
    Owners,
    /// A child of a plain task, before its first stop.
    Born,
    /// It runs on plainly.
    Plain,
}

/// What is known of tasks that run on plainly.
#[derive(Default)]
pub(crate) struct Plain {
    calls: HashMap<Call, CallKind>,
    tasks: BTreeMap<Tid, Standing>,
    is_on: bool,
    early: Vec<Fact>,
    log: Vec<Fact>,
    look_at: usize,
    waiting: BTreeSet<Tid>,
}

impl Plain {
    /// What may be passed on, by audit arch and number.
    pub(crate) fn set_calls(&mut self, calls: HashMap<Call, CallKind>) {
        self.calls = calls;
    }

    /// The owner resumes a task.
    pub(crate) fn resumed(&mut self, tid: Tid, is_plain: bool) {
        if self.calls.is_empty() {
            return;
        }
        self.is_on |= is_plain;
        let standing = if is_plain {
            Standing::Plain
        } else {
            Standing::Owners
        };
        self.tasks.insert(tid, standing);
    }

    /// The owner wants to see a task's next stop.
    pub(crate) fn interrupted(&mut self, tid: Tid) {
        if let Some(standing) = self.tasks.get_mut(&tid) {
            *standing = Standing::Owners;
        }
    }

    /// Let no task run on plainly; those whose last stop was at a wait.
    pub(crate) fn end(&mut self) -> Vec<Tid> {
        self.is_on = false;
        for standing in self.tasks.values_mut() {
            *standing = Standing::Owners;
        }
        core::mem::take(&mut self.waiting).into_iter().collect()
    }

    /// Decide a fact.
    pub(crate) fn take(&mut self, fact: &Fact, kernel: &impl Kernel) -> Course {
        if !self.is_on || self.log.len() >= MANY {
            return Course::Owners;
        }
        match (self.tasks.get(&fact.tid), fact.kind) {
            (None, FactKind::Trap) => {
                self.early.push(*fact);
                Course::Kept
            }
            (Some(Standing::Born), FactKind::Trap) => {
                self.tasks.insert(fact.tid, Standing::Plain);
                self.log.push(*fact);
                go_on(0)
            }
            (Some(Standing::Plain), _) => {
                let course = self.pass_on(fact, kernel);
                if course != Course::Owners && !is_of_a_wait(fact, &self.calls) {
                    self.waiting.remove(&fact.tid);
                }
                course
            }
            // Dead before its first stop could be told.
            (Some(Standing::Born), FactKind::Death) => self.bury(fact, kernel),
            _ => Course::Owners,
        }
    }

    fn pass_on(&mut self, fact: &Fact, kernel: &impl Kernel) -> Course {
        let tid = fact.tid;
        match fact.kind {
            FactKind::Seccomp => self.call(fact, kernel),
            FactKind::Signal if !kernel.may_be_broken(tid) => go_on(fact.value as c_int),
            FactKind::Fork | FactKind::Vfork => self.birth(fact, kernel),
            FactKind::VforkDone => go_on(0),
            FactKind::Exec if fact.value == i64::from(tid) => self.note(fact),
            FactKind::Exit if fact.value & SIGNAL_BITS == 0 => self.note(fact),
            FactKind::Death => self.bury(fact, kernel),
            _ => Course::Owners,
        }
    }

    fn note(&mut self, fact: &Fact) -> Course {
        self.log.push(*fact);
        go_on(0)
    }

    fn call(&mut self, fact: &Fact, kernel: &impl Kernel) -> Course {
        let Some((arch, args)) = fact.call_at_our_filter() else {
            return Course::Owners;
        };
        let is_plain = match self.calls.get(&(arch, fact.value)) {
            Some(CallKind::Wait) => {
                self.waiting.insert(fact.tid);
                true
            }
            Some(CallKind::Birth) => kernel
                .clone_flags(fact.tid, args[0])
                .is_some_and(|flags| flags & CLONE_UNTRACED == 0),
            Some(CallKind::Open(index)) => {
                let path = kernel.path(fact.tid, args[*index]);
                !(path.ends_with(b"stat") || path.ends_with(b"status"))
            }
            None => false,
        };
        if is_plain { go_on(0) } else { Course::Owners }
    }

    fn birth(&mut self, fact: &Fact, kernel: &impl Kernel) -> Course {
        let child = fact.value as Tid;
        if self.tasks.contains_key(&child) || self.is_in_log(child) || !kernel.is_process(child) {
            // It was told already; or its tid is used again; or it is a thread after all, by its flags.
            return Course::Owners;
        }
        self.log.push(*fact);
        let at = self.early.iter().position(|first| first.tid == child);
        let first = at.map(|at| self.early.remove(at));
        let standing = if first.is_some() {
            Standing::Plain
        } else {
            Standing::Born
        };
        self.log.extend(first);
        self.tasks.insert(child, standing);
        Course::PassedOn {
            signo: 0,
            child: first.map(|first| first.tid),
        }
    }

    fn is_in_log(&self, tid: Tid) -> bool {
        self.log.iter().any(|fact| fact.tid == tid)
    }

    /// The end of a task; the owner is told of those that it knows.
    fn bury(&mut self, fact: &Fact, kernel: &impl Kernel) -> Course {
        if !self.log.iter().any(|birth| is_birth_of(birth, fact.tid)) {
            return Course::Owners;
        }
        self.log.push(*fact);
        self.tasks.remove(&fact.tid);
        self.waiting.remove(&fact.tid);
        if self.log.len() >= self.look_at.max(FEW) {
            self.leave_out_lives(kernel);
            self.look_at = 2 * self.log.len();
        }
        Course::Kept
    }

    /// Leave out those who were born, died and have been waited for; not a parent of one that is left.
    fn leave_out_lives(&mut self, kernel: &impl Kernel) {
        let dead: Vec<Tid> = self
            .log
            .iter()
            .filter(|fact| fact.kind == FactKind::Death)
            .map(|fact| fact.tid)
            .collect();
        // The youngest first: then their parents have no children left.
        for tid in dead.into_iter().rev().chain(self.dead_parents()) {
            let is_parent = |fact: &Fact| fact.tid == tid && is_birth(fact);
            if !self.log.iter().any(is_parent) && kernel.is_gone(tid) {
                self.log
                    .retain(|fact| fact.tid != tid && !is_birth_of(fact, tid));
            }
        }
    }

    fn dead_parents(&self) -> Vec<Tid> {
        let is_parent = |tid| {
            self.log
                .iter()
                .any(|fact| fact.tid == tid && is_birth(fact))
        };
        self.log
            .iter()
            .filter(|fact| fact.kind == FactKind::Death && is_parent(fact.tid))
            .map(|fact| fact.tid)
            .collect()
    }

    /// What is to be told before this fact: all that was passed on, and first stops whose births are not known.
    pub(crate) fn tell(&mut self, fact: &Fact, kernel: &impl Kernel) -> Vec<Fact> {
        self.told(fact);
        if self.log.is_empty() && self.early.is_empty() {
            return Vec::new();
        }
        self.leave_out_lives(kernel);
        self.look_at = 0;
        let late = self.log.drain(..).map(|fact| Fact {
            kind: FactKind::Late,
            detail: Detail::Kind(fact.kind),
            ..fact
        });
        let told: Vec<Fact> = late.chain(self.early.drain(..)).collect();
        for fact in &told {
            if fact.kind == FactKind::Trap {
                self.tasks.insert(fact.tid, Standing::Owners);
            }
        }
        told
    }

    /// Note what the owner is told.
    pub(crate) fn told(&mut self, fact: &Fact) {
        if self.calls.is_empty() || fact.tid == 0 {
            return;
        }
        self.waiting.remove(&fact.tid);
        match fact.kind {
            FactKind::Death => {
                self.tasks.remove(&fact.tid);
                return;
            }
            FactKind::Fork | FactKind::Vfork | FactKind::Clone => {
                self.tasks.insert(fact.value as Tid, Standing::Owners);
            }
            FactKind::Exec if fact.value != i64::from(fact.tid) => {
                self.tasks.remove(&(fact.value as Tid));
            }
            _ => {}
        }
        self.tasks.insert(fact.tid, Standing::Owners);
    }
}

fn go_on(signo: c_int) -> Course {
    Course::PassedOn { signo, child: None }
}

fn is_birth(fact: &Fact) -> bool {
    matches!(fact.kind, FactKind::Fork | FactKind::Vfork)
}

fn is_birth_of(fact: &Fact, child: Tid) -> bool {
    is_birth(fact) && fact.value == i64::from(child)
}

fn is_of_a_wait(fact: &Fact, calls: &HashMap<Call, CallKind>) -> bool {
    let Detail::Entry { arch, .. } = fact.detail else {
        return false;
    };
    calls.get(&(arch, fact.value)) == Some(&CallKind::Wait)
}

#[cfg(test)]
#[path = "plain_tests.rs"]
mod tests;
