//! What one engine wants recorded, and what has been: calls that begin and end, wherever they come from.

use std::collections::HashMap;
use std::sync::Arc;

use crate::Tid;
use crate::batch::{Batch, What, When};
use crate::capture::{Capture, Seen};
use crate::cpus;
use crate::screen::Screen;
use crate::shape::{Limits, Program};

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
pub(crate) struct Sink {
    pub(crate) limits: Limits,
    pub(crate) cpu_times: bool,
    pub(crate) entries: HashMap<(u32, i32), Taught>,
    pub(crate) batch: Batch,
}

/// A call that begins.
#[derive(Clone, Copy)]
pub(crate) struct Beginning {
    pub(crate) tid: Tid,
    pub(crate) arch: u32,
    pub(crate) nr: i32,
    pub(crate) args: [u64; 6],
    /// The stack pointer, 0 if it is not known.
    pub(crate) sp: u64,
}

/// Of which batch which event the entry of a call is.
pub(crate) type Place = (u64, usize);

/// What became of a call that began.
pub(crate) enum Begun {
    Recorded(Place),
    /// Nobody wants to see it.
    LetGo,
    /// Nothing was said about calls of its number.
    Untaught,
    /// It is for the ordinary way.
    Ordinary,
}

impl Sink {
    /// Record a call that begins, if it is wanted and known well enough.
    pub(crate) fn begin(&mut self, call: &Beginning, seen: &[Seen<'_>], when: When) -> Begun {
        let Some(taught) = self.entries.get(&(call.arch, call.nr)) else {
            return Begun::Untaught;
        };
        let is_wanted = !matches!(taught.entry, Entry::Unwanted);
        if !is_wanted || !taught.screen.passes(&call.args, 0, 0) {
            self.batch.looked_at += usize::from(is_wanted);
            return Begun::LetGo;
        }
        let program = match &taught.entry {
            Entry::Recorded(program) if program.records(call.tid, &call.args) => {
                Arc::clone(program)
            }
            _ => return Begun::Ordinary,
        };
        let Some(args) = program.placed(call.args, call.sp) else {
            return Begun::Ordinary;
        };
        self.batch.looked_at += 1;
        self.batch.passed += 1;
        let capture = Capture {
            program: &program,
            args: &args,
            result: None,
            limits: self.limits,
        };
        let what = What::Entry {
            arch: call.arch,
            nr: call.nr,
            args,
            program: Arc::clone(&program),
        };
        let place = (self.batch.serial, self.batch.events().len());
        self.batch.record(
            &capture,
            (call.tid, seen),
            what,
            self.with_cpu(call.tid, when),
        );
        Begun::Recorded(place)
    }

    /// Record the end of a call; `false`: it is not known any more how.
    pub(crate) fn end(
        &mut self,
        (call, (serial, index)): (&Beginning, Place),
        result: i64,
        seen: &[Seen<'_>],
        when: When,
    ) -> bool {
        let Some(Taught {
            entry: Entry::Recorded(program),
            ending,
            ..
        }) = self.entries.get(&(call.arch, call.nr))
        else {
            return false;
        };
        let begun = (serial == self.batch.serial).then(|| self.batch.events().get(index));
        if let Some(Some(begun)) = begun {
            let duration_ns = when.mono.saturating_sub(begun.mono_ns);
            if !ending.passes(&call.args, result as u64, duration_ns) {
                self.batch.take_back(index);
                return true;
            }
        }
        let program = Arc::clone(program);
        let capture = Capture {
            program: &program,
            args: &call.args,
            result: Some(result),
            limits: self.limits,
        };
        let when = self.with_cpu(call.tid, when);
        self.batch
            .record(&capture, (call.tid, seen), What::Exit(result), when);
        true
    }

    fn with_cpu(&self, tid: Tid, when: When) -> When {
        // The clocks of `pthread_getcpuclockid(3)` are for threads of one's own process alone
        // (`posix_cpu_clock_get()`).
        let times = self.cpu_times.then(|| cpus::times_ns(tid)).flatten();
        When {
            cpu: times.map_or(0, |times| times.ran),
            ..when
        }
    }
}

/// What is known of the calls of one number.
pub(crate) struct Taught {
    pub(crate) entry: Entry,
    /// What its registers must pass.
    pub(crate) screen: Screen,
    /// What they must pass with its result and its duration in ns.
    pub(crate) ending: Screen,
}
