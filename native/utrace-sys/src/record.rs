//! The recording tier: system calls that only an engine which takes them in batches wants to see
//! are recorded here and go on, without a word to Python (D6.2).
//!
//! Rules of this file:
//!
//! 1. It is a cache of an interest that the core owns.  A task is recorded from `start` to `stop`;
//!    whatever there is no `Program` for, and every other kind of stop, goes the ordinary way.
//! 2. `stop` may be called by any thread, and when it returns no stop of that task is taken here
//!    any more.  So the lock is held until a task whose stop was taken has been resumed.
//! 3. Order is kept: whoever hands a fact to Python hands it the batches first, and what `lives` has passed
//!    on among them.
//!
//! Reference: ptrace(2) "Syscall-stops"; seccomp(2) "`SECCOMP_RET_TRACE`".

use core::ffi::c_int;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::batch::{Batch, When};
use crate::fact::{Detail, Fact, FactKind};
use crate::lives::{self, Life, Lives};
use crate::raw;
use crate::screen::Screen;
use crate::shape::Limits;
pub use crate::sink::Entry;
use crate::sink::{Beginning, Begun, Place, Sink, Taught};
use crate::state::LEAN;
use crate::tap::Tap;
use crate::tapped::{Drained, Tapped};
use crate::{Errno, Tid};

pub(crate) const SYSCALL: c_int = 24;
/// So many facts told late are handed up before more are noted.
const FACTS_MAX: usize = 4096;

/// The call a recorded task is in.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// None: it is in user mode, or nothing is known.
    None,
    /// Taken here: its entry, and, if it is recorded, of which batch which event.
    Taken(Fact, Option<Place>),
    /// Given to Python: the stop at which it came up.
    Ordinary(Fact),
}

#[derive(Clone, Copy)]
pub(crate) struct Task {
    pub(crate) sink: usize,
    /// How it goes on in user mode.
    pub(crate) run: c_int,
    /// `LEAN`, if it does not stop at its end and that of a vfork, or 0.
    pub(crate) lean: c_int,
    pub(crate) call: Call,
    pub(crate) life: Life,
}

/// What is handed up, in order.
#[derive(Debug)]
pub enum Piece {
    /// Calls that were recorded for the engine of this number.
    Calls(usize, Batch),
    /// What was passed on, of a task recorded for that engine, and its `CLOCK_REALTIME`.
    Fact(usize, Fact, u64),
}

/// How a task goes on: a request and a signal.
pub(crate) type Going = (Tid, c_int, c_int);

#[derive(Default)]
struct State {
    tasks: HashMap<Tid, Task>,
    lives: Lives,
    sinks: Vec<Sink>,
    /// What comes before that which the sinks hold.
    pieces: Vec<Piece>,
    tapped: Option<Tapped>,
    full: bool,
}

/// What is known of the call that a task is in when recording has ended.
#[derive(Clone, Copy, Debug)]
pub enum InCall {
    /// It is in none.
    No,
    /// It is in this one, of which Python has not been told.
    Yes(Fact),
    /// Python knows.
    AsTold,
}

/// Records; shared by the tracer thread and whoever changes an interest.
#[derive(Default)]
pub struct Recorder {
    state: Mutex<State>,
}

impl Recorder {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Make a place for what one engine wants; its number.
    pub fn add_sink(&self, limits: Limits, cpu_times: bool) -> usize {
        let mut state = self.state();
        state.sinks.push(Sink {
            limits,
            cpu_times,
            entries: HashMap::new(),
            batch: Batch::default(),
        });
        state.sinks.len() - 1
    }

    /// Say what is done with the calls of one number.
    pub fn teach(
        &self,
        sink: usize,
        (arch, nr): (u32, i32),
        entry: Entry,
        (screen, ending): (Screen, Screen),
    ) {
        if let Some(sink) = self.state().sinks.get_mut(sink) {
            let taught = Taught {
                entry,
                screen,
                ending,
            };
            sink.entries.insert((arch, nr), taught);
        }
    }

    /// Record a task that is about to be resumed in user mode, from its next stop on; pass on what of the
    /// life of this thread of `process` is in `passes` (`kernel.recorder`).
    pub fn start(&self, tid: Tid, sink: usize, run: c_int, (process, passes): (Tid, u32)) {
        let mut state = self.state();
        let life = state.lives.begin(process, passes);
        let call = Call::None;
        let task = Task {
            sink,
            run: run & !LEAN,
            lean: run & LEAN,
            call,
            life,
        };
        state.tasks.insert(tid, task);
    }

    /// Somebody knows of this task.
    pub(crate) fn know(&self, tid: Tid) {
        self.state().lives.know(tid);
    }

    /// Pass nothing on any more of the lives of tasks.
    pub(crate) fn end_lives(&self) {
        self.state().lives.end();
    }

    /// Pass nothing of lives on as long as this is held; whether what was waits to be handed up.
    pub fn hold_lives(&self, held: bool) -> bool {
        let mut state = self.state();
        state.lives.hold(held);
        let is_fact = |piece: &Piece| matches!(piece, Piece::Fact(..));
        state.pieces.iter().any(is_fact)
    }

    /// First stops whose births are not known, which come before anything that is told now.
    pub(crate) fn early(&self) -> Vec<Fact> {
        self.state().lives.early()
    }

    /// Record a task no longer; which call it is in.
    pub fn stop(&self, tid: Tid) -> InCall {
        self.state()
            .tasks
            .remove(&tid)
            .map_or(InCall::AsTold, |task| in_call(&task))
    }

    /// Which call a task is in, which goes on being recorded.
    pub fn call_of(&self, tid: Tid) -> InCall {
        self.state().tasks.get(&tid).map_or(InCall::AsTold, in_call)
    }

    /// Whether anything waits to be handed up.
    pub fn has_records(&self) -> bool {
        let state = self.state();
        !state.pieces.is_empty()
            || state.sinks.iter().any(|sink| sink.batch.has_any())
            || state.tapped.as_ref().is_some_and(Tapped::has_records)
    }

    /// What was recorded and passed on, to be handed up in this order.
    pub fn take(&self) -> Vec<Piece> {
        let mut state = self.state();
        for sink in 0..state.sinks.len() {
            state.close(sink);
        }
        state.full = false;
        core::mem::take(&mut state.pieces)
    }

    /// Record calls without stops, by eBPF programs at `sys_enter` and `sys_exit` and what they go by, for
    /// the engine of a sink.
    pub fn open_tap(
        &self,
        sink: usize,
        programs: [&[u8]; 2],
        table: &[u8],
        scratch_bytes: usize,
    ) -> Result<(), Errno> {
        let tap = Tap::open(programs, table, scratch_bytes)?;
        self.state().tapped = Some(Tapped::new(tap, sink));
        Ok(())
    }

    /// Record a task's calls by the tap, too, as long as it runs by `PTRACE_CONT`; whether that can be.
    pub fn join_tap(&self, tid: Tid) -> bool {
        let mut state = self.state();
        state.tapped.as_mut().is_some_and(|tapped| tapped.join(tid))
    }

    /// Record them by the tap no more.
    pub fn leave_tap(&self, tid: Tid) {
        if let Some(tapped) = &mut self.state().tapped {
            tapped.leave(tid);
        }
    }

    /// How many entries and ends of calls the tap has lost.
    pub fn lost(&self) -> u64 {
        self.state().tapped.as_ref().map_or(0, Tapped::lost)
    }

    /// Record what the tap has; what is to be told before the fact in hand, if anything is: then ask again.
    pub(crate) fn comes_first(&self) -> Option<Fact> {
        let mut guard = self.state();
        let state = &mut *guard;
        match state.tapped.as_mut()?.drain(&mut state.sinks) {
            Drained::Dry => None,
            Drained::Untaught(untaught) => Some(untaught),
            Drained::Full => {
                state.full = true;
                Some(Fact::new(0, FactKind::Bell, 0))
            }
        }
    }

    /// Whether a batch is to be handed up before any more is recorded.
    pub(crate) fn is_full(&self) -> bool {
        self.state().full
    }

    /// Take a stop and let go on by `resume` who is to; `None`: the stop is Python's.
    pub(crate) fn handle<R>(
        &self,
        fact: &Fact,
        mut resume: impl FnMut(Going) -> R,
    ) -> Option<[Option<R>; 2]> {
        let mut state = self.state();
        if state
            .tapped
            .as_ref()
            .is_some_and(|tapped| tapped.is_waiting(fact))
        {
            let going = raw::PTRACE_CONT | state.lean(fact.tid);
            return Some([Some(resume((fact.tid, going, 0))), None]);
        }
        if let Some(going) = state.call(fact) {
            let going = going | state.lean(fact.tid);
            return Some([Some(resume((fact.tid, going, 0))), None]);
        }
        let taken = state.life(fact);
        if taken.is_none() {
            state.told(fact);
        }
        let mut go_on = |(tid, request, signo)| resume((tid, request | state.lean(tid), signo));
        Some(taken?.map(|going| going.map(&mut go_on)))
    }

    /// Take the stop at which a call came up that was Python's, now that more is known of such calls.
    pub(crate) fn handle_again<R>(&self, tid: Tid, resume: impl FnOnce(Going) -> R) -> Option<R> {
        let mut state = self.state();
        let task = state.tasks.get_mut(&tid)?;
        let Call::Ordinary(fact) = task.call else {
            return None;
        };
        task.call = Call::None;
        let request = state.call(&fact)?;
        Some(resume((tid, request | state.lean(tid), 0)))
    }
}

fn in_call(task: &Task) -> InCall {
    match task.call {
        Call::None => InCall::No,
        Call::Taken(fact, _) => InCall::Yes(fact),
        Call::Ordinary(_) => InCall::AsTold,
    }
}

impl State {
    /// What is added to the request by which a task goes on.
    fn lean(&self, tid: Tid) -> c_int {
        self.tasks.get(&tid).map_or(0, |task| task.lean)
    }

    /// Take the stop of a call; how the task goes on.
    fn call(&mut self, fact: &Fact) -> Option<c_int> {
        match fact.kind {
            FactKind::SyscallEntry | FactKind::Seccomp => self.entry(fact),
            FactKind::SyscallExit => self.exit(fact),
            _ => None,
        }
    }

    /// Take another fact; who goes on.
    fn life(&mut self, fact: &Fact) -> Option<[Option<Going>; 2]> {
        let taken = self.lives.take(fact, &mut self.tasks, &lives::Live)?;
        if let Some(tapped) = &mut self.tapped {
            tapped.passed_on(fact);
        }
        if let Some((sink, fact)) = taken.noted {
            self.close(sink);
            let time_ns = raw::clock_ns(libc::CLOCK_REALTIME);
            self.pieces.push(Piece::Fact(sink, fact, time_ns));
            self.full |= self.pieces.len() >= FACTS_MAX;
        }
        Some(taken.going)
    }

    /// Note what Python is told.
    fn told(&mut self, fact: &Fact) {
        self.lives.told(fact);
        if let Some(tapped) = &mut self.tapped {
            tapped.told(fact);
        }
        match fact.kind {
            FactKind::Death => {
                self.tasks.remove(&fact.tid);
            }
            // It may be a thread's.
            FactKind::Fork | FactKind::Vfork | FactKind::Clone => {
                if let Some(task) = self.tasks.get_mut(&fact.tid) {
                    task.lean = 0;
                }
            }
            _ => {}
        }
    }

    /// What was recorded up to here comes before what follows.
    fn close(&mut self, sink: usize) {
        let Some(open) = self.sinks.get_mut(sink) else {
            return;
        };
        if open.batch.has_any() {
            let next = open.batch.following();
            let batch = core::mem::replace(&mut open.batch, next);
            self.pieces.push(Piece::Calls(sink, batch));
        }
    }

    fn entry(&mut self, fact: &Fact) -> Option<c_int> {
        let task = self.tasks.get_mut(&fact.tid)?;
        let Detail::Entry { arch, args, sp, .. } = fact.detail else {
            return None;
        };
        let nr = fact.value as i32;
        let filtered = task.run == raw::PTRACE_CONT;
        // Resumed by PTRACE_SYSCALL a filtered task shows both stops; which counts, Python knows.
        if filtered != (fact.kind == FactKind::Seccomp) || matches!(task.call, Call::Ordinary(_)) {
            task.call = Call::Ordinary(*fact);
            return None;
        }
        let sink = self.sinks.get_mut(task.sink)?;
        let call = Beginning {
            tid: fact.tid,
            arch,
            nr,
            args,
            sp,
        };
        let recorded = match sink.begin(&call, &[], When::now()) {
            Begun::Untaught | Begun::Ordinary => {
                task.call = Call::Ordinary(*fact);
                return None;
            }
            Begun::LetGo if filtered => return Some(raw::PTRACE_CONT),
            Begun::LetGo => None,
            Begun::Recorded(place) => Some(place),
        };
        self.full |= sink.batch.is_full();
        task.call = Call::Taken(*fact, recorded);
        Some(SYSCALL)
    }

    fn exit(&mut self, fact: &Fact) -> Option<c_int> {
        let task = self.tasks.get_mut(&fact.tid)?;
        let call = core::mem::replace(&mut task.call, Call::None);
        let Call::Taken(entry, recorded) = call else {
            return None;
        };
        let Some(place) = recorded else {
            return Some(task.run);
        };
        let Detail::Entry { arch, args, sp, .. } = entry.detail else {
            return None;
        };
        let call = Beginning {
            tid: fact.tid,
            arch,
            nr: entry.value as i32,
            args,
            sp,
        };
        let sink = self.sinks.get_mut(task.sink)?;
        if !sink.end((&call, place), fact.value, &[], When::now()) {
            return None;
        }
        self.full |= sink.batch.is_full();
        Some(task.run)
    }
}
