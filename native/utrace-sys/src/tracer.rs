//! One tracer thread: its requests, and its wait for the next fact.
//!
//! Rules of this file:
//!
//! 1. ptrace belongs to the thread that seized: every method but `ring` is for that thread.
//! 2. One trip for a stop: resume, wait and fetch are one call (D14).

use core::ffi::c_int;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::arch::{NT_PRSTATUS, REGSET_BYTES, Registers};
use crate::bell::Bell;
use crate::fact::{Fact, FactKind};
use crate::failure::{Answer, Failure};
use crate::launch::{self, Launch, Program};
use crate::options;
use crate::plain::{Call, CallKind};
use crate::raw::{self, Siginfo};
use crate::record::Recorder;
use crate::serving::Offer;
use crate::state::{FLAGS, State};
use crate::watch::Watch;
use crate::{Errno, Tid, done_or_gone, some_or_gone};

/// Every event at once (D4): FORK, VFORK, CLONE, EXEC, VFORKDONE, EXIT, SYSGOOD.
const SEIZE_OPTIONS: usize = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40;
const TRACE_SECCOMP: usize = 0x80;
const EXIT_KILL: usize = 0x10_0000;
const LISTEN: c_int = 0x4208;
/// The largest register set of a machine: a bound for what the kernel may fill.
const REGSET_MAX: usize = 1 << 16;

/// What one tracer thread may ask.
pub struct Tracer {
    bell: Arc<Bell>,
    /// `raw::thread_mark` of the tracer thread, 0 before its first request.
    owner: AtomicUsize,
    state: Mutex<State>,
    signal_mask: u64,
    recorder: Recorder,
}

impl Tracer {
    /// `signal_mask` is what launched programs begin with.
    #[must_use]
    pub fn new(signal_mask: u64) -> Self {
        Self {
            bell: Arc::new(Bell::new()),
            owner: AtomicUsize::new(0),
            state: Mutex::new(State::default()),
            signal_mask,
            recorder: Recorder::default(),
        }
    }

    /// The recording tier.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The state, for the tracer thread; the first to ask becomes it.
    fn state(&self) -> Answer<MutexGuard<'_, State>> {
        let here = raw::thread_mark();
        match self.owner.load(Ordering::Acquire) {
            owner if owner == here => {}
            0 => {
                let claimed =
                    self.owner
                        .compare_exchange(0, here, Ordering::AcqRel, Ordering::Acquire);
                if claimed.is_err() {
                    return Err(Failure::WrongThread);
                }
                self.bell.listen();
            }
            _ => return Err(Failure::WrongThread),
        }
        match self.state.try_lock() {
            Ok(state) => Ok(state),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Failure::WrongThread),
        }
    }

    /// Resume one tracee (0: none), then wait for the next fact about any.
    ///
    /// `None`: a signal of the host interrupted the wait; ask again with tid 0.
    pub fn next_fact(&self, tid: Tid, request: c_int, signo: c_int) -> Answer<Option<Fact>> {
        let mut state = self.state()?;
        let next = self.next_of(&mut state, tid, request, signo);
        state.sharing.release();
        next
    }

    fn next_of(
        &self,
        state: &mut State,
        tid: Tid,
        request: c_int,
        signo: c_int,
    ) -> Answer<Option<Fact>> {
        let mut hot = None;
        // A newer status already taken: the stop that our caller knows is over.
        if tid != 0 && !state.has_ready(tid) {
            state.resumed(tid, request)?;
            let resumed = state.resume(tid, request, signo)?;
            hot = (resumed && request & !FLAGS != LISTEN).then_some(tid);
        }
        loop {
            if self.recorder.is_full() {
                // Python takes what was recorded before it waits again.
                return Ok(Some(Fact::new(0, FactKind::Bell, 0)));
            }
            let next = match state.held.take() {
                None => state.next(&self.bell, hot)?,
                held => held,
            };
            let Some(mut fact) = next else {
                return Ok(None);
            };
            if let Some(first) = self.recorder.comes_first() {
                state.held = Some(fact);
                return Ok(Some(first));
            }
            let taken = self.recorder.handle(&fact, |(tid, request, signo)| {
                state.choose_options(tid, request)?;
                state.sharing.prepare(tid);
                Ok::<_, Failure>(state.resume(tid, request, signo)?.then_some(tid))
            });
            let Some(resumed) = taken else {
                state.options.before_told(&mut fact, &options::Live)?;
                return Ok(Some(state.behind(self.recorder.early(), fact)));
            };
            hot = None;
            for one in resumed.into_iter().flatten() {
                hot = one?.or(hot);
            }
        }
    }

    /// Take a stop that was told, as is known now of its call; whether it was taken, and is over.
    pub fn take_again(&self, tid: Tid) -> Answer<bool> {
        let mut state = self.state()?;
        let taken = self.recorder.handle_again(tid, |(tid, request, signo)| {
            state.resume(tid, request, signo)
        });
        // One that could not be resumed was killed, and its end is a fact of its own.
        Ok(taken.transpose()?.is_some())
    }

    /// Serve a tracer, until the next fact.
    pub fn serve(&self, offer: Offer) -> Answer<()> {
        Ok(self.state()?.serve(offer)?)
    }

    /// Let tasks that are resumed by `PLAIN` run on at these calls, by audit arch and number, and other plain stops.
    ///
    /// `births` are clone3; `opens` go with the argument that is the path.
    pub fn pass_on(
        &self,
        waits: Vec<Call>,
        births: Vec<Call>,
        opens: Vec<(Call, usize)>,
    ) -> Answer<()> {
        let opens = opens
            .into_iter()
            .map(|(call, at)| (call, CallKind::Open(at)));
        let births = births.into_iter().map(|call| (call, CallKind::Birth));
        let waits = waits.into_iter().map(|call| (call, CallKind::Wait));
        let calls = waits.chain(births).chain(opens).collect();
        self.state()?.plain.set_calls(calls);
        Ok(())
    }

    /// End what `PLAIN` began, for all tasks, and the same for recorded ones; those whose last stop was at a wait.
    pub fn pass_on_no_more(&self) -> Answer<Vec<Tid>> {
        self.recorder.end_lives();
        Ok(self.state()?.plain.end())
    }

    /// Make the current or the next `next_fact` tell of a bell; any thread may.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Resume without waiting; `false` if the tracee was killed.
    pub fn resume(&self, tid: Tid, request: c_int, signo: c_int) -> Answer<bool> {
        let mut state = self.state()?;
        if state.has_ready(tid) {
            return Ok(false);
        }
        state.resumed(tid, request)?;
        Ok(state.resume(tid, request, signo)?)
    }

    /// Whether a newer status than the one last told waits for `tid`.
    pub fn pending_fact(&self, tid: Tid) -> Answer<bool> {
        Ok(self.state()?.has_news(tid)?)
    }

    /// Whether the group of `tid` was continued (`WCONTINUED`); `forget`: nobody is told of it again.
    pub fn was_continued(&self, tid: Tid, forget: bool) -> Answer<bool> {
        match self.state()?.was_continued(tid, forget) {
            Err(Errno(libc::ECHILD)) => Ok(false),
            other => Ok(other?),
        }
    }

    /// `PTRACE_INTERRUPT`; `false` if gone.
    pub fn interrupt(&self, tid: Tid) -> Answer<bool> {
        let mut state = self.state()?;
        state.plain.interrupted(tid);
        state.options.interrupted(tid);
        Ok(done_or_gone(raw::ptrace_interrupt(tid))?)
    }

    /// A signal to the process of `tid`; any thread may.  `false` if gone.
    pub fn kill(&self, tid: Tid, signo: c_int) -> Answer<bool> {
        if tid <= 0 {
            // kill(2) takes these for groups of processes.
            return Err(Failure::Kernel(Errno(libc::EINVAL)));
        }
        Ok(done_or_gone(raw::kill(tid, signo))?)
    }

    /// A signal to one thread; any thread may.  `false` if gone.
    pub fn tkill(&self, tid: Tid, signo: c_int) -> Answer<bool> {
        Ok(done_or_gone(raw::tkill(tid, signo))?)
    }

    /// `PTRACE_DETACH`; `false` if gone.
    pub fn detach(&self, tid: Tid, signo: c_int) -> Answer<bool> {
        let mut state = self.state()?;
        let done = done_or_gone(raw::ptrace_detach(tid, signo))?;
        if done {
            state.pace.tracees = state.pace.tracees.saturating_sub(1);
        }
        Ok(done)
    }

    /// `PTRACE_SEIZE` with every option at once.
    pub fn seize(&self, tid: Tid, exit_kill: bool) -> Answer<()> {
        let mut state = self.state()?;
        raw::ptrace_seize(tid, options(exit_kill))?;
        state.options.seized();
        self.recorder.know(tid);
        state.pace.tracees += 1;
        Ok(())
    }

    /// Launch a program; its tid, in an event stop before its execve.
    pub fn spawn(&self, program: &Program, exit_kill: bool) -> Answer<Tid> {
        let mut state = self.state()?;
        // Programs may have filters of their own, whoever asks for ours.
        let options = options(exit_kill) | TRACE_SECCOMP;
        let (tid, launch) = launch::launch(program, options, self.signal_mask)?;
        self.recorder.know(tid);
        state.options.launched(options);
        state.pace.tracees += 1;
        state.launches.insert(tid, launch);
        Ok(tid)
    }

    /// Errno of the failed execve of a launched child, 0 if it has not failed.
    pub fn spawn_error(&self, tid: Tid) -> Answer<i32> {
        Ok(self.state()?.launches.get(&tid).map_or(0, Launch::failure))
    }

    /// `PTRACE_SETSIGINFO`; `false` if gone.
    pub fn set_siginfo(&self, tid: Tid, siginfo: &Siginfo) -> Answer<bool> {
        let _state = self.state()?;
        Ok(done_or_gone(raw::ptrace_set_siginfo(tid, siginfo))?)
    }

    /// A register set, or its first `length` bytes; `None` if gone or not stopped.
    pub fn get_regset(
        &self,
        tid: Tid,
        kind: u32,
        length: Option<usize>,
    ) -> Answer<Option<Vec<u8>>> {
        let _state = self.state()?;
        let most = if kind == NT_PRSTATUS {
            REGSET_BYTES
        } else {
            REGSET_MAX
        };
        let mut regset = vec![0; length.map_or(most, |length| length.min(REGSET_MAX))];
        let filled = some_or_gone(raw::ptrace_get_regset(tid, kind, &mut regset))?;
        Ok(filled.map(|length| {
            regset.truncate(length);
            regset
        }))
    }

    /// Any request whose data is a buffer, which is filled or taken; what ptrace(2) returns.
    pub fn request_buffer(
        &self,
        request: u32,
        tid: Tid,
        addr: usize,
        buffer: &mut [u8],
    ) -> Answer<i64> {
        let _state = self.state()?;
        Ok(raw::ptrace_buffer(request, tid, addr, buffer)?)
    }

    /// Any request whose data is a number; what ptrace(2) returns.
    pub fn request_number(&self, request: u32, tid: Tid, addr: usize, data: usize) -> Answer<i64> {
        let _state = self.state()?;
        Ok(raw::ptrace_number(request, tid, addr, data)?)
    }

    /// Any request as an i386 tracer makes it; its data is the buffer, if that is not empty.
    pub fn request_i386(
        &self,
        request: u32,
        tid: Tid,
        addr: u32,
        data: u32,
        buffer: &mut [u8],
    ) -> Answer<i64> {
        let _state = self.state()?;
        Ok(raw::ptrace_i386(request, tid, addr, data, buffer)?)
    }

    /// Write a register set; `false` if gone.
    pub fn set_regset(&self, tid: Tid, kind: u32, regset: &[u8]) -> Answer<bool> {
        let _state = self.state()?;
        Ok(done_or_gone(raw::ptrace_set_regset(tid, kind, regset))?)
    }

    /// Read, change and write the general registers.
    fn edit_registers(&self, tid: Tid, edit: impl FnOnce(&mut Registers<'_>)) -> Answer<bool> {
        let Some(mut regset) = self.get_regset(tid, NT_PRSTATUS, None)? else {
            return Ok(false);
        };
        edit(&mut Registers(&mut regset));
        self.set_regset(tid, NT_PRSTATUS, &regset)
    }

    /// Change the syscall at its entry stop; -1 skips it, no `args` leaves them.
    pub fn set_syscall(&self, tid: Tid, nr: i32, args: Option<[u64; 6]>) -> Answer<bool> {
        let is_entry = |op| op == raw::OP_ENTRY || op == raw::OP_SECCOMP;
        let done = self.edit_syscall_info(tid, is_entry, |info| {
            info.words[0] = i64::from(nr) as u64;
            for (word, value) in info.words[1..7].iter_mut().zip(args.into_iter().flatten()) {
                *word = crate::arch::clip(info.arch, value);
            }
        })?;
        match done {
            Some(done) => Ok(done),
            None => self.edit_registers(tid, |regs| regs.set_syscall(nr, args)),
        }
    }

    /// Change the return value at a syscall-exit stop.
    pub fn set_result(&self, tid: Tid, value: i64) -> Answer<bool> {
        let done = self.edit_syscall_info(
            tid,
            |op| op == raw::OP_EXIT,
            |info| {
                info.words[0] = value as u64;
                info.words[1] = u64::from((-4095..0).contains(&value));
            },
        )?;
        match done {
            Some(done) => Ok(done),
            None => self.edit_registers(tid, |regs| regs.set_result(value)),
        }
    }

    /// Read, change and write the syscall; `None` if this kernel (before 6.16) or stop cannot.
    fn edit_syscall_info(
        &self,
        tid: Tid,
        applies: impl FnOnce(u8) -> bool,
        edit: impl FnOnce(&mut raw::SyscallInfo),
    ) -> Answer<Option<bool>> {
        let _state = self.state()?;
        let Some(mut info) = some_or_gone(raw::ptrace_get_syscall_info(tid))? else {
            return Ok(Some(false));
        };
        if !applies(info.op) {
            return Ok(None);
        }
        edit(&mut info);
        match done_or_gone(raw::ptrace_set_syscall_info(tid, &mut info)) {
            Err(Errno(libc::EIO | libc::EINVAL | libc::ERANGE)) => Ok(None),
            other => Ok(Some(other?)),
        }
    }

    /// (audit arch, number) if the tracee stands behind a syscall that failed with EINTR.
    pub fn interrupted_syscall(&self, tid: Tid) -> Answer<Option<(u32, i32)>> {
        let regset = self.get_regset(tid, NT_PRSTATUS, None)?;
        Ok(regset.and_then(|mut regset| Registers(&mut regset).interrupted_syscall()))
    }

    /// Make the syscall just done be made again; `false` if gone.
    pub fn rewind_syscall(&self, tid: Tid) -> Answer<bool> {
        self.edit_registers(tid, |regs| {
            regs.rewind();
        })
    }

    /// Debug register `index`; `None` if gone.
    #[cfg(target_arch = "x86_64")]
    pub fn get_debug_register(&self, tid: Tid, index: usize) -> Answer<Option<u64>> {
        let _state = self.state()?;
        Ok(some_or_gone(raw::ptrace_peek_user(
            tid,
            debug_register(index)?,
        ))?)
    }

    /// Write debug register `index`; `false` if gone.
    #[cfg(target_arch = "x86_64")]
    pub fn set_debug_register(&self, tid: Tid, index: usize, value: u64) -> Answer<bool> {
        let _state = self.state()?;
        Ok(done_or_gone(raw::ptrace_poke_user(
            tid,
            debug_register(index)?,
            value,
        ))?)
    }

    /// Ask for a fact when the real parent reaps `tid`; `false` if that has happened.
    pub fn watch_reap(&self, tid: Tid) -> Answer<bool> {
        let mut state = self.state()?;
        Ok(self.watch(&mut state)?.reap(tid)?)
    }

    /// Ask for a fact when this leader is dead though its group lives.
    pub fn watch_zombie(&self, tid: Tid) -> Answer<()> {
        let mut state = self.state()?;
        self.watch(&mut state)?.zombie(tid);
        Ok(())
    }

    fn watch<'a>(&self, state: &'a mut State) -> Result<&'a Watch, Errno> {
        let watch = match state.watch.take() {
            Some(watch) => watch,
            None => Watch::start(&self.bell)?,
        };
        Ok(state.watch.insert(watch))
    }

    /// End the watch thread.  Tracees are the thread's: the kernel lets them go when it ends.
    pub fn close(&self) {
        self.bell.silence();
        let watch = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .watch
            .take();
        drop(watch);
    }
}

fn options(exit_kill: bool) -> usize {
    SEIZE_OPTIONS | if exit_kill { EXIT_KILL } else { 0 }
}

#[cfg(target_arch = "x86_64")]
fn debug_register(index: usize) -> Result<usize, Errno> {
    if index < 8 {
        Ok(crate::arch::DEBUG_REGISTERS + index * 8)
    } else {
        Err(Errno(libc::EINVAL))
    }
}
