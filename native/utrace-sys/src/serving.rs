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
//!
//! Reference: ptrace(2), wait4(2); D12.

use core::ffi::c_int;

use crate::fact::{Detail, Fact, FactKind};
use crate::raw;
use crate::{Errno, Tid, done_or_gone, memory};

const AUDIT_X86_64: u32 = 0xC000_003E;
/// `utrace.kernel.seccomp.OUR_DATA`: no filter of the tracer's own has a say.
const OUR_DATA: u32 = 0x7574;
const CALL_WAIT4: i64 = 61;
const CALL_PTRACE: i64 = 101;
const REQUEST_CONT: c_int = 7;
const REQUEST_SYSCALL: u64 = 24;
const REQUEST_SYSCALL_INFO: u64 = 0x420e;
const STATUS_SYSCALL_STOP: i32 = (0x80 | libc::SIGTRAP) << 8 | 0x7f;
const WAIT_OPTIONS: u64 = (libc::WNOHANG | libc::__WALL | libc::__WNOTHREAD) as u64;
const RUSAGE_BYTES: usize = 144;

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

struct Stop {
    fact: Fact,
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
    rusage_at: u64,
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
        });
    }

    /// End all serving; the facts by which the owner learns what has come of it.
    pub(crate) fn hand_back(&mut self) -> Vec<Fact> {
        let mut facts = Vec::new();
        for tracer in self.tracers.drain(..) {
            for tracee in tracer.tracees {
                if !tracee.moved && tracee.stop.is_none() {
                    continue;
                }
                let mut call = tracee
                    .call
                    .unwrap_or_else(|| Fact::new(tracee.tid, FactKind::InCall, -1));
                call.kind = FactKind::InCall;
                if tracee.moved {
                    facts.push(call);
                }
                if let Some(stop) = tracee.stop {
                    facts.push(stop.fact);
                    if stop.told {
                        facts.push(Fact::new(
                            tracee.tid,
                            FactKind::Waited,
                            i64::from(tracer.tid),
                        ));
                    }
                }
            }
            facts.extend(tracer.held.map(|held| held.fact));
        }
        facts
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
    pub(crate) fn take(&mut self, fact: &Fact) -> Result<Course, Errno> {
        for tracer in &mut self.tracers {
            if tracer.tid == fact.tid {
                return match tracer.call(fact) {
                    Ok(course) => Ok(course),
                    // Somebody was killed meanwhile: the owner finds out how things stand.
                    Err(Errno(libc::ESRCH)) => Ok(Course::Owners),
                    Err(error) => Err(error),
                };
            }
            if let Some(nth) = tracer.tracees.iter().position(|it| it.tid == fact.tid) {
                if !is_syscall_stop(fact, &self.reserved) || tracer.tracees[nth].stop.is_some() {
                    return Ok(Course::Owners);
                }
                return tracer.tracee_stopped(nth, *fact);
            }
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
    fn tracee_stopped(&mut self, nth: usize, fact: Fact) -> Result<Course, Errno> {
        let tracee = &mut self.tracees[nth];
        tracee.stop = Some(Stop {
            fact,
            told: false,
            aged: false,
        });
        let Some(held) = self.held.take_if(|held| held.wait.is_for(fact.tid)) else {
            return Ok(Course::Settled(self.tid));
        };
        // It was held for a while: killed meanwhile, its exit stop must not be used up by this.
        if raw::wait_peek(self.tid).unwrap_or(true) || !self.tell(nth, held.wait)? {
            self.held = Some(held);
            self.tracees[nth].stop = None;
            return Ok(Course::Owners);
        }
        Ok(Course::Settled(self.tid))
    }

    /// Answer a wait by a tracee's stop; `false`: what it asks for cannot be written.
    fn tell(&mut self, nth: usize, wait: Wait) -> Result<bool, Errno> {
        let tid = self.tracees[nth].tid;
        let written = self.give(wait.status_at, &STATUS_SYSCALL_STOP.to_ne_bytes())?
            && self.give(wait.rusage_at, &[0; RUSAGE_BYTES])?;
        if written {
            if let Some(stop) = &mut self.tracees[nth].stop {
                stop.told = true;
            }
            self.answer(i64::from(tid))?;
        }
        Ok(written)
    }

    /// Write to the tracer's memory; nothing at address 0.
    fn give(&self, address: u64, data: &[u8]) -> Result<bool, Errno> {
        Ok(address == 0 || memory::write(self.tid, address, data)? == data.len())
    }

    /// Let the tracer's call return this, without its being made; if it was killed, it needs no answer.
    fn answer(&self, result: i64) -> Result<(), Errno> {
        let answered = raw::skip_call(self.tid, result)
            .and_then(|()| raw::ptrace_resume(self.tid, REQUEST_CONT, 0));
        done_or_gone(answered).map(drop)
    }

    fn call(&mut self, fact: &Fact) -> Result<Course, Errno> {
        let Detail::Entry {
            arch,
            args,
            ret_data: Some(OUR_DATA),
            ..
        } = fact.detail
        else {
            return Ok(Course::Owners);
        };
        match (arch, fact.value) {
            (AUDIT_X86_64, CALL_PTRACE) => self.ptrace(args),
            (AUDIT_X86_64, CALL_WAIT4) => self.wait4(fact, args),
            _ => Ok(Course::Owners),
        }
    }

    fn ptrace(&mut self, args: [u64; 6]) -> Result<Course, Errno> {
        let [number, pid, addr, data, ..] = args;
        let Some(tracee) = self.tracees.iter_mut().find(|it| it.tid == pid as Tid) else {
            return Ok(Course::Owners);
        };
        let Some(stop) = &tracee.stop else {
            return Ok(Course::Owners);
        };
        match (number, data) {
            (REQUEST_SYSCALL, 0) => {
                // Killed meanwhile, its exit stop must not be used up by this.
                if raw::wait_peek(tracee.tid).unwrap_or(true) {
                    return Ok(Course::Owners);
                }
                raw::ptrace_resume(tracee.tid, REQUEST_SYSCALL as c_int, 0)?;
                tracee.call = (stop.fact.kind == FactKind::SyscallEntry).then_some(stop.fact);
                tracee.moved = true;
                tracee.stop = None;
                self.answer(0)?;
            }
            (REQUEST_SYSCALL_INFO, _) => {
                let (info, size) = syscall_info(&stop.fact);
                let given = size.min(usize::try_from(addr).unwrap_or(size));
                if !self.give(data, &info[..given])? {
                    return Ok(Course::Owners);
                }
                self.answer(size as i64)?;
            }
            _ => return Ok(Course::Owners),
        }
        Ok(Course::Settled(self.tid))
    }

    fn wait4(&mut self, fact: &Fact, args: [u64; 6]) -> Result<Course, Errno> {
        let [pid, status_at, options, rusage_at, ..] = args;
        let options = options & 0xffff_ffff;
        let wait = Wait {
            pid: pid as Tid,
            status_at,
            rusage_at,
        };
        let is_known = wait.pid == -1 || self.tracees.iter().any(|it| it.tid == wait.pid);
        if options & !WAIT_OPTIONS != 0 || !is_known {
            return Ok(Course::Owners);
        }
        let found = self
            .tracees
            .iter()
            .position(|it| wait.is_for(it.tid) && it.stop.as_ref().is_some_and(|stop| !stop.told));
        if let Some(nth) = found {
            if !self.tell(nth, wait)? {
                return Ok(Course::Owners);
            }
        } else if options & libc::WNOHANG as u64 == 0 {
            if raw::blocks_child_signal(self.tid)? {
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
            self.answer(0)?;
        } else if wait.pid == -1 {
            // One of the tracees is its child: the kernel's answer is 0, or about another child.
            raw::ptrace_resume(self.tid, REQUEST_CONT, 0)?;
        } else {
            return Ok(Course::Owners);
        }
        Ok(Course::Settled(self.tid))
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
mod tests {
    use super::*;

    const S: Tid = 1 << 24;
    const T: Tid = S + 1;
    const U: Tid = S + 2;

    fn serving() -> Serving {
        let mut serving = Serving::default();
        serving.begin(Offer {
            tracer: S,
            tracees: vec![T, U],
            is_childless: true,
            reserved: vec![(AUDIT_X86_64, CALL_WAIT4)],
        });
        serving
    }

    fn entry(tid: Tid, kind: FactKind, nr: i64, args: [u64; 6]) -> Fact {
        let ret_data = (kind == FactKind::Seccomp).then_some(OUR_DATA);
        let detail = Detail::Entry {
            arch: AUDIT_X86_64,
            ip: 7,
            sp: 9,
            args,
            ret_data,
        };
        Fact {
            detail,
            ..Fact::new(tid, kind, nr)
        }
    }

    fn settled(serving: &mut Serving, fact: &Fact) -> bool {
        matches!(serving.take(fact), Ok(Course::Settled(_)))
    }

    #[test]
    fn stops_and_calls_that_wait_here_are_handed_back_as_they_came() {
        let mut serving = serving();
        let stop = entry(T, FactKind::SyscallEntry, 39, [0; 6]);
        assert!(settled(&mut serving, &stop));
        assert_eq!(serving.hand_back(), vec![stop]);
        assert!(!serving.is_on());
    }

    #[test]
    fn a_reserved_call_a_second_stop_and_a_stranger_are_the_owners() {
        let mut serving = serving();
        let wait = entry(T, FactKind::SyscallEntry, CALL_WAIT4, [0; 6]);
        assert!(!settled(&mut serving, &wait));
        let stop = entry(U, FactKind::SyscallEntry, 39, [0; 6]);
        assert!(settled(&mut serving, &stop));
        assert!(!settled(&mut serving, &Fact::new(U, FactKind::Exit, 9)));
        assert!(!settled(&mut serving, &Fact::new(5, FactKind::Exec, 5)));
        assert_eq!(serving.hand_back(), vec![stop]);
    }

    #[test]
    fn calls_whose_answer_needs_more_than_a_stop_are_the_owners() {
        let cont = [7, T as u64, 0, 0, 0, 0];
        let with_signal = [REQUEST_SYSCALL, T as u64, 0, 15, 0, 0];
        let stopped_only = [u64::MAX, 0, libc::WUNTRACED as u64, 0, 0, 0];
        let of_a_group = [(-5_i64) as u64, 0, 0, 0, 0, 0];
        let mut serving = serving();
        assert!(settled(
            &mut serving,
            &entry(T, FactKind::SyscallEntry, 39, [0; 6])
        ));
        for (nr, args) in [
            (CALL_PTRACE, cont),
            (CALL_PTRACE, with_signal),
            (CALL_WAIT4, stopped_only),
            (CALL_WAIT4, of_a_group),
            (62, cont),
        ] {
            assert!(!settled(
                &mut serving,
                &entry(S, FactKind::Seccomp, nr, args)
            ));
        }
        // Its own filter has a say: ENOSYS, or what its tracer makes of it.
        let mut theirs = entry(S, FactKind::Seccomp, CALL_PTRACE, cont);
        if let Detail::Entry { ret_data, .. } = &mut theirs.detail {
            *ret_data = Some(0);
        }
        assert!(!settled(&mut serving, &theirs));
    }

    #[test]
    fn a_stop_that_nobody_fetches_is_over_at_the_second_tick() {
        let mut serving = serving();
        assert!(!serving.tick());
        let stop = entry(T, FactKind::SyscallEntry, 39, [0; 6]);
        assert!(settled(&mut serving, &stop));
        assert!(!serving.tick());
        assert!(serving.tick());
    }

    #[test]
    fn syscall_info_of_an_entry_and_of_an_exit_have_the_kernels_sizes() {
        let (info, size) = syscall_info(&entry(T, FactKind::SyscallEntry, -1, [1, 2, 3, 4, 5, 6]));
        assert_eq!((info[0], size), (raw::OP_ENTRY, 80));
        assert_eq!(info[24..32], u64::MAX.to_ne_bytes());
        assert_eq!(info[72..80], 6_u64.to_ne_bytes());
        let detail = Detail::Exit {
            arch: AUDIT_X86_64,
            ip: 7,
            sp: 9,
            is_error: true,
        };
        let exit = Fact {
            detail,
            ..Fact::new(T, FactKind::SyscallExit, -2)
        };
        let (info, size) = syscall_info(&exit);
        assert_eq!((info[0], info[32], size), (raw::OP_EXIT, 1, 33));
        assert_eq!(info[24..32], (-2_i64).to_ne_bytes());
    }
}
