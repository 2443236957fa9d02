//! What was recorded of system calls, on its way to Python.

use std::collections::HashMap;
use std::sync::Arc;

use crate::Tid;
use crate::capture::{Capture, Seen, Tape};
use crate::pen::Copied;
use crate::raw;
use crate::shape::{Limits, Program, Range};

/// A batch is handed up when it has so many bytes, or events.
const BATCH_BYTES: usize = 1 << 18;
const BATCH_EVENTS: usize = 2048;

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

/// The time of a stop, in ns, by the clocks that an `Event` has.
#[derive(Clone, Copy)]
pub(crate) struct When {
    pub(crate) real: u64,
    pub(crate) mono: u64,
    pub(crate) cpu: u64,
}

impl When {
    pub(crate) fn now() -> Self {
        Self {
            real: raw::clock_ns(libc::CLOCK_REALTIME),
            mono: mono_ns(),
            cpu: 0,
        }
    }
}

/// What was recorded since the last was handed up, in order.
#[derive(Debug, Default)]
pub struct Batch {
    /// How many wanted calls began.
    pub(crate) looked_at: usize,
    /// How many of them passed their screen.
    pub(crate) passed: usize,
    /// How many of those ended in another way than is wanted.
    dropped: usize,
    /// Which one it is of those of its engine.
    pub(crate) serial: u64,
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

    /// Whether there is anything in it to be handed up.
    pub(crate) fn has_any(&self) -> bool {
        self.looked_at > 0 || !self.events.is_empty()
    }

    /// The empty one that comes after it.
    pub(crate) fn following(&self) -> Self {
        Self {
            serial: self.serial + 1,
            ..Self::default()
        }
    }

    /// Note a stop, with what is copied in it, at its time.
    pub(crate) fn record(
        &mut self,
        capture: &Capture<'_>,
        (tid, seen): (Tid, &[Seen<'_>]),
        what: What,
        when: When,
    ) {
        let first = self.ranges.len();
        let mut tape = Tape {
            tid,
            seen,
            bytes: &mut self.bytes,
            ranges: &mut self.ranges,
        };
        capture.run(&mut tape);
        self.events.push(Event {
            tid,
            time_ns: when.real,
            mono_ns: when.mono,
            cpu_ns: when.cpu,
            what,
            first,
            end: self.ranges.len(),
        });
    }

    /// Take back a call that was recorded at its entry, and ended as nobody wants it.
    pub(crate) fn take_back(&mut self, index: usize) {
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
        let mut batch = Self::default();
        for stop in core::iter::once(None).chain(result.map(Some)) {
            let capture = Capture {
                program,
                args: &args,
                result: stop,
                limits,
            };
            let entry = What::Entry {
                arch,
                nr,
                args,
                program: Arc::clone(program),
            };
            let what = stop.map_or(entry, What::Exit);
            batch.record(&capture, (tid, &[]), what, When::now());
        }
        batch
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

    pub(crate) fn is_full(&self) -> bool {
        self.events.len() >= BATCH_EVENTS || self.bytes.len() >= BATCH_BYTES
    }
}

/// `CLOCK_MONOTONIC` now.
pub(crate) fn mono_ns() -> u64 {
    raw::clock_ns(libc::CLOCK_MONOTONIC)
}
