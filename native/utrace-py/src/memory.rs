//! Memory of other processes, for Python.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use utrace_sys::memory;

use crate::os_error;

#[pyfunction]
#[pyo3(signature = (tid, address, length, /))]
pub(crate) fn read_memory(
    py: Python<'_>,
    tid: i32,
    address: u64,
    length: usize,
) -> PyResult<Bound<'_, PyBytes>> {
    let bytes = py
        .detach(|| memory::read(tid, address, length))
        .map_err(os_error)?;
    Ok(PyBytes::new(py, &bytes))
}

#[pyfunction]
#[pyo3(signature = (tid, ranges, /))]
#[allow(
    clippy::needless_pass_by_value,
    reason = "a list is converted into a value"
)]
pub(crate) fn read_many(
    py: Python<'_>,
    tid: i32,
    ranges: Vec<(u64, usize)>,
) -> PyResult<Bound<'_, PyList>> {
    let found = py
        .detach(|| memory::read_many(tid, &ranges))
        .map_err(os_error)?;
    PyList::new(py, found.iter().map(|bytes| PyBytes::new(py, bytes)))
}

#[pyfunction]
#[pyo3(signature = (tid, address, limit, /))]
pub(crate) fn read_cstring(
    py: Python<'_>,
    tid: i32,
    address: u64,
    limit: usize,
) -> PyResult<(Bound<'_, PyBytes>, bool)> {
    let (bytes, terminated) = memory::read_cstring(tid, address, limit).map_err(os_error)?;
    Ok((PyBytes::new(py, &bytes), terminated))
}

#[pyfunction]
#[pyo3(signature = (tid, address, data, /))]
pub(crate) fn write_memory(tid: i32, address: u64, data: &[u8]) -> PyResult<usize> {
    memory::write(tid, address, data).map_err(os_error)
}
