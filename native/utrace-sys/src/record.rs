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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Tid;
use crate::batch::{Batch, What, mono_ns};
use crate::capture::Capture;
use crate::cpus;
use crate::fact::{Detail, Fact, FactKind};
use crate::lives::{self, Life, Lives};
use crate::raw;
use crate::screen::Screen;
use crate::shape::{Limits, Program};

pub(crate) const SYSCALL: c_int = 24;
/// So many facts told late are handed up before more are noted.
const FACTS_MAX: usize = 4096;

/// What is done with the calls of one number.
#[derive(Clone, Debug)]
pub enum Entry {
    /// They are recorded.
    Recorded(Arc<Program>),
    /// Nobody wants to see them.
    Unwanted,
    /// They go the ordinary way.
    Ordinary,
}

/// What one engine wants recorded, and what has been.
struct Sink {
    limits: Limits,
    cpu_times: bool,
    entries: HashMap<(u32, i32), Taught>,
    batch: Batch,
}

impl Sink {
    fn record(&mut self, capture: &Capture<'_>, tid: Tid, what: What, mono_ns: u64) {
        // The clocks of `pthread_getcpuclockid(3)` are for threads of one's own process alone
        // (`posix_cpu_clock_get()`).
        let times = self.cpu_times.then(|| cpus::times_ns(tid)).flatten();
        let cpu_ns = times.map_or(0, |times| times.ran);
        self.batch.record(capture, tid, what, (mono_ns, cpu_ns));
    }
}

/// What is known of the calls of one number.
struct Taught {
    entry: Entry,
    /// What its registers must pass.
    screen: Screen,
    /// What they must pass with its result and its duration in ns.
    ending: Screen,
}

/// The call a recorded task is in.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// None: it is in user mode, or nothing is known.
    None,
    /// Taken here: its entry, and, if it is recorded, of which batch which event.
    Taken(Fact, Option<(u64, usize)>),
    /// Given to Python: the stop at which it came up.
    Ordinary(Fact),
}

#[derive(Clone, Copy)]
pub(crate) struct Task {
    pub(crate) sink: usize,
    /// How it goes on in user mode.
    pub(crate) run: c_int,
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
    /// life of this thread of `process` is in `passes` (`kernel.api.Recorder`).
    pub fn start(&self, tid: Tid, sink: usize, run: c_int, (process, passes): (Tid, u32)) {
        let mut state = self.state();
        let life = state.lives.begin(process, passes);
        let call = Call::None;
        let task = Task {
            sink,
            run,
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
        !state.pieces.is_empty() || state.sinks.iter().any(|sink| sink.batch.has_any())
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
        if let Some(going) = state.call(fact) {
            return Some([Some(resume((fact.tid, going, 0))), None]);
        }
        let taken = state.life(fact);
        if taken.is_none() {
            state.told(fact);
        }
        Some(taken?.map(|going| going.map(&mut resume)))
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
        Some(resume((tid, request, 0)))
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
        if fact.kind == FactKind::Death {
            self.tasks.remove(&fact.tid);
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
        let Detail::Entry { arch, args, .. } = fact.detail else {
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
        let Some(taught) = sink.entries.get(&(arch, nr)) else {
            task.call = Call::Ordinary(*fact);
            return None;
        };
        let is_wanted = !matches!(taught.entry, Entry::Unwanted);
        if is_wanted && taught.screen.passes(&args, 0, 0) {
            let known = match &taught.entry {
                Entry::Recorded(program) if program.records(fact.tid, &args) => {
                    Some(Arc::clone(program))
                }
                _ => None,
            };
            let Some(program) = known else {
                task.call = Call::Ordinary(*fact);
                return None;
            };
            sink.batch.looked_at += 1;
            sink.batch.passed += 1;
            let capture = Capture {
                program: &program,
                args: &args,
                result: None,
                limits: sink.limits,
            };
            let what = What::Entry {
                arch,
                nr,
                args,
                program: Arc::clone(&program),
            };
            let place = (sink.batch.serial, sink.batch.events().len());
            sink.record(&capture, fact.tid, what, mono_ns());
            task.call = Call::Taken(*fact, Some(place));
            self.full |= sink.batch.is_full();
            return Some(SYSCALL);
        }
        sink.batch.looked_at += usize::from(is_wanted);
        if filtered {
            return Some(raw::PTRACE_CONT);
        }
        task.call = Call::Taken(*fact, None);
        Some(SYSCALL)
    }

    fn exit(&mut self, fact: &Fact) -> Option<c_int> {
        let task = self.tasks.get_mut(&fact.tid)?;
        let call = core::mem::replace(&mut task.call, Call::None);
        let Call::Taken(entry, recorded) = call else {
            return None;
        };
        let Some((serial, index)) = recorded else {
            return Some(task.run);
        };
        let Detail::Entry { arch, args, .. } = entry.detail else {
            return None;
        };
        let sink = self.sinks.get_mut(task.sink)?;
        let nr = entry.value as i32;
        let Some(Taught {
            entry: Entry::Recorded(program),
            ending,
            ..
        }) = sink.entries.get(&(arch, nr))
        else {
            return None;
        };
        let now_ns = mono_ns();
        let begun = (serial == sink.batch.serial).then(|| sink.batch.events().get(index));
        if let Some(Some(begun)) = begun {
            let duration_ns = now_ns.saturating_sub(begun.mono_ns);
            if !ending.passes(&args, fact.value as u64, duration_ns) {
                sink.batch.take_back(index);
                return Some(task.run);
            }
        }
        let program = Arc::clone(program);
        let capture = Capture {
            program: &program,
            args: &args,
            result: Some(fact.value),
            limits: sink.limits,
        };
        sink.record(&capture, fact.tid, What::Exit(fact.value), now_ns);
        self.full |= sink.batch.is_full();
        Some(task.run)
    }
}
