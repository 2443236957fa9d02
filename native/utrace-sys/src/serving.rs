//! Tracers served without their owner: the plain part of strace's life, at the speed of this file.
//!
//! A tracer under `utrace run` is itself a tracee; its ptrace and wait calls stop it, and the owner (Python)
//! answers them.  Most are of one kind: go on to the next syscall-stop, wait for it, ask what call it
//! is.  For pairs that the owner *offers*, those are answered here.
//!
//! Rules of this file:
//!
//! 1. An offer holds until the owner is told anything at all.  Then all is handed back first: so while
//!    the owner's code runs nothing here is served, and there is nothing that it does not know.
//! 2. What is handed back looks as if nobody had looked: a tracee that stands in a stop tells that stop, a
//!    tracer that stands at a call tells that call.  Only what was answered is told besides, by
//!    `InCall` and `Waited`.
//! 3. What is answered, is answered as the owner would have done; all else is handed back.
//! 4. Nothing waits here for long: a call held back or a stop not fetched is handed back at the second tick.
//! 5. Of several stops a wait is told the kernel's first; but one that came later than others has to wait
//!    for those: a tracee that stops again and again must not keep a tracer from hearing of the others.
//! 6. A task of which a newer status waits was killed: its exit stop must not be used up by an answer, and
//!    the owner finds out how things stand.
//!
//! Reference: ptrace(2), wait4(2); D12.

use core::ffi::c_int;

use std::collections::VecDeque;

use crate::fact::{Detail, Fact, FactKind};
use crate::{Errno, Tid, done_or_gone, memory, raw};

const AUDIT_X86_64: u32 = 0xC000_003E;
const CALL_WAIT4: i64 = 61;
const CALL_PTRACE: i64 = 101;
const REQUEST_SYSCALL: u64 = 24;
const REQUEST_SYSCALL_INFO: u64 = 0x420e;
const STATUS_SYSCALL_STOP: i32 = (0x80 | libc::SIGTRAP) << 8 | 0x7f;
const WAIT_OPTIONS: u64 = (libc::WNOHANG | libc::__WALL | libc::__WNOTHREAD) as u64;

/// A tracer that may be served, as the owner offers it.
pub struct Offer {
    /// The thread that makes the calls; its process has no other.
    pub tracer: Tid,
    /// Tracees that run to their next syscall-stop, with `PTRACE_O_TRACESYSGOOD`, in the order of a wait.
    pub tracees: Vec<Tid>,
    /// The kernel's own wait has no child to tell of; otherwise one of the tracees is its child.
    pub is_childless: bool,
    /// (audit arch, number) of calls at whose entry the owner has something to say.
    pub reserved: Vec<(u32, i64)>,
}

/// What serving asks of the kernel; a trait, so that a model can stand for it.
pub(crate) trait Kernel {
    /// Whether a newer status of a stopped task waits, or it is gone.
    fn has_moved_on(&self, tid: Tid) -> bool;
    /// Resume a stopped task.
    fn resume(&mut self, tid: Tid, request: c_int) -> Result<(), Errno>;
    /// Let the call at whose entry a task stands return this, without its being made.
    fn skip_call(&mut self, tid: Tid, result: i64) -> Result<(), Errno>;
    /// Write to a task's memory; `false`: not all of it.
    fn write(&mut self, tid: Tid, address: u64, data: &[u8]) -> Result<bool, Errno>;
    /// Whether a stopped task blocks SIGCHLD.
    fn blocks_child_signal(&self, tid: Tid) -> Result<bool, Errno>;
}

/// The kernel itself, and the facts that were taken from it and not told.
pub(crate) struct Live<'a>(pub(crate) &'a VecDeque<Fact>);

impl Live<'_> {
    /// Whether what a fact tells is over, since its task was killed: one that `lay_about` is asked for.
    pub(crate) fn is_over(&self, fact: &Fact, lay_about: bool) -> bool {
        self.has_ready(fact.tid) || lay_about && self.has_moved_on(fact.tid)
    }

    fn has_ready(&self, tid: Tid) -> bool {
        self.0.iter().any(|fact| fact.tid == tid)
    }
}

impl Kernel for Live<'_> {
    fn has_moved_on(&self, tid: Tid) -> bool {
        self.has_ready(tid) || raw::wait_peek(tid).unwrap_or(true)
    }

    fn resume(&mut self, tid: Tid, request: c_int) -> Result<(), Errno> {
        raw::ptrace_resume(tid, request, 0)
    }

    fn skip_call(&mut self, tid: Tid, result: i64) -> Result<(), Errno> {
        raw::skip_call(tid, result)
    }

    fn write(&mut self, tid: Tid, address: u64, data: &[u8]) -> Result<bool, Errno> {
        Ok(memory::write(tid, address, data)? == data.len())
    }

    fn blocks_child_signal(&self, tid: Tid) -> Result<bool, Errno> {
        raw::blocks_child_signal(tid)
    }
}

struct Stop {
    fact: Fact,
    /// The how many-th stop of its tracer's tracees it is.
    nth: u64,
    /// The tracer has waited for it.
    told: bool,
    aged: bool,
}

struct Tracee {
    tid: Tid,
    stop: Option<Stop>,
    /// The entry of the call it is in, if that was told here; `None` and `moved`: it is in none.
    call: Option<Fact>,
    moved: bool,
}

#[derive(Clone, Copy)]
struct Wait {
    pid: Tid,
    status_at: u64,
}

impl Wait {
    fn is_for(&self, tid: Tid) -> bool {
        self.pid == -1 || self.pid == tid
    }
}

struct Held {
    fact: Fact,
    wait: Wait,
    aged: bool,
}

struct Tracer {
    tid: Tid,
    is_childless: bool,
    tracees: Vec<Tracee>,
    /// A wait for what has not happened, in its entry stop.
    held: Option<Held>,
    /// How many stops its tracees have made here, and how many of those are before all later ones.
    stops: u64,
    batch: u64,
}

/// What became of a fact: settled, and this task is likely to stop next; or it is for the owner.
pub(crate) enum Course {
    Settled(Tid),
    Owners,
}

/// Who is served.
#[derive(Default)]
pub(crate) struct Serving {
    tracers: Vec<Tracer>,
    reserved: Vec<(u32, i64)>,
}

impl Serving {
    pub(crate) fn is_on(&self) -> bool {
        !self.tracers.is_empty()
    }

    pub(crate) fn is_about(&self, tid: Tid) -> bool {
        self.tracers
            .iter()
            .any(|it| it.tid == tid || it.tracees.iter().any(|tracee| tracee.tid == tid))
    }

    /// Serve this tracer from now on.
    pub(crate) fn begin(&mut self, offer: Offer) {
        self.tracers.retain(|tracer| tracer.tid != offer.tracer);
        self.reserved = offer.reserved;
        let tracees = offer.tracees.into_iter().map(|tid| Tracee {
            tid,
            stop: None,
            call: None,
            moved: false,
        });
        self.tracers.push(Tracer {
            tid: offer.tracer,
            is_childless: offer.is_childless,
            tracees: tracees.collect(),
            held: None,
            stops: 0,
            batch: 0,
        });
    }

    /// End all serving; the facts by which the owner learns what has come of it.
    pub(crate) fn hand_back(&mut self) -> Vec<Fact> {
        self.tracers.drain(..).flat_map(Tracer::hand_back).collect()
    }

    /// Time passes; `true` if something has waited here for long enough.
    pub(crate) fn tick(&mut self) -> bool {
        let mut over = false;
        for tracer in &mut self.tracers {
            let held = tracer.held.iter_mut().map(|held| &mut held.aged);
            let untold = tracer.tracees.iter_mut().filter_map(|tracee| {
                let stop = tracee.stop.as_mut().filter(|stop| !stop.told);
                stop.map(|stop| &mut stop.aged)
            });
            for aged in held.chain(untold) {
                over |= *aged;
                *aged = true;
            }
        }
        over
    }

    /// Settle a fact, if that can be done here.
    pub(crate) fn take(&mut self, fact: &Fact, kernel: &mut impl Kernel) -> Result<Course, Errno> {
        for tracer in &mut self.tracers {
            let course = if tracer.tid == fact.tid {
                tracer.call(fact, kernel)
            } else if let Some(nth) = tracer.tracees.iter().position(|it| it.tid == fact.tid) {
                if !is_syscall_stop(fact, &self.reserved) || tracer.tracees[nth].stop.is_some() {
                    return Ok(Course::Owners);
                }
                tracer.tracee_stopped(nth, *fact, kernel)
            } else {
                continue;
            };
            return match course {
                // Somebody was killed meanwhile: the owner finds out how things stand.
                Err(Errno(libc::ESRCH)) => Ok(Course::Owners),
                course => course,
            };
        }
        Ok(Course::Owners)
    }
}

fn is_syscall_stop(fact: &Fact, reserved: &[(u32, i64)]) -> bool {
    match (fact.kind, fact.detail) {
        (FactKind::SyscallEntry, Detail::Entry { arch, .. }) => {
            !reserved.contains(&(arch, fact.value))
        }
        (FactKind::SyscallExit, _) => true,
        _ => false,
    }
}

impl Tracer {
    /// What has come of it: the calls its tracees are in, their stops, oldest first, and its own call.
    fn hand_back(self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut stops = Vec::new();
        for tracee in self.tracees {
            if tracee.moved {
                let no_call = Fact::new(tracee.tid, FactKind::InCall, -1);
                facts.push(tracee.call.map_or(no_call, |call| Fact {
                    kind: FactKind::InCall,
                    ..call
                }));
            }
            stops.extend(tracee.stop);
        }
        stops.sort_by_key(|stop| stop.nth);
        for Stop { fact, told, .. } in stops {
            facts.push(fact);
            if told {
                let tracer = i64::from(self.tid);
                facts.push(Fact::new(fact.tid, FactKind::Waited, tracer));
            }
        }
        facts.extend(self.held.map(|held| held.fact));
        facts
    }

    fn tracee_stopped(
        &mut self,
        nth: usize,
        fact: Fact,
        kernel: &mut impl Kernel,
    ) -> Result<Course, Errno> {
        let wait = self.held.as_ref().map(|held| held.wait);
        let told = wait.is_some_and(|wait| wait.is_for(fact.tid));
        if let Some(wait) = wait.filter(|_| told) {
            // It was held for a while.
            if kernel.has_moved_on(self.tid) || !self.tell(fact.tid, wait, kernel)? {
                return Ok(Course::Owners);
            }
            self.held = None;
        }
        self.stops += 1;
        self.tracees[nth].stop = Some(Stop {
            fact,
            nth: self.stops,
            told,
            aged: false,
        });
        Ok(Course::Settled(self.tid))
    }

    /// Answer a wait by a tracee's stop; `false`: what it asks for cannot be written.
    fn tell(&self, tracee: Tid, wait: Wait, kernel: &mut impl Kernel) -> Result<bool, Errno> {
        let status = STATUS_SYSCALL_STOP.to_ne_bytes();
        let written = self.give(wait.status_at, &status, kernel)?;
        if written {
            self.answer(i64::from(tracee), kernel)?;
        }
        Ok(written)
    }

    /// Write to the tracer's memory; nothing at address 0.
    fn give(&self, address: u64, data: &[u8], kernel: &mut impl Kernel) -> Result<bool, Errno> {
        Ok(address == 0 || kernel.write(self.tid, address, data)?)
    }

    /// Let the tracer's call return this, without its being made; if it was killed, it needs no answer.
    fn answer(&self, result: i64, kernel: &mut impl Kernel) -> Result<(), Errno> {
        let answered = kernel
            .skip_call(self.tid, result)
            .and_then(|()| kernel.resume(self.tid, raw::PTRACE_CONT));
        done_or_gone(answered).map(drop)
    }

    fn call(&mut self, fact: &Fact, kernel: &mut impl Kernel) -> Result<Course, Errno> {
        let Some((arch, args)) = fact.call_at_our_filter() else {
            return Ok(Course::Owners);
        };
        match (arch, fact.value) {
            (AUDIT_X86_64, CALL_PTRACE) => self.ptrace(args, kernel),
            (AUDIT_X86_64, CALL_WAIT4) => self.wait4(fact, args, kernel),
            _ => Ok(Course::Owners),
        }
    }

    fn ptrace(&mut self, args: [u64; 6], kernel: &mut impl Kernel) -> Result<Course, Errno> {
        let [number, pid, addr, data, ..] = args;
        let found = self.tracees.iter().position(|it| it.tid == pid as Tid);
        let Some((nth, stop)) =
            found.and_then(|nth| Some((nth, self.tracees[nth].stop.as_ref()?.fact)))
        else {
            return Ok(Course::Owners);
        };
        match (number, data) {
            (REQUEST_SYSCALL, 0) => {
                if kernel.has_moved_on(stop.tid) {
                    return Ok(Course::Owners);
                }
                kernel.resume(stop.tid, REQUEST_SYSCALL as c_int)?;
                let tracee = &mut self.tracees[nth];
                tracee.call = (stop.kind == FactKind::SyscallEntry).then_some(stop);
                tracee.moved = true;
                tracee.stop = None;
                self.answer(0, kernel)?;
            }
            (REQUEST_SYSCALL_INFO, _) => {
                let (info, size) = syscall_info(&stop);
                let given = size.min(usize::try_from(addr).unwrap_or(size));
                if !self.give(data, &info[..given], kernel)? {
                    return Ok(Course::Owners);
                }
                self.answer(size as i64, kernel)?;
            }
            _ => return Ok(Course::Owners),
        }
        Ok(Course::Settled(self.tid))
    }

    fn wait4(
        &mut self,
        fact: &Fact,
        args: [u64; 6],
        kernel: &mut impl Kernel,
    ) -> Result<Course, Errno> {
        let [pid, status_at, options, rusage_at, ..] = args;
        let options = options & 0xffff_ffff;
        let wait = Wait {
            pid: pid as Tid,
            status_at,
        };
        // What a tracee has used is the owner's to find out.
        let is_known = wait.pid == -1 || self.tracees.iter().any(|it| it.tid == wait.pid);
        if options & !WAIT_OPTIONS != 0 || rusage_at != 0 || !is_known {
            return Ok(Course::Owners);
        }
        if let Some(nth) = self.next_untold(wait) {
            if !self.tell(self.tracees[nth].tid, wait, kernel)? {
                return Ok(Course::Owners);
            }
            self.tracees[nth]
                .stop
                .iter_mut()
                .for_each(|stop| stop.told = true);
        } else if options & libc::WNOHANG as u64 == 0 {
            if kernel.blocks_child_signal(self.tid)? {
                return Ok(Course::Owners);
            }
            self.held = Some(Held {
                fact: *fact,
                wait,
                aged: false,
            });
            let awaited = self.tracees.iter().find(|it| it.stop.is_none());
            return Ok(Course::Settled(awaited.map_or(self.tid, |it| it.tid)));
        } else if self.is_childless {
            self.answer(0, kernel)?;
        } else if wait.pid == -1 {
            // One of the tracees is its child: the kernel's answer is 0, or about another child.
            kernel.resume(self.tid, raw::PTRACE_CONT)?;
        } else {
            return Ok(Course::Owners);
        }
        Ok(Course::Settled(self.tid))
    }

    /// The tracee whose stop a wait is to be told now.
    fn next_untold(&mut self, wait: Wait) -> Option<usize> {
        let untold = self.tracees.iter().enumerate().filter_map(|(nth, tracee)| {
            let stop = tracee.stop.as_ref().filter(|stop| !stop.told)?;
            let is_later = stop.nth > self.batch;
            wait.is_for(tracee.tid).then_some((is_later, nth))
        });
        let (is_later, nth) = untold.min()?;
        if is_later && wait.pid == -1 {
            self.batch = self.stops;
        }
        Some(nth)
    }
}

/// `struct ptrace_syscall_info` of a syscall-stop, and how much of it counts.
fn syscall_info(fact: &Fact) -> ([u8; 88], usize) {
    let mut info = raw::SyscallInfo::default();
    let size = match fact.detail {
        Detail::Entry {
            arch, ip, sp, args, ..
        } => {
            (info.op, info.arch, info.ip, info.sp) = (raw::OP_ENTRY, arch, ip, sp);
            info.words[0] = fact.value as u64;
            info.words[1..7].copy_from_slice(&args);
            80
        }
        Detail::Exit {
            arch,
            ip,
            sp,
            is_error,
        } => {
            (info.op, info.arch, info.ip, info.sp) = (raw::OP_EXIT, arch, ip, sp);
            info.words[..2].copy_from_slice(&[fact.value as u64, u64::from(is_error)]);
            33
        }
        _ => 0,
    };
    (info.to_bytes(), size)
}

#[cfg(test)]
#[path = "serving_tests.rs"]
mod tests;
