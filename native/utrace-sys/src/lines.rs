//! Recorded calls as lines in strace's grammar.
//!
//! Rules of this file:
//!
//! 1. A line belongs to the call that began last.  Before anything else is written it is broken off
//!    with `<unfinished ...>`, and its call is `resumed` when it ends.
//! 2. What `text` cannot write it asks the `Oracle` for, which is Python.
//!
//! It does for recorded calls what `utrace.engines.line_log` does for the others; tests compare them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::Tid;
use crate::batch::{Batch, Event, What};
use crate::line_style::{Asked, Clock, LineStyle, Oracle, PidShown};
use crate::pen::{Copied, Pen, Words};
use crate::shape::{Limits, Program, Range};
use crate::text::{self, SECONDS, Scene};

const NS: u64 = 1_000_000_000;
/// Texts of calls that Python wrote are forgotten when they are so many.
const TEXTS_MAX: usize = 1 << 13;
const RESTART: &str = "restart_syscall";

/// A call in progress whose entry is in a batch that may be gone.
struct Call {
    event: Event,
    arch: u32,
    nr: i32,
    args: [u64; 6],
    program: Arc<Program>,
    bytes: Vec<u8>,
    ranges: Vec<Range>,
    /// What is written of its line, without the prefix.
    shown: Option<String>,
    /// Width of that prefix.
    width: usize,
}

/// Arch, number, arguments that are passed, and result of a call that pointed to nothing.
type PureCall = (u32, i32, [u64; 6], i64);

/// One sequence of lines.
pub struct Lines {
    style: LineStyle,
    limits: Limits,
    several: bool,
    /// Threads that may be written about, with the arch of their calls.
    known: HashMap<Tid, u32>,
    calls: HashMap<Tid, Call>,
    /// Whose line is the last, not yet ended.
    open: Option<Tid>,
    /// What each thread's `restart_syscall` would go on with.
    interrupted: HashMap<Tid, String>,
    words: Words,
    texts: HashMap<PureCall, (String, String)>,
}

impl Lines {
    /// No lines yet.
    #[must_use]
    pub fn new(style: LineStyle, limits: Limits) -> Self {
        Self {
            style,
            limits,
            several: false,
            known: HashMap::new(),
            calls: HashMap::new(),
            open: None,
            interrupted: HashMap::new(),
            words: Words::default(),
            texts: HashMap::new(),
        }
    }

    /// Let a thread be written about that makes calls of this arch.
    pub fn admit(&mut self, tid: Tid, arch: u32) {
        self.known.insert(tid, arch);
    }

    /// Forget a thread, whose call in progress has been ended.
    pub fn dismiss(&mut self, tid: Tid) {
        self.known.remove(&tid);
        self.calls.remove(&tid);
        self.interrupted.remove(&tid);
        if self.open == Some(tid) {
            self.open = None;
        }
    }

    /// Say whether more than one thread is traced.
    pub fn set_several(&mut self, several: bool) {
        self.several = several;
    }

    /// Write the calls of a batch from one on; the number of the first not written.
    ///
    /// It stops before an entry of a thread that is not admitted, or not with that arch.
    pub fn take(
        &mut self,
        batch: &Batch,
        from: usize,
        oracle: &mut dyn Oracle,
        out: &mut String,
    ) -> usize {
        let events = batch.events();
        let mut at = from;
        while let Some(event) = events.get(at) {
            match &event.what {
                What::Entry { arch, .. } => {
                    if self.known.get(&event.tid) != Some(arch) {
                        break;
                    }
                    let next = events.get(at + 1).filter(|next| next.tid == event.tid);
                    if let Some(exit) = next
                        && let What::Exit(result) = exit.what
                        && !self.calls.contains_key(&event.tid)
                    {
                        self.whole_call(batch, event, exit, result, oracle, out);
                        at += 2;
                        continue;
                    }
                    self.entry(batch, event, oracle, out);
                }
                What::Exit(result) => self.exit(batch, event, *result, oracle, out),
                What::Nothing => {}
            }
            at += 1;
        }
        at
    }

    fn whole_call(
        &mut self,
        batch: &Batch,
        entry: &Event,
        exit: &Event,
        result: i64,
        oracle: &mut dyn Oracle,
        out: &mut String,
    ) {
        let What::Entry {
            arch,
            nr,
            args,
            program,
        } = &entry.what
        else {
            return;
        };
        if !self.style.whole {
            self.break_off(oracle, out);
        }
        let asked = Asked {
            arch: *arch,
            nr: *nr,
            args,
            entry: batch.copied(entry),
            exit: Some((result, batch.copied(exit))),
        };
        if self.is_written(result) {
            let width = self.prefix(entry.tid, entry.time_ns, oracle, out);
            let from = out.len();
            out.push_str(&program.name);
            out.push('(');
            let restarts = self.restarted(entry.tid, program);
            let returned = self.both(program, &asked, restarts, oracle, out);
            self.finish(out, from, width, &returned, duration(entry, exit));
        }
        self.note_restart(entry.tid, program, result);
    }

    fn is_written(&self, result: i64) -> bool {
        if text::is_error(result) {
            self.style.failed
        } else {
            self.style.successful
        }
    }

    fn entry(&mut self, batch: &Batch, event: &Event, oracle: &mut dyn Oracle, out: &mut String) {
        let What::Entry {
            arch,
            nr,
            args,
            program,
        } = &event.what
        else {
            return;
        };
        if !self.style.whole {
            self.break_off(oracle, out);
            self.open = Some(event.tid);
        }
        let (bytes, ranges) = batch.own(event);
        let call = Call {
            event: event.clone(),
            arch: *arch,
            nr: *nr,
            args: *args,
            program: Arc::clone(program),
            bytes,
            ranges,
            shown: None,
            width: 0,
        };
        self.calls.insert(event.tid, call);
    }

    fn exit(
        &mut self,
        batch: &Batch,
        event: &Event,
        result: i64,
        oracle: &mut dyn Oracle,
        out: &mut String,
    ) {
        let Some(call) = self.calls.remove(&event.tid) else {
            return;
        };
        let is_open = self.open == Some(event.tid);
        let whole = call.shown.is_none();
        if self.style.whole && !self.is_written(result) {
            self.note_restart(event.tid, &call.program, result);
            return;
        }
        let width = if is_open && !whole {
            call.width
        } else if is_open || self.style.whole {
            self.prefix(event.tid, call.event.time_ns, oracle, out)
        } else {
            self.break_off(oracle, out);
            self.prefix(event.tid, event.time_ns, oracle, out)
        };
        if is_open {
            self.open = None;
        }
        let asked = Asked {
            arch: call.arch,
            nr: call.nr,
            args: &call.args,
            entry: Copied {
                bytes: &call.bytes,
                ranges: &call.ranges,
            },
            exit: Some((result, batch.copied(event))),
        };
        let mut text = String::new();
        text.push_str(&call.program.name);
        text.push('(');
        let restarts = self.restarted(event.tid, &call.program);
        let returned = self.both(&call.program, &asked, restarts, oracle, &mut text);
        let from = out.len();
        let shown = call.shown.as_deref().unwrap_or("");
        if is_open || self.style.whole {
            // The beginning of this line is written already.
            if text.starts_with(shown) {
                self.finish(&mut text, 0, width, &returned, duration(&call.event, event));
            } else {
                text.clear();
                text.push_str(shown);
                self.finish(&mut text, 0, width, &returned, duration(&call.event, event));
            }
            out.push_str(&text[shown.len()..]);
        } else {
            let _ = write!(out, "<... {} resumed>", call.program.name);
            if let Some(rest) = text.strip_prefix(shown) {
                out.push_str(rest);
            }
            self.finish(out, from, width, &returned, duration(&call.event, event));
        }
        self.note_restart(event.tid, &call.program, result);
    }

    /// Write the arguments; the text of the result.
    fn both(
        &mut self,
        program: &Program,
        asked: &Asked<'_>,
        restarts: Option<String>,
        oracle: &mut dyn Oracle,
        out: &mut String,
    ) -> String {
        let Some((result, exit)) = asked.exit else {
            return String::new();
        };
        let from = out.len();
        let mut returned = String::new();
        let scene = Scene {
            program,
            args: asked.args,
            entry: asked.entry,
            exit,
            result: Some(result),
            limits: self.limits,
            text_max: self.style.text_max,
        };
        let words = &mut self.words;
        let mut ask = |table, value| oracle.word(table, value);
        let mut pen = Pen {
            words,
            ask: &mut ask,
            out,
        };
        let written = scene.arguments(&mut pen);
        pen.out = &mut returned;
        let known = written.and_then(|()| scene.returned(&mut pen)).is_ok();
        if !known {
            out.truncate(from);
            returned.clear();
            let pure = asked.entry.ranges.is_empty() && exit.ranges.is_empty();
            let key = (asked.arch, asked.nr, program.passed(asked.args), result);
            if let Some((arguments, result)) = self.texts.get(&key).filter(|_| pure) {
                out.push_str(arguments);
                returned.push_str(result);
            } else if let Some((arguments, text)) = oracle.ended(asked) {
                out.push_str(&arguments);
                returned.push_str(&text);
                if pure {
                    if self.texts.len() >= TEXTS_MAX {
                        self.texts.clear();
                    }
                    self.texts.insert(key, (arguments, text));
                }
            }
        }
        if let Some(text) = restarts {
            out.truncate(from);
            out.push_str(&text);
        }
        returned
    }

    /// The argument of a `restart_syscall`.
    fn restarted(&self, tid: Tid, program: &Program) -> Option<String> {
        (program.name == RESTART).then(|| {
            let name = self
                .interrupted
                .get(&tid)
                .map_or("system call", String::as_str);
            format!("<... resuming interrupted {name} ...>")
        })
    }

    fn note_restart(&mut self, tid: Tid, program: &Program, result: i64) {
        if matches!(result, -512 | -513 | -514 | -516) && program.name != RESTART {
            self.interrupted.insert(tid, program.name.clone());
        }
    }

    /// Close the parenthesis of a line that began at `from`, and write what stands behind.
    fn finish(
        &self,
        out: &mut String,
        from: usize,
        width: usize,
        returned: &str,
        duration_ns: u64,
    ) {
        out.push(')');
        let column = self.style.column.saturating_sub(1 + width);
        for _ in out.len() - from..column {
            out.push(' ');
        }
        out.push_str(" = ");
        out.push_str(returned);
        if self.style.durations {
            let (seconds, micros) = (duration_ns / NS, duration_ns % NS / 1000);
            let _ = write!(out, " <{seconds}.{micros:06}>");
        }
        out.push('\n');
    }

    /// Write whose line it is and when it begins; how wide that is.
    fn prefix(
        &mut self,
        tid: Tid,
        time_ns: u64,
        oracle: &mut dyn Oracle,
        out: &mut String,
    ) -> usize {
        let from = out.len();
        match self.style.pids {
            PidShown::Column => {
                let _ = write!(out, "{tid:<5} ");
            }
            PidShown::WhenSeveral if self.several => {
                let _ = write!(out, "[pid {tid:5}] ");
            }
            _ => {}
        }
        self.stamp(time_ns, oracle, out);
        out.len() - from
    }

    fn stamp(&mut self, time_ns: u64, oracle: &mut dyn Oracle, out: &mut String) {
        let (second, micros) = (time_ns / NS, time_ns % NS / 1000);
        if self.style.clock == Clock::Unix {
            let _ = write!(out, "{second}");
        } else if self.style.clock != Clock::None {
            let mut ask = |table, value| oracle.word(table, value);
            let mut pen = Pen {
                words: &mut self.words,
                ask: &mut ask,
                out,
            };
            // A time that cannot be asked for is not shown; the oracle keeps the error.
            let _ = pen.word(SECONDS, second);
        }
        if matches!(self.style.clock, Clock::Microseconds | Clock::Unix) {
            let _ = write!(out, ".{micros:06}");
        }
        if self.style.clock != Clock::None {
            out.push(' ');
        }
    }

    /// Write as much of the open line as is known before the call returns, if nothing is yet.
    pub fn show(&mut self, oracle: &mut dyn Oracle, out: &mut String) {
        let Some(tid) = self.open else { return };
        let Some(mut call) = self.calls.remove(&tid) else {
            return;
        };
        if call.shown.is_none() {
            call.width = self.prefix(tid, call.event.time_ns, oracle, out);
            let text = self.begun(tid, &call, oracle);
            out.push_str(&text);
            call.shown = Some(text);
        }
        self.calls.insert(tid, call);
    }

    fn begun(&mut self, tid: Tid, call: &Call, oracle: &mut dyn Oracle) -> String {
        if let Some(restarts) = self.restarted(tid, &call.program) {
            return format!("{}({restarts}", call.program.name);
        }
        let asked = Asked {
            arch: call.arch,
            nr: call.nr,
            args: &call.args,
            entry: Copied {
                bytes: &call.bytes,
                ranges: &call.ranges,
            },
            exit: None,
        };
        let scene = Scene {
            program: &call.program,
            args: asked.args,
            entry: asked.entry,
            exit: Copied::default(),
            result: None,
            limits: self.limits,
            text_max: self.style.text_max,
        };
        let mut text = String::new();
        let mut ask = |table, value| oracle.word(table, value);
        let mut pen = Pen {
            words: &mut self.words,
            ask: &mut ask,
            out: &mut text,
        };
        if scene.begun(&mut pen).is_err() {
            text = oracle.begun(&asked).unwrap_or_default();
        }
        text
    }

    /// Break the open line off: something else is about to be written.
    pub fn break_off(&mut self, oracle: &mut dyn Oracle, out: &mut String) {
        if self.open.is_some() {
            self.show(oracle, out);
            out.push_str(" <unfinished ...>\n");
            self.open = None;
        }
    }

    /// Give the call that a thread is in away: what is written of its line, whether that is the last
    /// and not ended, and how wide its prefix is.
    pub fn release(&mut self, tid: Tid) -> Option<(Option<String>, bool, usize)> {
        let call = self.calls.remove(&tid)?;
        let is_open = self.open == Some(tid);
        if is_open {
            self.open = None;
        }
        Some((call.shown, is_open, call.width))
    }
}

fn duration(entry: &Event, exit: &Event) -> u64 {
    exit.mono_ns.saturating_sub(entry.mono_ns)
}
