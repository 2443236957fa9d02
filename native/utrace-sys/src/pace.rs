//! How long to stay with one tracee before all are asked.
//!
//! A wait for any looks at each tracee, 20 ns apiece where they are few and 200 where there are thousands (which no
//! cache holds), and always finds the first in the kernel's list.  When the turns are used up, everything that waits is taken off the kernel at once and told
//! in that order, so each tracee gets its turn.  The number of turns grows with the tracees, so that
//! asking all stays a small part of the cost of a stop, and shrinks with how many were found ready.
//!
//! Whether to look many times at the tracee just resumed, before sleeping in a wait for any, is learnt, where
//! it is known to run on another CPU (`sharing`): there it stops again while we look, and sleeping would cost
//! two wake-ups of an idle CPU; on ours it cannot run while we look.  So now and then it is tried, and kept up
//! while it succeeds.
//! Otherwise one look spares the wait for any where there are many; beside few it is left out.
//! Looking does not yield the CPU: the kernel takes a whole slice for that as soon as anybody else
//! wants it.  Where nobody does, `sharing` yields before the first look, and there is no other.  A tracee that is
//! always found by that has its turns and no more: others are asked for as often.
//!
//! Measured on Linux 6.18, x86-64, two CPUs of a VM, microseconds for a traced getppid (two stops):
//!
//! | looks                            | 0   | 20 | 50 | 100 | 400 |
//! |----------------------------------|-----|----|----|-----|-----|
//! | 1 tracee, one CPU                | 15  | -  | -  | -   | -   |
//! | 1 tracee, two CPUs               | 119 | 80 | 35 | 35  | 36  |
//! | 5,000, one active, one CPU       | 20  | -  | -  | -   | -   |
//! | 5,000, one active, two CPUs      | 277 | -  | 56 | 45  | 40  |
//!
//! With `sched_yield(2)` between two looks, and a busy loop on the tracer's CPU: 2,800 on one CPU
//! (36 without looks), 4,400 on two (129).

/// What is known of how the tracees stop.
#[derive(Default)]
pub(crate) struct Pace {
    /// About how many there are: births whose news a kill swallows are not counted.
    pub(crate) tracees: usize,
    /// Turns of each tracee in this round.
    share: usize,
    /// Turns left to the tracee whose turn it is.
    turns: usize,
    /// Failures to look in vain for before looking only once; 0: looking once.
    patience: usize,
    trips: usize,
}

impl Pace {
    /// Turns between two questions to all while only one tracee stops.
    const ALONE: usize = 16;
    /// So many tracees looked at, once a turn, are a small part of it.
    const LOOKED_AT: usize = 4;
    /// Beside so few a look at one costs as much as the wait for any.
    const FEW: usize = 16;
    /// Looks that bridge a trip to another CPU.
    const LOOKS: usize = 128;
    /// Failures in a row that end it.
    const PATIENCE: usize = 8;
    const TRIPS_TO_PROBE: usize = 256;

    /// All were asked, and so many were ready.
    pub(crate) fn start_round(&mut self, ready: usize) {
        let turns = self.tracees / Self::LOOKED_AT;
        self.share = if ready <= 1 {
            Self::ALONE + turns
        } else {
            turns / ready
        };
        self.turns = self.share;
    }

    /// How often to look for the tracee just resumed before waiting for any.
    ///
    /// `apart`: it is known to run on another CPU.
    pub(crate) fn looks(&mut self, apart: bool) -> usize {
        self.trips = self.trips.wrapping_add(1);
        if apart && (self.patience > 0 || self.trips.is_multiple_of(Self::TRIPS_TO_PROBE)) {
            Self::LOOKS + self.tracees / Self::FEW
        } else {
            // So few are looked at by the wait for any as cheaply as one.
            usize::from(self.tracees > Self::FEW)
        }
    }

    /// Learn from a look that found the tracee stopped, the `nth`.
    pub(crate) fn found(&mut self, nth: usize) {
        if self.patience > 0 || nth > 1 {
            self.patience = Self::PATIENCE;
        }
    }

    /// Learn from looking in vain.
    pub(crate) fn missed(&mut self) {
        self.patience = self.patience.saturating_sub(1);
    }

    pub(crate) fn round_is_over(&self) -> bool {
        self.turns == 0
    }

    pub(crate) fn end_round(&mut self) {
        self.turns = 0;
    }

    /// Another tracee's turns begin.
    pub(crate) fn next_share(&mut self) {
        self.turns = self.share;
    }

    /// Use up a turn of the tracee just resumed; `false` if it has none left.
    pub(crate) fn take_turn(&mut self) -> bool {
        let has_turn = self.turns > 0;
        self.turns = self.turns.saturating_sub(1);
        has_turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(pace: &mut Pace) -> usize {
        (0..10_000).take_while(|_| pace.take_turn()).count()
    }

    #[test]
    fn start_round_few_tracees_several_ready_gives_each_one_stop() {
        let mut pace = Pace {
            tracees: Pace::LOOKED_AT - 1,
            ..Pace::default()
        };
        pace.start_round(2);
        assert_eq!(turns(&mut pace), 0);
        pace.start_round(1);
        assert_eq!(turns(&mut pace), Pace::ALONE);
        assert!(pace.round_is_over());
    }

    #[test]
    fn start_round_many_tracees_shares_turns_among_the_ready() {
        let mut pace = Pace {
            tracees: 4800,
            ..Pace::default()
        };
        pace.start_round(3);
        assert_eq!(turns(&mut pace), 400);
        pace.next_share();
        assert_eq!(turns(&mut pace), 400);
    }

    #[test]
    fn looks_are_none_beside_few_tracees() {
        let mut pace = Pace {
            tracees: Pace::FEW,
            ..Pace::default()
        };
        assert_eq!(pace.looks(true), 0);
    }

    #[test]
    fn looks_are_one_until_a_probe_succeeds_and_again_after_failures() {
        let mut pace = Pace {
            tracees: Pace::FEW + 1,
            ..Pace::default()
        };
        assert!((1..=1000).all(|_| pace.looks(false) == 1));
        pace.trips = 0;
        let probe = (1..=1000).find(|_| pace.looks(true) > 1);
        assert_eq!(probe, Some(Pace::TRIPS_TO_PROBE));
        pace.missed();
        assert_eq!(pace.looks(true), 1);
        pace.found(5);
        for _ in 0..Pace::PATIENCE {
            assert_eq!(pace.looks(true), Pace::LOOKS + pace.tracees / Pace::FEW);
            pace.missed();
        }
        assert_eq!(pace.looks(true), 1);
    }

    #[test]
    fn found_at_once_is_no_reason_to_look_longer() {
        let mut pace = Pace {
            tracees: Pace::FEW + 1,
            ..Pace::default()
        };
        pace.found(1);
        assert_eq!(pace.looks(true), 1);
    }
}
