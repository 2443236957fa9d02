//! System calls behind safe signatures; with `child` the only file of this crate with `unsafe` in it.
//!
//! Rules of this file:
//!
//! 1. One function, one request to the kernel; nothing is retried or decided here.
//! 2. A signature is safe for every argument: buffers come as slices and references, and addresses
//!    of other processes are plain numbers.
//! 3. Requests of ptrace(2) that need nothing unsafe of their own stand in `requests`, as part of this.
//!
//! Reference: ptrace(2), wait(2), `process_vm_readv(2)`, `signal-safety(7)`.

#![allow(unsafe_code)]

use core::ffi::{CStr, c_int, c_long, c_void};
use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use crate::cpus::CpuSet;
use crate::fact::Usage;
pub(crate) use crate::requests::*;
pub(crate) use crate::syscall_info::{OP_ENTRY, OP_EXIT, OP_SECCOMP, SyscallInfo};
use crate::{Errno, Tid};

/// The raw `siginfo_t`.
pub type Siginfo = [u8; 128];

pub(crate) fn checked(result: c_long) -> Result<c_long, Errno> {
    if result == -1 {
        Err(Errno::last())
    } else {
        Ok(result)
    }
}

/// A request whose `data` is a number, not a pointer.
pub(crate) fn ptrace_plain(
    request: c_long,
    tid: Tid,
    addr: usize,
    data: usize,
) -> Result<c_long, Errno> {
    // SAFETY: every caller, here and in `requests`, passes a request that touches no memory of ours.
    checked(unsafe { libc::syscall(libc::SYS_ptrace, request, tid, addr, data) })
}

/// A request for which the kernel reads or writes at most `size_of::<T>()` bytes at `data`.
pub(crate) fn ptrace_with<T>(
    request: c_long,
    tid: Tid,
    addr: usize,
    data: &mut T,
) -> Result<c_long, Errno> {
    let data: *mut T = data;
    // SAFETY: `data` is exclusively borrowed and large enough for the request (rule of this function).
    checked(unsafe { libc::syscall(libc::SYS_ptrace, request, tid, addr, data) })
}

/// What no request but those with a vector writes more than: a whole seccomp filter is 32 KiB.
const REQUEST_MAX: usize = 1 << 16;

/// Any request whose data is a buffer; `buffer` goes in and comes out.
pub(crate) fn ptrace_buffer(
    request: u32,
    tid: Tid,
    addr: usize,
    buffer: &mut [u8],
) -> Result<i64, Errno> {
    let mut scratch = vec![0_u8; REQUEST_MAX.max(buffer.len())];
    scratch[..buffer.len()].copy_from_slice(buffer);
    // SAFETY: no request writes more than the scratch buffer holds, and it outlives the call.
    let answer = checked(unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            c_long::from(request),
            c_long::from(tid),
            addr,
            scratch.as_mut_ptr(),
        )
    })?;
    buffer.copy_from_slice(&scratch[..buffer.len()]);
    Ok(answer)
}

/// Any request whose data is a number.
pub(crate) fn ptrace_number(
    request: u32,
    tid: Tid,
    addr: usize,
    data: usize,
) -> Result<i64, Errno> {
    // SAFETY: the caller names a request that takes its data by value.
    checked(unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            c_long::from(request),
            c_long::from(tid),
            addr,
            data,
        )
    })
}

/// Any request as an i386 tracer makes it, by `int $0x80`: with its numbers, structures and sizes.
///
/// `buffer`, if not empty, goes in and comes out, and its address is the data; else that is `data`.
#[cfg(target_arch = "x86_64")]
pub(crate) fn ptrace_i386(
    request: u32,
    tid: Tid,
    addr: u32,
    data: u32,
    buffer: &mut [u8],
) -> Result<i64, Errno> {
    const CALL_PTRACE: i64 = 26;
    let low = LowPages::new(REQUEST_MAX.max(buffer.len()))?;
    let data = if buffer.is_empty() {
        data
    } else {
        low.address()
    };
    low.exchange(buffer, true);
    let mut result = CALL_PTRACE;
    // SAFETY: no request writes more than the pages hold.  The call keeps all registers but these.
    unsafe {
        core::arch::asm!(
            "xchg rbx, {request:r}",
            "int 0x80",
            "xchg rbx, {request:r}",
            request = inout(reg) u64::from(request) => _,
            inout("rax") result,
            in("rcx") tid,
            in("rdx") addr,
            in("rsi") data,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    let result = i64::from(result as i32);
    if (-4095..0).contains(&result) {
        return Err(Errno(-result as i32));
    }
    low.exchange(buffer, false);
    Ok(result)
}

/// Memory below 4 GiB, where an i386 call can point to.
#[cfg(target_arch = "x86_64")]
struct LowPages(*mut u8, usize);

#[cfg(target_arch = "x86_64")]
impl LowPages {
    fn new(length: usize) -> Result<Self, Errno> {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
        // SAFETY: a mapping of its own, at an address that the kernel chooses.
        let at = unsafe { libc::mmap(ptr::null_mut(), length, rights, flags, -1, 0) };
        if at == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Self(at.cast(), length))
    }

    fn address(&self) -> u32 {
        self.0.addr() as u32
    }

    /// Copy a buffer in, or out.
    fn exchange(&self, buffer: &mut [u8], is_in: bool) {
        // SAFETY: the pages are as long as the buffer at least, and nobody else knows them.
        let pages = unsafe { core::slice::from_raw_parts_mut(self.0, buffer.len()) };
        if is_in {
            pages.copy_from_slice(buffer);
        } else {
            buffer.copy_from_slice(pages);
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Drop for LowPages {
    fn drop(&mut self) {
        // SAFETY: they were mapped so, and no reference to them is left.
        unsafe { libc::munmap(self.0.cast(), self.1) };
    }
}

/// There are no such tracers.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn ptrace_i386(
    _request: u32,
    _tid: Tid,
    _addr: u32,
    _data: u32,
    _buffer: &mut [u8],
) -> Result<i64, Errno> {
    Err(Errno(libc::EIO))
}

/// Where wait4(2) is to write a `struct rusage`, if anywhere.
fn usage_at(usage: Option<&mut Usage>) -> *mut libc::rusage {
    usage.map_or(ptr::null_mut(), |usage| usage.as_mut_ptr().cast())
}

/// wait4(2) without blocking: the tid (0: nothing yet) and its status; and what it has used, if wanted.
///
/// `more`: options besides those of every wait.
pub(crate) fn wait_now(
    tid: Tid,
    more: c_int,
    usage: Option<&mut Usage>,
) -> Result<(Tid, c_int), Errno> {
    let mut status: c_int = 0;
    let options = libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG | more;
    // SAFETY: `status` and `usage` outlive the call; a null rusage is allowed, its bytes are all plain.
    let found = checked(unsafe {
        libc::syscall(
            libc::SYS_wait4,
            tid,
            &raw mut status,
            options,
            usage_at(usage),
        )
    })?;
    Ok((found as Tid, status))
}

/// wait4(2), blocking unless `flag` is not zero; `EINTR` if it is, or becomes so.
pub(crate) fn wait_unless(
    flag: &AtomicU32,
    tid: Tid,
    usage: Option<&mut Usage>,
) -> Result<(Tid, c_int), Errno> {
    let mut status: c_int = 0;
    let options = libc::__WALL | libc::__WNOTHREAD;
    let arguments = [
        tid as usize,
        (&raw mut status) as usize,
        options as usize,
        usage_at(usage) as usize,
    ];
    // SAFETY: `status` and `usage` outlive the call; a null rusage is allowed, its bytes are all plain.
    let found = unsafe { window_syscall(flag, libc::SYS_wait4, arguments) }?;
    Ok((found as Tid, status))
}

/// Sleep until a signal, unless `flag` is not zero.
pub(crate) fn sleep_unless(flag: &AtomicU32) {
    // SAFETY: ppoll(2) with no descriptors, no timeout and no mask touches no memory.
    // It can only end by EINTR.
    let _ = unsafe { window_syscall(flag, libc::SYS_ppoll, [0; 4]) };
}

/// What of `tid` a waitid(2) for `what` would tell: the `si_code`, 0 for nothing.
pub(crate) fn peek(tid: Tid, what: c_int) -> Result<c_int, Errno> {
    // SAFETY: an all-zero siginfo_t is a valid value of that plain C structure.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    let options = libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG | libc::WNOWAIT | what;
    // SAFETY: `info` outlives the call.
    checked(c_long::from(unsafe {
        libc::waitid(libc::P_PID, tid.cast_unsigned(), &raw mut info, options)
    }))?;
    Ok(info.si_code)
}

/// Whether a status of `tid` waits to be taken.
pub(crate) fn wait_peek(tid: Tid) -> Result<bool, Errno> {
    Ok(peek(tid, libc::WEXITED | libc::WSTOPPED)? != 0)
}

/// Read an extended attribute of a file; its length.
pub(crate) fn attribute(path: &CStr, name: &CStr, value: &mut [u8]) -> Result<usize, Errno> {
    let (into, room) = (value.as_mut_ptr().cast::<c_void>(), value.len());
    // SAFETY: both names end with a NUL, and `value` is exclusively borrowed and has that much room.
    let length = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), into, room) };
    Ok(checked(length as c_long)?.cast_unsigned() as usize)
}

/// The time of a clock, 0 if there is no such clock (any more).
pub(crate) fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` outlives the call.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// The CPUs that the calling thread may run on; none if there are more than a set holds.
pub(crate) fn own_cpus() -> CpuSet {
    let mut set = CpuSet::default();
    // SAFETY: the kernel fills at most the bytes that it is told of.
    unsafe {
        libc::sched_getaffinity(0, size_of::<CpuSet>(), (&raw mut set).cast());
    }
    set
}

/// Let the calling thread run on these CPUs only.  Refused if none of them is left: then it runs where it did.
pub(crate) fn bind_to(set: &CpuSet) {
    // SAFETY: the kernel reads the bytes that it is told of.
    unsafe {
        libc::sched_setaffinity(0, size_of::<CpuSet>(), ptr::from_ref(set).cast());
    }
}

/// The CPU that the calling thread runs on.
pub(crate) fn current_cpu() -> usize {
    // SAFETY: no arguments; -1 where the kernel has no such call.
    usize::try_from(unsafe { libc::sched_getcpu() }).unwrap_or_default()
}

/// How many CPUs there are that run; 1 if that is not known.
pub(crate) fn online_cpus() -> usize {
    // SAFETY: takes a number and gives one.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap_or(1)
}

/// Set the policy of the calling thread to `SCHED_IDLE`, or back to `SCHED_OTHER`; whether that was allowed.
pub(crate) fn set_idle(idle: bool) -> bool {
    let policy = if idle {
        libc::SCHED_IDLE
    } else {
        libc::SCHED_OTHER
    };
    // SAFETY: an all-zero sched_param is a valid value, and outlives the call.
    unsafe {
        let param: libc::sched_param = core::mem::zeroed();
        libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const param) == 0
    }
}

/// Whether a thread of ours may become `SCHED_IDLE` and `SCHED_OTHER` again; tried by one made for it.
pub(crate) fn may_idle_and_return() -> bool {
    // SAFETY: no memory is touched.
    let ordinary = unsafe { libc::sched_getscheduler(0) } == libc::SCHED_OTHER;
    let trial = || std::thread::spawn(|| set_idle(true) && set_idle(false)).join();
    ordinary && trial().unwrap_or(false)
}

pub(crate) fn own_tid() -> Tid {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::gettid() }
}

/// A number that no other living thread of this process has; costs no system call.
pub(crate) fn thread_mark() -> usize {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::pthread_self() as usize }
}

// The window.  A signal that arrives between the look at a flag and the system call would be lost:
// the call would sleep with the flag set.  So the look is part of a stretch of code, and the
// handler of SIGURG moves a thread found in it to its end (the way cancellation points work in
// musl libc).  Before the stretch the look sees the flag; after it the call gives EINTR by itself.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".text",
    ".p2align 4",
    ".globl utrace_window_call",
    ".hidden utrace_window_call",
    ".type utrace_window_call, @function",
    "utrace_window_call:",
    "mov r11, rdi",
    "mov rax, rsi",
    "mov rdi, rdx",
    "mov rsi, rcx",
    "mov rdx, r8",
    "mov r10, r9",
    "xor r8d, r8d",
    ".globl utrace_window_start",
    ".hidden utrace_window_start",
    "utrace_window_start:",
    "cmp dword ptr [r11], 0",
    "jne utrace_window_cancel",
    "syscall",
    ".globl utrace_window_end",
    ".hidden utrace_window_end",
    "utrace_window_end:",
    "ret",
    ".globl utrace_window_cancel",
    ".hidden utrace_window_cancel",
    "utrace_window_cancel:",
    "mov rax, -4",
    "ret",
    ".size utrace_window_call, . - utrace_window_call",
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".text",
    ".p2align 4",
    ".globl utrace_window_call",
    ".hidden utrace_window_call",
    ".type utrace_window_call, %function",
    "utrace_window_call:",
    "mov x9, x0",
    "mov x8, x1",
    "mov x0, x2",
    "mov x1, x3",
    "mov x2, x4",
    "mov x3, x5",
    "mov x4, xzr",
    ".globl utrace_window_start",
    ".hidden utrace_window_start",
    "utrace_window_start:",
    "ldar w10, [x9]",
    "cbnz w10, utrace_window_cancel",
    "svc #0",
    ".globl utrace_window_end",
    ".hidden utrace_window_end",
    "utrace_window_end:",
    "ret",
    ".globl utrace_window_cancel",
    ".hidden utrace_window_cancel",
    "utrace_window_cancel:",
    "mov x0, #-4",
    "ret",
    ".size utrace_window_call, . - utrace_window_call",
);

// SAFETY: the block above defines these symbols; the three places are only compared, never read.
unsafe extern "C" {
    fn utrace_window_call(
        flag: *const u32,
        number: c_long,
        a: usize,
        b: usize,
        c: usize,
        d: usize,
    ) -> c_long;
    static utrace_window_start: u8;
    static utrace_window_end: u8;
    static utrace_window_cancel: u8;
}

/// A system call made only if `flag` is zero; `EINTR` otherwise.
///
/// # Safety
///
/// `arguments` must be right for the call: pointers among them valid for what it does.
unsafe fn window_syscall(
    flag: &AtomicU32,
    number: c_long,
    arguments: [usize; 4],
) -> Result<c_long, Errno> {
    let [a, b, c, d] = arguments;
    // SAFETY: the flag outlives the call and is read as one aligned word; the rest is our caller's promise.
    let result = unsafe { utrace_window_call(flag.as_ptr(), number, a, b, c, d) };
    if (-4095..0).contains(&result) {
        Err(Errno(-result as i32))
    } else {
        Ok(result)
    }
}

/// What SIGURG meant to the host before.
static HOST_ACTION: OnceLock<libc::sigaction> = OnceLock::new();

/// Its address marks our own SIGURGs.
static RING_MARK: u8 = 0;

#[cfg(target_arch = "x86_64")]
fn program_counter(context: &mut libc::ucontext_t) -> &mut i64 {
    &mut context.uc_mcontext.gregs[libc::REG_RIP as usize]
}

#[cfg(target_arch = "aarch64")]
fn program_counter(context: &mut libc::ucontext_t) -> &mut u64 {
    &mut context.uc_mcontext.pc
}

extern "C" fn on_ring(signo: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid ucontext_t to a handler installed with SA_SIGINFO.
    let counter = program_counter(unsafe { &mut *context.cast::<libc::ucontext_t>() });
    let start = (&raw const utrace_window_start) as usize;
    let end = (&raw const utrace_window_end) as usize;
    if (start..end).contains(&(*counter as usize)) {
        *counter = (&raw const utrace_window_cancel) as usize as _;
    }
    // SAFETY: the kernel passes a valid siginfo_t; si_value is meaningful for these codes, checked first.
    let ours = unsafe {
        ((*info).si_code == libc::SI_QUEUE || (*info).si_code == libc::SI_TIMER)
            && (*info).si_value().sival_ptr.cast_const() == (&raw const RING_MARK).cast()
    };
    let Some(host) = HOST_ACTION.get() else {
        return;
    };
    if ours || host.sa_sigaction == libc::SIG_DFL || host.sa_sigaction == libc::SIG_IGN {
        return;
    }
    if host.sa_flags & libc::SA_SIGINFO == 0 {
        // SAFETY: sigaction(2) gave this as a handler of one argument.
        let handler: extern "C" fn(c_int) = unsafe { core::mem::transmute(host.sa_sigaction) };
        handler(signo);
    } else {
        // SAFETY: sigaction(2) gave this as a handler of three arguments.
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
            unsafe { core::mem::transmute(host.sa_sigaction) };
        handler(signo, info, context);
    }
}

/// Install the handler of SIGURG, once a process, and let this thread receive that signal.
///
/// A handler of the host stays in force for SIGURGs that are not ours.  A host that installs one
/// later takes the signal from us: bells would then be late, by at most one fact.
pub(crate) fn listen_for_rings() {
    HOST_ACTION.get_or_init(|| {
        // SAFETY: all-zero sigactions are valid values of that plain C structure.
        let (mut ours, mut host): (libc::sigaction, libc::sigaction) =
            unsafe { (core::mem::zeroed(), core::mem::zeroed()) };
        ours.sa_sigaction = on_ring as *const () as usize;
        // No SA_RESTART: the wait must end with EINTR.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: both structures outlive the call, and `on_ring` calls only what a handler may.
        unsafe { libc::sigaction(libc::SIGURG, &raw const ours, &raw mut host) };
        host
    });
    // SAFETY: an all-zero sigset_t is valid, and initialised by sigemptyset before its use.
    unsafe {
        let mut set: libc::sigset_t = core::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGURG);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
    }
}

/// Send SIGURG to a thread of this process; a thread that has ended is passed over.
pub(crate) fn ring_thread(tid: Tid) {
    let mut info = [0_u64; 16];
    // si_signo, si_errno; si_code SI_QUEUE; si_pid, si_uid; si_value.
    info[0] = libc::SIGURG as u64;
    info[1] = u64::from(libc::SI_QUEUE.cast_unsigned());
    info[2] = u64::from(std::process::id());
    info[3] = (&raw const RING_MARK) as u64;
    // SAFETY: `info` has the size and alignment of siginfo_t and outlives the call.
    unsafe {
        libc::syscall(
            libc::SYS_rt_tgsigqueueinfo,
            std::process::id(),
            tid,
            libc::SIGURG,
            info.as_ptr(),
        )
    };
}

/// A timer whose ticks end a sleep of the thread that made it, as a ring does.
pub(crate) struct Ticker {
    id: c_int,
    runs: bool,
}

impl Ticker {
    pub(crate) fn new() -> Result<Self, Errno> {
        let mut id: c_int = 0;
        // SAFETY: all-zero is a valid value of that plain C structure.
        let mut event: libc::sigevent = unsafe { core::mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGURG;
        event.sigev_notify_thread_id = own_tid();
        event.sigev_value.sival_ptr = (&raw const RING_MARK).cast_mut().cast();
        // SAFETY: `event` and `id` outlive the call; the kernel's timer_t is an int.
        checked(unsafe {
            libc::syscall(
                libc::SYS_timer_create,
                libc::CLOCK_MONOTONIC,
                &raw const event,
                &raw mut id,
            )
        })?;
        Ok(Self { id, runs: false })
    }

    /// Tick every so often, or, at 0, no more.
    pub(crate) fn set(&mut self, interval_ns: i64) -> Result<(), Errno> {
        let runs = interval_ns != 0;
        if runs == self.runs {
            return Ok(());
        }
        let span = libc::timespec {
            tv_sec: 0,
            tv_nsec: interval_ns,
        };
        let when = libc::itimerspec {
            it_interval: span,
            it_value: span,
        };
        // SAFETY: `when` outlives the call, and a null old value is allowed.
        checked(unsafe {
            libc::syscall(
                libc::SYS_timer_settime,
                self.id,
                0,
                &raw const when,
                ptr::null_mut::<libc::itimerspec>(),
            )
        })?;
        self.runs = runs;
        Ok(())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // SAFETY: no memory is involved; a timer that is gone is refused.
        unsafe { libc::syscall(libc::SYS_timer_delete, self.id) };
    }
}

/// Copy from the address space of `tid`; possibly short.
pub(crate) fn vm_read(tid: Tid, address: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
    let local = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    vm_readv(tid, local, &[(address, buffer.len())])
}

/// Copy many ranges one after the other into `buffer`; possibly short.
///
/// `buffer` bounds the copy, whatever the ranges say.
pub(crate) fn vm_read_many(
    tid: Tid,
    ranges: &[(u64, usize)],
    buffer: &mut [u8],
) -> Result<usize, Errno> {
    let local = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    vm_readv(tid, local, ranges)
}

fn remote_vector(&(address, length): &(u64, usize)) -> libc::iovec {
    libc::iovec {
        iov_base: address as usize as *mut c_void,
        iov_len: length,
    }
}

fn vm_readv(tid: Tid, local: libc::iovec, ranges: &[(u64, usize)]) -> Result<usize, Errno> {
    let copied = if let [one] = ranges {
        let remote = remote_vector(one);
        // SAFETY: `local` describes a live exclusively borrowed buffer of our caller; the remote
        // addresses are of the other process.
        unsafe { libc::process_vm_readv(tid, &raw const local, 1, &raw const remote, 1, 0) }
    } else {
        let remote: Vec<libc::iovec> = ranges.iter().map(remote_vector).collect();
        // SAFETY: as above.
        unsafe {
            libc::process_vm_readv(
                tid,
                &raw const local,
                1,
                remote.as_ptr(),
                remote.len() as libc::c_ulong,
                0,
            )
        }
    };
    checked(copied as c_long).map(|count| count as usize)
}

/// Copy into the address space of `tid`; possibly short.
pub(crate) fn vm_write(tid: Tid, address: u64, data: &[u8]) -> Result<usize, Errno> {
    let local = libc::iovec {
        iov_base: data.as_ptr().cast_mut().cast(),
        iov_len: data.len(),
    };
    let remote = remote_vector(&(address, data.len()));
    // SAFETY: the kernel only reads the local range, a live slice.
    let copied =
        unsafe { libc::process_vm_writev(tid, &raw const local, 1, &raw const remote, 1, 0) };
    checked(copied as c_long).map(|count| count as usize)
}

/// A pipe closed on exec: (read end, write end).
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let mut ends = [0; 2];
    // SAFETY: pipe2(2) writes two descriptors, which nobody else owns.
    unsafe {
        let made = libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC);
        checked(c_long::from(made))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// kill(2): a signal to the process of a thread, by any of its tids.
pub(crate) fn kill(tid: Tid, signo: c_int) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    checked(c_long::from(unsafe { libc::kill(tid, signo) })).map(drop)
}

/// tkill(2): a signal to one thread.
pub(crate) fn tkill(tid: Tid, signo: c_int) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    checked(unsafe { libc::syscall(libc::SYS_tkill, tid, signo) }).map(drop)
}

/// Whether a task is a thread of this process, its leader too; dead ones are until they are waited for.
pub(crate) fn is_thread_of(tid: Tid, process: Tid) -> bool {
    // SAFETY: signal 0 is only a check; no memory is involved.
    let sent = checked(unsafe { libc::syscall(libc::SYS_tgkill, process, tid, 0) });
    sent != Err(Errno(libc::ESRCH))
}

pub(crate) fn pidfd_open(pid: Tid) -> Result<OwnedFd, Errno> {
    // SAFETY: pidfd_open(2) returns a new descriptor, which nobody else owns.
    unsafe {
        let fd = checked(libc::syscall(libc::SYS_pidfd_open, pid, 0))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// Whether the process of a pidfd has been reaped.
pub(crate) fn pidfd_is_reaped(fd: BorrowedFd<'_>) -> bool {
    // SAFETY: signal 0 is only a check; a null siginfo is allowed.
    let sent = checked(unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            fd.as_raw_fd(),
            0,
            ptr::null_mut::<libc::siginfo_t>(),
            0,
        )
    });
    sent == Err(Errno(libc::ESRCH))
}

pub(crate) fn eventfd() -> Result<OwnedFd, Errno> {
    // SAFETY: eventfd(2) returns a new descriptor, which nobody else owns.
    unsafe {
        let fd = checked(c_long::from(libc::eventfd(
            0,
            libc::EFD_CLOEXEC | libc::EFD_NONBLOCK,
        )))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// poll(2): which of the descriptors have something (`POLLIN` where asked, `POLLHUP` always).
pub(crate) fn poll(fds: &[(RawFd, bool)], timeout_ms: c_int) -> Vec<i16> {
    let mut entries: Vec<libc::pollfd> = fds
        .iter()
        .map(|&(fd, input)| libc::pollfd {
            fd,
            events: if input { libc::POLLIN } else { 0 },
            revents: 0,
        })
        .collect();
    // SAFETY: the entries are exclusively borrowed for the call; their number is right.
    unsafe {
        libc::poll(
            entries.as_mut_ptr(),
            entries.len() as libc::nfds_t,
            timeout_ms,
        )
    };
    entries.into_iter().map(|entry| entry.revents).collect()
}

/// Block all signals in the calling thread: those of the process are for the host's threads.
pub(crate) fn block_signals() {
    // SAFETY: the set is filled before its use and outlives the call.
    unsafe {
        let mut all: libc::sigset_t = core::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, ptr::null_mut());
    }
}

pub(crate) fn pidfd_open_thread(tid: Tid) -> Result<OwnedFd, Errno> {
    const PIDFD_THREAD: c_int = libc::O_EXCL;
    // SAFETY: pidfd_open(2) returns a new descriptor, which nobody else owns.
    unsafe {
        let fd = checked(libc::syscall(libc::SYS_pidfd_open, tid, PIDFD_THREAD))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// A field of `union bpf_attr`; of buffers the kernel gets the addresses.
pub(crate) enum Field<'a> {
    Word(u32),
    Long(u64),
    Read(&'a [u8]),
    Written(&'a mut [u8]),
}

/// bpf(2).  Buffers have to be as long as the other fields, and the map, say.
pub(crate) fn bpf(command: c_int, fields: &mut [Field<'_>]) -> Result<c_long, Errno> {
    let mut attr = [0_u8; 128];
    let mut end = 0;
    for field in fields {
        let (value, size) = match field {
            Field::Word(value) => (u64::from(*value), 4),
            Field::Long(value) => (*value, 8),
            Field::Read(bytes) => (bytes.as_ptr() as u64, 8),
            Field::Written(bytes) => (bytes.as_mut_ptr() as u64, 8),
        };
        attr[end..end + size].copy_from_slice(&value.to_ne_bytes()[..size]);
        end += size;
    }
    // SAFETY: what is read and written is borrowed for the call and long enough (rule of this function).
    checked(unsafe { libc::syscall(libc::SYS_bpf, command, attr.as_mut_ptr(), attr.len()) })
}

/// The same, for a command that opens a descriptor.
pub(crate) fn bpf_open(command: c_int, fields: &mut [Field<'_>]) -> Result<OwnedFd, Errno> {
    let fd = bpf(command, fields)?;
    // SAFETY: every caller passes a command that returns a new descriptor, which nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// A ring that eBPF programs write, mapped.
///
/// Reference: Linux 6.18 Documentation/bpf/ringbuf.rst; the data is mapped twice in a row.
pub(crate) struct RingMap {
    taken: *mut c_void,
    written: *mut c_void,
    bytes: usize,
}

// SAFETY: the mappings belong to the value alone, and nothing of them is bound to a thread.
unsafe impl Send for RingMap {}

impl RingMap {
    const PAGE: usize = 4096;
    const BUSY: u32 = 1 << 31;
    const DISCARDED: u32 = 1 << 30;

    pub(crate) fn new(fd: BorrowedFd<'_>, bytes: usize) -> Result<Self, Errno> {
        let map = |length: usize, access: c_int, at: usize| {
            // SAFETY: a new mapping at an address that the kernel chooses replaces nothing.
            let found = unsafe {
                libc::mmap(
                    ptr::null_mut(),
                    length,
                    access,
                    libc::MAP_SHARED,
                    fd.as_raw_fd(),
                    at as libc::off_t,
                )
            };
            if found == libc::MAP_FAILED {
                Err(Errno::last())
            } else {
                Ok(found)
            }
        };
        let taken = map(Self::PAGE, libc::PROT_READ | libc::PROT_WRITE, 0)?;
        let mut ring = Self {
            taken,
            written: ptr::null_mut(),
            bytes,
        };
        ring.written = map(Self::PAGE + 2 * bytes, libc::PROT_READ, Self::PAGE)?;
        Ok(ring)
    }

    fn ends(&self) -> (&AtomicU64, &AtomicU64) {
        // SAFETY: both pages begin with a position of 8 bytes, and are mapped as long as `self` is.
        unsafe { (&*self.taken.cast(), &*self.written.cast()) }
    }

    pub(crate) fn has_records(&self) -> bool {
        let (taken, written) = self.ends();
        taken.load(Ordering::Relaxed) != written.load(Ordering::Acquire)
    }

    /// Up to where it is written.
    pub(crate) fn written(&self) -> u64 {
        self.ends().1.load(Ordering::Acquire)
    }

    /// Put the next record into `record`, if there is one before `end` that is whole.
    pub(crate) fn take(&mut self, end: u64, record: &mut Vec<u8>) -> bool {
        loop {
            let (taken, written) = self.ends();
            let position = taken.load(Ordering::Relaxed);
            if position >= end || position == written.load(Ordering::Acquire) {
                return false;
            }
            let at = Self::PAGE + position as usize % self.bytes;
            // SAFETY: records begin at multiples of 8 within the data, with a word that tells their length; the
            // data is mapped twice, so that they are in one piece; who wrote a record no longer touches it.
            let (head, data) = unsafe {
                let head = &*self.written.byte_add(at).cast::<AtomicU32>();
                let head = head.load(Ordering::Acquire);
                let length = (head & !(Self::BUSY | Self::DISCARDED)) as usize;
                let data = self.written.byte_add(at + 8).cast::<u8>();
                (head, core::slice::from_raw_parts(data, length))
            };
            if head & Self::BUSY != 0 {
                return false;
            }
            record.clear();
            record.extend_from_slice(data);
            let next = (data.len() + 8).next_multiple_of(8) as u64;
            taken.store(position + next, Ordering::Release);
            if head & Self::DISCARDED == 0 {
                return true;
            }
        }
    }
}

impl Drop for RingMap {
    fn drop(&mut self) {
        // SAFETY: the mappings are ours, and nobody reads them any more.
        unsafe {
            libc::munmap(self.taken, Self::PAGE);
            if !self.written.is_null() {
                libc::munmap(self.written, Self::PAGE + 2 * self.bytes);
            }
        }
    }
}
