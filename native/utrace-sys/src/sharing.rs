//! Whether the tracer shares a CPU with the tracee that it serves (D7).
//!
//! A stop is two changes from one task to the other.  On one CPU each costs a microsecond or two; across
//! two it wakes an idle CPU, which costs up to ten times as much.  So while the same tracee stops again and
//! again, the tracer looks now and then where that ran last, and goes there:
//!
//! 1. *Following*: the tracer binds itself to that CPU.
//! 2. *Yielding*: a scheduler that finds another CPU idle takes the tracee there whenever it is resumed, as
//!    the tracer occupies its own.  So the tracer, bound, also becomes `SCHED_IDLE`: such a CPU counts as
//!    idle, and the tracee comes back to it.  Only where the tracer may also return from `SCHED_IDLE`.
//! 3. Otherwise it stays *apart*, and looking for the next stop some times before sleeping may help (`pace`).
//!
//! Rules of this file:
//!
//! 1. Only the tracer thread itself is bound; nothing of a tracee is changed.
//! 2. What is returned from a wait to Python is returned unbound: programs and threads inherit it.
//! 3. As soon as another tracee stops, the tracer roams again.
//!
//! Reference: `sched_setaffinity(2)`, sched(7) "`SCHED_IDLE`"; Linux 6.18
//! `kernel/sched/fair.c:select_idle_sibling()`, `sched_idle_cpu()`.

use crate::Tid;
use crate::cpus::{self, CpuSet};
use crate::raw;

/// How the tracer stands to the tracee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Roaming,
    Following(usize),
    Yielding(usize),
}

/// What is known, and what is in force.
pub(crate) struct Sharing {
    /// Whose stops come one after the other, and how many did.
    tid: Tid,
    stops: u64,
    /// When to look where it runs, and how many stops later again.
    look_at: u64,
    interval: u64,
    way: Way,
    in_force: Way,
    home: CpuSet,
    /// Looks in a row that found it elsewhere although followed.
    fled: u32,
    /// Following is not tried before so many stops, and how many more it would be after that.
    rest_until: u64,
    rest: u64,
    apart: bool,
    may_yield: Option<bool>,
    yielded_ns: u64,
}

impl Default for Sharing {
    fn default() -> Self {
        Self {
            tid: 0,
            stops: 0,
            look_at: Self::FIRST_LOOK,
            interval: Self::FIRST_LOOK,
            way: Way::Roaming,
            in_force: Way::Roaming,
            home: CpuSet::default(),
            fled: 0,
            rest_until: 0,
            rest: Self::FIRST_REST,
            apart: false,
            may_yield: None,
            yielded_ns: 0,
        }
    }
}

impl Sharing {
    /// Looking costs about as much as two stops.
    const FIRST_LOOK: u64 = 64;
    const LOOKS_APART: u64 = 1 << 12;
    /// So many looks in vain end an attempt.
    const FLED_MAX: u32 = 3;
    const FIRST_REST: u64 = 1 << 13;
    const REST_MAX: u64 = 1 << 20;
    /// A stop that comes so late says that the tracer did not get its CPU back, or that the program waits.
    const LATE_NS: u64 = 2_000_000;

    /// Whether the tracee is known to run on another CPU.
    pub(crate) fn is_apart(&self) -> bool {
        self.apart
    }

    /// A tracee has stopped.
    pub(crate) fn stopped(&mut self, tid: Tid) {
        if tid != self.tid {
            self.release();
            *self = Self {
                tid,
                may_yield: self.may_yield,
                ..Self::default()
            };
            return;
        }
        self.stops += 1;
        if self.stops == self.look_at {
            self.look();
        }
    }

    /// See where the tracee ran last, and decide.
    fn look(&mut self) {
        if self.in_force == Way::Roaming {
            self.home = raw::own_cpus();
        }
        if let Some(there) = cpus::last_cpu(self.tid) {
            self.decide(there, there == raw::current_cpu());
        }
        self.look_at = self.stops + self.interval;
    }

    fn decide(&mut self, there: usize, together: bool) {
        self.apart = !together;
        if together {
            self.fled = 0;
            self.interval = (self.interval * 2).min(Self::LOOKS_APART);
            return;
        }
        self.interval = Self::FIRST_LOOK;
        if self.stops < self.rest_until || !self.home.has(there) {
            return;
        }
        self.fled += u32::from(self.way != Way::Roaming);
        self.way = match self.way {
            Way::Yielding(_) if self.fled >= Self::FLED_MAX => return self.give_up(),
            Way::Yielding(_) => Way::Yielding(there),
            Way::Following(_) if self.fled >= Self::FLED_MAX => {
                if !self.may_yield() {
                    return self.give_up();
                }
                self.fled = 0;
                Way::Yielding(there)
            }
            _ => Way::Following(there),
        };
    }

    fn may_yield(&mut self) -> bool {
        *self.may_yield.get_or_insert_with(raw::may_idle_and_return)
    }

    /// Roam for a while, longer each time.
    fn give_up(&mut self) {
        self.release();
        self.way = Way::Roaming;
        self.fled = 0;
        self.rest_until = self.stops + self.rest;
        self.rest = (self.rest * 2).min(Self::REST_MAX);
    }

    /// The tracee is about to be resumed and waited for, without a word to Python.
    pub(crate) fn prepare(&mut self, tid: Tid) {
        if tid != self.tid || self.way == Way::Roaming {
            return;
        }
        if let Way::Yielding(_) = self.in_force {
            let now = raw::clock_ns(libc::CLOCK_MONOTONIC);
            if now - self.yielded_ns > Self::LATE_NS {
                return self.give_up();
            }
            self.yielded_ns = now;
        }
        if self.in_force == self.way {
            return;
        }
        self.release();
        self.in_force = self.way;
        match self.way {
            Way::Following(cpu) => raw::bind_to(&CpuSet::of(cpu)),
            Way::Yielding(cpu) => {
                raw::bind_to(&CpuSet::of(cpu));
                raw::set_idle(true);
                self.yielded_ns = raw::clock_ns(libc::CLOCK_MONOTONIC);
            }
            Way::Roaming => {}
        }
    }

    /// Be as before.
    pub(crate) fn release(&mut self) {
        if let Way::Yielding(_) = self.in_force {
            raw::set_idle(false);
        }
        if self.in_force != Way::Roaming {
            raw::bind_to(&self.home);
            self.in_force = Way::Roaming;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_two_cpus() -> Sharing {
        let mut home = CpuSet::of(0);
        home.add(1);
        Sharing {
            home,
            ..Sharing::default()
        }
    }

    #[test]
    fn decide_together_roams_and_looks_ever_more_seldom() {
        let mut sharing = on_two_cpus();
        for _ in 0..20 {
            sharing.decide(0, true);
        }
        assert_eq!(sharing.way, Way::Roaming);
        assert_eq!(sharing.interval, Sharing::LOOKS_APART);
        assert!(!sharing.is_apart());
    }

    #[test]
    fn decide_apart_follows_then_yields_then_rests() {
        let mut sharing = on_two_cpus();
        sharing.may_yield = Some(true);
        let mut ways = Vec::new();
        for turn in 0..8 {
            sharing.decide(turn % 2, false);
            ways.push(sharing.way);
        }
        assert_eq!(
            ways,
            [
                Way::Following(0),
                Way::Following(1),
                Way::Following(0),
                Way::Yielding(1),
                Way::Yielding(0),
                Way::Yielding(1),
                Way::Roaming,
                Way::Roaming,
            ]
        );
        assert!(sharing.is_apart());
        sharing.stops = sharing.rest_until;
        sharing.decide(1, false);
        assert_eq!(sharing.way, Way::Following(1));
    }

    #[test]
    fn decide_without_the_right_to_return_never_yields() {
        let mut sharing = on_two_cpus();
        sharing.may_yield = Some(false);
        for _ in 0..8 {
            sharing.decide(1, false);
            assert!(!matches!(sharing.way, Way::Yielding(_)));
        }
    }

    #[test]
    fn decide_keeps_to_the_cpus_that_are_ours() {
        let mut sharing = on_two_cpus();
        sharing.decide(5, false);
        assert_eq!(sharing.way, Way::Roaming);
    }

    #[test]
    fn another_tracee_ends_what_is_in_force() {
        let mine = raw::own_cpus();
        let cpu = raw::current_cpu();
        let mut sharing = Sharing {
            tid: 1,
            home: mine,
            way: Way::Following(cpu),
            ..Sharing::default()
        };
        sharing.prepare(2);
        assert_eq!(raw::own_cpus(), mine);
        sharing.prepare(1);
        assert_eq!(raw::own_cpus(), CpuSet::of(cpu));
        sharing.stopped(2);
        assert_eq!(raw::own_cpus(), mine);
        assert_eq!(sharing.way, Way::Roaming);
    }

    #[test]
    fn last_cpu_of_a_thread_is_one_of_its_own() {
        let last = cpus::last_cpu(raw::own_tid());
        assert!(last.is_some_and(|cpu| raw::own_cpus().has(cpu)));
        assert_eq!(cpus::last_cpu(0x7fff_fffe), None);
    }
}
