//! Which events stop a tracee: all, or fewer where nobody has to be told of them.
//!
//! An EXEC, an EXIT and the end of a vfork stop a tracee only because its options say so.  A task that runs on
//! without anybody's asking for these is resumed *lean*: they are off.
//!
//! Rules of this file:
//!
//! 1. Options are changed in a ptrace-stop, and a child has its parent's.
//! 2. All are on again before the owner is told of a stop, and when it resumes a task otherwise.
//! 3. Nothing is lost to who comes while a task runs lean: it is interrupted, and its next stop is on the way out
//!    of the call that it was in by then.  If an execve or a vfork of its has come to an end there, that is told
//!    in place of the interrupt.
//! 4. Only a single thread may run lean: an execve by another one than the leader would go untold.
//!
//! Reference: ptrace(2) "`PTRACE_SETOPTIONS`"; Linux 6.18 `include/linux/ptrace.h:ptrace_event()`.

use std::collections::HashMap;

use crate::arch::{NT_PRSTATUS, REGSET_BYTES, Registers, TELLS_CALLS};
use crate::fact::{Fact, FactKind};
use crate::{Errno, Tid, done_or_gone, raw, some_or_gone};

/// What is off: of one that runs lean VFORKDONE and EXIT, EXEC too if that may go untold.
pub(crate) const ENDS: usize = 0x20 | 0x40;
pub(crate) const EXEC: usize = 0x10;

/// Where a stopped task is on its way out of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Program counter and stack pointer.
    pub(crate) at: (u64, u64),
    /// It has become another program in the call it is about to leave.
    pub(crate) runs_anew: bool,
    /// What that call returns.
    pub(crate) result: i64,
}

/// What choosing asks of the kernel; a trait, so that a model can stand for it.
pub(crate) trait Kernel {
    /// Set the options of a stopped tracee; `false`: it is gone.
    fn set_options(&self, tid: Tid, options: usize) -> Result<bool, Errno>;
    /// Where it is; `None`: it is gone.
    fn place(&self, tid: Tid) -> Result<Option<Place>, Errno>;
}

/// Linux.
pub(crate) struct Live;

impl Kernel for Live {
    fn set_options(&self, tid: Tid, options: usize) -> Result<bool, Errno> {
        done_or_gone(raw::ptrace_set_options(tid, options))
    }

    fn place(&self, tid: Tid) -> Result<Option<Place>, Errno> {
        let mut regset = [0; REGSET_BYTES];
        let filled = some_or_gone(raw::ptrace_get_regset(tid, NT_PRSTATUS, &mut regset))?;
        Ok(filled.map(|length| Registers(&mut regset[..length]).place_in_call()))
    }
}

/// What is known of one task.
#[derive(Default)]
struct Task {
    /// The options that are off.
    spared: usize,
    /// The owner waits for its next stop.
    is_interrupted: bool,
    /// Where it was made lean.
    from: Option<Place>,
    /// The child of its last stop, if that was a vfork.
    vforked: Option<Tid>,
}

/// The options of all tracees.
#[derive(Default)]
pub(crate) struct Options {
    /// What launched programs have while they are not lean; 0: there is none.
    all: usize,
    /// Others than that are about, too.
    is_mixed: bool,
    tasks: HashMap<Tid, Task>,
}

impl Options {
    /// A program was launched with these.
    pub(crate) fn launched(&mut self, options: usize) {
        self.is_mixed |= self.all != 0 && self.all != options;
        if self.all == 0 {
            self.all = options;
        }
    }

    /// A task was seized with others.
    pub(crate) fn seized(&mut self) {
        self.is_mixed = true;
    }

    pub(crate) fn is_lean(&self, tid: Tid) -> bool {
        self.spared(tid) != 0
    }

    fn spared(&self, tid: Tid) -> usize {
        self.tasks.get(&tid).map_or(0, |task| task.spared)
    }

    /// Note what has happened, told or not.
    pub(crate) fn note(&mut self, fact: &Fact) {
        if self.all == 0 {
            return;
        }
        let child = fact.value as Tid;
        match fact.kind {
            FactKind::Fork | FactKind::Vfork | FactKind::Clone if self.is_lean(fact.tid) => {
                let spared = self.spared(fact.tid);
                self.tasks.insert(
                    child,
                    Task {
                        spared,
                        ..Task::default()
                    },
                );
            }
            FactKind::Death => {
                self.tasks.remove(&fact.tid);
            }
            FactKind::Exec if child != fact.tid => {
                self.tasks.remove(&child);
            }
            _ => {}
        }
        if fact.kind == FactKind::Vfork {
            self.tasks.entry(fact.tid).or_default().vforked = Some(child);
        } else if fact.kind != FactKind::Trap
            && let Some(task) = self.tasks.get_mut(&fact.tid)
        {
            task.vforked = None;
        }
    }

    /// The owner wants to see a task's next stop.
    pub(crate) fn interrupted(&mut self, tid: Tid) {
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.is_interrupted = true;
        }
    }

    /// A task is about to be resumed with these options off.
    pub(crate) fn resumed(
        &mut self,
        tid: Tid,
        spared: usize,
        kernel: &impl Kernel,
    ) -> Result<(), Errno> {
        let may_be_lean = TELLS_CALLS && self.all != 0 && !self.is_mixed;
        let spared = if may_be_lean { spared } else { 0 };
        if spared == self.spared(tid) {
            return Ok(());
        }
        let from = if spared & EXEC != 0 {
            kernel.place(tid)?
        } else {
            None
        };
        if spared & EXEC != 0 && from.is_none() || !kernel.set_options(tid, self.all & !spared)? {
            return Ok(());
        }
        let task = self.tasks.entry(tid).or_default();
        (task.spared, task.from) = (spared, from);
        Ok(())
    }

    /// Have all options on in the stop that is to be told next; it may be told as another.
    pub(crate) fn before_told(
        &mut self,
        fact: &mut Fact,
        kernel: &impl Kernel,
    ) -> Result<(), Errno> {
        if self.all == 0 || !fact.kind.is_stop() {
            return Ok(());
        }
        let Some(task) = self.tasks.get_mut(&fact.tid) else {
            if fact.kind == FactKind::Trap && !self.is_mixed && !self.tasks.is_empty() {
                // A killed parent may have hidden this birth.
                kernel.set_options(fact.tid, self.all)?;
            }
            return Ok(());
        };
        let is_interrupted = core::mem::take(&mut task.is_interrupted);
        let spared = core::mem::take(&mut task.spared);
        if spared == 0 {
            return Ok(());
        }
        let (from, vforked) = (task.from.take(), task.vforked.take());
        if !kernel.set_options(fact.tid, self.all)? {
            return Ok(());
        }
        if fact.kind == FactKind::Trap
            && is_interrupted
            && let Some(here) = kernel.place(fact.tid)?
        {
            if spared & EXEC != 0 && here.runs_anew && from.is_none_or(|from| from.at != here.at) {
                *fact = Fact::new(fact.tid, FactKind::Exec, i64::from(fact.tid));
            } else if let Some(child) = vforked.filter(|&child| i64::from(child) == here.result) {
                *fact = Fact::new(fact.tid, FactKind::VforkDone, i64::from(child));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
