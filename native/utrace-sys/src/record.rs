//! The recording tier: system calls that only an engine which takes them in batches wants to see
//! are recorded here and go on, without a word to Python (D6.2).
//!
//! Rules of this file:
//!
//! 1. It is a cache of an interest that the core owns.  A task is recorded from `start` to `stop`;
//!    whatever there is no `Program` for, and every other kind of stop, goes the ordinary way.
//! 2. `stop` may be called by any thread, and when it returns no stop of that task is taken here
//!    any more.  So the lock is held until a task whose stop was taken has been resumed.
//! 3. Order is kept: whoever hands a fact to Python hands it the batches first.
//!
//! Reference: ptrace(2) "Syscall-stops"; seccomp(2) "`SECCOMP_RET_TRACE`".

use core::ffi::c_int;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Tid;
use crate::fact::{Detail, Fact, FactKind};
use crate::pen::Copied;
use crate::raw;
use crate::screen::Screen;
use crate::shape::{Capture, Limits, Program, Range, Tape};

const SYSCALL: c_int = 24;
const CONT: c_int = 7;
/// A batch is handed up when it has so many bytes, or events.
const BATCH_BYTES: usize = 1 << 18;
const BATCH_EVENTS: usize = 2048;

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

/// One stop that was recorded.
#[derive(Clone, Debug)]
pub struct Event {
    /// Whose.
    pub tid: Tid,
    /// `CLOCK_REALTIME` at the stop.
    pub time_ns: u64,
    /// `CLOCK_MONOTONIC` at the stop.
    pub mono_ns: u64,
    /// CPU time that the thread had used, 0 where nobody asked.
    pub cpu_ns: u64,
    /// Entry or exit.
    pub what: What,
    first: usize,
    end: usize,
}

/// What was recorded.
#[derive(Clone, Debug)]
pub enum What {
    /// A call began.
    Entry {
        /// Audit arch.
        arch: u32,
        /// Its number.
        nr: i32,
        /// The argument registers.
        args: [u64; 6],
        /// How it was recorded.
        program: Arc<Program>,
    },
    /// It ended with this result.
    Exit(i64),
    /// What was recorded is not wanted after all.
    Nothing,
}

/// What was recorded since the last was handed up, in order.
#[derive(Debug, Default)]
pub struct Batch {
    /// How many wanted calls began.
    looked_at: usize,
    /// How many of them passed their screen.
    passed: usize,
    /// How many of those ended in another way than is wanted.
    dropped: usize,
    /// Which one it is of those of its engine.
    serial: u64,
    events: Vec<Event>,
    bytes: Vec<u8>,
    ranges: Vec<Range>,
}

impl Batch {
    /// The stops.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How many wanted calls began, how many of them passed their screen, and how many of those ended in
    /// another way than is wanted.
    #[must_use]
    pub fn screened(&self) -> (usize, usize, usize) {
        (self.looked_at, self.passed, self.dropped)
    }

    /// Take back a call that was recorded at its entry, and ended as nobody wants it.
    fn take_back(&mut self, index: usize) {
        self.dropped += 1;
        if index + 1 < self.events.len() {
            self.events[index].what = What::Nothing;
            return;
        }
        let first = self.events.pop().map_or(0, |event| event.first);
        if let Some(range) = self.ranges.get(first) {
            self.bytes.truncate(range.start);
        }
        self.ranges.truncate(first);
    }

    /// One call of a task whose memory is as it is now, whole or without its end: for tests.
    #[must_use]
    pub fn of_call(
        tid: Tid,
        (arch, nr, args): (u32, i32, [u64; 6]),
        program: &Arc<Program>,
        result: Option<i64>,
        limits: Limits,
    ) -> Self {
        let mut sink = Sink {
            limits,
            cpu_times: false,
            entries: HashMap::new(),
            batch: Self::default(),
        };
        for stop in core::iter::once(None).chain(result.map(Some)) {
            let capture = Capture {
                program,
                args: &args,
                result: stop,
                limits,
            };
            let (first, end) = capture_into(&capture, tid, &mut sink.batch);
            let entry = What::Entry {
                arch,
                nr,
                args,
                program: Arc::clone(program),
            };
            let what = stop.map_or(entry, What::Exit);
            push(&mut sink, tid, what, (first, end), mono_ns());
        }
        sink.batch
    }

    /// What was copied at one of them.
    #[must_use]
    pub fn copied(&self, event: &Event) -> Copied<'_> {
        Copied {
            bytes: &self.bytes,
            ranges: &self.ranges[event.first..event.end],
        }
    }

    /// The same, to be kept.
    pub(crate) fn own(&self, event: &Event) -> (Vec<u8>, Vec<Range>) {
        let ranges = &self.ranges[event.first..event.end];
        let start = ranges.first().map_or(0, |range| range.start);
        let end = ranges.last().map_or(0, |range| range.start + range.length);
        let moved = |range: &Range| Range {
            start: range.start - start,
            ..*range
        };
        (
            self.bytes[start..end].to_vec(),
            ranges.iter().map(moved).collect(),
        )
    }

    /// What each thread that is in it does at its end: the number of the entry of a call in progress.
    #[must_use]
    pub fn in_progress(&self) -> Vec<(Tid, Option<usize>)> {
        let mut found: Vec<(Tid, Option<usize>)> = Vec::new();
        let mut places: HashMap<Tid, usize> = HashMap::new();
        for (index, event) in self.events.iter().enumerate() {
            let call = matches!(event.what, What::Entry { .. }).then_some(index);
            let place = *places.entry(event.tid).or_insert_with(|| {
                found.push((event.tid, None));
                found.len() - 1
            });
            found[place].1 = call;
        }
        found
    }

    fn is_full(&self) -> bool {
        self.events.len() >= BATCH_EVENTS || self.bytes.len() >= BATCH_BYTES
    }
}

/// What one engine wants recorded, and what has been.
struct Sink {
    limits: Limits,
    cpu_times: bool,
    entries: HashMap<(u32, i32), Taught>,
    batch: Batch,
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
enum Call {
    /// None: it is in user mode, or nothing is known.
    None,
    /// Taken here: its entry, and, if it is recorded, of which batch which event.
    Taken(Fact, Option<(u64, usize)>),
    /// Given to Python.
    Ordinary,
}

struct Task {
    sink: usize,
    /// How it goes on in user mode.
    run: c_int,
    call: Call,
}

#[derive(Default)]
struct State {
    tasks: HashMap<Tid, Task>,
    sinks: Vec<Sink>,
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

    /// Record a task that is about to be resumed in user mode, from its next stop on.
    pub fn start(&self, tid: Tid, sink: usize, run: c_int) {
        let call = Call::None;
        self.state().tasks.insert(tid, Task { sink, run, call });
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
        let has_any = |batch: &Batch| batch.looked_at > 0 || !batch.events.is_empty();
        state.sinks.iter().any(|sink| has_any(&sink.batch))
    }

    /// What was recorded for one engine, to be handed up.
    pub fn take(&self, sink: usize) -> Batch {
        let mut state = self.state();
        state.full = false;
        state
            .sinks
            .get_mut(sink)
            .map(|sink| {
                let serial = sink.batch.serial + 1;
                let next = Batch {
                    serial,
                    ..Batch::default()
                };
                core::mem::replace(&mut sink.batch, next)
            })
            .unwrap_or_default()
    }

    /// Whether a batch is to be handed up before any more is recorded.
    pub(crate) fn is_full(&self) -> bool {
        self.state().full
    }

    /// Take a stop and let the task go on by `resume`; `None`: the stop is Python's.
    pub(crate) fn handle<R>(&self, fact: &Fact, resume: impl FnOnce(Tid, c_int) -> R) -> Option<R> {
        let mut state = self.state();
        let request = state.handle(fact)?;
        Some(resume(fact.tid, request))
    }
}

fn in_call(task: &Task) -> InCall {
    match task.call {
        Call::None => InCall::No,
        Call::Taken(fact, _) => InCall::Yes(fact),
        Call::Ordinary => InCall::AsTold,
    }
}

impl State {
    fn handle(&mut self, fact: &Fact) -> Option<c_int> {
        match fact.kind {
            FactKind::SyscallEntry | FactKind::Seccomp => self.entry(fact),
            FactKind::SyscallExit => self.exit(fact),
            FactKind::Death => {
                self.tasks.remove(&fact.tid);
                None
            }
            _ => None,
        }
    }

    fn entry(&mut self, fact: &Fact) -> Option<c_int> {
        let task = self.tasks.get_mut(&fact.tid)?;
        let Detail::Entry { arch, args, .. } = fact.detail else {
            return None;
        };
        let nr = fact.value as i32;
        let filtered = task.run == CONT;
        // Resumed by PTRACE_SYSCALL a filtered task shows both stops; which counts, Python knows.
        if filtered != (fact.kind == FactKind::Seccomp) || matches!(task.call, Call::Ordinary) {
            task.call = Call::Ordinary;
            return None;
        }
        let sink = self.sinks.get_mut(task.sink)?;
        let Some(taught) = sink.entries.get(&(arch, nr)) else {
            task.call = Call::Ordinary;
            return None;
        };
        let is_wanted = !matches!(taught.entry, Entry::Unwanted);
        if is_wanted && taught.screen.passes(&args, 0, 0) {
            let Entry::Recorded(program) = &taught.entry else {
                task.call = Call::Ordinary;
                return None;
            };
            let program = Arc::clone(program);
            sink.batch.looked_at += 1;
            sink.batch.passed += 1;
            let capture = Capture {
                program: &program,
                args: &args,
                result: None,
                limits: sink.limits,
            };
            let (first, end) = capture_into(&capture, fact.tid, &mut sink.batch);
            let what = What::Entry {
                arch,
                nr,
                args,
                program,
            };
            let place = (sink.batch.serial, sink.batch.events.len());
            push(sink, fact.tid, what, (first, end), mono_ns());
            task.call = Call::Taken(*fact, Some(place));
            self.full |= sink.batch.is_full();
            return Some(SYSCALL);
        }
        sink.batch.looked_at += usize::from(is_wanted);
        if filtered {
            return Some(CONT);
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
        let begun = (serial == sink.batch.serial).then(|| sink.batch.events.get(index));
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
        let (first, end) = capture_into(&capture, fact.tid, &mut sink.batch);
        push(sink, fact.tid, What::Exit(fact.value), (first, end), now_ns);
        self.full |= sink.batch.is_full();
        Some(task.run)
    }
}

fn capture_into(capture: &Capture<'_>, tid: Tid, batch: &mut Batch) -> (usize, usize) {
    let first = batch.ranges.len();
    let mut tape = Tape {
        tid,
        bytes: &mut batch.bytes,
        ranges: &mut batch.ranges,
    };
    capture.run(&mut tape);
    (first, batch.ranges.len())
}

/// CPU time that a thread has used, 0 where it is gone.  The clocks of `pthread_getcpuclockid(3)` are for
/// threads of one's own process alone (`posix_cpu_clock_get()`).
fn cpu_time_ns(tid: Tid) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{tid}/schedstat")).unwrap_or_default();
    let first = text.split(' ').next().map(str::parse);
    first.and_then(Result::ok).unwrap_or_default()
}

fn mono_ns() -> u64 {
    raw::clock_ns(libc::CLOCK_MONOTONIC)
}

fn push(sink: &mut Sink, tid: Tid, what: What, (first, end): (usize, usize), mono_ns: u64) {
    sink.batch.events.push(Event {
        tid,
        time_ns: raw::clock_ns(libc::CLOCK_REALTIME),
        mono_ns,
        cpu_ns: if sink.cpu_times { cpu_time_ns(tid) } else { 0 },
        what,
        first,
        end,
    });
}
