//! What a tracer thread knows between two facts, and how it waits for the next.
//!
//! Rules of this file:
//!
//! 1. The kernel's order is kept; what was taken and not told waits in `ready`.
//! 2. A wait for one tid costs the same however many tracees there are; a wait for any looks at them
//!    all.  So the tracee just resumed is tried first, and no other may starve for that: see `pace`.
//! 3. What `serving` settles is not told, what `plain` passes on is told late.
//! 4. The tracee just resumed is tried by asking for its system call: standing at one it answers, and what a wait would
//!    tell is known.  Its status then lies with the kernel still, until the tracee is resumed; before anything else
//!    waits or peeks it is taken (`settle`), and is no news.

use core::ffi::c_int;
use core::sync::atomic::Ordering;
use std::collections::{HashMap, HashSet, VecDeque};

use crate::bell::Bell;
use crate::fact::{self, Detail, Fact, FactKind, Usage};
use crate::launch::Launch;
use crate::options::{self, Options};
use crate::pace::Pace;
use crate::plain::{self, Plain};
use crate::raw::{self, Ticker};
use crate::serving::{Course, Live, Offer, Serving};
use crate::sharing::Sharing;
use crate::watch::{self, Watch};
use crate::{Errno, Tid, done_or_gone};

/// `utrace.kernel.api.PEEK_FIRST`.
const PEEK_FIRST: c_int = 0x1_0000;
/// `utrace.kernel.api.PLAIN`.
const PLAIN: c_int = 0x2_0000;
/// `utrace.kernel.api.LEAN`.
pub(crate) const LEAN: c_int = 0x4_0000;
/// What may be added to the number of a request.
pub(crate) const FLAGS: c_int = PEEK_FIRST | PLAIN | LEAN;
/// Half of how long a served tracer's wait is held before it really waits: hundreds of stops fit in.
const TICK_NS: i64 = 1_000_000;

/// What one tracer thread knows.
pub(crate) struct State {
    pub(crate) pace: Pace,
    pub(crate) sharing: Sharing,
    pub(crate) ready: VecDeque<Fact>,
    pub(crate) launches: HashMap<Tid, Launch>,
    pub(crate) watch: Option<Watch>,
    /// Tracees whose end is their next status: while there are any, waits ask for what was used.
    exiting: HashSet<Tid>,
    wants_usage: bool,
    usage: Usage,
    serving: Serving,
    pub(crate) plain: Plain,
    pub(crate) options: Options,
    ticker: Option<Ticker>,
    /// A fact that waits until what was recorded before it has been handed up.
    pub(crate) held: Option<Fact>,
    /// The tracee that stands at a system call and was told so, though no wait has taken its status.
    asked: Option<Tid>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            pace: Pace::default(),
            sharing: Sharing::default(),
            ready: VecDeque::new(),
            launches: HashMap::new(),
            watch: None,
            exiting: HashSet::new(),
            wants_usage: false,
            usage: [0; size_of::<Usage>()],
            serving: Serving::default(),
            plain: Plain::default(),
            options: Options::default(),
            ticker: None,
            held: None,
            asked: None,
        }
    }
}

impl State {
    pub(crate) fn has_ready(&self, tid: Tid) -> bool {
        self.ready
            .iter()
            .chain(&self.held)
            .any(|fact| fact.tid == tid)
    }

    /// The owner is about to resume a task by this request.
    pub(crate) fn resumed(&mut self, tid: Tid, request: c_int) -> Result<(), Errno> {
        self.plain.resumed(tid, request & PLAIN != 0);
        self.choose_options(tid, request)
    }

    /// Choose what stops a task that is about to be resumed by this request.
    pub(crate) fn choose_options(&mut self, tid: Tid, request: c_int) -> Result<(), Errno> {
        let spared = match (request & LEAN != 0, request & PLAIN != 0) {
            (false, _) => 0,
            (true, false) => options::ENDS,
            (true, true) => options::ENDS | options::EXEC,
        };
        // What a recorded task has used is told, and there is no EXIT before its end.
        self.wants_usage |= spared == options::ENDS;
        self.options.resumed(tid, spared, &options::Live)
    }

    /// Keep count of tracees and of what is known by their tids.
    fn note(&mut self, fact: &Fact) {
        self.options.note(fact);
        match fact.kind {
            FactKind::Fork | FactKind::Vfork | FactKind::Clone => self.pace.tracees += 1,
            FactKind::Exit => {
                self.exiting.insert(fact.tid);
            }
            FactKind::Death => {
                self.exiting.remove(&fact.tid);
                self.pace.tracees = self.pace.tracees.saturating_sub(1);
                if let Some(launch) = self.launches.get_mut(&fact.tid) {
                    *launch = Launch::Failed(launch.failure());
                }
            }
            FactKind::Exec => {
                // The leader that was exiting under this tid is gone without a status.
                self.exiting.remove(&fact.tid);
                self.launches.remove(&fact.tid);
                if let Some(watch) = &self.watch {
                    watch.forget(fact.tid);
                }
            }
            _ => {}
        }
    }

    /// Where a wait is to write what was used, if that is to come.
    fn usage(&mut self) -> Option<&mut Usage> {
        (self.wants_usage || !self.exiting.is_empty()).then_some(&mut self.usage)
    }

    /// Take the status of a stop that is known already; a newer one, if a kill has ended that stop, is a fact.
    pub(crate) fn settle(&mut self) -> Result<(), Errno> {
        let Some(tid) = self.asked.take() else {
            return Ok(());
        };
        match raw::wait_now(tid, 0, self.usage()) {
            Ok((0, _)) | Err(Errno(libc::ECHILD)) => Ok(()),
            Ok((_, status)) if fact::is_of_a_call(status) => Ok(()),
            Ok((_, status)) => {
                let fact = self.fact(tid, status)?;
                self.ready.extend(fact);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Resume a tracee; `false`: it was killed, or a newer status has been taken or, if that was asked for, waits.
    pub(crate) fn resume(&mut self, tid: Tid, request: c_int, signo: c_int) -> Result<bool, Errno> {
        if self.has_ready(tid) || (request & PEEK_FIRST != 0 && self.has_news(tid)?) {
            return Ok(false);
        }
        let resumed = done_or_gone(raw::ptrace_resume(tid, request & !FLAGS, signo))?;
        if resumed && self.asked == Some(tid) {
            self.asked = None;
        }
        Ok(resumed)
    }

    /// Whether a newer status than the one last told waits for a tracee.
    pub(crate) fn has_news(&mut self, tid: Tid) -> Result<bool, Errno> {
        self.settle()?;
        if self.has_ready(tid) {
            return Ok(true);
        }
        match raw::wait_peek(tid) {
            Err(Errno(libc::ECHILD)) => Ok(false),
            other => other,
        }
    }

    /// Whether the group of a tracee has been continued; `forget`: and nobody is to be told of it again.
    pub(crate) fn was_continued(&mut self, tid: Tid, forget: bool) -> Result<bool, Errno> {
        self.settle()?;
        // A stop would be told before it.
        if self.has_ready(tid) || raw::peek(tid, libc::WCONTINUED)? != libc::CLD_CONTINUED {
            return Ok(false);
        }
        if !forget {
            return Ok(true);
        }
        match raw::wait_now(tid, libc::WCONTINUED, self.usage())? {
            (0, _) => Ok(false),
            (_, status) if libc::WIFCONTINUED(status) => Ok(true),
            (_, status) => {
                // It has stopped since: this fact is as good as any other.
                let fact = self.fact(tid, status)?;
                self.ready.extend(fact);
                Ok(false)
            }
        }
    }

    /// The fact of a status just taken; `None` if it is void.
    fn fact(&mut self, tid: Tid, status: c_int) -> Result<Option<Fact>, Errno> {
        let mut found = fact::fetch(tid, status)?;
        if let Some(fact) = &mut found
            && fact.kind == FactKind::Death
            && (self.exiting.contains(&tid) || self.wants_usage && self.options.is_lean(tid))
        {
            fact.detail = Detail::Usage(self.usage);
        }
        if let Some(fact) = &found {
            self.note(fact);
        }
        Ok(found)
    }

    /// Take everything that waits; the kernel's order is kept.
    fn take_all(&mut self) -> Result<(), Errno> {
        loop {
            match raw::wait_now(-1, 0, self.usage()) {
                Ok((0, _)) | Err(Errno(libc::ECHILD)) => break,
                Ok((tid, status)) => {
                    let fact = self.fact(tid, status)?;
                    self.ready.extend(fact);
                }
                Err(error) => return Err(error),
            }
        }
        self.pace.start_round(self.ready.len());
        Ok(())
    }

    /// The tracee just resumed, if it stops again at once.
    fn try_hot(&mut self, tid: Tid) -> Result<Option<Fact>, Errno> {
        let aside = self.sharing.step_aside(tid);
        let looks = if aside {
            1
        } else {
            self.pace.looks(self.sharing.is_apart())
        };
        for nth in 1..=looks {
            let Some(found) = self.ask(tid)? else {
                continue;
            };
            if aside {
                self.sharing.stepped_aside(false);
            } else {
                self.pace.found(nth);
            }
            return Ok(found);
        }
        if aside {
            self.sharing.stepped_aside(true);
        } else {
            self.pace.missed();
        }
        Ok(None)
    }

    /// What a tracee that was resumed has come to, if that is known to be void `Some(None)`; `None`: it still runs.
    #[allow(
        clippy::option_option,
        reason = "two questions: has it stopped, and is that to be told"
    )]
    fn ask(&mut self, tid: Tid) -> Result<Option<Option<Fact>>, Errno> {
        match fact::fetch_call(tid) {
            Ok(None) => {}
            Ok(Some(call)) => {
                self.asked = Some(tid);
                self.note(&call);
                return Ok(Some(Some(call)));
            }
            // It runs; or it is dead, which the wait for any tells.
            Err(Errno(libc::ESRCH)) => return Ok(None),
            Err(error) => return Err(error),
        }
        match raw::wait_now(tid, 0, self.usage()) {
            Ok((0, _)) | Err(Errno(libc::ECHILD)) => Ok(None),
            Ok((tid, status)) => self.fact(tid, status).map(Some),
            Err(error) => Err(error),
        }
    }

    /// End all serving: what is told now comes behind what is handed back.
    fn hand_back(&mut self, told: Option<Fact>) -> Result<Option<Fact>, Errno> {
        let facts: Vec<Fact> = self.serving.hand_back().into_iter().chain(told).collect();
        for fact in facts.into_iter().rev() {
            self.plain.told(&fact);
            self.ready.push_front(fact);
        }
        if let Some(ticker) = &mut self.ticker {
            ticker.set(0)?;
        }
        Ok(self.ready.pop_front())
    }

    /// Serve a tracer, until the next fact for the owner.
    pub(crate) fn serve(&mut self, offer: Offer) -> Result<(), Errno> {
        self.settle()?;
        self.serving.begin(offer);
        let ticker = match self.ticker.take() {
            Some(ticker) => ticker,
            None => Ticker::new()?,
        };
        self.ticker.insert(ticker).set(TICK_NS)
    }

    /// The next fact for the owner.
    pub(crate) fn next(
        &mut self,
        bell: &Bell,
        resumed: Option<Tid>,
    ) -> Result<Option<Fact>, Errno> {
        let mut hot = resumed;
        loop {
            let lay_about = !self.ready.is_empty();
            let fact = self.wait(bell, hot)?;
            if !self.serving.is_on() {
                let Some(fact) = fact else { return Ok(None) };
                if fact.kind == FactKind::Late {
                    return Ok(Some(fact));
                }
                hot = match self.plain.take(&fact, &plain::Live) {
                    plain::Course::Owners => return Ok(Some(self.tell(fact))),
                    plain::Course::Kept => None,
                    plain::Course::PassedOn { signo, child } => {
                        if let Some(child) = child {
                            self.resume(child, raw::PTRACE_CONT, 0)?;
                        }
                        self.resume(fact.tid, raw::PTRACE_CONT, signo)?
                            .then_some(fact.tid)
                    }
                };
                continue;
            }
            let mut kernel = Live(&self.ready);
            hot = match fact {
                Some(fact) if kernel.is_over(&fact, lay_about) => {
                    return self.hand_back(Some(fact));
                }
                Some(fact) => match self.serving.take(&fact, &mut kernel)? {
                    Course::Settled(next) => Some(next),
                    Course::Owners => return self.hand_back(Some(fact)),
                },
                None if self.serving.tick() => return self.hand_back(None),
                None => return Ok(None),
            };
        }
    }

    /// Tell a fact, behind all that was passed on before it.
    fn tell(&mut self, fact: Fact) -> Fact {
        let before = self.plain.tell(&fact, &plain::Live);
        if fact.tid != 0 {
            self.sharing.stopped(fact.tid);
        }
        self.behind(before, fact)
    }

    /// The first of these facts; the others are the next.
    pub(crate) fn behind(&mut self, before: Vec<Fact>, fact: Fact) -> Fact {
        if before.is_empty() {
            return fact;
        }
        self.ready.push_front(fact);
        for told in before.into_iter().rev() {
            self.ready.push_front(told);
        }
        self.ready.pop_front().unwrap_or(fact)
    }

    fn wait(&mut self, bell: &Bell, resumed: Option<Tid>) -> Result<Option<Fact>, Errno> {
        let mut hot = resumed;
        self.settle()?;
        loop {
            if let Some(fact) = rung_for(bell) {
                return Ok(Some(fact));
            }
            if self.pace.round_is_over() && self.ready.is_empty() {
                self.take_all()?;
            }
            if let Some(tid) = hot.take().filter(|_| self.pace.take_turn())
                && !self.serving.is_on()
                && !self.has_ready(tid)
                && let Some(fact) = self.try_hot(tid)?
            {
                return Ok(Some(fact));
            }
            if let Some(fact) = self.ready.pop_front() {
                self.pace.next_share();
                return Ok(Some(fact));
            }
            match raw::wait_unless(bell.word(), -1, self.usage()) {
                Ok((tid, status)) => {
                    if resumed != Some(tid) && !self.serving.is_about(tid) {
                        // Several stop, and the kernel's list decided between them: start a round.
                        self.pace.end_round();
                    }
                    if let Some(fact) = self.fact(tid, status)? {
                        return Ok(Some(fact));
                    }
                }
                Err(Errno(libc::EINTR)) => return Ok(rung_for(bell)),
                Err(Errno(libc::ECHILD)) => {
                    self.pace.tracees = 0;
                    if bell.expected.load(Ordering::SeqCst) == 0 {
                        return Ok(Some(Fact::new(0, FactKind::NoTracees, 0)));
                    }
                    raw::sleep_unless(bell.word());
                    return Ok(rung_for(bell));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// What the bell was rung for, if it still holds.
fn rung_for(bell: &Bell) -> Option<Fact> {
    loop {
        let fact = bell.take()?;
        if fact.kind != FactKind::ZombieLeader || watch::is_dead_before_group(fact.tid) {
            return Some(fact);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zombie_leader_that_is_none_any_more_is_not_told() {
        let bell = Bell::new();
        let alive = std::process::id() as Tid;
        for kind in [FactKind::ZombieLeader, FactKind::Reaped] {
            bell.expected.fetch_add(1, Ordering::SeqCst);
            bell.tell(Fact::new(alive, kind, 0));
        }
        assert_eq!(
            rung_for(&bell).map(|fact| fact.kind),
            Some(FactKind::Reaped)
        );
        assert_eq!(rung_for(&bell).map(|fact| fact.kind), None);
        assert_eq!(bell.expected.load(Ordering::SeqCst), 0);
    }
}
