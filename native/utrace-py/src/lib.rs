//! `utrace._native`: utrace-sys for Python.
//!
//! It converts and decides nothing.  The interpreter is let go around whatever may block.

mod facts;
mod memory;
mod record;
mod shapes;
mod stack;

use std::ffi::CString;
use std::sync::Arc;

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use utrace_sys::record::{Entry, InCall, Piece};
use utrace_sys::shape::Limits;
use utrace_sys::{Errno, Failure, Offer, Program, tap};

use crate::facts::fact_tuple;

fn os_error(errno: Errno) -> PyErr {
    let text = std::io::Error::from_raw_os_error(errno.0).to_string();
    let text = text
        .split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned();
    PyOSError::new_err((errno.0, text))
}

fn failure(failure: Failure) -> PyErr {
    match failure {
        Failure::Kernel(errno) => os_error(errno),
        Failure::WrongThread => {
            PyRuntimeError::new_err("asked from a thread that is not this tracer's")
        }
    }
}

fn c_string(bytes: Vec<u8>) -> PyResult<CString> {
    CString::new(bytes).map_err(|_| PyValueError::new_err("embedded null byte"))
}

fn c_strings(strings: Vec<Vec<u8>>) -> PyResult<Vec<CString>> {
    strings.into_iter().map(c_string).collect()
}

type Calls = Vec<(u32, i64)>;
type Opens = Vec<((u32, i64), usize)>;

/// What one tracer thread may ask of Linux.
#[pyclass(frozen, subclass, module = "utrace._native")]
struct Tracer {
    inner: utrace_sys::Tracer,
}

#[pymethods]
impl Tracer {
    #[new]
    #[pyo3(signature = (signal_mask, /))]
    fn new(signal_mask: u64) -> Self {
        Self {
            inner: utrace_sys::Tracer::new(signal_mask),
        }
    }

    #[pyo3(signature = (tid, request, signo, /))]
    fn next_fact<'py>(
        &self,
        py: Python<'py>,
        tid: i32,
        request: i32,
        signo: i32,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let mut resumed = tid;
        loop {
            let fact = py.detach(|| self.inner.next_fact(resumed, request, signo));
            match fact.map_err(failure)? {
                Some(fact) => return fact_tuple(py, &fact),
                None => py.check_signals()?,
            }
            resumed = 0;
        }
    }

    #[pyo3(signature = (tracer, tracees, is_childless, reserved, /))]
    fn serve(
        &self,
        tracer: i32,
        tracees: Vec<i32>,
        is_childless: bool,
        reserved: Vec<(u32, i64)>,
    ) -> PyResult<()> {
        let offer = Offer {
            tracer,
            tracees,
            is_childless,
            reserved,
        };
        self.inner.serve(offer).map_err(failure)
    }

    #[pyo3(signature = (waits, births, opens, /))]
    fn pass_on(&self, waits: Calls, births: Calls, opens: Opens) -> PyResult<()> {
        self.inner.pass_on(waits, births, opens).map_err(failure)
    }

    fn pass_on_no_more(&self) -> PyResult<Vec<i32>> {
        self.inner.pass_on_no_more().map_err(failure)
    }

    fn ring(&self) {
        self.inner.ring();
    }

    #[pyo3(signature = (tid, request, signo, /))]
    fn resume(&self, tid: i32, request: i32, signo: i32) -> PyResult<bool> {
        self.inner.resume(tid, request, signo).map_err(failure)
    }

    #[pyo3(signature = (tid, /))]
    fn pending_fact(&self, tid: i32) -> PyResult<bool> {
        self.inner.pending_fact(tid).map_err(failure)
    }

    #[pyo3(signature = (tid, /, *, forget))]
    fn was_continued(&self, tid: i32, forget: bool) -> PyResult<bool> {
        self.inner.was_continued(tid, forget).map_err(failure)
    }

    #[pyo3(signature = (tid, /))]
    fn interrupt(&self, tid: i32) -> PyResult<bool> {
        self.inner.interrupt(tid).map_err(failure)
    }

    #[pyo3(signature = (tid, signo, /))]
    fn kill(&self, tid: i32, signo: i32) -> PyResult<bool> {
        self.inner.kill(tid, signo).map_err(failure)
    }

    #[pyo3(signature = (tid, signo, /))]
    fn tgkill(&self, tid: i32, signo: i32) -> PyResult<bool> {
        self.inner.tkill(tid, signo).map_err(failure)
    }

    #[pyo3(signature = (tid, signo, /))]
    fn detach(&self, tid: i32, signo: i32) -> PyResult<bool> {
        self.inner.detach(tid, signo).map_err(failure)
    }

    #[pyo3(signature = (tid, exit_kill, /))]
    fn seize_tid(&self, tid: i32, exit_kill: bool) -> PyResult<i32> {
        match self.inner.seize(tid, exit_kill) {
            Ok(()) => Ok(0),
            Err(Failure::Kernel(errno)) => Ok(errno.0),
            Err(error) => Err(failure(error)),
        }
    }

    #[pyo3(signature = (path, argv, env, cwd, stdio, new_session, parent_death_signal, credentials, seccomp, exit_kill, /))]
    #[allow(clippy::too_many_arguments, reason = "the fields of kernel.api.Spawn")]
    fn launch(
        &self,
        py: Python<'_>,
        path: Vec<u8>,
        argv: Vec<Vec<u8>>,
        env: Vec<Vec<u8>>,
        cwd: Option<Vec<u8>>,
        stdio: [i32; 3],
        new_session: bool,
        parent_death_signal: i32,
        credentials: Option<(u32, u32, Vec<u32>)>,
        seccomp: Vec<u8>,
        exit_kill: bool,
    ) -> PyResult<i32> {
        let program = Program {
            path: c_string(path)?,
            argv: c_strings(argv)?,
            env: c_strings(env)?,
            cwd: cwd.map(c_string).transpose()?,
            stdio,
            new_session,
            parent_death_signal,
            credentials,
            filter: seccomp,
        };
        py.detach(|| self.inner.spawn(&program, exit_kill))
            .map_err(failure)
    }

    #[pyo3(signature = (tid, /))]
    fn spawn_error(&self, tid: i32) -> PyResult<i32> {
        self.inner.spawn_error(tid).map_err(failure)
    }

    #[pyo3(signature = (tid, siginfo, /))]
    fn set_siginfo(&self, tid: i32, siginfo: &[u8]) -> PyResult<bool> {
        let siginfo = siginfo
            .try_into()
            .map_err(|_| PyValueError::new_err("a siginfo_t has 128 bytes"))?;
        self.inner.set_siginfo(tid, siginfo).map_err(failure)
    }

    #[pyo3(signature = (tid, nr, args, /))]
    fn set_syscall(&self, tid: i32, nr: i32, args: Option<[u64; 6]>) -> PyResult<bool> {
        self.inner.set_syscall(tid, nr, args).map_err(failure)
    }

    #[pyo3(signature = (tid, value, /))]
    fn set_result(&self, tid: i32, value: i64) -> PyResult<bool> {
        self.inner.set_result(tid, value).map_err(failure)
    }

    #[pyo3(signature = (tid, /))]
    fn get_regs<'py>(&self, py: Python<'py>, tid: i32) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.get_regset(py, tid, NT_PRSTATUS, None)
    }

    #[pyo3(signature = (tid, regset, /))]
    fn set_regs(&self, tid: i32, regset: &[u8]) -> PyResult<bool> {
        self.set_regset(tid, NT_PRSTATUS, regset)
    }

    #[pyo3(signature = (tid, kind, length=None, /))]
    fn get_regset<'py>(
        &self,
        py: Python<'py>,
        tid: i32,
        kind: u32,
        length: Option<usize>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let regset = self.inner.get_regset(tid, kind, length).map_err(failure)?;
        Ok(regset.map(|regset| PyBytes::new(py, &regset)))
    }

    #[pyo3(signature = (request, tid, addr, buffer, /))]
    fn request_buffer<'py>(
        &self,
        py: Python<'py>,
        request: u32,
        tid: i32,
        addr: usize,
        mut buffer: Vec<u8>,
    ) -> PyResult<(i64, Bound<'py, PyBytes>)> {
        let answer = match self.inner.request_buffer(request, tid, addr, &mut buffer) {
            Ok(answer) => answer,
            Err(Failure::Kernel(errno)) => -i64::from(errno.0),
            Err(error) => return Err(failure(error)),
        };
        Ok((answer, PyBytes::new(py, &buffer)))
    }

    #[pyo3(signature = (request, tid, addr, data, /))]
    fn request_number(&self, request: u32, tid: i32, addr: usize, data: usize) -> PyResult<i64> {
        match self.inner.request_number(request, tid, addr, data) {
            Ok(answer) => Ok(answer),
            Err(Failure::Kernel(errno)) => Ok(-i64::from(errno.0)),
            Err(error) => Err(failure(error)),
        }
    }

    #[pyo3(signature = (request, tid, addr, data, buffer, /))]
    fn request_i386<'py>(
        &self,
        py: Python<'py>,
        request: u32,
        tid: i32,
        addr: u32,
        data: u32,
        mut buffer: Vec<u8>,
    ) -> PyResult<(i64, Bound<'py, PyBytes>)> {
        let answer = match self
            .inner
            .request_i386(request, tid, addr, data, &mut buffer)
        {
            Ok(answer) => answer,
            Err(Failure::Kernel(errno)) => -i64::from(errno.0),
            Err(error) => return Err(failure(error)),
        };
        Ok((answer, PyBytes::new(py, &buffer)))
    }

    #[pyo3(signature = (tid, kind, regset, /))]
    fn set_regset(&self, tid: i32, kind: u32, regset: &[u8]) -> PyResult<bool> {
        self.inner.set_regset(tid, kind, regset).map_err(failure)
    }

    #[pyo3(signature = (tid, /))]
    fn interrupted_syscall(&self, tid: i32) -> PyResult<Option<(u32, i32)>> {
        self.inner.interrupted_syscall(tid).map_err(failure)
    }

    #[pyo3(signature = (tid, /))]
    fn rewind_syscall(&self, tid: i32) -> PyResult<bool> {
        self.inner.rewind_syscall(tid).map_err(failure)
    }

    #[cfg(target_arch = "x86_64")]
    #[pyo3(signature = (tid, index, /))]
    fn get_debug_register(&self, tid: i32, index: usize) -> PyResult<Option<u64>> {
        self.inner.get_debug_register(tid, index).map_err(failure)
    }

    #[cfg(target_arch = "x86_64")]
    #[pyo3(signature = (tid, index, value, /))]
    fn set_debug_register(&self, tid: i32, index: usize, value: u64) -> PyResult<bool> {
        self.inner
            .set_debug_register(tid, index, value)
            .map_err(failure)
    }

    #[pyo3(signature = (tid, /))]
    fn watch_reap(&self, tid: i32) -> PyResult<bool> {
        self.inner.watch_reap(tid).map_err(failure)
    }

    #[pyo3(signature = (tid, /))]
    fn watch_zombie(&self, tid: i32) -> PyResult<()> {
        self.inner.watch_zombie(tid).map_err(failure)
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.inner.close());
    }

    #[pyo3(signature = (text_max, items_max, cpu_times, /))]
    fn add_sink(&self, text_max: usize, items_max: usize, cpu_times: bool) -> usize {
        let limits = Limits {
            text: text_max,
            items: items_max,
        };
        self.inner.recorder().add_sink(limits, cpu_times)
    }

    #[pyo3(signature = (sink, arch, nr, program, wanted, screens, /))]
    fn teach(
        &self,
        sink: usize,
        arch: u32,
        nr: i32,
        program: Option<&Bound<'_, record::Program>>,
        wanted: bool,
        screens: (Vec<record::Step>, Vec<record::Step>),
    ) -> PyResult<()> {
        let entry = match program {
            Some(program) => Entry::Recorded(Arc::clone(&program.get().0)),
            None if wanted => Entry::Ordinary,
            None => Entry::Unwanted,
        };
        let screens = (record::screen(screens.0)?, record::screen(screens.1)?);
        self.inner
            .recorder()
            .teach(sink, (arch, nr), entry, screens);
        Ok(())
    }

    /// Errno, 0 if the programs are in place.
    #[pyo3(signature = (sink, at_entry, at_exit, table, scratch_bytes, /))]
    fn open_tap(
        &self,
        sink: usize,
        at_entry: &[u8],
        at_exit: &[u8],
        table: &[u8],
        scratch_bytes: usize,
    ) -> i32 {
        let programs = [at_entry, at_exit];
        let recorder = self.inner.recorder();
        let opened = recorder.open_tap(sink, programs, table, scratch_bytes);
        opened.err().map_or(0, |error| error.0)
    }

    #[pyo3(signature = (tid, /))]
    fn join_tap(&self, tid: i32) -> bool {
        self.inner.recorder().join_tap(tid)
    }

    #[pyo3(signature = (tid, /))]
    fn leave_tap(&self, tid: i32) {
        self.inner.recorder().leave_tap(tid);
    }

    fn tap_lost(&self) -> u64 {
        self.inner.recorder().lost()
    }

    #[pyo3(signature = (tid, sink, request, process, passes, /))]
    fn start_recording(&self, tid: i32, sink: usize, request: i32, process: i32, passes: u32) {
        let life = (process, passes);
        self.inner.recorder().start(tid, sink, request, life);
    }

    #[pyo3(signature = (tid, /))]
    fn stop_recording<'py>(
        &self,
        py: Python<'py>,
        tid: i32,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        // A stop that is being taken is waited for; it may want the interpreter.
        let call = py.detach(|| self.inner.recorder().stop(tid));
        in_call(py, &call)
    }

    #[pyo3(signature = (tid, /))]
    fn recorded_call<'py>(
        &self,
        py: Python<'py>,
        tid: i32,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        in_call(py, &self.inner.recorder().call_of(tid))
    }

    #[pyo3(signature = (tid, /))]
    fn take_again(&self, py: Python<'_>, tid: i32) -> PyResult<bool> {
        py.detach(|| self.inner.take_again(tid)).map_err(failure)
    }

    fn hold_lives(&self, py: Python<'_>) -> bool {
        // As for `stop_recording`.
        py.detach(|| self.inner.recorder().hold_lives(true))
    }

    fn release_lives(&self, py: Python<'_>) {
        py.detach(|| self.inner.recorder().hold_lives(false));
    }

    fn has_records(&self) -> bool {
        self.inner.recorder().has_records()
    }

    /// [(sink, `Batch` or fact, real ns of the fact)]
    fn take_records<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let pieces = self.inner.recorder().take();
        let pieces: PyResult<Vec<_>> = pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Calls(sink, batch) => (sink, record::Batch(batch), 0).into_pyobject(py),
                Piece::Fact(sink, fact, time_ns) => {
                    (sink, fact_tuple(py, &fact)?, time_ns).into_pyobject(py)
                }
            })
            .collect();
        PyList::new(py, pieces?)
    }
}

/// The entry of a recorded call, () if there is none, None if Python knows.
fn in_call<'py>(py: Python<'py>, call: &InCall) -> PyResult<Option<Bound<'py, PyTuple>>> {
    match call {
        InCall::AsTold => Ok(None),
        InCall::No => Ok(Some(PyTuple::empty(py))),
        InCall::Yes(fact) => fact_tuple(py, fact).map(Some),
    }
}

const NT_PRSTATUS: u32 = 1;

#[pyfunction]
fn tap_offsets() -> Option<(u32, u32)> {
    tap::offsets()
}

/// The kernel as utrace-sys knows it.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Tracer>()?;
    module.add_class::<stack::Stacks>()?;
    module.add_class::<record::Program>()?;
    module.add_class::<record::Batch>()?;
    module.add_class::<record::Lines>()?;
    module.add_function(wrap_pyfunction!(memory::read_memory, module)?)?;
    module.add_function(wrap_pyfunction!(memory::read_many, module)?)?;
    module.add_function(wrap_pyfunction!(memory::read_cstring, module)?)?;
    module.add_function(wrap_pyfunction!(memory::write_memory, module)?)?;
    module.add_function(wrap_pyfunction!(tap_offsets, module)?)?;
    Ok(())
}
