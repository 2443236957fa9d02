//! Facts for Python.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use utrace_sys::{Detail, Fact};

/// The plain tuple of `utrace.kernel.api.Fact`.
#[allow(clippy::many_single_char_names, reason = "six arguments of a syscall")]
pub(crate) fn fact_tuple<'py>(py: Python<'py>, fact: &Fact) -> PyResult<Bound<'py, PyTuple>> {
    let (tid, kind, value) = (fact.tid, fact.kind as u8, fact.value);
    match fact.detail {
        Detail::None => (tid, kind, value, py.None()).into_pyobject(py),
        Detail::Entry {
            arch,
            ip,
            sp,
            args: [a, b, c, d, e, f],
            ret_data: None,
        } => (tid, kind, value, (arch, ip, sp, a, b, c, d, e, f)).into_pyobject(py),
        Detail::Entry {
            arch,
            ip,
            sp,
            args: [a, b, c, d, e, f],
            ret_data: Some(data),
        } => (tid, kind, value, (arch, ip, sp, a, b, c, d, e, f, data)).into_pyobject(py),
        Detail::Exit {
            arch,
            ip,
            sp,
            is_error,
        } => (tid, kind, value, (arch, ip, sp, is_error)).into_pyobject(py),
        Detail::Kind(passed) => (tid, kind, value, passed as u8).into_pyobject(py),
        Detail::Process(id) => (tid, kind, value, id).into_pyobject(py),
        Detail::Name(ref name) => {
            let length = name.iter().position(|&byte| byte == 0);
            let name = PyBytes::new(py, &name[..length.unwrap_or(name.len())]);
            (tid, kind, value, name).into_pyobject(py)
        }
        Detail::Usage(ref usage) => (tid, kind, value, PyBytes::new(py, usage)).into_pyobject(py),
        Detail::Siginfo(ref siginfo) => {
            (tid, kind, value, PyBytes::new(py, siginfo)).into_pyobject(py)
        }
    }
}
