//! The recording tier for Python: programs, batches, and lines made of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use utrace_sys::batch::{Batch as SysBatch, Event, What};
use utrace_sys::line_style::{Asked, Clock, LineStyle, Oracle, PidShown};
use utrace_sys::lines::Lines as SysLines;
use utrace_sys::pen::Copied;
use utrace_sys::screen::{self, Screen};
use utrace_sys::shape::{Limits, Program as SysProgram};

use crate::shapes;

/// How the calls of one number are recorded and written.
#[pyclass(frozen, module = "utrace._native")]
pub(crate) struct Program(pub(crate) Arc<SysProgram>);

#[pymethods]
impl Program {
    #[new]
    #[pyo3(signature = (name, shapes, late, known, word, returned, foreign, socket, frame, /))]
    #[allow(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        reason = "the parts of a ProgramSpec, of which lists are converted into values"
    )]
    fn new(
        name: String,
        shapes: &Bound<'_, PyTuple>,
        late: Vec<usize>,
        known: Vec<String>,
        word: usize,
        returned: &str,
        foreign: bool,
        socket: Option<usize>,
        frame: Option<u64>,
    ) -> PyResult<Self> {
        let texts = (returned, foreign);
        let places = (socket, frame);
        let program = shapes::program(name, shapes, late, &known, word, texts, places)?;
        Ok(Self(Arc::new(program)))
    }
}

/// A `utrace.kernel.screens.Step`.
pub(crate) type Step = (usize, u64, u64, bool, u64, i32, i32);

pub(crate) fn screen(steps: Vec<Step>) -> PyResult<Screen> {
    let steps = steps
        .into_iter()
        .map(
            |(register, mask, flip, below, value, then, otherwise)| screen::Step {
                register,
                mask,
                flip,
                below,
                value,
                then,
                otherwise,
            },
        );
    Screen::new(steps.collect()).ok_or_else(|| PyValueError::new_err("no screen"))
}

/// [(address, bytes asked for or limit, bytes, whether a string's NUL was found or None)]
fn ranges<'py>(py: Python<'py>, copied: &Copied<'_>) -> PyResult<Bound<'py, PyList>> {
    PyList::new(
        py,
        copied.ranges.iter().map(|range| {
            let bytes = &copied.bytes[range.start..range.start + range.length];
            (
                range.address,
                range.wanted,
                PyBytes::new(py, bytes),
                range.terminated,
            )
        }),
    )
}

/// What was recorded, in order.
#[pyclass(frozen, module = "utrace._native")]
pub(crate) struct Batch(pub(crate) SysBatch);

impl Batch {
    fn get(&self, index: usize) -> PyResult<&Event> {
        self.0
            .events()
            .get(index)
            .ok_or_else(|| PyIndexError::new_err("no such event"))
    }
}

#[pymethods]
impl Batch {
    /// One call of a task whose memory is as it is now, whole or without its end: for tests.
    #[staticmethod]
    #[pyo3(signature = (tid, call, program, result, limits, /))]
    fn of_call(
        tid: i32,
        call: (u32, i32, [u64; 6]),
        program: &Bound<'_, Program>,
        result: Option<i64>,
        limits: (usize, usize),
    ) -> Self {
        let limits = Limits {
            text: limits.0,
            items: limits.1,
        };
        Self(SysBatch::of_call(
            tid,
            call,
            &program.get().0,
            result,
            limits,
        ))
    }

    /// How many wanted calls began, how many passed their screen, how many of those ended unwanted.
    fn screened(&self) -> (usize, usize, usize) {
        self.0.screened()
    }

    fn __len__(&self) -> usize {
        self.0.events().len()
    }

    /// (tid, real ns, monotonic ns, CPU ns, ranges, result, None) of an exit, or with
    /// (arch, nr, args) instead of None of an entry.
    #[pyo3(signature = (index, /))]
    fn event<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyTuple>> {
        let event = self.get(index)?;
        let copies = ranges(py, &self.0.copied(event))?;
        let (tid, times) = (event.tid, (event.time_ns, event.mono_ns, event.cpu_ns));
        let (real, mono, cpu) = times;
        match &event.what {
            What::Entry { arch, nr, args, .. } => {
                let entry = (*arch, *nr, PyTuple::new(py, args)?);
                (tid, real, mono, cpu, copies, 0, entry).into_pyobject(py)
            }
            What::Nothing => {
                (tid, real, mono, cpu, PyList::empty(py), 0, py.None()).into_pyobject(py)
            }
            What::Exit(result) => {
                (tid, real, mono, cpu, copies, *result, py.None()).into_pyobject(py)
            }
        }
    }

    /// What each thread that is in it does at its end: (tid, number of the entry of a call in progress).
    fn in_progress(&self) -> Vec<(i32, Option<usize>)> {
        self.0.in_progress()
    }

    /// (tid, audit arch; 0 of an exit)
    #[pyo3(signature = (index, /))]
    fn whose(&self, index: usize) -> PyResult<(i32, u32)> {
        let event = self.get(index)?;
        Ok(match event.what {
            What::Entry { arch, .. } => (event.tid, arch),
            What::Exit(_) | What::Nothing => (event.tid, 0),
        })
    }
}

/// Asks a Python object, and keeps the first exception.
struct Asker<'a> {
    oracle: &'a Py<PyAny>,
    error: Option<PyErr>,
}

impl Asker<'_> {
    fn keep<T>(&mut self, answer: PyResult<T>) -> Option<T> {
        match answer {
            Ok(value) => Some(value),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }
}

impl Oracle for Asker<'_> {
    fn word(&mut self, table: u32, value: u64) -> Option<String> {
        let answer = Python::attach(|py| {
            self.oracle
                .call_method1(py, "word", (table, value))?
                .extract(py)
        });
        self.keep(answer)
    }

    fn begun(&mut self, call: &Asked<'_>) -> Option<String> {
        let answer = Python::attach(|py| {
            let args = PyTuple::new(py, call.args)?;
            let entry = ranges(py, &call.entry)?;
            let arguments = (call.arch, call.nr, args, entry);
            self.oracle
                .call_method1(py, "begun", arguments)?
                .extract(py)
        });
        self.keep(answer)
    }

    fn ended(&mut self, call: &Asked<'_>) -> Option<(String, String)> {
        let (result, exit) = call.exit?;
        let answer = Python::attach(|py| {
            let args = PyTuple::new(py, call.args)?;
            let entry = ranges(py, &call.entry)?;
            let exit = ranges(py, &exit)?;
            let arguments = (call.arch, call.nr, args, entry, result, exit);
            self.oracle
                .call_method1(py, "ended", arguments)?
                .extract(py)
        });
        self.keep(answer)
    }
}

/// One sequence of lines, written from batches.
#[pyclass(frozen, module = "utrace._native")]
pub(crate) struct Lines {
    lines: Mutex<SysLines>,
    oracle: Py<PyAny>,
}

impl Lines {
    fn lines(&self) -> MutexGuard<'_, SysLines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T: Send>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut SysLines, &mut Asker<'_>, &mut String) -> T + Send,
    ) -> PyResult<(String, T)> {
        let (text, value, error) = py.detach(|| {
            let mut text = String::new();
            let mut asker = Asker {
                oracle: &self.oracle,
                error: None,
            };
            let value = act(&mut self.lines(), &mut asker, &mut text);
            (text, value, asker.error)
        });
        match error {
            Some(error) => Err(error),
            None => Ok((text, value)),
        }
    }
}

#[pymethods]
impl Lines {
    #[new]
    #[pyo3(signature = (oracle, limits, text_max, column, pids, clock, durations, statuses, whole, /))]
    #[allow(clippy::too_many_arguments, reason = "the fields of a LineStyle")]
    fn new(
        oracle: Py<PyAny>,
        limits: (usize, usize),
        text_max: usize,
        column: usize,
        pids: &str,
        clock: &str,
        durations: bool,
        statuses: (bool, bool),
        whole: bool,
    ) -> PyResult<Self> {
        let pids = match pids {
            "NEVER" => PidShown::Never,
            "COLUMN" => PidShown::Column,
            "WHEN_SEVERAL" => PidShown::WhenSeveral,
            _ => return Err(PyValueError::new_err("no PidShown")),
        };
        let clock = match clock {
            "NONE" => Clock::None,
            "SECONDS" => Clock::Seconds,
            "MICROSECONDS" => Clock::Microseconds,
            "UNIX" => Clock::Unix,
            _ => return Err(PyValueError::new_err("no Clock")),
        };
        let (successful, failed) = statuses;
        let style = LineStyle {
            text_max,
            column,
            pids,
            clock,
            durations,
            successful,
            failed,
            whole,
        };
        let limits = Limits {
            text: limits.0,
            items: limits.1,
        };
        Ok(Self {
            lines: Mutex::new(SysLines::new(style, limits)),
            oracle,
        })
    }

    #[pyo3(signature = (tid, arch, /))]
    fn admit(&self, tid: i32, arch: u32) {
        self.lines().admit(tid, arch);
    }

    #[pyo3(signature = (tid, /))]
    fn dismiss(&self, tid: i32) {
        self.lines().dismiss(tid);
    }

    #[pyo3(signature = (several, /))]
    fn set_several(&self, several: bool) {
        self.lines().set_several(several);
    }

    #[pyo3(signature = (batch, start, /))]
    fn take(
        &self,
        py: Python<'_>,
        batch: &Bound<'_, Batch>,
        start: usize,
    ) -> PyResult<(String, usize)> {
        let batch = &batch.get().0;
        self.write(py, |lines, asker, text| {
            lines.take(batch, start, asker, text)
        })
    }

    fn show(&self, py: Python<'_>) -> PyResult<String> {
        let (text, ()) = self.write(py, |lines, asker, text| lines.show(asker, text))?;
        Ok(text)
    }

    fn break_off(&self, py: Python<'_>) -> PyResult<String> {
        let (text, ()) = self.write(py, |lines, asker, text| lines.break_off(asker, text))?;
        Ok(text)
    }

    #[pyo3(signature = (tid, /))]
    fn release(&self, tid: i32) -> Option<(Option<String>, bool, usize)> {
        self.lines().release(tid)
    }
}
