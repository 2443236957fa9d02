//! `utrace._native.Stacks`: utrace-stack for Python.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use utrace_stack::{Symbols, Unwinding};

/// Function, offset in it, source file, line.
type PlaceTuple = (Option<String>, u64, Option<String>, u32);

/// Unwinds stopped threads, and names frames; what is read of files is kept.
#[pyclass(frozen, module = "utrace._native")]
pub(crate) struct Stacks {
    unwinding: Mutex<Unwinding>,
    symbols: Mutex<Symbols>,
}

#[pymethods]
impl Stacks {
    #[new]
    fn new() -> Self {
        Self {
            unwinding: Mutex::default(),
            symbols: Mutex::default(),
        }
    }

    #[pyo3(signature = (tid, process, registers, frames_max, /))]
    fn frames(
        &self,
        py: Python<'_>,
        tid: i32,
        process: i32,
        registers: (u64, u64, u64, u64),
        frames_max: usize,
    ) -> Vec<(String, u64, bool)> {
        py.detach(|| {
            let mut unwinding = self
                .unwinding
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            unwinding
                .frames(tid, process, registers, frames_max)
                .into_iter()
                .map(|frame| (frame.path.to_string(), frame.address, frame.is_caller))
                .collect()
        })
    }

    #[pyo3(signature = (process, /))]
    fn forget(&self, process: i32) {
        self.unwinding
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .forget(process);
    }

    #[pyo3(signature = (path, address, is_caller, with_source, /))]
    fn place(
        &self,
        py: Python<'_>,
        path: &str,
        address: u64,
        is_caller: bool,
        with_source: bool,
    ) -> PlaceTuple {
        py.detach(|| {
            let mut symbols = self.symbols.lock().unwrap_or_else(PoisonError::into_inner);
            let place = symbols.place(path, address, is_caller, with_source);
            let (file, line) = place
                .source
                .map_or((None, 0), |(file, line)| (Some(file), line));
            (place.function, place.offset, file, line)
        })
    }
}
