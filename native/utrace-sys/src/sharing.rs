//! Whether the tracer shares a CPU with the tracee that it serves (D7).
//!
//! A stop is two changes from one task to the other.  On one CPU each costs a microsecond or two; across
//! two it wakes an idle CPU, which costs up to ten times as much.  So while the same tracee stops again and
//! again, the tracer looks now and then where that ran last, and comes to terms with it:
//!
//! 1. *Yielding*: the tracer binds itself to that CPU and becomes `SCHED_IDLE`.  Such a CPU counts as idle,
//!    so that the tracee comes back to it, and does not go to another one.  And it takes the CPU from the
//!    tracer as soon as it is resumed: when that runs again the next stop is there, and has not to wake it.
//!    That saves a sixth of a stop even where both are on one CPU.  Only where the tracer may also return
//!    from `SCHED_IDLE`.
//! 2. *Following*: else, where the tracee runs elsewhere, the tracer binds itself to that CPU.
//! 3. Otherwise it *roams*, and if they are apart looking for the next stop some times before sleeping may
//!    help (`pace`).
//!
//! Rules of this file:
//!
//! 1. Only the tracer thread itself is bound; nothing of a tracee is changed.
//! 2. What is returned from a wait to Python is returned unbound: programs and threads inherit it.
//! 3. As soon as another tracee stops, the tracer roams again.
//! 4. Whoever else wants the CPU of a tracer that yields gets it.  So it does not where all CPUs have work,
//!    and when time is lost by it the tracer roams for a hundred times as long.
//!
//! Reference: `sched_setaffinity(2)`, sched(7) "`SCHED_IDLE`"; Linux 6.18
//! `kernel/sched/fair.c:select_idle_sibling()`, `sched_idle_cpu()`.

use crate::Tid;
use crate::batch::mono_ns;
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
    /// Looks in a row that found it elsewhere although the tracer had come there.
    fled: u32,
    apart: bool,
    /// When the tracer yielded last, and for how long since a look in stops that took long.
    yielded_ns: u64,
    slow_ns: u64,
    /// As it was at the last look, if the tracer has yielded since.
    account: Option<Account>,
    may_yield: Option<bool>,
    rest_until_ns: u64,
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
            apart: false,
            yielded_ns: 0,
            slow_ns: 0,
            account: None,
            may_yield: None,
            rest_until_ns: 0,
        }
    }
}

/// What is seen when the tracer looks where its tracee is.
struct Look {
    there: usize,
    /// The tracer is there, too.
    together: bool,
    /// Every CPU has work.
    crowded: bool,
    now_ns: u64,
}

/// What the scheduler has given to a tracer and its tracee up to some look, in ns.
#[derive(Clone, Copy)]
struct Account {
    now: u64,
    /// How long the tracer has waited for a CPU.
    waited: u64,
    /// How long the tracee has run.
    ran: u64,
}

impl Account {
    fn now(tid: Tid) -> Option<Self> {
        Some(Self {
            now: mono_ns(),
            waited: cpus::times_ns(raw::own_tid())?.waited,
            ran: cpus::times_ns(tid)?.ran,
        })
    }

    /// How long the tracer has waited since for others than its tracee, if that was much.
    fn lost_since(&self, before: &Self) -> Option<u64> {
        let waited = self.waited.saturating_sub(before.waited);
        let lost = waited.saturating_sub(self.ran.saturating_sub(before.ran));
        let is_much = lost > (self.now - before.now) / 16;
        is_much.then_some(lost)
    }
}

impl Sharing {
    /// Looking costs about as much as two stops.
    const FIRST_LOOK: u64 = 64;
    const LOOKS_APART: u64 = 1 << 12;
    /// So many looks in vain end an attempt.
    const FLED_MAX: u32 = 3;
    /// A stop that takes so long says that the tracer did not get its CPU back, or that the program computes
    /// or waits; when that was so long altogether, it looks which.
    const SLOW_NS: u64 = 100_000;
    const SLOW_MAX_NS: u64 = 2_000_000;
    /// A rest is so many times as long as what was lost, and no shorter than after so much.
    const REST_FACTOR: u64 = 100;
    const LEAST_LOST_NS: u64 = 1_000_000;

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
                rest_until_ns: self.rest_until_ns,
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
        let account = Account::now(self.tid);
        let lost_ns = account.and_then(|now| now.lost_since(&self.account?));
        if let Some(lost_ns) = lost_ns {
            self.give_up(mono_ns(), lost_ns);
        } else if let Some(there) = cpus::last_cpu(self.tid) {
            self.decide(&Look {
                there,
                together: there == raw::current_cpu(),
                crowded: cpus::are_all_busy(),
                now_ns: mono_ns(),
            });
        }
        self.slow_ns = 0;
        self.account = account.filter(|_| matches!(self.way, Way::Yielding(_)));
        self.look_at = self.stops + self.interval;
    }

    fn decide(&mut self, look: &Look) {
        let &Look {
            there,
            together,
            crowded,
            now_ns,
        } = look;
        self.apart = !together;
        if together {
            self.fled = 0;
            self.interval = (self.interval * 2).min(Self::LOOKS_APART);
        } else {
            self.interval = Self::FIRST_LOOK;
            self.fled += u32::from(self.way != Way::Roaming);
        }
        if now_ns < self.rest_until_ns || !self.home.has(there) {
            return;
        }
        if self.fled >= Self::FLED_MAX {
            self.give_up(now_ns, 0);
        } else if (!crowded || matches!(self.way, Way::Yielding(_))) && self.may_yield() {
            self.way = Way::Yielding(there);
        } else if !together {
            self.way = Way::Following(there);
        }
    }

    fn may_yield(&mut self) -> bool {
        *self.may_yield.get_or_insert_with(|| {
            cpus::times_ns(raw::own_tid()).is_some() && raw::may_idle_and_return()
        })
    }

    /// Roam for a while.
    fn give_up(&mut self, now_ns: u64, lost_ns: u64) {
        self.release();
        self.way = Way::Roaming;
        self.fled = 0;
        self.account = None;
        self.rest_until_ns = now_ns + Self::REST_FACTOR * lost_ns.max(Self::LEAST_LOST_NS);
    }

    /// The tracee is about to be resumed and waited for, without a word to Python.
    pub(crate) fn prepare(&mut self, tid: Tid) {
        if tid != self.tid || self.way == Way::Roaming {
            return;
        }
        if let Way::Yielding(_) = self.in_force {
            let now_ns = mono_ns();
            let passed_ns = now_ns - self.yielded_ns;
            self.yielded_ns = now_ns;
            if passed_ns > Self::SLOW_NS {
                self.slow_ns += passed_ns;
                if self.slow_ns > Self::SLOW_MAX_NS {
                    self.look();
                }
            }
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
                self.yielded_ns = mono_ns();
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

    fn on_two_cpus(may_yield: bool) -> Sharing {
        let mut home = CpuSet::of(0);
        home.add(1);
        Sharing {
            home,
            may_yield: Some(may_yield),
            ..Sharing::default()
        }
    }

    /// What is decided at each look of a row, 1 ns apart.
    fn ways(sharing: &mut Sharing, looks: &[(usize, bool)]) -> Vec<Way> {
        let mut now_ns = 0;
        looks
            .iter()
            .map(|&(there, together)| {
                now_ns += 1;
                sharing.decide(&Look {
                    there,
                    together,
                    crowded: false,
                    now_ns,
                });
                sharing.way
            })
            .collect()
    }

    #[test]
    fn decide_yields_where_the_tracee_is_and_looks_ever_more_seldom() {
        let mut sharing = on_two_cpus(true);
        assert_eq!(ways(&mut sharing, &[(0, true); 20]), [Way::Yielding(0); 20]);
        assert_eq!(sharing.interval, Sharing::LOOKS_APART);
        assert!(!sharing.is_apart());
    }

    #[test]
    fn decide_without_the_right_to_return_follows_but_never_yields() {
        let mut sharing = on_two_cpus(false);
        let looks = [(0, true), (1, false), (0, false)];
        assert_eq!(
            ways(&mut sharing, &looks),
            [Way::Roaming, Way::Following(1), Way::Following(0)]
        );
    }

    #[test]
    fn decide_gives_up_a_tracee_that_always_flees_until_it_has_rested() {
        for may_yield in [true, false] {
            let way = if may_yield {
                Way::Yielding
            } else {
                Way::Following
            };
            let mut sharing = on_two_cpus(may_yield);
            let looks = [(0, false), (1, false), (0, false), (1, false), (0, false)];
            assert_eq!(
                ways(&mut sharing, &looks),
                [way(0), way(1), way(0), Way::Roaming, Way::Roaming]
            );
            assert!(sharing.is_apart());
            sharing.rest_until_ns = 0;
            assert_eq!(ways(&mut sharing, &[(1, false)]), [way(1)]);
        }
    }

    #[test]
    fn lost_is_what_the_tracer_has_waited_for_others_than_its_tracee() {
        let account = |now, waited, ran| Account { now, waited, ran };
        let before = account(1000, 50, 7);
        assert_eq!(account(2000, 350, 297).lost_since(&before), None);
        assert_eq!(account(2000, 450, 307).lost_since(&before), Some(100));
        assert_eq!(account(2000, 60, 607).lost_since(&before), None);
    }

    #[test]
    fn decide_keeps_to_the_cpus_that_are_ours() {
        let mut sharing = on_two_cpus(true);
        assert_eq!(ways(&mut sharing, &[(5, false)]), [Way::Roaming]);
    }

    #[test]
    fn decide_does_not_begin_to_yield_where_all_cpus_have_work() {
        for (begun, expected) in [
            (Way::Roaming, Way::Following(1)),
            (Way::Yielding(0), Way::Yielding(1)),
        ] {
            let mut sharing = on_two_cpus(true);
            sharing.way = begun;
            sharing.decide(&Look {
                there: 1,
                together: false,
                crowded: true,
                now_ns: 1,
            });
            assert_eq!(sharing.way, expected);
        }
    }

    #[test]
    fn stops_that_take_long_make_a_tracer_that_yields_look() {
        let cpu = raw::current_cpu();
        let mut sharing = Sharing {
            tid: raw::own_tid(),
            home: raw::own_cpus(),
            way: Way::Yielding(cpu),
            in_force: Way::Yielding(cpu),
            yielded_ns: mono_ns(),
            may_yield: Some(true),
            ..Sharing::default()
        };
        sharing.prepare(sharing.tid);
        assert_eq!(sharing.look_at, Sharing::FIRST_LOOK);
        assert!(sharing.account.is_none());
        sharing.stops = 1;
        sharing.yielded_ns = mono_ns() - Sharing::SLOW_MAX_NS;
        sharing.prepare(sharing.tid);
        assert_eq!(sharing.look_at, 1 + sharing.interval);
        assert!(sharing.account.is_some());
        sharing.release();
    }

    #[test]
    fn a_failure_is_remembered_whoever_stops_next() {
        let mut sharing = on_two_cpus(true);
        sharing.give_up(1, 2 * Sharing::LEAST_LOST_NS);
        sharing.stopped(2);
        let rest_ns = 2 * Sharing::REST_FACTOR * Sharing::LEAST_LOST_NS;
        assert_eq!(sharing.rest_until_ns, 1 + rest_ns);
        assert_eq!(ways(&mut sharing, &[(0, true); 3]), [Way::Roaming; 3]);
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
    fn times_of_a_thread_are_known() {
        assert!(cpus::times_ns(raw::own_tid()).is_some());
        assert!(cpus::times_ns(0x7fff_fffe).is_none());
    }

    #[test]
    fn last_cpu_of_a_thread_is_one_of_its_own() {
        let last = cpus::last_cpu(raw::own_tid());
        assert!(last.is_some_and(|cpu| raw::own_cpus().has(cpu)));
        assert_eq!(cpus::last_cpu(0x7fff_fffe), None);
    }
}
