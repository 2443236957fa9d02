//! Sets of CPUs, where a thread ran last, and for how long.
//!
//! Reference: `sched_setaffinity(2)`, `proc_pid_stat(5)`, `proc_loadavg(5)`; Linux `Documentation/scheduler/sched-stats.rst`.

use crate::{Tid, raw};

/// A set of CPUs, as large as `cpu_set_t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuSet([u64; 16]);

impl CpuSet {
    /// How many it has room for.
    const MOST: u32 = 1024;

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
    // Under `task` it tells of this thread alone, and looks at no other of its group, which may be thousands.
    let text = std::fs::read(format!("/proc/{tid}/task/{tid}/stat")).ok()?;
    let name_end = text.iter().rposition(|&byte| byte == b')')?;
    let mut fields = text.get(name_end + 2..)?.split(|&byte| byte == b' ');
    str::from_utf8(fields.nth(PROCESSOR)?).ok()?.parse().ok()
}

/// What the scheduler has given to a thread, in ns.
pub(crate) struct Times {
    pub(crate) ran: u64,
    /// How long it could have run, and did not.
    pub(crate) waited: u64,
}

/// `None` where the thread is gone, or the kernel keeps no such figures.
pub(crate) fn times_ns(tid: Tid) -> Option<Times> {
    let text = std::fs::read_to_string(format!("/proc/{tid}/schedstat")).ok()?;
    let mut numbers = text.split(' ').map(str::parse);
    Some(Times {
        ran: numbers.next()?.ok()?,
        waited: numbers.next()?.ok()?,
    })
}

/// How many CPUs there may ever be: their numbers are below it.
pub(crate) fn possible() -> u32 {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
    let last = text.trim_end().rsplit(['-', ',']).next();
    let last = last.and_then(|number| number.parse::<u32>().ok());
    last.map_or(CpuSet::MOST, |number| number + 1)
}

/// Whether there are more threads that run or could run than CPUs, anywhere; the caller is one of them.
pub(crate) fn are_all_busy() -> bool {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let running = text
        .split(' ')
        .nth(3)
        .and_then(|field| field.split('/').next());
    let count = running.and_then(|number| number.parse().ok());
    count.is_none_or(|count: usize| count > raw::online_cpus())
}
