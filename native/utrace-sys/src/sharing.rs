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
//!    Where Python is told of the stops, and where the tracer may not return, and both are on one CPU anyway, it
//!    *steps aside* instead: once a tracee is resumed, it lets that run first, by `sched_yield(2)`.  That saves as
//!    much, but does not bring the tracee back.
//! 2. *Following*: else, where the tracee runs elsewhere, the tracer binds itself to that CPU.
//! 3. Otherwise it *roams*, and if they are apart looking for the next stop some times before sleeping may
//!    help (`pace`).
//!
//! Rules of this file:
//!
//! 1. Only the tracer thread itself is bound; nothing of a tracee is changed.
//! 2. What is returned from a wait to Python is returned unbound: programs and threads inherit it.
//! 3. As soon as another tracee stops, the tracer roams again.
//! 4. Whoever else wants the CPU of a tracer that yields gets it, for a whole slice.  So it does not where all
//!    CPUs have work, and when time is lost by it the tracer roams for a hundred times as long.
//!
//! Reference: `sched_setaffinity(2)`, sched(7) "`SCHED_IDLE`"; Linux 6.18
//! `kernel/sched/fair.c:select_idle_sibling()`, `sched_idle_cpu()`, `yield_task_fair()`.

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
    /// What this kernel and our rights allow.
    powers: Option<Powers>,
    rest_until_ns: u64,
    /// How often in a row it has stepped aside in vain.
    vain: u32,
}

/// What a tracer needs for yielding.
#[derive(Clone, Copy)]
struct Powers {
    /// The scheduler tells what it has given to whom: nothing can be lost unnoticed.
    keeps_account: bool,
    /// It may become `SCHED_IDLE`, and be as before.
    may_idle: bool,
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
            powers: None,
            rest_until_ns: 0,
            vain: 0,
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
        let is_much = lost > ((self.now - before.now) / 16).max(Sharing::LEAST_LOST_NS);
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
    /// A rest is so many times as long as what was lost, and no shorter than after so much.  Less is no loss: who
    /// wants a CPU for a moment would have got it anyway.
    const REST_FACTOR: u64 = 100;
    const LEAST_LOST_NS: u64 = 1_000_000;
    /// Having stepped aside in vain so often in a row ends it until the next look.
    const VAIN_MAX: u32 = 8;

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
                powers: self.powers,
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
        self.vain = 0;
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
        } else if (!crowded || matches!(self.way, Way::Yielding(_))) && self.may_yield(together) {
            self.way = Way::Yielding(there);
        } else if !together {
            self.way = Way::Following(there);
        }
    }

    /// Whether yielding is possible; to step aside both have to be on one CPU.
    fn may_yield(&mut self, together: bool) -> bool {
        let powers = self.powers();
        powers.keeps_account && (together || powers.may_idle)
    }

    fn powers(&mut self) -> Powers {
        *self.powers.get_or_insert_with(|| Powers {
            keeps_account: cpus::times_ns(raw::own_tid()).is_some(),
            may_idle: raw::may_idle_and_return(),
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
            self.passed(passed_ns);
        }
        let may_idle = self.powers().may_idle;
        let way = match self.way {
            Way::Yielding(cpu) if !may_idle => Way::Following(cpu),
            way => way,
        };
        if self.in_force == way {
            return;
        }
        self.release();
        self.in_force = way;
        match way {
            Way::Following(cpu) => raw::bind_to(&CpuSet::of(cpu)),
            Way::Yielding(cpu) => {
                raw::bind_to(&CpuSet::of(cpu));
                raw::set_idle(true);
                self.yielded_ns = mono_ns();
            }
            Way::Roaming => {}
        }
    }

    /// Let the tracee just resumed run first, where that pays; whether that was done.
    pub(crate) fn step_aside(&mut self, tid: Tid) -> bool {
        if !self.pays_to_step_aside(tid) {
            return false;
        }
        let begun_ns = mono_ns();
        // It is sched_yield(2).
        std::thread::yield_now();
        self.passed(mono_ns() - begun_ns);
        true
    }

    fn pays_to_step_aside(&self, tid: Tid) -> bool {
        let on_one_cpu = self.way == Way::Yielding(raw::current_cpu());
        let is_idle = matches!(self.in_force, Way::Yielding(_));
        tid == self.tid && on_one_cpu && !is_idle && self.vain < Self::VAIN_MAX
    }

    /// Learn whether the tracee had stopped again when the tracer had stepped aside.
    pub(crate) fn stepped_aside(&mut self, in_vain: bool) {
        self.vain = if in_vain { self.vain + 1 } else { 0 };
    }

    /// So much time has passed in a stop: look who had it, if it was much and often.
    fn passed(&mut self, ns: u64) {
        if ns > Self::SLOW_NS {
            self.slow_ns += ns;
            if self.slow_ns > Self::SLOW_MAX_NS {
                self.look();
            }
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
#[path = "sharing_tests.rs"]
mod tests;
