//! How other threads reach a tracer thread that sleeps in a wait.
//!
//! A ring is a bit of a word and a signal that ends the wait.  It is never lost: the bit is set
//! before the signal is sent, the wait looks at the word, and `raw`'s window makes the look and the
//! wait one step for the signal.  So nobody has to ring twice and no ring blocks.

use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::fact::{Fact, FactKind};
use crate::raw;

const BELL: u32 = 1;
const FACTS: u32 = 2;

/// Shared by a tracer, its watch thread and whoever rings.
pub(crate) struct Bell {
    word: AtomicU32,
    /// The tracer thread, 0 while there is none.
    listener: AtomicI32,
    facts: Mutex<VecDeque<Fact>>,
    /// Facts of the watch thread that have not been taken.
    pub(crate) expected: AtomicUsize,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU32::new(0),
            listener: AtomicI32::new(0),
            facts: Mutex::new(VecDeque::new()),
            expected: AtomicUsize::new(0),
        }
    }

    /// The word that is not zero when a wait must not begin.
    pub(crate) fn word(&self) -> &AtomicU32 {
        &self.word
    }

    pub(crate) fn listen(&self) {
        raw::listen_for_rings();
        self.listener.store(raw::own_tid(), Ordering::SeqCst);
    }

    pub(crate) fn silence(&self) {
        self.listener.store(0, Ordering::SeqCst);
    }

    pub(crate) fn ring(&self) {
        self.rouse(BELL);
    }

    /// Hand a fact to the tracer thread, one of those `expected`.
    pub(crate) fn tell(&self, fact: Fact) {
        self.facts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(fact);
        self.rouse(FACTS);
    }

    fn rouse(&self, bit: u32) {
        if self.word.fetch_or(bit, Ordering::SeqCst) & bit != 0 {
            // A signal for this bit has been sent and not been answered yet.
            return;
        }
        let listener = self.listener.load(Ordering::SeqCst);
        if listener != 0 {
            raw::ring_thread(listener);
        }
    }

    /// What has been rung for, one at a time.
    pub(crate) fn take(&self) -> Option<Fact> {
        let word = self.word.load(Ordering::SeqCst);
        if word & FACTS != 0 {
            let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
            let fact = facts.pop_front();
            if facts.is_empty() {
                // Under the lock: a fact pushed later sets the bit later.
                self.word.fetch_and(!FACTS, Ordering::SeqCst);
            }
            if fact.is_some() {
                self.expected.fetch_sub(1, Ordering::SeqCst);
                return fact;
            }
        }
        if word & BELL != 0 {
            self.word.fetch_and(!BELL, Ordering::SeqCst);
            return Some(Fact::new(0, FactKind::Bell, 0));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::hint::spin_loop;
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    /// The listener says that it is about to sleep, and is rung for after a delay that varies, so that
    /// rings fall before, around and after the beginning of its sleep.
    #[test]
    fn ring_around_the_beginning_of_a_wait_is_never_lost() {
        const RINGS: u32 = 20_000;
        let bell = Arc::new(Bell::new());
        let turns = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
        let (theirs, their_turns) = (Arc::clone(&bell), Arc::clone(&turns));
        let listener = thread::spawn(move || {
            theirs.listen();
            for turn in 1..=RINGS {
                their_turns.0.store(turn, Ordering::SeqCst);
                while theirs.take().is_none() {
                    raw::sleep_unless(theirs.word());
                }
                their_turns.1.store(turn, Ordering::SeqCst);
            }
        });
        for turn in 1..=RINGS {
            let begun = Instant::now();
            while turns.0.load(Ordering::SeqCst) != turn {
                assert!(
                    begun.elapsed() < Duration::from_secs(10),
                    "turn {turn} does not begin"
                );
                spin_loop();
            }
            for _ in 0..turn % 512 {
                spin_loop();
            }
            bell.ring();
            while turns.1.load(Ordering::SeqCst) != turn {
                assert!(
                    begun.elapsed() < Duration::from_secs(10),
                    "ring {turn} was lost"
                );
                spin_loop();
            }
        }
        assert!(listener.join().is_ok());
    }
}
