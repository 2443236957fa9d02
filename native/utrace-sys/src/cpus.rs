//! Sets of CPUs, and where a thread ran last.
//!
//! Reference: `sched_setaffinity(2)`, `proc_pid_stat(5)`.

use crate::Tid;

/// A set of CPUs, as large as `cpu_set_t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuSet([u64; 16]);

impl CpuSet {
    /// The set of this one.
    pub(crate) fn of(cpu: usize) -> Self {
        let mut set = Self::default();
        set.add(cpu);
        set
    }

    pub(crate) fn add(&mut self, cpu: usize) {
        if let Some(word) = self.0.get_mut(cpu / 64) {
            *word |= 1 << (cpu % 64);
        }
    }

    pub(crate) fn has(&self, cpu: usize) -> bool {
        self.0
            .get(cpu / 64)
            .is_some_and(|word| word >> (cpu % 64) & 1 != 0)
    }
}

/// The CPU that a thread ran on last; `None` if it is gone.
pub(crate) fn last_cpu(tid: Tid) -> Option<usize> {
    const PROCESSOR: usize = 39 - 3;
    let text = std::fs::read(format!("/proc/{tid}/stat")).ok()?;
    let name_end = text.iter().rposition(|&byte| byte == b')')?;
    let mut fields = text.get(name_end + 2..)?.split(|&byte| byte == b' ');
    str::from_utf8(fields.nth(PROCESSOR)?).ok()?.parse().ok()
}
